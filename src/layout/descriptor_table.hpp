#pragma once
/// Floor 3. A table of descriptors that grows without moving (type-stable) and without a capacity (I7).
///
/// Descriptors come in groups with a few mark words each (tokens and hints, see bitmap_word.hpp); chunk c of the table
/// holds 2^c groups. Memory is reserved chunk by chunk and touched item by item.

#include <bit>
#include <cstdint>

#include "layout/geometry.hpp"
#include "lockfree/bitmap_word.hpp"

namespace hakmem {

/// \tparam T descriptor with a `Plain<std::uint32_t> index` member; \tparam kMarks mark words per group.
template <class Config, class T, unsigned kMarks>
class DescriptorTable {
  using Sync = typename Config::Sync;
  using Os = typename Config::Os;
  static constexpr unsigned kPerGroup = Config::Geometry::kDescriptorsPerGroup;
  static constexpr unsigned kChunks = 26;

  struct Group {
    BitmapWord<Sync> marks[kMarks];
    T items[kPerGroup];
  };

 public:
  /// Makes one more descriptor, owned by the caller. Any thread. \return nullptr when the system gives no memory.
  [[nodiscard]] T* append(Os& os) noexcept {
    // Relaxed: a guess for the CAS below.
    std::uint32_t index = size_.load(std::memory_order_relaxed);
    for (;;) {
      Group* group = ensure_group(os, index / kPerGroup);
      if (group == nullptr) return nullptr;
      // Relaxed: the winner alone owns item `index`; others learn of it through marks, the page map or visit's acquire
      // of the chunk. Failure relaxed: the next guess.
      if (size_.compare_exchange_weak(index, index + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
        T& item = group->items[index % kPerGroup];
        item.index.set(index);
        return &item;
      }
      Sync::pause();
    }
  }

  /// Number of descriptors made so far. Any thread.
  [[nodiscard]] std::uint32_t size() const noexcept {
    // Relaxed: a count that may be out of date.
    return size_.load(std::memory_order_relaxed);
  }

  /// Sets a mark of descriptor `index`. See BitmapWord::set.
  void set_mark(unsigned mark, std::uint32_t index) noexcept { word(mark, index).set(index % kPerGroup); }

  /// Takes some descriptor whose token `mark` is set. Any thread. \return it, the caller's alone, or nullptr.
  [[nodiscard]] T* take_marked(unsigned mark) noexcept {
    const std::uint32_t groups = group_count();
    for (std::uint32_t g = 0; g < groups; ++g) {
      Group* group = find_group(g);
      if (group == nullptr) continue;
      const int bit = group->marks[mark].take_any();
      if (bit >= 0) return &group->items[bit];
    }
    return nullptr;
  }

  /// Takes token `mark` of descriptor `index`. \return whether it was set: the caller owns the descriptor now.
  [[nodiscard]] bool take_mark(unsigned mark, std::uint32_t index) noexcept {
    return word(mark, index).take(index % kPerGroup);
  }

  /// Hint `mark` of descriptor `index` was not worth it. See BitmapWord::clear_unless.
  template <class Truth>
  void clear_mark_unless(unsigned mark, std::uint32_t index, Truth still_worth) noexcept {
    word(mark, index).clear_unless(index % kPerGroup, still_worth);
  }

  /// Calls `visit(T&, index)` for every descriptor whose `mark` is set at the moment, by index, until it returns true.
  /// Any thread. A mark seen here orders nothing: of the descriptor only atomics may be read, hence the index beside
  /// it. \return whether some call returned true.
  template <class Visit>
  bool visit_marked(unsigned mark, Visit visit) noexcept {
    const std::uint32_t groups = group_count();
    for (std::uint32_t g = 0; g < groups; ++g) {
      Group* group = find_group(g);
      if (group == nullptr) continue;
      for (std::uint64_t set = group->marks[mark].load(); set != 0; set &= set - 1) {
        const auto bit = static_cast<std::uint32_t>(std::countr_zero(set));
        if (visit(group->items[bit], g * kPerGroup + bit)) return true;
      }
    }
    return false;
  }

  /// Borrows each descriptor whose token `mark` is set: takes the token, calls `visit(T&)`, sets the token again.
  /// Any thread.
  template <class Visit>
  void visit_tokens(unsigned mark, Visit visit) noexcept {
    const std::uint32_t groups = group_count();
    for (std::uint32_t g = 0; g < groups; ++g) {
      Group* group = find_group(g);
      if (group == nullptr) continue;
      for (std::uint64_t set = group->marks[mark].load(); set != 0; set &= set - 1) {
        const unsigned bit = static_cast<unsigned>(std::countr_zero(set));
        if (!group->marks[mark].take(bit)) continue;
        visit(group->items[bit]);
        group->marks[mark].set(bit);
      }
    }
  }

  /// Calls `visit(T&)` for every descriptor made so far. Any thread; what may be read of them is the caller's matter.
  template <class Visit>
  void visit_all(Visit visit) noexcept {
    const std::uint32_t count = size();
    for (std::uint32_t i = 0; i < count; ++i) {
      if (Group* group = find_group(i / kPerGroup)) visit(group->items[i % kPerGroup]);
    }
  }

  /// The descriptor at `index`, of which the caller has only heard: what told it need not have been acquired. Only its
  /// atomics may be read. \return nullptr where the descriptor cannot be seen from here yet
  [[nodiscard]] T* find(std::uint32_t index) noexcept {
    Group* group = find_group(index / kPerGroup);
    return group == nullptr ? nullptr : &group->items[index % kPerGroup];
  }

  /// The descriptor at `index`, which the caller knows to exist.
  [[nodiscard]] T& at(std::uint32_t index) noexcept {
    Group* group = find_group(index / kPerGroup);
    // The compiler does not know it, and warns of what would happen otherwise.
    if (group == nullptr) __builtin_unreachable();
    return group->items[index % kPerGroup];
  }

 private:
  static unsigned chunk_of(std::uint32_t group) noexcept {
    return static_cast<unsigned>(std::bit_width(group + 1)) - 1;
  }
  static std::uint32_t first_group(unsigned chunk) noexcept { return (std::uint32_t{1} << chunk) - 1; }

  std::uint32_t group_count() const noexcept { return (size() + kPerGroup - 1) / kPerGroup; }

  Group* find_group(std::uint32_t group) noexcept {
    const unsigned chunk = chunk_of(group);
    if (chunk >= kChunks) return nullptr;
    // Acquire pairs with ensure_group: the chunk's initial state is visible.
    Group* groups = chunks_[chunk].load(std::memory_order_acquire);
    return groups == nullptr ? nullptr : groups + (group - first_group(chunk));
  }

  Group* ensure_group(Os& os, std::uint32_t group) noexcept {
    if (Group* found = find_group(group)) return found;
    const unsigned chunk = chunk_of(group);
    if (chunk >= kChunks) return nullptr;
    Group* fresh = os.template metadata<Group>(std::size_t{1} << chunk);
    if (fresh == nullptr) return nullptr;
    Group* expected = nullptr;
    // Release pairs with find_group. Failure acquire: another thread's chunk is used; ours stays unused, once per
    // chunk and racing thread at the most, and untouched.
    if (!chunks_[chunk].compare_exchange_strong(expected, fresh, std::memory_order_release,
                                                std::memory_order_acquire)) {
      fresh = expected;
    }
    return fresh + (group - first_group(chunk));
  }

  BitmapWord<Sync>& word(unsigned mark, std::uint32_t index) noexcept {
    return find_group(index / kPerGroup)->marks[mark];
  }

  typename Sync::template Atomic<std::uint32_t> size_{};
  typename Sync::template Atomic<Group*> chunks_[kChunks]{};
};

}  // namespace hakmem
