#pragma once
/// Floor 5. Direct mappings: blocks above kLargeMax, or aligned to more than a slot, each with a mapping of its own.
/// Freed ones wait in the whale cache for a request of about their size.

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
    if (void* block = reuse(backend, bytes, alignment, contents, threads)) return block;
    const std::size_t size = good_size(bytes);
    void* memory = backend.os.reserve(size, effective(alignment));
    if (memory == nullptr) return nullptr;
    Mapping* mapping = backend.map.prepare(backend.os, memory, 1) ? take_descriptor(backend.os) : nullptr;
    if (mapping == nullptr) {
      backend.os.release(memory, size);
      return nullptr;
    }
    mapping->slab.state.set(SlabState::kDirect);
    place(backend.map, *mapping, memory, size);
    mapped_.add();
    mapped_bytes_.add(size);
    return memory;
  }

  /// Frees a block. The thread that was given it. \return false when it is not the start of a live direct mapping.
  [[nodiscard]] bool deallocate(BackendT& backend, Slab<Config>& slab, void* block) noexcept {
    Mapping& mapping = Mapping::of(slab);
    // Two threads that free the same block race for the entry here; only one gets it.
    if (!is_block(slab, block) || !backend.map.take(block, &slab)) return false;
    unmapped_.add();
    unmapped_bytes_.add(mapping.bytes.get());
    mapping.show(MappingUse::kKept);
    if (!whales_.put(backend.os, mapping)) unmap(backend.os, mapping);
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
    if (backend.os.resize(old, old_size, size)) {
      mapping.bytes.set(size);
      mapping.show(MappingUse::kLive);
      count_resized(old_size, size);
      return old;
    }
    // It stays as large as it was.
    return size <= old_size ? old : move(backend, mapping, size);
  }

  /// The usable size of a block with a mapping that is made for `bytes`.
  ///
  /// It reaches to the next piece of the page map: no two mappings may meet in one, so each starts at one. And it ends at one,
  /// so that the system can join neighbours: it has a limit to their number. What is not used is never touched.
  [[nodiscard]] static constexpr std::size_t good_size(std::size_t bytes) noexcept {
    constexpr std::size_t kUnit = kSlotBytes<Geometry> > Os::kPageBytes ? kSlotBytes<Geometry> : Os::kPageBytes;
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
  /// By new pages, where they are whole: cheaper than to fill them, and what the program does not touch costs nothing.
  static void clear(Os& os, void* block, std::size_t bytes) noexcept {
    if (bytes % os.page_bytes() == 0 && os.decommit(block, bytes)) return;
    std::memset(block, 0, bytes);
  }

  static std::size_t effective(std::size_t alignment) noexcept {
    return alignment < kSlotBytes<Geometry> ? kSlotBytes<Geometry> : alignment;
  }

  /// A block from the whale cache that wastes at most a quarter of what is asked for and the last page, or nullptr.
  [[gnu::always_inline]] void* reuse(BackendT& backend, std::size_t bytes, std::size_t alignment, Contents contents,
                                     unsigned threads) noexcept {
    const std::size_t pages = (bytes + Os::kPageBytes - 1) / Os::kPageBytes;
    std::uint32_t index;
    if (!whales_.take(bytes, (pages + pages / 4) * Os::kPageBytes, index, threads)) return nullptr;
    Mapping& mapping = table_.at(index);
    void* block = reinterpret_cast<void*>(mapping.base.get());
    if ((mapping.base.get() & (alignment - 1)) != 0) {
      if (!whales_.put(backend.os, mapping)) unmap(backend.os, mapping);
      return nullptr;
    }
    if (contents == Contents::kZero) clear(backend.os, block, mapping.bytes.get());
    backend.map.set(block, &mapping.slab);
    mapping.show(MappingUse::kLive);
    mapped_.add();
    mapped_bytes_.add(mapping.bytes.get());
    return block;
  }

  void count_resized(std::size_t old_size, std::size_t size) noexcept {
    unmapped_bytes_.add(old_size);
    mapped_bytes_.add(size);
  }

  /// A block goes to a larger place, pages and all. \return nullptr when there is none, or its pages cannot be moved.
  void* move(BackendT& backend, Mapping& mapping, std::size_t size) noexcept {
    void* target = backend.os.reserve(size, kSlotBytes<Geometry>);
    if (target == nullptr) return nullptr;
    const std::size_t old_size = mapping.bytes.get();
    void* old = reinterpret_cast<void*>(mapping.base.get());
    if (backend.map.prepare(backend.os, target, 1)) {
      // The old address may serve another thread the moment it is unmapped, so it leaves the page map first.
      backend.map.set(old, nullptr);
      if (backend.os.move(old, old_size, target, size)) {
        count_resized(old_size, size);
        place(backend.map, mapping, target, size);
        return target;
      }
      backend.map.set(old, &mapping.slab);
    }
    backend.os.release(target, size);
    return nullptr;
  }

  /// Gives a mapping and its descriptor back. Only its owner; no block of it is out.
  void unmap(Os& os, Mapping& mapping) noexcept {
    mapping.shown.set(0);
    os.release(reinterpret_cast<void*>(mapping.base.get()), mapping.bytes.get());
    table_.set_mark(kVacant, mapping.index.get());
  }

  static void place(PageMap<Config>& map, Mapping& mapping, void* memory, std::size_t size) noexcept {
    mapping.base.set(reinterpret_cast<std::uintptr_t>(memory));
    mapping.bytes.set(size);
    mapping.show(MappingUse::kLive);
    map.set(memory, &mapping.slab);
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
