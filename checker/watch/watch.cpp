#include "watch/watch.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "core/search.hpp"
#include "core/subject.hpp"
#include "runner/pool.hpp"
#include "watch/round.hpp"
#include "watch/sources.hpp"

namespace check {

namespace {

bool all_idle(const std::vector<Change>& changes) {
  return std::all_of(changes.begin(), changes.end(), [](const Change& change) { return change.is_idle(); });
}

class Watch {
 public:
  explicit Watch(const WatchOptions& options)
      : options_(options),
        screen_(::isatty(STDOUT_FILENO) != 0 && options.since.empty()),
        kept_(options.build + "/passed.json"),
        passed_(read_passed(kept_)) {}

  int once();
  int for_ever();

 private:
  void look();
  void begin(const std::vector<Change>& changes, double edited);
  int end_of_round(bool whole);
  void wait(int eye) const;

  const WatchOptions& options_;
  Screen screen_;
  JobPool signals_{1, 0};  // from now on they ask to stop
  ReachMap reach_;
  std::string kept_;  // the file in which `passed_` outlives the watch
  PassedPrograms passed_;
  Texts baseline_;  // when the verdict was PASSED last, or when the watch began
  Texts current_;
  std::unique_ptr<Round> round_;
  int code_ = 0;
};

/// Waits until something happens, or for a moment.
void Watch::wait(int eye) const {
  constexpr int kMoment = 200;  // milliseconds
  std::vector<pollfd> fds;
  if (eye >= 0) fds.push_back({eye, POLLIN, 0});
  if (round_ != nullptr) round_->add_to(fds);
  (void)::poll(fds.data(), fds.size(), kMoment);
}

void Watch::begin(const std::vector<Change>& changes, double edited) {
  std::vector<std::string> about;
  for (const Change& change : changes) about.push_back(describe(change));
  std::vector<Stem> stems = stems_by_concern(Suite::all(), reach_, changes);
  std::size_t concerned = 0;
  for (const Stem& stem : stems) concerned += stem.first.size();
  about.push_back(concerned == 0 ? "no suite is known to reach this; all of the quick tier runs"
                                 : fmt::format("{} suites and broken variants reach this; they run first", concerned));
  screen_.begin(about);
  round_ = std::make_unique<Round>(options_, std::move(stems), edited, passed_, screen_);
}

int Watch::end_of_round(bool whole) {
  write_passed(kept_, passed_);
  Status verdict = round_->verdict(whole);
  std::string what = round_->summary();
  if (!whole) what = "interrupted; " + what;
  if (!options_.json.empty()) {
    if (const std::string problem = write_report(options_.json, verdict, round_->rows()); !problem.empty()) {
      verdict = worse(verdict, Status::kIncomplete);
      what += "; " + problem;
    }
  }
  screen_.verdict(fmt::format("VERDICT: {}: {}", word_of(verdict), what));
  return exit_code_of(verdict);
}

int Watch::once() {
  std::string problem;
  const double started = now();
  current_ = texts_now(options_.source);
  baseline_ = texts_at(options_.source, options_.since, current_, problem);
  if (!problem.empty()) {
    say_problem(problem);
    return kWrongCall;
  }
  const std::vector<Change> changes = changes_between(baseline_, current_);
  if (all_idle(changes)) {
    for (const Change& change : changes) std::puts(describe(change).c_str());
    return say_verdict(Status::kPass,
                       fmt::format("{} below {} has changed since {}: nothing to run",
                                   changes.empty() ? "nothing" : "no code", subject().sources, options_.since)
                           .c_str());
  }
  reach_ = reach_of_all(options_.build + "/reach.json", options_.jobs);
  begin(changes, started);
  while (!JobPool::interrupted() && round_->go_on()) wait(-1);
  const int code = end_of_round(!JobPool::interrupted());
  round_.reset();
  return code;
}

/// Something may have changed in the sources.
void Watch::look() {
  const double edited = now();
  Texts texts = texts_now(options_.source);
  if (texts == current_) return;
  current_ = std::move(texts);
  round_.reset();
  const std::vector<Change> changes = changes_between(baseline_, current_);
  if (!all_idle(changes)) return begin(changes, edited);
  std::vector<std::string> about;
  for (const Change& change : changes) about.push_back(describe(change));
  about.emplace_back(changes.empty() ? "the code is as it was: nothing to run" : "no code has changed: nothing to run");
  screen_.begin(about);
}

int Watch::for_ever() {
  Eye eye(options_.source);
  if (!eye.problem().empty()) {
    say_problem(eye.problem());
    return kWrongCall;
  }
  current_ = baseline_ = texts_now(options_.source);
  reach_ = reach_of_all(options_.build + "/reach.json", options_.jobs);
  screen_.begin({fmt::format("watching {}/{}: {} suites know what they reach; Ctrl-C ends", options_.source,
                             subject().sources, reach_.size())});
  constexpr useconds_t kSettles = 50'000;  // an editor writes more than once
  while (!JobPool::interrupted()) {
    wait(eye.fd());
    pollfd fd{eye.fd(), POLLIN, 0};
    if (::poll(&fd, 1, 0) > 0) {
      ::usleep(kSettles);
      eye.blink();
      look();
    }
    if (round_ == nullptr || round_->go_on()) continue;
    code_ = end_of_round(true);
    if (code_ == 0) baseline_ = current_;
    round_.reset();
  }
  if (round_ != nullptr) code_ = end_of_round(false);
  round_.reset();
  return code_;
}

}  // namespace

int watch(const WatchOptions& options) {
  Watch watch(options);
  return options.since.empty() ? watch.for_ever() : watch.once();
}

}  // namespace check
