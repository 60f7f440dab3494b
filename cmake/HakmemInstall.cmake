# Installation: libraries, public headers, find_package(hakmem), pkg-config, hakmem-run and the manual's pages.
include(CMakePackageConfigHelpers)

set(hakmem_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/hakmem")

get_property(hakmem_installed GLOBAL PROPERTY HAKMEM_INSTALLED_LIBRARIES)
install(TARGETS ${hakmem_installed} EXPORT hakmem-targets
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
if(EXISTS "${PROJECT_SOURCE_DIR}/include/hakmem")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/hakmem" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
endif()
install(EXPORT hakmem-targets NAMESPACE hakmem:: DESTINATION "${hakmem_package_dir}")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/hakmem-config.cmake.in"
  "${PROJECT_BINARY_DIR}/package/hakmem-config.cmake" INSTALL_DESTINATION "${hakmem_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/hakmem-config-version.cmake"
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/package/hakmem-config.cmake" "${PROJECT_BINARY_DIR}/package/hakmem-config-version.cmake"
  DESTINATION "${hakmem_package_dir}")

# The .pc file finds its prefix from its own place, so that an installed tree may be moved. Absolute library
# directories (CMAKE_INSTALL_LIBDIR=/usr/lib) leave nothing to be relative to and are written out.
set(hakmem_pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(hakmem_pc_prefix "${CMAKE_INSTALL_PREFIX}")
  set(hakmem_pc_libdir "${CMAKE_INSTALL_FULL_LIBDIR}")
  set(hakmem_pc_includedir "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
else()
  file(RELATIVE_PATH hakmem_pc_up "/${hakmem_pc_dir}" "/")
  string(REGEX REPLACE "/$" "" hakmem_pc_up "${hakmem_pc_up}")
  set(hakmem_pc_prefix "\${pcfiledir}/${hakmem_pc_up}")
  set(hakmem_pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(hakmem_pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
# hakmem_install_pc(<package> <library> <description>)
function(hakmem_install_pc hakmem_pc_name hakmem_pc_library hakmem_pc_description)
  set(file "${PROJECT_BINARY_DIR}/package/${hakmem_pc_name}.pc")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/hakmem.pc.in" "${file}" @ONLY)
  install(FILES "${file}" DESTINATION "${hakmem_pc_dir}")
endfunction()
hakmem_install_pc(hakmem hakmem "${PROJECT_DESCRIPTION}")
hakmem_install_pc(hakmem-hardened hakmem_hardened
  "hakmem that reports double frees, overflows by one byte, writes to free blocks and wrong sizes")

# hakmem-run finds the libraries from its own place, too, unless their folder is absolute. The one in the build uses those
# of the build.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_BINDIR}")
  set(hakmem_run_libdir "${CMAKE_INSTALL_FULL_LIBDIR}")
else()
  file(RELATIVE_PATH hakmem_run_libdir "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/hakmem-run" "${PROJECT_BINARY_DIR}/package/hakmem-run" @ONLY)
install(PROGRAMS "${PROJECT_BINARY_DIR}/package/hakmem-run" DESTINATION "${CMAKE_INSTALL_BINDIR}")
set(hakmem_run_libdir .)
configure_file("${PROJECT_SOURCE_DIR}/cmake/hakmem-run" "${PROJECT_BINARY_DIR}/hakmem-run" @ONLY)

file(READ "${PROJECT_SOURCE_DIR}/docs/reference/environment.man" hakmem_environment)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/docs/reference/environment.man")
foreach(page hakmem.3 hakmem-run.1)
  configure_file("${PROJECT_SOURCE_DIR}/docs/man/${page}.in" "${PROJECT_BINARY_DIR}/package/${page}" @ONLY)
  string(REGEX MATCH "[0-9]$" section "${page}")
  install(FILES "${PROJECT_BINARY_DIR}/package/${page}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}")
endforeach()
