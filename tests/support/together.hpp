#pragma once
/// A few threads that start at the same moment.

#include <atomic>
#include <thread>
#include <vector>

namespace hakmem::test {

/// Runs `work(i)` for i = 0..threads-1, each in a thread of its own, as simultaneously as can be.
template <class Work>
void run_together(unsigned threads, Work work) {
  std::atomic<unsigned> waiting{threads};
  std::vector<std::thread> all;
  for (unsigned i = 0; i < threads; ++i) {
    all.emplace_back([&, i] {
      // A barrier, nothing is published by it: relaxed.
      waiting.fetch_sub(1, std::memory_order_relaxed);
      while (waiting.load(std::memory_order_relaxed) != 0) std::this_thread::yield();
      work(i);
    });
  }
  for (std::thread& thread : all) thread.join();
}

}  // namespace hakmem::test
