#include "api/process_heap.hpp"

#include <pthread.h>

#include <cerrno>
#include <iterator>

#include "api/setup.hpp"

namespace hakmem {

constinit ProcessHeap process_heap;
constinit ProcessContext detached_context;
constinit thread_local ProcessContext* thread_context = &detached_context;

namespace {

pthread_key_t exit_key;

/// Set while and after the thread's exit handler runs.
constinit thread_local bool thread_exited __attribute__((tls_model("initial-exec"))) = false;

void on_thread_exit(void* context) noexcept {
  // From here on frees go straight to the remote words and allocations borrow: other threads' exit handlers and
  // destructors may still come.
  thread_exited = true;
  thread_context = &detached_context;
  thread_ends();
  process_heap.detach(*static_cast<ProcessContext*>(context));
}

void* checked(void* block) noexcept {
  if (block == nullptr) [[unlikely]]
    errno = ENOMEM;
  return block;
}

}  // namespace

// The C library keeps a thread's values in tables of 32 keys, and allocates all but the first when a value of theirs is
// set. If that is the thread's first allocation, and this key lies in the same table, then the value that is set for it in
// between is lost with the table. So it lies in the first table, or in one whose other keys are nobody's.
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
  thread_begins();
}

ContextUse::~ContextUse() {
  if (borrowed_) process_heap.detach(*context_);
}

#ifndef HAKMEM_LOCKED

ProcessContext* FreersOfProcess::context_of_freer() noexcept {
  // A context is more than a few blocks, and many threads free what they were given and end.
  constexpr unsigned kFrees = 64;
  static constinit thread_local unsigned frees __attribute__((tls_model("initial-exec"))) = 0;
  if (thread_exited || ++frees < kFrees) return nullptr;
  frees = 0;  // without memory it is tried again after as many
  const int saved = errno;
  const ContextUse context;
  errno = saved;
  return context ? &*context : nullptr;
}

#endif

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
