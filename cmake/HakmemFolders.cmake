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

# Debian's folder for libraries, also where the prefix is not /usr: what is installed and what the package holds are then
# one tree. Who asks for CMAKE_INSTALL_LIBDIR, or has hakmem as a part of another project, has the last word.
macro(hakmem_choose_library_folder)
  if(PROJECT_IS_TOP_LEVEL AND CMAKE_LIBRARY_ARCHITECTURE AND EXISTS /etc/debian_version AND NOT CMAKE_CROSSCOMPILING)
    set(CMAKE_INSTALL_LIBDIR "lib/${CMAKE_LIBRARY_ARCHITECTURE}" CACHE PATH "Object code libraries")
  endif()
endmacro()
