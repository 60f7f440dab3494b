# Debian's compiler for another machine, and the emulator of that machine's programs.
set(HAKMEM_CROSS_PROCESSOR riscv64)
set(HAKMEM_CROSS_DEBIAN riscv64)
set(HAKMEM_CROSS_TRIPLE riscv64-linux-gnu)
include("${CMAKE_CURRENT_LIST_DIR}/debian.cmake")
