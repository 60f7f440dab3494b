#pragma once
/// The shapes of the litmus tests: a few lines for each thread, over any memory (litmus.hpp).

#include <atomic>

namespace check::shapes {

using Order = std::memory_order;
inline constexpr Order kRlx = std::memory_order_relaxed;
inline constexpr Order kAcq = std::memory_order_acquire;
inline constexpr Order kRel = std::memory_order_release;
inline constexpr Order kSeq = std::memory_order_seq_cst;

/// Message passing: data in x, flag in y.
template <Order kStore, Order kLoad>
struct MessagePassing {
  static constexpr unsigned kThreads = 2;
  template <class M>
  static void thread(M& m, unsigned index) {
    if (index == 0) {
      m.x.store(1, kRlx);
      m.y.store(1, kStore);
    } else {
      m.r[0] = m.y.load(kLoad);
      m.r[1] = m.x.load(kRlx);
    }
  }
  template <class M>
  static void after(M& m) {
    m.record({m.r[0], m.r[1]});
  }
};

/// Store buffering.
template <Order kStore, Order kLoad>
struct StoreBuffering {
  static constexpr unsigned kThreads = 2;
  template <class M>
  static void thread(M& m, unsigned index) {
    auto& mine = index == 0 ? m.x : m.y;
    auto& other = index == 0 ? m.y : m.x;
    mine.store(1, kStore);
    m.r[index] = other.load(kLoad);
  }
  template <class M>
  static void after(M& m) {
    m.record({m.r[0], m.r[1]});
  }
};

/// Load buffering.
template <Order kStore, Order kLoad>
struct LoadBuffering {
  static constexpr unsigned kThreads = 2;
  template <class M>
  static void thread(M& m, unsigned index) {
    auto& mine = index == 0 ? m.x : m.y;
    auto& other = index == 0 ? m.y : m.x;
    m.r[index] = mine.load(kLoad);
    other.store(1, kStore);
  }
  template <class M>
  static void after(M& m) {
    m.record({m.r[0], m.r[1]});
  }
};

/// Independent reads of independent writes.
template <Order kStore, Order kLoad>
struct IndependentReads {
  static constexpr unsigned kThreads = 4;
  template <class M>
  static void thread(M& m, unsigned index) {
    switch (index) {
      case 0: m.x.store(1, kStore); break;
      case 1: m.y.store(1, kStore); break;
      case 2:
        m.r[0] = m.x.load(kLoad);
        m.r[1] = m.y.load(kLoad);
        break;
      default: m.r[2] = m.y.load(kLoad); m.r[3] = m.x.load(kLoad);
    }
  }
  template <class M>
  static void after(M& m) {
    m.record({m.r[0], m.r[1], m.r[2], m.r[3]});
  }
};

/// Coherence: two reads of one atomic never go back in its history.
struct ReadReadCoherence {
  static constexpr unsigned kThreads = 2;
  template <class M>
  static void thread(M& m, unsigned index) {
    if (index == 0) {
      m.x.store(1, kRlx);
      m.x.store(2, kRlx);
    } else {
      m.r[0] = m.x.load(kRlx);
      m.r[1] = m.x.load(kRlx);
    }
  }
  template <class M>
  static void after(M& m) {
    m.record({m.r[0], m.r[1]});
  }
};

/// Coherence: two readers agree about the order of two writes.
struct WriteOrderCoherence {
  static constexpr unsigned kThreads = 4;
  template <class M>
  static void thread(M& m, unsigned index) {
    if (index < 2) {
      m.x.store(static_cast<int>(index) + 1, kRlx);
    } else {
      m.r[2 * (index - 2)] = m.x.load(kRlx);
      m.r[2 * (index - 2) + 1] = m.x.load(kRlx);
    }
  }
  template <class M>
  static void after(M& m) {
    // Whether the readers disagree is all that is asked.
    const bool first = m.r[0] == 1 && m.r[1] == 2;
    const bool second = m.r[2] == 2 && m.r[3] == 1;
    m.record({first && second ? 1 : 0});
  }
};

/// A thread reads what it has written, or something later.
struct WriteReadCoherence {
  static constexpr unsigned kThreads = 2;
  template <class M>
  static void thread(M& m, unsigned index) {
    m.x.store(static_cast<int>(index) + 1, kRlx);
    m.r[index] = m.x.load(kRlx);
  }
  template <class M>
  static void after(M& m) {
    m.record({m.r[0], m.r[1], m.x.load(kRlx)});
  }
};

/// Two writes each, in opposite order; what is left.
template <Order kFirst, Order kSecond>
struct TwoPlusTwoWrites {
  static constexpr unsigned kThreads = 2;
  template <class M>
  static void thread(M& m, unsigned index) {
    auto& mine = index == 0 ? m.x : m.y;
    auto& other = index == 0 ? m.y : m.x;
    mine.store(1, kFirst);
    other.store(2, kSecond);
  }
  template <class M>
  static void after(M& m) {
    m.record({m.x.load(kRlx), m.y.load(kRlx)});
  }
};

/// Write to read causality, over three threads.
template <Order kStore, Order kLoad>
struct WriteReadCausality {
  static constexpr unsigned kThreads = 3;
  template <class M>
  static void thread(M& m, unsigned index) {
    switch (index) {
      case 0: m.x.store(1, kStore); break;
      case 1:
        m.r[0] = m.x.load(kLoad);
        m.y.store(1, kStore);
        break;
      default: m.r[1] = m.y.load(kLoad); m.r[2] = m.x.load(kRlx);
    }
  }
  template <class M>
  static void after(M& m) {
    m.record({m.r[0], m.r[1], m.r[2]});
  }
};

/// Message passing through a third thread.
template <Order kStore, Order kLoad>
struct TransitivePassing {
  static constexpr unsigned kThreads = 3;
  template <class M>
  static void thread(M& m, unsigned index) {
    switch (index) {
      case 0:
        m.x.store(1, kRlx);
        m.y.store(1, kStore);
        break;
      case 1:
        m.r[0] = m.y.load(kLoad);
        m.z.store(1, kStore);
        break;
      default: m.r[1] = m.z.load(kLoad); m.r[2] = m.x.load(kRlx);
    }
  }
  template <class M>
  static void after(M& m) {
    m.record({m.r[0], m.r[1], m.r[2]});
  }
};

/// S: a write that is read before another write of the same atomic.
template <Order kStore, Order kLoad>
struct WriteAfterRead {
  static constexpr unsigned kThreads = 2;
  template <class M>
  static void thread(M& m, unsigned index) {
    if (index == 0) {
      m.x.store(2, kRlx);
      m.y.store(1, kStore);
    } else {
      m.r[0] = m.y.load(kLoad);
      m.x.store(1, kRlx);
    }
  }
  template <class M>
  static void after(M& m) {
    m.record({m.x.load(kRlx), m.r[0]});
  }
};

/// R: two writes of y, and a read of x after the second.
template <Order kStore, Order kLoad>
struct ReadAfterWrites {
  static constexpr unsigned kThreads = 2;
  template <class M>
  static void thread(M& m, unsigned index) {
    if (index == 0) {
      m.x.store(1, kStore);
      m.y.store(1, kStore);
    } else {
      m.y.store(2, kStore);
      m.r[0] = m.x.load(kLoad);
    }
  }
  template <class M>
  static void after(M& m) {
    m.record({m.y.load(kRlx), m.r[0]});
  }
};

/// A release sequence is not continued by a plain store of the same thread (C++20).
struct SequenceEndsAtOwnStore {
  static constexpr unsigned kThreads = 2;
  template <class M>
  static void thread(M& m, unsigned index) {
    if (index == 0) {
      m.x.store(1, kRlx);
      m.y.store(1, kRel);
      m.y.store(2, kRlx);
    } else {
      m.r[0] = m.y.load(kAcq);
      m.r[1] = m.x.load(kRlx);
    }
  }
  template <class M>
  static void after(M& m) {
    m.record({m.r[0], m.r[1]});
  }
};

/// It is continued by a relaxed read-modify-write of any thread.
struct SequenceGoesOnByModification {
  static constexpr unsigned kThreads = 3;
  template <class M>
  static void thread(M& m, unsigned index) {
    switch (index) {
      case 0:
        m.x.store(1, kRlx);
        m.y.store(1, kRel);
        break;
      case 1: m.y.fetch_add(2, kRlx); break;
      default: m.r[0] = m.y.load(kAcq); m.r[1] = m.x.load(kRlx);
    }
  }
  template <class M>
  static void after(M& m) {
    m.record({m.r[0], m.r[1]});
  }
};

/// Store buffering over three threads, of which one gets to know of a store by a load that is not seq_cst.
struct SequentialMixed {
  static constexpr unsigned kThreads = 3;
  template <class M>
  static void thread(M& m, unsigned index) {
    switch (index) {
      case 0:
        m.x.store(1, kSeq);
        m.r[0] = m.y.load(kSeq);
        break;
      case 1: m.y.store(1, kSeq); break;
      default: m.r[1] = m.y.load(kRlx); m.r[2] = m.x.load(kSeq);
    }
  }
  template <class M>
  static void after(M& m) {
    m.record({m.r[0], m.r[1], m.r[2]});
  }
};

/// It ends where a thread that has continued it by a read-modify-write stores: free lists put back what they took so.
struct SequenceEndsAtStoreAfterModification {
  static constexpr unsigned kThreads = 3;
  template <class M>
  static void thread(M& m, unsigned index) {
    switch (index) {
      case 0:
        m.x.store(1, kRlx);
        m.y.store(1, kRel);
        break;
      case 1: {
        int expected = 1;
        if (m.y.compare_exchange_strong(expected, 2, kRlx, kRlx)) m.y.store(3, kRlx);
        break;
      }
      default: m.r[0] = m.y.load(kAcq); m.r[1] = m.x.load(kRlx);
    }
  }
  template <class M>
  static void after(M& m) {
    m.record({m.r[0], m.r[1]});
  }
};

/// How far back a load may reach: y says that all four stores of x are done, but orders nothing.
struct Stale {
  static constexpr unsigned kThreads = 2;
  template <class M>
  static void thread(M& m, unsigned index) {
    if (index == 0) {
      for (const int value : {1, 2, 3, 4}) m.x.store(value, kRlx);
      m.y.store(1, kRlx);
    } else {
      m.r[0] = m.y.load(kRlx);
      m.r[1] = m.x.load(kRlx);
    }
  }
  template <class M>
  static void after(M& m) {
    m.record({m.r[0], m.r[1]});
  }
};

/// A compare-and-swap that fails may read an old value.
struct FailedSwap {
  static constexpr unsigned kThreads = 2;
  template <class M>
  static void thread(M& m, unsigned index) {
    if (index == 0) {
      m.x.store(1, kRlx);
      m.y.store(1, kRlx);
    } else {
      m.r[0] = m.y.load(kRlx);
      m.r[1] = 7;
      (void)m.x.compare_exchange_strong(m.r[1], 7, kRlx, kRlx);
    }
  }
  template <class M>
  static void after(M& m) {
    m.record({m.r[0], m.r[1]});
  }
};

/// A strong compare-and-swap that fails never reports the expected value, however old values look; a successful one
/// reads the latest. (r1 = 1: success)
struct SwapReadsLatest {
  static constexpr unsigned kThreads = 2;
  template <class M>
  static void thread(M& m, unsigned index) {
    if (index == 0) {
      m.x.store(1, kRlx);
      m.x.store(2, kRlx);
    } else {
      m.r[0] = 0;
      m.r[1] = m.x.compare_exchange_strong(m.r[0], 5, kRlx, kRlx) ? 1 : 0;
    }
  }
  template <class M>
  static void after(M& m) {
    m.record({m.r[0], m.r[1], m.x.load(kRlx)});
  }
};

/// The failure order of a compare-and-swap is that of a load, also when it is stronger than the success order.
template <Order kFailure>
struct FailedSwapAcquires {
  static constexpr unsigned kThreads = 2;
  template <class M>
  static void thread(M& m, unsigned index) {
    if (index == 0) {
      m.x.store(1, kRlx);
      m.y.store(1, kRel);
    } else {
      m.r[0] = 7;
      (void)m.y.compare_exchange_strong(m.r[0], 7, kRlx, kFailure);
      m.r[1] = m.x.load(kRlx);
    }
  }
  template <class M>
  static void after(M& m) {
    m.record({m.r[0], m.r[1]});
  }
};

/// Read-modify-writes read the latest value: none is lost.
struct ModificationsAreAtomic {
  static constexpr unsigned kThreads = 3;
  template <class M>
  static void thread(M& m, unsigned) {
    m.x.fetch_add(1, kRlx);
  }
  template <class M>
  static void after(M& m) {
    m.record({m.x.load(kRlx)});
  }
};

}  // namespace check::shapes
