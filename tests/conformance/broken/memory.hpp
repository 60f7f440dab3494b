#pragma once
/// What the faults are made of: an arena of badly placed blocks, notes about blocks, damage.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

extern "C" {
// glibc's own malloc under other names. NOLINTBEGIN(readability-identifier-naming)
void* __libc_malloc(std::size_t) noexcept;
void __libc_free(void*) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;
// NOLINTEND(readability-identifier-naming)
}

namespace hakmem::broken {

/// Small blocks at any multiple of 8. Never takes one back.
class Arena {
 public:
  static constexpr std::size_t kLargestBlock = 8192;

  /// \param skip bytes to leave out before the block
  /// \param step from the block's start to where the next may start
  /// \return nullptr when full
  void* take(std::size_t bytes, std::size_t skip, std::size_t step);
  [[nodiscard]] bool holds(const void* block) const;
  [[nodiscard]] std::size_t size_of(const void* block) const { return sizes_[index_of(block)]; }
  /// Forgets all blocks.
  void reset() { used_.store(0); }

 private:
  static constexpr std::size_t kBytes = 4 << 20;
  [[nodiscard]] std::size_t index_of(const void* block) const;

  alignas(16) std::array<unsigned char, kBytes> memory_;
  std::array<std::uint32_t, kBytes / 8> sizes_;
  std::atomic<std::size_t> used_;
};

extern Arena arena;

/// What is known of a live block. A newer block may push an older one's notes out.
struct Note {
  void* block;        ///< as it was handed out
  void* base;         ///< what glibc calls it
  std::size_t bytes;  ///< as asked for
  const void* owner;  ///< the thread that asked for it
  bool is_aligned;    ///< by a member that takes an alignment
};

/// A value that differs for every thread.
[[nodiscard]] const void* this_thread();

void take_note(const Note& note);
/// \return what is known of a block, {} when nothing is
[[nodiscard]] Note note_of(const void* block);

/// Around fork, so that no thread is at the notes meanwhile.
void hold_notes();
void release_notes();

/// Remembers the block as the one that `scribble` damages.
void is_newest(void* block);
/// A block that is freed or moved must not be damaged any more.
void is_gone(const void* block);
/// Damages the newest block of the process, if it lives.
void scribble();
/// Damages the newest block of the calling thread, if it lives.
void scribble_own();

}  // namespace hakmem::broken
