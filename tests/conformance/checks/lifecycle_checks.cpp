/// Before main, after main, and libraries that come and go.

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

#include "promise.hpp"
#include "support.hpp"

namespace hakmem::conformance {
namespace {

// Before main and after it -------------------------------------------------------------------------------------------

constexpr int kDamaged = 9;

/// Allocates when constructed, before most of the program, and looks after its blocks to the very end.
class Monument {
 public:
  explicit Monument(std::uint64_t seed) {
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      blocks_[i] = filled(std::malloc(kSizesOfEveryKind[i]), kSizesOfEveryKind[i], seed + i);
    }
  }
  ~Monument() {
    if (!is_intact()) ::_exit(kDamaged);
    for (const auto& block : blocks_) {
      const auto other = filled(std::malloc(block.bytes), block.bytes, 5);
      std::free(block.block);
      if (!other.is_whole()) ::_exit(kDamaged);
      std::free(other.block);
    }
  }
  Monument(const Monument&) = delete;
  Monument& operator=(const Monument&) = delete;

  [[nodiscard]] bool is_intact() const {
    return std::all_of(blocks_.begin(), blocks_.end(), [](const Filled& block) { return block.is_whole(); });
  }

 private:
  std::array<Filled, kSizesOfEveryKind.size()> blocks_;
};

[[gnu::init_priority(101)]] Monument earliest(1000);
Monument ordinary(2000);

REQUIRED(Lifecycle, BlocksFromBeforeMainAreIntact, "C++ [basic.start.dynamic]") {
  std::vector<void*> blocks;
  for (const std::size_t size : edge_sizes(64 * kKiB)) {
    blocks.push_back(std::malloc(size));
    fill(blocks.back(), size, 1);
  }
  EXPECT_TRUE(earliest.is_intact());
  EXPECT_TRUE(ordinary.is_intact());
  for (void* block : blocks) std::free(block);
}

REQUIRED(Lifecycle, StaticDestructorsMayAllocateAndFree, "C++ [basic.start.term]") {
  EXPECT_EQ("", fault_in_child([]() -> bool { std::exit(0); }));
}

REQUIRED(Lifecycle, ExitHandlersMayAllocateAndFree, "C17 7.22.4.2") {
  static Filled block;
  const auto handler = [] {
    const auto other = filled(std::malloc(4000), 4000, 2);
    if (!block.is_whole() || !other.is_whole()) ::_exit(kDamaged);
    std::free(block.block);
    std::free(other.block);
  };
  EXPECT_EQ("", fault_in_child([&handler]() -> bool {
              block = filled(std::malloc(3000), 3000, 1);
              if (std::atexit(handler) != 0) return false;
              std::exit(0);
            }));
}

REQUIRED(Lifecycle, ProcessMayEndWhileThreadsAllocate, "POSIX exit") {
  const auto body = []() -> bool {
    static std::atomic<int> started{0};
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      std::thread([seed] {
        Random random(seed);
        for (;;) {
          std::free(opaque(std::malloc(1 + random.below(100'000))));
          started.fetch_add(1);
        }
      }).detach();
    }
    while (started.load() < 1000) std::this_thread::yield();
    std::exit(0);
  };
  for (int i = 0; i < 10; ++i) ASSERT_EQ("", fault_in_child(body)) << "process " << i;
}

// Libraries that are loaded and unloaded -----------------------------------------------------------------------------

/// The plugin, loaded for the lifetime of the object.
class Plugin {
 public:
  Plugin() : handle_(::dlopen((std::string(program_folder()) + "libconformance_plugin.so").c_str(), RTLD_NOW)) {}
  ~Plugin() {
    if (handle_ != nullptr) ::dlclose(handle_);
  }
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  [[nodiscard]] bool is_loaded() const { return handle_ != nullptr; }
  [[nodiscard]] Filled allocate(std::size_t bytes) const {
    return filled(find<void*(std::size_t)>("plugin_allocate")(bytes), bytes, bytes);
  }
  void free(void* block) const { find<void(void*)>("plugin_free")(block); }
  [[nodiscard]] bool touch_thread() const { return find<int()>("plugin_touch_thread")() == 1; }

 private:
  template <class Function>
  Function* find(const char* name) const {
    return reinterpret_cast<Function*>(::dlsym(handle_, name));
  }

  void* handle_;
};

REQUIRED(Lifecycle, LoadedLibraryMayAllocateAndFree, "POSIX dlopen") {
  for (int round = 0; round < 20; ++round) {
    const Plugin plugin;
    ASSERT_TRUE(plugin.is_loaded()) << ::dlerror();
    for (const std::size_t size : kSizesOfEveryKind) {
      const auto from_plugin = plugin.allocate(size);
      const auto own = filled(std::malloc(size), size, 1);
      ASSERT_NE(from_plugin.block, nullptr);
      ASSERT_INTACT(from_plugin);
      plugin.free(own.block);
      std::free(from_plugin.block);
    }
  }
}

REQUIRED(Lifecycle, BlocksOutliveTheLibraryThatAllocatedThem, "POSIX dlclose") {
  for (int round = 0; round < 10; ++round) {
    std::vector<Filled> blocks;
    {
      const Plugin plugin;
      ASSERT_TRUE(plugin.is_loaded()) << ::dlerror();
      for (const std::size_t size : kSizesOfEveryKind) blocks.push_back(plugin.allocate(size));
    }
    for (const auto& block : blocks) {
      ASSERT_NE(block.block, nullptr);
      ASSERT_INTACT(block);
      std::free(block.block);
    }
  }
}

REQUIRED(Lifecycle, LoadedLibraryMayAllocateThreadLocals, "C++ [basic.stc.thread]") {
  std::atomic<int> touched{0};
  const Plugin plugin;
  ASSERT_TRUE(plugin.is_loaded()) << ::dlerror();
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { touched += plugin.touch_thread() ? 1 : 0; });
    for (auto& thread : threads) thread.join();
  }
  EXPECT_EQ(touched.load(), 80);
}

}  // namespace
}  // namespace hakmem::conformance
