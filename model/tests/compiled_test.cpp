/// What operations compile to: read from a file, and found by the name that an operation has among those that are written.

#include "audit/compiled.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "audit/audit.hpp"

namespace check {
namespace {

/// What is read from a file with this text.
Compiled compiled_from(const std::string& text) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("hakmem-compiled-" + std::to_string(::getpid()));
  std::ofstream(path) << text;
  Compiled compiled(path.string());
  std::filesystem::remove(path);
  return compiled;
}

using Cells = std::vector<std::string>;

TEST(CompiledOperations, HaveACellForEachMachine) {
  const Compiled compiled = compiled_from(
      R"json({"version": 1, "machines": ["x", "y"], "operations": {"word.hpp/f/load(acquire)": [["mov"], ["ldar", "ldr"]],
              "word.hpp/g/load(acquire)": [[], ["ldar"]]}})json");
  EXPECT_EQ(compiled.problem(), "");
  EXPECT_EQ(compiled.machines(), (Cells{"x", "y"}));
  EXPECT_EQ(compiled.cells_of("word.hpp/f/load(acquire)"), (Cells{"`mov`", "`ldar` or `ldr`"}));
  EXPECT_EQ(compiled.cells_of("word.hpp/g/load(acquire)"), (Cells{"–", "`ldar`"})) << "it has left none there";
  EXPECT_EQ(compiled.cells_of("word.hpp/new/load(acquire)"), (Cells{"?", "?"})) << "nobody has looked";
}

TEST(CompiledOperations, WithoutAFileNoMachineIsKnown) {
  EXPECT_EQ(Compiled().machines(), Cells{});
  EXPECT_EQ(Compiled(std::string()).problem(), "");
  EXPECT_EQ(Compiled().cells_of("word.hpp/f/load(acquire)"), Cells{});
}

TEST(CompiledOperations, FileThatSaysNothingOfThemIsOneClearLine) {
  for (const char* text : {"", "[]", R"({"version": 2, "machines": [], "operations": {}})", R"({"version": 1})",
                           R"({"version": 1, "machines": ["x"], "operations": {"f": []}})",
                           R"({"version": 1, "machines": ["x"], "operations": {"f": [1]}})"}) {
    EXPECT_TRUE(compiled_from(text).problem().ends_with(" does not say what operations compile to")) << text;
  }
  EXPECT_EQ(Compiled("/nowhere/costs.json").problem(), "cannot read /nowhere/costs.json");
}

TEST(CompiledOperations, AreFoundByTheirNameAmongThoseThatAreWritten) {
  const std::vector<WrittenOperation> written{{"src/word.hpp", 7, "", "get", "load(relaxed)", 1},
                                              {"src/word.hpp", 20, "", "get", "load(relaxed)", 2}};
  AuditSite site{"src/word.hpp", "get", 20, Operation::kLoad, Orders{std::memory_order_relaxed}, false, 0};
  EXPECT_EQ(name_in(written, site), "word.hpp/get/load(relaxed)#2") << "the only one that suites reach";
  site.line = 8;
  EXPECT_EQ(name_in(written, site), "word.hpp/get/load(relaxed)#1") << "broken over lines";
  site.operation = Operation::kPause;
  EXPECT_EQ(name_in(written, site), "word.hpp/get/pause");
}

/// The ledger of a header with an operation that a suite reaches and one that none does.
std::string ledger_with(const Compiled& compiled) {
  const std::filesystem::path root =
      std::filesystem::temp_directory_path() / ("hakmem-ledger-" + std::to_string(::getpid()));
  std::filesystem::create_directories(root / "src");
  std::ofstream(root / "src/word.hpp") << "int get() {\n  // A guess.\n  return a.load(std::memory_order_relaxed);\n}\n"
                                          "int look() { return a.load(std::memory_order_acquire); }\n";
  AuditReport report;
  report.sites = {{"src/word.hpp", "get", 3, Operation::kLoad, Orders{std::memory_order_relaxed}, false, 0}};
  report.suites = {{"word/suite"}};
  report.unreached = {{written_operations(root).at(1), nullptr}};
  const std::string page = ledger_of(report, root.string(), compiled);
  std::filesystem::remove_all(root);
  return page;
}

TEST(CompiledOperations, AreColumnsOfTheLedger) {
  const std::string page = ledger_with(compiled_from(
      R"json({"version": 1, "machines": ["x", "y"], "operations": {"word.hpp/get/load(relaxed)": [["mov"], ["ldr"]]}})json"));
  EXPECT_NE(page.find("\nThe columns behind *order* are"), std::string::npos) << page;
  EXPECT_NE(
      page.find("| operation | order | x | y | why | suites | mutants |\n| --- | --- | --- | --- | --- | --- | --- |\n"
                "| get load | relaxed | `mov` | `ldr` | A guess. | word/suite | none"),
      std::string::npos)
      << page;
  EXPECT_NE(page.find("| operation | x | y | why that is no gap |\n| --- | --- | --- | --- |\n"
                      "| word.hpp/look/load(acquire) | ? | ? | **unexplained** |"),
            std::string::npos)
      << page;
}

TEST(CompiledOperations, ThatAreNotKnownMakeNoColumns) {
  const std::string page = ledger_with(Compiled());
  EXPECT_EQ(page.find("The columns behind"), std::string::npos) << page;
  EXPECT_NE(page.find("| operation | order | why | suites | mutants |\n| --- | --- | --- | --- | --- |\n"
                      "| get load | relaxed | A guess. | word/suite | none"),
            std::string::npos)
      << page;
}

}  // namespace
}  // namespace check
