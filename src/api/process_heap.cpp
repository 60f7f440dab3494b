#include "api/process_heap.hpp"

#include "api/crash_log.hpp"
#include "api/learning.hpp"
#include "api/options.hpp"

#include <pthread.h>

#include <cerrno>
#include <iterator>

namespace hakmem {

constinit ProcessHeap process_heap;
constinit ProcessContext detached_context;
constinit thread_local ProcessContext* thread_context = &detached_context;

namespace {

pthread_once_t once = PTHREAD_ONCE_INIT;
pthread_key_t exit_key;
bool ready = false;

/// Set while and after the thread's exit handler runs.
constinit thread_local bool thread_exited __attribute__((tls_model("initial-exec"))) = false;

void on_thread_exit(void* context) noexcept {
  // From here on frees go straight to the remote words and allocations borrow: other threads' exit handlers and
  // destructors may still come.
  thread_exited = true;
  thread_context = &detached_context;
  leave_thread();
  process_heap.detach(*static_cast<ProcessContext*>(context));
}

/// Makes the key whose destructor is the exit handler. The C library keeps a thread's values in tables of 32 keys, and
/// allocates all but the first when a value of theirs is set. If that is the thread's first allocation, and this key lies
/// in the same table, then the value that is set for it in between is lost with the table. So it lies in the first table,
/// or in one whose other keys are nobody's.
bool make_exit_key() noexcept {
  constexpr pthread_key_t kPerTable = 32;
  if (::pthread_key_create(&exit_key, on_thread_exit) != 0) return false;
  if (exit_key < kPerTable) return true;
  pthread_key_t keys[4 * kPerTable] = {exit_key};
  unsigned made = 1;
  unsigned in_row = 1;
  while (made < std::size(keys) && !(in_row >= kPerTable && keys[made - 1] % kPerTable == kPerTable - 1) &&
         ::pthread_key_create(&keys[made], on_thread_exit) == 0) {
    in_row = keys[made] == keys[made - 1] + 1 ? in_row + 1 : 1;
    ++made;
  }
  const bool found = in_row >= kPerTable && keys[made - 1] % kPerTable == kPerTable - 1;
  const unsigned kept = found ? made - kPerTable : 0;
  exit_key = keys[kept];
  for (unsigned i = 0; i < made; ++i) {
    if (i < kept || (!found && i != kept)) (void)::pthread_key_delete(keys[i]);
  }
  return true;
}

void set_up() noexcept {
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
}

void* checked(void* block) noexcept {
  if (block == nullptr) [[unlikely]]
    errno = ENOMEM;
  return block;
}

}  // namespace

bool ensure_process_heap() noexcept {
  ::pthread_once(&once, set_up);
  if (!ready) errno = ENOMEM;
  return ready;
}

ContextUse::ContextUse() noexcept : context_(thread_context) {
  if (context_->attached.get()) [[likely]]
    return;
  context_ = ensure_process_heap() ? process_heap.attach() : nullptr;
  if (context_ == nullptr) return;
  if (thread_exited) {
    borrowed_ = true;
    return;
  }
  thread_context = context_;
  // May itself allocate: the context is in place by now. Fails only without memory; then the context is not parked at
  // the thread's exit.
  (void)::pthread_setspecific(exit_key, context_);
  prepare_thread_for_crash();
}

ContextUse::~ContextUse() {
  if (borrowed_) process_heap.detach(*context_);
}

namespace {

[[gnu::noinline]] void* allocate_slower(std::size_t bytes) noexcept {
  const ContextUse context;
  return checked(context ? process_heap.allocate(*context, bytes) : nullptr);
}

}  // namespace

void* allocate_slow(std::size_t bytes, ProcessContext& context) noexcept {
  if (void* block = process_heap.try_allocate_cached(context, bytes)) [[likely]]
    return block;
  return allocate_slower(bytes);
}

void* allocate_zeroed(std::size_t count, std::size_t bytes) noexcept {
  std::size_t total;
  if (__builtin_mul_overflow(count, bytes, &total)) return checked(nullptr);
  const ContextUse context;
  return checked(context ? process_heap.allocate_zeroed(*context, total) : nullptr);
}

void* allocate_aligned(std::size_t alignment, std::size_t bytes) noexcept {
  const ContextUse context;
  return checked(context ? process_heap.allocate_aligned(*context, bytes, alignment) : nullptr);
}

void* reallocate(void* block, std::size_t bytes) noexcept {
  if (block == nullptr) return allocate(bytes);
  const ContextUse context;
  return checked(context ? process_heap.reallocate(*context, block, bytes == 0 ? 1 : bytes) : nullptr);
}

bool trim() noexcept { return process_heap.trim(*thread_context); }

}  // namespace hakmem
