#include "trace/svg.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <sstream>
#include <string_view>
#include <vector>

#include "core/sites.hpp"
#include "trace/order.hpp"

namespace check {

namespace {

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

/// Simulated addresses all begin alike: "#4000" says as much as "0x5eed00004000".
std::string without_base(const std::string& text) {
  static constexpr std::string_view kBase = "0x5eed";
  std::string shorter;
  for (std::size_t i = 0; i < text.size();) {
    if (text.compare(i, kBase.size(), kBase) != 0) {
      shorter += text[i++];
      continue;
    }
    const auto is_digit = [&](std::size_t at) {
      return at < text.size() && std::isxdigit(static_cast<unsigned char>(text[at])) != 0;
    };
    std::size_t digits = i + kBase.size();
    if (!is_digit(digits)) {
      shorter += text[i++];
      continue;
    }
    while (text[digits] == '0' && is_digit(digits + 1)) ++digits;
    shorter += '#';
    i = digits;
  }
  return shorter;
}

const char* colour_of(const Event& event, bool is_fault) {
  if (is_fault) return "#f4b6b6";
  if (is_plain(event)) return "#f7f1d5";
  return event.address && event.kind != EventKind::kFree ? "#d5e5f7" : "#eeeeee";
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
  Drawing(const Trace& trace, const Style& style)
      : events_(trace.events), style_(style), order_(trace), explanation_(explain(trace, order_, style)) {
    for (const Event& event : events_) lanes_.try_emplace(event.thread, 0u);
    unsigned lane = 0;
    for (auto& [thread, place] : lanes_) place = lane++;
  }

  std::string draw(const std::string& title) {
    const auto width = 2 * kMargin + kLane * static_cast<unsigned>(std::max<std::size_t>(lanes_.size(), 2));
    const std::vector<std::string> words = lines_of(explanation_.sentence, width / 8);
    const unsigned under_boxes = y_of(events_.size()) + 20;
    const unsigned height = under_boxes + 20 * static_cast<unsigned>(words.size()) + 10;
    begin(title, width, height);
    for (const auto& [thread, lane] : lanes_) {
      text(x_of(lane), kTop - 16, fmt::format("thread {}", thread), "font-weight=\"bold\"");
      line(x_of(lane) + kBox / 2, kTop - 8, x_of(lane) + kBox / 2, under_boxes - 14, "stroke=\"#cccccc\"");
    }
    for (std::size_t i = 0; i < events_.size(); ++i) box(i);
    arrows();
    unsigned y = under_boxes;
    for (const std::string& words_of_line : words) {
      text(kMargin, y, words_of_line, "fill=\"#c00000\"");
      y += 20;
    }
    return out_ + "</svg>\n";
  }

 private:
  [[nodiscard]] unsigned x_of(unsigned lane) const { return kMargin + lane * kLane; }
  [[nodiscard]] unsigned y_of(std::size_t i) const { return kTop + kRow * static_cast<unsigned>(i); }
  [[nodiscard]] unsigned lane_of(std::size_t i) const { return lanes_.at(events_[i].thread); }

  void begin(const std::string& title, unsigned width, unsigned height) {
    out_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\" "
        "font-family=\"monospace\" font-size=\"12\">\n<title>{2}</title>\n<desc>{3}</desc>\n"
        "<defs><marker id=\"tip\" markerWidth=\"8\" markerHeight=\"8\" refX=\"7\" refY=\"4\" orient=\"auto\">"
        "<path d=\"M0,0 L8,4 L0,8 z\"/></marker></defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        width, height, escaped(title), escaped(explanation_.sentence));
    text(kMargin, 28, title, "font-weight=\"bold\" font-size=\"15\"");
    text(kMargin, 48, "Solid: the write is read, and orders what is around it. Dotted: read only. Dashed: missing.",
         "fill=\"#555555\"");
  }

  void text(unsigned x, unsigned y, const std::string& words, const std::string& style) {
    if (words.empty()) return;
    out_ += fmt::format("<text x=\"{}\" y=\"{}\" {}>{}</text>\n", x, y, style, escaped(words));
  }
  void line(unsigned x1, unsigned y1, unsigned x2, unsigned y2, const std::string& style) {
    out_ += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" {}/>\n", x1, y1, x2, y2, style);
  }

  void box(std::size_t i) {
    const Event& event = events_[i];
    const unsigned x = x_of(lane_of(i));
    const unsigned y = y_of(i);
    out_ +=
        fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\" fill=\"{}\" stroke=\"#888888\"/>\n", x,
                    y, kBox, kRow - 4, colour_of(event, i + 1 == events_.size()));
    constexpr std::size_t kLetters = kBox / 8 + 4;
    const std::string site = site_of(event, style_);
    text(x + 5, y + 13, shortened(label_of(event, style_), kLetters), "");
    text(x + 5, y + 26, shortened(event.function + (site.empty() ? "" : "  " + site), kLetters),
         "fill=\"#555555\" font-size=\"11\"");
  }

  void arrows() {
    for (const Edge& edge : order_.edges()) {
      arrow(edge,
            edge.orders ? "stroke=\"#2b6a2b\" stroke-width=\"1.5\"" : "stroke=\"#777777\" stroke-dasharray=\"2,3\"");
    }
    const Edge& gap = explanation_.gap;
    if (gap.from != gap.to) arrow(gap, "stroke=\"#c00000\" stroke-width=\"2.5\" stroke-dasharray=\"9,5\"");
  }

  /// Between the sides of two boxes that look at each other; in one lane along its side.
  void arrow(const Edge& edge, const std::string& style) {
    const unsigned from = lane_of(edge.from);
    const unsigned to = lane_of(edge.to);
    const unsigned x1 = x_of(from) + (to > from ? kBox : 0);
    const unsigned x2 = x_of(to) + (to < from ? kBox : 0);
    line(x1, y_of(edge.from) + kRow / 2, x2, y_of(edge.to) + kRow / 2, style + " marker-end=\"url(#tip)\"");
  }

  const std::vector<Event>& events_;
  const Style& style_;
  const Order order_;
  const Diagnosis explanation_;
  std::map<unsigned, unsigned> lanes_;
  std::string out_;
};

}  // namespace

std::string label_of(const Event& event, const Style& style) {
  const Parts parts = parts_of(event, style);
  std::string label = fmt::format("{} {}", event.step, without_base(parts.head));
  if (is_atomic(event)) label += fmt::format(" {}", name_of(event.order));
  if (event.address && event.kind != EventKind::kFree) label += " " + without_base(address_text(*event.address, style));
  return parts.details.empty() ? label : label + " " + without_base(parts.details);
}

std::string svg_of(const Trace& trace, const std::string& title, const Style& style) {
  return Drawing(trace, style).draw(title);
}

}  // namespace check
