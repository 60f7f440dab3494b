// A program of somebody who installed hakmem: uses both its APIs and says whose malloc it got. With an argument it frees a
// block twice.
#include <dlfcn.h>
#include <hakmem/hakmem.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

namespace {

/// Name of the file that malloc was resolved to, without its folders.
std::string owner_of_malloc() {
  Dl_info info{};
  void* (*function)(std::size_t) = &std::malloc;
  void* address = nullptr;
  std::memcpy(&address, &function, sizeof address);
  if (dladdr(address, &info) == 0 || info.dli_fname == nullptr) return "nobody";
  const std::string path = info.dli_fname;
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

int main(int argc, char** /*argv*/) {
  const std::string owner = owner_of_malloc();
  std::printf("malloc belongs to %s\n", owner.c_str());

  void* block = hak_alloc(100);
  const bool usable = block != nullptr && hak_usable_size(block) >= 100;
  hak_free(block);
  if (argc > 1) hak_free(block);

  const auto text = std::make_unique<std::string>(1000, 'x');
  return usable && text->size() == 1000 ? 0 : 1;
}
