#include "model/engine/visibility.hpp"

#include <algorithm>
#include <iterator>

namespace hakmem::model {

Visibility::Entry Visibility::entries_[kEntries];
Visibility::Entry Visibility::overflow_{0, 0, true, true};

Visibility::Entry& Visibility::of(const void* atomic) noexcept {
  constexpr std::size_t kProbes = 64;
  const auto address = reinterpret_cast<std::uintptr_t>(atomic);
  const std::size_t start = static_cast<std::size_t>((address >> 3) * 0x9e3779b97f4a7c15u >> 51);
  static_assert(kEntries == std::size_t{1} << 13, "the hash has 13 bits");
  for (std::size_t i = start; i < start + kProbes; ++i) {
    Entry& entry = entries_[i % kEntries];
    if (entry.address == address) return entry;
    if (entry.address != 0) continue;
    entry.address = address;
    return entry;
  }
  return overflow_;
}

void Visibility::forget() noexcept {
  std::fill(std::begin(entries_), std::end(entries_), Entry{});
  outdated_ = false;
}

void Visibility::update() noexcept {
  for (Entry& entry : entries_) entry.branches = entry.written && (entry.users & (entry.users - 1)) != 0;
  outdated_ = false;
}

}  // namespace hakmem::model
