/// Loads libraries with hakmem in them into a process whose malloc is the C library's: `loading KIND LIBRARY`, where
/// KIND is local or deepbind (how it is loaded). The library offers the C API; it is used by threads, unloaded while
/// one of them is still there, and loaded again.

#include <dlfcn.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "failed: %s\n", what);
  std::_Exit(EXIT_FAILURE);
}

class Library {
 public:
  Library(const char* path, int flags) : handle_(::dlopen(path, RTLD_NOW | flags)) {
    if (handle_ == nullptr) fail(::dlerror());
    alloc = find<void*(std::size_t)>("hak_alloc");
    free = find<void(void*)>("hak_free");
    usable_size = find<std::size_t(const void*)>("hak_usable_size");
  }
  ~Library() { ::dlclose(handle_); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  void* (*alloc)(std::size_t);
  void (*free)(void*);
  std::size_t (*usable_size)(const void*);

  void expect_own_malloc_is_untouched() const {
    if (::dlsym(RTLD_DEFAULT, "hak_alloc") != nullptr) fail("the library's names are the whole program's");
    Dl_info info{};
    if (::dladdr(::dlsym(RTLD_DEFAULT, "malloc"), &info) == 0) fail("nobody knows where malloc is");
    if (std::strstr(info.dli_fname, "libc.so") == nullptr) fail("the program's own malloc is not the C library's");
  }

 private:
  template <class Function>
  Function* find(const char* name) const {
    auto* function = reinterpret_cast<Function*>(::dlsym(handle_, name));
    if (function == nullptr) fail("the library lacks a function of the C API");
    return function;
  }

  void* handle_;
};

void use(const Library& library) {
  std::vector<void*> blocks;
  for (std::size_t bytes = 1; bytes < 4'000'000; bytes += bytes / 2 + 1) {
    blocks.push_back(library.alloc(bytes));
    if (blocks.back() == nullptr) fail("there is no memory");
    if (library.usable_size(blocks.back()) < bytes) fail("a block is too small");
    std::memset(blocks.back(), 7, bytes);
    std::free(std::malloc(bytes));
  }
  for (void* block : blocks) library.free(block);
}

/// A thread that has used the library, and ends when it is told to.
class Guest {
 public:
  explicit Guest(const Library& library) : thread_([this, &library] { live(library); }) {
    while (!has_used_.load()) std::this_thread::yield();
  }
  ~Guest() {
    may_end_.store(true);
    thread_.join();
  }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

 private:
  void live(const Library& library) {
    use(library);
    has_used_.store(true);
    while (!may_end_.load()) std::this_thread::yield();
  }
  std::atomic<bool> has_used_{false};
  std::atomic<bool> may_end_{false};
  std::thread thread_;
};

void load_use_and_unload(const char* path, int flags) {
  auto* library = new Library(path, flags);
  library->expect_own_malloc_is_untouched();
  use(*library);
  std::thread([&] { use(*library); }).join();
  Guest guest(*library);
  delete library;
  // Here the guest ends: what the library does when a thread ends must still be there.
}

}  // namespace

int main(int count, char** words) {
  const std::string kind = count == 3 ? words[1] : "";
  if (kind != "local" && kind != "deepbind") {
    std::fprintf(stderr, "loading: a kind and a library are wanted\nusage: loading local|deepbind LIBRARY\n");
    return 2;
  }
  const int flags = kind == "local" ? RTLD_LOCAL : RTLD_LOCAL | RTLD_DEEPBIND;
  for (int round = 0; round < 3; ++round) load_use_and_unload(words[2], flags);
  std::printf("%s: holds\n", kind.c_str());
  return 0;
}
