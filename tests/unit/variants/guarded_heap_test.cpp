/// Guarded heaps: what each guard finds, what it says of it, and that a correct program hears nothing.

#include "variants/guarded_heap.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "support/capturing_os.hpp"
#include "support/test_sync.hpp"
#include "support/together.hpp"
#include "support/toy_geometry.hpp"
#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

constexpr unsigned kBits = 30;

struct TestSite {
  static inline std::uint32_t site = 0;
  static std::uint32_t current() noexcept { return site; }
};

using Sealed = HardenedSync<TestSync, CapturingAlarm>;
using FullConfig = Config<Sealed, CapturingOs<kBits>, FullGeometry>;
using TagConfig = Config<TestSync, CapturingOs<kBits>, FullGeometry>;
using Hardened = GuardedHeap<Heap<FullConfig>, Trailer, TestSite>;
using Tagged = GuardedHeap<Heap<TagConfig>, BlockTag>;

template <class HeapT>
class Guarded : public testing::Test {
 protected:
  Guarded() {
    reports.clear();
    TestSite::site = 0;
    heap_.init();
    owner_ = heap_.attach();
    other_ = heap_.attach();
  }

  char* allocate(std::size_t bytes) { return static_cast<char*>(heap_.allocate(*owner_, bytes)); }
  void free(void* block) { heap_.deallocate(*owner_, block); }
  /// The window's beginning is never given out. An address outside might be taken for one inside, whose bits it has.
  [[nodiscard]] void* foreign() const { return reinterpret_cast<void*>(memory_.base() + 16); }

  /// Expects exactly one report so far, and forgets it.
  Report the_report() {
    EXPECT_EQ(reports.size(), 1u);
    const Report report = reports.empty() ? Report{} : reports.front();
    reports.clear();
    return report;
  }

  TestMemory memory_{kBits};
  HeapT heap_{CapturingOs<kBits>(memory_)};
  typename HeapT::Context* owner_ = nullptr;
  typename HeapT::Context* other_ = nullptr;
};

using HardenedHeap = Guarded<Hardened>;
using TaggedHeap = Guarded<Tagged>;

/// Small, cached by thread, large, and with a mapping of their own; at, below and above what fills a block.
constexpr std::size_t kSizes[] = {1,       15,      16,      17,      31,      32,          33,    40,
                                  48,      100,     992,     993,     1024,    5000,        32768, 65536,
                                  1048544, 1048545, 1048576, 1048577, 3000000, 4194304 - 32};

/// A block of no bytes is a block, whichever path serves it, and costs no other block its place.
template <class HeapT, class Context>
void expect_blocks_of_nothing(HeapT& heap, Context& context, std::size_t usable) {
  for (int turn = 0; turn < 3; ++turn) {
    void* blocks[3] = {};
    for (void*& block : blocks) {
      block = heap.try_allocate(context, 0);
      if (block == nullptr) block = heap.try_allocate_cached(context, 0);
      if (block == nullptr) block = heap.allocate(context, 0);
      ASSERT_NE(block, nullptr);
      EXPECT_GE(heap.usable_size(block), usable);
    }
    for (void* block : blocks) heap.deallocate(context, block);
  }
  EXPECT_TRUE(reports.empty());
  (void)heap.trim(context);
  EXPECT_EQ(heap.pool().active_bytes(), 0u) << "I2 conserved: a block is lost";
}

TEST_F(HardenedHeap, NothingIsABlockToo) { expect_blocks_of_nothing(heap_, *owner_, 0); }
TEST_F(TaggedHeap, NothingCountsAsAByte) { expect_blocks_of_nothing(heap_, *owner_, 1); }

TEST_F(HardenedHeap, CorrectProgramsHearNothing) {
  for (const std::size_t bytes : kSizes) {
    SCOPED_TRACE(bytes);
    for (int round = 0; round < 3; ++round) {
      char* block = allocate(bytes);
      ASSERT_NE(block, nullptr);
      EXPECT_EQ(heap_.usable_size(block), bytes);
      std::memset(block, 0, bytes);
      for (const std::size_t other : kSizes) {
        block = static_cast<char*>(heap_.reallocate(*owner_, block, other));
        ASSERT_NE(block, nullptr);
        EXPECT_EQ(heap_.usable_size(block), other);
        std::memset(block, 0xff, other);
      }
      round % 2 == 0 ? free(block) : heap_.deallocate(*other_, block);
    }
  }
  EXPECT_TRUE(reports.empty());
}

TEST_F(HardenedHeap, AlignmentAndZeroesAreAsWithoutGuard) {
  for (const std::size_t bytes : kSizes) {
    for (std::size_t alignment = 1; alignment <= std::size_t{1} << 21; alignment *= 8) {
      char* block = static_cast<char*>(heap_.allocate_aligned(*owner_, bytes, alignment));
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignment, 0u);
      EXPECT_EQ(heap_.usable_size(block), Hardened::good_size(bytes, alignment));
      std::memset(block, 0xff, bytes);
      heap_.deallocate_sized_aligned(*owner_, block, bytes, alignment);
    }
    char* zeroed = static_cast<char*>(heap_.allocate_zeroed(*owner_, bytes));
    EXPECT_EQ(zeroed[0], 0);
    EXPECT_EQ(zeroed[bytes - 1], 0);
    heap_.deallocate_sized(*owner_, zeroed, bytes);
  }
  EXPECT_TRUE(reports.empty());
}

TEST_F(HardenedHeap, ImpossibleSizesAreRefused) {
  void* block = allocate(10);
  for (const std::size_t bytes : {Hardened::kMaxBytes, Hardened::kMaxBytes - 31, SIZE_MAX, SIZE_MAX - 31}) {
    EXPECT_EQ(heap_.try_allocate(*owner_, bytes), nullptr);
    EXPECT_EQ(heap_.try_allocate_cached(*owner_, bytes), nullptr);
    EXPECT_EQ(heap_.allocate(*owner_, bytes), nullptr);
    EXPECT_EQ(heap_.allocate_zeroed(*owner_, bytes), nullptr);
    EXPECT_EQ(heap_.allocate_aligned(*owner_, bytes, 64), nullptr);
    EXPECT_EQ(heap_.reallocate(*owner_, block, bytes), nullptr);
    EXPECT_EQ(Hardened::good_size(bytes, 1), 0u);
  }
  EXPECT_EQ(Hardened::good_size(Hardened::kMaxBytes - 32, 1), Hardened::kMaxBytes - 32);
  EXPECT_EQ(Hardened::good_size(0, 1), 0u);
  EXPECT_EQ(Hardened::good_size(1, Hardened::kMaxBytes + 1), 0u);
  EXPECT_EQ(heap_.usable_size(block), 10u);
  free(block);
  EXPECT_TRUE(reports.empty());
}

TEST_F(HardenedHeap, NullIsNoBlockAndNoFault) {
  free(nullptr);
  EXPECT_EQ(heap_.usable_size(nullptr), 0u);
  EXPECT_TRUE(reports.empty());
}

/// The fast path serves what the largest small block holds beside its guard.
TEST_F(HardenedHeap, LargestSmallBlocksComeFromTheFirstPath) {
  (void)allocate(FullGeometry::kSmallMax - Trailer<Sealed>::kBytes);
  EXPECT_NE(heap_.try_allocate(*owner_, FullGeometry::kSmallMax - Trailer<Sealed>::kBytes), nullptr);
}

TEST_F(HardenedHeap, EveryKindOfFreeFrees) {
  const auto is_free = [&](char* block) {
    (void)heap_.usable_size(block);
    return the_report().what == Corruption::kUsedAfterFree;
  };
  (void)allocate(48);  // so that the slab stays
  char* block = allocate(48);
  heap_.deallocate_sized(*owner_, block, 48);
  EXPECT_TRUE(is_free(block));
  block = allocate(48);
  heap_.deallocate_aligned(*owner_, block, 16);
  EXPECT_TRUE(is_free(block));
  block = allocate(48);
  heap_.deallocate_sized_aligned(*owner_, block, 48, 16);
  EXPECT_TRUE(is_free(block));
  block = allocate(0);
  heap_.deallocate_sized(*owner_, block, 0);
  EXPECT_TRUE(is_free(block));
  block = allocate(0);
  heap_.deallocate_sized_aligned(*owner_, block, 0, 16);
  EXPECT_TRUE(is_free(block));
}

/// No byte of it is the program's.
TEST_F(HardenedHeap, EveryUseOfABlockOfNoBytesIsReported) {
  char* block = allocate(0);
  EXPECT_EQ(heap_.usable_size(block), 0u);
  block[0] = static_cast<char>(block[0] ^ 1);
  free(block);
  EXPECT_EQ(the_report().what, Corruption::kOverflow);
  block = allocate(0);
  free(block);
  free(block);
  EXPECT_EQ(the_report().what, Corruption::kDoubleFree);
  block = allocate(0);
  heap_.deallocate_sized(*owner_, block, 1);
  EXPECT_EQ(the_report().what, Corruption::kSizeMismatch);
}

/// What is reported is not done as well.
TEST_F(HardenedHeap, RefusedFreesLeaveTheBlockToItsOwner) {
  char* block = allocate(48);
  heap_.deallocate(*other_, block);
  free(block);
  EXPECT_EQ(the_report().what, Corruption::kDoubleFree);
  (void)heap_.trim(*other_);
  char* first = allocate(48);
  for (int i = 0; i < 200; ++i) ASSERT_NE(allocate(48), first);
  EXPECT_TRUE(reports.empty());
}

TEST_F(HardenedHeap, DoubleFreeIsToldWithBothThreadsAndSites) {
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{48}, std::size_t{5000}, std::size_t{300000}}) {
    SCOPED_TRACE(bytes);
    (void)allocate(bytes);
    TestSite::site = 17;
    char* block = allocate(bytes);
    char* later = allocate(bytes);
    TestSite::site = 4;
    heap_.deallocate(*other_, block);
    TestSite::site = 9;
    free(later);  // so that the block is not the last that was freed
    free(block);
    const Report report = the_report();
    EXPECT_EQ(report.what, Corruption::kDoubleFree);
    EXPECT_EQ(report.block, block);
    EXPECT_EQ(report.bytes, bytes);
    EXPECT_EQ(report.history.allocated_by, owner_->index.get() + 1);
    EXPECT_EQ(report.history.allocated_at, 17u);
    EXPECT_EQ(report.history.freed_by, other_->index.get() + 1);
    EXPECT_EQ(report.history.freed_at, 4u);
  }
}

TEST_F(HardenedHeap, EveryByteBehindTheEndIsWatched) {
  for (const std::size_t bytes : kSizes) {
    SCOPED_TRACE(bytes);
    const std::size_t slack = allocate(bytes) == nullptr ? 0 : 16;
    for (std::size_t offset = 0; offset < slack; ++offset) {
      char* block = allocate(bytes);
      block[bytes + offset] = static_cast<char>(block[bytes + offset] + 1);
      free(block);
      EXPECT_EQ(the_report().what, Corruption::kOverflow) << offset;
    }
  }
}

TEST_F(HardenedHeap, OverflowIsFoundByResizingAndByAskingForTheSizeToo) {
  char* block = allocate(40);
  block[40] = 0;
  (void)heap_.usable_size(block);
  EXPECT_EQ(the_report().what, Corruption::kOverflow);
  EXPECT_EQ(heap_.reallocate(*owner_, block, 80), nullptr);
  EXPECT_EQ(the_report().what, Corruption::kOverflow);
}

TEST_F(HardenedHeap, FreeBlocksAreOfNoUse) {
  (void)allocate(100);
  char* block = allocate(100);
  free(block);
  EXPECT_EQ(heap_.reallocate(*owner_, block, 200), nullptr);
  EXPECT_EQ(the_report().what, Corruption::kUsedAfterFree);
  (void)heap_.usable_size(block);
  EXPECT_EQ(the_report().what, Corruption::kUsedAfterFree);
}

/// Behind the link of a free block, and before its guard.
bool is_zero(const char* block, std::size_t bytes) {
  constexpr std::size_t kLinkBytes = 16;
  return bytes <= kLinkBytes || std::all_of(block + kLinkBytes, block + bytes, [](char byte) { return byte == 0; });
}

TEST_F(HardenedHeap, ContentsAreClearedWithTheirBlockIfThatIsAskedFor) {
  heap_.set_clears_freed(true);
  for (const std::size_t bytes : kSizes) {
    SCOPED_TRACE(bytes);
    (void)allocate(bytes);  // so that the slab stays
    char* block = allocate(bytes);
    std::memset(block, 0xff, bytes);
    free(block);
    char* again = allocate(bytes);
    EXPECT_TRUE(again != block || is_zero(again, bytes));
    free(again);
    free(again);
    EXPECT_NE(the_report().what, Corruption::kOverflow) << "the guard is not cleared";
  }
}

/// Many of them may never have been touched.
TEST_F(HardenedHeap, PagesOfAMappingAreDroppedInsteadOfCleared) {
  heap_.set_clears_freed(true);
  for (const bool refused : {false, true}) {
    SCOPED_TRACE(refused);
    constexpr std::size_t kBytes = 3000000;
    char* block = allocate(kBytes);
    std::memset(block, 0xff, kBytes);
    const auto before = memory_.calls(OsCall::kDecommit);
    if (refused) memory_.refuse(OsCall::kDecommit);
    free(block);
    EXPECT_EQ(memory_.calls(OsCall::kDecommit), before + 1);
    memory_.grant_everything();
    char* again = allocate(kBytes);
    ASSERT_EQ(again, block) << "it was kept";
    EXPECT_TRUE(is_zero(again, kBytes));
    free(again);
  }
  EXPECT_TRUE(reports.empty());
}

TEST_F(HardenedHeap, ResizingLeavesNoContentsBehindIfThatIsAskedFor) {
  heap_.set_clears_freed(true);
  for (const std::size_t bytes : {100u, 5000u, 100000u}) {
    for (const std::size_t other : {1u, 50u, 99u, 101u, 4000u, 90000u, 2000000u}) {
      SCOPED_TRACE(testing::Message() << bytes << " to " << other);
      (void)allocate(bytes);  // so that the slab stays
      char* block = allocate(bytes);
      std::memset(block, 0xee, bytes);
      char* moved = static_cast<char*>(heap_.reallocate(*owner_, block, other));
      ASSERT_NE(moved, block);
      EXPECT_TRUE(is_zero(block, bytes));
      EXPECT_EQ(heap_.usable_size(moved), other);
      EXPECT_TRUE(std::all_of(moved, moved + std::min(bytes, other), [](char byte) { return byte == '\xee'; }));
      free(moved);
    }
  }
  EXPECT_TRUE(reports.empty());
}

/// I2
TEST_F(HardenedHeap, ResizingFreesTheOldBlockWhereItsContentsAreCleared) {
  heap_.set_clears_freed(true);
  free(heap_.reallocate(*owner_, allocate(100), 5000));
  (void)heap_.trim(*owner_);
  EXPECT_EQ(heap_.pool().active_bytes(), 0u);
}

TEST_F(HardenedHeap, ContentsStayWhereABlockCannotMove) {
  heap_.set_clears_freed(true);
  char* block = allocate(100);
  block[99] = 'x';
  EXPECT_EQ(heap_.reallocate(*owner_, block, Hardened::kMaxBytes - 64), nullptr);
  EXPECT_EQ(block[99], 'x');
  EXPECT_EQ(heap_.usable_size(block), 100u);
  free(block);
  EXPECT_TRUE(reports.empty());
}

/// What a program is about to write or to read.
class HardenedHeapRanges : public HardenedHeap {
 protected:
  void look(const void* p, std::size_t bytes) { heap_.check_range(p, bytes, "memset", Corruption::kWriteBeyond); }
  /// Expects a report of a range of a block.
  void expect_beyond(const char* block, std::size_t block_bytes, std::ptrdiff_t begin, std::size_t bytes) {
    look(block + begin, bytes);
    const Report report = the_report();
    EXPECT_EQ(report.what, Corruption::kWriteBeyond);
    EXPECT_EQ(report.block, block);
    EXPECT_EQ(report.bytes, block_bytes);
    EXPECT_EQ(report.history.given, bytes);
    EXPECT_EQ(report.history.allocated_by, owner_->index.get() + 1);
  }
};

TEST_F(HardenedHeapRanges, WithinABlockArePassed) {
  for (const std::size_t bytes : kSizes) {
    const char* block = allocate(bytes);
    look(block, bytes);
    look(block, 1);
    look(block + bytes - 1, 1);
  }
  EXPECT_TRUE(reports.empty());
}

TEST_F(HardenedHeapRanges, ThatLeaveABlockAreReported) {
  for (const std::size_t bytes : kSizes) {
    SCOPED_TRACE(bytes);
    (void)allocate(bytes);  // so that no slab begins with the block
    const char* block = allocate(bytes);
    expect_beyond(block, bytes, 0, bytes + 1);
    expect_beyond(block, bytes, 0, SIZE_MAX / 2);
    // Of a mapping no more is known than its first 64 KiB.
    if (bytes + Trailer<Sealed>::kBytes > FullGeometry::kLargeMax) continue;
    expect_beyond(block, bytes, static_cast<std::ptrdiff_t>(bytes) - 1, 2);
    expect_beyond(block, bytes, static_cast<std::ptrdiff_t>(bytes), 1);
  }
}

/// What lies before the first block of a mapping is nobody's.
TEST_F(HardenedHeapRanges, ThatReachIntoABlockAreReported) {
  const char* block = allocate(FullGeometry::kLargeMax + 1);
  expect_beyond(block, FullGeometry::kLargeMax + 1, -4, 8);
  look(block - 4, 4);
  EXPECT_TRUE(reports.empty());
}

TEST_F(HardenedHeapRanges, OfOtherMemoryArePassed) {
  const char* block = allocate(10);
  look(foreign(), 100);
  look(block + 4096, 4096);  // where no block has been cut
  EXPECT_TRUE(reports.empty());
}

TEST_F(HardenedHeapRanges, OfFreeBlocksAreReported) {
  (void)allocate(48);  // so that the slab stays
  const char* block = allocate(48);
  heap_.deallocate(*other_, const_cast<char*>(block));
  look(block + 20, 4);
  Report report = the_report();
  EXPECT_EQ(report.what, Corruption::kUsedAfterFree);
  EXPECT_EQ(report.block, block);
  EXPECT_EQ(report.history.freed_by, other_->index.get() + 1);
  block = allocate(200000);
  free(const_cast<char*>(block));
  (void)heap_.trim(*owner_);  // so that its slab has gone back
  look(block + 20, 4);
  report = the_report();
  EXPECT_EQ(report.what, Corruption::kUsedAfterFree);
}

TEST_F(HardenedHeap, WritesToTheLinkOfAFreeBlockAreFoundWhenItIsUsed) {
  for (const std::size_t offset : {0u, 7u, 8u, 15u}) {
    char* block = allocate(5000);
    free(block);
    block[offset] = static_cast<char>(block[offset] ^ 1);
    (void)heap_.allocate(*owner_, 5000);
    const Report report = the_report();
    EXPECT_EQ(report.what, Corruption::kWrittenAfterFree);
    EXPECT_EQ(report.block, block);
  }
}

TEST_F(HardenedHeap, ReportOfAWrittenBlockKnowsItsPast) {
  (void)allocate(48);
  char* block = allocate(48);
  heap_.deallocate(*other_, block);
  heap_.report_written_after_free(block);
  const Report report = the_report();
  EXPECT_EQ(report.what, Corruption::kWrittenAfterFree);
  EXPECT_EQ(report.bytes, 48u);
  EXPECT_EQ(report.history.freed_by, other_->index.get() + 1);
}

TEST_F(HardenedHeap, WriteToWhatIsNoBlockIsAForeignPointers) {
  heap_.report_written_after_free(foreign());
  EXPECT_EQ(the_report().what, Corruption::kForeignPointer);
}

struct NotingHeap : Heap<TagConfig> {
  using Heap::Heap;
  void init() noexcept { is_set_up = true; }
  bool is_set_up = false;
};

TEST(GuardedHeap, SetsUpTheHeapUnderneath) {
  GuardedHeap<NotingHeap, BlockTag> heap;
  heap.init();
  EXPECT_TRUE(heap.core().is_set_up);
}

/// Of each process another one, so that nobody can forge a record.
struct SecretOs : CapturingOs<kBits> {
  using CapturingOs::CapturingOs;
  static std::uint64_t secret() noexcept { return its_secret; }
  static inline std::uint64_t its_secret = 0;
};

TEST(GuardedHeap, KeyIsTheSystemsSecret) {
  using Secret = GuardedHeap<Heap<Config<TestSync, SecretOs, FullGeometry>>, Trailer>;
  const auto slack_under = [](std::uint64_t secret) {
    SecretOs::its_secret = secret;
    TestMemory memory{kBits};
    Secret heap{SecretOs(memory)};
    heap.init();
    return static_cast<char*>(heap.allocate(*heap.attach(), 1))[1];
  };
  EXPECT_EQ(slack_under(1), slack_under(1));
  EXPECT_NE(slack_under(1), slack_under(2));
}

TEST_F(HardenedHeap, OwnsWhatItHasGivenOutOnTheSystemItWasMadeWith) {
  EXPECT_TRUE(heap_.owns(allocate(48)));
  EXPECT_FALSE(heap_.owns(foreign()));
  EXPECT_EQ(heap_.os().address_base(), memory_.base());
}

TEST_F(HardenedHeap, WrongSizeAndAlignmentAreNamed) {
  char* block = allocate(48);
  heap_.deallocate_sized(*owner_, block, 47);
  Report report = the_report();
  EXPECT_EQ(report.what, Corruption::kSizeMismatch);
  EXPECT_EQ(report.bytes, 48u);
  EXPECT_EQ(report.history.given, 47u);
  block = allocate(48);
  const std::size_t too_large = std::size_t{2} << std::countr_zero(reinterpret_cast<std::uintptr_t>(block));
  heap_.deallocate_aligned(*owner_, block, too_large);
  report = the_report();
  EXPECT_EQ(report.what, Corruption::kAlignmentMismatch);
  EXPECT_EQ(report.history.given, too_large);
}

TEST_F(HardenedHeap, PointersThatAreNoBlocksAreNamedByEveryCall) {
  char* block = allocate(100);
  char* large = allocate(3000000);
  const std::pair<void*, Corruption> wrong[] = {{foreign(), Corruption::kForeignPointer},
                                                {block + 16, Corruption::kInteriorPointer},
                                                {block + 1, Corruption::kInteriorPointer},
                                                {large + 4096, Corruption::kInteriorPointer}};
  for (const auto& [p, what] : wrong) {
    free(p);
    EXPECT_EQ(the_report().what, what);
    (void)heap_.reallocate(*owner_, p, 10);
    EXPECT_EQ(the_report().what, what);
    (void)heap_.usable_size(p);
    EXPECT_EQ(the_report().what, what);
  }
}

/// Sealed, or the state by itself, which says then that the block is damaged.
TEST(Trailer, EveryBitOfTheRecordIsWatched) {
  Trailer<TestSync> trailer;
  trailer.set_key(42);
  alignas(16) unsigned char block[96];
  for (unsigned bit = 0; bit < 256; ++bit) {
    trailer.seal(block, sizeof block, 48, {1, 2});
    block[64 + bit / 8] ^= static_cast<unsigned char>(1u << bit % 8);
    EXPECT_FALSE(trailer.inspect(block, sizeof block).sound()) << bit;
    const Look seen = trailer.claim(block, sizeof block, {3, 4});
    EXPECT_FALSE(seen.sound()) << bit;
    EXPECT_EQ(trailer.explain(block, sizeof block, seen, Corruption::kDoubleFree).what, Corruption::kOverflow) << bit;
  }
}

TEST(Trailer, SlackIsNeverFilledWithTheByteThatMostOverflowsWrite) {
  Trailer<TestSync> trailer;
  alignas(16) unsigned char block[96];
  for (std::uint64_t key = 0; key < 100; ++key) {
    trailer.set_key(key);
    trailer.seal(block, sizeof block, 48, {});
    EXPECT_NE(block[48], 0) << key;
  }
}

/// Beyond that a program pays for each byte.
TEST(Trailer, SlackIsWatchedForItsFirstBytes) {
  using GuardT = Trailer<TestSync>;
  constexpr std::size_t kRoom = 16 + GuardT::kWatched + 16 + GuardT::kBytes;
  GuardT trailer;
  alignas(16) unsigned char block[kRoom];
  for (const bool watched : {true, false}) {
    trailer.seal(block, kRoom, 16, {});
    block[16 + GuardT::kWatched - (watched ? 1 : 0)] ^= 1;
    EXPECT_EQ(trailer.inspect(block, kRoom).sound(), !watched);
  }
}

/// Where a page lies between what was asked for and the block's end, the end is not touched. One of the sizes has a slab
/// to itself, the other a mapping.
TEST_F(HardenedHeap, TrailerOfALargeBlockLiesBehindItsContents) {
  for (const std::size_t bytes : {std::size_t{100'000}, std::size_t{3'000'000}}) {
    SCOPED_TRACE(bytes);
    char* block = allocate(bytes);
    const std::size_t usable = heap_.core().usable_size(block);
    const std::size_t room = Trailer<Sealed>::room_for(bytes);
    EXPECT_GE(room, bytes + 128 + 32);
    EXPECT_LE(room, bytes + 128 + 32 + 7);
    ASSERT_LE(room, usable);
    EXPECT_TRUE(std::all_of(block + room, block + usable, [](char byte) { return byte == 0; }));
    EXPECT_FALSE(std::all_of(block + room - 32, block + room, [](char byte) { return byte == 0; }));
    free(block);
  }
}

/// The record's words lie where words may.
TEST(Trailer, RoomIsTheLeastForContentsWatchedBytesAndAnAlignedRecord) {
  using Guard = Trailer<TestSync>;
  EXPECT_EQ(Guard::room_for(96), 96u + 128u + 32u);
  EXPECT_EQ(Guard::room_for(97), 104u + 128u + 32u);
  EXPECT_EQ(Guard::room_for(100), 104u + 128u + 32u);
  EXPECT_EQ(Guard::room_for(104), 104u + 128u + 32u);
}

/// With each size that the block gets, in place too, and whoever asks.
TEST_F(HardenedHeap, EndOfALargeBlockMovesWithItsContents) {
  char* block = allocate(100'000);
  for (const std::size_t bytes : {70'000u, 114'688u - 32u, 90'000u}) {
    SCOPED_TRACE(bytes);
    ASSERT_EQ(heap_.reallocate(*other_, block, bytes), block) << "in place";
    EXPECT_EQ(heap_.usable_size(block), bytes);
    char& behind = block[bytes];
    behind = static_cast<char>(behind ^ 1);
    (void)heap_.usable_size(block);
    EXPECT_EQ(the_report().what, Corruption::kOverflow);
    behind = static_cast<char>(behind ^ 1);
  }
  heap_.deallocate(*other_, block);
  free(block);
  EXPECT_EQ(the_report().what, Corruption::kDoubleFree);
}

/// A block of another size in the same place, and one that shares its slab.
TEST(NeededBytes, AreKeptOfBlocksThatAreAloneAndNeverMoreThanTheyHave) {
  TestMemory memory{kBits};
  Heap<TagConfig> heap{CapturingOs<kBits>(memory)};
  heap.init();
  auto& context = *heap.attach();
  void* large = heap.allocate(context, 100'000);
  const std::size_t usable = heap.usable_size(large);
  EXPECT_EQ(heap.bytes_of_block(large, ""), usable) << "nothing was said";
  EXPECT_EQ(heap.need(large, 1), 1u);
  EXPECT_EQ(heap.bytes_of_block(large, ""), 1u);
  EXPECT_EQ(heap.usable_size(large), usable) << "the program's";
  EXPECT_EQ(heap.need(large, usable), usable);
  EXPECT_EQ(heap.need(large, usable + 1), usable);
  EXPECT_EQ(heap.bytes_of_block(large, ""), usable);
  void* small = heap.allocate(context, 5000);
  EXPECT_EQ(heap.need(small, 1), heap.usable_size(small)) << "its slab has other blocks";
  EXPECT_EQ(heap.bytes_of_block(small, ""), heap.usable_size(small));
  void* mapped = heap.allocate(context, 5'000'000);
  EXPECT_EQ(heap.need(mapped, 4'000'000), 4'000'000u);
  EXPECT_EQ(heap.bytes_of_block(mapped, ""), 4'000'000u);
}

/// The state has 16 bits for the thread.
TEST(Trailer, ThreadsOfHighNumbersAreNamedByTheLargestThatFits) {
  Trailer<TestSync> trailer;
  alignas(16) unsigned char block[96];
  for (const auto& [thread, named] :
       {std::pair{0xfffeu, 0xfffeu}, std::pair{0xffffu, 0xffffu}, std::pair{0x12345u, 0xffffu}}) {
    trailer.seal(block, sizeof block, 48, {1, 2});
    EXPECT_TRUE(trailer.claim(block, sizeof block, {thread, 0xffff'ffff}).sound());
    const Look seen = trailer.claim(block, sizeof block, {5, 6});
    const Finding again = trailer.explain(block, sizeof block, seen, Corruption::kDoubleFree);
    EXPECT_EQ(again.what, Corruption::kDoubleFree);
    EXPECT_EQ(again.history.freed_by, named);
    EXPECT_EQ(again.history.freed_at, 0xffff'ffffu);
  }
}

/// The state changes by one exchange: exactly one of the threads wins, and each loser is told.
TEST(Trailer, OfThreadsThatFreeABlockAtOnceExactlyOneSucceeds) {
  Trailer<TestSync> trailer;
  trailer.set_key(42);
  for (int round = 0; round < 300; ++round) {
    alignas(16) char block[96];
    trailer.seal(block, sizeof block, 48, {1, 2});
    Look seen[3];
    run_together(3, [&](unsigned i) { seen[i] = trailer.claim(block, sizeof block, {i + 10, i + 20}); });
    int sound = 0;
    std::uint32_t winner = 0;
    for (unsigned i = 0; i < 3; ++i) {
      if (seen[i].sound()) {
        ++sound;
        winner = i;
      }
    }
    ASSERT_EQ(sound, 1);
    bool winner_named = false;
    for (const Look& look : seen) {
      if (look.sound()) continue;
      const Finding f = trailer.explain(block, sizeof block, look, Corruption::kDoubleFree);
      ASSERT_EQ(f.what, Corruption::kDoubleFree);
      winner_named |= f.history.freed_by == winner + 10 && f.history.freed_at == winner + 20;
    }
    ASSERT_TRUE(winner_named);
  }
}

TEST_F(HardenedHeap, ResizingThatFailsLeavesTheBlockLive) {
  char* block = allocate(5000);
  memory_.refuse(OsCall::kReserve, 1, 1000);
  EXPECT_EQ(heap_.reallocate(*owner_, block, 100 << 20), nullptr);
  memory_.grant_everything();
  EXPECT_EQ(heap_.usable_size(block), 5000u);
  free(block);
  EXPECT_TRUE(reports.empty());
}

TEST_F(TaggedHeap, CorrectProgramsHearNothingAndKeepAllBytesButOne) {
  for (const std::size_t bytes : kSizes) {
    char* block = allocate(bytes);
    const std::size_t usable = heap_.usable_size(block);
    EXPECT_GE(usable, bytes);
    EXPECT_EQ(usable, Tagged::good_size(bytes, 1));
    std::memset(block, 0xff, usable);
    block = static_cast<char*>(heap_.reallocate(*owner_, block, 2 * bytes));
    std::memset(block, 0xff, 2 * bytes);
    free(block);
  }
  EXPECT_TRUE(reports.empty());
}

TEST_F(TaggedHeap, TagLiesBeforeTheNextBlockAndShowsAnOverflowIntoIt) {
  char* block = allocate(47);
  EXPECT_EQ(static_cast<unsigned char>(block[47]), 0xa3);
  block[47] = 0;
  free(block);
  EXPECT_EQ(the_report().what, Corruption::kOverflow);
}

/// The tag does not know how many bytes were asked for.
TEST_F(TaggedHeap, AnySizeMayBeGivenOfABlock) {
  heap_.deallocate_sized(*owner_, allocate(48), 47);
  EXPECT_TRUE(reports.empty());
}

TEST_F(TaggedHeap, ARefusedResizeLeavesTheBlockAsItWas) {
  char* block = allocate(5000);
  std::memset(block, 3, 5000);
  memory_.refuse(OsCall::kReserve, 1, 100);
  EXPECT_EQ(heap_.reallocate(*owner_, block, 8 << 20), nullptr);
  memory_.grant_everything();
  EXPECT_EQ(block[4999], 3);
  free(block);
  EXPECT_TRUE(reports.empty());
}

TEST_F(HardenedHeap, AFreeIntoASlabThatWasGivenBackIsReported) {
  char* keeps_the_superslab = allocate(5000);
  char* block = allocate(48);
  free(block);
  (void)heap_.trim(*owner_);
  EXPECT_EQ(heap_.usable_size(block), 0u);
  EXPECT_EQ(the_report().what, Corruption::kReleasedSlab);
  free(keeps_the_superslab);
}

/// What is kept goes back from behind the guards, too.
TEST(GuardedHeapWithAClock, PurgesWhatHasBeenKeptForLongEnough) {
  TestMemory memory(kToyBits);
  GuardedHeap<Heap<ClockedConfig>, BlockTag> heap{ClockedOs(memory)};
  heap.init();
  auto* context = heap.attach();
  heap.deallocate(*context, heap.allocate(*context, 64));
  heap.detach(*context);
  const auto active_slots = [&] {
    unsigned active = 0;
    heap.pool().superslabs().visit_all([&](SuperSlab<ClockedConfig>& superslab) {
      const auto word = superslab.word.snapshot();
      for (unsigned i = 0; i < ToyGeometry::kSlots; ++i) active += word.state(i) == SlotState::kActive ? 1u : 0u;
    });
    return active;
  };
  ClockedOs::now += 1000;
  EXPECT_GT(active_slots(), 0u) << "somebody may want it";
  ClockedOs::now += 1'000'000;
  heap.purge();
  EXPECT_EQ(active_slots(), 0u);
}

}  // namespace
}  // namespace hakmem::test
