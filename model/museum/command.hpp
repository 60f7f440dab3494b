#pragma once
/// The museum on the command line.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <thread>

#include "model/audit/audit.hpp"
#include "model/museum/exhibit.hpp"

namespace hakmem::model {

/// Adds `museum` to the program's commands. \param options filled in by the parse; must live as long
inline CLI::App* add_museum(CLI::App& app, MuseumOptions& options) {
  const std::filesystem::path source = default_source();
  options.jobs = std::max(1u, std::thread::hardware_concurrency());
  options.page = (source / "docs/reports/museum.md").string();
  options.tests = (source / "build/release/tests").string();
  CLI::App* command = app.add_subcommand("museum", "shows the bugs of the past; each must be caught");
  command->add_option("pattern", options.pattern, "a number or part of a title; all without");
  command->add_option("--jobs", options.jobs, "processes at a time, 1 to 256 (default: the number of processors)")
      ->check(CLI::Range(1u, 256u));
  command->add_option("--json", options.json, "write a report to this file");
  command->add_option("--tests", options.tests,
                      "folder of the unit tests that guard against the bugs (default: build/release/tests); an empty "
                      "name leaves them out");
  command->add_option("--page", options.page, "file of the page (default: docs/reports/museum.md of the source)");
  return command;
}

}  // namespace hakmem::model
