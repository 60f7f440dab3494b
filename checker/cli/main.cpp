/// The command line: what the program is told, and which command takes it.

#include "cli/main.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "audit/audit.hpp"
#include "audit/command.hpp"
#include "cli/command.hpp"
#include "cli/options.hpp"
#include "core/subject.hpp"
#include "runner/generator.hpp"
#include "watch/command.hpp"

namespace check {

namespace cli {

int Usage::wrong_call(const std::string& problem) const {
  say_problem(problem);
  std::fputs(help_().c_str(), stderr);
  return kWrongCall;
}

namespace {

void add_common(CLI::App& command, Options& options) {
  command.add_option("--jobs", options.jobs, "processes at a time, 1 to 256 (default: the number of processors)")
      ->check(CLI::Range(1u, 256u));
  command
      .add_option("--patience", options.patience,
                  "processor seconds after which a search that ends no execution hangs (default 60)")
      ->check(CLI::Range(0.1, 1e6));
  command.add_option("--json", options.json, "write a report to this file, kept up to date while the run goes on");
}

void add_run(CLI::App& command, Options& options) {
  command.add_option("pattern", options.pattern, "part of a suite's name, or a pattern with * and ?");
  command.add_flag("--exact", options.exact, "the pattern is the whole name of one suite or broken variant");
  command
      .add_option("--first", options.first, "a suite or broken variant to run before the others; again for the next")
      ->take_all();
  command.add_flag("--stream", options.stream, "print each result as one line of JSON, and nothing else");
  command.add_flag("--quick", options.quick, "the quick tier");
  command
      .add_option("--seconds", options.seconds,
                  "bounds all by time: the cheapest first, what the plan leaves goes into sampling, "
                  "and what there is no time for is incomplete")
      ->check(CLI::Range(1.0, 1e6));
  command.add_option(
      "--scheduler", options.scheduler,
      "graph, graph=N, full, bound=N, random or pct=D, instead of the suites' plans; graph+F and graph=N+F let "
      "weak compare-and-swaps fail for no reason, F times in an execution");
  command
      .add_option("--engine", options.engine,
                  "graph or relacy alone, or both, which must agree; else graph where it comes to an end")
      ->check(CLI::IsMember({"graph", "relacy", "both"}));
  command.add_flag("--plain", options.plain, "explore also what differs in the order of independent steps alone");
  command.add_option("--executions", options.executions, "of each random or pct search")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 48));
  command.add_option("--seed", options.seed, "of the random searches (default 1)");
  if (generator() != nullptr) command.add_option("--program", options.program, generator()->help());
  command.add_option("--shard", options.shard, "i/n: only every n-th search from the i-th on");
  command
      .add_option("--split", options.split,
                  "1 to 64: explore each search of all executions in so many parts, --jobs at a time, and nothing else")
      ->check(CLI::Range(1u, 64u));
  command.add_option("--part", options.part,
                     "i/n: only part i of n of each search of all executions; report unites the n reports");
  command
      .add_option("--knowledge", options.knowledge,
                  "of --part: a report in which parts were united that had learned different things")
      ->check(CLI::ExistingFile);
  command.add_option("--state", options.state, "folder where searches of all executions go on from when they were cut")
      ->check(CLI::ExistingDirectory);
  add_common(command, options);
}

/// What a registered command takes.
class Taken final : public Arguments {
 public:
  explicit Taken(CLI::App& command) : command_(command) {}
  void text(const char* name, std::string& value, const char* help) override { command_.add_option(name, value, help); }
  void number(const char* name, unsigned& value, unsigned least, unsigned most, const char* help) override {
    command_.add_option(name, value, help)->check(CLI::Range(least, most));
  }

 private:
  CLI::App& command_;
};

void add_registered(CLI::App& app, Command& command) {
  Taken taken(*app.add_subcommand(command.name(), command.help()));
  command.take(taken);
}

int call(int argc, char** argv) {
  Options options;
  CLI::App app(subject().about, subject().program);
  const Usage usage([&app] { return app.help(); });
  app.require_subcommand(0, 1);
  CLI::App* list_command = app.add_subcommand("list", "names all suites and their broken variants");
  CLI::App* run_command = app.add_subcommand("run", "explores suites; every broken variant must be caught");
  add_run(*run_command, options);
  CLI::App* progress_command = app.add_subcommand(
      "progress", "tells which retry loops end wherever the other threads stop for ever, and which wait");
  progress_command->add_option("pattern", options.pattern, "part of a suite's name");
  add_common(*progress_command, options);
  CLI::App* litmus_command = app.add_subcommand("litmus", "tests the checker: what it sees and what it cannot");
  add_common(*litmus_command, options);
  litmus_command->add_flag("--markdown", options.markdown, "print the table of the documentation instead");
  CLI::Option* hardware =
      litmus_command->add_flag("--hardware", options.hardware, "run on real threads: what this processor shows");
  litmus_command->add_option("--seconds", options.seconds, "of each test on real threads (default 0.25)")
      ->check(CLI::Range(0.001, 3600.0))
      ->needs(hardware);
  CLI::App* report_command = app.add_subcommand("report", "prints a table of the suites from reports of run --json");
  report_command->add_option("reports", options.reports, "the reports; parts of one search become one row")->required();
  report_command->add_option("--json", options.json, "write all of them as one report to this file");
  CLI::App* sites_command = app.add_subcommand("sites", "names the atomic operations that some suite reaches");
  CLI::App* replay_command = app.add_subcommand("replay", "shows one execution again, from the token of a failure");
  AuditOptions audit_options;
  CLI::App* audit_command = add_audit(app, audit_options);
  for (Command* const command : commands()) add_registered(app, *command);
  WatchOptions watch_options;
  CLI::App* watch_command = add_watch(app, watch_options);
  replay_command->add_option("token", options.token, "as printed with the failure")->required();
  replay_command->add_option(
      "--picture", options.picture,
      "write the failure into this file, by its suffix: .svg draws a lane for each thread and the missing edge, .dot "
      "is a graph for Graphviz, .json is for programs");
  options.cache = default_audit_cache();
  replay_command->add_option(
      "--cache", options.cache,
      "for a token of audit: the file of verdicts that it was given (default: beside the program)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    return usage.wrong_call(error.what());
  }
  if (list_command->parsed()) return list();
  if (sites_command->parsed()) return sites();
  if (run_command->parsed()) return run(usage, options);
  if (progress_command->parsed()) return progress(usage, options);
  if (litmus_command->parsed()) return litmus(options);
  if (report_command->parsed()) return report(usage, options);
  if (audit_command->parsed()) return audit(audit_options);
  for (Command* const command : commands()) {
    if (app.get_subcommand(command->name())->parsed()) return command->run();
  }
  if (watch_command->parsed()) return watch(watch_options);
  if (replay_command->parsed()) return replay(usage, options);
  return usage.wrong_call("no command is given; name one of those below");
}

}  // namespace

}  // namespace cli

int main(int argc, char** argv) { return cli::call(argc, argv); }

}  // namespace check
