#pragma once

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

/// What a benchmark says about its own process, so that no figure is credited to an allocator that was not there.
namespace hakmem::bench {

/// The file of the shared object whose malloc this process calls; empty if it cannot be known.
inline std::string malloc_provider() {
  Dl_info info{};
  void* function = ::dlsym(RTLD_DEFAULT, "malloc");
  if (function == nullptr || ::dladdr(function, &info) == 0 || info.dli_fname == nullptr) return {};
  char* resolved = ::realpath(info.dli_fname, nullptr);
  if (resolved == nullptr) return info.dli_fname;
  std::string path = resolved;
  std::free(resolved);
  return path;
}

/// A stretch of a program's code.
struct CodeRange {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;

  bool contains(std::uintptr_t address) const noexcept { return address - begin < end - begin; }
};

/// The code of the shared object whose malloc this process calls; empty if it cannot be known.
inline CodeRange code_of_malloc() {
  CodeRange found;
  found.begin = reinterpret_cast<std::uintptr_t>(::dlsym(RTLD_DEFAULT, "malloc"));
  const auto visit = [](dl_phdr_info* object, std::size_t, void* context) {
    auto& range = *static_cast<CodeRange*>(context);
    for (unsigned i = 0; i < object->dlpi_phnum; ++i) {
      const auto& segment = object->dlpi_phdr[i];
      if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
      const std::uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
      if (!CodeRange{begin, begin + segment.p_memsz}.contains(range.begin)) continue;
      range = {begin, begin + segment.p_memsz};
      return 1;
    }
    return 0;
  };
  return ::dl_iterate_phdr(visit, &found) != 0 ? found : CodeRange{};
}

/// A line "NAME: number kB" of /proc/self/status in bytes; 0 if there is none. VmHWM is the peak of this process
/// image alone, whereas getrusage's ru_maxrss survives exec and so would report the runner's own peak.
inline std::uint64_t status_bytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != name + ":") continue;
    std::uint64_t kilobytes = 0;
    status >> kilobytes;
    return kilobytes * 1024;
  }
  return 0;
}

/// Resident set now, in bytes; 0 if it cannot be known. Allocates nothing: who asks while nothing happens must not wake an
/// allocator. The kernel adds threads' pages up in steps, so a few hundred KiB may be missing.
inline std::uint64_t resident_bytes() noexcept {
  char text[128] = {};
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const auto length = ::read(file, text, sizeof(text) - 1);
  ::close(file);
  unsigned long long pages = 0;
  if (length <= 0 || std::sscanf(text, "%*u %llu", &pages) != 1) return 0;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// Largest resident set so far, in bytes.
inline std::uint64_t peak_resident_bytes() { return status_bytes("VmHWM"); }

}  // namespace hakmem::bench
