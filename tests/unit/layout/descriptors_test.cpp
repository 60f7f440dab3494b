#include "layout/descriptors.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

using SlabT = Slab<ToyConfig>;
using Context = ThreadContext<ToyConfig>;

TEST(Descriptors, OwnersLineIsApartFromWhatOthersWrite) {
  EXPECT_EQ(alignof(SlabT), 64u);
  EXPECT_EQ(sizeof(Slab<SimulatedConfig<FullGeometry>>), 128u);
  const SlabT slab;
  const auto start = reinterpret_cast<std::uintptr_t>(&slab);
  EXPECT_GE(reinterpret_cast<std::uintptr_t>(&slab.remote) - start, 64u);
  EXPECT_LT(reinterpret_cast<std::uintptr_t>(&slab.previous) - start, 64u);
}

/// They live in zero pages that no constructor runs over.
TEST(Descriptors, AllZeroIsTheInitialState) {
  const auto bytes = std::make_unique<unsigned char[]>(2 * sizeof(SuperSlab<ToyConfig>));
  void* place = bytes.get();
  std::size_t space = 2 * sizeof(SuperSlab<ToyConfig>);
  std::memset(place, 0, space);
  place = std::align(alignof(SuperSlab<ToyConfig>), sizeof(SuperSlab<ToyConfig>), place, space);
  const auto& superslab = *static_cast<SuperSlab<ToyConfig>*>(place);
  EXPECT_TRUE(superslab.word.snapshot().retired());
  EXPECT_EQ(superslab.slabs[0].state.get(), SlabState::kNone);
  EXPECT_EQ(superslab.slabs[0].owner.load(std::memory_order_relaxed), nullptr);
  EXPECT_TRUE(superslab.slabs[0].free.empty());
  EXPECT_FALSE(superslab.slabs[0].remote.has_chain());
}

TEST(Descriptors, OwnerIsMarkedForCachedClassesAndFoundBehindTheMark) {
  alignas(64) static Context context;
  Context* marked = cached_owner(&context);
  EXPECT_NE(marked, &context);
  EXPECT_EQ(unmarked_owner(marked), &context);
  EXPECT_EQ(unmarked_owner(&context), &context);
}

TEST(Descriptors, SlabKnowsItsBlocksByAddress) {
  ToyHeap toy;
  auto& context = *toy.heap.attach();
  char* block = static_cast<char*>(toy.heap.allocate(context, 320));  // three blocks and 64 bytes in a slot
  const SlabT& slab = toy.slab_of(block);
  EXPECT_TRUE(slab.is_block(block));
  EXPECT_FALSE(slab.is_block(block + 2 * 320)) << "not cut yet";
  EXPECT_TRUE(slab.is_uncut(block + 2 * 320));
  EXPECT_TRUE(slab.is_uncut(block + 320)) << "where the next one will begin";
  (void)toy.heap.allocate(context, 320);
  (void)toy.heap.allocate(context, 320);
  EXPECT_TRUE(slab.is_block(block + 2 * 320));
  EXPECT_FALSE(slab.is_uncut(block + 2 * 320));
  EXPECT_FALSE(slab.is_block(block + 1));
  EXPECT_FALSE(slab.is_block(block + 16));
  EXPECT_FALSE(slab.is_block(block - 320));
  EXPECT_FALSE(slab.is_block(block + 3 * 320)) << "behind the last block";
  EXPECT_FALSE(slab.is_uncut(block + 3 * 320));
}

TEST(Descriptors, SlabFindsTheBlockAroundAnAddress) {
  ToyHeap toy;
  auto& context = *toy.heap.attach();
  char* block = static_cast<char*>(toy.heap.allocate(context, 320));
  const SlabT& slab = toy.slab_of(block);
  EXPECT_EQ(slab.block_around(block), block);
  EXPECT_EQ(slab.block_around(block + 319), block);
  EXPECT_EQ(slab.block_around(block + 320), nullptr) << "not cut yet";
  EXPECT_EQ(slab.block_around(block + 500), nullptr);
  (void)toy.heap.allocate(context, 320);
  EXPECT_EQ(slab.block_around(block + 320), block + 320);
  EXPECT_EQ(slab.block_around(block + 639), block + 320);
  EXPECT_EQ(slab.block_around(block + 640), nullptr);
}

TEST(Descriptors, KeptMappingIsKnownByItsPlaceAndItsOrigin) {
  KeptPlace<TestSync> place;
  place.set(0x3000, 0x1000);
  EXPECT_TRUE(place.seems(0x3000, 0x1000));
  EXPECT_FALSE(place.seems(0x3000, 0x2000));
  EXPECT_FALSE(place.seems(0x2000, 0x1000));
  EXPECT_FALSE(place.seems(0x1000, 0x3000));
}

TEST(Descriptors, DirectMappingIsFoundBehindItsSlab) {
  DirectMapping<ToyConfig> mapping;
  EXPECT_EQ(&DirectMapping<ToyConfig>::of(mapping.slab), &mapping);
}

TEST(Descriptors, SlabShowsItsClassAndHowManyBlocksAreCut) {
  SlabT slab;
  slab.size_class.set(5);
  slab.carved.set(3);
  EXPECT_EQ(slab.shown.get(), 0u);
  slab.show();
  EXPECT_EQ(slab.shown.get(), (5u << 16) + 3u);
}

/// Until it is shown the next time.
TEST(Descriptors, DirectMappingShowsWhereItIsHowLargeAndWhatFor) {
  DirectMapping<ToyConfig> mapping;
  mapping.base.set(0x10000);
  mapping.bytes.set(0x3000);
  EXPECT_EQ(mapping.shown.get(), 0u);
  mapping.show(MappingUse::kKept);
  mapping.bytes.set(0x5000);
  EXPECT_EQ(mapping.shown.get(), 0x10000 | static_cast<std::uintptr_t>(MappingUse::kKept));
  EXPECT_EQ(mapping.shown_bytes.get(), 0x3000u);
}

}  // namespace
}  // namespace hakmem::test
