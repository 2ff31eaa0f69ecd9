# Finds what the extension module needs; every message says what to install.

find_package(Python 3.11 COMPONENTS Interpreter Development.Module)
if(NOT Python_Development.Module_FOUND)
  message(FATAL_ERROR
    "pynn needs Python 3.11 or newer with its C headers. Install python3-dev (Debian, Ubuntu) or "
    "python3-devel (Fedora), or name another interpreter with -DPython_EXECUTABLE=/path/to/python. "
    "Without Python, -DPYNN_BUILD_MODULE=OFF builds the C++ core and its tests.")
endif()

if(NOT DEFINED pybind11_DIR)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -m pybind11 --cmakedir
    OUTPUT_VARIABLE pybind11_DIR
    OUTPUT_STRIP_TRAILING_WHITESPACE
    ERROR_QUIET)
endif()
find_package(pybind11 3.0 CONFIG QUIET)
if(NOT pybind11_FOUND)
  message(FATAL_ERROR
    "pynn needs pybind11 3. Install it for the interpreter that builds: "
    "${Python_EXECUTABLE} -m pip install 'pybind11>=3'")
endif()
