/// Counts the words of standard input. The table lives in the heap by way of std::pmr; the report is made with the
/// C API, and the heap's own counters close it.

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hakmem/hakmem.hpp"

namespace {

using Count = std::pair<std::string_view, unsigned long>;

constexpr std::size_t kLineBytes = 4096;

}  // namespace

int main() {
  std::pmr::unordered_map<std::pmr::string, unsigned long> table(hakmem::get_memory_resource());
  for (std::pmr::string word(hakmem::get_memory_resource()); std::cin >> word;) ++table[word];

  std::vector<Count, hakmem::allocator<Count>> counts(table.begin(), table.end());
  std::sort(counts.begin(), counts.end(),
            [](const Count& a, const Count& b) { return a.second != b.second ? a.second > b.second : a < b; });

  const std::unique_ptr<char, hakmem::free_deleter> line(static_cast<char*>(hak_alloc(kLineBytes)));
  if (line == nullptr) return 1;
  for (const auto& [word, count] : counts) {
    std::snprintf(line.get(), kLineBytes, "%lu %.*s", count, static_cast<int>(word.size()), word.data());
    std::puts(line.get());
  }

  hak_statistics heap;
  hak_statistics_get(&heap);
  std::printf("%zu words, %llu KiB in slabs\n", counts.size(), static_cast<unsigned long long>(heap.slab_bytes / 1024));
}
