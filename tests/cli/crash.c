/* Crashes in one of several ways, for the crash log's test: crash WAY [handler|late_handler] [LOG]. Other ways are steps
 * that have to be seen from inside: each prints a word. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <hakmem/hakmem.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

static void own_handler(int signal) {
  static const char text[] = "own handler\n";
  (void)signal;
  if (write(STDOUT_FILENO, text, sizeof text - 1) < 0) _exit(9);
  _exit(fcntl(STDERR_FILENO, F_GETFD) < 0 ? 8 : 7);
}

static void install_as(int signal, void (*handler)(int), void (*with_info)(int, siginfo_t*, void*), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  if (with_info != NULL) action.sa_sigaction = with_info;
  action.sa_flags = flags | (with_info != NULL ? SA_SIGINFO : 0);
  sigaction(signal, &action, NULL);
}

static void install(void) { install_as(SIGSEGV, own_handler, NULL, 0); }

/* The library is there by LD_PRELOAD alone. */
static int set_log(const char* value) {
  int (*set)(const char*, const char*);
  void* symbol = dlsym(RTLD_DEFAULT, "hak_option_set");
  memcpy(&set, &symbol, sizeof set);
  return set("HAKMEM_CRASH_LOG", value);
}

static int say(const char* word) {
  puts(word);
  fflush(stdout);
  return 0;
}

static void with_info(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)context;
  say(info->si_pid == getpid() ? "told" : "not told");
}

static void returns(int signal) {
  (void)signal;
  say("called");
}

static struct sigaction hidden;
static void passes_on(int signal, siginfo_t* info, void* context) { hidden.sa_sigaction(signal, info, context); }

static void touch(volatile char* address) { *address = 1; }

/* Stores that the compiler can neither see through nor leave out. */
static int overflow(int depth) {
  volatile char frame[4096];
  frame[0] = (char)depth;
  return depth < 0 ? 0 : overflow(depth + 1) + frame[0];
}

/* Frames as a function without frame pointers might leave them: nowhere, crooked, in a circle, downwards, torn off. */
static void* frames[3][2];
static void crash_with_frame(const char* which) {
  char* frame = (char*)0x1000;
  frames[0][0] = frames[0];
  frames[1][0] = strcmp(which, "down") == 0 ? frames[0] : frames[1];
  frames[0][1] = frames[1][1] = frames[2][1] = (void*)0x1234;
  if (strcmp(which, "crooked") == 0) frame = (char*)frames[1] + 1;
  if (strcmp(which, "torn") == 0) frames[1][0] = (void*)0x7fffffffe000;
  if (strcmp(which, "nowhere") != 0 && strcmp(which, "crooked") != 0) frame = (char*)frames[1];
  __asm__ volatile("mov %0, %%rbp\n movb $0, 0" : : "r"(frame));
}

static int deep(int depth) {
  if (depth == 0) touch(NULL);
  return depth < 0 ? 0 : deep(depth - 1) + 1;
}

/* The first block that the slab of `argument` has never handed out. */
static void* uncut;
static int find_uncut(const struct hak_region* region, void* argument) {
  const char* start = region->address;
  if (region->kind != HAK_REGION_SLAB || (char*)argument < start || (char*)argument >= start + region->bytes) return 0;
  uncut = (char*)region->address + region->used * region->block_bytes;
  return region->used < region->capacity;
}

static void jump_to(void* block) {
  void (*code)(void);
  memcpy(&code, &block, sizeof code);
  code();
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
  /* A jump into a block: its memory is no code. */
  if (strcmp(way, "block") == 0) jump_to(malloc(48));
  if (strcmp(way, "direct") == 0) jump_to(malloc(3000000));
  if (strcmp(way, "uncut") == 0) {
    int (*walk)(int (*)(const struct hak_region*, void*), void*);
    void* symbol = dlsym(RTLD_DEFAULT, "hak_heap_walk");
    memcpy(&walk, &symbol, sizeof walk);
    if (walk(find_uncut, malloc(700)) == 1) jump_to(uncut);
  }
  if (strncmp(way, "frame:", 6) == 0) crash_with_frame(way + 6);
  if (strcmp(way, "deep") == 0) deep(100);
  if (strcmp(way, "moved") == 0 && chdir("/") == 0) touch(NULL);
  if (strcmp(way, "stack") == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, overflow_thread, NULL);
    pthread_join(thread, NULL);
  }
}

static int has_stack(void) {
  stack_t now;
  sigaltstack(NULL, &now);
  return (now.ss_flags & SS_DISABLE) == 0;
}

static char own_memory[65536];
static void install_own_stack(void) {
  stack_t own;
  memset(&own, 0, sizeof own);
  own.ss_sp = own_memory;
  own.ss_size = sizeof own_memory;
  sigaltstack(&own, NULL);
}
static int has_own_stack(void) {
  stack_t now;
  sigaltstack(NULL, &now);
  return now.ss_sp == own_memory;
}

/* Runs after malloc's own handler of the thread's end: its key is younger. */
static void look_at_stack(void* kind) {
  say(strcmp(kind, "own") == 0 ? has_own_stack() ? "own" : "lost" : has_stack() ? "some" : "none");
}

static pthread_key_t key;
static void* ends_with_stack(void* kind) {
  free(malloc(10));
  if (strcmp(kind, "own") == 0) install_own_stack();
  pthread_setspecific(key, kind);
  return NULL;
}

static void* allocates(void* unused) {
  free(malloc(10));
  return unused;
}

static void run_thread(void* (*body)(void*), void* argument) {
  pthread_t thread;
  pthread_create(&thread, NULL, body, argument);
  pthread_join(thread, NULL);
}

static long kib_of_address_space(void) {
  long pages = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%ld", &pages) != 1) pages = 0;
  fclose(file);
  return pages * 4;
}

/* Signals that are sent: what was there before the log has its say. */
static int step_of_signals(const char* way) {
  struct sigaction now;
  if (strcmp(way, "ignored") == 0) {
    install_as(SIGBUS, SIG_IGN, NULL, 0);
    set_log("1");
    kill(getpid(), SIGBUS);
    sigaction(SIGBUS, NULL, &now);
    return say(now.sa_handler == SIG_IGN ? "removed" : "still there");
  }
  if (strcmp(way, "ignored_fault") == 0) {
    install_as(SIGSEGV, SIG_IGN, NULL, 0);
    set_log("1");
    touch(NULL);
  }
  if (strcmp(way, "told_twice") == 0 || strcmp(way, "told_once") == 0) {
    install_as(SIGBUS, NULL, with_info, strcmp(way, "told_once") == 0 ? (int)SA_RESETHAND : 0);
    set_log("1");
    for (int i = 0; i < 2; ++i) kill(getpid(), SIGBUS);
  }
  if (strcmp(way, "called_twice") == 0) {
    install_as(SIGBUS, returns, NULL, 0);
    for (int i = 0; i < 2; ++i) {
      set_log("1");
      kill(getpid(), SIGBUS);
    }
  }
  if (strcmp(way, "flags") == 0) {
    install_as(SIGBUS, own_handler, NULL, SA_RESTART | SA_NODEFER);
    set_log("1");
    sigaction(SIGBUS, NULL, &now);
    return say((now.sa_flags & SA_RESTART) != 0 && (now.sa_flags & SA_NODEFER) != 0 ? "kept" : "lost");
  }
  return 0;
}

/* The log is switched off and on. */
static int step_of_switches(const char* way) {
  struct sigaction now;
  if (strcmp(way, "off") == 0) {
    set_log("0");
    sigaction(SIGSEGV, NULL, &now);
    return say(now.sa_handler == SIG_DFL ? "none" : "some");
  }
  if (strcmp(way, "off_on") == 0) {
    set_log("0");
    set_log("1");
    touch(NULL);
  }
  if (strcmp(way, "on_on") == 0) {
    set_log("1");
    touch(NULL);
  }
  if (strcmp(way, "off_behind") == 0) {
    sigaction(SIGBUS, NULL, &hidden);
    install_as(SIGBUS, NULL, passes_on, 0);
    set_log("0");
    sigaction(SIGBUS, NULL, &now);
    say(now.sa_sigaction == passes_on ? "in front" : "gone");
    kill(getpid(), SIGBUS);
  }
  return 0;
}

/* Alternate stacks of threads. */
static int step_of_stacks(const char* way) {
  if (strcmp(way, "stack?") == 0) return say(has_stack() ? "some" : "none");
  if (strcmp(way, "own_stack") == 0) {
    install_own_stack();
    set_log("1");
    return say(has_own_stack() ? "own" : "lost");
  }
  if (strcmp(way, "no_stack") == 0) {
    const struct rlimit none = {1, 1};
    setrlimit(RLIMIT_AS, &none);
    set_log("1");
    return say(has_stack() ? "some" : "none");
  }
  if (strcmp(way, "ended") == 0 || strcmp(way, "own_ended") == 0) {
    pthread_key_create(&key, look_at_stack);
    run_thread(ends_with_stack, strcmp(way, "ended") == 0 ? "theirs" : "own");
  }
  if (strcmp(way, "threads") == 0) {
    for (int i = 0; i < 10; ++i) run_thread(allocates, NULL);
    const long before = kib_of_address_space();
    for (int i = 0; i < 500; ++i) run_thread(allocates, NULL);
    return say(kib_of_address_space() < before + 4096 ? "level" : "grown");
  }
  return 0;
}

/* Names of files that cannot be kept. */
static int step_of_paths(const char* way) {
  if (strcmp(way, "gone_folder") == 0) {
    if (mkdir("sub", 0700) != 0 || chdir("sub") != 0 || rmdir("../sub") != 0) return 2;
    return say(set_log("../log") == 0 ? "taken" : "refused");
  }
  if (strcmp(way, "long_path") == 0) {
    static char path[20000];
    for (size_t i = 0; i + 1 < sizeof path; ++i) path[i] = "/a"[i % 2];
    return say(set_log(path) != 0 && errno == ENAMETOOLONG ? "too long" : "taken");
  }
  if (strcmp(way, "long_folder") == 0) {
    /* So deep that the path of a file there is one byte too long, which is none as long as it is relative. */
    const size_t depth = 3990;
    char name[251], whole[4096];
    while (getcwd(whole, sizeof whole) != NULL && strlen(whole) < depth) {
      const size_t left = depth - strlen(whole) - 1;
      memset(name, 'a', sizeof name);
      name[left < sizeof name ? left : sizeof name - 1] = 0;
      if (mkdir(name, 0700) != 0 || chdir(name) != 0) return 2;
    }
    memset(name, 'b', sizeof name);
    name[sizeof whole - depth - 1] = 0;
    say(set_log(name) != 0 && errno == ENAMETOOLONG ? "too long" : "taken");
    name[strlen(name) - 1] = 0;
    return say(set_log(name) == 0 ? "taken" : "refused");
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  if (argc == 4) {
    install();
    if (set_log(argv[3]) != 0) return 3;
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
  return step_of_signals(argv[1]) + step_of_switches(argv[1]) + step_of_stacks(argv[1]) + step_of_paths(argv[1]);
}
