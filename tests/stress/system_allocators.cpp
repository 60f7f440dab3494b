#include "system_allocators.hpp"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "limits.hpp"

#ifdef HAKMEM_STRESS_API
#include "api_tuner.hpp"
#include "hakmem/hakmem.h"
#endif

namespace hakmem::stress {

namespace {

/// \tparam Thread a ThreadAllocator without state.
template <class Thread>
class SystemAllocator : public Allocator {
 public:
  std::unique_ptr<ThreadAllocator> attach() override { return std::make_unique<Thread>(); }
  std::unique_ptr<ThreadAllocator> attach_after_exit() override { return attach(); }
  SizeLimits limits() const override { return limits_of<FullGeometry>(); }
};

class MallocThread : public ThreadAllocator {
 public:
  void* allocate(std::size_t bytes) override { return std::malloc(bytes); }
  void* allocate_zeroed(std::size_t bytes) override { return std::calloc(1, bytes); }
  void* allocate_aligned(std::size_t bytes, std::size_t alignment) override {
    void* block = nullptr;
    return ::posix_memalign(&block, std::max(alignment, sizeof(void*)), bytes) == 0 ? block : nullptr;
  }
  void* reallocate(void* block, std::size_t bytes) override { return std::realloc(block, bytes); }
  void deallocate(void* block) override { std::free(block); }
  std::size_t usable_size(void* block) override { return ::malloc_usable_size(block); }
  void trim() override { ::malloc_trim(0); }
};

#ifdef HAKMEM_STRESS_API

class ApiThread : public ThreadAllocator {
 public:
  void* allocate(std::size_t bytes) override { return hak_alloc(bytes); }
  void* allocate_zeroed(std::size_t bytes) override { return hak_calloc(1, bytes); }
  void* allocate_aligned(std::size_t bytes, std::size_t alignment) override {
    return hak_aligned_alloc(alignment, bytes);
  }
  void* reallocate(void* block, std::size_t bytes) override { return hak_realloc(block, bytes); }
  void deallocate(void* block) override { hak_free(block); }
  std::size_t usable_size(void* block) override { return hak_usable_size(block); }
  void trim() override { (void)hak_trim(); }
};

class ApiAllocator : public SystemAllocator<ApiThread> {
 public:
  ApiAllocator() {
    if (hak_init() != 0) throw Failure("no memory for the process's heap");
    superslabs_before_ = statistics().superslabs_peak;
  }

#ifndef HAKMEM_VALGRIND
  // Options are atomics that announce nothing: Helgrind would take setting and reading them for a race. On the headers,
  // whose atomics do, the settings change there too.
  std::unique_ptr<Tuner> tuner() override { return make_api_tuner(); }
#endif

  std::optional<Footprint> footprint() override {
    const hak_statistics now = statistics();
    return Footprint{now.superslabs_peak - superslabs_before_, kSuperSlabBytes<FullGeometry>, now.thread_contexts};
  }
  /// What the process's background thread is about to give back a trim does not find: it is waited for.
  void check_reclaimed() override {
    for (unsigned look = 0;; ++look) {
      (void)hak_trim();
      const hak_statistics now = statistics();
      const std::uint64_t superslabs = now.superslabs_mapped - now.superslabs_unmapped;
      const std::uint64_t direct = now.direct_mapped - now.direct_unmapped;
      if (superslabs == 0 && direct == 0) return;
      if (look == kLooks) {
        throw Failure(
            fmt::format("{} of {} SuperSlabs and {} of {} direct mappings have not gone back to the system "
                        "though all blocks are free",
                        superslabs, now.superslabs_mapped, direct, now.direct_mapped));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

 private:
  static hak_statistics statistics() {
    hak_statistics now;
    hak_statistics_get(&now);
    return now;
  }

  /// Counted, not timed: a machine that keeps the background thread waiting keeps who looks waiting as well.
  static constexpr unsigned kLooks = 200;

  std::uint64_t superslabs_before_;
};

#endif

}  // namespace

#ifdef HAKMEM_STRESS_API
std::unique_ptr<Allocator> make_api_allocator() { return std::make_unique<ApiAllocator>(); }
#else
std::unique_ptr<Allocator> make_api_allocator() { throw Failure("this build has no C API to stress"); }
#endif

std::unique_ptr<Allocator> make_malloc_allocator() { return std::make_unique<SystemAllocator<MallocThread>>(); }

}  // namespace hakmem::stress
