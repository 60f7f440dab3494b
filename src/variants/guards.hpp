#pragma once
/// Floor 6. What a guarded heap writes at the end of each block, and what it can tell from it: `Trailer` for the
/// hardened build, `BlockTag` to measure what a canary of one byte costs.
///
/// A guard is told the block, its room (all bytes that the block has) and how many were asked for; it owns the last
/// `kBytes` of the room and the slack before them.

#include <cstdint>
#include <cstring>
#include <new>

#include "os/os_concept.hpp"
#include "sync/hardened_sync.hpp"

namespace hakmem {

/// Who does something to a block: number of the thread's context (0: none), call-site id (0: none).
struct Author {
  std::uint32_t thread;
  std::uint32_t site;
};

/// What a guard finds. `bytes`: the block's size as it was asked for, as far as that can still be read.
struct Finding {
  bool sound;
  Corruption what;
  std::size_t bytes;
  BlockHistory history;
};

/// A record of 32 bytes under a seal, behind slack of a known pattern: who allocated how many bytes, and whether the
/// block is live or who freed it.
template <class Sync>
class Trailer {
 public:
  static constexpr std::size_t kBytes = 32;
  /// So many bytes of slack are filled and compared: overflows begin at the end of what was asked for.
  static constexpr std::size_t kWatched = 128;
  static constexpr bool kKnowsSize = true;

  /// The room that a block of `bytes` needs, so that the end can be watched and the record lies behind it. At most
  /// PTRDIFF_MAX bytes.
  static constexpr std::size_t room_for(std::size_t bytes) noexcept {
    return (bytes + kWatched + kBytes + alignof(Record) - 1) & ~(alignof(Record) - 1);
  }

  void set_key(std::uint64_t key) noexcept { key_ = mix_bits(key); }

  /// Makes a block live. The thread that was given it, before anyone else can know of it.
  void seal(void* block, std::size_t room, std::size_t bytes, Author author) const noexcept {
    char* end = static_cast<char*>(block) + room;
    fill(static_cast<char*>(block) + bytes, watched(room, bytes));
    Record* record = ::new (end - kBytes) Record;
    record->bytes = bytes;
    record->author = author;
    record->seal = seal_of(*record);
    // Relaxed: the block's handoff to its freer publishes it, as it does the block's contents.
    record->state.store(live(*record), std::memory_order_relaxed);
  }

  /// Marks a block as freed by `author`. Any thread: of two that free a block at once, one gets a sound finding.
  [[nodiscard]] Finding claim(void* block, std::size_t room, Author author) const noexcept {
    Record& record = record_of(block, room);
    // Relaxed: only who frees first matters, and the exchange's atomicity decides that; what is read of the block was
    // published by its handoff.
    const std::uint64_t before = record.state.exchange(freed(record, author), std::memory_order_relaxed);
    return judge(block, room, before, Corruption::kDoubleFree);
  }

  /// Undoes a claim of the calling thread.
  void unclaim(void* block, std::size_t room) const noexcept {
    Record& record = record_of(block, room);
    // Relaxed: as in seal.
    record.state.store(live(record), std::memory_order_relaxed);
  }

  /// Looks at a block that should be live.
  [[nodiscard]] Finding inspect(const void* block, std::size_t room) const noexcept {
    Record& record = record_of(block, room);
    // Relaxed: as in claim.
    return judge(block, room, record.state.load(std::memory_order_relaxed), Corruption::kUsedAfterFree);
  }

 private:
  struct Record {
    std::uint64_t seal;
    std::uint64_t bytes;
    Author author;  ///< who allocated the block
    typename Sync::template Atomic<std::uint64_t> state;
  };
  static_assert(sizeof(Record) == kBytes);

  static Record& record_of(const void* block, std::size_t room) noexcept {
    // The heap hands its blocks out as void*: their bytes are the program's and, here, the guard's.
    return *std::launder(reinterpret_cast<Record*>(reinterpret_cast<std::uintptr_t>(block) + room - kBytes));
  }

  static std::size_t watched(std::size_t room, std::size_t bytes) noexcept {
    const std::size_t slack = room - kBytes - bytes;
    return slack < kWatched ? slack : kWatched;
  }

  /// Never 0, which is what most overflows write.
  [[nodiscard]] unsigned char pattern() const noexcept { return static_cast<unsigned char>(key_ >> 32 | 1); }
  void fill(char* slack, std::size_t bytes) const noexcept { std::memset(slack, pattern(), bytes); }

  [[nodiscard]] bool slack_is_whole(const void* block, std::size_t room, std::size_t bytes) const noexcept {
    const auto* slack = static_cast<const unsigned char*>(block) + bytes;
    for (std::size_t i = 0, n = watched(room, bytes); i < n; ++i) {
      if (slack[i] != pattern()) return false;
    }
    return true;
  }

  [[nodiscard]] std::uint64_t place(const Record& record) const noexcept {
    return key_ ^ reinterpret_cast<std::uintptr_t>(&record);
  }
  /// Changes with every change of one of the fields: each step is a bijection.
  [[nodiscard]] std::uint64_t seal_of(const Record& record) const noexcept {
    const std::uint64_t author = std::uint64_t{record.author.thread} << 32 | record.author.site;
    return mix_bits(mix_bits(place(record) ^ record.bytes) ^ author);
  }

  // The state: one word per place for a live block; of a freed one who freed it, and 16 bits that depend on the rest.
  [[nodiscard]] std::uint64_t live(const Record& record) const noexcept { return mix_bits(~place(record)); }
  [[nodiscard]] std::uint64_t freed(const Record& record, Author author) const noexcept {
    const std::uint64_t thread = author.thread < 0xffff ? author.thread : 0xffff;
    return with_check(record, thread << 32 | author.site);
  }
  [[nodiscard]] std::uint64_t with_check(const Record& record, std::uint64_t who) const noexcept {
    return who | mix_bits(place(record) ^ who) >> 48 << 48;
  }

  [[nodiscard]] Finding judge(const void* block, std::size_t room, std::uint64_t state,
                              Corruption if_free) const noexcept {
    const Record& record = record_of(block, room);
    const bool sealed = record.seal == seal_of(record) && record.bytes <= room - kBytes;
    Finding found{true, Corruption::kOverflow, sealed ? record.bytes : room - kBytes, {}};
    if (sealed) {
      found.history.allocated_by = record.author.thread;
      found.history.allocated_at = record.author.site;
    }
    if (state == live(record)) {
      found.sound = sealed && slack_is_whole(block, room, record.bytes);
      return found;
    }
    found.sound = false;
    constexpr std::uint64_t kWho = (std::uint64_t{1} << 48) - 1;
    if (state == with_check(record, state & kWho)) {
      found.what = if_free;
      found.history.freed_by = static_cast<std::uint32_t>((state & kWho) >> 32);
      found.history.freed_at = static_cast<std::uint32_t>(state);
    }
    return found;
  }

  std::uint64_t key_ = 0;
};

/// The block tag (C1): the block's last byte, which lies at `ptr - 1` of the block behind it, holds 0xa0 and in the low
/// nibble the low bits of the block's size in granules of 16 bytes. (Of the slack only a nibble could be kept, which is
/// too little from 256 bytes on; the class also shows a tag that belongs to another block.) Tells an overflow that
/// reaches the end of the block, and nothing else: a canary, not a proof of ownership (one pointer in sixteen would
/// pass).
template <class Sync>
class BlockTag {
 public:
  static constexpr std::size_t kBytes = 1;
  static constexpr bool kKnowsSize = false;

  void set_key(std::uint64_t) noexcept {}

  void seal(void* block, std::size_t room, std::size_t, Author) const noexcept { byte(block, room) = tag(room); }
  [[nodiscard]] Finding claim(void* block, std::size_t room, Author) const noexcept { return inspect(block, room); }
  void unclaim(void*, std::size_t) const noexcept {}
  [[nodiscard]] Finding inspect(const void* block, std::size_t room) const noexcept {
    return {byte(block, room) == tag(room), Corruption::kOverflow, room - kBytes, {}};
  }

 private:
  static unsigned char& byte(const void* block, std::size_t room) noexcept {
    return *reinterpret_cast<unsigned char*>(reinterpret_cast<std::uintptr_t>(block) + room - 1);
  }
  static unsigned char tag(std::size_t room) noexcept { return static_cast<unsigned char>(0xa0 | (room >> 4 & 0xf)); }
};

}  // namespace hakmem
