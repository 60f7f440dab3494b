/// What the text of a header says about its atomic operations: function, orders and which of several, never the line.

#include "audit/source_scan.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace check {
namespace {

/// The names of the operations of a header with this text.
std::vector<std::string> names_in(const std::string& text) {
  const std::filesystem::path root =
      std::filesystem::temp_directory_path() / ("hakmem-scan-" + std::to_string(::getpid()));
  std::filesystem::create_directories(root / "src/lockfree");
  std::ofstream(root / "src/lockfree/word.hpp") << text;
  std::vector<std::string> names;
  for (const WrittenOperation& one : written_operations(root)) names.push_back(one.id());
  std::filesystem::remove_all(root);
  return names;
}

using Names = std::vector<std::string>;

TEST(SourceScan, NamesFunctionOperationAndOrders) {
  EXPECT_EQ(names_in("struct Word {\n  bool set(int n) noexcept {\n    if (n == 0) {\n"
                     "      word_.store(n, std::memory_order_release);\n    }\n"
                     "    return word_.compare_exchange_weak(n, 1, std::memory_order_acq_rel,\n"
                     "                                       std::memory_order_relaxed);\n  }\n};\n"),
            (Names{"lockfree/word.hpp/set/store(release)", "lockfree/word.hpp/set/compare_exchange(acq_rel,relaxed)"}));
}

TEST(SourceScan, EqualOperationsOfAFunctionAreCounted) {
  EXPECT_EQ(names_in("int f() {\n  a.load(std::memory_order_relaxed);\n  b.load(std::memory_order_relaxed);\n}\n"
                     "int g() { return a.load(std::memory_order_relaxed); }\n"),
            (Names{"lockfree/word.hpp/f/load(relaxed)#1", "lockfree/word.hpp/f/load(relaxed)#2",
                   "lockfree/word.hpp/g/load(relaxed)"}));
}

TEST(SourceScan, CommentsAndMovedLinesChangeNoName) {
  const std::string code = "int f() {\n  return a.load(std::memory_order_acquire);\n}\n";
  EXPECT_EQ(names_in(code), names_in("// f() { \"\n\n" + code));
}

TEST(SourceScan, DefaultValuesAndInitialisersOpenNoFunction) {
  EXPECT_EQ(
      names_in(
          "template <class F>\nbool push(int a,\n          F f = {}) {\n  w.exchange(a, "
          "std::memory_order_acquire);\n}\n"
          "struct S {\n  explicit S(int n) : a_{n}, b_(n) {\n    w.store(n, std::memory_order_relaxed);\n  }\n};\n"),
      (Names{"lockfree/word.hpp/push/exchange(acquire)", "lockfree/word.hpp/S/store(relaxed)"}));
}

TEST(SourceScan, OrdersOfAnArgumentAreNotThoseOfTheCall) {
  EXPECT_EQ(names_in("void add() {\n  v.store(v.load(std::memory_order_relaxed) + 1, std::memory_order_release);\n}\n"),
            (Names{"lockfree/word.hpp/add/store(release)"}));
}

}  // namespace
}  // namespace check
