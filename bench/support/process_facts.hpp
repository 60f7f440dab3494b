#pragma once

#include <dlfcn.h>

#include <cstdint>
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

/// Largest resident set so far, in bytes.
inline std::uint64_t peak_resident_bytes() { return status_bytes("VmHWM"); }

}  // namespace hakmem::bench
