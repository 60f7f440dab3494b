#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "support/process_facts.hpp"
#include "support/stopwatch.hpp"

namespace hakmem::bench {

/// The part of a result that all benchmarks have: speed, what the kernel did, peak memory so far, and whose malloc it was.
inline nlohmann::json measurement(const char* benchmark, std::uint64_t operations, const Elapsed& elapsed) {
  return {{"benchmark", benchmark},
          {"operations", operations},
          {"seconds", elapsed.seconds},
          {"cpu_seconds", elapsed.cpu_seconds},
          {"system_seconds", elapsed.system_seconds},
          {"page_faults", elapsed.page_faults},
          {"operations_per_second", static_cast<double>(operations) / elapsed.seconds},
          {"operations_per_cpu_second", static_cast<double>(operations) / elapsed.cpu_seconds},
          {"malloc", malloc_provider()},
          {"peak_resident_bytes", peak_resident_bytes()}};
}

}  // namespace hakmem::bench
