#include "api_tuner.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <string_view>
#include <thread>
#include <vector>

#include "failure.hpp"
#include "hakmem/hakmem.h"

namespace hakmem::stress {

namespace {

struct OptionRange {
  const char* name;
  std::int64_t least;
  std::int64_t most;
  bool of_learner;
};

using Clock = std::chrono::steady_clock;

/// Within these a change takes effect while a scenario runs, and no more is kept than its census allows for. A shorter
/// window than any program wants would be out of range.
constexpr struct {
  const char* name;
  std::int64_t least;
  std::int64_t most;
} kNarrowed[] = {
    {"HAKMEM_LEARN_WINDOW_MS", 500, 500},
    {"HAKMEM_CAP_DWELL_SEC_MID", 1, 2},
    {"HAKMEM_OUTBOX_INTERVAL", 64, 4096},
    {"HAKMEM_SUPERSLAB_CACHE_MAX", 0, std::int64_t{16} << 20},
    {"HAKMEM_WHALE_MAX", 0, std::int64_t{32} << 20},
    {"HAKMEM_PURGE_DELAY_MS", 0, 1000},
};

OptionRange range_of(const hak_option& option) {
  for (const auto& narrowed : kNarrowed) {
    if (std::strcmp(option.name, narrowed.name) == 0) return {option.name, narrowed.least, narrowed.most, false};
  }
  return {option.name, option.least, option.most, false};
}

/// All options that are whole numbers, but for reports.
std::vector<OptionRange> ranges() {
  std::vector<OptionRange> found;
  for (std::size_t i = 0; const hak_option* option = hak_option_describe(i); ++i) {
    const std::string_view topic = option->topic;
    if (option->kind != HAK_OPTION_NUMBER || topic == "Looking inside") continue;
    found.push_back(range_of(*option));
    found.back().of_learner = topic == "The learner";
  }
  return found;
}

std::int64_t value_of(const char* name) {
  std::int64_t value = 0;
  if (hak_option_get(name, &value) != 0) throw Failure(fmt::format("the option {} cannot be read", name));
  return value;
}

void set(const char* name, std::int64_t value) {
  if (hak_option_set(name, std::to_string(value).c_str()) != 0 || value_of(name) != value) {
    throw Failure(fmt::format("the option {} is not set to {}", name, value));
  }
}

#ifndef HAKMEM_VALGRIND

/// What a child does, in which only the forking thread is left: allocate, check, free, and have a learner of its own.
[[noreturn]] void live_as_child(std::uint64_t seed) {
  constexpr int kFine = 0;
  constexpr int kDamaged = 3;
  Random random(seed);
  std::array<unsigned char*, 64> blocks{};
  std::array<std::size_t, 64> sizes{};
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
  // Under these sanitizers the child of a process with threads starts none.
  (void)hak_option_set("HAKMEM_LEARN", "1");
#endif
  for (unsigned step = 0; step < 2000; ++step) {
    const std::size_t i = random.below(blocks.size());
    for (std::size_t at = 0; blocks[i] != nullptr && at < sizes[i]; ++at) {
      if (blocks[i][at] != static_cast<unsigned char>(i)) ::_exit(kDamaged);
    }
    hak_free(blocks[i]);
    sizes[i] = random.between(1, random.one_in(4) ? 32768 : 512);
    blocks[i] = static_cast<unsigned char*>(hak_alloc(sizes[i]));
    if (blocks[i] == nullptr) ::_exit(kDamaged);
    std::memset(blocks[i], static_cast<int>(i), sizes[i]);
  }
  for (unsigned char* block : blocks) hak_free(block);
  ::_exit(kFine);
}

void have_child(std::uint64_t seed) {
  const pid_t child = ::fork();
  if (child < 0) throw Failure("the system gives no further process");
  if (child == 0) live_as_child(seed);
  const auto deadline = Clock::now() + std::chrono::seconds(60);
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (Clock::now() > deadline) {
      (void)::kill(child, SIGKILL);
      (void)::waitpid(child, &status, 0);
      throw Failure("a child that was born while the learner worked is stuck");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw Failure(fmt::format("a child that was born while the learner worked ended with status {:#x}", status));
  }
}

#endif

class ApiTuner : public Tuner {
 public:
  ApiTuner() {
    for (const OptionRange& range : ranges_) before_.push_back(value_of(range.name));
    set("HAKMEM_LEARN_WINDOW_MS", 500);
    set("HAKMEM_LEARN", 1);
  }
  ~ApiTuner() override {
    for (std::size_t i = 0; i < before_.size(); ++i) {
      (void)hak_option_set(ranges_[i].name, std::to_string(before_[i]).c_str());
    }
  }

  void change(Random& random) override {
#ifndef HAKMEM_VALGRIND
    // To Memcheck, in a child, all that its parent's other threads hold is lost.
    if (random.one_in(kForks)) return have_child(random.next());
#endif
    const OptionRange& option = ranges_[random.below(ranges_.size())];
    if (option.of_learner && !disturb_learner(random)) return;
    const auto values = static_cast<std::size_t>(option.most - option.least) + 1;
    set(option.name, option.least + static_cast<std::int64_t>(random.below(values)));
  }

 private:
  static constexpr std::size_t kForks = 64;  ///< one in so many changes is a child
  static constexpr std::chrono::seconds kManyWindows{10};

  /// The learner's options begin it anew, so it is mostly left in peace: for a window or two, or for many, of which it
  /// must have seen some. \return whether its time has come
  bool disturb_learner(Random& random) {
    const Clock::time_point now = Clock::now();
    if (now < peace_until_) return false;
    const std::uint64_t windows = windows_of_learner();
    if (peace_ == kManyWindows && value_of("HAKMEM_LEARN") != 0 && windows == windows_) {
      throw Failure("the learner is on, and has seen no window in ten seconds");
    }
    windows_ = windows;
    peace_ = random.one_in(8) ? Clock::duration(kManyWindows) : std::chrono::milliseconds(random.below(1500));
    peace_until_ = now + peace_;
    return true;
  }

  static std::uint64_t windows_of_learner() {
    hak_statistics now;
    hak_statistics_get(&now);
    return now.learner_windows;
  }

  Clock::time_point peace_until_{};
  Clock::duration peace_{};
  std::uint64_t windows_ = 0;
  const std::vector<OptionRange> ranges_ = ranges();
  std::vector<std::int64_t> before_;
};

}  // namespace

std::unique_ptr<Tuner> make_api_tuner() { return std::make_unique<ApiTuner>(); }

}  // namespace hakmem::stress
