#pragma once
/// Schedulers of our own, on Relacy's interface.

#include "model/relacy_sync.hpp"

namespace hakmem::model {

/// Seed of the random scheduler: an independent stream of schedules per value.
inline std::uint64_t g_seed = 1;

/// Whether the run's time is up; random runs then end with what they have.
bool past_deadline();

/// A sound random scheduler: every schedule has a positive probability. (Relacy's own generator is so regular that many
/// interleavings never come.) Execution number and seed determine a schedule, so it replays.
template <rl::thread_id_t kThreads>
class RandomScheduler : public rl::scheduler<RandomScheduler<kThreads>, rl::scheduler_thread_info, kThreads> {
 public:
  using base_t = rl::scheduler<RandomScheduler<kThreads>, rl::scheduler_thread_info, kThreads>;
  using thread_info_t = typename base_t::thread_info_t;
  using shared_context_t = typename base_t::shared_context_t;
  struct task_t {};

  RandomScheduler(rl::test_params& params, shared_context_t& context, rl::thread_id_t dynamic_threads)
      : base_t(params, context, dynamic_threads) {}

  rl::thread_id_t iteration_begin_impl() {
    seed(this->iter_ * 0x9e3779b97f4a7c15u ^ g_seed);
    rl::unpark_reason reason;
    return schedule_impl(reason, 0);
  }
  bool iteration_end_impl() {
    return this->iter_ >= this->params_.iteration_count || (this->iter_ % 1024 == 0 && past_deadline());
  }

  rl::thread_id_t schedule_impl(rl::unpark_reason& reason, unsigned) {
    const auto running = static_cast<unsigned>(this->running_threads_count);
    const auto timed = static_cast<unsigned>(this->timed_thread_count_);
    if (timed != 0) {
      const unsigned choice = below(running != 0 ? timed * 4 : timed);
      if (choice < timed) return wake(this->timed_threads_[choice]->index_, rl::unpark_reason_timeout, reason);
    }
    reason = rl::unpark_reason_normal;
    return this->running_threads[below(running)];
  }
  unsigned rand_impl(unsigned limit, rl::sched_type) { return below(limit); }
  rl::iteration_t iteration_count_impl() { return this->params_.iteration_count; }

  // The schedule follows from the execution's number, so there is no other state.
  void get_state_impl(std::ostream&) {}
  void set_state_impl(std::istream&) {}
  void on_thread_block(rl::thread_id_t, bool) {}
  void thread_finished_impl() {}
  void purge_blocked_threads() {}

 private:
  rl::thread_id_t wake(rl::thread_id_t thread, rl::unpark_reason why, rl::unpark_reason& reason) {
    this->unpark_thread(thread);
    reason = why;
    return thread;
  }

  /// splitmix64 spreads the seed; xorshift64* generates (S. Vigna, "An experimental exploration of Marsaglia's
  /// xorshift generators, scrambled", 2016).
  void seed(std::uint64_t z) {
    z += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    state_ = (z ^ (z >> 31)) | 1;
  }
  unsigned below(unsigned limit) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<unsigned>(((state_ * 0x2545f4914f6cdd1du) >> 32) * limit >> 32);
  }

  std::uint64_t state_ = 1;
};

}  // namespace hakmem::model
