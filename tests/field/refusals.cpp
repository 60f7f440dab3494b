/// Nothing that the system refuses is assumed to have worked.

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>
#include <initializer_list>

#include "case.hpp"

namespace hakmem::field {

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

/// From now on a system call fails with EPERM, as in a sandbox whose list lacks it.
void forbid(unsigned call) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {4, program};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    skip("the system has no filters of system calls");
  }
}

/// A block that is used, freed and had again by calloc.
void expect_zero_again(std::size_t bytes, bool locked) {
  void* used = std::malloc(bytes);
  expect(used != nullptr, "malloc(%zu) gives null", bytes);
  if (locked && ::mlock(used, bytes) != 0) skip("the limit of locked memory is too low");
  soil(used, bytes);
  std::free(used);
  void* zero = std::calloc(1, bytes);
  expect(zero != nullptr, "calloc(%zu) gives null", bytes);
  expect(dirty(zero, bytes) == 0, "calloc(%zu) has %zu bytes that are not zero", bytes, dirty(zero, bytes));
  std::free(zero);
}

void expect_resize(void* block, std::size_t from, std::size_t to) {
  soil(block, from);
  auto* moved = static_cast<unsigned char*>(std::realloc(block, to));
  expect(moved != nullptr, "realloc from %zu to %zu gives null", from, to);
  for (std::size_t i = 0; i < from && i < to; ++i) expect(moved[i] == 0xab, "byte %zu of %zu is lost", i, from);
  std::free(moved);
}

void resize_each_way(int advice) {
  constexpr std::size_t kPairs[][2] = {
      {4 * kMiB, 8 * kMiB}, {64 * kMiB, 65 * kMiB}, {8 * kMiB, 4 * kMiB}, {600'000, 3 * kMiB}, {3 * kMiB, 600'000}};
  for (const auto& [from, to] : kPairs) {
    void* block = std::malloc(from);
    const auto page = (reinterpret_cast<std::uintptr_t>(block) + 8191) & ~std::uintptr_t{4095};
    // What cannot be advised here needs no answer.
    (void)::madvise(reinterpret_cast<void*>(page), from / 2 & ~std::size_t{4095}, advice);
    expect_resize(block, from, to);
  }
}

}  // namespace

void zero_after_lock() {
  for (const std::size_t bytes : {std::size_t{100}, std::size_t{40'000}, std::size_t{300'000}, 2 * kMiB, 6 * kMiB}) {
    expect_zero_again(bytes, true);
  }
}

void zero_where_all_is_locked() {
  if (::mlockall(MCL_FUTURE) != 0) skip("the limit of locked memory is too low");
  expect_zero_again(2 * kMiB, false);
}

void zero_where_advice_is_refused() {
  forbid(SYS_madvise);
  for (const std::size_t bytes : {std::size_t{300'000}, 3 * kMiB}) expect_zero_again(bytes, false);
}

void resize_where_moves_are_refused() {
  forbid(SYS_mremap);
  expect_resize(std::malloc(3 * kMiB), 3 * kMiB, 5 * kMiB);
  expect_resize(std::malloc(5 * kMiB), 5 * kMiB, 2 * kMiB);
}

void resize_of_advised_memory() {
  for (const int advice : {MADV_DONTFORK, MADV_DONTDUMP, MADV_HUGEPAGE}) resize_each_way(advice);
}

}  // namespace hakmem::field
