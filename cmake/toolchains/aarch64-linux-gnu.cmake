# Debian's compiler for another machine, and the emulator of that machine's programs.
set(HAKMEM_CROSS_PROCESSOR aarch64)
set(HAKMEM_CROSS_DEBIAN arm64)
set(HAKMEM_CROSS_TRIPLE aarch64-linux-gnu)
include("${CMAKE_CURRENT_LIST_DIR}/debian.cmake")
