# One program per tests/cpp/test_*.cpp, run once per instruction set. A level that the machine lacks ends
# in exit code 77, which ctest reports as skipped.
file(GLOB test_sources CONFIGURE_DEPENDS tests/cpp/test_*.cpp)
set(levels baseline)
foreach(level avx2 avx512 amx neon)
  if(TARGET pynn_kernels_${level})
    list(APPEND levels ${level})
  endif()
endforeach()

foreach(source ${test_sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_include_directories(${name} PRIVATE tests/cpp)
  target_link_libraries(${name} PRIVATE pynn_core)
  foreach(level ${levels})
    add_test(NAME ${name}.${level} COMMAND ${name})
    set_tests_properties(${name}.${level} PROPERTIES
      ENVIRONMENT PYNN_ISA=${level} SKIP_RETURN_CODE 77)
  endforeach()
endforeach()

# Campaigns try every argument and take minutes to hours: built by name, run by .ci/campaign.
file(GLOB campaign_sources CONFIGURE_DEPENDS tests/cpp/campaign_*.cpp)
foreach(source ${campaign_sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} EXCLUDE_FROM_ALL ${source})
  target_include_directories(${name} PRIVATE tests/cpp)
  target_link_libraries(${name} PRIVATE pynn_core)
endforeach()

# The kernels of the amx level on a software model of the tiles: tested wherever there is AVX-512.
if(TARGET pynn_kernels_avx512)
  pynn_matrix_objects(amx_model gemm_amx.cpp)
  target_compile_definitions(pynn_kernels_amx_model PRIVATE PYNN_EMULATE_AMX)
  pynn_add_objects(test_pieces amx_model)
endif()
