#pragma once
/// Programs that live on the edges of malloc: forks, signals, limits, short threads, drifting sizes. They use the C
/// library's names only, so that any malloc can be put under them. What they find wrong ends the process.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "checks/support.hpp"

namespace hakmem::edges {

using namespace hakmem::conformance;

/// What is done wrong on purpose, so that the checks can be seen to fail.
enum class Fault {
  kNone,
  kLeaks,      ///< one block in eight is not freed
  kDamages,    ///< a block is written to after it was filled, now and then
  kNoErrno,    ///< a failure is not told by errno
  kNoSignals,  ///< no signal is sent
  kRefuses,    ///< one request in a thousand gets nothing
  kReserves,   ///< much address space is taken that nobody uses
};

/// Set before anything starts.
extern Fault fault;

/// One line on standard error, then the end of the process with exit code 1. Allocates nothing.
[[noreturn, gnu::format(printf, 1, 2)]] void fail(const char* format, ...);

/// malloc, and the fault of not having any. \return nullptr with errno ENOMEM, anything else ends the process
[[nodiscard]] void* request(std::size_t bytes, std::uint64_t seed);

/// A block with its pattern. \return without a block when there is no memory
[[nodiscard]] Filled take(std::size_t bytes, std::uint64_t seed);
/// The same; lack of memory is a failure.
[[nodiscard]] Filled take_surely(std::size_t bytes, std::uint64_t seed);
void check(const Filled& block);
/// Checks and frees; the lack of a block is fine.
void give_back(Filled& block);

/// Sizes of every kind, most of them small.
[[nodiscard]] std::size_t any_size(Random& random);

/// Threads that allocate, resize, free, and free each other's blocks without pause, until destroyed. All that they hold
/// is checked when it is freed.
class BusyThreads {
 public:
  /// \param starved lack of memory is no failure
  explicit BusyThreads(unsigned count, bool starved = false);
  ~BusyThreads();
  BusyThreads(const BusyThreads&) = delete;
  BusyThreads& operator=(const BusyThreads&) = delete;

  [[nodiscard]] std::uint64_t steps() const { return steps_.load(); }
  [[nodiscard]] std::uint64_t refused() const { return refused_.load(); }

 private:
  void work(std::uint64_t seed);
  void exchange(Random& random, Filled& block);

  static constexpr std::size_t kPlaces = 64;
  const bool starved_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> steps_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::array<std::atomic<Filled*>, kPlaces> places_{};
  std::vector<std::thread> threads_;
};

/// malloc_trim, where there is one.
void trim();

/// The most memory that was resident so far, in bytes, since `forget_peak`.
[[nodiscard]] std::size_t peak_resident();
void forget_peak();

struct Edge {
  const char* name;
  const char* description;
  void (*run)();
};

// The programs -------------------------------------------------------------------------------------------------------

void fork_storm();
void fork_generations();
void signal_storm();
void jumps();
void short_lived_threads();
void cancelled_threads();
void held_up_thread();
void drift();
void drift_of_threads();
void at_rest();
void at_rest_by_itself();
void idle_owners();
void idle_owners_by_itself();
void spent_threads();
void spent_threads_by_themselves();
void squeeze();
void within_limit();
void little_address_space();
void huge_alignments();
void boundaries();

}  // namespace hakmem::edges
