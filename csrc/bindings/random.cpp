#include <numeric>

#include "bindings/convert.h"
#include "bindings/modules.h"
#include "ops/functional.h"
#include "ops/permutation.h"

namespace pynn {

void bind_random(py::module_& m) {
  const std::tuple<const char*, OpId, const char*, const char*> floats[] = {
      {"random_uniform", OpId::random_uniform, "low", "high"},
      {"random_normal", OpId::random_normal, "mean", "stddev"},
      {"truncated_normal", OpId::truncated_normal, "mean", "stddev"}};
  for (const auto& [name, op, first, second] : floats)
    m.def(
        name,
        [op = op](py::handle seed, py::handle shape, double a, double b, py::handle dtype) {
          return ops::random_float(op, to_tensor(seed), to_dims(shape), a, b, to_dtype(dtype));
        },
        py::arg("seed"), py::arg("shape"), py::arg(first), py::arg(second),
        py::arg("dtype") = "float32");
  m.def(
      "random_integers",
      [](py::handle seed, py::handle shape, int64_t low, int64_t high, py::handle dtype) {
        return ops::random_integers(to_tensor(seed), to_dims(shape), low, high, to_dtype(dtype));
      },
      py::arg("seed"), py::arg("shape"), py::arg("low"), py::arg("high"),
      py::arg("dtype") = "int32");
  m.def(
      "random_bits",
      [](py::handle seed, py::handle shape) {
        Attrs attrs;
        attrs.shape = to_dims(shape);
        return apply1(OpId::random_bits, {to_tensor(seed)}, attrs);
      },
      py::arg("seed"), py::arg("shape"));
  m.def(
      "dropout",
      [](py::handle x, py::handle seed, double rate) {
        return ops::dropout(to_tensor(x), to_tensor(seed), rate);
      },
      py::arg("x"), py::arg("seed"), py::arg("rate"));
  m.def(
      "permutation",
      [](std::pair<uint32_t, uint32_t> seed, int64_t n) {
        py::array_t<int64_t> order(n);
        permutation({{seed.first, seed.second}}, order.mutable_data(), n);
        return order;
      },
      py::arg("seed"), py::arg("n"), "A random order of 0..n-1; a function of seed and n alone.");
}

}  // namespace pynn
