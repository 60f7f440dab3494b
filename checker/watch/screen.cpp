#include "watch/screen.hpp"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "core/search.hpp"
#include "trace/text.hpp"

namespace check {

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

struct Size {
  std::size_t rows;
  std::size_t columns;
};

Size size_of_terminal() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return {24, 80};
  return {size.ws_row, size.ws_col};
}

}  // namespace

void Screen::begin(const std::vector<std::string>& about) {
  about_ = about;
  events_.clear();
  counterexample_.clear();
  now_.clear();
  if (terminal_) return draw();
  for (const std::string& line : about_) std::puts(line.c_str());
  std::fflush(stdout);
}

void Screen::happened(const std::string& line) {
  events_.push_back(line);
  if (terminal_) return draw();
  std::puts(line.c_str());
  std::fflush(stdout);
}

void Screen::found(const Result& result, const std::string& replay) {
  const bool first = counterexample_.empty();
  if (!first && terminal_) return happened(to_line(result));
  std::vector<std::string> lines{to_line(result)};
  if (first) {
    const std::vector<std::string> trace = lines_of(text_of(result.trace));
    lines.insert(lines.end(), trace.begin(), trace.end());
    if (!replay.empty()) lines.push_back("replay: " + replay);
    counterexample_ = lines;
  }
  if (terminal_) return draw();
  for (const std::string& line : lines) std::puts(line.c_str());
  std::fflush(stdout);
}

void Screen::under_way(const std::string& line) {
  constexpr double kBetween = 0.2;  // seconds
  if (!terminal_ || now() < drawn_ + kBetween) return;
  now_ = line;
  draw();
}

void Screen::verdict(const std::string& line) {
  now_ = line;
  if (terminal_) return draw();
  std::puts(line.c_str());
  std::fflush(stdout);
}

void Screen::draw() {
  const Size size = size_of_terminal();
  std::vector<std::string> lines = about_;
  constexpr std::size_t kEvents = 6;
  const std::size_t from = events_.size() - std::min(events_.size(), kEvents);
  lines.insert(lines.end(), events_.begin() + static_cast<std::ptrdiff_t>(from), events_.end());
  const std::size_t left = size.rows > lines.size() + 3 ? size.rows - lines.size() - 3 : 1;
  // The end of a trace shows what is wrong.
  const std::size_t cut = counterexample_.size() > left ? counterexample_.size() - left : 0;
  for (std::size_t i = 0; i < counterexample_.size(); ++i) {
    if (i == 0 || i > cut) lines.push_back(counterexample_[i]);
  }
  lines.push_back(now_);
  std::fputs("\033[H", stdout);
  for (const std::string& line : lines) std::printf("%s\033[K\n", line.substr(0, size.columns).c_str());
  std::fputs("\033[J", stdout);
  std::fflush(stdout);
  drawn_ = now();
}

}  // namespace check
