/// Every single call to the system that can be refused is refused once, in one run for each, while a program takes
/// every path of the heap; and once from that call on for good. Nothing may be lost or damaged, and afterwards the heap
/// works.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

struct Refusal {
  OsCall call;
  std::uint64_t nth;
  std::uint64_t times;
};

/// What the runs of a planted fault must notice.
enum class Fault { kNone, kLosesBlock, kDamagesBlock };

/// Two contexts that allocate, resize and free each other's blocks in a fixed order; what is refused is left out.
template <class Geometry, unsigned kBits>
class RefusedRun {
  using ConfigT = SimulatedConfig<Geometry, kBits>;
  using HeapT = Heap<ConfigT>;
  using Context = ThreadContext<ConfigT>;
  using Classes = SizeClass<Geometry>;

 public:
  explicit RefusedRun(Refusal refusal, Fault fault = Fault::kNone) : fault_(fault) {
    memory_.refuse(refusal.call, refusal.nth, refusal.times);
    heap_.init();
  }

  /// \return what has gone wrong, or ""
  std::string run() {
    work();
    memory_.grant_everything();
    if (!blocks_are_whole()) return "a block is not as it was written";
    free_all();
    const std::uint64_t failures = failures_;
    work();
    if (failures_ != failures) return "a request fails although the system refuses nothing";
    if (!blocks_are_whole()) return "a block is not as it was written, afterwards";
    free_all();
    return what_is_left();
  }

  /// Whether the refused call was reached at all.
  [[nodiscard]] bool reached() const { return memory_.refused() != 0; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }

 private:
  struct Block {
    unsigned char* address;
    std::size_t bytes;
    unsigned char seed;

    [[nodiscard]] std::size_t marked() const { return std::min<std::size_t>(bytes, 64); }
    void mark() const {
      std::memset(address, seed, marked());
      address[bytes - 1] = seed;
    }
    [[nodiscard]] bool is_whole(std::size_t first) const {
      return std::all_of(address, address + std::min(first, marked()), [this](auto byte) { return byte == seed; });
    }
    [[nodiscard]] bool is_whole() const { return is_whole(bytes) && address[bytes - 1] == seed; }
  };

  /// The context, which the system may have refused so far. \return nullptr as long as it does
  Context* context(unsigned i) { return contexts_[i] != nullptr ? contexts_[i] : contexts_[i] = heap_.attach(); }

  template <class Call>
  void keep(unsigned i, std::size_t bytes, Call call) {
    Context* own = context(i);
    void* block = own == nullptr ? nullptr : call(*own);
    if (block == nullptr) return refused();
    blocks_.push_back(
        {static_cast<unsigned char*>(block), bytes, static_cast<unsigned char>(blocks_.size() % 251 + 1)});
    blocks_.back().mark();
  }

  void refused() {
    ++failures_;
    if (blocks_.empty()) return;
    if (fault_ == Fault::kLosesBlock) blocks_.pop_back();
    if (fault_ == Fault::kDamagesBlock) blocks_.back().address[0] ^= 1;
  }

  void deallocate(unsigned i, std::size_t position) {
    Context stand_in{};
    Context* own = contexts_[i];
    heap_.deallocate(own == nullptr ? stand_in : *own, blocks_[position].address);
    blocks_[position] = blocks_.back();
    blocks_.pop_back();
  }

  void resize(unsigned i, Block& block, std::size_t bytes) {
    Context* own = context(i);
    void* moved = own == nullptr ? nullptr : heap_.reallocate(*own, block.address, bytes);
    if (moved == nullptr) return refused();
    block.address = static_cast<unsigned char*>(moved);
    lost_contents_ |= !block.is_whole(bytes);
    block.bytes = bytes;
    block.mark();
  }

  void exit(unsigned i) {
    if (contexts_[i] != nullptr) heap_.detach(*contexts_[i]);
    contexts_[i] = nullptr;
  }

  void work() {
    constexpr std::size_t kLarge = Geometry::kLargeMax;
    for (unsigned c = 0; c < Classes::kCount; ++c) {
      const std::size_t bytes = Classes::block_bytes(c);
      keep(c % 2, bytes, [&](Context& own) { return heap_.allocate(own, bytes); });
      keep(c % 2, bytes, [&](Context& own) { return heap_.allocate(own, bytes); });
    }
    for (const std::size_t bytes : {std::size_t{1}, Geometry::kSmallMax + 1, kLarge, kLarge + 1, 3 * kLarge}) {
      keep(0, bytes, [&](Context& own) { return heap_.allocate_zeroed(own, bytes); });
    }
    for (std::size_t alignment = 32; alignment <= 2 * kSuperSlabBytes<Geometry>; alignment *= 4) {
      keep(1, 100, [&](Context& own) { return heap_.allocate_aligned(own, 100, alignment); });
    }
    resize_in_every_direction();
    for (std::size_t i = 0; i < blocks_.size(); i += 2) deallocate(i / 2 % 2, i);
    exit(0);
    if (Context* own = context(1)) (void)heap_.trim(*own);
    keep(0, 3 * kLarge, [&](Context& own) { return heap_.allocate(own, 3 * kLarge); });
    keep(0, kLarge, [&](Context& own) { return heap_.allocate(own, kLarge); });
  }

  /// Small, mid, large, direct: from each to each, and within the direct ones up and down.
  void resize_in_every_direction() {
    constexpr std::size_t kLarge = Geometry::kLargeMax;
    constexpr std::size_t kSizes[] = {16, Geometry::kSmallMax * 2, kLarge, 2 * kLarge, 6 * kLarge};
    for (const std::size_t from : kSizes) {
      for (const std::size_t to : kSizes) {
        const std::size_t count = blocks_.size();
        keep(0, from, [&](Context& own) { return heap_.allocate(own, from); });
        if (blocks_.size() != count + 1) continue;
        // Over this one no mapping grows: it has to move.
        if (from > kLarge) keep(1, 2 * kLarge, [&](Context& own) { return heap_.allocate(own, 2 * kLarge); });
        if (blocks_.size() > count) resize(0, blocks_[count], to);
        while (blocks_.size() > count + 1) deallocate(1, blocks_.size() - 1);
        // Large ones would fill the window.
        if (blocks_.size() == count + 1 && (from != to || to > kLarge)) deallocate(1, count);
      }
    }
  }

  [[nodiscard]] bool blocks_are_whole() const {
    return !lost_contents_ && std::all_of(blocks_.begin(), blocks_.end(), [](const Block& b) { return b.is_whole(); });
  }

  void free_all() {
    while (!blocks_.empty()) deallocate(blocks_.size() % 2, blocks_.size() - 1);
  }

  std::string what_is_left() {
    exit(0);
    exit(1);
    Context* last = heap_.attach();
    (void)heap_.trim(*last);
    if (heap_.contexts().size() > 3) return "contexts were lost";
    bool retired = true;
    heap_.pool().superslabs().visit_all(
        [&](SuperSlab<ConfigT>& superslab) { retired &= superslab.word.snapshot().retired(); });
    if (!retired) return "a slot is in use although all blocks were freed";
    const std::size_t left = memory_.reservations();
    return left == 0 ? "" : std::to_string(left) + " reservations are left although all blocks were freed";
  }

  Fault fault_;
  TestMemory memory_{kBits};
  HeapT heap_{TestOs<kBits>(memory_)};
  Context* contexts_[2] = {};
  std::vector<Block> blocks_;
  bool lost_contents_ = false;
  std::uint64_t failures_ = 0;
};

/// One run for every call that the program reaches. \return the number of runs in which a call was refused
template <class Run>
unsigned refuse_each(OsCall call, std::uint64_t times) {
  for (unsigned nth = 1;; ++nth) {
    Run run({call, nth, times});
    const std::string problem = run.run();
    EXPECT_EQ(problem, "") << "call " << nth << " of kind " << static_cast<unsigned>(call) << " refused, " << times
                           << " times";
    if (!run.reached() || !problem.empty()) return nth - 1;
  }
}

template <class Run>
void refuse_every_call() {
  for (const std::uint64_t times : {std::uint64_t{1}, TestMemory::kForEver}) {
    EXPECT_GE(refuse_each<Run>(OsCall::kReserve, times), 10u) << "the program reaches too little";
    EXPECT_GE(refuse_each<Run>(OsCall::kMetadata, times), 4u) << "the program reaches too little";
    EXPECT_GE(refuse_each<Run>(OsCall::kResize, times), 2u) << "the program reaches too little";
    EXPECT_GE(refuse_each<Run>(OsCall::kMove, times), 1u) << "the program reaches too little";
    EXPECT_GE(refuse_each<Run>(OsCall::kDecommit, times), 1u) << "the program reaches too little";
  }
}

using ToyRun = RefusedRun<ToyGeometry, kToyBits>;
using FullRun = RefusedRun<FullGeometry, kFullBits>;

TEST(HeapRefusal, ToyHeapLosesNothingWhicheverCallIsRefused) { refuse_every_call<ToyRun>(); }

TEST(HeapRefusal, FullHeapLosesNothingWhicheverCallIsRefused) { refuse_every_call<FullRun>(); }

TEST(HeapRefusal, RefusedCallsReachTheProgram) {
  FullRun run({OsCall::kReserve, 1, TestMemory::kForEver});
  EXPECT_EQ(run.run(), "");
  EXPECT_GT(run.failures(), 10u);
}

TEST(HeapRefusal, ALostBlockIsNoticed) {
  FullRun run({OsCall::kReserve, 5, TestMemory::kForEver}, Fault::kLosesBlock);
  EXPECT_NE(run.run().find("although all blocks were freed"), std::string::npos);
}

TEST(HeapRefusal, ADamagedBlockIsNoticed) {
  FullRun run({OsCall::kReserve, 5, TestMemory::kForEver}, Fault::kDamagesBlock);
  EXPECT_EQ(run.run(), "a block is not as it was written");
}

}  // namespace
}  // namespace hakmem::test
