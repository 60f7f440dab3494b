/* A machine that is busy at the worst moment, to be preloaded: threads are started a while apart, and after a line on
   standard error its thread does not run for a while, but all others do. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kStartMicroseconds = 1000, kLineMicroseconds = 20000 };

typedef void* (*Body)(void*);
typedef int (*Create)(pthread_t*, const pthread_attr_t*, Body, void*);

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, Body body, void* argument) {
  const int code = ((Create)dlsym(RTLD_NEXT, "pthread_create"))(thread, attributes, body, argument);
  usleep(kStartMicroseconds);
  return code;
}

ssize_t write(int file, const void* bytes, size_t count) {
  const ssize_t written = syscall(SYS_write, file, bytes, count);
  if (file == STDERR_FILENO) usleep(kLineMicroseconds);
  return written;
}
