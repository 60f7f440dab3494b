#pragma once
/// Floor 5. Misuse: what a pointer is that a program hands in, and the report of one that is no block.

#include "heap/direct.hpp"
#include "layout/backend.hpp"
#include "layout/descriptors.hpp"
#include "layout/free_mark.hpp"
#include "os/os_concept.hpp"

// A function that the compiler does not analyse. If it saw that a report does not return, callers could not jump there,
// and the call would cost the fast path of free a frame.
#ifdef __clang__
#define HAKMEM_OPAQUE [[gnu::noinline, gnu::cold]]
#else
#define HAKMEM_OPAQUE [[gnu::noipa, gnu::cold]]
#endif

namespace hakmem {

/// Any thread; a descriptor is looked at by who holds the block, or takes it for one. A report ends in Os::fatal; where
/// that returns, nothing has been done.
template <class Config>
class Misuse {
  using Os = typename Config::Os;
  using SlabT = Slab<Config>;
  using Direct = DirectMappings<Config>;

 public:
  constexpr Misuse() noexcept = default;
  constexpr explicit Misuse(const Os& os) noexcept : backend_(os) {}

  [[nodiscard]] Backend<Config>& backend() noexcept { return backend_; }
  [[nodiscard]] const Backend<Config>& backend() const noexcept { return backend_; }

  /// Whether a descriptor with a live block is a direct mapping's. A slab's state is its owner's to read, so the
  /// absence of an owner is asked first.
  [[nodiscard]] static bool is_direct(const SlabT& slab) noexcept {
    // Relaxed: handoff lemma.
    return slab.owner.load(std::memory_order_relaxed) == nullptr && slab.state.get() == SlabState::kDirect;
  }

  /// Whether a slab, no direct mapping, was given back: so each block of it was free.
  [[nodiscard]] static bool is_released(const SlabT& slab) noexcept {
    // Relaxed: handoff lemma.
    return slab.owner.load(std::memory_order_relaxed) == nullptr;
  }

  /// Whether a block has a descriptor to itself. Its holder.
  [[nodiscard]] static bool is_alone(const SlabT& slab) noexcept { return is_direct(slab) || slab.capacity.get() == 1; }

  /// Bytes that may be used of a block of a slab or a direct mapping.
  [[nodiscard]] static std::size_t usable_size(SlabT& slab) noexcept {
    return is_direct(slab) ? Direct::usable_size(slab) : slab.block_bytes();
  }

  /// The same, or what a layer above has said that it needs of it.
  [[nodiscard]] static std::size_t needed_size(SlabT& slab) noexcept {
    const std::size_t usable = usable_size(slab);
    const std::size_t needed = is_alone(slab) ? slab.needed.get() : 0;
    return needed == 0 || needed > usable ? usable : needed;
  }

  /// The descriptor of a block that the caller claims to hold. \return nullptr after a report of any other pointer
  [[nodiscard]] SlabT* find_block(const void* block, const char* call) noexcept {
    SlabT* slab = backend_.map.find(block);
    if (slab == nullptr) {
      report_foreign(block, call);
      return nullptr;
    }
    const bool direct = is_direct(*slab);
    if (!direct && is_released(*slab)) {
      report(Corruption::kReleasedSlab, *slab, block, call);
      return nullptr;
    }
    if (direct ? !Direct::is_block(*slab, block) : !slab->is_block(block)) {
      report(Corruption::kInteriorPointer, *slab, block, call);
      return nullptr;
    }
    if (!direct && FreeMark<typename Config::Sync>::is_set(block)) {
      report(Corruption::kUsedAfterFree, *slab, block, call);
      return nullptr;
    }
    return slab;
  }

  /// A block, and its bytes as of needed_size; none: nullptr.
  struct Place {
    char* block;
    std::size_t bytes;
  };

  /// The block around an address that the caller claims to use. None where no block of this heap is, nor in a direct
  /// mapping behind its first slot-sized piece, which is all that the page map knows of it.
  /// \return none, too, after a report of a block whose slab was given back
  [[nodiscard]] Place find_around(const void* p, const char* call) noexcept {
    if (!backend_.map.covers(p)) return {};
    SlabT* slab = backend_.map.find(p);
    if (slab == nullptr) return {};
    if (is_direct(*slab)) {
      return {reinterpret_cast<char*>(DirectMapping<Config>::of(*slab).base.get()), needed_size(*slab)};
    }
    if (is_released(*slab)) {
      report(Corruption::kUsedAfterFree, *slab, p, call);
      return {};
    }
    char* block = slab->block_around(p);
    return {block, block == nullptr ? 0 : needed_size(*slab)};
  }

  HAKMEM_OPAQUE void report_foreign(const void* p, const char* call) noexcept {
    backend_.os.fatal(Corruption::kForeignPointer, call, p, nullptr, 0);
  }
  HAKMEM_OPAQUE void report_interior(SlabT& slab, const void* block) noexcept {
    report(Corruption::kInteriorPointer, slab, block);
  }
  HAKMEM_OPAQUE void report_double_free(SlabT& slab, const void* block) noexcept {
    report(Corruption::kDoubleFree, slab, block);
  }

  /// \param block that the slab or the direct mapping does not have, or not any more
  [[gnu::noinline, gnu::cold]] void report(Corruption what, SlabT& slab, const void* block,
                                           const char* call = "free") noexcept {
    if (!backend_.map.covers(block)) return report_foreign(block, call);
    const std::size_t bytes = usable_size(slab);
    const bool direct = is_direct(slab);
    if (what == Corruption::kInteriorPointer && !direct && slab.is_uncut(block)) {
      what = Corruption::kForeignPointer;  // no block was ever there
    }
    const auto base = direct ? DirectMapping<Config>::of(slab).base.get() : slab.base.get();
    const auto offset = reinterpret_cast<std::uintptr_t>(block) - base;
    backend_.os.fatal(what, call, block, reinterpret_cast<void*>(base + offset / bytes * bytes), bytes);
  }

 private:
  Backend<Config> backend_;
};

}  // namespace hakmem

#undef HAKMEM_OPAQUE
