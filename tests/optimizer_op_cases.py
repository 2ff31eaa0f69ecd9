"""Cases of the optimizer updates: the formulas of the papers in float64, alone and surrounded.

Every rule is tried alone, and with scaling, clipping, weight decay and a moving average around it,
which the reference does one after the other.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from op_case import NORMAL, POSITIVE, Arrays, OpCase, Samples, uniform

from pynn import _core

SMALL = uniform(-0.1, 0.1)  # means whose square is less than the mean square
RATE = 0.125
PLAIN = (0.0, 0.0, 0.0, 0.0)
AROUND = (0.7, 0.25, 0.75, 4)  # clip value, weight decay, EMA momentum, overwritten every 4 steps


class Step(NamedTuple):
    """What a rule knows besides its arrays."""

    lr: float
    t: int
    product: float


def sgd(w: Any, g: Any, step: Step) -> Any:
    return (w - step.lr * g,)


def momentum(w: Any, m: Any, g: Any, step: Step) -> Any:
    m = 0.9 * m - step.lr * g
    return w + m, m


def nesterov(w: Any, m: Any, g: Any, step: Step) -> Any:
    m = 0.9 * m - step.lr * g
    return w + 0.9 * m - step.lr * g, m


def rmsprop(w: Any, v: Any, g: Any, step: Step) -> Any:
    v = 0.8 * v + 0.2 * g**2
    return w - step.lr * g / np.sqrt(v + 1e-3), v


def rmsprop_momentum(w: Any, v: Any, m: Any, g: Any, step: Step) -> Any:
    v = 0.8 * v + 0.2 * g**2
    m = 0.5 * m + step.lr * g / np.sqrt(v + 1e-3)
    return w - m, v, m


def rmsprop_centered(w: Any, v: Any, a: Any, g: Any, step: Step) -> Any:
    v, a = 0.8 * v + 0.2 * g**2, 0.8 * a + 0.2 * g
    return w - step.lr * g / np.sqrt(v - a**2 + 1e-3), v, a


def rmsprop_centered_momentum(w: Any, v: Any, m: Any, a: Any, g: Any, step: Step) -> Any:
    v, a = 0.8 * v + 0.2 * g**2, 0.8 * a + 0.2 * g
    m = 0.5 * m + step.lr * g / np.sqrt(v - a**2 + 1e-3)
    return w - m, v, m, a


def moments(m: Any, v: Any, g: Any) -> Any:
    return 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2


def corrected(m: Any, v: Any, step: Step) -> Any:
    return m / (1 - 0.9**step.t), v / (1 - 0.99**step.t)


def adam(w: Any, m: Any, v: Any, g: Any, step: Step) -> Any:
    m, v = moments(m, v, g)
    alpha = step.lr * np.sqrt(1 - 0.99**step.t) / (1 - 0.9**step.t)
    return w - alpha * m / (np.sqrt(v) + 1e-3), m, v


def amsgrad(w: Any, m: Any, v: Any, h: Any, g: Any, step: Step) -> Any:
    m, v = moments(m, v, g)
    h = np.maximum(h, v)
    alpha = step.lr * np.sqrt(1 - 0.99**step.t) / (1 - 0.9**step.t)
    return w - alpha * m / (np.sqrt(h) + 1e-3), m, v, h


def adagrad(w: Any, a: Any, g: Any, step: Step) -> Any:
    a = a + g**2
    return w - step.lr * g / np.sqrt(a + 1e-3), a


def adadelta(w: Any, v: Any, s: Any, g: Any, step: Step) -> Any:
    v = 0.8 * v + 0.2 * g**2
    d = np.sqrt(s + 1e-3) / np.sqrt(v + 1e-3) * g
    return w - step.lr * d, v, 0.8 * s + 0.2 * d**2


def adamax(w: Any, m: Any, u: Any, g: Any, step: Step) -> Any:
    m, u = 0.9 * m + 0.1 * g, np.maximum(0.99 * u, np.abs(g))
    return w - step.lr / (1 - 0.9**step.t) * m / (u + 1e-3), m, u


def nadam(w: Any, m: Any, v: Any, g: Any, step: Step) -> Any:
    m, v = moments(m, v, g)
    now, ahead = (0.9 * (1 - 0.5 * 0.96**i) for i in (step.t, step.t + 1))
    mean = ahead * m / (1 - step.product * ahead) + (1 - now) * g / (1 - step.product)
    return w - step.lr * mean / (np.sqrt(v / (1 - 0.99**step.t)) + 1e-3), m, v


def ftrl(power: float) -> Callable[..., Any]:
    """With l1 = 0.3, l2 = 0.1, shrinkage 0.02 and beta = 0.4."""

    def update(w: Any, n: Any, z: Any, g: Any, step: Step) -> Any:
        total = n + g**2
        sigma = (total**-power - n**-power) / step.lr
        z = z + g + 2 * 0.02 * w - sigma * w
        pull = (0.4 + total**-power) / step.lr + 2 * 0.1
        return np.where(np.abs(z) <= 0.3, 0.0, (0.3 * np.sign(z) - z) / pull), total, z

    return update


def lion(w: Any, m: Any, g: Any, step: Step) -> Any:
    return w - step.lr * np.sign(0.9 * m + 0.1 * g), 0.99 * m + 0.01 * g


def lamb(w: Any, m: Any, v: Any, g: Any, step: Step) -> Any:
    m, v = moments(m, v, g)
    mean, square = corrected(m, v, step)
    u = mean / (np.sqrt(square) + 1e-3)
    norms = np.sqrt(np.sum(w**2)), np.sqrt(np.sum(u**2))
    return w - step.lr * (norms[0] / norms[1] if min(norms) > 0 else 1.0) * u, m, v


def rms(x: np.ndarray) -> Any:
    return np.sqrt(np.sum(x**2) / x.size)


def adafactor_step(w: Any, v: Any, g: Any, step: Step) -> Any:
    u = g / np.sqrt(v)
    alpha = max(1e-2, rms(w)) * min(step.lr, 1 / np.sqrt(step.t))
    return w - alpha * u / max(1.0, rms(u) / 0.5)


def adafactor(w: Any, v: Any, g: Any, step: Step) -> Any:
    beta = 1 - step.t**-0.8
    v = beta * v + (1 - beta) * (g**2 + 1e-3)
    return adafactor_step(w, v, g, step), v


def adafactor_matrix(w: Any, r: Any, c: Any, v: Any, g: Any, step: Step) -> Any:
    beta, square = 1 - step.t**-0.8, g**2 + 1e-3
    r = beta * r + (1 - beta) * square.mean(-1)
    c = beta * c + (1 - beta) * square.mean(-2)
    v = r[..., :, None] / r.mean(-1)[..., None, None] * c[..., None, :]
    return adafactor_step(w, v, g, step), r, c, v


MOMENTS = (0.9, 0.99, 1e-3)
# Name, rule, how its states are drawn, settings.
RULES: list[tuple[str, Any, tuple[Any, ...], tuple[float, ...]]] = [
    ("sgd", sgd, (), ()),
    ("momentum", momentum, (NORMAL,), (0.9,)),
    ("nesterov", nesterov, (NORMAL,), (0.9,)),
    ("rmsprop", rmsprop, (POSITIVE,), (0.8, 0.5, 1e-3)),
    ("rmsprop_momentum", rmsprop_momentum, (POSITIVE, NORMAL), (0.8, 0.5, 1e-3)),
    ("rmsprop_centered", rmsprop_centered, (POSITIVE, SMALL), (0.8, 0.5, 1e-3)),
    (
        "rmsprop_centered_momentum",
        rmsprop_centered_momentum,
        (POSITIVE, NORMAL, SMALL),
        (0.8, 0.5, 1e-3),
    ),
    ("adam", adam, (NORMAL, POSITIVE), MOMENTS),
    ("amsgrad", amsgrad, (NORMAL, POSITIVE, POSITIVE), MOMENTS),
    ("adagrad", adagrad, (POSITIVE,), (1e-3,)),
    ("adadelta", adadelta, (POSITIVE, POSITIVE), (0.8, 1e-3)),
    ("adamax", adamax, (NORMAL, POSITIVE), MOMENTS),
    ("nadam", nadam, (NORMAL, POSITIVE), MOMENTS),
    ("ftrl", ftrl(-0.5), (POSITIVE, NORMAL), (-0.5, 0.3, 0.1, 0.02, 0.4)),
    ("ftrl", ftrl(-0.7), (POSITIVE, NORMAL), (-0.7, 0.3, 0.1, 0.02, 0.4)),
    ("lion", lion, (NORMAL,), (0.9, 0.99)),
    ("lamb", lamb, (NORMAL, POSITIVE), MOMENTS),
    ("adafactor", adafactor, (POSITIVE,), (-0.8, 1e-3, 1e-2, 0.5)),
]


def vectors(draws: tuple[Any, ...], around: bool, product: bool) -> Samples:
    """w, the states, the average, g and the scalars, in the first and in later steps."""

    def samples(rng: np.random.Generator, n: int) -> list[Arrays]:
        arrays = [draw(rng, n) for draw in (NORMAL, *draws, *([NORMAL] if around else []), NORMAL)]
        return [[*arrays, *scalars(i, around, product)] for i in (0, 3, 6)]

    return samples


def matrices(around: bool) -> Samples:
    """The same for matrices and stacks of them."""

    def samples(rng: np.random.Generator, n: int) -> list[Arrays]:
        lists: list[Arrays] = []
        for shape in [(3, n), (n, 3), (2, 70, n)] if n else []:
            columns = (*shape[:-2], shape[-1])
            arrays = [NORMAL(rng, shape), POSITIVE(rng, shape[:-1]), POSITIVE(rng, columns)]
            arrays += [POSITIVE(rng, shape), *([NORMAL(rng, shape)] if around else [])]
            lists.append([*arrays, NORMAL(rng, shape), *scalars(3, around, False)])
        return lists

    return samples


def scalars(iterations: int, around: bool, product: bool) -> Arrays:
    values = [np.array(RATE), np.array(iterations, np.int32), np.array(0.5 if around else 1.0)]
    return [*values, np.array(0.25)] if product else values


def surrounded(rule: Any, arrays: int, around: bool) -> Callable[..., Any]:
    """The rule after scaling, clipping and decay, and before the moving average."""

    def update(*args: np.ndarray) -> Any:
        written, g, (lr, iterations, scale, *rest) = args[:arrays], args[arrays], args[arrays + 1 :]
        product = float(rest[0]) if rest else 0.0
        step = Step(float(lr), int(iterations) + 1, product)
        if not around:
            return rule(*written, g, step)
        w, *states, average = written
        g = np.clip(g * scale, -AROUND[0], AROUND[0])
        w, *states = rule(w - w * AROUND[1] * lr, *states, g, step)
        keep = AROUND[2] if iterations else 0.0
        average = keep * average + (1 - keep) * w
        return average if step.t % AROUND[3] == 0 else w, *states, average

    return update


def update_case(
    name: str, rule: Any, arrays: int, samples: Samples, settings: tuple[float, ...], around: bool
) -> OpCase:
    op = getattr(_core, f"{name}_update")
    surround = AROUND if around else PLAIN
    arrays += around
    variant = f"power={settings[0]}" if name == "ftrl" else ""
    return OpCase(
        f"{name}_update",
        lambda *args: op(args[:arrays], args[arrays], args[arrays + 1 :], settings, surround),
        surrounded(rule, arrays, around),
        samples,
        variant=f"{variant}{'around' if around else ''}",
        dtypes=("float32", "float64"),
        ulps=16,
        magnitude=lambda *args: np.float64(8.0),
    )


UPDATES = [
    update_case(
        name, rule, 1 + len(draws), vectors(draws, around, name == "nadam"), settings, around
    )
    for name, rule, draws, settings in RULES
    for around in (False, True)
] + [
    update_case(
        "adafactor_matrix", adafactor_matrix, 4, matrices(around), (-0.8, 1e-3, 1e-2, 0.5), around
    )
    for around in (False, True)
]


def clip_scale(largest: float, scale: float) -> Callable[..., Any]:
    def reference(*gradients: np.ndarray) -> Any:
        norm = np.sqrt(sum(np.sum((scale * g) ** 2) for g in gradients))
        return scale * min(1.0, largest / norm) if norm > 0 else scale

    return reference


# The sums are in the dtype of the gradients, the result always in float64.
CLIPPING = [
    OpCase(
        "clip_scale",
        lambda *gradients, largest=largest: _core.clip_scale(gradients, largest, 0.5, True),
        clip_scale(largest, 0.5),
        lambda rng, n: [[NORMAL(rng, n), NORMAL(rng, (3, n))], [NORMAL(rng, 700 * n)]],
        variant=f"{dtype}-largest={largest}",
        dtypes=(dtype,),
        result="float64",
        ulps=ulps,
    )
    for dtype, ulps in (("float32", 2.0**31), ("float64", 8.0))
    for largest in (0.25, 1e6)
]

OPTIMIZERS = [*UPDATES, *CLIPPING]
