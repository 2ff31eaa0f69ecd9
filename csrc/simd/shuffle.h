// PYNN_SHUFFLE(a, b, i...): lanes of two vectors in any order, as numbers known to the compiler;
// those of b count on from those of a.
#pragma once

#if defined(__clang__)
#define PYNN_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PYNN_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, decltype(a < b){__VA_ARGS__})
#endif
