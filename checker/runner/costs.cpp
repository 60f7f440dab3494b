#include "runner/costs.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <fstream>

namespace check {

namespace {

constexpr double kUnknown = 5;              // processor seconds of a search to the end
constexpr double kUnknownExecution = 2e-5;  // of each execution of a sample
constexpr double kUnknownVariant = 0.1;     // most are caught soon

std::string key_of(const Job& job) { return fmt::format("{} {} {}", job.suite, job.scheduler, job.executions); }

/// An installed program leaves nothing beside itself, whoever runs it.
bool is_in_build(const std::filesystem::path& program) {
  std::error_code error;
  const std::filesystem::path folder = program.parent_path();
  for (const auto& place : {folder, folder.parent_path()}) {
    if (std::filesystem::exists(place / "CMakeCache.txt", error)) return true;
  }
  return false;
}

}  // namespace

Costs::Costs() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!is_in_build(program)) return;
  path_ = program.string() + ".costs";
  std::ifstream file(path_);
  const nlohmann::json json = nlohmann::json::parse(file, nullptr, false);
  if (!json.is_object()) return;
  for (const auto& [key, value] : json.items()) {
    if (value.is_number()) seconds_[key] = value.get<double>();
  }
}

double Costs::of(const Job& job) const {
  const auto at = seconds_.find(key_of(job));
  if (at != seconds_.end()) return at->second;
  if (job.broken_variant) return kUnknownVariant;
  return job.executions == 0 ? kUnknown : static_cast<double>(job.executions) * kUnknownExecution;
}

void Costs::note(const Job& job, double processor_seconds) { seconds_[key_of(job)] = processor_seconds; }

void Costs::save() const {
  if (!path_.empty() && !seconds_.empty()) (void)write_whole(path_, nlohmann::json(seconds_).dump() + "\n");
}

}  // namespace check
