# The libraries: hakmem_api (prefixed C API alone), hakmem (LD_PRELOAD) and hakmem_static, and their installation.

file(GLOB hakmem_api_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/api/*.cpp")
set(hakmem_interposer_sources ${hakmem_api_sources})
list(FILTER hakmem_interposer_sources INCLUDE REGEX "/(malloc|new_delete)\\.cpp$")
list(FILTER hakmem_api_sources EXCLUDE REGEX "/(malloc|new_delete)\\.cpp$")
if(NOT hakmem_api_sources)
  return()
endif()

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

add_library(hakmem_api_objects OBJECT ${hakmem_api_sources})
hakmem_configure_below_malloc(hakmem_api_objects)

add_library(hakmem_api STATIC $<TARGET_OBJECTS:hakmem_api_objects>)
set_target_properties(hakmem_api PROPERTIES LINKER_LANGUAGE CXX)
target_include_directories(hakmem_api PUBLIC "${PROJECT_SOURCE_DIR}/include")
target_link_libraries(hakmem_api PUBLIC hakmem_core)

# Under a sanitizer or Valgrind the tool owns malloc: the interposing libraries are not built there.
if(HAKMEM_SANITIZER OR HAKMEM_VALGRIND OR NOT hakmem_interposer_sources)
  return()
endif()

add_library(hakmem_interposer_objects OBJECT ${hakmem_interposer_sources})
hakmem_configure_below_malloc(hakmem_interposer_objects)
# A new-handler's exception passes through here.
set_source_files_properties("${PROJECT_SOURCE_DIR}/src/api/new_delete.cpp" PROPERTIES COMPILE_OPTIONS -fexceptions)
set(hakmem_all_objects $<TARGET_OBJECTS:hakmem_api_objects> $<TARGET_OBJECTS:hakmem_interposer_objects>)

add_library(hakmem SHARED ${hakmem_all_objects})
set_target_properties(hakmem PROPERTIES
  LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
# No default libraries, no undefined symbols: a use of libstdc++ is a link error and not a silent dependency.
# Its blocks and threads outlive any dlclose.
target_link_options(hakmem PRIVATE -nodefaultlibs LINKER:-z,defs LINKER:-z,now LINKER:-z,nodelete)
target_link_libraries(hakmem PRIVATE c gcc)

add_library(hakmem_static STATIC ${hakmem_all_objects})
set_target_properties(hakmem_static PROPERTIES OUTPUT_NAME hakmem LINKER_LANGUAGE CXX)

foreach(target hakmem hakmem_static)
  add_library(hakmem::${target} ALIAS ${target})
  target_include_directories(${target} INTERFACE
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
endforeach()
target_link_libraries(hakmem_static INTERFACE Threads::Threads)

include(HakmemInstall)
