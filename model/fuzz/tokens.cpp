/// Replay tokens: what does not fit is refused in words and runs nothing; what fits runs the same execution every time.
///
/// An input is a token. "this" in the place of its build stands for the present one, which no corpus can know.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/sites.hpp"
#include "model/fuzz/expect.hpp"
#include "runner/job.hpp"
#include "runner/position.hpp"

namespace {

using namespace check;
using hakmem::fuzz::expect;

std::vector<std::string> parts_of(const std::string& token) {
  std::vector<std::string> parts(1);
  for (const char c : token) {
    if (c == ':') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::string with_this_build(std::vector<std::string> parts) {
  if (parts.size() == 4 && parts[2] == "this") parts[2] = fingerprint();
  std::string token = parts.front();
  for (std::size_t i = 1; i < parts.size(); ++i) token += ":" + parts[i];
  return token;
}

/// Whether a scheduler's text is one that the help names, with its number in range.
bool names_a_scheduler(const std::string& text) {
  if (text == "full" || text == "graph" || text == "random") return true;
  if (const std::size_t plus = text.find('+'); plus != std::string::npos && text.starts_with("graph")) {
    return names_a_scheduler(text.substr(0, plus)) && names_a_scheduler("bound=" + text.substr(plus + 1));
  }
  const std::size_t equals = text.find('=');
  const std::string kind = text.substr(0, equals);
  const std::string digits = equals == std::string::npos ? "" : text.substr(equals + 1);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) return false;
  const std::size_t first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
  const unsigned value = digits.size() - first > 3 ? 1000 : static_cast<unsigned>(std::stoul(digits.substr(first)));
  if (kind == "bound" || kind == "graph") return value <= 64;
  return kind == "pct" && value >= 1 && value <= 16;
}

#ifdef HAKMEM_FUZZ_PLANTED
/// A planted fault: what stands behind the first digit of a bound is not read.
Replayed read(const std::string& token) {
  std::vector<std::string> parts = parts_of(token);
  if (parts.size() == 4 && parts[1].starts_with("bound=")) parts[1] = parts[1].substr(0, 7);
  return replay_token(with_this_build(parts));
}
#else
Replayed read(const std::string& token) { return replay_token(token); }
#endif

Replayed run(const std::string& token) {
  Sites::restore();  // a broken variant's orders stay in force in a process that replays but one token
  return read(token);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLongest = 2048;
  if (size > kLongest) return 0;
  const std::vector<std::string> parts = parts_of({reinterpret_cast<const char*>(data), size});
  const std::string token = with_this_build(parts);
  const Replayed first = run(token);
  const Outcome& outcome = first.outcome;
  if (!first.problem.empty()) {
    expect(!outcome.failed && outcome.executions == 0 && outcome.trace.empty(), "what is refused runs nothing", token);
    return 0;
  }
  expect(parts.size() == 4, "a token has four parts", token);
  expect(names_a_scheduler(parts[1]), "what is no scheduler is refused", token);
  expect(parts[2] == "this" || parts[2] == fingerprint(), "a token of another build is refused", token);
  expect(outcome.executions == 1, "one execution is run", token);
  expect(outcome.failed != outcome.problem.empty(), "a failure says what it is", token);
  const Replayed again = run(token);
  expect(again.problem.empty() && again.outcome.failed == outcome.failed && again.outcome.problem == outcome.problem &&
             again.outcome.trace == outcome.trace,
         "a token names one execution", token);
  return 0;
}
