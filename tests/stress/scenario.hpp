#pragma once
/// What threads do with an allocator, in rounds: threads are started, work, exit; what they have left behind is taken
/// over by the threads of the next round.

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "worker.hpp"

namespace hakmem::stress {

class Scenario {
 public:
  explicit Scenario(std::size_t slots) : slots_(slots) {}
  virtual ~Scenario() = default;
  Scenario(const Scenario&) = delete;
  Scenario& operator=(const Scenario&) = delete;

  /// One thread's part of one round. The worker is not attached, and need not be at the end.
  virtual void work(Worker& worker) = 0;

  /// The most SuperSlab memory that the scenario may ever need at once, or nullopt if that is not its point.
  [[nodiscard]] virtual std::optional<std::uint64_t> memory_bound(const Round&) const { return std::nullopt; }

  [[nodiscard]] Slots& slots() noexcept { return slots_; }

 private:
  Slots slots_;
};

struct ScenarioEntry {
  std::string_view name;
  std::string_view description;
  std::unique_ptr<Scenario> (*make)(const Round&);
};

[[nodiscard]] std::span<const ScenarioEntry> all_scenarios() noexcept;

}  // namespace hakmem::stress
