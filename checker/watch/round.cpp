#include "watch/round.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "audit/content.hpp"
#include "core/search.hpp"
#include "core/subject.hpp"

namespace check {

namespace {

std::uint64_t content_of(const std::string& path) {
  std::string text;
  return read_text(path, text) ? hash_of(text) : 0;
}

/// Of a build that has failed: what the compiler says first, else its last words.
std::string first_error(const std::string& output) {
  std::string last;
  for (std::size_t begin = 0; begin < output.size();) {
    const std::size_t end = std::min(output.find('\n', begin), output.size());
    const std::string line = output.substr(begin, end - begin);
    if (line.find("error:") != std::string::npos || line.find("undefined reference") != std::string::npos) return line;
    if (!line.empty()) last = line;
    begin = end + 1;
  }
  return last.empty() ? "the build says nothing" : last;
}

}  // namespace

Round::Round(const WatchOptions& options, std::vector<Stem> stems, double edited, PassedPrograms& passed,
             Screen& screen)
    : options_(options),
      passed_(passed),
      screen_(screen),
      edited_(edited),
      to_build_(stems.begin(), stems.end()),
      programs_(stems.size()) {
  build_next();
}

std::string Round::program(const std::string& stem) const { return options_.build + "/suites/" + stem; }

double Round::passed_time() const { return now() - edited_; }

/// As many programs at a time as there are processors, so that the first ones come early.
void Round::build_next() {
  if (builder_ != nullptr || to_build_.empty()) return;
  const bool first = in_build_.empty() && to_build_.size() == programs_;
  in_build_.clear();
  std::vector<std::string> words{"cmake",   "--build", options_.build, "--parallel", std::to_string(options_.jobs),
                                 "--target"};
  if (!options_.build_command.empty()) words = {"sh", "-c", options_.build_command + " \"$@\"", "sh"};
  for (unsigned i = 0; i < options_.jobs && !to_build_.empty(); ++i) {
    words.push_back("suite_" + to_build_.front().name);
    in_build_.push_back(std::move(to_build_.front()));
    to_build_.pop_front();
  }
  constexpr int kNice = 5;  // what is built already runs before what is not
  builder_ = std::make_unique<Child>(words, true, first ? 0 : kNice);
  build_output_.clear();
}

void Round::take_build() {
  if (builder_->read(build_output_)) return;
  const int code = builder_->wait();
  builder_.reset();
  if (code != 0) return broken_build(build_output_);
  for (Stem& stem : in_build_) to_run_.push_back(std::move(stem));
  build_next();
}

void Round::broken_build(const std::string& output) {
  build_is_broken_ = true;
  to_build_.clear();
  to_run_.clear();
  running_.reset();
  screen_.happened("the build is broken: " + first_error(output));
  add_open("build", "the build is broken: " + first_error(output));
}

void Round::add_open(const std::string& suite, const std::string& message) {
  Result row;
  row.suite = suite;
  row.verdict = "NOT RUN";
  row.message = message;
  rows_.push_back(std::move(row));
}

void Round::run_next() {
  while (running_ == nullptr && !to_run_.empty()) {
    Stem stem = std::move(to_run_.front());
    to_run_.pop_front();
    const std::string path = program(stem.name);
    const std::uint64_t content = content_of(path);
    if (content == 0) {
      add_open(stem.name, path + " is not there after the build");
      continue;
    }
    const auto known = passed_.find(stem.name);
    if (known != passed_.end() && known->second.content == content) {
      for (const Result& row : known->second.rows) rows_.push_back(row);
      ++known_;
      continue;
    }
    if (stem.concern > 0) {
      screen_.happened(
          fmt::format("{} is built after {:.1f} s and runs, {} first", stem.name, passed_time(), stem.suites.front()));
    }
    std::vector<std::string> words{path, "run", "--quick", "--stream", "--jobs", std::to_string(options_.jobs)};
    for (const std::string& name : stem.first) words.insert(words.end(), {"--first", name});
    running_ = std::make_unique<Running>(
        Running{std::move(stem), content, std::make_unique<Child>(words, false), {}, rows_.size()});
  }
}

void Round::take_rows(std::string& text) {
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
    const nlohmann::json json = nlohmann::json::parse(text.substr(0, end), nullptr, false);
    text.erase(0, end + 1);
    try {
      take_row(result_from_json(json));
    } catch (const nlohmann::json::exception&) {
      add_open(running_->stem.name, "its program says what is no result");
    }
  }
}

void Round::take_row(Result row) {
  const std::string path = program(running_->stem.name);
  const std::string& name = subject().program;
  if (row.go_on.starts_with(name)) row.go_on.replace(0, name.size(), path);
  if (first_answer_ == 0) first_answer_ = passed_time();
  if (!row.passes()) {
    screen_.found(row, row.token.empty() ? "" : fmt::format("{} replay '{}'", path, row.token));
    if (row.status == Status::kFail && first_failure_ == 0) {
      first_failure_ = passed_time();
      screen_.happened(fmt::format("first counterexample after {:.1f} s", first_failure_));
    }
  }
  rows_.push_back(std::move(row));
}

void Round::end_of_run() {
  const int code = running_->child->wait();
  const auto begin = rows_.begin() + static_cast<std::ptrdiff_t>(running_->rows_before);
  std::vector<Result> rows(begin, rows_.end());
  const std::string name = running_->stem.name;
  const std::uint64_t content = running_->content;
  running_.reset();
  const Status told = verdict_of(rows);
  if (rows.empty() || code != exit_code_of(told)) {
    return add_open(name, fmt::format("its program has ended with exit code {}, which is not what it has told", code));
  }
  if (told == Status::kPass) passed_[name] = {content, std::move(rows)};
  if (told != Status::kPass) passed_.erase(name);
}

void Round::add_to(std::vector<pollfd>& fds) const {
  if (builder_ != nullptr) fds.push_back({builder_->fd(), POLLIN, 0});
  if (running_ != nullptr) fds.push_back({running_->child->fd(), POLLIN, 0});
}

bool Round::has_output(const Child& child) const {
  pollfd fd{child.fd(), POLLIN, 0};
  return child.fd() < 0 || (::poll(&fd, 1, 0) > 0 && fd.revents != 0);
}

bool Round::go_on() {
  if (builder_ != nullptr && has_output(*builder_)) take_build();
  if (running_ != nullptr && has_output(*running_->child)) {
    const bool more = running_->child->read(running_->line);
    take_rows(running_->line);
    if (!more) end_of_run();
  }
  run_next();
  const bool done = builder_ == nullptr && running_ == nullptr && to_run_.empty();
  const std::size_t left = to_build_.size() + in_build_.size() * (builder_ != nullptr) + to_run_.size();
  screen_.under_way(fmt::format("{:.0f} s: {} results, {} of {} programs left{}{}", passed_time(), rows_.size(), left,
                                programs_, builder_ != nullptr ? "; building " + in_build_.front().name : "",
                                running_ != nullptr ? "; running " + running_->stem.name : ""));
  return !done;
}

Status Round::verdict(bool whole) const {
  const Status found = rows_.empty() ? Status::kIncomplete : verdict_of(rows_);
  return whole && !build_is_broken_ ? found : worse(found, Status::kIncomplete);
}

std::string Round::summary() const {
  const auto failed =
      std::count_if(rows_.begin(), rows_.end(), [](const Result& row) { return row.status == Status::kFail; });
  const auto open =
      std::count_if(rows_.begin(), rows_.end(), [](const Result& row) { return row.status == Status::kIncomplete; });
  std::string text = failed != 0     ? fmt::format("{} of {} do not hold", failed, rows_.size())
                     : open != 0     ? fmt::format("{} of {} have no verdict", open, rows_.size())
                     : rows_.empty() ? "nothing was run"
                                     : fmt::format("all {} of the quick tier hold", rows_.size());
  if (build_is_broken_) text = "the build is broken; " + text;
  if (first_answer_ != 0) text += fmt::format("; first answer after {:.1f} s", first_answer_);
  if (first_failure_ != 0) text += fmt::format(", first counterexample after {:.1f} s", first_failure_);
  text += fmt::format(", all after {:.1f} s", passed_time());
  if (known_ != 0) text += fmt::format("; {} of {} programs are as they were when they passed", known_, programs_);
  return text;
}

}  // namespace check
