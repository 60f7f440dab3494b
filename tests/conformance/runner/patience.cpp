#include "patience.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

namespace hakmem::conformance {
namespace {

namespace fs = std::filesystem;

/// What stands in a `stat` of /proc, proc(5).
struct Stat {
  char state = 0;
  pid_t group = 0;
  unsigned long ticks = 0;  ///< of processor time, with that of the children that have been waited for
};

/// \return nothing if the process or thread has ended meanwhile
std::optional<Stat> read_stat(const fs::path& folder) {
  std::string text;
  std::ifstream file(folder / "stat");
  std::getline(file, text);
  const auto name_end = text.rfind(')');  // a name may hold blanks and parentheses
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  Stat stat;
  pid_t parent = 0;
  fields >> stat.state >> parent >> stat.group;
  std::string other;
  for (int i = 0; i < 8; ++i) fields >> other;  // session to cmajflt
  for (int i = 0; i < 4; ++i) {                 // utime, stime, cutime, cstime
    unsigned long ticks = 0;
    fields >> ticks;
    stat.ticks += ticks;
  }
  return fields ? std::optional(stat) : std::nullopt;
}

bool has_busy_thread(const fs::path& process) {
  std::error_code gone;
  const fs::directory_iterator threads(process / "task", gone);
  return std::any_of(begin(threads), end(threads), [](const auto& thread) {
    const auto stat = read_stat(thread.path());
    return stat && (stat->state == 'R' || stat->state == 'D');
  });
}

bool is_process(const fs::path& path) {
  const std::string name = path.filename();
  return std::all_of(name.begin(), name.end(), [](unsigned char c) { return c >= '0' && c <= '9'; });
}

struct Usage {
  bool is_busy = false;
  unsigned long ticks = 0;

  [[nodiscard]] Patience::Seconds seconds() const {
    return Patience::Seconds(static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK)));
  }
};

Usage usage_of(pid_t group) {
  Usage usage;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    if (!is_process(entry.path())) continue;
    const auto stat = read_stat(entry.path());
    if (!stat || stat->group != group) continue;
    usage.ticks += stat->ticks;
    if (!usage.is_busy) usage.is_busy = has_busy_thread(entry.path());
  }
  return usage;
}

}  // namespace

bool Patience::is_over() {
  const auto now = Clock::now();
  const Usage usage = usage_of(group_);
  if (!usage.is_busy && usage.ticks == ticks_) asleep_ += std::min(Seconds(now - last_), kMostOfALook);
  last_ = now;
  ticks_ = usage.ticks;
  return asleep_ > limit_ || usage.seconds() > kBusyFactor * limit_;
}

}  // namespace hakmem::conformance
