# The libraries, each as one variant of the same sources: hakmem (LD_PRELOAD), hakmem_static, and hakmem_api (the C API
# under its own names alone); and their installation.

file(GLOB hakmem_api_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/api/*.cpp")
set(hakmem_interposer_sources ${hakmem_api_sources})
list(FILTER hakmem_interposer_sources INCLUDE REGEX "/(malloc|mallocx|mallctl|new_delete)\\.cpp$")
list(FILTER hakmem_api_sources EXCLUDE REGEX "/(malloc|mallocx|mallctl|new_delete|checked_copies)\\.cpp$")

# The library sits below malloc: nothing in it may need the C++ runtime, be replaced by a call to malloc, or reach
# thread-local storage through a function that allocates.
function(hakmem_configure_below_malloc target)
  target_link_libraries(${target} PRIVATE hakmem_core)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/include")
  target_compile_options(${target} PRIVATE
    -fno-exceptions -fno-rtti -ftls-model=initial-exec
    -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free)
  set_target_properties(${target} PROPERTIES
    POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
endfunction()

# A debugger that calls malloc in a program needs to know what it takes and returns.
set_source_files_properties("${PROJECT_SOURCE_DIR}/src/api/malloc.cpp" PROPERTIES COMPILE_OPTIONS -g)
# A new-handler's exception passes through here.
set_source_files_properties("${PROJECT_SOURCE_DIR}/src/api/new_delete.cpp" PROPERTIES COMPILE_OPTIONS -fexceptions)

# hakmem_exported_names_of(<variant> <variable>): the linker's list of what the shared library exports: all variants' names,
# and those of cmake/<variant>.map.
function(hakmem_exported_names_of variant variable)
  set(common "${PROJECT_SOURCE_DIR}/cmake/hakmem.map")
  set(more "${PROJECT_SOURCE_DIR}/cmake/${variant}.map")
  set(list "${common}")
  if(NOT more STREQUAL common AND EXISTS "${more}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${common}" "${more}")
    file(READ "${common}" script)
    file(READ "${more}" names)
    string(REPLACE "\n  local:" "${names}\n  local:" script "${script}")
    set(list "${PROJECT_BINARY_DIR}/${variant}.map")
    file(CONFIGURE OUTPUT "${list}" CONTENT "${script}" @ONLY)
  endif()
  set(${variable} "${list}" PARENT_SCOPE)
endfunction()

# hakmem_add_variant(<name> [<definition>...]): the libraries of one variant, told apart by the definitions that
# src/api/process_config.hpp reads: <name>_api, and where no tool owns malloc <name> (shared) and <name>_static.
function(hakmem_add_variant name)
  add_library(${name}_api_objects OBJECT ${hakmem_api_sources})
  hakmem_configure_below_malloc(${name}_api_objects)
  target_compile_definitions(${name}_api_objects PRIVATE ${ARGN})
  add_library(${name}_api STATIC $<TARGET_OBJECTS:${name}_api_objects>)
  set_target_properties(${name}_api PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(${name}_api PUBLIC "${PROJECT_SOURCE_DIR}/include")
  target_compile_definitions(${name}_api PUBLIC ${ARGN})
  target_link_libraries(${name}_api PUBLIC hakmem_core)
  if(HAKMEM_SANITIZER OR HAKMEM_VALGRIND)
    return()
  endif()

  add_library(${name}_interposer_objects OBJECT ${hakmem_interposer_sources})
  hakmem_configure_below_malloc(${name}_interposer_objects)
  target_compile_definitions(${name}_interposer_objects PRIVATE ${ARGN})
  set(all_objects $<TARGET_OBJECTS:${name}_api_objects> $<TARGET_OBJECTS:${name}_interposer_objects>)

  add_library(${name} SHARED ${all_objects})
  set_target_properties(${name} PROPERTIES
    LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
  # No default libraries, no undefined symbols: a use of libstdc++ is a link error and not a silent dependency.
  # Its blocks and threads outlive any dlclose.
  target_link_options(${name} PRIVATE -nodefaultlibs LINKER:-z,defs LINKER:-z,now LINKER:-z,nodelete)
  # The names that are exported are a list, so that no slip of visibility adds one.
  hakmem_exported_names_of(${name} exported_names)
  target_link_options(${name} PRIVATE "LINKER:--version-script=${exported_names}")
  set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS "${exported_names}")
  target_link_libraries(${name} PRIVATE c gcc)

  add_library(${name}_static STATIC ${all_objects})
  set_target_properties(${name}_static PROPERTIES OUTPUT_NAME ${name} LINKER_LANGUAGE CXX)
  target_link_libraries(${name}_static INTERFACE Threads::Threads)
  # A shared library that has it inside must stay: its threads' exit handler is in it.
  target_link_options(${name}_static INTERFACE LINKER:-z,nodelete)
  foreach(target ${name} ${name}_static)
    add_library(hakmem::${target} ALIAS ${target})
    target_include_directories(${target} INTERFACE
      "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  endforeach()
  set_property(GLOBAL APPEND PROPERTY HAKMEM_INSTALLED_LIBRARIES ${name} ${name}_static)
endfunction()

# What copies and fills memory, for the shared hardened library alone: a program that has the static one inside has the C
# library's own there too.
function(hakmem_interpose_copies)
  set(source "${PROJECT_SOURCE_DIR}/src/api/checked_copies.cpp")
  add_library(hakmem_copies_objects OBJECT "${source}")
  hakmem_configure_below_malloc(hakmem_copies_objects)
  target_compile_definitions(hakmem_copies_objects PRIVATE HAKMEM_HARDENED=1)
  # They are not to be recognised, nor to be inlined from headers.
  target_compile_options(hakmem_copies_objects PRIVATE -fno-builtin -U_FORTIFY_SOURCE)
  target_sources(hakmem_hardened PRIVATE $<TARGET_OBJECTS:hakmem_copies_objects>)
  # The library's own copies are of whole blocks, guards included.
  target_link_options(hakmem_hardened PRIVATE
    LINKER:--wrap=memcpy LINKER:--wrap=memmove LINKER:--wrap=memset)
endfunction()

hakmem_add_variant(hakmem)
hakmem_add_variant(hakmem_hardened HAKMEM_HARDENED=1)
if(TARGET hakmem_hardened)
  hakmem_interpose_copies()
endif()
# The oracle: everything behind one lock (B1).
hakmem_add_variant(hakmem_locked HAKMEM_LOCKED=1)

if(NOT HAKMEM_SANITIZER AND NOT HAKMEM_VALGRIND)
  add_library(hakmem::hardened ALIAS hakmem_hardened)
  add_library(hakmem::hardened_static ALIAS hakmem_hardened_static)
  include(HakmemInstall)
  if(PROJECT_IS_TOP_LEVEL)
    include(HakmemPackage)
  endif()
endif()
