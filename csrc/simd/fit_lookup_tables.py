"""Fits the tables of simd/lookup_tables.h and prints that file. Needs NumPy and SciPy.

    python csrc/simd/fit_lookup_tables.py | clang-format > csrc/simd/lookup_tables.h

Polynomials are best in the largest relative error (weighted least squares, with weights that
follow the error: Lawson 1961), and are fitted again after each coefficient that is rounded to
float32. A piece's centre is a number near its middle at which the function is almost a float32: the
value there then has no error of its own.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import erf, erfcx

Function = Callable[[np.ndarray], np.ndarray]

PIECES = 16
# Chebyshev points in (-1, 1).
POINTS = np.cos((np.arange(400) + 0.5) * np.pi / 400)


def single(value: float) -> float:
    """Round to float32."""
    return float(np.float32(value))


def best_coefficients(t: np.ndarray, y: np.ndarray, weight: np.ndarray, powers: list) -> np.ndarray:
    """The c with least max |weight * (y - sum of c[i] t^powers[i])|, about."""
    size = np.abs(t).max()
    basis = (t[:, None] / size) ** powers
    emphasis = np.ones_like(t)
    best, least = None, np.inf
    for _ in range(40):
        rows = np.sqrt(emphasis) * weight
        c, *_ = np.linalg.lstsq(basis * rows[:, None], y * rows, rcond=None)
        error = np.abs(weight * (y - basis @ c))
        if error.max() < least:
            best, least = c / size ** np.array(powers, float), error.max()
        emphasis *= error / error.max() + 1e-3
        emphasis /= emphasis.sum()
    return best


def fit(t: np.ndarray, y: np.ndarray, weight: np.ndarray, powers: list, fixed: dict) -> list[float]:
    """Coefficients of t^0, t^1, ... in float32, some of them given in `fixed`."""
    found = dict(fixed)
    y = y - sum(c * t**power for power, c in fixed.items())
    left = [power for power in powers if power not in fixed]
    while left:
        c = single(best_coefficients(t, y, weight, left)[0])
        power = left.pop(0)
        found[power] = c
        y = y - c * t**power
    return [found.get(power, 0.0) for power in range(max(found) + 1)]


def points(begin: float, end: float) -> np.ndarray:
    """Chebyshev points of an interval."""
    return (begin + end) / 2 + (end - begin) / 2 * POINTS


def nearly_exact(f: Function, begin: float, end: float, reach: int) -> float:
    """A float32 near the middle, at which f is nearly a float32."""
    middle = np.float32((begin + end) / 2)
    near = middle + np.arange(-reach, reach + 1, dtype=np.float32) * np.spacing(middle)
    values = f(near.astype(np.float64))
    return float(near[np.argmin(np.abs(values - values.astype(np.float32)))])


# ---- Functions in pieces


def borders(shift: float, end: float) -> list[tuple[int, float, float]]:
    """Index, begin and end of the pieces: four in each binade of x + shift."""
    pieces, begin = [], shift
    while begin < shift + end:
        width = 2.0 ** (np.floor(np.log2(begin)) - 2)
        after = (np.floor(begin / width) + 1) * width
        index = int(np.float32(begin).view(np.uint32) >> 21) % PIECES
        pieces.append((index, begin - shift, min(after - shift, end)))
        begin = after
    return pieces


def in_pieces(
    f: Function,
    shift: float,
    end: float,
    degree: int,
    zero: dict | None = None,
    floor: float = 0.0,
    reach: float = np.inf,
) -> list[list[float]]:
    """Centres, and coefficients by power.

    Args:
        f: the function, of x >= 0.
        shift: pieces are four in each binade of x + shift.
        end: of the last piece.
        degree: of the polynomials.
        zero: coefficients of the first piece, which is then around 0.
        floor: errors are relative to the larger of |f| and this.
        reach: a piece ends at most this far above its centre.
    """
    centres, columns = [0.0] * PIECES, [[0.0] * (degree + 1)] * PIECES
    for index, begin, after in borders(shift, end):
        x = points(begin, after)
        y = f(x)
        if zero and begin == 0:
            fixed = zero
        else:
            middle = max((begin + after) / 2, after - reach)
            centres[index] = nearly_exact(f, middle, middle, 4000)
            fixed = {0: single(f(np.float64(centres[index])))}
        powers = list(range(degree + 1))
        weight = 1 / np.maximum(np.abs(y), floor)
        columns[index] = fit(x - centres[index], y, weight, powers, fixed)
    return [centres, *map(list, zip(*columns, strict=True))]


def erf_in_pieces(degree: int) -> list[list[float]]:
    """Coefficients by power, of pieces around multiples of 1 / 4.

    In the first one erf is odd, and the coefficient of x is what exceeds 1. The last one ends in 1.
    """
    columns = []
    for index in range(PIECES):
        t = POINTS / 8
        y = erf(t + index / 4)
        if index == 0:
            odd = list(range(1, degree + 1, 2))
            columns.append(fit(t, y - t, 1 / np.abs(y), odd, {0: 0.0}))
        else:
            if index == PIECES - 1:
                y = y + 2e-8 * (8 * t + 1)  # erf(inf) is the value at the end: it has to round to 1
            value = single(erf(index / 4))
            columns.append(fit(t, y, 1 / y, list(range(degree + 1)), {0: value}))
    return [list(row) for row in zip(*columns, strict=True)]


# ---- Exponential and logarithm


def roots() -> tuple[list[float], list[float]]:
    """2^(i / 16), and by how much it exceeds its float32, relatively."""
    exact = np.exp2(np.arange(PIECES, dtype=np.longdouble) / PIECES)
    rounded = exact.astype(np.float32)
    return [float(v) for v in rounded], [single(v) for v in exact / rounded - 1]


def inverses() -> tuple[list[float], list[float]]:
    """About 1 / m in the middle of each piece of [3/4, 3/2), and -log of it.

    That is nearly exactly a float32, and for m < 1 has log(2) on top, because the exponent there is
    one too small. Next to 1 the inverse is 1: log(x) has its error there from x - 1 alone.
    """
    low = [(PIECES // 2 + i, 0.75 + i / 32, 0.75 + (i + 1) / 32) for i in range(8)]
    high = [(i, 1 + i / 16, 1 + (i + 1) / 16) for i in range(8)]
    inverse, log = [1.0] * PIECES, [0.0] * PIECES
    for index, begin, end in low + high:
        more = single(np.log(2)) if begin < 1 else 0.0
        if begin != 1 and end != 1:
            middle = 2 / (begin + end)
            inverse[index] = nearly_exact(
                lambda c, more=more: more - np.log(c), middle, middle, 3000
            )
        log[index] = single(more - np.log(inverse[index]))
    return inverse, log


def exp2_slope() -> list[float]:
    """(2^f - 1) / f on |f| <= 1 / 32."""
    f = POINTS / 32
    return fit(f, np.expm1(f * np.log(2)) / f, np.abs(f), [0, 1, 2], {})


def log_tail() -> list[float]:
    """(log(1 + r) - r) / r^2 on -1 / 32 <= r <= 1 / 16, with weight r: relative to log(1 + r)."""
    r = points(-1 / 32, 1 / 16).astype(np.longdouble)
    y = ((np.log1p(r) - r) / r**2).astype(np.float64)
    r = r.astype(np.float64)
    return fit(r, y, np.abs(r), [0, 1, 2, 3], {})


# ---- The file


def number(value: float) -> str:
    """A literal of C++."""
    text = f"{np.float32(value):.9g}"
    return text + ("f" if set(text) & set(".e") else ".0f")


def row(values: list[float]) -> str:
    """An initializer."""
    return "{" + ", ".join(map(number, values)) + "}"


def array(name: str, values: list[float]) -> str:
    """A constant array."""
    aligned = "alignas(kVectorBytes) " if len(values) == PIECES else ""
    return f"{aligned}inline constexpr float {name}[] = {row(values)};"


def pieces(name: str, shift: float, table: list[list[float]]) -> str:
    """A constant of type Pieces."""
    centres, *rows = table
    body = ", ".join(map(row, rows))
    kind = f"Pieces<{len(rows) - 1}>"
    return f"inline constexpr {kind} {name} = {{{number(shift)}, {row(centres)}, {{{body}}}}};"


HEAD = """\
// Tables of simd/lookup_math.h, sixteen entries each. Printed by simd/fit_lookup_tables.py.
#pragma once

#include "simd/simd.h"

namespace pynn::kernels::PYNN_ISA_NAMESPACE {
namespace {

// f(x) = c[0] + c[1] t + ... with t = x - centre, each of them looked up under the upper bits of
// x + shift.
template <int Degree>
struct Pieces {
  float shift;
  alignas(kVectorBytes) float centre[16];
  alignas(kVectorBytes) float c[Degree + 1][16];
};
"""
TAIL = """
}  // namespace
}  // namespace pynn::kernels::PYNN_ISA_NAMESPACE"""


def tail(t: np.ndarray) -> np.ndarray:
    """Of the normal distribution, over exp(-t^2 / 2)."""
    return 0.5 * erfcx(t * np.sqrt(0.5))


def main() -> None:
    """Print the header."""
    print(HEAD)
    print("// tanh(x), x <= 9.1.")
    print(pieces("kTanh", 0.625, in_pieces(np.tanh, 0.625, 9.1, 5, zero={0: 0.0, 1: 1.0})))
    print("\n// erf(i / 4 + t), |t| <= 1 / 8; the first column without its t.")
    body = ", ".join(map(row, erf_in_pieces(5)))
    print(f"alignas(kVectorBytes) inline constexpr float kErf[][16] = {{{body}}};")
    print("\n// P the normal distribution and p its density: t P(-t) / exp(-t^2 / 2), t <= 14.5.")
    print("// The first piece is without its t / 2, which is less than c[0] in the others.")
    half = in_pieces(lambda t: t * tail(t), 1.0, 14.5, 6, zero={0: 0.0, 1: 0.5}, reach=0.75)
    half[2] = [0.0 if slope == 0.5 else slope for slope in half[2]]
    print(pieces("kGelu", 1.0, half))
    print("\n// (P(-t) - t p(t)) / exp(-t^2 / 2), t <= 14.5.")
    slope = in_pieces(lambda t: tail(t) - t / np.sqrt(2 * np.pi), 1.0, 14.5, 5, floor=0.1)
    print(pieces("kGeluDerivative", 1.0, slope))
    print("\n// 2^(i / 16), what its rounding left out, relatively, and (2^f - 1) / f.")
    for name, values in zip(("kRoots", "kRootRests"), roots(), strict=True):
        print(array(name, values))
    print(array("kExp2", exp2_slope()))
    print("\n// Inverses of m, -log of them (and + log(2) for m < 1), and (log(1 + r) - r) / r^2.")
    for name, values in zip(("kInverse", "kLogInverse"), inverses(), strict=True):
        print(array(name, values))
    print(array("kLogTail", log_tail()))
    print(TAIL)


if __name__ == "__main__":
    main()
