/// The museum on the command line.

#include <algorithm>
#include <filesystem>
#include <thread>

#include "check/program.hpp"
#include "check/subject.hpp"
#include "model/museum/exhibit.hpp"

namespace hakmem::model {

namespace {

class MuseumCommand final : public check::Command {
 public:
  [[nodiscard]] const char* name() const override { return "museum"; }
  [[nodiscard]] const char* help() const override { return "shows the bugs of the past; each must be caught"; }
  void take(check::Arguments& arguments) override {
    const std::filesystem::path source = check::subject().tree;
    options_.jobs = std::max(1u, std::thread::hardware_concurrency());
    options_.page = (source / "docs/reports/museum.md").string();
    options_.tests = (source / "build/release/tests").string();
    arguments.text("pattern", options_.pattern, "a number or part of a title; all without");
    arguments.text("--engine", options_.engine, "graph or relacy explores (default: graph)");
    arguments.number("--jobs", options_.jobs, 1, 256,
                     "processes at a time, 1 to 256 (default: the number of processors)");
    arguments.text("--json", options_.json, "write a report to this file");
    arguments.text("--tests", options_.tests,
                   "folder of the unit tests that guard against the bugs (default: build/release/tests); an empty name "
                   "leaves them out");
    arguments.text("--page", options_.page, "file of the page (default: docs/reports/museum.md of the source)");
  }
  int run() override { return museum(options_); }

 private:
  MuseumOptions options_;
};

MuseumCommand command;
const check::RegisteredCommand registered{command};

}  // namespace

}  // namespace hakmem::model
