# Compiler settings that hold for every target of the project: language, warnings, sanitizers, ccache.

include(CheckIncludeFileCXX)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Kind of build" FORCE)
endif()

# All that is known of machines is in src/machine.
set(CMAKE_REQUIRED_INCLUDES "${PROJECT_SOURCE_DIR}/src")
check_include_file_cxx(machine/machine.hpp HAKMEM_MACHINE_IS_KNOWN)
unset(CMAKE_REQUIRED_INCLUDES)
if(NOT HAKMEM_MACHINE_IS_KNOWN)
  message(FATAL_ERROR "hakmem is not ported to ${CMAKE_SYSTEM_PROCESSOR} as ${CMAKE_CXX_COMPILER} builds for it: "
    "docs/guide/porting.md says what a port needs")
endif()

set(HAKMEM_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion)
add_compile_options(${HAKMEM_WARNINGS})
if(HAKMEM_WERROR)
  add_compile_options(-Werror)
endif()

find_program(HAKMEM_CCACHE ccache)
mark_as_advanced(HAKMEM_CCACHE)
if(HAKMEM_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Without this it passes by every file with a precompiled header.
  set(hakmem_launcher "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros "${HAKMEM_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER ${hakmem_launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${hakmem_launcher})
endif()

if(HAKMEM_SANITIZER STREQUAL "address")
  set(hakmem_sanitizer_flags -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(HAKMEM_SANITIZER STREQUAL "thread")
  set(hakmem_sanitizer_flags -fsanitize=thread -fno-omit-frame-pointer)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_compile_definitions(__SANITIZE_THREAD__=1) # g++ says so by itself; the headers ask for it
  endif()
elseif(HAKMEM_SANITIZER STREQUAL "")
  set(hakmem_sanitizer_flags "")
else()
  message(FATAL_ERROR "HAKMEM_SANITIZER is '${HAKMEM_SANITIZER}'; it must be empty, 'address' or 'thread'")
endif()
if(HAKMEM_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "HAKMEM_FUZZ needs clang, whose part libFuzzer is; use the preset 'fuzz'")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(hakmem_sanitizer_flags AND HAKMEM_VALGRIND)
  message(FATAL_ERROR "HAKMEM_VALGRIND cannot be combined with HAKMEM_SANITIZER: both want to own the process")
endif()
if(hakmem_sanitizer_flags)
  add_compile_options(${hakmem_sanitizer_flags})
  add_link_options(${hakmem_sanitizer_flags})
  # Kernels that randomise more than 28 bits of an mmap address put mappings where g++ 12's sanitizer runtimes
  # keep their shadow; there the programs have to start without randomisation.
  set(hakmem_rnd_bits 0)
  if(EXISTS /proc/sys/vm/mmap_rnd_bits)
    file(READ /proc/sys/vm/mmap_rnd_bits hakmem_rnd_bits)
    string(STRIP "${hakmem_rnd_bits}" hakmem_rnd_bits)
  endif()
  find_program(HAKMEM_SETARCH setarch)
  mark_as_advanced(HAKMEM_SETARCH)
  if(hakmem_rnd_bits GREATER 28 AND HAKMEM_SETARCH)
    set(CMAKE_CROSSCOMPILING_EMULATOR "${HAKMEM_SETARCH};-R")
  endif()
endif()

# hakmem_add_unwatched(<library> <file>...): a static library of what no tool has to see, such as command lines and
# reports, which costs more to instrument and to optimise than it ever runs. Link it after everything that is
# instrumented: of an inline function that both have, the linker takes the first.
function(hakmem_add_unwatched library)
  add_library(${library} STATIC ${ARGN})
  target_compile_options(${library} PRIVATE -O0)
  if(HAKMEM_SANITIZER)
    target_compile_options(${library} PRIVATE -fno-sanitize=all)
  endif()
endfunction()

# hakmem_start_first(<test>...): long tests at the beginning, the longest first, beside the short ones: none is left over
# at the end, when the other processors have nothing to do. Those that want several processors come before all others:
# later they would wait until enough are free at once, and those would have nothing to do meanwhile.
function(hakmem_start_first)
  set(cost 200)
  foreach(test IN LISTS ARGN)
    get_test_property(${test} PROCESSORS processors)
    if(processors GREATER 1)
      math(EXPR first "${cost} + 1000")
      set_tests_properties(${test} PROPERTIES COST ${first})
    else()
      set_tests_properties(${test} PROPERTIES COST ${cost})
    endif()
    math(EXPR cost "${cost} - 1")
  endforeach()
endfunction()
