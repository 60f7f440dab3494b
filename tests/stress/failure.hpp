#pragma once
/// What a stress run has found wrong, in words.

#include <stdexcept>

namespace hakmem::stress {

class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace hakmem::stress
