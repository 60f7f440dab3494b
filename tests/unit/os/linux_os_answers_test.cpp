/// What is made of the system's answers that no test can wait for: calls that are interrupted, done in part or refused,
/// and settings of other machines. Here the test answers in the system's place.

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>

#include "os/linux_os.hpp"

namespace hakmem::test {
namespace {

/// How a system call ends: with `result`, or with -1 and `error`. What it reads is `bytes`.
struct Answer {
  long call;
  long result;
  int error = 0;
  std::string bytes = {};
};

/// For the next calls of these kinds, in this order.
std::deque<Answer> answers;
/// What has been written meanwhile.
std::string written;
/// Calls for which there was no answer.
unsigned asked_the_system = 0;

constexpr int kSomeFile = 1000;

long answer(const Answer& given, const long* arguments) {
  if (given.result < 0) {
    errno = given.error;
    return -1;
  }
  if (given.call == SYS_write) {
    written.append(reinterpret_cast<const char*>(arguments[1]), static_cast<std::size_t>(given.result));
  } else if (given.call == SYS_read) {
    std::memcpy(reinterpret_cast<void*>(arguments[1]), given.bytes.data(), given.bytes.size());
  } else if (given.call == SYS_getrandom) {
    std::memcpy(reinterpret_cast<void*>(arguments[0]), given.bytes.data(), given.bytes.size());
  }
  return given.result;
}

long ask_the_system(long call, const long* arguments) {
  ++asked_the_system;
  if (call == SYS_write && arguments[0] == kSomeFile) std::abort();  // there is none, and somebody goes on to try
  using SystemCall = long (*)(long, ...);
  static const auto system = reinterpret_cast<SystemCall>(::dlsym(RTLD_NEXT, "syscall"));
  return system(call, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

}  // namespace
}  // namespace hakmem::test

/// In the place of the C library's, for the whole program.
extern "C" long syscall(long call, ...) noexcept {
  namespace test = hakmem::test;
  long arguments[6];
  va_list list;
  va_start(list, call);
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  if (test::answers.empty() || test::answers.front().call != call) return test::ask_the_system(call, arguments);
  const test::Answer given = test::answers.front();
  test::answers.pop_front();
  return test::answer(given, arguments);
}

namespace hakmem::test {
namespace {

class LinuxOsAnswers : public testing::Test {
 protected:
  LinuxOsAnswers() { written.clear(); }
  ~LinuxOsAnswers() override {
    EXPECT_TRUE(answers.empty()) << "it has not been asked for everything";
    answers.clear();
  }
};

TEST_F(LinuxOsAnswers, TextIsWrittenToItsEndThoughTheSystemStopsInBetween) {
  constexpr std::string_view kText = "one two three";
  answers = {{SYS_write, -1, EINTR}, {SYS_write, 4}, {SYS_write, 0}, {SYS_write, -1, EINTR}, {SYS_write, 9}};
  EXPECT_TRUE(linux_detail::write_all(kSomeFile, kText.data(), kText.size()));
  EXPECT_EQ(written, kText);
}

TEST_F(LinuxOsAnswers, RefusedWriteIsToldWithItsReason) {
  answers = {{SYS_write, 2}, {SYS_write, -1, ENOSPC}};
  EXPECT_FALSE(linux_detail::write_all(kSomeFile, "text", 4));
  EXPECT_EQ(errno, ENOSPC);
  EXPECT_EQ(written, "te");
}

TEST_F(LinuxOsAnswers, LargePagesAreTheRuleWhereTheKernelSaysAlways) {
  const auto is_the_rule = [](const std::string& text) {
    const auto length = static_cast<long>(text.size());
    answers = {{SYS_openat, 0}, {SYS_read, length, 0, text}, {SYS_close, 0}};
    return linux_detail::large_pages_are_the_rule();
  };
  EXPECT_TRUE(is_the_rule("[always] madvise never\n"));
  EXPECT_FALSE(is_the_rule("always [madvise] never\n"));
  EXPECT_FALSE(is_the_rule("always madvise [never]\n"));
  EXPECT_TRUE(is_the_rule("[always]\n")) << "a kernel that knows no other";
  EXPECT_FALSE(is_the_rule(""));
}

TEST_F(LinuxOsAnswers, LargePagesAreNoRuleWhereNothingIsSaidOfThem) {
  answers = {{SYS_openat, -1, ENOENT}};
  asked_the_system = 0;
  EXPECT_FALSE(linux_detail::large_pages_are_the_rule());
  EXPECT_EQ(asked_the_system, 0u) << "what is not open is not read";
}

TEST_F(LinuxOsAnswers, SecretIsTheKernelsOrComesFromTheProcessesOwnBytes) {
  using namespace std::string_literals;
  const std::string random = "\x11\x22\x33\x44\x55\x66\x77\x78";
  answers = {{SYS_getrandom, 8, 0, random}};
  EXPECT_EQ(LinuxOs::secret(), 0x7877'6655'4433'2211u);
  answers = {{SYS_getrandom, -1, EAGAIN}};
  const std::uint64_t early = LinuxOs::secret();
  EXPECT_GT(early, 1u);
  EXPECT_EQ(early & 1, 1u) << "never 0";
  answers = {{SYS_getrandom, 8, 0, std::string(8, '\0')}};
  EXPECT_EQ(LinuxOs::secret(), early) << "0 is no secret";
  answers = {{SYS_getrandom, 3, 0, random.substr(0, 3)}};
  EXPECT_NE(LinuxOs::secret(), 0x33'2211u) << "three bytes are none either";
}

TEST_F(LinuxOsAnswers, FilesAreNotInheritedByOtherPrograms) {
  const int file = linux_detail::open_file("/proc/self/stat", O_RDONLY);
  ASSERT_GE(file, 0);
  EXPECT_EQ(::fcntl(file, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_EQ(::fcntl(file, F_GETFL) & O_ACCMODE, O_RDONLY);
  linux_detail::close_file(file);
  EXPECT_EQ(::fcntl(file, F_GETFD), -1);
}

}  // namespace
}  // namespace hakmem::test
