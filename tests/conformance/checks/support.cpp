#include "support.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <string>

namespace hakmem::conformance {

// Sizes ------------------------------------------------------------------------------------------------------------

std::vector<std::size_t> edge_sizes(std::size_t last) {
  std::vector<std::size_t> sizes;
  const auto add_around = [&](std::size_t size) {
    for (const std::size_t near : {size - 1, size, size + 1}) {
      if (near != 0 && near <= last) sizes.push_back(near);
    }
  };
  sizes.reserve(1024);
  for (std::size_t size = 1; size < 16; size *= 2) add_around(size);
  for (std::size_t size = 16; size <= kKiB; size += 16) add_around(size);
  for (std::size_t size = kKiB; size <= last; size *= 2) {
    for (std::size_t quarter = 0; quarter < 4; ++quarter) add_around(size + size / 4 * quarter);
  }
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return sizes;
}

std::span<const std::size_t> impossible_sizes() {
  constexpr std::size_t kHalf = std::size_t{PTRDIFF_MAX};
  static constexpr std::array<std::size_t, 14> kSizes = {
      std::size_t{1} << 56, kHalf - 4096,     kHalf - 1,       kHalf,           kHalf + 1,       kHalf + 2,
      kHalf + 4096,         SIZE_MAX - 65536, SIZE_MAX - 4096, SIZE_MAX - 4095, SIZE_MAX - 4094, SIZE_MAX - 16,
      SIZE_MAX - 1,         SIZE_MAX};
  return kSizes;
}

bool is_aligned(const void* block, std::size_t alignment) {
  return (reinterpret_cast<std::uintptr_t>(block) & (alignment - 1)) == 0;
}

std::size_t alignment_of_what_fits(std::size_t bytes) {
  return bytes == 0 ? 1 : std::min(std::bit_floor(bytes), alignof(std::max_align_t));
}

std::size_t alignment_of_what_fills(std::size_t bytes) {
  return bytes == 0 ? 1 : std::min(std::size_t{1} << std::countr_zero(bytes), alignof(std::max_align_t));
}

// Patterns ---------------------------------------------------------------------------------------------------------

namespace {

/// The eight bytes at the offset 8 * index.
std::uint64_t word_at(std::size_t index, std::uint64_t seed) {
  const std::uint64_t word = (index + 1) * 0x9e3779b97f4a7c15ULL + seed * 0xbf58476d1ce4e5b9ULL;
  return (word ^ (word >> 29)) | 0x0101010101010101ULL;  // no byte is 0, so that zeroed memory is never intact
}

}  // namespace

void fill(void* block, std::size_t bytes, std::uint64_t seed) {
  auto* at = static_cast<unsigned char*>(block);
  std::size_t index = 0;
  for (; bytes >= 8; bytes -= 8, at += 8) {
    const std::uint64_t word = word_at(index++, seed);
    std::memcpy(at, &word, 8);
  }
  const std::uint64_t word = word_at(index, seed);
  std::memcpy(at, &word, bytes);
}

namespace {

/// Compares word by word, and byte by byte where a word differs and in the rest.
/// \param expected gives the word of an index
template <class Expected>
std::size_t first_difference(const void* block, std::size_t bytes, const Expected& expected) {
  const auto* start = static_cast<const unsigned char*>(block);
  std::size_t index = 0;
  for (; index < bytes / 8; ++index) {
    std::uint64_t word;
    std::memcpy(&word, start + index * 8, 8);
    if (word != expected(index)) break;
  }
  for (std::size_t offset = index * 8; offset < bytes; ++offset) {
    if (start[offset] != static_cast<unsigned char>(expected(offset / 8) >> offset % 8 * 8)) return offset;
  }
  return kIntact;
}

}  // namespace

std::size_t first_damage(const void* block, std::size_t bytes, std::uint64_t seed) {
  return first_difference(block, bytes, [seed](std::size_t index) { return word_at(index, seed); });
}

std::size_t first_non_zero(const void* block, std::size_t bytes) {
  return first_difference(block, bytes, [](std::size_t) { return std::uint64_t{0}; });
}

std::string Filled::damage() const {
  if (block == nullptr) return "no block";
  const std::size_t offset = first_damage(block, bytes, seed);
  return offset == kIntact ? "" : "byte " + std::to_string(offset) + " of " + std::to_string(bytes) + " is damaged";
}

Filled filled(void* block, std::size_t bytes, std::uint64_t seed) {
  if (block == nullptr) return {};
  fill(block, bytes, seed);
  return {block, bytes, seed};
}

// Members ----------------------------------------------------------------------------------------------------------

namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::align_val_t kAlignValue{kAlignment};

void* by_malloc(std::size_t bytes) { return opaque(std::malloc(opaque(bytes))); }
void* by_calloc(std::size_t bytes) { return opaque(std::calloc(1, opaque(bytes))); }
void* by_realloc(std::size_t bytes) { return opaque(std::realloc(opaque<void*>(nullptr), opaque(bytes))); }
void* by_reallocarray(std::size_t bytes) { return opaque(::reallocarray(opaque<void*>(nullptr), 1, opaque(bytes))); }
void* by_posix_memalign(std::size_t bytes) {
  void* block = nullptr;
  return ::posix_memalign(&block, kAlignment, opaque(bytes)) == 0 ? opaque(block) : nullptr;
}
void* by_aligned_alloc(std::size_t bytes) { return opaque(std::aligned_alloc(kAlignment, opaque(bytes))); }
void* by_memalign(std::size_t bytes) { return opaque(::memalign(kAlignment, opaque(bytes))); }
void* by_valloc(std::size_t bytes) { return opaque(::valloc(opaque(bytes))); }
void* by_pvalloc(std::size_t bytes) { return opaque(::pvalloc(opaque(bytes))); }

template <class Allocate>
void* or_null(Allocate allocate) {
  try {
    return opaque(allocate());
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void* by_new(std::size_t n) {
  return or_null([n] { return ::operator new(opaque(n)); });
}
void* by_new_array(std::size_t n) {
  return or_null([n] { return ::operator new[](opaque(n)); });
}
void* by_new_aligned(std::size_t n) {
  return or_null([n] { return ::operator new(opaque(n), kAlignValue); });
}
void* by_new_array_aligned(std::size_t n) {
  return or_null([n] { return ::operator new[](opaque(n), kAlignValue); });
}
void* by_new_nothrow(std::size_t n) { return opaque(::operator new(opaque(n), std::nothrow)); }
void* by_new_array_nothrow(std::size_t n) { return opaque(::operator new[](opaque(n), std::nothrow)); }
void* by_new_aligned_nothrow(std::size_t n) { return opaque(::operator new(opaque(n), kAlignValue, std::nothrow)); }
void* by_new_array_aligned_nothrow(std::size_t n) {
  return opaque(::operator new[](opaque(n), kAlignValue, std::nothrow));
}

void by_free(void* block) { std::free(block); }
void by_delete(void* block) { ::operator delete(block); }
void by_delete_array(void* block) { ::operator delete[](block); }
void by_delete_aligned(void* block) { ::operator delete(block, kAlignValue); }
void by_delete_array_aligned(void* block) { ::operator delete[](block, kAlignValue); }

constexpr std::array<Member, 17> kMembers = {{
    {"malloc", by_malloc, by_free},
    {"calloc", by_calloc, by_free},
    {"realloc", by_realloc, by_free},
    {"reallocarray", by_reallocarray, by_free},
    {"posix_memalign", by_posix_memalign, by_free, false, true},
    {"aligned_alloc", by_aligned_alloc, by_free, false, true},
    {"memalign", by_memalign, by_free, false, true},
    {"valloc", by_valloc, by_free, false, true},
    {"pvalloc", by_pvalloc, by_free, false, true},
    {"new", by_new, by_delete, true},
    {"new[]", by_new_array, by_delete_array, true},
    {"new(align)", by_new_aligned, by_delete_aligned, true, true},
    {"new[](align)", by_new_array_aligned, by_delete_array_aligned, true, true},
    {"new(nothrow)", by_new_nothrow, by_delete, true},
    {"new[](nothrow)", by_new_array_nothrow, by_delete_array, true},
    {"new(align, nothrow)", by_new_aligned_nothrow, by_delete_aligned, true, true},
    {"new[](align, nothrow)", by_new_array_aligned_nothrow, by_delete_array_aligned, true, true},
}};

const char* library_of(const char* function) {
  Dl_info info;
  void* address = ::dlsym(RTLD_DEFAULT, function);
  return address != nullptr && ::dladdr(address, &info) != 0 ? info.dli_fname : "";
}

/// A member of the C library over another malloc works when it calls malloc or realloc, and the aligned ones do not.
bool shares_the_heap(const Member& member) {
  return member.is_operator_new || !member.is_aligned || library_of(member.name) == library_of("malloc");
}

/// The members whose blocks free() takes: first those of C, then those of C++.
std::span<const Member> usable_members() {
  static std::array<Member, kMembers.size()> usable;
  static const auto end = std::copy_if(kMembers.begin(), kMembers.end(), usable.begin(), shares_the_heap);
  return {usable.begin(), end};
}

std::size_t count_c_members() {
  return static_cast<std::size_t>(
      std::ranges::count_if(usable_members(), [](const Member& member) { return !member.is_operator_new; }));
}

}  // namespace

std::span<const Member> c_members() { return usable_members().first(count_c_members()); }
std::span<const Member> new_members() { return usable_members().subspan(count_c_members()); }
std::span<const Member> all_members() { return usable_members(); }

// Alignment --------------------------------------------------------------------------------------------------------

std::size_t alignment_of_any_type(std::size_t) { return alignof(std::max_align_t); }

std::string first_misaligned(const std::function<void*(std::size_t)>& allocate,
                             const std::function<std::size_t(std::size_t)>& alignment, std::size_t last,
                             const std::function<void(void*)>& release) {
  std::string wrong;
  for (const std::size_t size : edge_sizes(last)) {
    std::array<void*, 5> blocks{};
    for (auto& block : blocks) {
      block = allocate(size);
      if (block != nullptr && is_aligned(block, alignment(size))) continue;
      wrong = std::to_string(size) + " bytes at address ..." +
              std::to_string(reinterpret_cast<std::uintptr_t>(block) % 4096) + ", wanted a multiple of " +
              std::to_string(alignment(size));
    }
    for (void* block : blocks) release(block);
    if (!wrong.empty()) break;
  }
  return wrong;
}

// Memory in use ----------------------------------------------------------------------------------------------------

namespace {

/// The fields of /proc/self/statm: total pages, resident pages.
std::array<std::size_t, 2> statm() {
  char text[128] = {};
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  [[maybe_unused]] const auto got = ::read(file, text, sizeof text - 1);
  ::close(file);
  std::array<std::size_t, 2> pages{};
  char* rest = text;
  for (auto& field : pages) field = std::strtoul(rest, &rest, 10);
  return pages;
}

std::size_t page_bytes() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace

std::size_t address_space() { return statm()[0] * page_bytes(); }
std::size_t resident_memory() { return statm()[1] * page_bytes(); }

AddressSpaceLimit::AddressSpaceLimit(std::size_t more) {
  struct rlimit limit{};
  ::getrlimit(RLIMIT_AS, &limit);
  before_ = limit.rlim_cur;
  limit.rlim_cur = address_space() + more;
  ::setrlimit(RLIMIT_AS, &limit);
}

void AddressSpaceLimit::lift() {
  struct rlimit limit{};
  ::getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = before_;
  ::setrlimit(RLIMIT_AS, &limit);
}

// Processes --------------------------------------------------------------------------------------------------------

namespace {

/// An exception must not reach the copy of the parent's stack.
[[noreturn]] void end_with(const std::function<bool()>& body) {
  try {
    ::_exit(body() ? EXIT_SUCCESS : EXIT_FAILURE);
  } catch (...) {
    ::_exit(EXIT_FAILURE);
  }
}

std::string fault_of_status(int status) {
  if (WIFSIGNALED(status)) return "it was ended by signal " + std::to_string(WTERMSIG(status));
  if (WEXITSTATUS(status) == EXIT_SUCCESS) return "";
  return "it ended with exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

std::string fault_in_child(const std::function<bool()>& body, unsigned seconds) {
  const pid_t pid = ::fork();
  if (pid == 0) end_with(body);
  return fault_of_child(pid, seconds);
}

std::string fault_of_child(int pid, unsigned seconds) {
  if (pid < 0) return std::string("it cannot be started: ") + std::strerror(errno);
  int status = 0;
  constexpr timespec kTick = {0, 2'000'000};
  for (unsigned ticks = 0; ticks < seconds * 500; ++ticks) {
    if (::waitpid(pid, &status, WNOHANG) == pid) return fault_of_status(status);
    ::nanosleep(&kTick, nullptr);
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, &status, 0);
  return "it has not ended within " + std::to_string(seconds) + " s";
}

int start_own_program(const char* option) {
  std::string path = std::string(program_folder()) + "conformance_checks";
  std::string argument = option;
  const std::array<char*, 3> arguments = {path.data(), argument.data(), nullptr};
  posix_spawn_file_actions_t actions;
  if (::posix_spawn_file_actions_init(&actions) != 0) return -1;
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, path.c_str(), &actions, nullptr, arguments.data(), ::environ);
  ::posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? pid : -1;
}

const char* program_folder() {
  static char path[PATH_MAX];
  const auto length = ::readlink("/proc/self/exe", path, sizeof path - 1);
  path[std::max<ssize_t>(length, 0)] = '\0';
  if (char* slash = std::strrchr(path, '/')) slash[1] = '\0';
  return path;
}

}  // namespace hakmem::conformance
