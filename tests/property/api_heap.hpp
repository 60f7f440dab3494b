#pragma once
/// The public C API as a heap under test. Every context is a real thread that works when it is told to, so threads
/// start, exit and free each other's blocks in an order that can be repeated.

#include <cerrno>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "any_heap.hpp"
#include "hakmem/hakmem.h"
#include "layout/size_class.hpp"

namespace hakmem::test {

/// A thread that runs one piece of work at a time, on demand.
class Worker {
 public:
  Worker() : thread_([this] { loop(); }) {}
  ~Worker() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void run(const std::function<void()>& work) {
    std::unique_lock lock(mutex_);
    work_ = &work;
    changed_.notify_all();
    changed_.wait(lock, [this] { return work_ == nullptr; });
  }

 private:
  void loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return stop_ || work_ != nullptr; });
      if (work_ == nullptr) return;
      (*work_)();
      work_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* work_ = nullptr;
  bool stop_ = false;
  std::thread thread_;
};

class ApiHeap : public AnyHeap {
 public:
  /// \param cached false: without thread caches (B6); slabs come and go then
  explicit ApiHeap(bool cached) {
    for (const char* cache : {"HAKMEM_CACHE_SMALL", "HAKMEM_CACHE_MID", "HAKMEM_CACHE_LARGE"}) {
      RC_ASSERT(hak_option_set(cache, cached ? "1" : "0") == 0);
    }
  }

  Dimensions dimensions() const override {
    using Classes = SizeClass<FullGeometry>;
    Dimensions d{.class_bytes = {},
                 .small_max = FullGeometry::kSmallMax,
                 .large_max = FullGeometry::kLargeMax,
                 .granule = std::size_t{1} << FullGeometry::kGranuleShift,
                 .page = 4096,
                 .largest_alignment = std::size_t{4} << 20,
                 .most_blocks = 40,
                 .most_bytes = std::size_t{256} << 10,
                 .most_live = std::size_t{256} << 20};
    for (unsigned c = 0; c < Classes::kCount; ++c) d.class_bytes.push_back(Classes::block_bytes(c));
    return d;
  }

  void* allocate(unsigned context, std::size_t bytes) override {
    return result(context, bytes, [&] { return hak_alloc(bytes); });
  }
  void* allocate_zeroed(unsigned context, std::size_t bytes) override {
    const std::size_t count = bytes % 3 == 0 ? 3 : 1;
    return result(context, bytes, [&] { return hak_calloc(count, bytes / count); });
  }
  void* allocate_aligned(unsigned context, std::size_t bytes, std::size_t alignment) override {
    return result(context, bytes, [&] { return hak_aligned_alloc(alignment, bytes); });
  }
  void* reallocate(unsigned context, void* block, std::size_t bytes) override {
    return result(context, bytes, [&] { return hak_realloc(block, bytes); });
  }
  void deallocate(unsigned context, void* block) override {
    bool errno_kept = false;
    worker(context).run([&] {
      errno = EDOM;
      hak_free(block);
      errno_kept = errno == EDOM;
    });
    RC_ASSERT(errno_kept);
  }
  void trim(unsigned context) override {
    worker(context).run([] { (void)hak_trim(); });
  }
  void detach(unsigned context) override { workers_[context].reset(); }
  std::size_t usable_size(const void* block) override { return hak_usable_size(block); }

  void refuse(OsCall, std::uint64_t, std::uint64_t) override {}
  void grant_everything() override {}
  std::uint64_t refused() const override { return refused_; }
  void inspect(const std::set<void*>&, Coverage&) override {}

  void expect_nothing_left(Coverage& coverage) override {
    for (auto& worker : workers_) worker.reset();
    (void)hak_trim();
    hak_statistics now;
    hak_statistics_get(&now);
    RC_ASSERT(now.superslabs_mapped == now.superslabs_unmapped);
    RC_ASSERT(now.direct_mapped == now.direct_unmapped);
    // Exited threads' contexts are adopted: there are never more than threads at one time.
    RC_ASSERT(now.thread_contexts <= kContexts + 1u);
    if (now.acquired_same_class != 0) coverage.hit("same class");
    if (now.acquired_any_class != 0) coverage.hit("any class");
    if (now.acquired_unused != 0) coverage.hit("unused");
    if (now.acquired_mapped != 0) coverage.hit("mapped");
    if (now.direct_mapped != 0) coverage.hit("direct");
  }

 private:
  Worker& worker(unsigned context) {
    if (workers_[context] == nullptr) workers_[context] = std::make_unique<Worker>();
    return *workers_[context];
  }

  template <class Call>
  void* result(unsigned context, std::size_t bytes, Call call) {
    void* block = nullptr;
    int error = 0;
    worker(context).run([&] {
      errno = 0;
      block = call();
      error = errno;
    });
    const bool failure_sets_errno = block != nullptr || error == ENOMEM;
    RC_ASSERT(failure_sets_errno);
    // The system cannot give half of the address space.
    if (block == nullptr && bytes >= kMaxBytes) ++refused_;
    return block;
  }

  std::unique_ptr<Worker> workers_[kContexts + 1];
  std::uint64_t refused_ = 0;
};

}  // namespace hakmem::test
