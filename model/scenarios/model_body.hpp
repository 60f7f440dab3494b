#pragma once
/// The model's body of a HeapProgram: every schedule of it on the toy heap.

#include <algorithm>

#include "model/programs/heap_program_run.hpp"
#include "model/programs/program_scenario.hpp"
#include "model/scenarios/toy_heap.hpp"

namespace hakmem::model {

struct ModelBody {
  static void write(void* block, std::uintptr_t word) { payload_write(block, word); }
  static std::uintptr_t read(const void* block) { return payload_read(block); }
  static void require(bool holds, const char* what) { model::require(holds, what); }
  /// What is too large for the toy heap's slabs gets a mapping of its own there, of one size.
  static std::size_t bytes_for(std::size_t bytes) { return bytes <= kToyBytes ? bytes : 2 * kToyBytes; }
  static void allocated(void*, std::size_t) {}
  static void about_to_free(void*) {}
  template <class Os>
  static void expect_nothing_mapped(const Os& os) {
    require(os.reservations() == 0, "I8 reclaimed: all is freed, but memory stays mapped");
  }
};

template <unsigned kCount, class ConfigT>
struct ProgramScenario : Scenario {
  static constexpr unsigned kThreads = kCount;
  void before() override { run.set_up(*program_under_test); }
  void thread(unsigned index) override { run.run(*program_under_test, index); }
  void after() override { run.finish(); }

  ModelBody body;
  programs::HeapProgramRun<ConfigT, ModelBody> run{body};
};

/// SuperSlabs with slots to spare, and threads that keep four empty slabs. In a heap without room each allocation asks the
/// pool, and there are millions of executions that differ in nothing else; suites of their own are about that.
struct RoomyGeometry : ToyGeometry {
  static constexpr unsigned kSlots = 4;
  static constexpr std::size_t kRetainBytes = std::size_t{4} << kSlotShift;
};

template <class Sync>
using TightConfig = Config<Sync, SimulatedOs<11>, ToyGeometry>;
template <class Sync>
using RoomyConfig = Config<Sync, SimulatedOs<13>, RoomyGeometry>;

template <class ConfigT>
ScenarioType program_scenario_of(std::size_t threads) {
  switch (threads) {
    case 2: return ScenarioType::of<ProgramScenario<2, ConfigT>>();
    case 3: return ScenarioType::of<ProgramScenario<3, ConfigT>>();
    default: return ScenarioType::of<ProgramScenario<4, ConfigT>>();
  }
}

/// The scenario's type for a program of two to four threads. Where all of them are attached, the heap has room.
template <class Sync = RelacySync>
ScenarioType scenario_of(const programs::HeapProgram& program) {
  const bool roomy = std::all_of(program.begin(), program.end(), programs::is_attached);
  return roomy ? program_scenario_of<RoomyConfig<Sync>>(program.size())
               : program_scenario_of<TightConfig<Sync>>(program.size());
}

}  // namespace hakmem::model
