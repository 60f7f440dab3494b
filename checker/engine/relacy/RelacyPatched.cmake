# A copy of the installed Relacy headers with relacy.patch applied, as the interface library `relacy_patched`, and the
# headers as installed, as `relacy_installed`.
#
# As a script it only makes the copy:
#   cmake -D source=<include dir with relacy/> -D destination=<dir> -D patch=<file> -P RelacyPatched.cmake

# check_patch_relacy(<source> <destination> <patch>): copies <source>/relacy to <destination>/relacy, line ends
# normalised, and applies the patch. A fatal error unless every hunk applies exactly.
function(check_patch_relacy source destination patch)
  find_program(CHECK_GIT git REQUIRED)
  mark_as_advanced(CHECK_GIT)
  set(work "${destination}.new")
  file(REMOVE_RECURSE "${work}")
  file(GLOB_RECURSE headers RELATIVE "${source}" "${source}/relacy/*.hpp")
  if(NOT headers)
    message(FATAL_ERROR "Relacy: no headers below ${source}/relacy; install relacy-dev")
  endif()
  foreach(header IN LISTS headers)
    file(READ "${source}/${header}" text)
    string(REPLACE "\r\n" "\n" text "${text}")
    file(WRITE "${work}/${header}" "${text}")
  endforeach()
  # The ceiling keeps git from taking the build tree for a part of a repository, where it would skip files silently.
  cmake_path(GET work PARENT_PATH ceiling)
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -E env --unset=GIT_DIR "GIT_CEILING_DIRECTORIES=${ceiling}"
      "${CHECK_GIT}" apply --whitespace=nowarn "${patch}"
    WORKING_DIRECTORY "${work}" RESULT_VARIABLE failed ERROR_VARIABLE problem)
  file(READ "${patch}" text)
  string(REGEX MATCHALL "\n\\+\\+\\+ b/[^\n]+" patched "${text}")
  if(failed OR NOT patched)
    message(FATAL_ERROR "Relacy: ${patch} does not apply to the headers in ${source}/relacy. They differ from the "
      "version that the patch was written for; adapt the patch, its litmus tests say what it must achieve.\n${problem}")
  endif()
  foreach(line IN LISTS patched)
    string(REGEX REPLACE "\n\\+\\+\\+ b/" "" header "${line}")
    file(READ "${source}/${header}" before)
    string(REPLACE "\r\n" "\n" before "${before}")
    file(READ "${work}/${header}" after)
    if(before STREQUAL after)
      message(FATAL_ERROR "Relacy: ${patch} has left ${header} as it was")
    endif()
  endforeach()
  foreach(header IN LISTS headers)
    cmake_path(GET header PARENT_PATH folder)
    file(MAKE_DIRECTORY "${destination}/${folder}")
    file(COPY_FILE "${work}/${header}" "${destination}/${header}" ONLY_IF_DIFFERENT)
  endforeach()
  file(REMOVE_RECURSE "${work}")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
  check_patch_relacy("${source}" "${destination}" "${patch}")
  return()
endif()

find_path(CHECK_RELACY_INCLUDE relacy/context.hpp REQUIRED)
mark_as_advanced(CHECK_RELACY_INCLUDE)
set(check_relacy_copy "${CMAKE_CURRENT_BINARY_DIR}/relacy_patched")
check_patch_relacy("${CHECK_RELACY_INCLUDE}" "${check_relacy_copy}" "${CMAKE_CURRENT_LIST_DIR}/relacy.patch")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  "${CMAKE_CURRENT_LIST_DIR}/relacy.patch" "${CHECK_RELACY_INCLUDE}/relacy/context.hpp")

# What the headers need of every file that includes them, and of what runs inside an execution: checks on; no sized
# delete, which Relacy does not replace; no assumption that a destroyed object's memory is dead, without which a use after
# free is never seen; and nothing of what g++ 14 supposes of sizes in Relacy's own allocation of its contexts.
add_library(relacy_flags INTERFACE)
target_compile_definitions(relacy_flags INTERFACE RL_DO_ASSERT=1)
target_compile_options(relacy_flags INTERFACE -fno-sized-deallocation
  "$<$<CXX_COMPILER_ID:GNU>:-fno-lifetime-dse;-Wno-alloc-size-larger-than>" $<$<CXX_COMPILER_ID:Clang>:-Wno-dollar-in-identifier-extension>)

add_library(relacy_patched INTERFACE)
target_include_directories(relacy_patched SYSTEM BEFORE INTERFACE "${check_relacy_copy}")
target_link_libraries(relacy_patched INTERFACE relacy_flags)

add_library(relacy_installed INTERFACE)
target_include_directories(relacy_installed SYSTEM INTERFACE "${CHECK_RELACY_INCLUDE}")
target_link_libraries(relacy_installed INTERFACE relacy_flags)
