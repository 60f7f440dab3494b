#pragma once
/// A lock whose waiting the checker sees, so that it reports deadlocks.

#include <cstddef>

#include "core/where.hpp"

namespace check {

class Mutex {
 public:
  Mutex();
  ~Mutex();
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock(Where where = Where::here());
  void unlock(Where where = Where::here());

 private:
  struct Inside;
  alignas(8) std::byte mutex_[24];  ///< the engine's
};

}  // namespace check
