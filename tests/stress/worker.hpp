#pragma once
/// One thread of a scenario: it allocates, fills, checks, hands over and frees blocks, and notices any damage.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "allocator.hpp"
#include "faults.hpp"
#include "ownership_map.hpp"
#include "random.hpp"
#include "slots.hpp"

namespace hakmem::stress {

/// A block that a thread holds, filled with the pattern of its id.
struct Held {
  void* block;
  std::uint32_t bytes;
  std::uint32_t id;
};

/// What all threads of a run share. Its flags order nothing.
class Round {
 public:
  using Clock = std::chrono::steady_clock;

  Round(Allocator& tested, OwnershipMap& ownership, Fault planted, unsigned thread_count)
      : allocator(tested), map(ownership), fault(planted), threads(thread_count), limits(tested.limits()) {}

  /// Starts another round, in which each thread does at most so many operations.
  void start(std::uint64_t operations, Clock::time_point latest_end) noexcept {
    operations_per_thread = operations;
    deadline = latest_end;
    // Relaxed: threads are started afterwards.
    over_.store(0, std::memory_order_relaxed);
  }

  /// Every thread shall come to an end.
  void end() noexcept {
    // Relaxed: a wish that is noticed soon enough.
    over_.store(1, std::memory_order_relaxed);
  }
  [[nodiscard]] bool over() const noexcept {
    // Relaxed: see end.
    return over_.load(std::memory_order_relaxed) != 0;
  }

  /// A number for a thread that makes its ids differ from the other threads'. Numbers come again after 255 threads.
  [[nodiscard]] std::uint32_t new_number() noexcept {
    // Relaxed: only uniqueness counts.
    return number_.fetch_add(1, std::memory_order_relaxed) % 255 + 1;
  }

  Allocator& allocator;
  OwnershipMap& map;
  const Fault fault;
  const unsigned threads;
  const SizeLimits limits;
  std::uint64_t operations_per_thread = 0;
  Clock::time_point deadline;

 private:
  test::TestSync::Atomic<std::uint32_t> over_{};
  test::TestSync::Atomic<std::uint32_t> number_{};
};

/// How block sizes are spread over the allocator's ranges, in percent of the requests.
struct SizeSpread {
  unsigned small;
  unsigned mid;
  unsigned large;  ///< the rest is larger still
};
inline constexpr SizeSpread kSmallOnly{100, 0, 0};
inline constexpr SizeSpread kSmallAndMid{85, 15, 0};
inline constexpr SizeSpread kAllSizes{80, 15, 4};

/// How a block is asked for.
enum class Request { kPlain, kZeroed, kAligned };

/// Used by one thread. Everything that goes wrong is thrown as a Failure.
class Worker {
 public:
  /// \param index 0 .. round.threads-1, the thread's role in the scenario
  /// \param seed makes its decisions
  Worker(Round& round, unsigned index, std::uint64_t seed);

  /// The calling thread enters the allocator; `exit` leaves it.
  void attach();
  void exit() noexcept { local_.reset(); }
  /// Something is wrong: the allocator is not touched any more.
  void abandon(const Failure& what);
  /// Enters again after the exit that the allocator has already seen.
  void attach_after_exit();

  /// Whether there is more to do in this round.
  [[nodiscard]] bool goes_on();

  [[nodiscard]] std::size_t random_size(SizeSpread spread);
  [[nodiscard]] Held allocate(std::size_t bytes, Request request = Request::kPlain);
  void free(const Held& held);
  /// Another size, contents kept, and another id.
  void resize(Held& held, std::size_t bytes);
  /// Checks the contents and fills the block anew under another id.
  void restamp(Held& held);
  void trim();

  /// Hands a block over. \return false when the place is taken: the block is still the caller's.
  [[nodiscard]] bool give(Slots& slots, std::size_t place, const Held& held);
  /// Takes a block over and checks it. \return false when there is none.
  [[nodiscard]] bool take(Slots& slots, std::size_t place, Held& held);

  /// Nothing to do at the moment.
  static void wait() noexcept;

  Round& round;
  const unsigned index;
  Random random;
  /// Blocks that the thread keeps; what is left in it at the end of the round goes to another thread.
  std::vector<Held> kept;
  std::uint64_t operations = 0;
  std::string failure;

 private:
  void* request_block(std::size_t bytes, Request request);
  void check_new(void* block, std::size_t bytes, std::size_t alignment);
  /// Claims and fills a block; sometimes up to its usable size.
  Held hold(void* block, std::size_t requested);
  void check(const Held& held) const;
  [[nodiscard]] std::uint32_t new_id() noexcept { return number_ << 24 | (++ids_ & 0xffffff); }

  std::unique_ptr<ThreadAllocator> local_;
  std::uint32_t number_;
  std::uint32_t ids_ = 0;
  std::uint32_t looks_ = 0;
};

}  // namespace hakmem::stress
