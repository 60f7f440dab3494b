#include "model/runner/picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

namespace hakmem::model {

namespace {

constexpr std::size_t kMostThreads = 4;
constexpr std::size_t kMostRows = 300;
constexpr std::size_t kNone = static_cast<std::size_t>(-1);

/// A line of a trace.
struct Step {
  unsigned number = 0;
  std::size_t thread = 0;
  std::string address;  ///< empty: not on memory
  std::string what;     ///< for people
  std::string place;    ///< "remote_word.hpp:48"
  std::string source;   ///< "src/lockfree/remote_word.hpp:48"
  std::string read;     ///< the value, of an atomic that is read
  std::string written;  ///< the value, of an atomic that is written
  std::string order;
  bool atomic = false;
  bool reads = false;
  bool writes = false;
  bool stale = false;                            ///< reads what is no longer the latest value
  bool failed = false;                           ///< a compare-and-swap that has not swapped
  std::size_t from = kNone;                      ///< the step whose value is read
  bool synchronises = false;                     ///< with that step, or with the head of its release sequence
  std::array<std::size_t, kMostThreads> seen{};  ///< steps of each thread that happen before this one, itself included
};

struct Trace {
  std::vector<Step> steps;  ///< of the threads; the set-up before them is only counted
  std::size_t set_up = 0;
};

// Reading -----------------------------------------------------------------------------------------------------------

/// What stands in `text` between `before` and `after`.
std::string between(std::string_view text, std::string_view before, std::string_view after) {
  const std::size_t begin = text.find(before);
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin + before.size());
  return std::string(text.substr(0, text.find(after)));
}

/// Takes ", in function, file(line)" off the end.
void take_place(std::string& text, Step& step) {
  const std::size_t in = text.rfind(", in ");
  const std::size_t comma = text.rfind(", ");
  if (in == std::string::npos || comma <= in) return;
  std::string file = text.substr(comma + 2);
  if (const std::size_t open = file.find('('); open != std::string::npos) {
    file = file.substr(0, open) + ":" + file.substr(open + 1, file.find(')') - open - 1);
  }
  step.source = file;
  step.place = file.substr(file.rfind('/') + 1);
  text.resize(in);
}

void read_compare_and_swap(const std::string& text, Step& step) {
  step.failed = text.starts_with("CAS fail");
  step.writes = !step.failed;
  step.read = between(text, "orig=", ", cmp=");
  if (step.writes) step.written = between(text, "xchg=", ", order=");
  const bool spurious = text.find("SPURIOUSLY") != std::string::npos;
  step.what = step.failed ? fmt::format("CAS fails{}, sees {}", spurious ? " spuriously" : "", step.read)
                          : fmt::format("CAS {} → {}", step.read, step.written);
}

/// "exchange , prev=1, arg=1, new=1, order=acquire" and the like.
void read_modification(const std::string& text, Step& step) {
  step.writes = true;
  step.read = between(text, "prev=", ", arg=");
  step.written = between(text, "new=", ", order=");
  step.what = fmt::format("{} {} → {}", text.substr(0, text.find(' ')), step.read, step.written);
}

void read_atomic(const std::string& text, Step& step) {
  step.atomic = true;
  step.order = between(text, "order=", ",");
  step.stale = text.find("NOT CURRENT") != std::string::npos;
  step.reads = !text.starts_with("atomic store");
  if (text.starts_with("atomic load")) {
    step.read = between(text, "value=", ", order=");
    step.what = "load " + step.read;
  } else if (text.starts_with("atomic store")) {
    step.writes = true;
    step.written = between(text, "value=", ", (prev");
    step.what = "store " + step.written;
  } else if (text.starts_with("CAS ")) {
    read_compare_and_swap(text, step);
  } else {
    read_modification(text, step);
  }
  step.what += step.stale ? " (stale), " : ", ";
  step.what += step.order;
}

/// A line as it is printed. \return nothing when it is none of a trace.
std::optional<Step> read_line(const std::string& line) {
  Step step;
  int end = 0;
  unsigned thread = 0;
  if (std::sscanf(line.c_str(), "[%9u] %9u: %n", &step.number, &thread, &end) != 2 || end == 0) return {};
  if (thread >= kMostThreads) return {};
  step.thread = thread;
  std::string text = line.substr(static_cast<std::size_t>(end));
  take_place(text, step);
  if (text.starts_with("<0x")) {
    step.address = text.substr(1, text.find('>') - 1);
    text.erase(0, text.find('>') + 2);
    if (text.find("order=") != std::string::npos) {
      read_atomic(text, step);
      return step;
    }
    step.writes = text.starts_with("write ");
    step.reads = !step.writes;
  }
  step.what = text;
  return step;
}

Trace read_trace(const std::string& text) {
  Trace trace;
  std::istringstream lines(text);
  std::vector<Step> steps;
  for (std::string line; std::getline(lines, line);) {
    std::optional<Step> step = read_line(line);
    if (!step) continue;
    if (step->what == "[BEFORE END]") {
      trace.set_up = steps.size();
      steps.clear();
      continue;
    }
    steps.push_back(std::move(*step));
  }
  trace.steps = std::move(steps);
  return trace;
}

// What orders what --------------------------------------------------------------------------------------------------

bool releases(const Step& step) {
  return step.order == "release" || step.order == "acq_rel" || step.order == "seq_cst";
}
bool acquires(const Step& step) {
  return !step.failed &&
         (step.order == "acquire" || step.order == "acq_rel" || step.order == "seq_cst" || step.order == "consume");
}

/// The step that wrote what `reader` reads, or kNone when that was the set-up.
std::size_t writer_of(const std::vector<Step>& steps, std::size_t reader) {
  bool latest = true;
  for (std::size_t i = reader; i-- != 0;) {
    if (!steps[i].atomic || !steps[i].writes || steps[i].address != steps[reader].address) continue;
    const bool skipped = latest && steps[reader].stale;
    latest = false;
    if (!skipped && steps[i].written == steps[reader].read) return i;
  }
  return kNone;
}

/// The release that a read of `writer`'s value synchronises with: its own, or the head of its release sequence.
std::size_t release_behind(const std::vector<Step>& steps, std::size_t writer) {
  while (writer != kNone && !releases(steps[writer])) writer = steps[writer].reads ? steps[writer].from : kNone;
  return writer;
}

void find_edges(std::vector<Step>& steps) {
  std::array<std::array<std::size_t, kMostThreads>, kMostThreads> now{};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    Step& step = steps[i];
    auto& clock = now[step.thread];
    if (step.atomic && step.reads) {
      step.from = writer_of(steps, i);
      const std::size_t release = release_behind(steps, step.from);
      step.synchronises = release != kNone && acquires(step);
      // What a release sequence carries, the clocks of its steps have gathered.
      for (std::size_t at = step.from; step.synchronises && at != kNone;
           at = steps[at].reads ? steps[at].from : kNone) {
        if (!releases(steps[at])) continue;
        for (std::size_t t = 0; t < kMostThreads; ++t) clock[t] = std::max(clock[t], steps[at].seen[t]);
      }
    }
    clock[step.thread] = i + 1;
    step.seen = clock;
  }
}

bool happens_before(const Step& earlier, std::size_t index, const Step& later) {
  return later.seen[earlier.thread] >= index + 1;
}

/// What the picture says is missing.
struct Missing {
  std::size_t first = kNone;   ///< of a race: the earlier access
  std::size_t second = kNone;  ///< the later one, or the step that fails
  std::size_t from = kNone;    ///< the edge that is none: a write whose value is read without synchronising
  std::size_t to = kNone;
  std::string text;
};

std::string name_of(const Step& step) {
  return fmt::format("[{}] thread {} {} ({})", step.number, step.thread, step.what, step.source);
}

/// The latest edge from behind `first` to before `second` that carries a value and orders nothing.
void find_broken_edge(const std::vector<Step>& steps, Missing& missing) {
  for (std::size_t i = missing.second; i-- > missing.first;) {
    const Step& reader = steps[i];
    if (reader.thread != steps[missing.second].thread || reader.from == kNone || reader.synchronises) continue;
    if (reader.from < missing.first || steps[reader.from].thread != steps[missing.first].thread) continue;
    missing.from = reader.from;
    missing.to = i;
    return;
  }
}

Missing find_missing(const std::vector<Step>& steps, const std::string& problem) {
  Missing missing;
  if (steps.size() < 2) return missing;
  missing.second = steps.size() - 2;  // the last line is the verdict
  const Step& later = steps[missing.second];
  missing.text = "fails at " + name_of(later);
  if (!problem.starts_with("DATA RACE") || later.address.empty()) return missing;
  for (std::size_t i = missing.second; i-- != 0;) {
    const Step& earlier = steps[i];
    if (earlier.address != later.address || earlier.atomic || earlier.thread == later.thread) continue;
    if ((!earlier.writes && !later.writes) || happens_before(earlier, i, later)) continue;
    missing.first = i;
    find_broken_edge(steps, missing);
    break;
  }
  if (missing.first == kNone) return missing;
  missing.text = fmt::format("nothing orders {} before {}", name_of(steps[missing.first]), name_of(later));
  if (missing.from == kNone) return missing;
  const Step& writer = steps[missing.from];
  const Step& reader = steps[missing.to];
  const char* why =
      release_behind(steps, missing.from) == kNone ? "the write does not release" : "the read does not acquire";
  missing.text += fmt::format("; missing edge: {} is read by {}, but {}", name_of(writer), name_of(reader), why);
  return missing;
}

// Drawing -----------------------------------------------------------------------------------------------------------

constexpr unsigned kRow = 18;
constexpr unsigned kTop = 112;
constexpr unsigned kLeft = 56;
constexpr unsigned kLane = 560;
constexpr std::size_t kTextLength = 74;

constexpr const char* kStyle = R"(
  text { font: 12px monospace; fill: #1b1f24; }
  .title { font: bold 15px sans-serif; }
  .verdict { font: bold 13px sans-serif; fill: #b3261e; }
  .stated { font: 12px sans-serif; fill: #b3261e; }
  .number, .note { fill: #6b7280; }
  .lane line { stroke: #c9ced6; stroke-width: 2; }
  .lane text { font: bold 13px sans-serif; }
  .step circle { fill: #4b5563; }
  .step.atomic circle { fill: #1d5fbf; }
  .step.guilty circle { fill: #b3261e; }
  .step.guilty text { fill: #b3261e; font-weight: bold; }
  .edge { fill: none; stroke-width: 1.5; marker-end: url(#tip); }
  .reads-from { stroke: #8a94a3; stroke-dasharray: 4 3; }
  .synchronises-with { stroke: #1d7a3e; }
  .missing { stroke: #b3261e; stroke-width: 2.5; stroke-dasharray: 8 4; }
)";

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '&': safe += "&amp;"; break;
      case '"': safe += "&quot;"; break;
      default: safe += c;
    }
  }
  return safe;
}

class Picture {
 public:
  Picture(const Trace& trace, const Missing& missing)
      : steps_(trace.steps), missing_(missing), first_(steps_.size() > kMostRows ? steps_.size() - kMostRows : 0) {
    for (const Step& step : steps_) lanes_ = std::max(lanes_, step.thread + 1);
  }

  std::string draw(const Trace& trace, const std::string& problem, const std::string& title) {
    const std::size_t width = kLeft + lanes_ * kLane;
    const std::size_t height = y_of(steps_.size()) + kRow;
    std::string svg = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\">\n<style>{2}"
        "</style>\n<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" "
        "markerHeight=\"7\" orient=\"auto-start-reverse\"><path d=\"M0 0 L8 4 L0 8 z\" "
        "fill=\"context-stroke\"/></marker></defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        width, height, kStyle);
    svg += fmt::format("<text class=\"title\" x=\"12\" y=\"22\">{}</text>\n", escaped(title));
    svg += fmt::format("<text class=\"verdict\" x=\"12\" y=\"42\">{}</text>\n", escaped(problem));
    svg += stated();
    svg += fmt::format("<text class=\"note\" x=\"{}\" y=\"{}\">{} steps of set-up{}</text>\n", kLeft, kTop - 2,
                       trace.set_up, first_ == 0 ? "" : fmt::format(", {} steps of the threads left out", first_));
    for (std::size_t lane = 0; lane < lanes_; ++lane) svg += lane_of(lane, height);
    for (std::size_t i = first_; i < steps_.size(); ++i) svg += edge_to(i);
    svg += missing_edge();
    for (std::size_t i = first_; i < steps_.size(); ++i) svg += step_at(i);
    return svg + "</svg>\n";
  }

 private:
  [[nodiscard]] std::size_t x_of(std::size_t thread) const { return kLeft + thread * kLane + 8; }
  [[nodiscard]] std::size_t y_of(std::size_t index) const { return kTop + (index - first_ + 2) * kRow; }

  /// What is missing, a line for each part of the sentence.
  [[nodiscard]] std::string stated() const {
    std::string svg;
    unsigned y = 60;
    std::string_view rest = missing_.text;
    for (const std::string_view next : {"missing edge:", "is read by", ""}) {
      const std::size_t cut = next.empty() ? std::string_view::npos : rest.find(next);
      svg += fmt::format("<text class=\"stated\" x=\"12\" y=\"{}\">{}</text>\n", y, escaped(rest.substr(0, cut)));
      if (cut == std::string_view::npos) break;
      rest.remove_prefix(cut);
      y += 16;
    }
    return svg;
  }

  [[nodiscard]] std::string lane_of(std::size_t lane, std::size_t height) const {
    return fmt::format(
        "<g class=\"lane\" data-thread=\"{0}\"><line x1=\"{1}\" y1=\"{2}\" x2=\"{1}\" y2=\"{3}\"/><text "
        "x=\"{1}\" y=\"{4}\">thread {0}</text></g>\n",
        lane, x_of(lane), kTop + kRow + 4, height - kRow / 2, kTop + kRow - 4);
  }

  [[nodiscard]] std::string arrow(std::size_t from, std::size_t to, const char* kind) const {
    const std::size_t x1 = x_of(steps_[from].thread), x2 = x_of(steps_[to].thread);
    const std::size_t y1 = y_of(from), y2 = y_of(to), middle = (y1 + y2) / 2;
    return fmt::format("<path class=\"edge {}\" data-from=\"{}\" data-to=\"{}\" d=\"M{} {} C{} {} {} {} {} {}\"/>\n",
                       kind, steps_[from].number, steps_[to].number, x1, y1, x1, middle, x2, middle, x2, y2);
  }

  /// The arrow of a value that another thread has written.
  [[nodiscard]] std::string edge_to(std::size_t index) const {
    const Step& step = steps_[index];
    if (step.from == kNone || step.from < first_ || steps_[step.from].thread == step.thread) return {};
    if (index == missing_.to) return {};
    return arrow(step.from, index, step.synchronises ? "synchronises-with" : "reads-from");
  }

  /// The edge that would have ordered what races, or else the racing pair itself.
  [[nodiscard]] std::string missing_edge() const {
    const bool named = missing_.from != kNone;
    const std::size_t from = named ? missing_.from : missing_.first;
    const std::size_t to = named ? missing_.to : missing_.second;
    if (from == kNone || from < first_ || to == kNone) return {};
    return arrow(from, to, "missing");
  }

  /// Keeps the end, where the place stands, and no half of a character.
  static void shorten(std::string& text) {
    if (text.size() <= kTextLength) return;
    std::size_t cut = text.size() - kTextLength;
    while ((static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) ++cut;
    text = "…" + text.substr(cut);
  }

  [[nodiscard]] std::string step_at(std::size_t index) const {
    const Step& step = steps_[index];
    const bool guilty = index == missing_.first || index == missing_.second;
    std::string text = step.what;
    if (!step.address.empty()) text = "@" + step.address.substr(step.address.size() - 4) + " " + text;
    if (!step.place.empty()) text += " · " + step.place;
    const std::string full = fmt::format("{} {} {}", step.address, step.what, step.source);
    shorten(text);
    return fmt::format(
        "<g class=\"step{}{}\" data-step=\"{}\" data-thread=\"{}\"><title>{}</title><circle cx=\"{}\" cy=\"{}\" "
        "r=\"4\"/>"
        "<text class=\"number\" x=\"8\" y=\"{}\">{}</text><text x=\"{}\" y=\"{}\">{}</text></g>\n",
        step.atomic ? " atomic" : "", guilty ? " guilty" : "", step.number, step.thread, escaped(full),
        x_of(step.thread), y_of(index), y_of(index) + 4, step.number, x_of(step.thread) + 12, y_of(index) + 4,
        escaped(text));
  }

  const std::vector<Step>& steps_;
  const Missing& missing_;
  std::size_t first_;
  std::size_t lanes_ = 1;
};

}  // namespace

std::string picture_of(const std::string& trace, const std::string& problem, const std::string& title) {
  Trace read = read_trace(trace);
  find_edges(read.steps);
  const Missing missing = find_missing(read.steps, problem);
  return Picture(read, missing).draw(read, problem, title);
}

}  // namespace hakmem::model
