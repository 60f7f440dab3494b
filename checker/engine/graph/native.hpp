#pragma once
/// A scenario as the threads that the graph engine explores: compiled code, on stacks of its own.
///
/// It is run from its beginning as far as a graph says what its reads read, in an order that has each write before who
/// reads it; so what happens before a step has been done when the step comes, and plain memory holds what it must. Plain
/// accesses are no steps of the graph: whether they race is told by its clocks. What is before the threads and behind
/// them is no step either: all of it happens before all of them, or after.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/event.hpp"
#include "core/scenario.hpp"
#include "core/where.hpp"
#include "engine/graph/fiber.hpp"
#include "engine/graph/machine.hpp"
#include "engine/graph/storage.hpp"

namespace check::graph {

/// A moment of a thread: in front of this one of its steps. One that nobody names is before all threads.
using Moment = EventId;

/// What an atomic of the scenario is in this engine.
struct Atom {
  static constexpr Location kUnnamed = ~Location{0};
  static constexpr Location kDead = kUnnamed - 1;

  Value value = 0;  ///< before the threads, and behind them
  Location location = kUnnamed;
  Moment birth = {};
};

/// Who has used a plain location last.
struct Use {
  static constexpr std::uint16_t kNever = 0xffff;

  Moment written;
  std::array<std::uint16_t, kMostThreads> read;  ///< for each thread, in front of which step
};

/// What a step is, for the record of an execution.
struct Note {
  EventKind kind;
  ValueType type;
  const void* address;
  const Where& where;
  const char* text = "";
};

/// What a scenario lives in.
struct Surroundings {
  void (*begin)();                                   ///< before it is made: nothing is there
  void* (*place)();                                  ///< where it is made: kScenarioBytes
  void (*end)();                                     ///< after it is destroyed
  void (*run)(Scenario& scenario, unsigned thread);  ///< a thread's program, to where it ends
  void (*let_stop)(unsigned threads);                ///< each thread whose bit is set may stop for ever, anywhere
};

class Native : public Machine {
 public:
  /// The one whose scenario runs; null: none, and the other engine is in charge.
  static inline Native* running = nullptr;

  /// \param depth steps of all threads before they count as a livelock
  /// \throws std::bad_alloc when there is no memory for the stacks
  Native(const ScenarioType& type, unsigned depth, const Surroundings& surroundings);
  ~Native() override;

  // For the explorer --------------------------------------------------------------------------------------------------

  [[nodiscard]] unsigned threads() const override { return type_.threads; }
  bool restart(const Graph& graph) override;
  [[nodiscard]] Operation next(const Graph& graph, unsigned thread) override;
  bool advance(const Graph& graph, unsigned thread) override;
  [[nodiscard]] Finish finish(const Graph& graph) override;
  [[nodiscard]] bool failed() const override { return ending_ != Ending::kHolds; }
  [[nodiscard]] Value initial(Location location) const override { return initial_[location]; }

  /// Nothing is judged but that this thread comes to its end, wherever the others stop for ever.
  void judge_progress_of(unsigned thread) noexcept { survivor_ = thread; }

  [[nodiscard]] Ending ending() const noexcept { return ending_; }
  [[nodiscard]] const std::string& detail() const noexcept { return detail_; }

  // For the record ----------------------------------------------------------------------------------------------------

  /// From now on each step is taken down.
  void record() noexcept { recording_ = true; }
  [[nodiscard]] Trace trace() noexcept { return {std::move(events_)}; }

  // For the scenario's operations -------------------------------------------------------------------------------------

  /// An atomic comes into being.
  void born(Atom& atom, Value value) noexcept;
  /// \return what was read
  Value perform(Atom& atom, Operation operation, const Note& note);
  /// A compare-and-swap.
  struct Swapped {
    Value seen;
    bool done;  ///< a weak one may have failed for no reason
  };
  Swapped swap(Atom& atom, const Operation& operation, const Note& note);
  /// One of so many things happens.
  std::size_t choose(std::size_t ways, const Note& note);
  /// A call whose order among those of all threads shows. \param order what else it orders
  void order_calls(std::memory_order order);
  /// The thread finds that it has to wait for others. \param locked for one that has a lock
  void pause(const Where& where, bool locked = false);
  /// The turn of a loop that the thread is in is no reason to wait, though it may be the same as the one before.
  void does_not_wait() noexcept { threads_[current_].goes_on = true; }
  /// What the graph cannot have happens: the execution is none.
  [[noreturn]] void give_up();
  [[noreturn]] void fail(Ending ending, const char* detail, const Where& where);

  /// An atomic comes to its end.
  void dead(Atom& atom);
  /// `new` and `delete` of the scenario. \return whether the memory is its own, and not the program's
  [[nodiscard]] void* take(std::size_t bytes);
  bool give_back(void* p);

  /// Makes a plain location valid, by the running thread. \return what the engine knows of it, for access()
  [[nodiscard]] Use* make_plain();
  void access(Use& use, bool is_write, const Note& note, std::uintptr_t value);
  /// A plain location comes to its end.
  void gone(const Use& use);
  void note(EventKind kind, const char* text, const Where& where, const void* address = nullptr);
  [[nodiscard]] unsigned thread() const noexcept { return current_; }

 private:
  enum class Stage : std::uint8_t { kSettingUp, kThreads, kJudging, kClearing };
  struct Thread {
    std::unique_ptr<Fiber> fiber;
    Operation next;
    bool announced = false;  ///< `next` is not in the graph
    bool ended = false;
    bool blocked = false;         ///< waits for what nobody has written
    bool locked_out = false;      ///< for a lock
    bool goes_on = false;         ///< the present turn of a loop is none that waits
    EventId awaited = {};         ///< the write that it is about to read has not been done yet
    std::size_t at = 0;           ///< steps done
    std::size_t paused = 0;       ///< of them, before the last pause
    unsigned idle_pauses = 0;     ///< without any step between them
    unsigned plain_accesses = 0;  ///< likewise
  };

  /// While it lives the engine's own memory is not the scenario's.
  class Outside {
   public:
    Outside() noexcept : take_(std::exchange(Intercepted::take, nullptr)) {}
    ~Outside() { Intercepted::take = take_; }
    Outside(const Outside&) = delete;
    Outside& operator=(const Outside&) = delete;

   private:
    void* (*const take_)(std::size_t);
  };

  bool resume(Fiber& fiber, unsigned place);
  void set_up();
  void judge();
  void clear();
  void body(unsigned thread);
  bool run(unsigned thread);
  bool run_alone(Stage stage);
  [[nodiscard]] bool can_run(const Thread& thread) const;
  [[nodiscard]] bool fits(const Graph& graph);
  void set_aside(std::string why);
  void set_aside_step(unsigned thread);

  Value directly(Atom& atom, const Operation& operation);
  Value step(const Operation& operation, const Where& where);
  void await(EventId write);
  void locate(Atom& atom);
  [[nodiscard]] bool sees(Moment moment) const;
  [[nodiscard]] Moment moment() const;
  [[nodiscard]] bool is_ordered(const Use& use, bool is_write) const;
  [[nodiscard]] bool waits_in_vain(const Thread& thread, const std::vector<Event>& steps) const;
  void take_down(const Operation& operation, const Note& note, EventId id, Value before);

  const ScenarioType& type_;
  const unsigned depth_;
  const Surroundings surroundings_;
  const Graph* graph_ = nullptr;
  Stage stage_ = Stage::kClearing;
  unsigned current_ = 0;
  Scenario* scenario_ = nullptr;
  std::array<Thread, kMostThreads> threads_;
  Fiber alone_;  ///< what is before the threads, and behind them
  std::optional<unsigned> survivor_;
  bool impossible_ = false;
  Ending ending_ = Ending::kHolds;
  std::string detail_;

  std::unordered_map<std::uintptr_t, Location> names_;
  std::vector<Value> initial_;
  std::vector<Atom*> atoms_;             ///< of this run, by location
  std::vector<std::uint32_t> named_in_;  ///< which run
  std::uint32_t run_ = 0;
  Atom calls_;
  Storage storage_;
  std::vector<std::unique_ptr<Use[]>> uses_;
  std::size_t uses_taken_ = 0;

  bool recording_ = false;
  std::vector<check::Event> events_;
  std::array<std::vector<std::size_t>, kMostThreads> recorded_;  ///< places of a thread's steps in the record
};

}  // namespace check::graph
