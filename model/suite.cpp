#include "model/suite.hpp"

#include <ctime>

namespace hakmem::model {

std::vector<Suite>& suites() {
  static std::vector<Suite> all;
  return all;
}

double now_seconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

bool past_deadline() { return g_deadline > 0 && now_seconds() > g_deadline; }

}  // namespace hakmem::model
