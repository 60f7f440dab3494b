#pragma once
/// The watch on the command line.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <thread>

#include "audit/audit.hpp"
#include "core/subject.hpp"
#include "watch/watch.hpp"

namespace check {

/// Adds `watch` to the program's commands. \param options filled in by the parse; must live as long
inline CLI::App* add_watch(CLI::App& app, WatchOptions& options) {
  std::error_code error;
  options.jobs = std::max(1u, std::thread::hardware_concurrency());
  options.source = default_source();
  options.build = std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
  CLI::App* command = app.add_subcommand(
      "watch", "builds and runs what an edit below " + subject().sources + " concerns, again and again");
  command->add_option("--since", options.since, "once: what has changed since this revision, working copy included");
  command->add_option("--jobs", options.jobs, "processes at a time, 1 to 256 (default: the number of processors)")
      ->check(CLI::Range(1u, 256u));
  command->add_option("--json", options.json, "write the report of the latest verdict to this file");
  command->add_option("--source", options.source, "root of the source tree (default: where the program was built)")
      ->check(CLI::ExistingDirectory);
  command->add_option("--build", options.build, "folder of the build (default: where the program is)")
      ->check(CLI::ExistingDirectory);
  command->add_option("--build-command", options.build_command,
                      "what builds targets, whose names follow it (default: cmake --build of that folder)");
  return command;
}

}  // namespace check
