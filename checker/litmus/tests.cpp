#include <iterator>
#include <sstream>

#include "engine/relacy/atomic.hpp"
#include "litmus/by_graphs.hpp"
#include "litmus/hardware.hpp"
#include "litmus/litmus.hpp"
#include "litmus/shapes.hpp"

namespace check {

namespace {

using namespace shapes;

/// A shape under the checker.
template <class Shape>
struct InChecker : Scenario {
  static constexpr unsigned kThreads = Shape::kThreads;
  void thread(unsigned index) override { Shape::thread(memory, index); }
  void after() override { Shape::after(memory); }
  LitmusMemory<Atomic> memory;
};

std::set<std::string> words_of(const std::string& text) {
  std::istringstream words(text);
  return {std::istream_iterator<std::string>(words), {}};
}

/// All outcomes of `digits` binary digits, but for some.
std::string all_but(unsigned digits, const std::string& these = {}) {
  const std::set<std::string> left_out = words_of(these);
  std::string all;
  for (unsigned code = 0; code < 1u << digits; ++code) {
    std::string text;
    for (unsigned bit = digits; bit-- != 0;) text += (code >> bit & 1) != 0 ? '1' : '0';
    if (!left_out.contains(text)) all += text + " ";
  }
  return all;
}

/// \param allowed, unseen, beyond outcomes with blanks between them
template <class S>
Litmus test(const char* name, const char* what, const std::string& allowed, const char* unseen = "",
            const char* beyond = "") {
  return {name,
          what,
          ScenarioType::of<InChecker<S>>(),
          [](double seconds) { return on_hardware(HardwareShape::of<S>(), seconds); },
          words_of(allowed),
          words_of(unseen),
          [] { return by_graphs(RecitedShape::of<S>()); },
          words_of(beyond)};
}

}  // namespace

const std::vector<Litmus>& litmus_tests() {
  static const std::vector<Litmus> tests{
      test<MessagePassing<kRlx, kRlx>>("MP+rlx+rlx", "flag, data", all_but(2)),
      test<MessagePassing<kRel, kRlx>>("MP+rel+rlx", "flag, data", all_but(2)),
      test<MessagePassing<kRlx, kAcq>>("MP+rlx+acq", "flag, data", all_but(2)),
      test<MessagePassing<kRel, kAcq>>("MP+rel+acq", "flag, data", all_but(2, "10")),
      test<MessagePassing<kSeq, kSeq>>("MP+sc+sc", "flag, data", all_but(2, "10")),
      test<StoreBuffering<kRlx, kRlx>>("SB+rlx", "both loads", all_but(2)),
      test<StoreBuffering<kRel, kAcq>>("SB+rel+acq", "both loads", all_but(2)),
      test<StoreBuffering<kSeq, kSeq>>("SB+sc", "both loads", all_but(2, "00")),
      test<LoadBuffering<kRlx, kRlx>>("LB+rlx", "both loads", all_but(2), "11", "11"),
      test<LoadBuffering<kRel, kAcq>>("LB+rel+acq", "both loads", all_but(2, "11")),
      test<IndependentReads<kRlx, kRlx>>("IRIW+rlx", "four loads", all_but(4)),
      test<IndependentReads<kRel, kAcq>>("IRIW+rel+acq", "four loads", all_but(4)),
      test<IndependentReads<kSeq, kSeq>>("IRIW+sc", "four loads", all_but(4, "1010")),
      test<SequentialMixed>("SC+rlx", "three loads", all_but(3), "010"),
      test<ReadReadCoherence>("CoRR", "two loads", "00 01 02 11 12 22"),
      test<WriteOrderCoherence>("CoWW", "whether readers disagree", "0"),
      test<WriteReadCoherence>("CoWR", "loads, final value", "121 122 111 222"),
      test<TwoPlusTwoWrites<kRlx, kRlx>>("2+2W+rlx", "final values", "11 12 21 22", "11"),
      test<TwoPlusTwoWrites<kRel, kRel>>("2+2W+rel", "final values", "11 12 21 22", "11"),
      test<TwoPlusTwoWrites<kSeq, kSeq>>("2+2W+sc", "final values", "12 21 22"),
      test<WriteReadCausality<kRlx, kRlx>>("WRC+rlx", "three loads", all_but(3)),
      test<WriteReadCausality<kRel, kAcq>>("WRC+rel+acq", "three loads", all_but(3, "110")),
      test<TransitivePassing<kRlx, kRlx>>("ISA2+rlx", "three loads", all_but(3)),
      test<TransitivePassing<kRel, kAcq>>("ISA2+rel+acq", "three loads", all_but(3, "110")),
      test<WriteAfterRead<kRlx, kRlx>>("S+rlx", "final x, load", "10 11 20 21", "21"),
      test<WriteAfterRead<kRel, kAcq>>("S+rel+acq", "final x, load", "10 11 20"),
      test<ReadAfterWrites<kRlx, kRlx>>("R+rlx", "final y, load", "10 11 20 21"),
      test<ReadAfterWrites<kRel, kAcq>>("R+rel+acq", "final y, load", "10 11 20 21"),
      test<ReadAfterWrites<kSeq, kSeq>>("R+sc", "final y, load", "10 11 21"),
      test<SequenceEndsAtOwnStore>("RS+own_store", "flag, data", "00 01 11 20 21"),
      test<SequenceGoesOnByModification>("RS+modification", "flag, data", "00 01 11 20 21 31"),
      test<SequenceEndsAtStoreAfterModification>("RS+modification+store", "flag, data", "00 01 11 21 30 31"),
      test<Stale>("STALE", "flag, value", "00 01 02 03 04 10 11 12 13 14"),
      test<FailedSwap>("CASF", "flag, value", all_but(2)),
      test<SwapReadsLatest>("CAS+latest", "value, success, final", "012 102 202"),
      test<FailedSwapAcquires<kRlx>>("CASF+rlx", "flag, data", all_but(2)),
      test<FailedSwapAcquires<kAcq>>("CASF+acq", "flag, data", all_but(2, "10")),
      test<ModificationsAreAtomic>("RMW", "final value", "3"),
  };
  return tests;
}

}  // namespace check
