# Builds csrc/kernels once per instruction set.
#
# Flags per object library, not target attributes: the kernels stay plain C++. The price is that nothing
# shared may be emitted in these objects, or the linker could keep, say, the AVX-512 copy of an inline
# function for everyone. So the sources live in a namespace per level, use internal linkage, and are never
# part of LTO.

# pynn_kernel_objects(<level> <source>... FLAGS <flag>...): the object library pynn_kernels_<level>.
function(pynn_kernel_objects level)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "FLAGS")
  add_library(pynn_kernels_${level} OBJECT ${arg_UNPARSED_ARGUMENTS})
  target_compile_features(pynn_kernels_${level} PRIVATE cxx_std_17)
  target_include_directories(pynn_kernels_${level} PRIVATE ${PROJECT_SOURCE_DIR}/csrc)
  target_compile_definitions(pynn_kernels_${level} PRIVATE PYNN_ISA_NAMESPACE=${level})
  # No run-time support is there to be linked in: kernels neither throw nor own static objects. GCC's
  # note about vector arguments (psabi) concerns calls between objects, which these never make. The bit
  # arithmetic on floats in simd/math.h wraps around for NaN, whose result is not used: -fwrapv defines it.
  # Nobody looks at floating-point exceptions: -fno-trapping-math, which changes no value, lets the compiler
  # compute both sides of a condition, and so make vector code of it.
  target_compile_options(pynn_kernels_${level} PRIVATE
    ${PYNN_COMPILE_OPTIONS} -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-math-errno
    -fno-trapping-math -fwrapv -Wno-psabi ${arg_FLAGS})
  set_target_properties(pynn_kernels_${level} PROPERTIES
    POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden
    INTERPROCEDURAL_OPTIMIZATION OFF)
endfunction()

# pynn_add_objects(<target> <level>): links the objects of <level> into <target>, which learns of them.
function(pynn_add_objects target level)
  string(TOUPPER ${level} upper)
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:pynn_kernels_${level}>)
  target_compile_definitions(${target} PRIVATE PYNN_HAVE_${upper})
endfunction()

# pynn_add_isa(<target> <level> <flags>...): adds all kernels for <level> to <target>.
function(pynn_add_isa target level)
  string(TOUPPER ${level} upper)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/csrc/kernels/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/gemm_(amx|bf16)\\.cpp$")
  pynn_kernel_objects(${level} ${sources} FLAGS ${ARGN})
  target_compile_definitions(pynn_kernels_${level} PRIVATE PYNN_ISA_${upper})
  pynn_add_objects(${target} ${level})
endfunction()

# pynn_matrix_objects(<level> <source> <flags>...): a level that is avx512 but for the matrix products of
# one source file; its table is a copy of the avx512 one with those products in it.
function(pynn_matrix_objects level source)
  pynn_kernel_objects(${level} ${PROJECT_SOURCE_DIR}/csrc/kernels/${source}
    FLAGS ${pynn_avx512_flags} ${ARGN})
  target_compile_definitions(pynn_kernels_${level} PRIVATE PYNN_ISA_AVX512)
endfunction()

set(pynn_avx2_flags -mavx2 -mfma -mf16c)
set(pynn_avx512_flags ${pynn_avx2_flags} -mavx512f -mavx512bw -mavx512dq -mavx512vl
  -mprefer-vector-width=512)

# pynn_add_kernels(<target>): the levels of the architecture that is compiled for. Compilers older than
# g++ 10 and 11 lack the last two.
function(pynn_add_kernels target)
  pynn_add_isa(${target} baseline)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    pynn_add_isa(${target} avx2 ${pynn_avx2_flags})
    pynn_add_isa(${target} avx512 ${pynn_avx512_flags})
    include(CheckCXXCompilerFlag)
    include(CheckCXXSourceCompiles)
    check_cxx_compiler_flag(-mavx512bf16 PYNN_COMPILER_HAS_AVX512_BF16)
    if(PYNN_COMPILER_HAS_AVX512_BF16)
      pynn_matrix_objects(avx512_bf16 gemm_bf16.cpp -mavx512bf16)
      pynn_add_objects(${target} avx512_bf16)
    endif()
    set(CMAKE_REQUIRED_FLAGS "-mamx-tile -mamx-bf16")  # the assembler must know them too
    check_cxx_source_compiles("int main() { asm volatile(\"tdpbf16ps %tmm0, %tmm1, %tmm2\"); }"
      PYNN_COMPILER_HAS_AMX)
    if(PYNN_EMULATE_AMX)
      pynn_matrix_objects(amx gemm_amx.cpp)
      target_compile_definitions(pynn_kernels_amx PRIVATE PYNN_EMULATE_AMX)
      pynn_add_objects(${target} amx)
      target_compile_definitions(${target} PRIVATE PYNN_EMULATE_AMX)
    elseif(PYNN_COMPILER_HAS_AMX)
      pynn_matrix_objects(amx gemm_amx.cpp -mamx-tile -mamx-bf16)
      pynn_add_objects(${target} amx)
    endif()
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
    pynn_add_isa(${target} neon)
  endif()
endfunction()
