/* Crashes in one of several ways, for the crash log's test: crash WAY [handler|late_handler] [LOG]. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void own_handler(int signal) {
  static const char text[] = "own handler\n";
  (void)signal;
  if (write(STDOUT_FILENO, text, sizeof text - 1) < 0) _exit(9);
  _exit(7);
}

static void install(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = own_handler;
  sigaction(SIGSEGV, &action, NULL);
}

static void touch(volatile char* address) { *address = 1; }

/* Stores that the compiler can neither see through nor leave out. */
static int overflow(int depth) {
  volatile char frame[4096];
  frame[0] = (char)depth;
  return depth < 0 ? 0 : overflow(depth + 1) + frame[0];
}

static void* overflow_thread(void* unused) {
  free(malloc(10));
  overflow(0);
  return unused;
}

static void crash(const char* way) {
  if (strcmp(way, "null") == 0) touch(NULL);
  if (strcmp(way, "abort") == 0) abort();
  if (strcmp(way, "kill") == 0) kill(getpid(), SIGBUS);
  if (strcmp(way, "block") == 0) {
    /* A jump into a block: its memory is no code. */
    void* block = malloc(48);
    void (*code)(void);
    memcpy(&code, &block, sizeof code);
    code();
  }
  if (strcmp(way, "stack") == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, overflow_thread, NULL);
    pthread_join(thread, NULL);
  }
}

int main(int argc, char** argv) {
  int (*set)(const char*, const char*);
  if (argc < 2) return 2;
  if (argc == 4) {
    void* symbol = dlsym(RTLD_DEFAULT, "hak_option_set");
    memcpy(&set, &symbol, sizeof set);
    install();
    if (set("HAKMEM_CRASH_LOG", argv[3]) != 0) return 3;
  } else if (argc == 3) {
    install();
  }
  if (strcmp(argv[1], "handlers") == 0) {
    struct sigaction now;
    sigaction(SIGSEGV, NULL, &now);
    puts(now.sa_handler == SIG_DFL ? "none" : "some");
    return 0;
  }
  crash(argv[1]);
  return 0;
}
