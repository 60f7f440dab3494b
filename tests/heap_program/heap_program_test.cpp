/// Heap programs (model/programs), which the model runs under all schedules of a toy heap, in two more bodies: as a
/// sequence that RapidCheck interleaves, against a plain reference, and on real threads.

#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "model/programs/heap_program_run.hpp"
#include "model/programs/planted.hpp"
#include "support/property.hpp"
#include "support/together.hpp"
#include "support/toy_heap.hpp"

namespace hakmem::test {

namespace {

using programs::HeapProgram;
using programs::KeepsWhatIsTaken;
using programs::kMostThreads;
using programs::kVariables;
using programs::Step;

constexpr unsigned kBits = 20;

template <class Sync>
using ProgramConfig = Config<Sync, TestOs<kBits>, LeastPagedGeometry>;
using PlantedSync = KeepsWhatIsTaken<TestSync>;

/// What both bodies do with a block.
struct RealMemory {
  static void write(void* block, std::uintptr_t word) { *static_cast<std::uintptr_t*>(block) = word; }
  static std::uintptr_t read(const void* block) { return *static_cast<const std::uintptr_t*>(block); }
  static std::size_t bytes_for(std::size_t bytes) { return bytes < sizeof(std::uintptr_t) ? 8 : bytes; }
};

/// Any program; shrinking leaves out steps.
rc::Gen<HeapProgram> any_program() {
  const auto any = rc::gen::map(rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>()), programs::generate_program);
  return rc::gen::shrink(
      any, [](const HeapProgram& program) { return rc::seq::fromContainer(programs::smaller_programs(program)); });
}

// A sequence against a plain reference ------------------------------------------------------------------------------

/// What a program means: numbers instead of blocks.
class Reference {
 public:
  /// \return the number of the block that the step has allocated, or 0
  unsigned take(unsigned thread, const Step& step) {
    unsigned& variable = variables_[thread][step.variable];
    switch (step.kind) {
      case Step::Kind::kAllocate: return variable = ++last_;
      case Step::Kind::kFree:
      case Step::Kind::kLateFree: variable = 0; break;
      case Step::Kind::kGive:
        if (variable != 0) given_ = std::exchange(variable, 0);
        break;
      case Step::Kind::kTake: variable = std::exchange(given_, 0); break;
      case Step::Kind::kRenew:
      case Step::Kind::kTrim:
      case Step::Kind::kAttached: break;
    }
    return 0;
  }
  [[nodiscard]] unsigned variable(unsigned thread, unsigned index) const { return variables_[thread][index]; }
  [[nodiscard]] unsigned given() const { return given_; }

 private:
  std::array<std::array<unsigned, kVariables>, kMostThreads> variables_{};
  unsigned given_ = 0;
  unsigned last_ = 0;
};

/// Blocks that are out never overlap.
struct SequenceBody : RealMemory {
  explicit SequenceBody(TestMemory& memory) : memory_(memory) {}

  static void require(bool holds, const char* what) {
    if (!holds) RC_FAIL(what);
  }
  void allocated(void* block, std::size_t bytes) {
    const auto first = reinterpret_cast<std::uintptr_t>(block);
    const auto next = live_.lower_bound(first);
    require(next == live_.end() || first + bytes <= next->first, "I1 exclusive: a block reaches into the next one");
    require(next == live_.begin() || std::prev(next)->second <= first, "I1 exclusive: a block lies in another one");
    live_[first] = first + bytes;
  }
  void about_to_free(void* block) { live_.erase(reinterpret_cast<std::uintptr_t>(block)); }
  template <class Os>
  void expect_nothing_mapped(const Os&) const {
    require(memory_.reservations() == 0, "I8 reclaimed: all is freed, but memory stays mapped");
  }

 private:
  TestMemory& memory_;
  std::map<std::uintptr_t, std::uintptr_t> live_;
};

/// A program, step by step, in some order.
template <class Sync>
class Sequence {
 public:
  explicit Sequence(const HeapProgram& program) : program_(program), threads_(program.size()), at_(program.size(), 0) {
    run_.set_up();
    for (unsigned i = 0; i < threads_.size(); ++i) run_.begin(threads_[i], i);
  }

  /// \param order numbers that choose, at each step, among the threads that have not come to their end
  void run(const std::vector<unsigned>& order) {
    const std::size_t steps = steps_of(program_);
    for (std::size_t i = 0; i < steps; ++i) step(next(i < order.size() ? order[i] : 0));
    for (auto& thread : threads_) run_.end(thread);
    run_.finish();
  }

 private:
  unsigned next(unsigned choice) const {
    std::vector<unsigned> left;
    for (unsigned i = 0; i < threads_.size(); ++i) {
      if (at_[i] < program_[i].size()) left.push_back(i);
    }
    return left[choice % left.size()];
  }

  void step(unsigned thread) {
    const Step& step = program_[thread][at_[thread]++];
    run_.take(threads_[thread], step);
    if (const unsigned number = reference_.take(thread, step))
      block_of_[number] = threads_[thread].blocks[step.variable];
    compare();
  }

  void compare() {
    for (unsigned i = 0; i < threads_.size(); ++i) {
      for (unsigned v = 0; v < kVariables; ++v) {
        const unsigned number = reference_.variable(i, v);
        SequenceBody::require(threads_[i].blocks[v] == (number == 0 ? nullptr : block_of_[number]),
                              "a variable does not hold what the reference says");
      }
    }
    SequenceBody::require(run_.somebody_has_given() == (reference_.given() != 0), "what was given is not there");
  }

  using Run = programs::HeapProgramRun<ProgramConfig<Sync>, SequenceBody>;

  const HeapProgram& program_;
  TestMemory memory_{kBits};
  SequenceBody body_{memory_};
  Run run_{body_, TestOs<kBits>(memory_)};
  std::vector<typename Run::Thread> threads_;
  std::vector<std::size_t> at_;
  Reference reference_;
  std::map<unsigned, void*> block_of_;
};

template <class Sync>
void sequence_holds() {
  const HeapProgram program = *any_program();
  RC_LOG() << to_string(program) << std::endl;
  Sequence<Sync>(program).run(*rc::gen::container<std::vector<unsigned>>(12, rc::gen::inRange(0u, 6u)));
}

TEST(HeapPrograms, InAnySequenceDoWhatTheReferenceSays) { EXPECT_TRUE(holds(sequence_holds<TestSync>, 20)); }

TEST(HeapPrograms, SequenceFindsThePlantedPolicy) {
  EXPECT_TRUE(is_refuted(sequence_holds<PlantedSync>, "I1 exclusive", 1));
}

// Real threads ------------------------------------------------------------------------------------------------------

/// The first failure ends the process, with the program for the model on standard error.
struct ThreadBody : RealMemory {
  ThreadBody(const HeapProgram& program, TestMemory& memory) : program_(program), memory_(memory) {}

  void require(bool holds, const char* what) const {
    if (holds) return;
    std::fprintf(stderr, "%s\nlift it into the model: hakmem-check run --program '%s'\n", what,
                 to_string(program_).c_str());
    std::_Exit(1);
  }
  static void allocated(void*, std::size_t) {}
  static void about_to_free(void*) {}
  template <class Os>
  void expect_nothing_mapped(const Os&) const {
    require(memory_.reservations() == 0, "I8 reclaimed: all is freed, but memory stays mapped");
  }

 private:
  const HeapProgram& program_;
  TestMemory& memory_;
};

template <class Sync>
void run_on_threads(const HeapProgram& program) {
  TestMemory memory{kBits};
  ThreadBody body{program, memory};
  programs::HeapProgramRun<ProgramConfig<Sync>, ThreadBody> run{body, TestOs<kBits>(memory)};
  run.set_up(program);
  run_together(static_cast<unsigned>(program.size()), [&](unsigned i) { run.run(program, i); });
  run.finish();
}

/// The number of programs for each process: HAKMEM_PROGRAMS, from HAKMEM_FIRST_PROGRAM on.
std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(HeapPrograms, HoldOnRealThreads) {
  const std::uint64_t first = number_from("HAKMEM_FIRST_PROGRAM", 1);
  const std::uint64_t count = number_from("HAKMEM_PROGRAMS", 150);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const HeapProgram program = programs::generate_program(seed);
    for (int repetition = 0; repetition < 8; ++repetition) run_on_threads<TestSync>(program);
    run_on_threads<TestSync>(programs::generate_attached_program(seed));
  }
  SUCCEED() << "a failure ends the process";
}

TEST(HeapProgramsDeathTest, RealThreadsFindThePlantedPolicy) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto until_it_fails = [] {
    for (std::uint64_t seed = 1; seed < 3000; ++seed) run_on_threads<PlantedSync>(programs::generate_program(seed));
  };
  // By a judgement, by the heap's own report, or by a touch of memory that is gone.
  EXPECT_DEATH(until_it_fails(), "");
}

TEST(HeapProgramsDeathTest, FailureSaysHowToLiftItIntoTheModel) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const HeapProgram program = programs::generate_program(1);
  TestMemory memory{kBits};
  const ThreadBody body{program, memory};
  EXPECT_EXIT(body.require(false, "I1 exclusive"), testing::ExitedWithCode(1), "hakmem-check run --program 'T0: ");
}

// Texts -------------------------------------------------------------------------------------------------------------

TEST(HeapPrograms, AreWrittenAsTheyAreRead) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    for (const HeapProgram& program : {programs::generate_program(seed), programs::generate_attached_program(seed)}) {
      std::string problem;
      EXPECT_EQ(programs::parse_program(to_string(program), problem), program);
      EXPECT_EQ(problem, "");
    }
  }
}

TEST(HeapPrograms, ThreadsThatAreAttachedStaySoWhenAProgramIsMadeSmaller) {
  const HeapProgram program = programs::generate_attached_program(1);
  const std::vector<HeapProgram> smaller = programs::smaller_programs(program);
  EXPECT_EQ(smaller.size(), programs::steps_of(program));
  for (const HeapProgram& one : smaller) {
    EXPECT_EQ(programs::steps_of(one) + 1, programs::steps_of(program));
    EXPECT_TRUE(std::all_of(one.begin(), one.end(), programs::is_attached));
  }
}

TEST(HeapPrograms, RefuseWhatMakesNoSense) {
  for (const char* text : {"", "T0: free a", "a=malloc(1)", "T0: T2:", "T0: free T1:", "T0: a=malloc() T1:",
                           "T0: i=take T1:", "T0: a=malloc(99999999) T1:", "T0: free aa T1:", "T0: T1: give",
                           "T0: T1: T2: T3: T4:", "T0: a=malloc(x) T1:", "T0: a=take attached T1:", "attached"}) {
    std::string problem;
    (void)programs::parse_program(text, problem);
    EXPECT_NE(problem, "") << text;
  }
}

}  // namespace

}  // namespace hakmem::test
