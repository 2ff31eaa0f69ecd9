# Cross compilation for 64-bit Arm with Debian's (Ubuntu's) g++-aarch64-linux-gnu; tests run under qemu-user.
#
#   cmake -S . -B build/aarch64 -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64.cmake -DPYNN_BUILD_MODULE=OFF
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)

set(aarch64_triple aarch64-linux-gnu)
# The program is looked for here, so that a missing one is a message and not a failing test compile.
find_program(aarch64_compiler ${aarch64_triple}-g++)
if(NOT aarch64_compiler)
  message(FATAL_ERROR
    "Cross compilation needs ${aarch64_triple}-g++. Install it with: apt install g++-${aarch64_triple}")
endif()
set(CMAKE_CXX_COMPILER ${aarch64_compiler})

# Headers and libraries of the target only; programs of this machine.
set(CMAKE_FIND_ROOT_PATH /usr/${aarch64_triple})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# -L: where the emulated program finds its shared libraries.
find_program(aarch64_emulator NAMES qemu-aarch64 qemu-aarch64-static)
if(aarch64_emulator)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${aarch64_emulator} -L /usr/${aarch64_triple})
endif()
