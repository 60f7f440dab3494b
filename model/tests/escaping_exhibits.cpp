/// Exhibits that the museum must say escape.

#include "model/museum/exhibit.hpp"
#include "model/system/relacy_sync.hpp"

namespace hakmem::model {

namespace {

/// A counter of two threads that is sound or, with lost updates, not.
template <bool kFaulty>
struct LostUpdates : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override {
    if (!kFaulty) {
      count.fetch_add(1u, std::memory_order_relaxed);
    } else {
      count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
  }
  void after() override { require(count.load(std::memory_order_relaxed) == kThreads, "an update is lost"); }
  RelacySync::Atomic<unsigned> count;
};

Exhibit scenario(Exhibit exhibit, ScenarioType faulty, ScenarioType sound) {
  exhibit.faulty = faulty;
  exhibit.sound = sound;
  return exhibit;
}

Exhibit program(Exhibit exhibit) {
  exhibit.program = [](bool) { return std::string(); };
  return exhibit;
}

Exhibit variant(Exhibit exhibit) {
  exhibit.variant = "suite~variant";
  return exhibit;
}

const ScenarioType kLost = ScenarioType::of<LostUpdates<true>>();
const ScenarioType kKept = ScenarioType::of<LostUpdates<false>>();

const Exhibited escaping{{scenario({1, "nothing is wrong", "", "", "", ""}, kKept, kKept),
                          program({2, "nothing is found", "", "", "", ""}),
                          scenario({3, "the judge catches anything", "", "", "", ""}, kLost, kLost),
                          variant({4, "the variant is gone", "", "", "", ""}),
                          scenario({5, "it is something else", "", "", "another problem", ""}, kLost, kKept)}};

}  // namespace

}  // namespace hakmem::model
