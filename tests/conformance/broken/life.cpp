#include "life.hpp"

#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include "faults.hpp"
#include "memory.hpp"

namespace hakmem::broken {
namespace {

pthread_key_t exit_key;
std::atomic<bool> is_ready{false};
std::atomic<bool> is_child{false};
std::atomic<bool> main_thread_has_ended{false};
std::atomic<const void*> thread_that_exits{nullptr};

thread_local bool has_entered = false;
thread_local bool has_ended = false;

void end_thread(void*) {
  has_ended = true;
  if (::getpid() == ::gettid()) main_thread_has_ended.store(true);
  if (is(Fault::kDiesWithThread)) scribble_own();
}

void enter_child() {
  release_notes();
  is_child.store(true);
}

/// The program of checks starts itself with this option, and so does the runner, but without the variable.
bool is_spawned_by_a_check(int argc, char** argv) {
  return argc > 1 && std::string_view(argv[1]) == "--origins" && std::getenv("CONFORMANCE_LIBRARY") != nullptr;
}

[[gnu::constructor]] void set_up(int argc, char** argv, char**) {
  ::pthread_key_create(&exit_key, end_thread);
  ::pthread_atfork(hold_notes, release_notes, enter_child);
  is_ready.store(true);
  has_entered = false;
  enter();
  if (is_always(Fault::kNotInSpawned) && is_spawned_by_a_check(argc, argv)) std::abort();
}

/// Needs more stack than the smallest thread has.
[[gnu::noinline]] void use_deep_stack() {
  std::array<volatile char, 64 * 1024> deep;
  for (std::size_t i = 0; i < deep.size(); i += 512) deep[deep.size() - 1 - i] = 1;
}

bool is_in_handler() {
  sigset_t blocked;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  return sigismember(&blocked, SIGUSR1) == 1;
}

bool is_interrupted() {
  const int saved = errno;
  constexpr timespec kMoment = {0, 20'000};
  const bool interrupted = ::nanosleep(&kMoment, nullptr) != 0;
  errno = saved;
  return interrupted;
}

bool has_exited() {
  const void* exiting = thread_that_exits.load();
  if (exiting == nullptr || !is(Fault::kDeadAtExit)) return false;
  if (exiting != this_thread()) std::abort();
  return true;
}

}  // namespace

bool enter() {
  if (!is_ready.load() || has_entered) return false;
  has_entered = true;
  ::pthread_setspecific(exit_key, &exit_key);
  if (is(Fault::kLeaksPerThread)) {
    constexpr std::size_t kLeak = 65'536;
    static_cast<volatile char*>(__libc_malloc(kLeak))[kLeak / 2] = 1;
  }
  return true;
}

bool call_must_fail() {
  if (is(Fault::kDeepStack)) use_deep_stack();
  if (is_child.load() && is(Fault::kHangsInChild)) {
    for (;;) ::pause();
  }
  if (main_thread_has_ended.load() && is_always(Fault::kNeedsMainThread)) std::abort();
  return (is(Fault::kDeadInChild) && is_child.load()) || (is(Fault::kDeadAfterExit) && has_ended) ||
         (is(Fault::kFailsInHandler) && is_in_handler()) || (is(Fault::kTakesSignalsForFailure) && is_interrupted()) ||
         has_exited();
}

}  // namespace hakmem::broken

extern "C" [[gnu::visibility("default")]] void exit(int code) noexcept {
  hakmem::broken::thread_that_exits.store(hakmem::broken::this_thread());
  reinterpret_cast<void (*)(int)>(::dlsym(RTLD_NEXT, "exit"))(code);
  __builtin_unreachable();
}

extern "C" [[gnu::visibility("default")]] int dlclose(void* library) noexcept {
  if (hakmem::broken::is(hakmem::broken::Fault::kUnloadScribbles)) hakmem::broken::scribble();
  return reinterpret_cast<int (*)(void*)>(::dlsym(RTLD_NEXT, "dlclose"))(library);
}
