#include "api/setup.hpp"

#include <pthread.h>

#include <cerrno>

#include "api/background.hpp"
#include "api/crash_log.hpp"
#include "api/learning.hpp"
#include "api/options.hpp"
#include "api/process_heap.hpp"

namespace hakmem {

namespace {

pthread_once_t once = PTHREAD_ONCE_INIT;
bool ready = false;

/// Then a freed slot's memory goes back only together with others of its page.
void say_that_pages_are_large() noexcept {
  linux_detail::Line line;
  line << "hakmem: the system's pages of " << LinuxOs::page_bytes() << " bytes are larger than slots of "
       << kSlotBytes<ProcessConfig::Geometry> << ": freed memory goes back in whole SuperSlabs";
  line.print();
}

void set_up() noexcept {
  if (LinuxOs::page_bytes() > kSlotBytes<ProcessConfig::Geometry>) [[unlikely]]
    say_that_pages_are_large();
  read_options_from_environment();
  process_heap.init();
  ready = make_exit_key();
}

/// A heap with a lock is forked while nobody is inside. To register that may allocate, so not while setting up.
template <class HeapT>
void keep_whole_across_fork(HeapT&) noexcept {
  if constexpr (requires(HeapT heap) { heap.before_fork(); }) {
    constexpr auto kBefore = [] { static_cast<HeapT&>(process_heap).before_fork(); };
    constexpr auto kAfter = [] { static_cast<HeapT&>(process_heap).after_fork(); };
    // Fails only without memory; then a child of a threaded process may find the lock taken.
    (void)::pthread_atfork(kBefore, kAfter, kAfter);
  }
}

/// Before main and before any thread, so that no fork can happen half-way through.
[[gnu::constructor]] void set_up_early() noexcept {
  if (!ensure_process_heap()) return;
  keep_whole_across_fork(process_heap);
  allow_learning();
  allow_background();
}

}  // namespace

bool ensure_process_heap() noexcept {
  ::pthread_once(&once, set_up);
  if (!ready) errno = ENOMEM;
  return ready;
}

void thread_begins() noexcept { prepare_thread_for_crash(); }
void thread_ends() noexcept { leave_thread(); }

}  // namespace hakmem
