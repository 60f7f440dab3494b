#pragma once
/// A byte string as a program: calls to a heap on behalf of several threads, checked against a shadow.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "property/shadow.hpp"

namespace hakmem::fuzz {

using test::AnyHeap;
using test::Dimensions;
using test::Shadow;

/// Numbers out of a byte string; zeroes behind its end.
class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : next_(data), end_(data + size) {}

  [[nodiscard]] bool empty() const { return next_ == end_; }
  std::size_t number() { return empty() ? 0 : *next_++; }
  /// \return 0 to `below` - 1
  std::size_t number(std::size_t below) {
    std::size_t value = number();
    if (below > 256) value = value << 8 | number();
    if (below > 65536) value = value << 8 | number();
    return value % below;
  }

 private:
  const std::uint8_t* next_;
  const std::uint8_t* end_;
};

/// Runs a program on a heap. Sizes and numbers of blocks are bounded by the heap's dimensions.
class Program {
 public:
  /// \param refuses whether calls to the system may be refused
  Program(Bytes bytes, Shadow& shadow, bool refuses)
      : bytes_(bytes), shadow_(shadow), dimensions_(shadow.heap().dimensions()), refuses_(refuses) {}

  void run() {
    for (unsigned step = 0; step < kMostSteps && !bytes_.empty(); ++step) run_step();
    shadow_.finish();
  }

 private:
  static constexpr unsigned kMostSteps = 250;

  /// The blocks of one request that are live.
  struct Group {
    std::size_t blocks;
    std::size_t bytes;
  };

  void run_step() {
    const std::size_t kind = bytes_.number(16);
    if (kind < 5) return allocate();
    if (kind < 10) return free();
    if (kind < 12) return resize();
    if (kind == 12) return shadow_.detach(context());
    if (kind == 13) return shadow_.trim(context_or_none());
    if (kind == 14) return shadow_.check_everything();
    if (refuses_)
      shadow_.refuse(static_cast<test::OsCall>(bytes_.number(5)), 1 + bytes_.number(4), 1 + bytes_.number(3));
  }

  unsigned context() { return static_cast<unsigned>(bytes_.number(AnyHeap::kContexts)); }
  unsigned context_or_none() { return static_cast<unsigned>(bytes_.number(AnyHeap::kContexts + 1)); }

  /// Class boundaries, anything up to direct mappings, and impossible sizes.
  std::size_t size() {
    const std::size_t kind = bytes_.number(16);
    if (kind < 8) return dimensions_.class_bytes[bytes_.number(dimensions_.class_bytes.size())] + 1 - bytes_.number(3);
    if (kind < 12) return bytes_.number(dimensions_.small_max + 1);
    if (kind < 14) return bytes_.number(dimensions_.large_max + 1);
    if (kind < 15) return dimensions_.large_max + bytes_.number(2 * dimensions_.large_max);
    return AnyHeap::kMaxBytes + bytes_.number(2);
  }

  void allocate() {
    const unsigned by = context();
    const auto request = static_cast<test::Request>(bytes_.number(3));
    const std::size_t bytes = size();
    std::size_t alignment = 1;
    if (request == test::Request::kAligned) {
      const auto bits = static_cast<unsigned>(std::countr_zero(dimensions_.largest_alignment));
      alignment = std::size_t{1} << bytes_.number(bits + 1);
    }
    const bool huge = bytes >= AnyHeap::kMaxBytes;
    const std::size_t each = huge ? bytes : std::max(bytes, alignment) + alignment;
    const std::size_t most = std::max<std::size_t>(1, std::min(dimensions_.most_blocks, dimensions_.most_bytes / each));
    const std::size_t count = 1 + bytes_.number(most);
    if (!huge && live_ + count * each > dimensions_.most_live) return;
    if (!huge) live_ += count * each;
    shadow_.allocate(by, next_, request, bytes, alignment, count);
    groups_[next_++] = {huge ? 0 : count, huge ? 0 : count * each};
  }

  /// One of the groups; the end of the map when there is none.
  std::map<int, Group>::iterator group() {
    auto found = groups_.begin();
    if (!groups_.empty()) std::advance(found, bytes_.number(groups_.size()));
    return found;
  }

  void free() {
    const auto found = group();
    if (found == groups_.end()) return;
    const unsigned by = context_or_none();
    const std::size_t first = bytes_.number(64);
    const std::size_t some = bytes_.number(64);
    const std::size_t count = some == 0 ? found->second.blocks : some;
    shadow_.free(by, found->first, first, count);
    if (count < found->second.blocks) {
      found->second.blocks -= count;
      return;
    }
    live_ -= found->second.bytes;
    groups_.erase(found);
  }

  void resize() {
    const auto found = group();
    if (found == groups_.end()) return;
    const unsigned by = context();
    const std::size_t index = bytes_.number(64);
    const std::size_t bytes = std::max<std::size_t>(1, size());
    const bool huge = bytes >= AnyHeap::kMaxBytes;
    if (!huge && live_ + bytes > dimensions_.most_live) return;
    shadow_.resize(by, found->first, index, bytes);
    if (huge) return;
    live_ += bytes;
    found->second.bytes += bytes;
  }

  Bytes bytes_;
  Shadow& shadow_;
  Dimensions dimensions_;
  bool refuses_;
  std::map<int, Group> groups_;
  int next_ = 0;
  std::size_t live_ = 0;
};

/// Runs what may fail a check of the shadow; a failure is printed and ends the process, as fuzzers want it.
template <class Work>
int checked(Work work) {
  try {
    work();
  } catch (const rc::detail::CaseResult& failure) {
    std::fprintf(stderr, "CHECK FAILED: %s\n", failure.description.c_str());
    std::abort();
  }
  return 0;
}

}  // namespace hakmem::fuzz
