#pragma once
/// The memory of `new` and `delete` inside a scenario that the graph engine runs: a place for each thread, which is the
/// same in every run, and no address twice. What is not given back at the end is a leak.

#include <cstddef>

namespace check::graph {

/// Where `new` and `delete` go while a scenario's code runs; null: to the program's own memory.
struct Intercepted {
  static inline void* (*take)(std::size_t bytes) = nullptr;
  static inline bool (*give_back)(void* p) = nullptr;  ///< \return whether it was taken there
};

class Storage {
 public:
  static constexpr unsigned kPlaces = 9;  ///< one for what is before and behind the threads, and one for each of them
  static constexpr std::size_t kPlaceBytes = std::size_t{16} << 20;

  /// \throws std::bad_alloc when the places cannot be reserved
  Storage();
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  /// Before a run: nothing has been taken.
  void begin() noexcept;
  /// What is taken from now on is taken there. \param place 0 to kPlaces - 1
  void enter(unsigned place) noexcept { place_ = place; }

  /// Aligned as malloc's. Null when a place is used up.
  [[nodiscard]] void* take(std::size_t bytes) noexcept;

  enum class Given { kBack, kTwice, kForeign };
  [[nodiscard]] Given give_back(void* p) noexcept;
  /// Blocks that have been taken and not given back.
  [[nodiscard]] std::size_t live() const noexcept { return live_; }

 private:
  std::byte* base_;
  std::size_t used_[kPlaces] = {};
  unsigned place_ = 0;
  std::size_t live_ = 0;
};

}  // namespace check::graph
