/// From changed lines to functions, and from functions to the suites that reach them.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "core/scenario.hpp"
#include "watch/anatomy.hpp"
#include "watch/concern.hpp"

namespace check {

namespace {

constexpr const char* kHeader = R"(#pragma once
/// A word.
namespace hakmem {
template <class Sync, unsigned kShift = (1 << 2)>
class Word final : private Base<Sync> {
 public:
  static constexpr unsigned kMost = 8'000;
  explicit Word(int a) : Base<Sync>{a}, bits_{make({1, 2})} { bits_ = a; }
  ~Word() { drop(); }
  [[nodiscard, gnu::always_inline]] bool push(char* base, int n = f(3)) noexcept(noexcept(g())) {
    if (n > 1) { return word_.store(n, release); }  // a comment with { in it
    const char brace = '{';
    return brace == '}' || base != "a } string";
  }
  bool push(int n) { return n; }
  auto take() -> int requires Fast<Sync> { return word_.exchange(0, acquire); }
  bool operator==(const Word&) const = default;
  int operator()(int x) { return x; }

 private:
  typename Sync::template Atomic<int> word_{0};
  int bits_ = 0;
};
enum class Kind : int { kOne, kTwo };
inline constexpr auto kDouble = [](int x) { return 2 * x; };
int free_function(
    int x) {
  return x;
}
}
)";

std::vector<std::string> names_in(const std::string& text) {
  std::vector<std::string> names;
  for (const FunctionText& function : anatomy_of(text).functions) names.push_back(function.name);
  return names;
}

std::string with(const std::string& old, const std::string& fresh) {
  std::string text = kHeader;
  const std::size_t at = text.find(old);
  EXPECT_NE(at, std::string::npos) << old;
  return text.replace(at, old.size(), fresh);
}

Change edit(const std::string& old, const std::string& fresh) {
  return change_of("src/lockfree/word.hpp", kHeader, with(old, fresh));
}

TEST(Anatomy, FindsTheFunctionsOfAHeader) {
  EXPECT_EQ(names_in(kHeader),
            (std::vector<std::string>{"Word", "~Word", "push", "push", "take", "operator()", "free_function"}));
}

TEST(Anatomy, FindsTheFunctionsOfShippingHeaders) {
  std::ifstream file(std::string(HAKMEM_SOURCE_DIR) + "/src/lockfree/remote_word.hpp");
  const auto names = names_in({std::istreambuf_iterator<char>(file), {}});
  for (const char* const name : {"push_chain", "take_all"}) {
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
  }
}

TEST(Anatomy, LosesNoCode) {
  const Anatomy anatomy = anatomy_of(kHeader);
  std::size_t tokens = anatomy.rest.size();
  for (const FunctionText& function : anatomy.functions) tokens += function.tokens.size();
  EXPECT_EQ(tokens, tokens_of(kHeader).size());
}

TEST(ChangedLines, AreThoseOfTheFunctionAroundThem) {
  const Change change = edit("word_.exchange(0, acquire)", "word_.exchange(0, relaxed)");
  EXPECT_EQ(change.functions, std::vector<std::string>{"take"});
  EXPECT_FALSE(change.outside);
  EXPECT_EQ(change.line, 16u);
  EXPECT_EQ(describe(change), "src/lockfree/word.hpp:16: take");
}

TEST(ChangedLines, OfCommentsAndLayoutAreIdle) {
  EXPECT_TRUE(edit("/// A word.\n", "/// A better word, /* with } */ more\n/// lines.\n\n").is_idle());
  EXPECT_TRUE(edit("if (n > 1) { return", "if (n > 1) {\n      return").is_idle());
  EXPECT_TRUE(edit("  // a comment with { in it", "").is_idle());
}

TEST(ChangedLines, InStringsAndNumbersCount) {
  EXPECT_EQ(edit("a } string", "a // string").functions, std::vector<std::string>{"push"});
  EXPECT_TRUE(edit("8'000", "9'000").outside);
}

TEST(ChangedLines, OfSignaturesAndInitializersBelongToTheirFunction) {
  EXPECT_EQ(edit("int n = f(3)", "int n = f(4)").functions, std::vector<std::string>{"push"});
  EXPECT_EQ(edit("make({1, 2})", "make({1, 3})").functions, std::vector<std::string>{"Word"});
}

TEST(ChangedLines, OutsideOfFunctionsConcernTheWholeFile) {
  EXPECT_TRUE(edit("word_{0}", "word_{1}").outside);
  EXPECT_TRUE(edit("kOne, kTwo", "kOne, kThree").outside);
  EXPECT_TRUE(edit("2 * x", "3 * x").outside);
}

TEST(ChangedLines, MayAddAndRemoveFunctions) {
  EXPECT_EQ(edit("  bool push(int n) { return n; }\n", "").functions, std::vector<std::string>{"push"});
  EXPECT_EQ(edit("int free_function(", "int another() { return 1; }\nint free_function(").functions,
            std::vector<std::string>{"another"});
}

TEST(ChangedLines, OfBrokenCodeAreStillToldApart) {
  EXPECT_FALSE(edit("return brace", "{{ return brace").is_idle());
  EXPECT_FALSE(change_of("src/a.hpp", "int f() { return 1; }", "int f() { return \"").is_idle());
  EXPECT_FALSE(change_of("src/a.hpp", "", "R\"(").is_idle());
}

// Concern -------------------------------------------------------------------------------------------------------------

struct DoesNothing : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override {}
};

const char* const kFile = "src/lockfree/word.hpp";

Suite suite(const char* name, const char* file) {
  return Suite::of<DoesNothing>(name, "nothing", file)
      .broken("other", weaken({"lockfree/other.hpp", "push", Operation::kLoad}, std::memory_order_relaxed))
      .broken("of_take", weaken({"lockfree/word.hpp", "take", Operation::kLoad}, std::memory_order_relaxed));
}

Change change_in(const std::string& function) { return {kFile, {function}, false, 1}; }

ReachMap some_reach() {
  return {{"word/direct", {{kFile, "take", "exchange"}, {kFile, "push", "store"}}},
          {"word/other", {{kFile, "push", "store"}}},
          {"heap/indirect",
           {{kFile, "take", "exchange"}, {"src/heap/heap.hpp", "free", "load"}, {"src/heap/heap.hpp", "x", "load"}}},
          {"learner/none", {{"src/learner/learner.hpp", "move", "load"}}}};
}

TEST(Concern, IsMoreTheMoreOfASuiteIsInWhatHasChanged) {
  const ReachMap map = some_reach();
  const std::vector<Change> changes{change_in("take")};
  EXPECT_GT(concern(map.at("word/direct"), changes), concern(map.at("heap/indirect"), changes));
  EXPECT_GT(concern(map.at("heap/indirect"), changes), concern(map.at("word/other"), changes));
  EXPECT_GT(concern(map.at("word/other"), changes), concern(map.at("learner/none"), changes));
  EXPECT_EQ(concern(map.at("learner/none"), changes), 0);
}

TEST(Concern, IsNoneOfCommentsAndAllOfAChangeOutsideOfFunctions) {
  const Reached reached = some_reach().at("word/other");
  EXPECT_EQ(concern(reached, {{kFile, {}, false, 0}}), 0);
  EXPECT_GT(concern(reached, {{kFile, {}, true, 1}}), 2);
}

TEST(Concern, PutsTheProgramsInOrderAndNamesWhatRunsFirst) {
  const Suite direct = suite("word/direct", "model/scenarios/word.cpp");
  const Suite other = suite("word/other", "model/scenarios/word.cpp");
  const Suite indirect = suite("heap/indirect", "model/scenarios/a_heap.cpp");
  const Suite none = suite("learner/none", "model/scenarios/a_learner.cpp");
  const auto stems = stems_by_concern({&indirect, &none, &other, &direct}, some_reach(), {change_in("take")});
  ASSERT_EQ(stems.size(), 3u);
  EXPECT_EQ(stems[0].name, "word");
  EXPECT_EQ(stems[1].name, "a_heap");
  EXPECT_EQ(stems[2].name, "a_learner");
  EXPECT_EQ(stems[0].first, (std::vector<std::string>{"word/direct", "word/direct~of_take", "word/direct~other",
                                                      "word/other", "word/other~of_take", "word/other~other"}));
  EXPECT_TRUE(stems[2].first.empty());
}

}  // namespace

}  // namespace check
