#include "model/runner.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <nlohmann/json.hpp>

namespace hakmem::model {

volatile int g_interrupted = 0;

namespace {

constexpr double kQuickSeconds = 60;
constexpr double kThoroughSeconds = 300;

/// A run to make: a healthy suite has one task per plan, a broken one has all its plans in one.
struct Task {
  const Suite* suite;
  std::vector<Plan> plans;
};

struct Child {
  Task task;
  pid_t pid = -1;
  int pipe = -1;
  double started = 0;
  double limit = 0;
  volatile std::uint64_t* executions = nullptr;
  std::string received;
};

std::uint64_t* shared_counter() {
  void* p = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) {
    std::perror("hakmem-check: mmap");
    std::exit(1);
  }
  return static_cast<std::uint64_t*>(p);
}

void arm(const Suite& suite) {
  g_override = suite.weakened.function.empty() ? nullptr : &suite.weakened;
  g_override_hits = 0;
}

std::string result_text(rl::test_result_e result) {
  if (result == rl::test_result_e(-1)) return "the failure does not repeat: the scenario is not deterministic";
  return rl::test_result_str(result);
}

/// In the child: runs the plans until one fails, and writes what has come of it.
[[noreturn]] void run_child(const Task& task, int pipe, double limit) {
  arm(*task.suite);
  nlohmann::json out;
  for (const Plan& plan : task.plans) {
    if (plan.scheduler == SchedulerKind::kRandom) g_deadline = now_seconds() + limit;
    const Outcome outcome = task.suite->run(plan, "");
    out = {{"scheduler", scheduler_name(plan)},
           {"kind", static_cast<int>(plan.scheduler)},
           {"limit", plan.limit},
           {"executions", outcome.executions},
           {"failed", outcome.result != rl::test_result_success},
           {"result", result_text(outcome.result)},
           {"state", outcome.state},
           {"trace", outcome.trace},
           {"reached", g_override == nullptr || g_override_hits > 0}};
    if (outcome.result != rl::test_result_success) break;
  }
  const std::string text = out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t n = write(pipe, text.data() + at, text.size() - at);
    if (n <= 0) break;
    at += static_cast<std::size_t>(n);
  }
  _exit(0);
}

void start(Child& child) {
  int ends[2];
  if (pipe(ends) != 0) {
    std::perror("hakmem-check: pipe");
    std::exit(1);
  }
  child.executions = shared_counter();
  g_executions = child.executions;
  std::fflush(nullptr);
  child.started = now_seconds();
  child.pid = fork();
  if (child.pid < 0) {
    std::perror("hakmem-check: fork");
    std::exit(1);
  }
  if (child.pid == 0) {
    signal(SIGINT, SIG_IGN);
    close(ends[0]);
    run_child(child.task, ends[1], child.limit);
  }
  close(ends[1]);
  child.pipe = ends[0];
}

Row blank_row(const Child& child) {
  Row row;
  row.suite = child.task.suite->name;
  row.proves = child.task.suite->proves;
  row.broken_variant = child.task.suite->broken;
  row.scheduler = scheduler_name(child.task.plans.front());
  row.executions = *child.executions;
  row.seconds = now_seconds() - child.started;
  return row;
}

/// The child was ended because its time was up: the search is not done, whatever it has seen.
Row truncated_row(const Child& child) {
  Row row = blank_row(child);
  row.verdict = "TRUNCATED";
  row.message = fmt::format("not finished within {:.0f} s", child.limit);
  return row;
}

Row crashed_row(const Child& child, int status) {
  Row row = blank_row(child);
  row.verdict = "CRASHED";
  row.message = WIFSIGNALED(status) ? fmt::format("ended by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)))
                                    : fmt::format("ended with status {}", WEXITSTATUS(status));
  return row;
}

std::string verdict_of(SchedulerKind kind, std::uint64_t limit, std::uint64_t executions) {
  switch (kind) {
    case SchedulerKind::kFull: return "COMPLETE";
    case SchedulerKind::kBound: return fmt::format("BOUNDED({})", limit);
    case SchedulerKind::kRandom: break;
  }
  return fmt::format("SAMPLED({})", executions);
}

Row finished_row(const Child& child, const nlohmann::json& result) {
  Row row = blank_row(child);
  const Plan plan{static_cast<SchedulerKind>(result["kind"].get<int>()), result["limit"].get<std::uint64_t>()};
  const bool failed = result["failed"].get<bool>();
  row.scheduler = result["scheduler"];
  row.executions = result["executions"];
  if (row.broken_variant) {
    const bool reached = result["reached"].get<bool>();
    row.passed = failed && reached;
    row.verdict = row.passed ? "CAUGHT" : "MISSED";
    row.message = !reached ? "the weakened site was never reached" : result["result"].get<std::string>();
  } else {
    row.passed = !failed;
    row.verdict = failed ? "FAILED" : verdict_of(plan.scheduler, plan.limit, row.executions);
    if (failed) row.message = result["result"];
  }
  if (failed) {
    row.trace = result["trace"];
    std::string state = result["state"];
    for (char& c : state) c = c == ' ' || c == '\n' ? '.' : c;
    row.replay = fmt::format("{}@{}@{}", row.suite, row.scheduler, state);
  }
  return row;
}

Row reap(Child& child, bool out_of_time) {
  if (out_of_time) kill(child.pid, SIGKILL);
  int status = 0;
  waitpid(child.pid, &status, 0);
  close(child.pipe);
  if (out_of_time) return truncated_row(child);
  const auto result = nlohmann::json::parse(child.received, nullptr, false);
  Row row = status != 0 || result.is_discarded() ? crashed_row(child, status) : finished_row(child, result);
  munmap(const_cast<std::uint64_t*>(child.executions), 4096);
  return row;
}

std::deque<Task> make_tasks(const std::vector<const Suite*>& chosen, const RunOptions& options) {
  std::deque<Task> tasks;
  for (const Suite* suite : chosen) {
    const auto& own = options.quick ? suite->quick : suite->thorough;
    const auto& plans = options.override_plans.empty() ? own : options.override_plans;
    if (suite->broken) {
      tasks.push_back({suite, plans});
    } else {
      for (const Plan& plan : plans) tasks.push_back({suite, {plan}});
    }
  }
  return tasks;
}

void show_progress(const std::vector<Child>& running, std::size_t done, std::size_t total) {
  std::string line = fmt::format("\r\033[K[{}/{}]", done, total);
  for (const Child& child : running) {
    const double seconds = now_seconds() - child.started;
    line += fmt::format("  {} {:.0f} s {} executions", child.task.suite->name, seconds,
                        static_cast<std::uint64_t>(*child.executions));
  }
  std::fputs(line.substr(0, 160).c_str(), stderr);
}

/// Reads what has arrived. \return whether the child is done.
bool receive(Child& child) {
  char buffer[65536];
  const ssize_t n = read(child.pipe, buffer, sizeof buffer);
  if (n > 0) child.received.append(buffer, static_cast<std::size_t>(n));
  return n == 0;
}

}  // namespace

std::string scheduler_name(const Plan& plan) {
  switch (plan.scheduler) {
    case SchedulerKind::kFull: return "full";
    case SchedulerKind::kBound: return fmt::format("bound={}", plan.limit);
    case SchedulerKind::kRandom: break;
  }
  return "random";
}

bool run_suites(const std::vector<const Suite*>& chosen, const RunOptions& options,
                const std::function<void(const Row&)>& report) {
  std::deque<Task> waiting = make_tasks(chosen, options);
  const std::size_t total = waiting.size();
  const double limit = options.seconds > 0 ? options.seconds : options.quick ? kQuickSeconds : kThoroughSeconds;
  std::vector<Child> running;
  std::size_t done = 0;
  bool all_passed = true;
  while ((!waiting.empty() || !running.empty()) && g_interrupted == 0) {
    while (!waiting.empty() && running.size() < options.jobs) {
      running.push_back({.task = std::move(waiting.front()), .limit = limit});
      waiting.pop_front();
      start(running.back());
    }
    std::vector<pollfd> fds;
    for (const Child& child : running) fds.push_back({child.pipe, POLLIN, 0});
    poll(fds.data(), fds.size(), 200);
    if (options.progress) show_progress(running, done, total);
    for (std::size_t i = running.size(); i-- > 0;) {
      const bool finished = fds[i].revents != 0 && receive(running[i]);
      // Random runs end themselves at the limit; they get a little longer to say so.
      const bool out_of_time = now_seconds() - running[i].started > running[i].limit + 5;
      if (!finished && !out_of_time) continue;
      const Row row = reap(running[i], out_of_time);
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
      all_passed = all_passed && row.passed;
      ++done;
      if (options.progress) std::fputs("\r\033[K", stderr);
      report(row);
    }
  }
  for (Child& child : running) {
    kill(child.pid, SIGKILL);
    waitpid(child.pid, nullptr, 0);
  }
  return all_passed && done == total && total > 0;
}

Row replay(const Suite& suite, const Plan& plan, const std::string& state) {
  arm(suite);
  const Outcome outcome = suite.run(plan, state);
  Row row;
  row.suite = suite.name;
  row.scheduler = scheduler_name(plan);
  row.executions = outcome.executions;
  row.passed = outcome.result == rl::test_result_success;
  row.message = result_text(outcome.result);
  row.trace = outcome.trace;
  return row;
}

}  // namespace hakmem::model
