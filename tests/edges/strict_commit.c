/* To be preloaded: lets a process believe that the system counts all that is mapped (vm.overcommit_memory = 2), which
   is one switch for the whole machine and no test's to turn. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int strict_mode(void) {
  const int file = memfd_create("overcommit_memory", MFD_CLOEXEC);
  if (file >= 0 && (write(file, "2\n", 2) != 2 || lseek(file, 0, SEEK_SET) != 0)) _exit(127);
  return file;
}

int open(const char* path, int flags, ...) {
  if (strcmp(path, "/proc/sys/vm/overcommit_memory") == 0) return strict_mode();
  va_list values;
  va_start(values, flags);
  const int mode = va_arg(values, int);
  va_end(values);
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
