#pragma once
/// Sites: every atomic operation of the checked code, as executions meet it, and mutations of them.
///
/// A site is found by file, function, line, operation and the orders as written. Its hits are counted, and a mutation
/// can weaken it for one run: nothing in the source is touched. A process runs one search at a time, so all of this
/// is plain static state.

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/where.hpp"

namespace check {

enum class Operation : std::uint8_t {
  kLoad,
  kStore,
  kExchange,
  kCompareExchange,
  kFetchAdd,
  kFetchSub,
  kFetchOr,
  kFetchAnd,
  kFetchXor,
  kPause,  ///< no operation on memory: the back-off of a retry loop
};

/// How a site behaves in this run.
enum class Behaviour : std::uint8_t {
  kAsWritten,  ///< atomic; the orders may still be weakened
  kSplit,      ///< a read-modify-write becomes a load and a store
  kLost,       ///< the store (of a store or of a read-modify-write) or the pause does not happen
  kRepeated,   ///< the effect happens twice; what the first time has found is returned
  kInverted,   ///< a compare-and-swap says the opposite of what it has done
  kSpurious,   ///< a compare-and-swap fails twice for no reason before each that tries
};

/// The orders of an operation. `failure` is that of a compare-and-swap and relaxed for all others.
struct Orders {
  std::memory_order success;
  std::memory_order failure = std::memory_order_relaxed;
  friend bool operator==(const Orders&, const Orders&) = default;
};

struct Site {
  Where where;
  Operation operation;
  Behaviour behaviour;
  Orders written;
  Orders in_force;
  std::uint64_t hits;
  bool ordered = false;  ///< is followed by calls of the simulated system, whose order shows; see visibility.hpp
  bool weak = false;     ///< a weak compare-and-swap
  std::array<unsigned, 8> failures = {};  ///< spurious ones in a row, in this execution, by thread
};

/// A change of one site, named by what stays when lines move.
struct Mutation {
  const char* file;  ///< end of the path, such as "queue/word.hpp"
  const char* function;
  Operation operation;
  Behaviour behaviour = Behaviour::kAsWritten;
  std::optional<Orders> orders;   ///< new orders
  std::optional<Orders> written;  ///< only a site with these orders; needed when a function has several such sites
  unsigned occurrence = 0;        ///< 1 = the first of several such sites by line; 0 = there is only one
};

/// A mutation of the site at one place, to be in force from its first hit on.
struct Planned {
  std::string file;
  std::string function;
  unsigned line;
  Operation operation;
  Orders written;
  Behaviour behaviour;
  Orders orders;
};

class Sites {
 public:
  /// The site of an operation; registers it at its first hit.
  static Site& hit(const Where& where, Operation operation, Orders orders) {
    Site*& cached = cache_[slot_of(where, operation, orders)];
    if (cached == nullptr || cached->where.line != where.line || cached->where.file != where.file ||
        cached->operation != operation || !(cached->written == orders)) [[unlikely]] {
      cached = &find_or_add(where, operation, orders);
    }
    ++cached->hits;
    note(reinterpret_cast<std::uintptr_t>(cached));
    return *cached;
  }

  /// Adds something that this execution has met to its digest.
  static void note(std::uint64_t fact) { digest_ = (digest_ ^ fact) * 0x100000001b3u; }
  /// What the execution has met so far, as a number. Two runs of one execution that differ in it differ.
  static std::uint64_t& digest() { return digest_; }

  /// All sites that were ever hit by this process.
  static std::span<const Site> all() { return {sites_, count_}; }

  /// Applies mutations to the sites hit so far. \return what is wrong with them, or nothing.
  static std::string mutate(std::span<const Mutation> mutations);

  /// The site with this key is ordered from its first hit on.
  static void expect_ordered(std::uint64_t key);

  /// Announces a mutation of a site that this process has not met yet.
  static void plan(Planned mutation) { planned_ = std::move(mutation); }

  /// To be called before each execution: what the mutations remember belongs to one.
  static void begin() {
    if (!planned_) return;
    for (unsigned i = 0; i < count_; ++i) sites_[i].failures = {};
  }

  /// Undoes all mutations.
  static void restore();

 private:
  static constexpr unsigned kMost = 1024;
  static constexpr unsigned kCacheSize = 1024;

  static unsigned slot_of(const Where& where, Operation operation, Orders orders) {
    const auto file = reinterpret_cast<std::uintptr_t>(where.file);
    const auto kind = static_cast<std::uintptr_t>(operation) * 64 + static_cast<std::uintptr_t>(orders.success) * 8 +
                      static_cast<std::uintptr_t>(orders.failure);
    return static_cast<unsigned>((file + where.line * 0x9e3779b1u + kind * 0x85ebca6bu) >> 3) % kCacheSize;
  }

  static Site& find_or_add(const Where& where, Operation operation, Orders orders);
  static Site* resolve(const Mutation& mutation, std::string& problem);

  static inline std::uint64_t digest_ = 0;
  static inline std::optional<Planned> planned_;
  static Site sites_[kMost];
  static unsigned count_;
  static Site* cache_[kCacheSize];
};

/// A number that names a site in every process of this program.
std::uint64_t key_of(const Site& site);

const char* name_of(Operation operation);
const char* name_of(std::memory_order order);

/// "src/queue/word.hpp:52 push compare_exchange acq_rel/relaxed"
std::string describe(const Site& site);

/// What a mutation does, for people: "queue/word.hpp: push compare_exchange becomes release/relaxed".
std::string describe(const Mutation& mutation);

}  // namespace check
