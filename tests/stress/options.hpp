#pragma once
/// What the program has been asked to do.

#include <cstdint>
#include <string>
#include <vector>

#include "faults.hpp"

namespace hakmem::stress {

enum class Target { kFull, kToy, kLeast, kNoise, kSpin, kUnshared, kLocked, kApi, kMalloc };

struct Options {
  std::vector<std::string> scenarios;
  std::vector<Target> targets;
  unsigned threads = 4;
  double seconds = 0;            ///< for each scenario; 0: as many operations as asked for
  std::uint64_t operations = 0;  ///< for each scenario, all threads together; 0: as long as asked for
  std::uint64_t seed = 0;
  Fault fault = Fault::kNone;
  std::string json;  ///< file, empty for none
};

/// Reads the command line. Ends the program with 0 after --help and --list, and with 2 and one line of what is wrong
/// and the usage after a mistake.
[[nodiscard]] Options parse_options(int count, char** arguments);

}  // namespace hakmem::stress
