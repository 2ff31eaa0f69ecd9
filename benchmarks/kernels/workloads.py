"""What is measured: every job with its sizes, its arithmetic and its memory traffic."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

SIZES = {"float64": 8, "float32": 4, "bfloat16": 2, "int32": 4}
# Rounding of one operation.
EPSILON = {"float64": 2.0**-53, "float32": 2.0**-24, "bfloat16": 2.0**-9}


@dataclass(frozen=True)
class Array:
    """An input: uniform in [low, high)."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    low: float = -1.0
    high: float = 1.0

    @property
    def nbytes(self) -> int:
        return int(np.prod(self.shape)) * SIZES[self.dtype]

    def values(self, seed: int) -> np.ndarray:
        """The same in every process. Values for bfloat16 are float32 that bfloat16 holds."""
        rng = np.random.default_rng(seed)
        if self.dtype == "int32":
            return rng.integers(int(self.low), int(self.high), self.shape, np.int32)
        dtype = np.float64 if self.dtype == "float64" else np.float32
        values = rng.random(self.shape, dtype) * dtype(self.high - self.low) + dtype(self.low)
        if self.dtype == "bfloat16":
            values = (values.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
        return values


@dataclass(frozen=True)
class Workload:
    """One job, done the same way by every framework.

    Attributes:
        name: unique; op, sizes and dtype.
        group: the group whose geometric mean it counts in.
        op: key of the `OPS` of each framework.
        inputs: the operands.
        params: keyword arguments of the op.
        flops: floating-point operations (0 where memory alone sets the limit).
        traffic: bytes read plus written, each array once, by kind (see `machine.Limits`).
        working_set: bytes touched.
        dtype: what the job computes in.
        tolerance: largest difference between frameworks, relative to the largest result.
        case: the job as the C++ micro-benchmark knows it, or "".
        random: results are compared by share of zeros and largest value only.
    """

    name: str
    group: str
    op: str
    inputs: tuple[Array, ...]
    traffic: dict[str, int]
    working_set: int
    tolerance: float
    params: dict[str, Any] = field(default_factory=dict)
    flops: float = 0.0
    dtype: str = "float32"
    case: str = ""
    random: bool = False

    def arrays(self) -> list[np.ndarray]:
        seed = zlib.crc32(self.name.encode())
        return [array.values(seed + index) for index, array in enumerate(self.inputs)]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Workload:
        inputs = tuple(Array(**{**x, "shape": tuple(x["shape"])}) for x in fields["inputs"])
        return cls(**{**fields, "inputs": inputs})


# ---- Matrix products


def product(
    group: str, m: int, n: int, k: int, layout: str = "nn", dtype: str = "float32", op: str = ""
) -> Workload:
    """(m, k) times (k, n); in `layout` "t" marks an operand that is stored transposed."""
    a = Array((m, k) if layout[0] == "n" else (k, m), dtype)
    b = Array((k, n) if layout[1] == "n" else (n, k), dtype)
    inputs: tuple[Array, ...] = (a, b)
    if op == "dense_relu":
        inputs += (Array((n,), dtype),)
    moved = sum(x.nbytes for x in inputs) + m * n * SIZES[dtype]
    suffix = ":relu" if op == "dense_relu" else ""
    return Workload(
        name=f"{op or f'matmul {layout}'} {m}x{n}x{k}"
        + ("" if dtype == "float32" else f" {dtype}"),
        group=group,
        op=op or f"matmul_{layout}",
        inputs=inputs,
        flops=2.0 * m * n * k,
        traffic={"add": moved},
        working_set=moved,
        dtype=dtype,
        # Rounding errors of a sum grow with the root of its length; bfloat16 rounds once more.
        tolerance=(8 * EPSILON["float32"] * k**0.5 + 4 * EPSILON[dtype] * 2)
        if dtype != "float64"
        else 8 * EPSILON[dtype] * k**0.5,
        case=f"gemm:{dtype}:{layout}:{m}x{n}x{k}{suffix}",
    )


def batched_product(batch: int, n: int) -> Workload:
    shape = (batch, n, n)
    moved = 3 * batch * n * n * 4
    return Workload(
        name=f"matmul nn {batch}x({n}x{n}x{n})",
        group="gemm",
        op="matmul_nn",
        inputs=(Array(shape), Array(shape)),
        flops=2.0 * batch * n**3,
        traffic={"add": moved},
        working_set=moved,
        tolerance=8 * EPSILON["float32"] * n**0.5,
    )


# (inputs, outputs) of the layers of dense networks: images, embeddings, classifiers.
LAYERS = [
    (784, 128), (784, 512), (784, 10), (128, 128), (128, 10), (64, 64), (64, 10), (10, 64),
    (256, 256), (256, 10), (512, 512), (512, 10), (1024, 1024), (1024, 256), (2048, 2048),
]  # fmt: skip
QUICK_LAYERS = [(784, 128), (128, 10), (64, 64), (512, 512), (1024, 1024)]


def gemm(quick: bool) -> Iterator[Workload]:
    for size in (256, 1024) if quick else (256, 512, 1024, 2048):
        yield product("gemm", size, size, size)
    if not quick:
        yield product("gemm", 4096, 1024, 1024)
    size = 512 if quick else 1024
    yield product("gemm", size, size, size, dtype="float64")
    yield product("gemm", size, size, size, dtype="bfloat16")
    yield batched_product(64, 64)


def dense(quick: bool) -> Iterator[Workload]:
    for rows in (1, 32, 256) if quick else (1, 8, 32, 64, 128, 256):
        for inputs, outputs in QUICK_LAYERS if quick else LAYERS:
            yield product("dense forward", rows, outputs, inputs, op="dense_relu")
            # dX = dY W^T and dW = X^T dY, with W stored as (inputs, outputs).
            yield product("dense dX", rows, inputs, outputs, "nt")
            yield product("dense dW", inputs, outputs, rows, "tn")


# ---- Elementwise

# name: (group, inputs, range of the inputs, kind in the C++ benchmark)
ELEMENTWISE: dict[str, tuple[str, int, tuple[float, float], str]] = {
    "add": ("elementwise", 2, (-1, 1), "binary"),
    "multiply": ("elementwise", 2, (-1, 1), "binary"),
    "exp": ("elementwise", 1, (-10, 10), "unary"),
    "log": ("elementwise", 1, (1e-3, 100), "unary"),
    "sqrt": ("elementwise", 1, (0, 100), "unary"),
    "erf": ("elementwise", 1, (-3, 3), "unary"),
    "relu": ("activations", 1, (-1, 1), "unary"),
    "tanh": ("activations", 1, (-5, 5), "unary"),
    "sigmoid": ("activations", 1, (-8, 8), "unary"),
    "gelu": ("activations", 1, (-5, 5), "unary"),
    "relu_grad": ("gradients", 2, (-1, 1), "binary"),
    "tanh_grad": ("gradients", 2, (-1, 1), "binary"),
    "sigmoid_grad": ("gradients", 2, (-1, 1), "binary"),
    "gelu_grad": ("gradients", 2, (-4, 4), "binary"),
}


def counts(quick: bool) -> list[int]:
    return [1_000, 100_000, 10_000_000] if quick else [10**power for power in range(3, 8)]


def power(size: int) -> str:
    """A power of ten as in 1e5."""
    return f"1e{len(str(size)) - 1}"


def elementwise(quick: bool) -> Iterator[Workload]:
    for size in counts(quick):
        for op, (group, inputs, (low, high), kind) in ELEMENTWISE.items():
            moved = (inputs + 1) * size * 4
            yield Workload(
                name=f"{op} {power(size)}",
                group=group,
                op=op,
                inputs=(Array((size,), low=low, high=high),) * inputs,
                traffic={"copy" if inputs == 1 else "add": moved},
                working_set=moved,
                tolerance=64 * EPSILON["float32"],
                case=f"{kind}:{op}:{size}",
            )
        yield Workload(
            name=f"dropout {power(size)}",
            group="elementwise",
            op="dropout",
            inputs=(Array((size,), low=0.5, high=1.0),),
            params={"rate": 0.5},
            traffic={"copy": 2 * size * 4},
            working_set=2 * size * 4,
            tolerance=0.2,
            case=f"dropout::{size}",
            random=True,
        )


# ---- Rows and reductions


def rows(quick: bool) -> Iterator[Workload]:
    """Softmax and cross-entropy, over rows of classes."""
    for size in counts(quick):
        for classes in (10, 1000):
            shape = (size // classes, classes)
            logits = Array(shape, low=-4, high=4)
            labels = Array(shape[:1], "int32", 0, classes)
            yield Workload(
                name=f"softmax {shape[0]}x{classes}",
                group="softmax",
                op="softmax",
                inputs=(logits,),
                traffic={"copy": 2 * logits.nbytes},
                working_set=2 * logits.nbytes,
                tolerance=64 * EPSILON["float32"],
                case=f"softmax:{classes}:{size}",
            )
            yield Workload(
                name=f"cross_entropy {shape[0]}x{classes}",
                group="softmax",
                op="cross_entropy",
                inputs=(logits, labels),
                traffic={"read": logits.nbytes + labels.nbytes},
                working_set=logits.nbytes + labels.nbytes,
                tolerance=64 * EPSILON["float32"],
                case=f"cross_entropy:{classes}:{size}",
            )


def normalization(quick: bool) -> Iterator[Workload]:
    """Layer normalization over rows of 100 features, with scale and offset."""
    for size in counts(quick):
        x, scale = Array((size // 100, 100)), Array((100,), low=0.5, high=1.5)
        moved = 2 * x.nbytes + 2 * scale.nbytes
        yield Workload(
            name=f"layer_norm {size // 100}x100",
            group="normalization",
            op="layer_norm",
            inputs=(x, scale, scale),
            traffic={"copy": moved},
            working_set=moved,
            tolerance=64 * EPSILON["float32"],
        )


def reductions(quick: bool) -> Iterator[Workload]:
    for size in counts(quick):
        flat = Array((size,), low=0.0)
        columns = Array((size // 100, 100), low=0.0)
        for op, operand, case in (
            ("sum", flat, f"reduce:sum:{size}"),
            ("max", flat, f"reduce:max:{size}"),
            ("column_sum", columns, f"reduce_columns:100:{size}"),
        ):
            yield Workload(
                name=f"{op} {power(size)}",
                group="reductions",
                op=op,
                inputs=(operand,),
                traffic={"read": operand.nbytes},
                working_set=operand.nbytes,
                # A plain running sum, as peers have it along columns, is worse than pairwise sums.
                tolerance=4 * EPSILON["float32"] * size**0.5 + 8 * EPSILON["float32"],
                case=case,
            )


# ---- Optimizers

# name: arrays that are read and written
OPTIMIZERS = {
    "sgd": 1, "momentum": 2, "nesterov": 2, "rmsprop": 2, "adagrad": 2, "adam": 3, "adamw": 3
}  # fmt: skip


def optimizers(quick: bool) -> Iterator[Workload]:
    """One step; weights and state in place, the gradient is read."""
    for size in (10_000, 1_000_000) if quick else (10**4, 10**5, 10**6, 10**7):
        for op, updated in OPTIMIZERS.items():
            yield Workload(
                name=f"{op} {power(size)}",
                group="optimizers",
                op=op,
                # A gradient near 0 would bring out how epsilon is added, which is not the same in
                # all frameworks.
                inputs=(Array((size,)), Array((size,), low=0.5, high=1.5)),
                traffic={"update": 2 * updated * size * 4, "read": size * 4},
                working_set=(updated + 1) * size * 4,
                tolerance=1e-5,
                case=f"{op}::{size}",
            )


SECTIONS = {
    "gemm": gemm,
    "dense": dense,
    "elementwise": elementwise,
    "softmax": rows,
    "normalization": normalization,
    "reductions": reductions,
    "optimizers": optimizers,
}


def workloads(quick: bool, only: list[str] | None = None) -> list[Workload]:
    """All of them, or those with one of the words of `only` in their group or name.

    Raises:
        ValueError: a word that is in none.
    """
    every = [workload for section in SECTIONS.values() for workload in section(quick)]
    if not only:
        return every
    for word in only:
        if not any(word in f"{w.group} {w.name}" for w in every):
            groups = ", ".join(dict.fromkeys(w.group for w in every))
            raise ValueError(
                f"benchmarks.kernels: expected --only with a part of a group ({groups}) or of a "
                f"workload's name; received {word!r}"
            )
    return [w for w in every if any(word in f"{w.group} {w.name}" for word in only)]
