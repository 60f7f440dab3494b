# hakmem_add_folder(<folder> <programs>) adds a source folder if it has a CMakeLists.txt and lets its programs be
# written to the directory <programs>. The folder's own build directory lies elsewhere, so that a program may bear
# the name of its folder (tests/stress builds <build>/tests/stress).
function(hakmem_add_folder folder programs)
  if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt")
    return()
  endif()
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${programs}")
  file(RELATIVE_PATH relative "${PROJECT_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}/${folder}")
  add_subdirectory("${folder}" "${PROJECT_BINARY_DIR}/folders/${relative}")
endfunction()
