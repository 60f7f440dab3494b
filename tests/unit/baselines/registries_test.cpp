/// The other registries answer as the page map does (B9).

#include "baselines/registries.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "layout/page_map.hpp"
#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

constexpr unsigned kShift = ToyGeometry::kSlotShift;
using SlabT = Slab<ToyConfig>;

template <class Registry>
class RegistryTest : public testing::Test {};
using Registries = testing::Types<bench::LinearRegistry<SlabT, kShift>, bench::HashRegistry<SlabT, kShift>>;
TYPED_TEST_SUITE(RegistryTest, Registries);

/// Pieces come and go in an order that makes runs, collisions and gaps.
TYPED_TEST(RegistryTest, AgreesWithThePageMapWhateverComesAndGoes) {
  constexpr unsigned kPieces = 300;
  Surroundings<ToyConfig> toy;
  TypeParam registry;
  std::vector<SlabT> slabs(kPieces);
  const auto address = [&](unsigned piece, unsigned offset) {
    return reinterpret_cast<void*>(toy.os.address_base() + (std::uintptr_t{piece + 1} << kShift) + offset);
  };
  std::uint32_t dice = 1;
  for (unsigned step = 0; step < 4000; ++step) {
    dice = dice * 1664525u + 1013904223u;
    const unsigned piece = (dice >> 8) % kPieces;
    SlabT* slab = (dice >> 28) < 9 ? &slabs[(dice >> 5) % kPieces] : nullptr;
    ASSERT_TRUE(toy.map.prepare(toy.os, address(piece, 0), 1));
    toy.map.set(address(piece, 0), slab);
    registry.set(address(piece, 0), slab);
    for (unsigned probe = 0; probe < kPieces; probe += 1 + step % 7) {
      ASSERT_EQ(registry.find(address(probe, dice % 1024)), toy.map.find(address(probe, dice % 1024))) << step;
    }
  }
}

TYPED_TEST(RegistryTest, ForeignPointersAreNobodys) {
  TypeParam registry;
  int foreign = 0;
  EXPECT_EQ(registry.find(&foreign), nullptr);
  EXPECT_EQ(registry.find(nullptr), nullptr);
  registry.set(&foreign, nullptr);
  EXPECT_EQ(registry.find(&foreign), nullptr) << "what is not there can be removed";
}

}  // namespace
}  // namespace hakmem::test
