// The C structures of DLPack 1.0 (https://dmlc.github.io/dlpack/latest/c_api.html), as far as CPU
// tensors need them.
#pragma once

#include <cstdint>

namespace pynn::dlpack {

struct Device {
  int32_t type;  // 1: CPU
  int32_t id;
};
struct DataType {
  uint8_t code;  // 0 int, 1 uint, 2 float, 4 bfloat, 6 bool
  uint8_t bits;
  uint16_t lanes;
};
struct Array {
  void* data;
  Device device;
  int32_t ndim;
  DataType dtype;
  int64_t* shape;
  int64_t* strides;  // in elements; null: C order
  uint64_t byte_offset;
};
struct Managed {
  Array array;
  void* context;
  void (*deleter)(Managed*);
};
struct Version {
  uint32_t major, minor;
};
struct ManagedVersioned {
  Version version;
  void* context;
  void (*deleter)(ManagedVersioned*);
  uint64_t flags;  // bit 0: read only
  Array array;
};

inline constexpr uint64_t kReadOnly = 1;

}  // namespace pynn::dlpack
