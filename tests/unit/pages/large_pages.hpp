#pragma once
/// A system with larger pages than the machine's: the calls that change mappings, in the C library's place. They refuse
/// addresses within a page and take whole pages, whatever size is asked for, as such a kernel does.

#include <cstddef>

namespace hakmem::test {

/// While an object lives, LinuxOs and who else calls mmap is on such a system. One at a time.
class LargePages {
 public:
  /// \param page_bytes a power of two of at least the machine's page
  explicit LargePages(std::size_t page_bytes);
  ~LargePages();
  LargePages(const LargePages&) = delete;
  LargePages& operator=(const LargePages&) = delete;
};

}  // namespace hakmem::test
