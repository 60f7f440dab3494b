# What the toolchain files of this folder have in common: cross compilers of Debian, libraries of its other architectures,
# and emulation of single programs.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${HAKMEM_CROSS_PROCESSOR})
set(CMAKE_C_COMPILER ${HAKMEM_CROSS_TRIPLE}-gcc)
set(CMAKE_CXX_COMPILER ${HAKMEM_CROSS_TRIPLE}-g++)
find_program(HAKMEM_EMULATOR NAMES qemu-${HAKMEM_CROSS_PROCESSOR} qemu-${HAKMEM_CROSS_PROCESSOR}-static)
mark_as_advanced(HAKMEM_EMULATOR)
if(HAKMEM_EMULATOR)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${HAKMEM_EMULATOR})
  # Where the architecture is installed beside the machine's own, its C library lies where programs look for it; else the
  # cross compiler's is used.
  if(NOT EXISTS /usr/lib/${HAKMEM_CROSS_TRIPLE}/libc.so.6)
    list(APPEND CMAKE_CROSSCOMPILING_EMULATOR -L /usr/${HAKMEM_CROSS_TRIPLE})
  endif()
endif()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
