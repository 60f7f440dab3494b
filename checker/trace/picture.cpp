#include "trace/picture.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <regex>
#include <sstream>

namespace check {

namespace {

// Reading the trace ---------------------------------------------------------------------------------------------------

std::optional<Step> step_of(const std::string& line) {
  static const std::regex form(
      R"(\[(\d+)\] (\d+): (?:<(\w[^>]*)> )?(.*?)(?:, in (.*), ([^,()]+?\.[a-z]+)(?:\((\d+)\))?)?)");
  std::smatch found;
  if (!std::regex_match(line, found, form)) return std::nullopt;
  Step step;
  step.number = static_cast<unsigned>(std::stoul(found[1]));
  step.thread = static_cast<unsigned>(std::stoul(found[2]));
  step.address = found[3];
  step.what = found[4];
  step.function = found[5];
  step.site = found[6];
  if (found[7].matched) step.site += ":" + found[7].str();
  return step;
}

bool has(const Step& step, const char* text) { return step.what.find(text) != std::string::npos; }
bool starts(const Step& step, const char* text) { return step.what.rfind(text, 0) == 0; }

bool is_change(const Step& step) {
  return starts(step, "CAS succ") || starts(step, "exchange") || starts(step, "fetch_");
}
bool is_store(const Step& step) { return starts(step, "atomic store") || is_change(step); }
bool is_load(const Step& step) { return starts(step, "atomic load") || is_change(step); }
bool is_plain(const Step& step) { return starts(step, "read ") || starts(step, "write "); }
bool writes(const Step& step) { return starts(step, "write ") || is_store(step); }

bool ordered(const Step& step, std::initializer_list<const char*> orders) {
  return std::any_of(orders.begin(), orders.end(),
                     [&](const char* order) { return has(step, (std::string("order=") + order).c_str()); });
}
bool releases(const Step& step) { return is_store(step) && ordered(step, {"release", "acq_rel", "seq_cst"}); }
bool acquires(const Step& step) { return is_load(step) && ordered(step, {"acquire", "acq_rel", "seq_cst"}); }

/// The value that an atomic step has left in memory, as traces print it.
std::string stored_value(const Step& step) {
  static const std::regex form("(?:atomic store, value|.* xchg|.* new)=(.*?)(?:, \\(prev value.*|, order=.*)");
  std::smatch found;
  return std::regex_match(step.what, found, form) ? found[1].str() : std::string();
}

/// The value that a load has seen though there was a newer one; empty when it has seen the newest.
std::string stale_value(const Step& step) {
  static const std::regex form("atomic load, value=(.*) \\[NOT CURRENT\\].*");
  std::smatch found;
  return std::regex_match(step.what, found, form) ? found[1].str() : std::string();
}

// What happens before what --------------------------------------------------------------------------------------------

/// For each thread, how many of the trace's steps are known to have happened.
using Clock = std::map<unsigned, std::size_t>;

void join(Clock& clock, const Clock& other) {
  for (const auto& [thread, steps] : other) clock[thread] = std::max(clock[thread], steps);
}

/// A store, and what an acquiring load of it learns.
struct Stored {
  std::size_t step = 0;
  Clock released;
};

class Order {
 public:
  explicit Order(Picture& picture) : picture_(picture) {
    for (std::size_t i = 0; i < picture.steps.size(); ++i) take(i);
  }

  [[nodiscard]] bool happens_before(std::size_t first, std::size_t second) const {
    const auto at = clocks_[second].find(picture_.steps[first].thread);
    return at != clocks_[second].end() && at->second > first;
  }

 private:
  void take(std::size_t i) {
    const Step& step = picture_.steps[i];
    // What comes before the threads and after them is ordered with all that they do.
    const bool all = starts(step, "[BEFORE END]") || starts(step, "[AFTER BEGIN]");
    Clock& mine = now_[step.thread];
    if (all) {
      for (auto& [thread, clock] : now_) join(mine, clock);
      everybody_ = mine;
    }
    join(mine, everybody_);
    if (starts(step, "mutex: ") && has(step, "unlock")) {
      mine[step.thread] = i + 1;
      locks_[step.address] = mine;
    } else if (starts(step, "mutex: ")) {
      join(mine, locks_[step.address]);
    }
    if (is_load(step)) read(i, mine);
    mine[step.thread] = i + 1;
    if (is_store(step)) store(i, mine);
    clocks_.push_back(mine);
  }

  void read(std::size_t i, Clock& mine) {
    const Step& step = picture_.steps[i];
    const std::vector<Stored>& history = stores_[step.address];
    const std::string stale = stale_value(step);
    auto at = history.rbegin();
    if (!stale.empty()) {
      const auto newest = [&] { return at == history.rbegin(); };
      while (at != history.rend() && (newest() || stored_value(picture_.steps[at->step]) != stale)) ++at;
    }
    if (at == history.rend()) return;  // what was there before the first step of the trace
    const Stored& seen = *at;
    const bool synchronises = acquires(step) && !seen.released.empty();
    if (synchronises) join(mine, seen.released);
    if (picture_.steps[seen.step].thread == step.thread) return;
    picture_.edges.push_back({seen.step, i, synchronises});
  }

  /// A change by one step continues the release sequence of what it replaces; a plain store ends it.
  void store(std::size_t i, const Clock& mine) {
    const Step& step = picture_.steps[i];
    std::vector<Stored>& history = stores_[step.address];
    Stored stored{i, {}};
    if (is_change(step) && !history.empty()) stored.released = history.back().released;
    if (releases(step)) join(stored.released, mine);
    history.push_back(std::move(stored));
  }

  Picture& picture_;
  Clock everybody_;
  std::map<unsigned, Clock> now_;
  std::map<std::string, Clock> locks_;
  std::map<std::string, std::vector<Stored>> stores_;
  std::vector<Clock> clocks_;
};

// The missing edge ----------------------------------------------------------------------------------------------------

std::string described(const Step& step) {
  static const std::regex detail("[ ,]*( orig=|,).*");
  return fmt::format("step {} of thread {} ({}, {} {})", step.number, step.thread,
                     std::regex_replace(step.what, detail, ""), step.function, step.site);
}

/// What kept a read from ordering what was read.
std::string weakness(const Step& store, const Step& load) {
  if (!releases(store) && !acquires(load)) return "the one does not release and the other does not acquire";
  return releases(store) ? "the read does not acquire" : "the write does not release";
}

/// Two steps on the same memory by two threads, at least one of which writes, with nothing between them.
void explain_race(Picture& picture, const Order& order) {
  const auto& steps = picture.steps;
  std::size_t second = steps.size() - 1;
  while (second > 0 && (steps[second].thread != steps.back().thread || steps[second].address.empty())) --second;
  std::size_t first = second;
  for (std::size_t i = 0; i < second; ++i) {
    const bool conflict = steps[i].address == steps[second].address && steps[i].thread != steps[second].thread &&
                          (writes(steps[i]) || writes(steps[second])) &&
                          (is_plain(steps[i]) || is_plain(steps[second]));
    if (conflict && !order.happens_before(i, second)) first = i;
  }
  if (first == second) {
    picture.missing = "The conflicting step of the other thread is not in the trace.";
    return;
  }
  picture.gap = {first, second, false};
  picture.missing =
      fmt::format("Missing edge: nothing orders {} before {}.", described(steps[first]), described(steps[second]));
  for (const Edge& edge : picture.edges) {
    const bool carries = !edge.orders && edge.to <= second && steps[edge.to].thread == steps[second].thread &&
                         edge.from > first && steps[edge.from].thread == steps[first].thread;
    if (!carries) continue;
    picture.gap = edge;
    picture.missing =
        fmt::format("Missing edge: {} reads what {} wrote, but {}; so {} does not happen before {}.",
                    described(steps[edge.to]), described(steps[edge.from]), weakness(steps[edge.from], steps[edge.to]),
                    described(steps[first]), described(steps[second]));
  }
}

/// Memory that another thread has given back.
void explain_freed(Picture& picture) {
  const auto& steps = picture.steps;
  for (std::size_t i = steps.size() - 1; i-- > 0;) {
    if (!has(steps[i], "(unmap)") && !has(steps[i], "free")) continue;
    picture.gap = {steps.size() - 1, i, false};
    picture.missing =
        fmt::format("Missing edge: nothing keeps {} behind {}.", described(steps[i]), described(steps.back()));
    return;
  }
  picture.missing = "No edge is missing: the memory was nobody's whatever the order.";
}

/// An invariant that does not hold: by what was read too late, or by the order of the steps alone.
void explain_broken(Picture& picture) {
  const auto& steps = picture.steps;
  for (std::size_t i = steps.size(); i-- > 0;) {
    if (!has(steps[i], "[NOT CURRENT]")) continue;
    for (std::size_t j = i; j-- > 0;) {
      if (!is_store(steps[j]) || steps[j].address != steps[i].address || steps[j].thread == steps[i].thread) continue;
      picture.gap = {j, i, false};
      picture.missing =
          fmt::format("A stale read: {} sees what was there before {}; nothing orders the one behind the other.",
                      described(steps[i]), described(steps[j]));
      return;
    }
  }
  picture.missing = fmt::format("No edge is missing: these steps, one after the other, end in {}.", steps.back().what);
}

void explain(Picture& picture, const Order& order) {
  if (picture.steps.empty()) return;
  const Step& fault = picture.steps.back();
  if (has(fault, "DATA RACE")) {
    explain_race(picture, order);
  } else if (has(fault, "FREED MEMORY")) {
    explain_freed(picture);
  } else {
    explain_broken(picture);
  }
}

// Drawing -------------------------------------------------------------------------------------------------------------

constexpr unsigned kRow = 34;
constexpr unsigned kLane = 470;
constexpr unsigned kMargin = 50;
constexpr unsigned kTop = 96;
constexpr unsigned kBox = kLane - 70;

std::string escaped(const std::string& text) {
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

std::string shortened(const std::string& text, std::size_t most) {
  return text.size() <= most ? text : text.substr(0, most - 3) + "...";
}

/// Simulated addresses all begin alike.
std::string without_base(const std::string& text) {
  static const std::regex base("0x5eed0*([0-9a-f]+)");
  return std::regex_replace(text, base, "#$1");
}

/// The operation, its order and its object first: what does not fit is cut off at the end.
std::string label_of(const Step& step) {
  static const std::regex form(R"((.*?),?(?: order=(\w+)))");
  static const std::regex head(R"((read \w+|write \w+|atomic \w+|CAS succ|CAS fail|exchange|fetch_\w+)[ ,]*(.*))");
  std::string rest = without_base(step.what);
  std::string order;
  std::smatch found;
  if (std::regex_match(rest, found, form)) {
    order = " " + found[2].str();
    rest = found[1];
  }
  const std::string object = step.address.empty() ? "" : " " + without_base(step.address);
  if (!std::regex_match(rest, found, head)) return fmt::format("{} {}{}{}", step.number, rest, order, object);
  return fmt::format("{} {}{}{} {}", step.number, found[1].str(), order, object, found[2].str());
}

const char* colour_of(const Step& step) {
  if (step.fault) return "#f4b6b6";
  if (is_plain(step)) return "#f7f1d5";
  return step.address.empty() ? "#eeeeee" : "#d5e5f7";
}

/// Breaks a text at spaces.
std::vector<std::string> lines_of(const std::string& text, std::size_t width) {
  std::vector<std::string> lines(1);
  std::istringstream words(text);
  std::string word;
  while (words >> word) {
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
  }
  return lines;
}

class Drawing {
 public:
  explicit Drawing(const Picture& picture) : picture_(picture) {
    for (const Step& step : picture.steps) lanes_.try_emplace(step.thread, 0u);
    unsigned lane = 0;
    for (auto& [thread, place] : lanes_) place = lane++;
  }

  std::string draw(const std::string& title) {
    const auto width = 2 * kMargin + kLane * static_cast<unsigned>(std::max<std::size_t>(lanes_.size(), 2));
    const std::vector<std::string> words = lines_of(picture_.missing, width / 8);
    const auto height = kTop + kRow * static_cast<unsigned>(picture_.steps.size()) + 20 * unsigned(words.size()) + 30;
    out_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\" "
        "font-family=\"monospace\" font-size=\"12\">\n<title>{2}</title>\n<desc>{3}</desc>\n"
        "<defs><marker id=\"tip\" markerWidth=\"8\" markerHeight=\"8\" refX=\"7\" refY=\"4\" orient=\"auto\">"
        "<path d=\"M0,0 L8,4 L0,8 z\"/></marker></defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        width, height, escaped(title), escaped(picture_.missing));
    text(kMargin, 28, title, "font-weight=\"bold\" font-size=\"15\"");
    text(kMargin, 48, "Solid: the write is read, and orders what is around it. Dotted: read only. Dashed: missing.",
         "fill=\"#555555\"");
    for (const auto& [thread, lane] : lanes_) {
      text(x_of(lane), kTop - 16, fmt::format("thread {}", thread), "font-weight=\"bold\"");
      line(x_of(lane) + kBox / 2, kTop - 8, x_of(lane) + kBox / 2, height - 24 - 20 * unsigned(words.size()),
           "stroke=\"#cccccc\"");
    }
    for (std::size_t i = 0; i < picture_.steps.size(); ++i) box(i);
    for (const Edge& edge : picture_.edges) {
      arrow(edge,
            edge.orders ? "stroke=\"#2b6a2b\" stroke-width=\"1.5\"" : "stroke=\"#777777\" stroke-dasharray=\"2,3\"");
    }
    if (picture_.gap.from != picture_.gap.to) {
      arrow(picture_.gap, "stroke=\"#c00000\" stroke-width=\"2.5\" stroke-dasharray=\"9,5\"");
    }
    unsigned y = kTop + kRow * static_cast<unsigned>(picture_.steps.size()) + 20;
    for (const std::string& words_of_line : words) {
      text(kMargin, y, words_of_line, "fill=\"#c00000\"");
      y += 20;
    }
    return out_ + "</svg>\n";
  }

 private:
  [[nodiscard]] unsigned x_of(unsigned lane) const { return kMargin + lane * kLane; }
  [[nodiscard]] unsigned y_of(std::size_t i) const { return kTop + kRow * static_cast<unsigned>(i); }
  [[nodiscard]] unsigned lane_of(std::size_t i) const { return lanes_.at(picture_.steps[i].thread); }

  void text(unsigned x, unsigned y, const std::string& words, const std::string& style) {
    if (words.empty()) return;
    out_ += fmt::format("<text x=\"{}\" y=\"{}\" {}>{}</text>\n", x, y, style, escaped(words));
  }
  void line(unsigned x1, unsigned y1, unsigned x2, unsigned y2, const std::string& style) {
    out_ += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" {}/>\n", x1, y1, x2, y2, style);
  }

  void box(std::size_t i) {
    const Step& step = picture_.steps[i];
    const unsigned x = x_of(lane_of(i));
    const unsigned y = y_of(i);
    out_ +=
        fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\" fill=\"{}\" stroke=\"#888888\"/>\n", x,
                    y, kBox, kRow - 4, colour_of(step));
    constexpr std::size_t kLetters = kBox / 8 + 4;
    text(x + 5, y + 13, shortened(label_of(step), kLetters), "");
    text(x + 5, y + 26, shortened(step.function + (step.site.empty() ? "" : "  " + step.site), kLetters),
         "fill=\"#555555\" font-size=\"11\"");
  }

  /// Between the sides of two boxes that look at each other; in one lane along its side.
  void arrow(const Edge& edge, const std::string& style) {
    const unsigned from = lane_of(edge.from);
    const unsigned to = lane_of(edge.to);
    const unsigned x1 = x_of(from) + (to > from ? kBox : 0);
    const unsigned x2 = x_of(to) + (to < from ? kBox : 0);
    line(x1, y_of(edge.from) + kRow / 2, x2, y_of(edge.to) + kRow / 2, style + " marker-end=\"url(#tip)\"");
  }

  const Picture& picture_;
  std::map<unsigned, unsigned> lanes_;
  std::string out_;
};

}  // namespace

Picture picture_of(const std::string& trace) {
  Picture picture;
  std::istringstream lines(trace);
  std::string line;
  while (std::getline(lines, line)) {
    if (std::optional<Step> step = step_of(line)) picture.steps.push_back(std::move(*step));
  }
  if (!picture.steps.empty()) picture.steps.back().fault = true;
  const Order order(picture);
  explain(picture, order);
  return picture;
}

std::string to_svg(const Picture& picture, const std::string& title) { return Drawing(picture).draw(title); }

}  // namespace check
