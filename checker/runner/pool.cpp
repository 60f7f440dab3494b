#include "runner/pool.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <optional>

#include "core/subject.hpp"
#include "engine/relacy/visibility.hpp"
#include "runner/position.hpp"
#include "trace/text.hpp"

namespace check {

namespace {

constexpr rlim_t kMostMemory = rlim_t{1} << 30;  // of each process
constexpr double kGrace = 2;                     // processor seconds between the request to stop and the kill
constexpr double kLongGrace = 30;                // seconds between them, whatever the process has got of the processor
constexpr double kLastWords = 2;                 // seconds for what a process says before it is killed
constexpr double kStandstill = 600;              // seconds in which a process has not got any of it, and is given up

volatile bool stop_requested = false;
volatile std::sig_atomic_t times_asked = 0;

void request_stop(int) {
  stop_requested = true;
  times_asked = times_asked + 1;
}

/// Ends a process that does not end: says first which operation each thread was at. Signal-safe as far as it has to be:
/// nothing comes after it.
void end_with_last_words(int) {
  const char kNote[] = "(no trace: the scenario's own code does not end) ";
  (void)!::write(STDERR_FILENO, kNote, sizeof kNote - 1);
  for (unsigned thread = 0; thread < Visibility::kMostThreads; ++thread) {
    const Site* const site = Visibility::latest(thread);
    if (site == nullptr) continue;
    char text[160];
    const int length =
        std::snprintf(text, sizeof text, "thread %u was last at %s of %s, %s:%u; ", thread, name_of(site->operation),
                      site->where.function, site->where.file, site->where.line);
    (void)!::write(STDERR_FILENO, text, std::min(static_cast<std::size_t>(length), sizeof text - 1));
  }
  std::_Exit(3);
}

/// Why a process was killed.
enum class Killed : std::uint8_t { kNo, kHangs, kStandsStill, kDoesNotStop };

/// A process at work.
struct Running {
  Job job;
  pid_t pid;
  int result_fd;  // what it reports
  int output_fd;  // what it prints, a file in memory
  Shared* shared;
  double started;
  Killed killed = Killed::kNo;
  std::string report = {};
  double told_to_stop = 0;  // when, of now()
  double used_then = 0;     // of processor time, when it was told
  double used = 0;          // of processor time, and when it was found to have grown
  double used_at = 0;
  double killed_at = 0;
  std::uint64_t executions = 0;  // and what it had used when they were found to have changed
  double used_at_executions = 0;
};

void write_all(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) std::_Exit(3);
    done += static_cast<std::size_t>(n);
  }
}

/// The life of a job's process.
[[noreturn]] void work(const Job& job, int result_fd, int output_fd, Shared* shared, pid_t parent) {
  ::dup2(output_fd, STDOUT_FILENO);
  ::dup2(output_fd, STDERR_FILENO);
  const rlimit memory{kMostMemory, kMostMemory};
  ::setrlimit(RLIMIT_AS, &memory);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  // Nothing goes on when the process that waits is gone, however it went.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) std::_Exit(3);
  std::signal(SIGUSR1, end_with_last_words);
  stop_requested = false;
  const Limits limits{0, &stop_requested, &shared->executions, &shared->share};
  const Result result = job.work(limits);
  nlohmann::json report = to_json(result);
  report["details"] = result.details;
  write_all(result_fd, report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  std::fflush(nullptr);
  std::_Exit(0);
}

/// \param problem why there is no process
std::optional<Running> start(Job& job, std::string& problem) {
  const auto refuse = [&](const char* what) {
    problem = fmt::format("{}: {}", what, std::strerror(errno));
    return std::nullopt;
  };
  int pipe_fds[2];
  const int output = ::memfd_create("output", MFD_CLOEXEC);
  if (output < 0) return refuse("cannot make a file in memory");
  if (::pipe(pipe_fds) != 0) {
    ::close(output);
    return refuse("cannot make a pipe");
  }
  void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  std::fflush(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = memory == MAP_FAILED ? -1 : ::fork();
  if (pid < 0) {
    const std::optional<Running> none = refuse("cannot start a process");
    for (const int fd : {output, pipe_fds[0], pipe_fds[1]}) ::close(fd);
    if (memory != MAP_FAILED) ::munmap(memory, sizeof(Shared));
    return none;
  }
  auto* shared = pid == 0 ? static_cast<Shared*>(memory) : ::new (memory) Shared;
  if (pid == 0) {
    ::close(pipe_fds[0]);
    work(job, pipe_fds[1], output, shared, parent);
  }
  ::close(pipe_fds[1]);
  return Running{std::move(job), pid, pipe_fds[0], output, shared, now()};
}

/// The last lines that a process has printed, as one.
std::string last_words(int fd) {
  char text[400];
  const off_t size = ::lseek(fd, 0, SEEK_END);
  const off_t from = size > static_cast<off_t>(sizeof text) ? size - static_cast<off_t>(sizeof text) : 0;
  const ssize_t n = ::pread(fd, text, sizeof text, from);
  std::string words(text, n > 0 ? static_cast<std::size_t>(n) : 0);
  while (!words.empty() && words.back() == '\n') words.pop_back();
  std::replace(words.begin(), words.end(), '\n', ' ');
  return words;
}

/// Whether the program itself has raised the signal that ended it.
bool is_crash(int signal) {
  constexpr int kCrashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
  return std::find(std::begin(kCrashes), std::end(kCrashes), signal) != std::end(kCrashes);
}

/// The row of a process that was killed from here.
Result row_of_killed(const Running& running) {
  const std::string at = last_words(running.output_fd);
  const std::string where = at.empty() ? "" : "; " + at;
  switch (running.killed) {
    case Killed::kHangs:
      return failed(running.job,
                    fmt::format("hangs: no execution ended within {:.0f} s of processor time, and it was killed{}",
                                running.used - running.used_at_executions, where));
    case Killed::kStandsStill:
      return without_verdict(running.job, fmt::format("was killed: it has not got any processor time for {:.0f} s{}",
                                                      now() - running.used_at, where));
    default: return without_verdict(running.job, "was told to stop, did not, and was killed" + where);
  }
}

/// The row of a process that has ended without a report.
Result row_of_ended(const Running& running, int status) {
  if (running.killed != Killed::kNo) return row_of_killed(running);
  const std::string words = last_words(running.output_fd);
  const std::string printed = words.empty() ? "" : "; it printed: " + words;
  if (WIFEXITED(status))
    return failed(running.job, fmt::format("ended with exit code {}{}", WEXITSTATUS(status), printed));
  const char* const name = ::strsignal(WTERMSIG(status));
  if (is_crash(WTERMSIG(status))) return failed(running.job, fmt::format("crashed: {}{}", name, printed));
  return without_verdict(running.job,
                         fmt::format("was killed from outside, or for want of memory: {}{}", name, printed));
}

Result finish(Running& running) {
  int status = 0;
  while (::waitpid(running.pid, &status, 0) < 0 && errno == EINTR) {
  }
  Result result;
  const nlohmann::json json = nlohmann::json::parse(running.report, nullptr, false);
  if (running.killed == Killed::kNo && WIFEXITED(status) && WEXITSTATUS(status) == 0 && !json.is_discarded()) {
    result = result_from_json(json);
  } else {
    result = row_of_ended(running, status);
    result.executions = running.shared->executions;
    result.seconds = now() - running.started;
    result.processor_seconds = running.used;
  }
  ::close(running.result_fd);
  ::close(running.output_fd);
  ::munmap(running.shared, sizeof(Shared));
  return result;
}

/// Looks what the process has used and done since the last look.
void look_at(Running& running) {
  const double at = now();
  clockid_t clock;
  timespec time{};
  double used = running.used;
  if (::clock_getcpuclockid(running.pid, &clock) == 0 && ::clock_gettime(clock, &time) == 0) {
    used = static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }
  if (used > running.used || running.used_at == 0) running.used_at = at;
  running.used = used;
  const std::uint64_t executions = running.shared->executions;
  if (executions == running.executions) return;
  running.executions = executions;
  running.used_at_executions = used;
}

/// Why the process has to be killed, if it has to. Nothing here depends on how busy the machine is, but for what has
/// not got any processor time for very long.
Killed reason_to_kill(const Running& running, double patience) {
  const double at = now();
  if (running.told_to_stop != 0) {
    const bool late = running.used > running.used_then + kGrace || at > running.told_to_stop + kLongGrace;
    return late || times_asked > 1 ? Killed::kDoesNotStop : Killed::kNo;
  }
  const double most = running.job.patience != 0 ? running.job.patience : running.used_at_executions + patience;
  if (running.used > most) return Killed::kHangs;
  return at > running.used_at + kStandstill ? Killed::kStandsStill : Killed::kNo;
}

/// Stops what has to end, first politely.
void enforce_limits(Running& running, double deadline, double patience) {
  look_at(running);
  const bool has_to_stop = (deadline != 0 && now() > deadline) || stop_requested;
  if (has_to_stop && running.told_to_stop == 0) {
    running.told_to_stop = now();
    running.used_then = running.used;
    ::kill(running.pid, SIGTERM);
  }
  if (running.killed == Killed::kNo) {
    running.killed = reason_to_kill(running, patience);
    if (running.killed == Killed::kNo) return;
    // It has a chance to say where it is.
    running.killed_at = now();
    ::kill(running.pid, SIGUSR1);
  }
  if (times_asked > 1 || now() > running.killed_at + kLastWords) ::kill(running.pid, SIGKILL);
}

/// What all of the work may cost, and what of it is done, in processor seconds.
struct Work {
  double all = 0;
  double done = 0;
  double started = now();
  double used = 0;  // by what is done
  double shown = now();

  /// "45 %, about 130 s left"; nothing as long as it is too early to say.
  [[nodiscard]] std::string estimate(double cost, double done_now, double used_now) const {
    const double passed = now() - started;
    if (cost <= 0 || used_now < 0.2 || passed < 0.5) return {};
    const double share = std::min(done_now / cost, 1.0);
    // As fast as the processors have worked for us so far.
    const double left = std::max(0.0, cost - done_now) * passed / used_now;
    return fmt::format(" {:.0f}% of the work, about {:.0f} s left", 100 * share, left);
  }
};

/// What a running job has done, of what it costs. That may turn out to be more than was known.
struct Part {
  double done;
  double cost;
};
Part part_done_of(const Running& running, double cost) {
  constexpr double kTelling = 0.05;  // less of a search says nothing of its whole
  const double share = running.shared->share;
  if (share > kTelling) cost = running.used / share;
  return {std::min(running.used, cost), std::max(running.used, cost)};
}

std::string estimate_of(const std::vector<Running>& all, const Work& work, const Costs& costs) {
  double cost = work.all;
  double done = work.done;
  double used = work.used;
  for (const Running& running : all) {
    const double known = costs.of(running.job);
    const Part part = part_done_of(running, known);
    cost += part.cost - known;
    done += part.done;
    used += running.used;
  }
  return work.estimate(cost, done, used);
}

/// On a terminal a line that moves; elsewhere a line now and then.
void show_progress(const std::vector<Running>& all, std::size_t done, std::size_t total, Work& work,
                   const Costs& costs) {
  constexpr double kNowAndThen = 15;  // seconds
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  if (!terminal && now() < work.shown + kNowAndThen) return;
  work.shown = now();
  std::string line = fmt::format("[{}/{}]{}:", done, total, estimate_of(all, work, costs));
  for (const Running& running : all) {
    const auto executions = running.shared->executions;
    line += fmt::format(" {} {}", running.job.suite, executions);
    if (running.used > 0.5) line += fmt::format(" ({:.0f}k/s)", static_cast<double>(executions) / running.used / 1000);
    const double share = running.shared->share;
    const double seconds = now() - running.started;
    if (share > 0) line += fmt::format(" {:.0f}%, {:.0f} s left", 100 * share, seconds * (1 - share) / share);
  }
  std::fputs(terminal ? ("\r\033[K" + line.substr(0, 160)).c_str() : (line + "\n").c_str(), stderr);
}

/// Reads what there is. \return false at the end.
bool read_some(Running& running) {
  char buffer[65536];
  const ssize_t n = ::read(running.result_fd, buffer, sizeof buffer);
  if (n < 0 && errno == EINTR) return true;
  if (n <= 0) return false;
  running.report.append(buffer, static_cast<std::size_t>(n));
  return true;
}

}  // namespace

void JobPool::print(const Result& result) {
  if (::isatty(STDERR_FILENO) != 0) std::fputs("\r\033[K", stderr);
  std::puts(to_line(result).c_str());
  if (!result.passes() && !result.trace.empty()) std::fputs(text_of(result.trace).c_str(), stdout);
  if (!result.passes() && !result.token.empty())
    std::printf("replay: %s replay '%s'\n", subject().program.c_str(), result.token.c_str());
  std::fflush(stdout);
}

JobPool::JobPool(unsigned jobs, double deadline, double patience)
    : jobs_(jobs), deadline_(deadline), patience_(patience) {
  struct sigaction action{};
  action.sa_handler = request_stop;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

bool JobPool::interrupted() noexcept { return stop_requested; }

namespace {

/// Rows of what has not ended yet.
std::vector<Result> open_rows(const std::vector<Running>& running, const std::vector<Job>& jobs, std::size_t next) {
  std::vector<Result> rows;
  for (const Running& one : running) {
    rows.push_back(without_verdict(one.job, "has not ended"));
    rows.back().executions = one.shared->executions;
  }
  for (; next < jobs.size(); ++next) rows.push_back(without_verdict(jobs[next], "not started"));
  return rows;
}

/// Waits until a process has something to say, or for a moment.
std::vector<pollfd> wait_for(const std::vector<Running>& running) {
  constexpr int kMoment = 200;  // milliseconds
  std::vector<pollfd> fds;
  for (const Running& one : running) fds.push_back({one.result_fd, POLLIN, 0});
  if (::poll(fds.data(), fds.size(), kMoment) < 0) {
    for (pollfd& fd : fds) fd.revents = 0;
  }
  return fds;
}

}  // namespace

std::vector<Result> JobPool::run(std::vector<Job> jobs, const std::function<void(const Result&)>& show) {
  (void)fingerprint();  // once, and not in each process
  std::vector<Result> results;
  std::vector<Running> running;
  Work work;
  for (const Job& job : jobs) work.all += costs_.of(job);
  std::size_t next = 0;
  const auto add = [&](Result result) {
    show(result);
    results.push_back(std::move(result));
  };
  const auto launch = [&](Job& job) {
    std::string problem;
    std::optional<Running> started = start(job, problem);
    if (started) return running.push_back(std::move(*started));
    add(without_verdict(job, problem));
  };
  while (next < jobs.size() || !running.empty()) {
    const bool stopping = stop_requested || (deadline_ != 0 && now() > deadline_);
    while (next < jobs.size() && (stopping || running.size() < jobs_)) {
      Job& job = jobs[next++];
      if (!stopping) {
        launch(job);
      } else {
        add(without_verdict(job, stop_requested ? "not started: interrupted" : "not started: out of time"));
      }
    }
    const std::vector<pollfd> fds = wait_for(running);
    for (std::size_t i = running.size(); i-- != 0;) {
      enforce_limits(running[i], deadline_, patience_);
      if (fds[i].revents == 0 || read_some(running[i])) continue;
      work.done += costs_.of(running[i].job);
      Result result = finish(running[i]);
      work.used += result.processor_seconds;
      if (result.passes()) costs_.note(running[i].job, result.processor_seconds);
      add(std::move(result));
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (report_ != nullptr && report_->is_due()) report_->update(results, open_rows(running, jobs, next));
    show_progress(running, results.size(), jobs.size(), work, costs_);
  }
  if (::isatty(STDERR_FILENO) != 0) std::fputs("\r\033[K", stderr);
  costs_.save();
  if (report_ != nullptr) report_->add(results);
  return results;
}

}  // namespace check
