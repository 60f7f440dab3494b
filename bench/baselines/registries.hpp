#pragma once
/// Baselines: two other ways to find the descriptor of an address, with the page map's `find` and `set` (B9). For
/// micro-benchmarks: one thread at a time.

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace hakmem::bench {

/// What a registry files: which piece of 2^kShift bytes an address lies in.
template <unsigned kShift>
[[nodiscard]] std::uintptr_t piece_of(const void* p) noexcept {
  return reinterpret_cast<std::uintptr_t>(p) >> kShift;
}

/// All pieces in a row; a look-up walks until it has found its own.
template <class Descriptor, unsigned kShift>
class LinearRegistry {
 public:
  [[nodiscard]] Descriptor* find(const void* p) const noexcept {
    const std::uintptr_t piece = piece_of<kShift>(p);
    for (const Entry& entry : entries_) {
      if (entry.piece == piece) return entry.descriptor;
    }
    return nullptr;
  }

  /// \param descriptor nullptr removes the piece
  void set(const void* p, Descriptor* descriptor) {
    const std::uintptr_t piece = piece_of<kShift>(p);
    for (Entry& entry : entries_) {
      if (entry.piece != piece) continue;
      entry.descriptor = descriptor;
      if (descriptor == nullptr) {
        entry = entries_.back();
        entries_.pop_back();
      }
      return;
    }
    if (descriptor != nullptr) entries_.push_back({piece, descriptor});
  }

 private:
  struct Entry {
    std::uintptr_t piece;
    Descriptor* descriptor;
  };
  std::vector<Entry> entries_;
};

/// Open addressing, at most half full; a removal closes the gap, so that a miss ends at the first empty place.
template <class Descriptor, unsigned kShift>
class HashRegistry {
 public:
  [[nodiscard]] Descriptor* find(const void* p) const noexcept {
    return places_[place_of(places_, piece_of<kShift>(p))].descriptor;
  }

  /// \param descriptor nullptr removes the piece
  void set(const void* p, Descriptor* descriptor) {
    const std::uintptr_t piece = piece_of<kShift>(p);
    const std::size_t place = place_of(places_, piece);
    const bool known = places_[place].descriptor != nullptr;
    if (descriptor == nullptr) {
      if (known) remove(place);
      return;
    }
    places_[place] = {piece, descriptor};
    if (!known && ++count_ * 2 > places_.size()) grow();
  }

 private:
  struct Place {
    std::uintptr_t piece = 0;
    Descriptor* descriptor = nullptr;
  };
  using Places = std::vector<Place>;

  static std::size_t home_of(const Places& places, std::uintptr_t piece) noexcept {
    return (piece * 0x9e3779b97f4a7c15U >> 32) & (places.size() - 1);
  }

  /// Where a piece is, or the empty place where it would go.
  static std::size_t place_of(const Places& places, std::uintptr_t piece) noexcept {
    std::size_t place = home_of(places, piece);
    while (places[place].descriptor != nullptr && places[place].piece != piece) {
      place = (place + 1) & (places.size() - 1);
    }
    return place;
  }

  void grow() {
    Places larger(places_.size() * 2);
    for (const Place& place : places_) {
      if (place.descriptor != nullptr) larger[place_of(larger, place.piece)] = place;
    }
    places_.swap(larger);
  }

  /// Moves up what would not be found any more across the gap.
  void remove(std::size_t gap) {
    const std::size_t mask = places_.size() - 1;
    for (std::size_t place = (gap + 1) & mask; places_[place].descriptor != nullptr; place = (place + 1) & mask) {
      const std::size_t home = home_of(places_, places_[place].piece);
      if (((place - home) & mask) < ((place - gap) & mask)) continue;
      places_[gap] = places_[place];
      gap = place;
    }
    places_[gap] = {};
    --count_;
  }

  Places places_{16};
  std::size_t count_ = 0;
};

}  // namespace hakmem::bench
