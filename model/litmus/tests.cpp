#include "model/engine/relacy_sync.hpp"
#include "model/litmus/litmus.hpp"

namespace hakmem::model {

namespace {

using Order = std::memory_order;
constexpr Order kRlx = std::memory_order_relaxed;
constexpr Order kAcq = std::memory_order_acquire;
constexpr Order kRel = std::memory_order_release;
constexpr Order kSeq = std::memory_order_seq_cst;

/// Two atomics and four registers.
struct TwoAtomics : Scenario {
  RelacySync::Atomic<int> x;
  RelacySync::Atomic<int> y;
  int r[4] = {};
};

/// Message passing: data in x, flag in y.
template <Order kStore, Order kLoad>
struct MessagePassing : TwoAtomics {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, kRlx);
      y.store(1, kStore);
    } else {
      r[0] = y.load(kLoad);
      r[1] = x.load(kRlx);
    }
  }
  void after() override { record_outcome({r[0], r[1]}); }
};

/// Store buffering.
template <Order kStore, Order kLoad>
struct StoreBuffering : TwoAtomics {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    auto& mine = index == 0 ? x : y;
    auto& other = index == 0 ? y : x;
    mine.store(1, kStore);
    r[index] = other.load(kLoad);
  }
  void after() override { record_outcome({r[0], r[1]}); }
};

/// Load buffering.
template <Order kStore, Order kLoad>
struct LoadBuffering : TwoAtomics {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    auto& mine = index == 0 ? x : y;
    auto& other = index == 0 ? y : x;
    r[index] = mine.load(kLoad);
    other.store(1, kStore);
  }
  void after() override { record_outcome({r[0], r[1]}); }
};

/// Independent reads of independent writes.
template <Order kStore, Order kLoad>
struct IndependentReads : TwoAtomics {
  static constexpr unsigned kThreads = 4;
  void thread(unsigned index) override {
    switch (index) {
      case 0: x.store(1, kStore); break;
      case 1: y.store(1, kStore); break;
      case 2:
        r[0] = x.load(kLoad);
        r[1] = y.load(kLoad);
        break;
      default: r[2] = y.load(kLoad); r[3] = x.load(kLoad);
    }
  }
  void after() override { record_outcome({r[0], r[1], r[2], r[3]}); }
};

/// Coherence: two reads of one atomic never go back in its history.
struct ReadReadCoherence : TwoAtomics {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, kRlx);
      x.store(2, kRlx);
    } else {
      r[0] = x.load(kRlx);
      r[1] = x.load(kRlx);
    }
  }
  void after() override { record_outcome({r[0], r[1]}); }
};

/// Coherence: two readers agree about the order of two writes.
struct WriteOrderCoherence : TwoAtomics {
  static constexpr unsigned kThreads = 4;
  void thread(unsigned index) override {
    if (index < 2) {
      x.store(static_cast<int>(index) + 1, kRlx);
    } else {
      r[2 * (index - 2)] = x.load(kRlx);
      r[2 * (index - 2) + 1] = x.load(kRlx);
    }
  }
  void after() override {
    // Whether the readers disagree is all that is asked.
    const bool first = r[0] == 1 && r[1] == 2;
    const bool second = r[2] == 2 && r[3] == 1;
    record_outcome({first && second ? 1 : 0});
  }
};

/// A thread reads what it has written, or something later.
struct WriteReadCoherence : TwoAtomics {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    x.store(static_cast<int>(index) + 1, kRlx);
    r[index] = x.load(kRlx);
  }
  void after() override { record_outcome({r[0], r[1], x.load(kRlx)}); }
};

/// Two writes each, in opposite order; what is left.
template <Order kFirst, Order kSecond>
struct TwoPlusTwoWrites : TwoAtomics {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    auto& mine = index == 0 ? x : y;
    auto& other = index == 0 ? y : x;
    mine.store(1, kFirst);
    other.store(2, kSecond);
  }
  void after() override { record_outcome({x.load(kRlx), y.load(kRlx)}); }
};

/// Write to read causality, over three threads.
template <Order kStore, Order kLoad>
struct WriteReadCausality : TwoAtomics {
  static constexpr unsigned kThreads = 3;
  void thread(unsigned index) override {
    switch (index) {
      case 0: x.store(1, kStore); break;
      case 1:
        r[0] = x.load(kLoad);
        y.store(1, kStore);
        break;
      default: r[1] = y.load(kLoad); r[2] = x.load(kRlx);
    }
  }
  void after() override { record_outcome({r[0], r[1], r[2]}); }
};

/// Message passing through a third thread.
template <Order kStore, Order kLoad>
struct TransitivePassing : TwoAtomics {
  static constexpr unsigned kThreads = 3;
  RelacySync::Atomic<int> z;
  void thread(unsigned index) override {
    switch (index) {
      case 0:
        x.store(1, kRlx);
        y.store(1, kStore);
        break;
      case 1:
        r[0] = y.load(kLoad);
        z.store(1, kStore);
        break;
      default: r[1] = z.load(kLoad); r[2] = x.load(kRlx);
    }
  }
  void after() override { record_outcome({r[0], r[1], r[2]}); }
};

/// S: a write that is read before another write of the same atomic.
template <Order kStore, Order kLoad>
struct WriteAfterRead : TwoAtomics {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      x.store(2, kRlx);
      y.store(1, kStore);
    } else {
      r[0] = y.load(kLoad);
      x.store(1, kRlx);
    }
  }
  void after() override { record_outcome({x.load(kRlx), r[0]}); }
};

/// R: two writes of y, and a read of x after the second.
template <Order kStore, Order kLoad>
struct ReadAfterWrites : TwoAtomics {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, kStore);
      y.store(1, kStore);
    } else {
      y.store(2, kStore);
      r[0] = x.load(kLoad);
    }
  }
  void after() override { record_outcome({y.load(kRlx), r[0]}); }
};

/// A release sequence is not continued by a plain store of the same thread (C++20).
struct SequenceEndsAtOwnStore : TwoAtomics {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, kRlx);
      y.store(1, kRel);
      y.store(2, kRlx);
    } else {
      r[0] = y.load(kAcq);
      r[1] = x.load(kRlx);
    }
  }
  void after() override { record_outcome({r[0], r[1]}); }
};

/// It is continued by a relaxed read-modify-write of any thread.
struct SequenceGoesOnByModification : TwoAtomics {
  static constexpr unsigned kThreads = 3;
  void thread(unsigned index) override {
    switch (index) {
      case 0:
        x.store(1, kRlx);
        y.store(1, kRel);
        break;
      case 1: y.fetch_add(2, kRlx); break;
      default: r[0] = y.load(kAcq); r[1] = x.load(kRlx);
    }
  }
  void after() override { record_outcome({r[0], r[1]}); }
};

/// It ends where a thread that has continued it by a read-modify-write stores: free lists put back what they took so.
struct SequenceEndsAtStoreAfterModification : TwoAtomics {
  static constexpr unsigned kThreads = 3;
  void thread(unsigned index) override {
    switch (index) {
      case 0:
        x.store(1, kRlx);
        y.store(1, kRel);
        break;
      case 1: {
        int expected = 1;
        if (y.compare_exchange_strong(expected, 2, kRlx, kRlx)) y.store(3, kRlx);
        break;
      }
      default: r[0] = y.load(kAcq); r[1] = x.load(kRlx);
    }
  }
  void after() override { record_outcome({r[0], r[1]}); }
};

/// How far back a load may reach: y says that all four stores of x are done, but orders nothing.
struct Stale : TwoAtomics {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      for (const int value : {1, 2, 3, 4}) x.store(value, kRlx);
      y.store(1, kRlx);
    } else {
      r[0] = y.load(kRlx);
      r[1] = x.load(kRlx);
    }
  }
  void after() override { record_outcome({r[0], r[1]}); }
};

/// A compare-and-swap that fails may read an old value.
struct FailedSwap : TwoAtomics {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, kRlx);
      y.store(1, kRlx);
    } else {
      r[0] = y.load(kRlx);
      r[1] = 7;
      (void)x.compare_exchange_strong(r[1], 7, kRlx, kRlx);
    }
  }
  void after() override { record_outcome({r[0], r[1]}); }
};

/// A strong compare-and-swap that fails never reports the expected value, however old values look; a successful one
/// reads the latest. (r1 = 1: success)
struct SwapReadsLatest : TwoAtomics {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, kRlx);
      x.store(2, kRlx);
    } else {
      r[0] = 0;
      r[1] = x.compare_exchange_strong(r[0], 5, kRlx, kRlx) ? 1 : 0;
    }
  }
  void after() override { record_outcome({r[0], r[1], x.load(kRlx)}); }
};

/// The failure order of a compare-and-swap is that of a load, also when it is stronger than the success order.
template <Order kFailure>
struct FailedSwapAcquires : TwoAtomics {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, kRlx);
      y.store(1, kRel);
    } else {
      r[0] = 7;
      (void)y.compare_exchange_strong(r[0], 7, kRlx, kFailure);
      r[1] = x.load(kRlx);
    }
  }
  void after() override { record_outcome({r[0], r[1]}); }
};

/// Read-modify-writes read the latest value: none is lost.
struct ModificationsAreAtomic : TwoAtomics {
  static constexpr unsigned kThreads = 3;
  void thread(unsigned) override { x.fetch_add(1, kRlx); }
  void after() override { record_outcome({x.load(kRlx)}); }
};

template <class S>
Litmus test(std::string name, std::string what, std::set<std::string> allowed, std::set<std::string> unseen = {}) {
  return {std::move(name), std::move(what), ScenarioType::of<S>(), std::move(allowed), std::move(unseen)};
}

/// All outcomes of `digits` binary digits, but for some.
std::set<std::string> all_but(unsigned digits, const std::set<std::string>& these = {}) {
  std::set<std::string> all;
  for (unsigned code = 0; code < 1u << digits; ++code) {
    std::string text;
    for (unsigned bit = digits; bit-- != 0;) text += (code >> bit & 1) != 0 ? '1' : '0';
    if (!these.contains(text)) all.insert(text);
  }
  return all;
}

}  // namespace

const std::vector<Litmus>& litmus_tests() {
  static const std::vector<Litmus> tests{
      test<MessagePassing<kRlx, kRlx>>("MP+rlx+rlx", "flag, data", all_but(2)),
      test<MessagePassing<kRel, kRlx>>("MP+rel+rlx", "flag, data", all_but(2)),
      test<MessagePassing<kRlx, kAcq>>("MP+rlx+acq", "flag, data", all_but(2)),
      test<MessagePassing<kRel, kAcq>>("MP+rel+acq", "flag, data", all_but(2, {"10"})),
      test<MessagePassing<kSeq, kSeq>>("MP+sc+sc", "flag, data", all_but(2, {"10"})),
      test<StoreBuffering<kRlx, kRlx>>("SB+rlx", "both loads", all_but(2)),
      test<StoreBuffering<kRel, kAcq>>("SB+rel+acq", "both loads", all_but(2)),
      test<StoreBuffering<kSeq, kSeq>>("SB+sc", "both loads", all_but(2, {"00"})),
      test<LoadBuffering<kRlx, kRlx>>("LB+rlx", "both loads", all_but(2), {"11"}),
      test<LoadBuffering<kRel, kAcq>>("LB+rel+acq", "both loads", all_but(2, {"11"})),
      test<IndependentReads<kRlx, kRlx>>("IRIW+rlx", "four loads", all_but(4)),
      test<IndependentReads<kRel, kAcq>>("IRIW+rel+acq", "four loads", all_but(4)),
      test<IndependentReads<kSeq, kSeq>>("IRIW+sc", "four loads", all_but(4, {"1010"})),
      test<ReadReadCoherence>("CoRR", "two loads", {"00", "01", "02", "11", "12", "22"}),
      test<WriteOrderCoherence>("CoWW", "whether readers disagree", {"0"}),
      test<WriteReadCoherence>("CoWR", "loads, final value", {"121", "122", "111", "222"}),
      test<TwoPlusTwoWrites<kRlx, kRlx>>("2+2W+rlx", "final values", {"11", "12", "21", "22"}, {"11"}),
      test<TwoPlusTwoWrites<kRel, kRel>>("2+2W+rel", "final values", {"11", "12", "21", "22"}, {"11"}),
      test<TwoPlusTwoWrites<kSeq, kSeq>>("2+2W+sc", "final values", {"12", "21", "22"}),
      test<WriteReadCausality<kRlx, kRlx>>("WRC+rlx", "three loads", all_but(3)),
      test<WriteReadCausality<kRel, kAcq>>("WRC+rel+acq", "three loads", all_but(3, {"110"})),
      test<TransitivePassing<kRlx, kRlx>>("ISA2+rlx", "three loads", all_but(3)),
      test<TransitivePassing<kRel, kAcq>>("ISA2+rel+acq", "three loads", all_but(3, {"110"})),
      test<WriteAfterRead<kRlx, kRlx>>("S+rlx", "final x, load", {"10", "11", "20", "21"}, {"21"}),
      test<WriteAfterRead<kRel, kAcq>>("S+rel+acq", "final x, load", {"10", "11", "20"}),
      test<ReadAfterWrites<kRlx, kRlx>>("R+rlx", "final y, load", {"10", "11", "20", "21"}),
      test<ReadAfterWrites<kRel, kAcq>>("R+rel+acq", "final y, load", {"10", "11", "20", "21"}),
      test<ReadAfterWrites<kSeq, kSeq>>("R+sc", "final y, load", {"10", "11", "21"}),
      test<SequenceEndsAtOwnStore>("RS+own_store", "flag, data", {"00", "01", "11", "20", "21"}),
      test<SequenceGoesOnByModification>("RS+modification", "flag, data", {"00", "01", "11", "20", "21", "31"}),
      test<SequenceEndsAtStoreAfterModification>("RS+modification+store", "flag, data",
                                                 {"00", "01", "11", "21", "30", "31"}),
      test<Stale>("STALE", "flag, value", {"00", "01", "02", "03", "04", "10", "11", "12", "13", "14"}),
      test<FailedSwap>("CASF", "flag, value", all_but(2)),
      test<SwapReadsLatest>("CAS+latest", "value, success, final", {"012", "102", "202"}),
      test<FailedSwapAcquires<kRlx>>("CASF+rlx", "flag, data", all_but(2)),
      test<FailedSwapAcquires<kAcq>>("CASF+acq", "flag, data", all_but(2, {"10"})),
      test<ModificationsAreAtomic>("RMW", "final value", {"3"}),
  };
  return tests;
}

}  // namespace hakmem::model
