#pragma once
/// The model's body of a HeapProgram: every schedule of it on the toy heap.

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
  void before() override { run.set_up(); }
  void thread(unsigned index) override { run.run(*program_under_test, index); }
  void after() override { run.finish(); }

  ModelBody body;
  programs::HeapProgramRun<ConfigT, ModelBody> run{body};
};

/// The scenario's type for a program of two to four threads.
template <class ConfigT>
ScenarioType program_scenario_of(std::size_t threads) {
  switch (threads) {
    case 2: return ScenarioType::of<ProgramScenario<2, ConfigT>>();
    case 3: return ScenarioType::of<ProgramScenario<3, ConfigT>>();
    default: return ScenarioType::of<ProgramScenario<4, ConfigT>>();
  }
}

}  // namespace hakmem::model
