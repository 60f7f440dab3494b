#include "faults.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace hakmem::stress {

namespace {

/// Passes everything on.
class Passing : public ThreadAllocator {
 public:
  explicit Passing(std::unique_ptr<ThreadAllocator> inner) : inner_(std::move(inner)) {}

  void* allocate(std::size_t bytes) override { return inner_->allocate(bytes); }
  void* allocate_zeroed(std::size_t bytes) override { return inner_->allocate_zeroed(bytes); }
  void* allocate_aligned(std::size_t bytes, std::size_t alignment) override {
    return inner_->allocate_aligned(bytes, alignment);
  }
  void* reallocate(void* block, std::size_t bytes) override { return inner_->reallocate(block, bytes); }
  void deallocate(void* block) override { inner_->deallocate(block); }
  std::size_t usable_size(void* block) override { return inner_->usable_size(block); }
  void trim() override { inner_->trim(); }

 protected:
  std::unique_ptr<ThreadAllocator> inner_;
};

/// Answers every other request with the block of the request before, if that is large enough and still this thread's.
class DoubleHandout : public Passing {
 public:
  using Passing::Passing;

  void* allocate(std::size_t bytes) override {
    void* twin = std::exchange(last_, nullptr);
    if (twin != nullptr && inner_->usable_size(twin) >= bytes) return twin;
    last_ = inner_->allocate(bytes);
    return last_;
  }
  void* reallocate(void* block, std::size_t bytes) override {
    if (block == last_) last_ = nullptr;
    return inner_->reallocate(block, bytes);
  }
  void deallocate(void* block) override {
    if (block == last_) last_ = nullptr;
    inner_->deallocate(block);
  }

 private:
  void* last_ = nullptr;
};

class LostBlock : public Passing {
 public:
  using Passing::Passing;

  void deallocate(void* block) override {
    constexpr unsigned kEvery = 101;
    if (++frees_ % kEvery != 0) inner_->deallocate(block);
  }

 private:
  unsigned frees_ = 0;
};

class WriteAfterFree : public Passing {
 public:
  using Passing::Passing;

  void deallocate(void* block) override {
    constexpr std::size_t kSmall = 1024;
    void*& place = freed_[frees_++ % kDelay];
    // Not the first word: a broken free list would be found by a crash.
    if (place != nullptr) static_cast<volatile std::uint64_t*>(place)[1] = 0xdeadbeefdeadbeef;
    place = inner_->usable_size(block) <= kSmall ? block : nullptr;
    inner_->deallocate(block);
  }

 private:
  static constexpr std::size_t kDelay = 3;

  std::array<void*, kDelay> freed_{};
  std::size_t frees_ = 0;
};

class Hoard : public Passing {
 public:
  using Passing::Passing;
  ~Hoard() override {
    for (void* block : blocks_) inner_->deallocate(block);
  }

  void deallocate(void* block) override { blocks_.push_back(block); }

 private:
  std::vector<void*> blocks_;
};

class LostThread : public Passing {
 public:
  using Passing::Passing;
  ~LostThread() override { (void)inner_.release(); }
};

}  // namespace

std::unique_ptr<ThreadAllocator> with_fault(std::unique_ptr<ThreadAllocator> thread, Fault fault) {
  switch (fault) {
    case Fault::kDoubleHandout: return std::make_unique<DoubleHandout>(std::move(thread));
    case Fault::kLostBlock: return std::make_unique<LostBlock>(std::move(thread));
    case Fault::kWriteAfterFree: return std::make_unique<WriteAfterFree>(std::move(thread));
    case Fault::kHoard: return std::make_unique<Hoard>(std::move(thread));
    case Fault::kLostThread: return std::make_unique<LostThread>(std::move(thread));
    case Fault::kNone:
    case Fault::kTouchAfterHandover:
    case Fault::kMissingRelease:
    case Fault::kMissingAcquire:
    case Fault::kTornExchange:
    case Fault::kTornFetch:
    case Fault::kTornCompare:
    case Fault::kWildCap: break;
  }
  return thread;
}

}  // namespace hakmem::stress
