#pragma once
/// The audit on the command line.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <thread>

#include "audit/audit.hpp"
#include "audit/kept.hpp"
#include "core/subject.hpp"

namespace check {

/// Adds `audit` to the program's commands. \param options filled in by the parse; must live as long
inline CLI::App* add_audit(CLI::App& app, AuditOptions& options) {
  options.jobs = std::max(1u, std::thread::hardware_concurrency());
  options.source = default_source();
  options.cache = default_audit_cache();
  options.ledger = (std::filesystem::path(options.source) / subject().ledger).string();
  const std::filesystem::path costs = std::filesystem::path(options.source) / subject().compiled;
  if (std::filesystem::is_regular_file(costs)) options.costs = costs.string();
  CLI::App* command = app.add_subcommand("audit", "weakens every atomic operation that ships and says who notices");
  command->add_option("pattern", options.pattern,
                      "part of a mutant's name, such as " + subject().example + "; all without");
  command->add_option("--jobs", options.jobs, "processes at a time, 1 to 256 (default: the number of processors)")
      ->check(CLI::Range(1u, 256u));
  command->add_option("--json", options.json, "write a report to this file");
  command->add_option("--seconds", options.seconds, "stop after so much time; what was not run is incomplete")
      ->check(CLI::Range(1.0, 1e6));
  command
      ->add_option("--patience", options.patience,
                   "processor seconds after which a search that ends no execution hangs (default 60)")
      ->check(CLI::Range(0.1, 1e6));
  command->add_option("--source", options.source, "root of the source tree (default: where the program was built)")
      ->check(CLI::ExistingDirectory);
  command->add_option("--cache", options.cache, "file of the verdicts so far (default: beside the program)");
  command
      ->add_option("--kept", options.kept,
                   "verdicts of a former audit, such as " + kept_beside(subject().ledger) +
                       "; only mutants that it does not know, or whose suites are others now, are run")
      ->check(CLI::ExistingFile);
  command->add_option(
      "--changed", options.changed,
      "with --kept: parts of the names of mutants that are run all the same, such as " + subject().example_header);
  command
      ->add_option("--costs", options.costs,
                   "what operations compile to, for columns of the ledger (default: " +
                       (subject().compiled.empty() ? "none" : subject().compiled + " of the source, if it is there") +
                       ")")
      ->check(CLI::ExistingFile);
  command->add_option(
      "--ledger", options.ledger,
      "file of the ledger (default: " + subject().ledger + " of the source); what can be kept goes beside it");
  return command;
}

}  // namespace check
