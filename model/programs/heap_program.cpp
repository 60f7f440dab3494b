#include "model/programs/heap_program.hpp"

#include <cctype>
#include <cstdlib>
#include <iterator>
#include <span>
#include <string_view>

namespace hakmem::programs {

namespace {

constexpr std::size_t kSizes[] = {16, 64, 64, 64, 64, 48, 32, 200};
constexpr std::size_t kSizesOfSlabs[] = {16, 64, 64, 64, 64, 48, 32};

char name_of(unsigned variable) { return static_cast<char>('a' + variable); }

/// The variable that a word names, or -1.
int variable_in(const std::string& word) {
  return word.size() == 1 && word[0] >= 'a' && word[0] < name_of(kVariables) ? word[0] - 'a' : -1;
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0 && c != ';') {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

/// "a=malloc(64)" or "a=take".
bool parse_assignment(const std::string& word, Step& step) {
  const int variable = variable_in(word.substr(0, 1));
  if (variable < 0 || word.size() < 2 || word[1] != '=') return false;
  step.variable = static_cast<unsigned>(variable);
  const std::string value = word.substr(2);
  if (value == "take") {
    step.kind = Step::Kind::kTake;
    return true;
  }
  constexpr std::string_view kCall = "malloc(";
  if (!value.starts_with(kCall) || !value.ends_with(")")) return false;
  const std::string digits = value.substr(kCall.size(), value.size() - kCall.size() - 1);
  if (digits.empty() || digits.size() > 7 || digits.find_first_not_of("0123456789") != std::string::npos) return false;
  step.kind = Step::Kind::kAllocate;
  step.bytes = std::strtoul(digits.c_str(), nullptr, 10);
  return step.bytes <= kMostBytes;
}

/// The kind of a step that names a block, or that names nothing.
bool parse_verb(const std::string& word, Step::Kind& kind, bool& names_block) {
  constexpr struct {
    const char* word;
    Step::Kind kind;
    bool names_block;
  } kVerbs[] = {{"free", Step::Kind::kFree, true},  {"late_free", Step::Kind::kLateFree, true},
                {"give", Step::Kind::kGive, true},  {"renew", Step::Kind::kRenew, false},
                {"trim", Step::Kind::kTrim, false}, {"attached", Step::Kind::kAttached, false}};
  for (const auto& verb : kVerbs) {
    if (word != verb.word) continue;
    kind = verb.kind;
    names_block = verb.names_block;
    return true;
  }
  return false;
}

/// A generator of numbers that no library can change.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  unsigned below(unsigned limit) {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t x = state_;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return static_cast<unsigned>((x ^ (x >> 31)) % limit);
  }

 private:
  std::uint64_t state_;
};

using Kind = Step::Kind;

/// What a generated thread does, each kind as often as it stands here; and what one does that stays attached.
constexpr Kind kKinds[] = {Kind::kAllocate, Kind::kAllocate, Kind::kAllocate, Kind::kAllocate, Kind::kFree,
                           Kind::kFree,     Kind::kGive,     Kind::kGive,     Kind::kGive,     Kind::kTake,
                           Kind::kTake,     Kind::kTake,     Kind::kRenew,    Kind::kLateFree, Kind::kTrim};
constexpr Kind kKindsOfAttached[] = {Kind::kAllocate, Kind::kAllocate, Kind::kAllocate, Kind::kFree, Kind::kFree,
                                     Kind::kGive,     Kind::kGive,     Kind::kTake,     Kind::kTake, Kind::kLateFree};

/// Steps that mean something more often than not: what is freed or given was allocated or taken before.
Step generate_step(Numbers& numbers, unsigned& held, std::span<const Kind> kinds, std::span<const std::size_t> sizes) {
  Step step{kinds[numbers.below(static_cast<unsigned>(kinds.size()))], numbers.below(3), 0};
  if (step.kind == Kind::kRenew || step.kind == Kind::kTrim) return {step.kind};
  const unsigned bit = 1u << step.variable;
  const bool gets = step.kind == Kind::kAllocate || step.kind == Kind::kTake;
  if (!gets && (held & bit) == 0) step.kind = Kind::kAllocate;
  if (step.kind == Kind::kAllocate) step.bytes = sizes[numbers.below(static_cast<unsigned>(sizes.size()))];
  held = gets || step.kind == Kind::kAllocate ? held | bit : held & ~bit;
  return step;
}

}  // namespace

std::string to_string(const Step& step) {
  const std::string name(1, name_of(step.variable));
  switch (step.kind) {
    case Step::Kind::kAllocate: return name + "=malloc(" + std::to_string(step.bytes) + ")";
    case Step::Kind::kFree: return "free " + name;
    case Step::Kind::kLateFree: return "late_free " + name;
    case Step::Kind::kGive: return "give " + name;
    case Step::Kind::kTake: return name + "=take";
    case Step::Kind::kRenew: return "renew";
    case Step::Kind::kTrim: return "trim";
    case Step::Kind::kAttached: return "attached";
  }
  return "?";
}

std::string to_string(const HeapProgram& program) {
  std::string text;
  for (std::size_t i = 0; i < program.size(); ++i) {
    text += (i == 0 ? "T" : " T") + std::to_string(i) + ":";
    for (const Step& step : program[i]) text += " " + to_string(step);
  }
  return text;
}

HeapProgram parse_program(const std::string& text, std::string& problem) {
  HeapProgram program;
  const std::vector<std::string> words = words_of(text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "T" + std::to_string(program.size()) + ":") {
      program.emplace_back();
      continue;
    }
    Step step{};
    bool names_block = false;
    if (!parse_assignment(word, step)) {
      if (!parse_verb(word, step.kind, names_block)) {
        problem = "'" + word + "' is no step: a=malloc(BYTES), a=take, free a, late_free a, give a, renew or trim";
        return {};
      }
      if (step.kind == Step::Kind::kAttached && (program.empty() || !program.back().empty())) {
        problem = "'attached' stands in front of all steps of a thread";
        return {};
      }
      const int variable = names_block && i + 1 < words.size() ? variable_in(words[i + 1]) : 0;
      if (names_block && (i + 1 >= words.size() || variable < 0)) {
        problem = "'" + word + "' needs a variable, a to h, behind it";
        return {};
      }
      step.variable = static_cast<unsigned>(variable);
      if (names_block) ++i;
    }
    if (program.empty()) {
      problem = "a program begins with 'T0:'";
      return {};
    }
    program.back().push_back(step);
  }
  if (program.size() < 2 || program.size() > kMostThreads) problem = "a program has two to four threads, T0: to T3:";
  return program;
}

HeapProgram generate_program(std::uint64_t seed) {
  Numbers numbers(seed);
  const unsigned threads = numbers.below(4) == 0 ? 3 : 2;
  HeapProgram program(threads);
  const unsigned count = 2 + numbers.below(11);
  unsigned held[kMostThreads] = {};
  for (unsigned i = 0; i < count; ++i) {
    const unsigned thread = numbers.below(threads);
    program[thread].push_back(generate_step(numbers, held[thread], kKinds, kSizes));
  }
  return program;
}

HeapProgram generate_attached_program(std::uint64_t seed) {
  Numbers numbers(seed);
  const bool three = numbers.below(4) == 0;
  HeapProgram program(three ? 3 : 2, std::vector<Step>{{Kind::kAttached}});
  for (auto& thread : program) {
    unsigned held = 0b11;
    for (unsigned i = three ? 3 : 5; i != 0; --i) {
      thread.push_back(generate_step(numbers, held, kKindsOfAttached, kSizesOfSlabs));
    }
  }
  return program;
}

bool is_attached(const std::vector<Step>& thread) { return !thread.empty() && thread.front().kind == Kind::kAttached; }

std::vector<HeapProgram> smaller_programs(const HeapProgram& program) {
  std::vector<HeapProgram> smaller;
  for (std::size_t i = 0; i < program.size(); ++i) {
    const std::size_t first = is_attached(program[i]) ? 1 : 0;
    if (program[i].size() == first && program.size() > 2) {
      smaller.push_back(program);
      smaller.back().erase(smaller.back().begin() + static_cast<std::ptrdiff_t>(i));
    }
    for (std::size_t step = first; step < program[i].size(); ++step) {
      smaller.push_back(program);
      auto& steps = smaller.back()[i];
      steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(step));
    }
  }
  return smaller;
}

std::size_t steps_of(const HeapProgram& program) {
  std::size_t steps = 0;
  for (const auto& thread : program) steps += thread.size() - (is_attached(thread) ? 1 : 0);
  return steps;
}

}  // namespace hakmem::programs
