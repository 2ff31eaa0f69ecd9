#include "ops/index.h"

#include <limits>

#include "ops/functional.h"

namespace pynn::ops {

Tensor index(const Tensor& x, const std::vector<IndexItem>& items) {
  int used = 0, ellipses = 0, arrays = 0;
  for (const IndexItem& item : items) {
    used += item.kind != IndexItem::kNewAxis && item.kind != IndexItem::kEllipsis;
    ellipses += item.kind == IndexItem::kEllipsis;
    arrays += item.kind == IndexItem::kTensor;
  }
  const int rank = x->rank();
  if (used > rank) value_error("pynn.Tensor: expected at most ", rank, " indices; received ", used);
  if (ellipses > 1) value_error("pynn.Tensor: expected at most one Ellipsis in an index");
  if (arrays > 1)
    value_error("pynn.Tensor: expected at most one integer array in an index; use pynn.ops.take");
  Dims starts, stops, steps, result;
  int array_axis = -1, array_at = 0;  // of the sliced tensor; of the result
  Tensor array;
  auto whole = [&](int axis) {
    starts.push_back(0);
    stops.push_back(x->shape()[axis]);
    steps.push_back(1);
  };
  // First slice every axis, then drop the integer ones and add the new ones by a reshape.
  std::vector<int>
      layout;  // per axis of the result: an axis of the sliced tensor, or -1 for a new one
  auto add_item = [&](const IndexItem& item) {
    const int axis = starts.size();
    switch (item.kind) {
      case IndexItem::kNewAxis:
        layout.push_back(-1);
        break;
      case IndexItem::kEllipsis:
        for (int i = 0; i < rank - used; ++i) {
          layout.push_back(starts.size());
          whole(starts.size());
        }
        break;
      case IndexItem::kInteger: {
        const int64_t n = x->shape()[axis], i = item.integer < 0 ? item.integer + n : item.integer;
        if (i < 0 || i >= n)
          throw IndexError(concat("pynn.Tensor: index ", item.integer, " is out of range for axis ",
                                  axis, " of shape=", x->shape()));
        starts.push_back(i);
        stops.push_back(i + 1);
        steps.push_back(1);
        break;
      }
      case IndexItem::kSlice: {
        constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 4;
        const bool forward = item.step > 0;
        layout.push_back(axis);
        starts.push_back(item.has_start ? item.start : forward ? 0 : kMost);
        stops.push_back(item.has_stop ? item.stop : forward ? kMost : -kMost);
        steps.push_back(item.step);
        break;
      }
      case IndexItem::kTensor:
        array_axis = axis;
        array_at = int(layout.size());
        array = item.tensor;
        layout.push_back(axis);
        whole(axis);
        break;
    }
  };
  for (const IndexItem& item : items) add_item(item);
  while (starts.size() < rank) {
    layout.push_back(starts.size());
    whole(starts.size());
  }
  const Tensor sliced = slice(x, starts, stops, steps);
  for (int axis : layout) result.push_back(axis < 0 ? 1 : sliced->shape()[axis]);
  const Tensor shaped = reshape(sliced, result);
  return array_axis < 0 ? shaped : take(shaped, array, array_at);
}

}  // namespace pynn::ops
