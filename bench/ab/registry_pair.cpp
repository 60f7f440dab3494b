#include <memory>
#include <stdexcept>
#include <unordered_set>

#include "ab/pairs.hpp"
#include "ab/subject.hpp"
#include "baselines/registries.hpp"
#include "layout/page_map.hpp"
#include "support/random.hpp"

namespace hakmem::bench {

namespace {

using ConfigT = Config<StdSync, CountingOs, FullGeometry>;
using SlabT = Slab<ConfigT>;
constexpr unsigned kShift = FullGeometry::kSlotShift;
constexpr std::size_t kProbes = 4096;

/// The page map with the registries' interface.
class PageMapRegistry {
 public:
  PageMapRegistry() { map_.init(os_); }
  [[nodiscard]] SlabT* find(const void* p) const noexcept { return map_.find(p); }
  void set(const void* p, SlabT* slab) {
    if (!map_.prepare(os_, p, 1)) throw std::runtime_error("no memory for a page map");
    map_.set(p, slab);
  }

 private:
  CountingOs os_;
  PageMap<ConfigT> map_;
};

/// Slots of SuperSlabs that lie about as the kernel would place them, and addresses to ask for: in them, or not.
struct Addresses {
  Addresses(std::size_t slots, bool hits) : descriptors(slots) {
    Random random(7, slots);
    std::unordered_set<std::uintptr_t> superslabs;
    const auto elsewhere = [&] {
      for (;;) {
        const std::uintptr_t at = (std::uintptr_t{0x7e00} << 32) + (random.below(1 << 14) << kSuperSlabShift);
        if (superslabs.insert(at).second) return at;
      }
    };
    std::uintptr_t superslab = 0;
    for (std::size_t i = 0; i < slots; ++i) {
      if (i % FullGeometry::kSlots == 0) superslab = elsewhere();
      registered.push_back(superslab + ((i % FullGeometry::kSlots) << kShift));
    }
    const std::uintptr_t foreign = elsewhere();
    for (std::size_t i = 0; i < kProbes; ++i) {
      const std::uintptr_t base =
          hits ? registered[random.below(slots)] : foreign + (random.below(FullGeometry::kSlots) << kShift);
      probes.push_back(reinterpret_cast<void*>(base + random.below(1 << kShift)));
    }
  }

  static constexpr unsigned kSuperSlabShift = 21;
  static_assert(kSuperSlabBytes<FullGeometry> == std::size_t{1} << kSuperSlabShift);

  std::vector<SlabT> descriptors;
  std::vector<std::uintptr_t> registered;
  std::vector<void*> probes;
};

template <class Registry>
Variant look_ups(std::string name, const std::shared_ptr<Addresses>& addresses, std::uint64_t operations) {
  auto registry = std::make_shared<Registry>();
  for (std::size_t i = 0; i < addresses->registered.size(); ++i) {
    registry->set(reinterpret_cast<void*>(addresses->registered[i]), &addresses->descriptors[i]);
  }
  Variant made;
  made.name = std::move(name);
  made.run = [registry, addresses, operations] {
    const Stopwatch stopwatch;
    for (std::uint64_t i = 0; i < operations; ++i) {
      SlabT* found = registry->find(addresses->probes[i % kProbes]);
      asm volatile("" : : "r"(found));
    }
    return Sample{operations, stopwatch.elapsed()};
  };
  return made;
}

}  // namespace

std::vector<Comparison> registry_pair(const Effort& effort) {
  std::vector<Comparison> comparisons;
  for (const std::size_t slots : {std::size_t{16}, std::size_t{256}, std::size_t{4096}}) {
    for (const bool hits : {true, false}) {
      const auto addresses = std::make_shared<Addresses>(slots, hits);
      const std::string words = std::to_string(slots) + " slots, " + (hits ? "hits" : "foreign");
      const auto ships = [&] { return look_ups<PageMapRegistry>("page map", addresses, effort.operations); };
      comparisons.push_back(
          {words, 1, ships(), look_ups<HashRegistry<SlabT, kShift>>("hash", addresses, effort.operations)});
      // Walking takes so long that fewer look-ups will do.
      comparisons.push_back(
          {words, 1, ships(),
           look_ups<LinearRegistry<SlabT, kShift>>("linear", addresses, effort.operations * 16 / slots)});
    }
  }
  return comparisons;
}

}  // namespace hakmem::bench
