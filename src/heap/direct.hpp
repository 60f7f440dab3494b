#pragma once
/// Floor 5. Direct mappings: blocks above kLargeMax, or aligned to more than a slot, each with a mapping of its own.
///
/// Freed ones wait in the whale cache with their pages, as a page that is faulted in again costs more than all else here. So
/// a kept mapping serves a smaller request too: what is left over is split off and goes on waiting, and is joined again
/// with what it was split from once that is free. And where none is large enough, one is grown: its pages move to a larger
/// place, and only what is added has to be faulted in.

#include <cstring>

#include "heap/whale_cache.hpp"
#include "layout/backend.hpp"
#include "layout/descriptor_table.hpp"
#include "layout/descriptors.hpp"
#include "sync/counter.hpp"

namespace hakmem {

/// What a new block must hold.
enum class Contents : std::uint8_t { kAny, kZero };

template <class Config>
class DirectMappings {
  using Sync = typename Config::Sync;
  using Os = typename Config::Os;
  using BackendT = Backend<Config>;
  using Geometry = typename Config::Geometry;
  using Mapping = DirectMapping<Config>;
  enum Mark : unsigned { kVacant, kMarks };

 public:
  /// A block. Any thread.
  /// \param bytes 1..2^62
  /// \param alignment a power of two
  /// \param threads that use the heap, for statistics
  /// \return nullptr when the system gives no memory.
  [[nodiscard]] void* allocate(BackendT& backend, std::size_t bytes, std::size_t alignment, Contents contents,
                               unsigned threads = 1) noexcept {
    if (Mapping* kept = take_kept(backend, bytes, alignment, contents)) {
      whales_.count(true, threads);
      return hand_out(backend.map, *kept);
    }
    whales_.count(false, threads);
    const std::size_t size = good_size(bytes);
    void* memory = backend.os.reserve(size, effective(alignment));
    if (memory == nullptr) return nullptr;
    Mapping* mapping = backend.map.prepare(backend.os, memory, 1) ? take_descriptor(backend.os) : nullptr;
    if (mapping == nullptr) {
      backend.os.release(memory, size);
      return nullptr;
    }
    mapping->slab.state.set(SlabState::kDirect);
    set_place(*mapping, memory, size);
    return hand_out(backend.map, *mapping);
  }

  /// Frees a block. The thread that was given it. \return false when it is not the start of a live direct mapping.
  [[nodiscard]] bool deallocate(BackendT& backend, Slab<Config>& slab, void* block) noexcept {
    Mapping& mapping = Mapping::of(slab);
    // Two threads that free the same block race for the entry here; only one gets it.
    if (!is_block(slab, block) || !backend.map.take(block, &slab)) return false;
    unmapped_.add();
    unmapped_bytes_.add(mapping.bytes.get());
    keep(backend, mapping);
    purge(backend.os);
    return true;
  }

  /// Unmaps what has waited in the whale cache for too long. Any thread, every now and then.
  void purge(Os& os) noexcept {
    for (std::uint32_t index; whales_.take_old(os, index);) unmap(os, table_.at(index));
  }

  /// Unmaps what waits in the whale cache. Any thread. \return bytes given back to the system.
  std::size_t trim(Os& os) noexcept {
    std::size_t bytes = 0;
    for (std::uint32_t index; whales_.take_any(index);) {
      bytes += table_.at(index).bytes.get();
      unmap(os, table_.at(index));
    }
    return bytes;
  }

  /// Grows or shrinks a block, contents kept, without copying them. The thread that was given it. \param bytes > 0
  /// \return the block, perhaps elsewhere, or nullptr when the system does not do that (the old one is as it was).
  [[nodiscard]] void* reallocate(BackendT& backend, Slab<Config>& slab, std::size_t bytes) noexcept {
    Mapping& mapping = Mapping::of(slab);
    const std::size_t old_size = mapping.bytes.get();
    const std::size_t size = good_size(bytes);
    void* old = reinterpret_cast<void*>(mapping.base.get());
    if (resize_in_place(backend, mapping, size)) {
      mapping.show(MappingUse::kLive);
      count_resized(old_size, mapping.bytes.get());
      return old;
    }
    // It stays as large as it was.
    if (size <= old_size) return old;
    if (!move(backend, mapping, size, &slab)) return nullptr;
    count_resized(old_size, size);
    mapping.show(MappingUse::kLive);
    void* moved = reinterpret_cast<void*>(mapping.base.get());
    backend.map.set(moved, &slab);
    return moved;
  }

  /// The usable size of a block with a mapping that is made for `bytes`.
  ///
  /// It reaches to the next piece of the page map: no two mappings may meet in one, so each starts at one. And it ends at one,
  /// so that the system can join neighbours: it has a limit to their number. What is not used is never touched.
  [[nodiscard]] static constexpr std::size_t good_size(std::size_t bytes) noexcept {
    constexpr std::size_t kUnit = Os::kPageBytes < kSlotBytes<Geometry> ? kSlotBytes<Geometry> : Os::kPageBytes;
    return (bytes + kUnit - 1) & ~(kUnit - 1);
  }

  [[nodiscard]] static bool is_block(Slab<Config>& slab, const void* block) noexcept {
    return Mapping::of(slab).base.get() == reinterpret_cast<std::uintptr_t>(block);
  }
  [[nodiscard]] static std::size_t usable_size(Slab<Config>& slab) noexcept { return Mapping::of(slab).bytes.get(); }

  /// Calls `visit(DirectMapping&)` for every descriptor. Any thread; only what is shown may be read.
  template <class Visit>
  void visit_all(Visit visit) noexcept {
    table_.visit_all(visit);
  }

  [[nodiscard]] WhaleCache<Config>& whales() noexcept { return whales_; }

  /// Blocks handed out and taken back so far.
  [[nodiscard]] std::uint64_t mapped() const noexcept { return mapped_.get(); }
  [[nodiscard]] std::uint64_t unmapped() const noexcept { return unmapped_.get(); }
  /// Bytes of the live blocks. Any thread; out of date by what others do meanwhile.
  [[nodiscard]] std::uint64_t bytes() const noexcept {
    const std::uint64_t mapped = mapped_bytes_.get();
    const std::uint64_t unmapped = unmapped_bytes_.get();
    return mapped > unmapped ? mapped - unmapped : 0;
  }

 private:
  /// A page that is faulted in costs three times as much as one that is filled. But large blocks are often used in part,
  /// and of new pages, what the program does not touch costs nothing.
  static void clear(Os& os, void* block, std::size_t bytes) noexcept {
    if (bytes > Geometry::kFillMax && bytes % os.page_bytes() == 0 && os.decommit(block, bytes)) return;
    std::memset(block, 0, bytes);
  }

  static std::size_t effective(std::size_t alignment) noexcept {
    return alignment < kSlotBytes<Geometry> ? kSlotBytes<Geometry> : alignment;
  }

  /// As much as is asked for and the last page, and a quarter of that.
  static std::size_t with_waste(std::size_t bytes) noexcept {
    const std::size_t pages = (bytes + Os::kPageBytes - 1) / Os::kPageBytes;
    return (pages + pages / 4) * Os::kPageBytes;
  }

  /// A mapping from the whale cache for a block, the caller's, or nullptr.
  Mapping* take_kept(BackendT& backend, std::size_t bytes, std::size_t alignment, Contents contents) noexcept {
    std::uint32_t index;
    if (!whales_.take(bytes, kHasDivision<Os> ? SIZE_MAX : with_waste(bytes), index)) {
      return take_grown(backend, bytes, alignment, contents);
    }
    Mapping& mapping = table_.at(index);
    if ((mapping.base.get() & (alignment - 1)) != 0) {
      keep(backend, mapping);
      return nullptr;
    }
    if constexpr (kHasDivision<Os>) {
      if (mapping.bytes.get() > with_waste(bytes) && !split(backend, mapping, good_size(bytes))) {
        keep(backend, mapping);
        return nullptr;
      }
    }
    if (contents == Contents::kZero)
      clear(backend.os, reinterpret_cast<void*>(mapping.base.get()), mapping.bytes.get());
    return &mapping;
  }

  /// The same by growing one that is too small. To move a page is cheap beside a fault. A zeroed block is better off with
  /// new pages.
  Mapping* take_grown(BackendT& backend, std::size_t bytes, std::size_t alignment, Contents contents) noexcept {
    if (contents == Contents::kZero || alignment > kSlotBytes<Geometry>) return nullptr;
    std::uint32_t index;
    if (!whales_.take_smaller(bytes, index)) return nullptr;
    Mapping& mapping = table_.at(index);
    if (grow(backend, mapping, good_size(bytes))) return &mapping;
    keep(backend, mapping);
    return nullptr;
  }

  bool grow(BackendT& backend, Mapping& mapping, std::size_t size) noexcept {
    return resize_in_place(backend, mapping, size) || move(backend, mapping, size, nullptr);
  }

  /// A mapping of the caller's grows or shrinks where it is.
  bool resize_in_place(BackendT& backend, Mapping& mapping, std::size_t size) noexcept {
    if constexpr (kHasDivision<Os>) {
      if (size > mapping.bytes.get() && grow_into_kept(backend, mapping, size)) return true;
    }
    if (!backend.os.resize(reinterpret_cast<void*>(mapping.base.get()), mapping.bytes.get(), size)) return false;
    mapping.bytes.set(size);
    return true;
  }

  /// A mapping of the caller's takes what it needs of the kept one behind it, pages and all. \return false: there is none,
  /// or it is too small
  bool grow_into_kept(BackendT& backend, Mapping& mapping, std::size_t size) noexcept
    requires kHasDivision<Os>
  {
    Mapping* next = take_neighbour(backend, mapping, true);
    if (next == nullptr) return false;
    if (mapping.bytes.get() + next->bytes.get() < size) {
      keep(backend, *next);
      return false;
    }
    join(backend.os, mapping, *next);
    // Where the rest can neither be split off nor given back, the mapping is as large as both.
    if (mapping.bytes.get() > with_waste(size)) (void)split(backend, mapping, size);
    return true;
  }

  /// A mapping of the caller's becomes a block.
  void* hand_out(PageMap<Config>& map, Mapping& mapping) noexcept {
    void* block = reinterpret_cast<void*>(mapping.base.get());
    mapping.show(MappingUse::kLive);
    map.set(block, &mapping.slab);
    mapped_.add();
    mapped_bytes_.add(mapping.bytes.get());
    return block;
  }

  /// A mapping of the caller's, which holds no block, waits for its next use, or goes back to the system.
  void keep(BackendT& backend, Mapping& mapping) noexcept {
    Mapping* kept = &mapping;
    make_room(backend.os, mapping.bytes.get());
    if constexpr (kHasDivision<Os>) {
      // Otherwise the neighbours would go with it.
      if (whales_.has_room(mapping.bytes.get(), bytes())) kept = &join_neighbours(backend, mapping);
      kept->kept_place.set(kept->base.get(), kept->origin.get());
    }
    kept->show(MappingUse::kKept);
    if (!whales_.put(backend.os, *kept, bytes())) unmap(backend.os, *kept);
  }

  /// What has been kept longest gives way: nobody has asked for it.
  void make_room(Os& os, std::size_t size) noexcept {
    const std::uint64_t live = bytes();
    for (std::uint32_t index; !whales_.has_room(size, live) && whales_.take_oldest(os, size, live, index);) {
      unmap(os, table_.at(index));
    }
  }

  /// Splits off what a mapping of the caller's has beyond `size`, and keeps it. \return false when the system refuses
  /// even to take it back: the mapping is as it was
  [[nodiscard]] bool split(BackendT& backend, Mapping& mapping, std::size_t size) noexcept
    requires kHasDivision<Os>
  {
    const std::size_t page = backend.os.page_bytes();
    const std::size_t first = (size + page - 1) & ~(page - 1);
    const std::size_t all = mapping.bytes.get();
    if (first >= all) return true;
    void* base = reinterpret_cast<void*>(mapping.base.get());
    void* rest = static_cast<char*>(base) + first;
    Mapping* other = backend.map.prepare(backend.os, rest, 1) ? take_descriptor(backend.os) : nullptr;
    if (other == nullptr) {
      if (!backend.os.resize(base, all, first)) return false;
      mapping.bytes.set(first);
      return true;
    }
    backend.os.split(base, all, first);
    mapping.bytes.set(first);
    other->slab.state.set(SlabState::kDirect);
    set_place(*other, rest, all - first);
    other->origin.set(mapping.origin.get());
    keep(backend, *other);
    return true;
  }

  /// Joins a mapping of the caller's with what was split from it, or it from, as far as that is kept. \return the whole
  Mapping& join_neighbours(BackendT& backend, Mapping& mapping) noexcept
    requires kHasDivision<Os>
  {
    Mapping* whole = &mapping;
    if (Mapping* next = take_neighbour(backend, mapping, true)) join(backend.os, *whole, *next);
    if (Mapping* previous = take_neighbour(backend, mapping, false)) {
      join(backend.os, *previous, *whole);
      whole = previous;
    }
    return *whole;
  }

  /// The kept mapping before or behind a mapping of the caller's, if both were split from one. \return nullptr: none
  Mapping* take_neighbour(BackendT& backend, Mapping& mapping, bool behind) noexcept
    requires kHasDivision<Os>
  {
    const std::uintptr_t base = mapping.base.get();
    const std::uintptr_t end = base + mapping.bytes.get();
    const std::uintptr_t origin = mapping.origin.get();
    const auto start = [=](std::size_t bytes) { return behind ? end : base - bytes; };
    const auto fits = [&](std::uint32_t index, std::size_t bytes) {
      const Mapping* kept = table_.find(index);
      return kept != nullptr && kept->kept_place.seems(start(bytes), origin);
    };
    std::uint32_t index;
    if (!whales_.take_that(fits, index)) return nullptr;
    Mapping& neighbour = table_.at(index);
    if (neighbour.base.get() == start(neighbour.bytes.get()) && neighbour.origin.get() == origin) return &neighbour;
    // What was seen was out of date.
    if (!whales_.put(backend.os, neighbour, bytes())) unmap(backend.os, neighbour);
    return nullptr;
  }

  /// Two mappings of the caller's become the first one.
  void join(Os& os, Mapping& first, Mapping& second) noexcept
    requires kHasDivision<Os>
  {
    const std::size_t all = first.bytes.get() + second.bytes.get();
    os.join(reinterpret_cast<void*>(first.base.get()), first.bytes.get(), all);
    first.bytes.set(all);
    vacate(second);
  }

  void count_resized(std::size_t old_size, std::size_t size) noexcept {
    unmapped_bytes_.add(old_size);
    mapped_bytes_.add(size);
  }

  /// A mapping of the caller's goes to a larger place, pages and all. \param known what the page map holds for its old place
  /// \return false when there is none, or its pages cannot be moved: it is where it was
  bool move(BackendT& backend, Mapping& mapping, std::size_t size, Slab<Config>* known) noexcept {
    void* target = backend.os.reserve(size, kSlotBytes<Geometry>);
    if (target == nullptr) return false;
    void* old = reinterpret_cast<void*>(mapping.base.get());
    if (backend.map.prepare(backend.os, target, 1)) {
      // The old address may serve another thread the moment it is unmapped, so it leaves the page map first.
      if (known != nullptr) backend.map.set(old, nullptr);
      if (backend.os.move(old, mapping.bytes.get(), target, size)) {
        set_place(mapping, target, size);
        return true;
      }
      if (known != nullptr) backend.map.set(old, known);
    }
    backend.os.release(target, size);
    return false;
  }

  /// Gives a mapping and its descriptor back. Only its owner; no block of it is out.
  void unmap(Os& os, Mapping& mapping) noexcept {
    os.release(reinterpret_cast<void*>(mapping.base.get()), mapping.bytes.get());
    vacate(mapping);
  }

  void vacate(Mapping& mapping) noexcept {
    mapping.shown.set(0);
    table_.set_mark(kVacant, mapping.index.get());
  }

  static void set_place(Mapping& mapping, void* memory, std::size_t size) noexcept {
    mapping.base.set(reinterpret_cast<std::uintptr_t>(memory));
    mapping.bytes.set(size);
    if constexpr (kHasDivision<Os>) mapping.origin.set(mapping.base.get());
  }

  Mapping* take_descriptor(Os& os) noexcept {
    if (Mapping* vacant = table_.take_marked(kVacant)) return vacant;
    return table_.append(os);
  }

  DescriptorTable<Config, Mapping, kMarks> table_;
  WhaleCache<Config> whales_;
  Counter<Sync> mapped_;
  Counter<Sync> unmapped_;
  Counter<Sync> mapped_bytes_;
  Counter<Sync> unmapped_bytes_;
};

}  // namespace hakmem
