# A package for Debian: cpack -G DEB --config build/release/CPackConfig.cmake (docs/installing.md).
option(HAKMEM_PACKAGE_CHECKER "Build hakmem-check, too, as the preset model does, and install it" OFF)
set(HAKMEM_PACKAGE_MAINTAINER "The hakmem authors" CACHE STRING "Maintainer of the package")

if(HAKMEM_PACKAGE_CHECKER)
  # In a build of its own, as no assertion may be left out there.
  include(ExternalProject)
  set(hakmem_checker_build "${PROJECT_BINARY_DIR}/checker")
  ExternalProject_Add(hakmem_checker
    SOURCE_DIR "${PROJECT_SOURCE_DIR}"
    BINARY_DIR "${hakmem_checker_build}"
    PREFIX "${PROJECT_BINARY_DIR}/folders/checker"
    CMAKE_ARGS -DHAKMEM_MODEL=ON -DHAKMEM_BUILD_TESTS=OFF -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O2
      "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}" "-DCMAKE_C_COMPILER=${CMAKE_C_COMPILER}"
      "-DHAKMEM_WERROR=${HAKMEM_WERROR}"
    BUILD_COMMAND "${CMAKE_COMMAND}" --build "${hakmem_checker_build}" --target hakmem-check
    BUILD_ALWAYS ON
    USES_TERMINAL_BUILD ON
    INSTALL_COMMAND "")
  install(PROGRAMS "${hakmem_checker_build}/hakmem-check" DESTINATION "${CMAKE_INSTALL_BINDIR}")
  install(FILES "${PROJECT_SOURCE_DIR}/docs/reference/hakmem-check.man" RENAME hakmem-check.1
    DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
endif()

# The licence as Debian wants it: each line of the text indented, a dot for an empty one.
file(READ "${PROJECT_SOURCE_DIR}/LICENSE" hakmem_licence)
string(REGEX REPLACE "^MIT License\n+Copyright \\(c\\) ([^\n]*)\n+" "" hakmem_licence "${hakmem_licence}")
set(hakmem_copyright "${CMAKE_MATCH_1}")
string(STRIP "${hakmem_licence}" hakmem_licence)
string(REGEX REPLACE "\n\n" "\n.\n" hakmem_licence "${hakmem_licence}")
string(REPLACE "\n" "\n " hakmem_licence "${hakmem_licence}")
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/package/copyright" @ONLY CONTENT
"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: hakmem

Files: *
Copyright: @hakmem_copyright@
License: Expat
 @hakmem_licence@
")
install(FILES "${PROJECT_BINARY_DIR}/package/copyright" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(FILES "${PROJECT_SOURCE_DIR}/CHANGELOG.md" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/LICENSE")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME hakmem)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_VENDOR "The hakmem authors")
set(CPACK_PACKAGE_CONTACT "${HAKMEM_PACKAGE_MAINTAINER}")
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "thread-caching malloc with a hardened variant")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"hakmem takes the place of malloc and of operator new, preloaded (hakmem-run)
or linked. The package has the library, its hardened variant, which reports
double frees, overflows and wrong sizes, the headers, files for CMake and
pkg-config, and manual pages.")
if(HAKMEM_PACKAGE_CHECKER)
  string(APPEND CPACK_DEBIAN_PACKAGE_DESCRIPTION "\nhakmem-check is the model checker of its lock-free core.")
endif()
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${HAKMEM_PACKAGE_MAINTAINER}")
set(CPACK_DEBIAN_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
# The loader's cache knows the libraries as soon as they are unpacked, and forgets them when they go.
file(WRITE "${PROJECT_BINARY_DIR}/package/triggers" "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${PROJECT_BINARY_DIR}/package/triggers")
include(CPack)
