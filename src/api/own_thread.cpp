#include "api/own_thread.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "os/linux_os.hpp"

namespace hakmem {

namespace {

/// Own threads that run, or are about to.
constinit std::atomic<unsigned long> own_threads{0};

void* run_own_thread(void* run) noexcept {
  reinterpret_cast<void (*)()>(reinterpret_cast<std::uintptr_t>(run))();
  // Relaxed: a count that is compared with the system's now and then.
  own_threads.fetch_sub(1, std::memory_order_relaxed);
  return nullptr;
}

/// Relaxed: the child has one thread.
void forget_own_threads() noexcept { own_threads.store(0, std::memory_order_relaxed); }

/// Reads a field of a line of /proc/self/stat. \param field the end of the one that is number `from`
const char* field_after(const char* field, unsigned from, unsigned number) noexcept {
  for (; from < number && field != nullptr; ++from) field = std::strchr(field + 1, ' ');
  return field;
}

}  // namespace

bool start_own_thread(void (*run)()) noexcept {
  constexpr std::size_t kStackBytes = std::size_t{128} << 10;
  pthread_attr_t attributes{};
  if (::pthread_attr_init(&attributes) != 0) return false;
  (void)::pthread_attr_setstacksize(&attributes, kStackBytes);
  (void)::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  // Relaxed: as where it is taken off.
  own_threads.fetch_add(1, std::memory_order_relaxed);
  pthread_t thread;
  auto* argument = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(run));
  const bool started = ::pthread_create(&thread, &attributes, run_own_thread, argument) == 0;
  if (!started) own_threads.fetch_sub(1, std::memory_order_relaxed);  // Relaxed: as above.
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  (void)::pthread_attr_destroy(&attributes);
  return started;
}

bool watch_forks(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept {
  // The first one registered is the first one called in a child. To register it again does no harm.
  return ::pthread_atfork(nullptr, nullptr, forget_own_threads) == 0 &&
         ::pthread_atfork(before, in_parent, in_child) == 0;
}

bool only_own_threads_are_left() noexcept {
  const int file = linux_detail::open_file("/proc/self/stat", O_RDONLY);
  if (file < 0) return false;
  char text[512];
  const long length = linux_detail::read_some(file, text, sizeof text - 1);
  linux_detail::close_file(file);
  if (length <= 0) return false;
  text[length] = '\0';
  const char* field = std::strrchr(text, ')');
  if (field == nullptr || field[1] != ' ' || field[2] != 'Z') return false;
  constexpr unsigned kState = 3, kThreads = 20;
  field = field_after(field + 1, kState, kThreads);
  // Relaxed: as where they are counted. The main thread counts as long as the process does.
  return field != nullptr && std::strtoul(field, nullptr, 10) == own_threads.load(std::memory_order_relaxed) + 1;
}

void sleep_for_ns(std::uint64_t ns) noexcept {
  constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
  const timespec time{static_cast<time_t>(ns / kNsPerSecond), static_cast<long>(ns % kNsPerSecond)};
  (void)::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

}  // namespace hakmem
