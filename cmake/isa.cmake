# Builds csrc/kernels once per instruction set.
#
# Flags per object library, not target attributes: the kernels stay plain C++. The price is that nothing
# shared may be emitted in these objects, or the linker could keep, say, the AVX-512 copy of an inline
# function for everyone. So the sources live in a namespace per level, use internal linkage, and are never
# part of LTO.

# pynn_add_isa(<target> <level> <flags>...): adds the objects of <level> to <target>.
function(pynn_add_isa target level)
  string(TOUPPER ${level} upper)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/csrc/kernels/*.cpp)
  add_library(pynn_kernels_${level} OBJECT ${sources})
  target_compile_features(pynn_kernels_${level} PRIVATE cxx_std_17)
  target_include_directories(pynn_kernels_${level} PRIVATE ${PROJECT_SOURCE_DIR}/csrc)
  target_compile_definitions(pynn_kernels_${level} PRIVATE
    PYNN_ISA_${upper} PYNN_ISA_NAMESPACE=${level})
  # No run-time support is there to be linked in: kernels neither throw nor own static objects. GCC's
  # note about vector arguments (psabi) concerns calls between objects, which these never make. The bit
  # arithmetic on floats in simd/math.h wraps around for NaN, whose result is not used: -fwrapv defines it.
  target_compile_options(pynn_kernels_${level} PRIVATE
    ${PYNN_COMPILE_OPTIONS} -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-math-errno
    -fwrapv -Wno-psabi ${ARGN})
  set_target_properties(pynn_kernels_${level} PROPERTIES
    POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden
    INTERPROCEDURAL_OPTIMIZATION OFF)
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:pynn_kernels_${level}>)
  target_compile_definitions(${target} PRIVATE PYNN_HAVE_${upper})
endfunction()

# pynn_add_kernels(<target>): the levels of the architecture that is compiled for.
function(pynn_add_kernels target)
  pynn_add_isa(${target} baseline)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(avx2 -mavx2 -mfma -mf16c)
    pynn_add_isa(${target} avx2 ${avx2})
    pynn_add_isa(${target} avx512 ${avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl
      -mprefer-vector-width=512)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
    pynn_add_isa(${target} neon)
  endif()
endfunction()
