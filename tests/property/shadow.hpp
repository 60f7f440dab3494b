#pragma once
/// A heap beside its shadow: what the heap has handed out, which bytes were written there, and all that must be true of
/// every block (I1, I4, I5 on one thread, and what malloc promises).

#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "any_heap.hpp"

namespace hakmem::test {

enum class Request { kPlain, kZeroed, kAligned };

class Shadow {
 public:
  Shadow(std::unique_ptr<AnyHeap> heap, Coverage& coverage)
      : heap_(std::move(heap)), dimensions_(heap_->dimensions()), coverage_(coverage) {}

  [[nodiscard]] AnyHeap& heap() { return *heap_; }

  void allocate(unsigned context, int group, Request request, std::size_t bytes, std::size_t alignment,
                std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto refused = heap_->refused();
      void* p = call(context, request, bytes, alignment);
      if (p == nullptr) {
        expect_reason(bytes, refused);
        break;
      }
      if (request == Request::kZeroed) expect_zero(static_cast<unsigned char*>(p), bytes);
      const std::size_t usable = heap_->usable_size(p);
      if (request != Request::kAligned) expect_little_waste(bytes, usable);
      add(groups_[group], p, bytes, request == Request::kAligned ? alignment : 16, usable);
    }
    inspect();
  }

  /// Frees `count` blocks of a group from the `first` on; behind the last comes the first again.
  void free(unsigned context, int group, std::size_t first, std::size_t count) {
    auto& blocks = groups_[group];
    for (; count != 0 && !blocks.empty(); --count) {
      first %= blocks.size();
      remove(blocks, first);
      heap_->deallocate(context, removed_);
    }
    if (blocks.empty()) groups_.erase(group);
    inspect();
  }

  void resize(unsigned context, int group, std::size_t index, std::size_t bytes) {
    auto& blocks = groups_[group];
    if (blocks.empty()) return;  // there was no memory for it
    Block& block = blocks[index % blocks.size()];
    expect_contents(block, block.usable);
    const auto refused = heap_->refused();
    void* p = heap_->reallocate(context, block.p, bytes);
    if (p == nullptr) {
      expect_reason(bytes, refused);
      expect_contents(block, block.usable);
      return inspect();
    }
    const Block old = block;
    live_.erase(old.p);
    ranges_.erase(address(old.p));
    Block moved = old;
    moved.p = static_cast<unsigned char*>(p);
    expect_contents(moved, std::min(old.bytes, bytes));
    blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(index % blocks.size()));
    add(blocks, p, bytes, 16, heap_->usable_size(p));
    inspect();
  }

  void refuse(OsCall call, std::uint64_t nth, std::uint64_t times) {
    refusals_planted_ = true;
    heap_->refuse(call, nth, times);
  }

  void trim(unsigned context) {
    heap_->trim(context);
    inspect();
  }

  void detach(unsigned context) {
    heap_->detach(context);
    inspect();
  }

  void check_everything() {
    for (const auto& [group, blocks] : groups_) {
      for (const Block& block : blocks) expect_contents(block, block.usable);
    }
  }

  /// Frees everything, and then nothing may be left.
  void finish() {
    heap_->grant_everything();
    check_everything();
    while (!groups_.empty()) {
      const auto& [group, blocks] = *groups_.begin();
      free(static_cast<unsigned>(group) % (AnyHeap::kContexts + 1), group, 0, blocks.size());
    }
    heap_->expect_nothing_left(coverage_);
    coverage_.end_case();
  }

 private:
  struct Block {
    unsigned char* p;
    std::size_t bytes;
    std::size_t usable;
    std::uint64_t mark;  ///< decides on what was written to it
  };

  static std::uintptr_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

  [[nodiscard]] void* call(unsigned context, Request request, std::size_t bytes, std::size_t alignment) {
    switch (request) {
      case Request::kPlain: break;
      case Request::kZeroed: return heap_->allocate_zeroed(context, bytes);
      case Request::kAligned: return heap_->allocate_aligned(context, bytes, alignment);
    }
    return heap_->allocate(context, bytes);
  }

  /// Calls `visit(i)` for offsets of [0, bytes): all of a small block's, ever fewer of a large one's. What is visited
  /// of the first n bytes does not depend on how many follow.
  template <class Visit>
  static void sample(std::size_t bytes, Visit visit) {
    for (std::size_t i = 0; i < bytes; i += i < 512 ? 1 : i < 65536 ? 61 : 4093) visit(i);
  }

  static unsigned char expected_byte(const Block& block, std::size_t i) {
    return static_cast<unsigned char>(block.mark * 167 + i * 13 + (i >> 8));
  }

  void add(std::vector<Block>& blocks, void* p, std::size_t bytes, std::size_t alignment, std::size_t usable) {
    RC_ASSERT(address(p) % alignment == 0u);
    RC_ASSERT(usable >= bytes);
    // A hardened heap lets no byte of a block of 0 bytes be used; the block has a place of its own all the same.
    const std::size_t extent = std::max<std::size_t>(usable, 1);
    expect_no_overlap(address(p), extent);
    ranges_[address(p)] = address(p) + extent;
    live_.insert(p);
    const Block block{static_cast<unsigned char*>(p), bytes, usable, ++marks_};
    sample(usable, [&](std::size_t i) { block.p[i] = expected_byte(block, i); });
    if (usable != 0) block.p[usable - 1] = expected_byte(block, usable - 1);
    blocks.push_back(block);
  }

  void remove(std::vector<Block>& blocks, std::size_t index) {
    const Block block = blocks[index];
    expect_contents(block, block.usable);
    RC_ASSERT(heap_->usable_size(block.p) == block.usable);
    blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(index));
    ranges_.erase(address(block.p));
    live_.erase(block.p);
    removed_ = block.p;
  }

  /// I1: no byte belongs to two live blocks.
  void expect_no_overlap(std::uintptr_t begin, std::size_t bytes) const {
    const auto next = ranges_.lower_bound(begin);
    const bool before_next = next == ranges_.end() || begin + bytes <= next->first;
    const bool after_previous = next == ranges_.begin() || std::prev(next)->second <= begin;
    RC_ASSERT(before_next && after_previous);
  }

  static void expect_contents(const Block& block, std::size_t bytes) {
    bool contents_kept = true;
    sample(bytes, [&](std::size_t i) { contents_kept &= block.p[i] == expected_byte(block, i); });
    if (bytes != 0 && bytes == block.usable) contents_kept &= block.p[bytes - 1] == expected_byte(block, bytes - 1);
    RC_ASSERT(contents_kept);
  }

  static void expect_zero(const unsigned char* p, std::size_t bytes) {
    bool is_zero = true;
    sample(bytes, [&](std::size_t i) { is_zero &= p[i] == 0; });
    if (bytes != 0) is_zero &= p[bytes - 1] == 0;
    RC_ASSERT(is_zero);
  }

  /// nullptr needs a reason: an impossible size, one that no system has, or a planted refusal meanwhile.
  void expect_reason(std::size_t bytes, std::uint64_t refused_before) {
    const bool impossible = bytes > AnyHeap::kMaxBytes;
    RC_ASSERT(impossible || heap_->refused() > refused_before);
    RC_ASSERT(bytes >= AnyHeap::kMaxBytes || refusals_planted_);
    coverage_.hit(impossible ? "impossible size" : "out of memory");
  }

  void expect_little_waste(std::size_t bytes, std::size_t usable) const {
    if (bytes <= dimensions_.small_max) {
      RC_ASSERT(usable - bytes <= dimensions_.granule);
    } else if (bytes <= dimensions_.large_max) {
      RC_ASSERT(4 * usable < 5 * bytes);
    } else {
      // In whole pages, of which a mapping from the whale cache has up to a quarter more.
      RC_ASSERT(4 * usable < 5 * (bytes + dimensions_.page));
    }
  }

  /// After every command; more seldom while that is much work.
  void inspect() {
    if (live_.size() < 256 || ++skipped_ % 8 == 0) heap_->inspect(live_, coverage_);
  }

  std::unique_ptr<AnyHeap> heap_;
  Dimensions dimensions_;
  Coverage& coverage_;
  std::map<int, std::vector<Block>> groups_;
  std::map<std::uintptr_t, std::uintptr_t> ranges_;  ///< begin -> end of live blocks' usable bytes
  std::set<void*> live_;
  std::uint64_t marks_ = 0;
  std::uint64_t skipped_ = 0;
  bool refusals_planted_ = false;
  void* removed_ = nullptr;
};

}  // namespace hakmem::test
