#pragma once
/// What may be changed of an allocator while threads are at work in it.

#include "random.hpp"

namespace hakmem::stress {

/// Settings and the learner of an allocator. One thread at a time, beside any others that allocate. At its end all is
/// as it was, but for caps that were learned.
class Tuner {
 public:
  Tuner() = default;
  virtual ~Tuner() = default;
  Tuner(const Tuner&) = delete;
  Tuner& operator=(const Tuner&) = delete;

  /// Changes something: switches a cache, sets a number, starts or stops the learner or lets it work.
  /// \throws Failure when a setting or a cap is not what it was set to, or out of its bounds
  virtual void change(Random& random) = 0;
};

}  // namespace hakmem::stress
