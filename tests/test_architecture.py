"""The rules that keep the parts of the engine apart: includes, and what a kernel may contain."""

import ast
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CSRC = ROOT / "csrc"
SOURCES = sorted(path for path in CSRC.rglob("*") if path.suffix in {".h", ".cpp", ".def"})

# The folders whose headers each folder may include. Others see the table of the kernels only.
MAY_INCLUDE = {
    "simd": {"simd"},
    "kernels": {"simd", "kernels"},
    "core": {"core", "runtime", "kernels/table.h"},
    "runtime": {"core", "runtime", "kernels/table.h"},
    "ops": {"core", "runtime", "ops", "kernels/table.h"},
    "autograd": {"core", "runtime", "ops", "autograd"},
    "graph": {"core", "runtime", "ops", "autograd", "graph"},
    "bindings": {"core", "runtime", "ops", "autograd", "graph", "bindings"},
}
# What code that is compiled once per instruction set may include of the system: nothing with inline
# functions that the linker could keep for everyone.
KERNEL_SYSTEM_HEADERS = {"cstddef", "cstdint"}
SIMD_SYSTEM_HEADERS = KERNEL_SYSTEM_HEADERS | {"immintrin.h", "emmintrin.h", "arm_neon.h"}
PEERS = {"jax", "keras", "tensorflow", "torch"}

INTRINSIC = re.compile(
    r"\b(_mm\d*_\w+|__m(128|256|512)[id]?|float(32|64)x\d_t|v(ld1|st1|fma|add|mul)q?_\w+)\b"
)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


def folder(path: Path) -> str:
    return path.relative_to(CSRC).parts[0]


def code(path: Path) -> str:
    """The text of a source file without its comments."""
    return COMMENT.sub("", path.read_text(encoding="utf-8"))


def includes(path: Path, brackets: str) -> list[str]:
    opening, closing = brackets
    pattern = rf"^\s*#\s*include\s*{re.escape(opening)}([^{closing}]+){closing}"
    return re.findall(pattern, code(path), re.MULTILINE)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_includes_follow_the_dependency_rule(path: Path) -> None:
    allowed = MAY_INCLUDE[folder(path)]
    wrong = [h for h in includes(path, '""') if h not in allowed and h.split("/")[0] not in allowed]
    assert not wrong, f"{relative(path)} may include {sorted(allowed)} only"


def test_only_one_file_knows_openmp() -> None:
    users = {relative(p) for p in SOURCES if re.search(r"omp\.h|#\s*pragma\s+omp", code(p))}
    assert users == {"csrc/runtime/parallel.cpp"}


def test_intrinsics_are_in_simd_only() -> None:
    users = {relative(p) for p in SOURCES if folder(p) != "simd" and INTRINSIC.search(code(p))}
    assert not users


@pytest.mark.parametrize("name", ["kernels", "simd"])
def test_kernels_are_plain_functions(name: str) -> None:
    allowed = SIMD_SYSTEM_HEADERS if name == "simd" else KERNEL_SYSTEM_HEADERS
    for path in (p for p in SOURCES if folder(p) == name):
        assert set(includes(path, "<>")) <= allowed, relative(path)
        words = re.findall(
            r"\bstd::\w+|\b(?:throw|try|new|delete|malloc|thread_local)\b", code(path)
        )
        assert not words, relative(path)


def kernel_objects() -> list[Path]:
    """Objects of the kernels in the build folders that are at hand."""
    folders = [ROOT / "build", *(Path(p) for p in [os.environ.get("SKBUILD_BUILD_DIR")] if p)]
    return [o for f in folders for o in sorted(f.rglob("pynn_kernels_*.dir/**/*.o"))]


def test_kernel_objects_lend_no_code() -> None:
    """A weak symbol in an AVX-512 object may be the copy that the linker keeps for everyone."""
    nm = shutil.which("nm")
    objects = kernel_objects()
    if nm is None or not objects:
        pytest.skip("needs nm and a build in build/ or $SKBUILD_BUILD_DIR")
    for path in objects:
        level = re.search(r"pynn_kernels_(\w+)\.dir", str(path))[1]
        own = re.compile(rf"pynn::kernels::({level}::|{level}_table\(\))")
        command = [nm, "--demangle", "--defined-only", "--extern-only", str(path)]
        listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for line in listing.splitlines():
            _, kind, symbol = line.split(maxsplit=2)
            assert kind == "T", f"{path.name} at {level}: {line}"
            assert own.match(symbol), f"{path.name} at {level}: {line}"


@pytest.mark.parametrize("path", sorted((ROOT / "pynn").rglob("*.py")), ids=relative)
def test_the_package_imports_no_peer(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        assert not PEERS & {name.split(".")[0] for name in names}, f"line {node.lineno}"
