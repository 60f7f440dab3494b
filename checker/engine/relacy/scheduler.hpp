#pragma once
/// How the engine's choices are made: one scheduler for all strategies, over Relacy's tree search.
///
/// Full and context-bounded search are Relacy's own. The random strategies are ours: the stock generator's low bits are
/// so regular that many interleavings are never produced. Every choice of every strategy is recorded, so any execution
/// can be replayed from its list of choices.
///
/// A full search keeps sleep sets (Godefroid, 1996): once all executions are explored that begin with a step, it need
/// not be taken at the same point in another order with steps that it commutes with. A thread sleeps from there on,
/// until somebody takes a step that does not commute with its next one. When all threads sleep, the rest of the
/// execution has been seen; it is run to its end without branching. A yield that waits ends all sleep.
///
/// From time to time an execution is run a second time, with the same choices. If it then meets other sites, the
/// scenario is not deterministic, and a search of it would prove nothing.

#include <algorithm>
#include <cstdint>
#include <istream>
#include <ostream>
#include <string>

#include "core/search.hpp"
#include "core/sites.hpp"
#include "engine/relacy/relacy.hpp"
#include "engine/relacy/visibility.hpp"

namespace check {

/// splitmix64 to seed, xorshift64* to draw.
class Random {
 public:
  void seed(std::uint64_t value) noexcept {
    value += 0x9e3779b97f4a7c15u;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    state_ = (value ^ (value >> 31)) | 1;
  }
  /// 0 .. limit-1.
  unsigned operator()(unsigned limit) noexcept {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    const std::uint64_t drawn = (state_ * 0x2545f4914f6cdd1du) >> 32;
    return static_cast<unsigned>((drawn * limit) >> 32);
  }

 private:
  std::uint64_t state_ = 1;
};

/// A list of choices that does not count as the scenario's memory.
using Choices = rl::vector<std::uint16_t>::type;

/// A choice on the way to an execution.
struct TreeNode {
  unsigned count;
  unsigned index;
  unsigned type;
};

/// One search as the scheduler sees it: what to do, and what has come of it.
struct Course {
  // Given.
  Strategy strategy;
  std::uint64_t seed = 0;
  std::uint64_t most_executions = 0;  ///< 0 = no limit
  double deadline = 0;                ///< of now(); 0 = none
  const Choices* replay = nullptr;    ///< run this one execution instead
  bool branches_everywhere = true;    ///< not reduced, see visibility.hpp
  bool yields_block = true;           ///< until the others have run; false: they are steps without meaning
  std::string knowledge;              ///< Visibility::knowledge() at the position where the search goes on
  Part part;                          ///< of an exhaustive search, when others explore the rest

  /// Where an exhaustive search begins (empty: at its beginning), and at its end where it can go on.
  rl::vector<TreeNode>::type tree;

  // Shared with the process that waits.
  const volatile bool* stop = nullptr;
  volatile std::uint64_t* progress = nullptr;
  volatile double* share = nullptr;

  // Found.
  std::uint64_t executions = 0;  ///< without the repetitions
  bool time_over = false;        ///< ended by the deadline
  bool most_reached = false;     ///< ended by the number of executions
  bool stopped = false;          ///< ended by `stop`
  bool deterministic = true;
  unsigned most_steps = 1;             ///< of an execution, for pct
  std::uint64_t with_fewer_steps = 0;  ///< executions before that was known
  Choices choices;                     ///< of the latest execution, when the search has ended
};

/// The course of the search that this process runs at the moment.
Course& current_course() noexcept;

template <rl::thread_id_t kThreads>
class Scheduler
    : public rl::tree_search_scheduler<Scheduler<kThreads>, rl::tree_search_scheduler_thread_info<kThreads>, kThreads> {
  using Tree =
      rl::tree_search_scheduler<Scheduler<kThreads>, rl::tree_search_scheduler_thread_info<kThreads>, kThreads>;

 public:
  using thread_info_t = typename Tree::thread_info_t;
  using shared_context_t = typename Tree::shared_context_t;

  Scheduler(rl::test_params& params, shared_context_t& context, rl::thread_id_t dynamic_threads)
      : Tree(params, context, dynamic_threads), course_(current_course()) {
    for (const TreeNode& node : course_.tree) {
      this->stree_.push_back({node.count, node.index, static_cast<rl::sched_type>(node.type), 0});
    }
    course_.tree.clear();
  }

  ~Scheduler() { course_.choices.resize(chosen_); }
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // What Relacy calls ----------------------------------------------------------------------------------------------

  rl::thread_id_t iteration_begin_impl() {
    chosen_ = 0;
    Sites::digest() = 0xcbf29ce484222325u;  // not 0, which the first site would leave as it is
    this->stree_depth_ = 0;
    Visibility::begin();
    sleeping_ = 0;
    seen_before_ = false;
    turn_ = 0;
    preemptions_left_ = course_.strategy.parameter;
    if (!repeating_) ++execution_;
    if (!course_.strategy.exhaustive()) begin_random();
    if (course_.strategy.kind == Strategy::Kind::kPct) return highest();
    const unsigned index = rand_impl(static_cast<unsigned>(this->running_threads_count), rl::sched_type_sched);
    const rl::thread_id_t first = this->running_threads[index];
    if (keeps_sleep_sets()) wake(first);
    return first;
  }

  bool iteration_end_impl() {
    if (course_.replay != nullptr) return true;
    if (!same_as_before()) return true;
    if (!course_.branches_everywhere && Visibility::outdated()) return true;
    if (!is_ours()) {
      // Run to know the tree so far; what lies below is another part's.
      if (this->stree_.size() > kPrefix) this->stree_.resize(kPrefix);
    } else if (!repeating_) {
      ++course_.executions;
      if ((course_.executions & (course_.executions - 1)) == 0 || course_.executions % kRepeatEvery == 0) {
        repeating_ = true;
        return false;
      }
    }
    repeating_ = false;
    if (step_ > course_.most_steps) {
      course_.most_steps = step_;
      course_.with_fewer_steps = course_.executions;
    }
    if (!advance()) return true;
    if (!over()) return false;
    for (const auto& node : this->stree_) {
      course_.tree.push_back({node.count_, node.index_, static_cast<unsigned>(node.type_)});
    }
    return true;
  }

  rl::thread_id_t schedule_impl(rl::unpark_reason& reason, unsigned yield) {
    if (yield != 0 && !course_.yields_block) {
      Visibility::announce_local_step(static_cast<unsigned>(this->thread_->index_));
      yield = 0;
    }
    if (exhaustive_) return schedule_by_tree(reason, yield);
    reason = rl::unpark_reason_normal;
    if (course_.strategy.kind == Strategy::Kind::kPct) return schedule_by_priority(yield);
    const auto running = static_cast<unsigned>(this->running_threads_count);
    return this->running_threads[running == 1 ? 0 : choose(running, rl::sched_type_sched)];
  }

  unsigned rand_impl(unsigned limit, rl::sched_type type) {
    if (!keeps_sleep_sets()) return choose(limit, type);
    if (type == rl::sched_type_sched) return choose_awake(limit);
    if (!seen_before_) return choose(limit, type);
    record(0);
    return 0;
  }

  bool can_switch(thread_info_t& thread) {
    if (Visibility::stay && thread.state_ == rl::thread_state_running) {
      record_stay(thread);
      return false;
    }
    return !bounded_ || preemptions_left_ != 0;
  }

  void on_switch(thread_info_t& from) {
    if (bounded_ && from.state_ == rl::thread_state_running) --preemptions_left_;
  }

  rl::iteration_t iteration_count_impl() { return ~rl::iteration_t{0}; }
  void get_state_impl(std::ostream&) {}
  void set_state_impl(std::istream&) {}

 private:
  static constexpr std::uint64_t kRepeatEvery = 4096;
  static constexpr std::size_t kChoices = 256;
  /// Choices above the subtrees that parts are made of.
  static constexpr std::size_t kPrefix = 14;
  /// Change points of PCT fall into the first so many steps: those of the longest execution so far. A replay takes what
  /// is in its list.
  [[nodiscard]] unsigned pct_steps() const noexcept {
    return course_.replay != nullptr ? 1u << 16 : course_.most_steps;
  }
  static constexpr unsigned kMostPctPoints = 16;

  // Choices ---------------------------------------------------------------------------------------------------------

  [[gnu::always_inline]] unsigned choose(unsigned limit, rl::sched_type type) {
    const unsigned choice = next_choice(limit, type);
    record(choice);
    return choice;
  }

  /// The list has more room than choices until the search ends, as this is done in every step.
  [[gnu::always_inline]] void record(std::size_t choice) {
    if (chosen_ == course_.choices.size()) [[unlikely]]
      course_.choices.resize(2 * chosen_ + kChoices);
    course_.choices[chosen_++] = static_cast<std::uint16_t>(choice);
  }

  [[gnu::always_inline]] unsigned next_choice(unsigned limit, rl::sched_type type) {
    if (course_.replay != nullptr) [[unlikely]]
      return next_in_list(limit);
    if (!exhaustive_) return random_(limit);
    return next_in_tree(limit, type);
  }

  /// Of a replay. Past the end, and where the list does not fit the program, anything: the caller compares the outcome.
  unsigned next_in_list(unsigned limit) {
    if (chosen_ < course_.replay->size() && (*course_.replay)[chosen_] < limit) return (*course_.replay)[chosen_];
    course_.deterministic = false;
    return 0;
  }

  /// Goes down by one node of the tree, which grows by the first of `limit` branches where it ends.
  [[gnu::always_inline]] unsigned next_in_tree(unsigned limit, rl::sched_type type) {
    const std::size_t depth = this->stree_depth_++;
    if (depth == this->stree_.size()) {
      this->stree_.push_back({limit, 0, type, 0});
      return 0;
    }
    const auto& node = this->stree_[depth];
    if (node.count_ != limit || node.type_ != type) [[unlikely]]
      diverged();
    return node.index_;
  }

  /// A prefix of choices that led somewhere has led elsewhere.
  void diverged() {
    course_.deterministic = false;
    rl::ctx().fail_test("the scenario is not deterministic", rl::test_result_inconsistent_test_suite,
                        rl::debug_info("scheduler", __FILE__, __LINE__));
  }

  /// The step that begins does not branch here, but it does where this execution is replayed, without reduction.
  void record_stay(const thread_info_t& thread) {
    Visibility::stay = false;
    const bool is_choice = this->running_threads_count != 1 && (!bounded_ || preemptions_left_ != 0);
    if (!is_choice) return;
    const auto& running = this->running_threads;
    const auto position = std::find(running.begin(), running.end(), thread.index_) - running.begin();
    record(static_cast<std::size_t>(position));
  }

  /// What Relacy's tree search does, without a detour where no thread waits for another: most steps are like that.
  [[gnu::always_inline]] rl::thread_id_t next_thread(rl::unpark_reason& reason, unsigned yield) {
    thread_info_t& from = *this->thread_;
    if (yield != 0 || from.total_yield_priority_ != 0 || this->timed_thread_count_ != 0 ||
        this->spurious_thread_count_ != 0) [[unlikely]] {
      return Tree::schedule_impl(reason, yield);
    }
    reason = rl::unpark_reason_normal;
    if (!can_switch(from) && from.state_ == rl::thread_state_running) return from.index_;
    const auto running = static_cast<unsigned>(this->running_threads_count);
    const rl::thread_id_t next = this->running_threads[running == 1 ? 0 : rand_impl(running, rl::sched_type_sched)];
    if (next != from.index_) on_switch(from);
    return next;
  }

  // Sleep sets ------------------------------------------------------------------------------------------------------

  [[nodiscard]] bool keeps_sleep_sets() const noexcept { return keeps_sleep_sets_; }
  [[nodiscard]] bool sleeps(rl::thread_id_t thread) const noexcept { return (sleeping_ >> thread & 1) != 0; }

  rl::thread_id_t schedule_by_tree(rl::unpark_reason& reason, unsigned yield) {
    if (!keeps_sleep_sets()) return next_thread(reason, yield);
    if (this->thread_->state_ == rl::thread_state_running) {
      Visibility::stands_before_step(static_cast<unsigned>(this->thread_->index_));
    }
    unsigned alive = 0;
    for (const thread_info_t& thread : this->threads_) alive += thread.state_ != rl::thread_state_finished;
    if (yield != 0 || alive != static_cast<unsigned>(this->running_threads_count)) sleeping_ = 0;
    const rl::thread_id_t next = next_thread(reason, yield);
    if (sleeps(next)) seen_before_ = true;
    wake(next);
    return next;
  }

  /// Chooses a thread that does not sleep; those before it in the order of choices sleep from now on.
  unsigned choose_awake(unsigned limit) {
    const unsigned index = seen_before_ ? turn_++ % limit : next_awake(limit);
    record(index);
    return index;
  }

  unsigned next_awake(unsigned limit) {
    unsigned awake[static_cast<unsigned>(kThreads)];
    unsigned count = 0;
    for (unsigned i = 0; i < limit; ++i) {
      const rl::thread_id_t thread = this->running_threads[i];
      // A local step disturbs nobody, so it can be taken first.
      if (Visibility::next(static_cast<unsigned>(thread)).kind == Visibility::Step::Kind::kLocal) return i;
      if (!sleeps(thread)) awake[count++] = i;
    }
    if (count == 0) {
      seen_before_ = true;
      return 0;
    }
    const unsigned choice = count == 1 ? 0 : next_in_tree(count, rl::sched_type_sched);
    for (unsigned i = 0; i < choice; ++i) sleeping_ |= 1u << this->running_threads[awake[i]];
    return awake[choice];
  }

  /// A thread takes its next step: whose step does not commute with it wakes up.
  void wake(rl::thread_id_t runs) {
    const Visibility::Step& step = Visibility::next(static_cast<unsigned>(runs));
    sleeping_ &= ~(1u << runs);
    for (unsigned i = 0; i < static_cast<unsigned>(kThreads); ++i) {
      if ((sleeping_ >> i & 1) != 0 && !Visibility::commute(Visibility::next(i), step)) sleeping_ &= ~(1u << i);
    }
  }

  // From one execution to the next ----------------------------------------------------------------------------------

  /// Compares a repeated execution with its first run.
  bool same_as_before() {
    if (course_.strategy.exhaustive() && this->stree_depth_ != this->stree_.size()) course_.deterministic = false;
    const std::uint64_t digest = Sites::digest();
    if (repeating_ && digest != last_digest_) course_.deterministic = false;
    last_digest_ = digest;
    return course_.deterministic;
  }

  bool over() {
    course_.most_reached = course_.most_executions != 0 && course_.executions >= course_.most_executions;
    if (course_.most_reached) return true;
    if ((is_ours() ? course_.executions : prefix_) % 64 != 0) return false;
    *course_.progress = course_.executions;
    if (course_.executions % 4096 == 0) *course_.share = share_done();
    course_.stopped = *course_.stop;
    course_.time_over = course_.deadline != 0 && now() > course_.deadline;
    return course_.stopped || course_.time_over;
  }

  /// To the next execution. \return false when there is none.
  bool advance() {
    if (!course_.strategy.exhaustive()) return true;
    auto& tree = this->stree_;
    while (!tree.empty() && tree.back().index_ + 1 == tree.back().count_) tree.pop_back();
    if (tree.empty()) return false;
    ++tree.back().index_;
    if (tree.size() <= kPrefix) ++prefix_;
    return true;
  }

  /// Whether the execution belongs to our part: parts take the subtrees below the first choices in turn.
  [[nodiscard]] bool is_ours() const noexcept { return prefix_ % course_.part.count == course_.part.index; }

  /// How much of a sample lies behind; of a tree, if all subtrees of a node were of one size.
  double share_done() const {
    if (!course_.strategy.exhaustive()) {
      const auto most = static_cast<double>(course_.most_executions);
      return most == 0 ? 0 : static_cast<double>(course_.executions) / most;
    }
    double share = 0;
    double width = 1;
    for (const auto& node : this->stree_) {
      width /= node.count_;
      share += width * node.index_;
    }
    return share;
  }

  // Random strategies -----------------------------------------------------------------------------------------------

  void begin_random() {
    random_.seed(course_.seed * 0x9e3779b97f4a7c15u ^ execution_);
    if (course_.strategy.kind != Strategy::Kind::kPct) return;
    step_ = 0;
    next_low_ = kLow;
    for (unsigned i = 0; i < static_cast<unsigned>(kThreads); ++i) priority_[i] = 2 * kLow + i;
    for (unsigned i = static_cast<unsigned>(kThreads) - 1; i > 0; --i) {
      std::swap(priority_[i], priority_[choose(i + 1, rl::sched_type_user)]);
    }
    for (unsigned i = 0; i + 1 < course_.strategy.parameter; ++i) {
      change_at_[i] = choose(pct_steps(), rl::sched_type_user) + 1;
    }
  }

  /// Probabilistic concurrency testing (Burckhardt et al., 2010): the running thread of highest priority goes on; at
  /// each change point it falls below all others, as does one that yields.
  rl::thread_id_t schedule_by_priority(unsigned yield) {
    ++step_;
    if (yield != 0 && this->thread_ != nullptr) demote(this->thread_->index_);
    const unsigned points = course_.strategy.parameter - 1;
    if (std::find(change_at_, change_at_ + points, step_) != change_at_ + points) demote(highest());
    return highest();
  }

  rl::thread_id_t highest() const {
    rl::thread_id_t best = this->running_threads[0];
    for (rl::thread_id_t i = 1; i < this->running_threads_count; ++i) {
      const rl::thread_id_t thread = this->running_threads[static_cast<std::size_t>(i)];
      if (priority_[thread] > priority_[best]) best = thread;
    }
    return best;
  }

  void demote(rl::thread_id_t thread) { priority_[thread] = next_low_--; }

  static constexpr unsigned kLow = 1u << 30;

  Course& course_;
  const bool exhaustive_ = course_.strategy.exhaustive();
  const bool bounded_ = course_.strategy.kind == Strategy::Kind::kBound;
  const bool keeps_sleep_sets_ = !course_.branches_everywhere && course_.strategy.kind == Strategy::Kind::kFull;
  std::size_t chosen_ = 0;  ///< choices of this execution
  unsigned preemptions_left_ = 0;
  std::uint32_t sleeping_ = 0;  ///< a bit for each thread
  bool seen_before_ = false;    ///< the rest of the execution
  unsigned turn_ = 0;           ///< of whom it is then
  std::uint64_t execution_ = 0;
  std::uint64_t prefix_ = 0;  ///< subtrees begun before this one
  bool repeating_ = false;
  std::uint64_t last_digest_ = 0;
  Random random_;
  unsigned step_ = 0;
  unsigned next_low_ = kLow;
  unsigned priority_[static_cast<unsigned>(kThreads)] = {};
  unsigned change_at_[kMostPctPoints] = {};
};

}  // namespace check
