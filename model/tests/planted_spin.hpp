#pragma once
/// A lock that waits, in a file that the checker takes for one that ships.

#include "model/system/relacy_sync.hpp"

#line 8 "src/lockfree/planted_spin.hpp"
namespace hakmem::model {

class PlantedSpin {
 public:
  void lock() {
    // Acquire pairs with unlock: who has the lock sees what was done under it. Failure relaxed: only a reason to wait.
    for (int free = 0;
         !locked_.compare_exchange_strong(free, 1, std::memory_order_acquire, std::memory_order_relaxed);) {
      RelacySync::pause();
      free = 0;
    }
  }
  // Release pairs with lock.
  void unlock() { locked_.store(0, std::memory_order_release); }

 private:
  RelacySync::Atomic<int> locked_{0};
};

}  // namespace hakmem::model
