#pragma once
/// Floor 3. The page map: address -> descriptor of the slab or direct mapping that starts or lies there, in O(1) (B9).
///
/// One entry per slot-sized piece of address space; null means foreign. Two levels: a root of one word for each stretch
/// of address space, in the heap itself, and a leaf for each stretch that holds memory of it. So a small program pays for
/// a leaf or two, and nothing is reserved that a limit, a lock of all memory or a core dump would count. Entries are
/// written before a block of theirs goes out, so its freer may read them relaxed (handoff lemma); any other address reads
/// null or some type-stable descriptor.

#include <cstddef>
#include <cstdint>

#include "layout/descriptors.hpp"
#include "os/os_concept.hpp"

namespace hakmem {

template <class Config>
class PageMap {
  using Sync = typename Config::Sync;
  using Os = typename Config::Os;
  using Geometry = typename Config::Geometry;
  using Entry = typename Sync::template Atomic<Slab<Config>*>;

  static constexpr unsigned kShift = Geometry::kSlotShift;
  static constexpr unsigned kBits = Os::kAddressBits - kShift;
  static constexpr unsigned kLeafBits = (kBits + 1) / 2;
  static constexpr std::size_t kMask = (std::size_t{1} << kBits) - 1;
  static constexpr std::size_t kLeafEntries = std::size_t{1} << kLeafBits;
  static constexpr std::size_t kRootEntries = std::size_t{1} << (kBits - kLeafBits);

  struct Leaf {
    Entry entries[kLeafEntries];
  };
  using Root = typename Sync::template Atomic<Leaf*>;

 public:
  /// Once, before anything else. It happens-before every allocation, and a block's handoff carries it to the freer.
  void init(Os& os) noexcept { base_.set(os.address_base()); }

  /// Whether an address lies in the window that the map is of. `find` does not ask: it takes others for those that they
  /// are modulo the window's size, and finds what does not have them as a block.
  [[nodiscard]] bool covers(const void* p) const noexcept {
    return (reinterpret_cast<std::uintptr_t>(p) - base()) >> (kBits + kShift) == 0;
  }

  /// Descriptor for an address that the map covers, or nullptr when it is foreign (also for nullptr). Any thread; any
  /// value reads inside the map.
  [[nodiscard, gnu::always_inline]] Slab<Config>* find(const void* p) const noexcept {
    const std::size_t index = index_of(p);
    // Acquire pairs with ensure_leaf, for addresses that were not handed to this thread (foreign pointers).
    const Leaf* leaf = root_[index >> kLeafBits].load(std::memory_order_acquire);
    if (leaf == nullptr) [[unlikely]]
      return nullptr;
    // Relaxed: handoff lemma, see the head of this file.
    return leaf->entries[index & (kLeafEntries - 1)].load(std::memory_order_relaxed);
  }

  /// Makes sure that `set` cannot fail in [p, p + bytes). Any thread. \return false when there is no memory for it.
  [[nodiscard]] bool prepare(Os& os, const void* p, std::size_t bytes) noexcept {
    const std::size_t first = index_of(p) >> kLeafBits;
    const std::size_t last = index_of(static_cast<const char*>(p) + bytes - 1) >> kLeafBits;
    for (std::size_t i = first; i <= last; ++i) {
      if (!ensure_leaf(os, i)) return false;
    }
    return true;
  }

  /// Maps the piece that holds `p`, which has been prepared, to a descriptor or to nullptr. Only the piece's owner.
  void set(const void* p, Slab<Config>* slab) noexcept {
    const std::size_t index = index_of(p);
    // Relaxed: handoff lemma; an unmapping thread owns every block of the piece.
    entry(index).store(slab, std::memory_order_relaxed);
  }

  /// Unmaps the piece that holds `p`, if it is mapped to `slab`. \return true for exactly one caller.
  [[nodiscard]] bool take(const void* p, Slab<Config>* slab) noexcept {
    Slab<Config>* expected = slab;
    // Relaxed: decides between two freers of the same block, which is an error of theirs; nothing is published.
    return entry(index_of(p))
        .compare_exchange_strong(expected, nullptr, std::memory_order_relaxed, std::memory_order_relaxed);
  }

 private:
  [[nodiscard]] std::size_t index_of(const void* p) const noexcept {
    // The mask keeps wild pointers inside the map.
    return ((reinterpret_cast<std::uintptr_t>(p) - base()) >> kShift) & kMask;
  }

  [[nodiscard]] std::uintptr_t base() const noexcept {
    if constexpr (HasConstantBase<Os>) {
      return Os::kAddressBase;
    } else {
      return base_.get();
    }
  }

  Entry& entry(std::size_t index) noexcept {
    // Acquire pairs with ensure_leaf: the caller may have prepared nothing itself but inherited a mapping.
    Leaf* leaf = root_[index >> kLeafBits].load(std::memory_order_acquire);
    return leaf->entries[index & (kLeafEntries - 1)];
  }

  bool ensure_leaf(Os& os, std::size_t i) noexcept {
    Root& place = root_[i];
    // Relaxed: only whether there is one; who follows the pointer acquires it.
    if (place.load(std::memory_order_relaxed) != nullptr) return true;
    Leaf* fresh = os.template metadata<Leaf>(1);
    if (fresh == nullptr) return false;
    Leaf* expected = nullptr;
    // Release pairs with the acquire loads: readers see the leaf's initial state. Failure relaxed: another thread's
    // leaf is there; ours stays unused and untouched, once per leaf and racing thread at the most.
    (void)place.compare_exchange_strong(expected, fresh, std::memory_order_release, std::memory_order_relaxed);
    return true;
  }

  Root root_[kRootEntries]{};
  typename Sync::template Plain<std::uintptr_t> base_{};
};

}  // namespace hakmem
