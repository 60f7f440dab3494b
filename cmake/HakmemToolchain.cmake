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

# The command that runs a program of the machine that is built for, in one word; empty where that is this machine.
set(hakmem_emulator "")
if(CMAKE_CROSSCOMPILING)
  list(JOIN CMAKE_CROSSCOMPILING_EMULATOR " " hakmem_emulator)
endif()

# Sets hakmem_golden_name, the machine and compiler with its flags whose golden counts of instructions are compared, and
# hakmem_golden_counts, whether there are any. A compiler that marks where calls may land gives each function an
# instruction more.
macro(hakmem_find_golden_counts)
  include(CheckCXXSourceCompiles)
  check_cxx_source_compiles("#ifndef __CET__\n#error none\n#endif\nint main() {}" HAKMEM_MARKS_LANDINGS)
  string(TOUPPER "CMAKE_CXX_FLAGS_${CMAKE_BUILD_TYPE}" hakmem_flags)
  string(REGEX MATCH "^[0-9]+" hakmem_major "${CMAKE_CXX_COMPILER_VERSION}")
  string(REPLACE "GNU" "g++" hakmem_compiler "${CMAKE_CXX_COMPILER_ID}-${hakmem_major}")
  string(STRIP "${CMAKE_CXX_FLAGS} ${${hakmem_flags}}" hakmem_flags)
  set(hakmem_golden_name "${CMAKE_SYSTEM_PROCESSOR} ${hakmem_compiler} ${hakmem_flags}")
  if(HAKMEM_MARKS_LANDINGS)
    string(APPEND hakmem_golden_name " -fcf-protection")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/bench/tests/golden.json")
  file(READ "${PROJECT_SOURCE_DIR}/bench/tests/golden.json" hakmem_stored)
  string(JSON hakmem_stored ERROR_VARIABLE hakmem_none GET "${hakmem_stored}" "${hakmem_golden_name}")
  set(hakmem_golden_counts ON)
  if(hakmem_none)
    set(hakmem_golden_counts OFF)
    message(STATUS "There are no golden counts of ${hakmem_golden_name}: the target renew-golden stores them")
  endif()
endmacro()

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
