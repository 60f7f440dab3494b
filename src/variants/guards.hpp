#pragma once
/// Floor 6. What a guarded heap writes at the end of each block, and what it can tell from it: `Trailer` for the
/// hardened build, `BlockTag` to measure what a canary of one byte costs.
///
/// A guard is told the block, its room (all bytes that the block has) and how many were asked for; it owns the last
/// `kBytes` of the room and the slack before them.

#include <bit>
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

/// What a look at a guard tells, short enough for the path of every free.
struct Look {
  static constexpr std::size_t kUnsound = SIZE_MAX;
  std::size_t bytes;    ///< of the block as they were asked for, or kUnsound, and `explain` can tell why
  std::uint64_t state;  ///< the guard's state before
  [[nodiscard]] constexpr bool sound() const noexcept { return bytes != kUnsound; }
};

/// What is wrong. `bytes`: the block's size as it was asked for, as far as that can still be read.
struct Finding {
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

  void set_key(std::uint64_t key) noexcept {
    key_ = scatter(key);
    // Of one byte that is never 0, which is what most overflows write.
    constexpr std::uint64_t kEveryByte = 0x0101010101010101u;
    pattern_ = ((key_ >> 32 & 0xff) | 1) * kEveryByte;
  }

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

  /// Marks a block as freed by `author`. Any thread: of two that free a block at once, one finds it sound.
  [[nodiscard, gnu::always_inline]] Look claim(void* block, std::size_t room, Author author) const noexcept {
    Record& record = record_of(block, room);
    // Relaxed: only who frees first matters, and the exchange's atomicity decides that; what is read of the block was
    // published by its handoff.
    return look(block, room, record.state.exchange(freed(record, author), std::memory_order_relaxed));
  }

  /// Undoes a claim of the calling thread.
  void unclaim(void* block, std::size_t room) const noexcept {
    Record& record = record_of(block, room);
    // Relaxed: as in seal.
    record.state.store(live(record), std::memory_order_relaxed);
  }

  /// Looks at a block that should be live.
  [[nodiscard]] Look inspect(const void* block, std::size_t room) const noexcept {
    return look(block, room, state_of(record_of(block, room)));
  }

  /// A look at the record alone.
  [[nodiscard, gnu::always_inline]] Look glance(const void* block, std::size_t room) const noexcept {
    const Record& record = record_of(block, room);
    const std::uint64_t state = state_of(record);
    const bool sound = state == live(record) && record.bytes <= room - kBytes;
    return {sound ? record.bytes : Look::kUnsound, state};
  }

  /// What is wrong with a block. \param seen what a look has told \param if_free what it is that the block is free
  [[nodiscard, gnu::noinline, gnu::cold]] Finding explain(const void* block, std::size_t room, Look seen,
                                                          Corruption if_free) const noexcept {
    const Record& record = record_of(block, room);
    const bool sealed = is_sealed(record, room);
    Finding found{Corruption::kOverflow, sealed ? record.bytes : room - kBytes, {}};
    if (sealed) {
      found.history.allocated_by = record.author.thread;
      found.history.allocated_at = record.author.site;
    }
    constexpr std::uint64_t kWho = (std::uint64_t{1} << 48) - 1;
    if (seen.state != live(record) && seen.state == with_check(record, seen.state & kWho)) {
      found.what = if_free;
      found.history.freed_by = static_cast<std::uint32_t>((seen.state & kWho) >> 32);
      found.history.freed_at = static_cast<std::uint32_t>(seen.state);
    }
    return found;
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

  static std::uint64_t state_of(const Record& record) noexcept {
    // Relaxed: as in claim.
    return record.state.load(std::memory_order_relaxed);
  }

  static std::size_t watched(std::size_t room, std::size_t bytes) noexcept {
    const std::size_t slack = room - kBytes - bytes;
    return slack < kWatched ? slack : kWatched;
  }

  // By pairs of words and by words, of which the last one may reach into the record behind the slack.

  using Pair [[gnu::vector_size(16)]] = std::uint64_t;

  void fill(char* slack, std::size_t bytes) const noexcept {
    const Pair pair = {pattern_, pattern_};
    std::size_t i = 0;
    for (; i + sizeof pair <= bytes; i += sizeof pair) std::memcpy(slack + i, &pair, sizeof pair);
    for (; i < bytes; i += sizeof pair[0]) std::memcpy(slack + i, &pair, sizeof pair[0]);
  }

  [[nodiscard]] bool slack_is_whole(const void* block, std::size_t room, std::size_t bytes) const noexcept {
    const auto* slack = static_cast<const char*>(block) + bytes;
    const std::size_t count = watched(room, bytes);
    const Pair pair = {pattern_, pattern_};
    Pair differences = {};
    std::size_t i = 0;
    for (; i + sizeof pair <= count; i += sizeof pair) {
      Pair seen;
      std::memcpy(&seen, slack + i, sizeof seen);
      differences |= seen ^ pair;
    }
    std::uint64_t difference = differences[0] | differences[1];
    for (; i < count; i += sizeof difference) {
      const std::size_t beyond = count - i < sizeof difference ? sizeof difference - (count - i) : 0;
      difference |= (word_at(slack + i) ^ pattern_) << 8 * beyond;
    }
    return difference == 0;
  }

  static std::uint64_t word_at(const char* bytes) noexcept {
    std::uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
  }
  static_assert(std::endian::native == std::endian::little, "the first bytes of a word are its low ones");

  [[nodiscard]] std::uint64_t place(const Record& record) const noexcept {
    return key_ ^ reinterpret_cast<std::uintptr_t>(&record);
  }
  /// Changes with every change of one of the fields: each step is a bijection.
  [[nodiscard]] std::uint64_t seal_of(const Record& record) const noexcept {
    const std::uint64_t author = std::uint64_t{record.author.thread} << 32 | record.author.site;
    return scatter((place(record) ^ record.bytes) + author);
  }

  // The state: the seal's complement for a live block; of a freed one who freed it, and 16 bits that depend on the place.
  [[nodiscard]] static std::uint64_t live(const Record& record) noexcept { return ~record.seal; }
  [[nodiscard]] std::uint64_t freed(const Record& record, Author author) const noexcept {
    const std::uint64_t thread = author.thread < 0xffff ? author.thread : 0xffff;
    return with_check(record, thread << 32 | author.site);
  }
  [[nodiscard]] std::uint64_t with_check(const Record& record, std::uint64_t who) const noexcept {
    return who | scatter(place(record) ^ who) >> 48 << 48;
  }

  [[nodiscard]] bool is_sealed(const Record& record, std::size_t room) const noexcept {
    return record.seal == seal_of(record) && record.bytes <= room - kBytes;
  }

  [[nodiscard, gnu::always_inline]] Look look(const void* block, std::size_t room, std::uint64_t state) const noexcept {
    const Record& record = record_of(block, room);
    const bool sound = state == live(record) && is_sealed(record, room) && slack_is_whole(block, room, record.bytes);
    return {sound ? record.bytes : Look::kUnsound, state};
  }

  std::uint64_t key_ = 0;
  std::uint64_t pattern_ = 0;  ///< of the slack, in a word
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
  [[nodiscard]] Look claim(void* block, std::size_t room, Author) const noexcept { return inspect(block, room); }
  void unclaim(void*, std::size_t) const noexcept {}
  [[nodiscard]] Look inspect(const void* block, std::size_t room) const noexcept {
    return {byte(block, room) == tag(room) ? room - kBytes : Look::kUnsound, 0};
  }
  [[nodiscard]] Look glance(const void* block, std::size_t room) const noexcept { return inspect(block, room); }
  [[nodiscard]] Finding explain(const void*, std::size_t room, Look, Corruption) const noexcept {
    return {Corruption::kOverflow, room - kBytes, {}};
  }

 private:
  static unsigned char& byte(const void* block, std::size_t room) noexcept {
    return *reinterpret_cast<unsigned char*>(reinterpret_cast<std::uintptr_t>(block) + room - 1);
  }
  static unsigned char tag(std::size_t room) noexcept { return static_cast<unsigned char>(0xa0 | (room >> 4 & 0xf)); }
};

}  // namespace hakmem
