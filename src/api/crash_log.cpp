#include "api/crash_log.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstring>

#include "api/statistics.hpp"
#include "api/walk.hpp"
#include "machine/machine.hpp"
#include "os/linux_os.hpp"

namespace hakmem {

namespace {

using linux_detail::KeepErrno;
using linux_detail::Line;

struct Watched {
  int signal;
  const char* name;
  struct sigaction previous;
  bool installed;
};

Watched watched[] = {{SIGSEGV, "SIGSEGV", {}, false}, {SIGBUS, "SIGBUS", {}, false}, {SIGABRT, "SIGABRT", {}, false}};

/// Whether there is a log. Its path, or "1" for standard error, is written before the switch goes on.
std::atomic<bool> on{false};
char log_path[PATH_MAX];
/// One report is enough, and a crash inside the report must not start another.
std::atomic<std::uint32_t> reported{0};  // no bool: not every machine exchanges bytes

constexpr std::size_t kStackBytes = std::size_t{64} << 10;
constinit thread_local void* signal_stack __attribute__((tls_model("initial-exec"))) = nullptr;

bool is_standard_error() noexcept { return std::strcmp(log_path, "1") == 0; }

/// Whether others may put files of theirs where `path` lies.
bool lies_among_strangers(const char* path) noexcept {
  char folder[PATH_MAX];
  const char* slash = std::strrchr(path, '/');
  const std::size_t length = slash == nullptr ? 0 : static_cast<std::size_t>(slash - path) + 1;
  if (length + 1 >= sizeof folder) return true;
  std::memcpy(folder, path, length);
  std::strcpy(folder + length, ".");
  struct stat found{};
  return ::stat(folder, &found) != 0 || (found.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

/// Opens the log to append to it. What others may have put there is not followed (a link), not waited for (a pipe), and
/// not written to (a file of theirs). \return -1 with errno
int open_log(const char* path) noexcept {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY;
  const bool strangers = lies_among_strangers(path);
  const int file = linux_detail::open_file(path, kFlags | (strangers ? O_NOFOLLOW : 0), 0644);
  struct stat opened{};
  if (file < 0 || !strangers) return file;
  if (::fstat(file, &opened) == 0 && opened.st_uid == ::geteuid() && S_ISREG(opened.st_mode)) return file;
  linux_detail::close_file(file);
  errno = EPERM;
  return -1;
}

const char* name_of(hak_region_kind kind) noexcept {
  switch (kind) {
    case HAK_REGION_SUPERSLAB: return "a slot that holds no slab (never used, or its slab was freed) of the SuperSlab ";
    case HAK_REGION_SLAB: return "a slab of ";
    case HAK_REGION_DIRECT: return "a direct mapping of ";
    case HAK_REGION_WHALE: break;
  }
  return "a freed direct mapping of ";
}

/// What the heap has at the address of a fault.
void describe(Line& line, std::uintptr_t address) noexcept {
  hak_region region{};
  if (!locate(address, region)) {
    line << "not memory of this heap";
    return;
  }
  line << name_of(region.kind);
  if (region.kind != HAK_REGION_SUPERSLAB) line << region.block_bytes << "-byte blocks at ";
  line << region.address;
  if (region.kind != HAK_REGION_SLAB) return;
  const std::size_t offset = address - reinterpret_cast<std::uintptr_t>(region.address);
  const std::size_t block = offset / region.block_bytes;
  line << ", block " << block;
  line << (block < region.used ? ", " : ", never handed out, ") << offset % region.block_bytes << " bytes into it";
}

/// Reads memory that may not be there. \return whether it is
bool peek(std::uintptr_t address, std::uintptr_t (&words)[2]) noexcept {
  iovec to{words, sizeof words};
  iovec from{reinterpret_cast<void*>(address), sizeof words};
  return ::process_vm_readv(::getpid(), &to, 1, &from, 1, 0) == static_cast<ssize_t>(sizeof words);
}

/// Follows frame pointers as far as they make sense: code without them ends the list early.
void add_frames(linux_detail::Text<1024>& text, const ucontext_t& context) noexcept {
  const machine::Frame innermost = machine::frame_of(context);
  text << "hakmem: at " << reinterpret_cast<const void*>(innermost.instruction) << ", called from";
  std::uintptr_t frame = innermost.address;
  for (int i = 0; i < 16; ++i) {
    std::uintptr_t words[2];
    if (frame % sizeof(void*) != 0 || !peek(frame - machine::kFrameRecord, words) || words[1] == 0) break;
    text << " " << reinterpret_cast<const void*>(words[1]);
    if (words[0] <= frame) break;
    frame = words[0];
  }
  text << "\n";
}

void write_report(const Watched& which, const siginfo_t& info, const ucontext_t& context) noexcept {
  int file = is_standard_error() ? STDERR_FILENO : open_log(log_path);
  if (file < 0) file = STDERR_FILENO;
  Line line;
  line << "hakmem: " << which.name;
  // Sent by a call: there is no address.
  if (info.si_code <= 0) {
    line << ", sent by process " << static_cast<std::size_t>(info.si_pid);
  } else {
    line << " at address " << info.si_addr << ": ";
    describe(line, reinterpret_cast<std::uintptr_t>(info.si_addr));
  }
  line << "\n";
  (void)line.write_to(file);
  linux_detail::Text<1024> frames;
  add_frames(frames, context);
  (void)frames.write_to(file);
  (void)print_statistics(file, false);
  if (file != STDERR_FILENO) linux_detail::close_file(file);
}

/// Lets the signal do what it would have done without the log.
void chain(Watched& which, int signal, siginfo_t* info, void* context) noexcept {
  const struct sigaction previous = which.previous;
  const bool handles =
      (previous.sa_flags & SA_SIGINFO) != 0 || (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN);
  if (!handles) {
    if (previous.sa_handler == SIG_IGN && info->si_code <= 0) return;
    // A fault strikes again when the handler returns; what was sent is sent again, and arrives when it returns.
    (void)::sigaction(signal, &previous, nullptr);
    if (info->si_code <= 0) (void)::raise(signal);
    return;
  }
  if ((previous.sa_flags & static_cast<int>(SA_RESETHAND)) != 0) {
    which.previous.sa_handler = SIG_DFL;
    which.previous.sa_flags = 0;
  }
  (previous.sa_flags & SA_SIGINFO) != 0 ? previous.sa_sigaction(signal, info, context) : previous.sa_handler(signal);
}

void on_crash(int signal, siginfo_t* info, void* context) noexcept {
  const KeepErrno keep;
  for (Watched& which : watched) {
    if (which.signal != signal) continue;
    // Acquire pairs with set_crash_log's release: the path is there. The exchange is relaxed: the first to come reports
    // and nothing is handed over.
    if (on.load(std::memory_order_acquire) && reported.exchange(1, std::memory_order_relaxed) == 0) {
      write_report(which, *info, *static_cast<ucontext_t*>(context));
    }
    chain(which, signal, info, context);
  }
}

void install(Watched& which) noexcept {
  if (which.installed || ::sigaction(which.signal, nullptr, &which.previous) != 0) return;
  struct sigaction ours{};
  ours.sa_sigaction = on_crash;
  // What the previous handler expects of its surroundings holds: its mask, restarted calls, nested signals.
  ours.sa_mask = which.previous.sa_mask;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (which.previous.sa_flags & (SA_RESTART | static_cast<int>(SA_NODEFER)));
  which.installed = ::sigaction(which.signal, &ours, nullptr) == 0;
}

void remove(Watched& which) noexcept {
  struct sigaction now{};
  if (!which.installed || ::sigaction(which.signal, nullptr, &now) != 0) return;
  // Who was put in front of ours may chain to it: then it stays, silent.
  if ((now.sa_flags & SA_SIGINFO) == 0 || now.sa_sigaction != on_crash) return;
  which.installed = ::sigaction(which.signal, &which.previous, nullptr) != 0;
}

/// Keeps an absolute path: the program may change its directory. \return false when that is too long.
bool keep_path(const char* path) noexcept {
  char whole[PATH_MAX] = "";
  if (path[0] != '/' && std::strcmp(path, "1") != 0) {
    if (::getcwd(whole, sizeof whole - 1) == nullptr) return false;
    std::strcat(whole, "/");
  }
  if (std::strlen(whole) + std::strlen(path) >= sizeof whole) {
    errno = ENAMETOOLONG;
    return false;
  }
  std::strcat(whole, path);
  std::memcpy(log_path, whole, sizeof whole);
  return true;
}

}  // namespace

bool set_crash_log(const char* path) noexcept {
  if (path[0] == '\0' || std::strcmp(path, "0") == 0) {
    // Relaxed: nothing is handed over.
    on.store(false, std::memory_order_relaxed);
    for (Watched& which : watched) remove(which);
    return true;
  }
  if (std::strcmp(path, "1") != 0) {
    const int file = open_log(path);
    if (file < 0) return false;
    linux_detail::close_file(file);
  }
  if (!keep_path(path)) return false;
  // Relaxed: see on_crash.
  reported.store(0, std::memory_order_relaxed);
  for (Watched& which : watched) install(which);
  // Release pairs with on_crash's acquire: the path comes before.
  on.store(true, std::memory_order_release);
  prepare_thread_for_crash();
  return true;
}

void prepare_thread_for_crash() noexcept {
  // Relaxed: only whether there is a log.
  if (!on.load(std::memory_order_relaxed)) return;
  stack_t now{};
  if (::sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return;
  void* memory = LinuxOs::reserve(kStackBytes, LinuxOs::page_bytes());
  if (memory == nullptr) return;
  stack_t ours{};
  ours.ss_sp = memory;
  ours.ss_size = kStackBytes;
  if (::sigaltstack(&ours, nullptr) == 0) {
    signal_stack = memory;
  } else {
    LinuxOs::release(memory, kStackBytes);
  }
}

void leave_thread() noexcept {
  if (signal_stack == nullptr) return;
  stack_t now{};
  // Somebody else's by now: then ours is nobody's.
  if (::sigaltstack(nullptr, &now) == 0 && now.ss_sp == signal_stack) {
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    (void)::sigaltstack(&none, nullptr);
  }
  LinuxOs::release(signal_stack, kStackBytes);
  signal_stack = nullptr;
}

}  // namespace hakmem
