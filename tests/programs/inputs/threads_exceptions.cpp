// Threads, exceptions that cross them, thread-local objects, every kind of new, the C library's own allocations, a fork
// amid threads. What it prints depends on its argument alone.
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <numeric>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

std::atomic<long> farewells{0};

// Allocates in the destructor of a thread-local object, when other thread-local data may be gone.
struct Farewell {
  std::vector<std::string> notes;
  ~Farewell() {
    notes.push_back(std::string(200, 'x'));
    // Read after the threads were joined, which orders it; sequentially consistent for simplicity.
    farewells += static_cast<long>(notes.size());
  }
};
thread_local Farewell farewell;

[[noreturn]] void fail(int depth, const std::string& why) {
  std::vector<std::unique_ptr<std::string>> to_unwind;
  for (int i = 0; i < 5; ++i) to_unwind.push_back(std::make_unique<std::string>(why + std::to_string(i)));
  if (depth == 0) throw std::runtime_error(why + std::string(300, '!'));
  fail(depth - 1, why + "/" + std::to_string(depth));
}

std::size_t throw_and_catch(int thread, int rounds) {
  std::size_t length = 0;
  for (int i = 0; i < rounds; ++i) {
    farewell.notes.push_back("round " + std::to_string(i));
    try {
      fail(i % 8, "thread " + std::to_string(thread));
    } catch (const std::exception& error) {
      length += std::strlen(error.what());
    }
  }
  return length;
}

void exceptions_in_threads(int rounds) {
  for (int wave = 0; wave < 4; ++wave) {
    std::vector<std::future<std::size_t>> futures;
    for (int i = 0; i < 8; ++i) {
      futures.push_back(std::async(std::launch::async, [i, rounds] {
        const std::size_t length = throw_and_catch(i, rounds);
        if (i % 4 == 3) throw std::length_error("from thread " + std::to_string(i) + ": " + std::to_string(length));
        return length;
      }));
    }
    for (auto& future : futures) {
      try {
        std::printf("%zu ", future.get());
      } catch (const std::length_error& error) {
        std::printf("[%s] ", error.what());
      }
    }
  }
  // Every thread that counted has been joined through its future.
  std::printf("farewells %ld\n", farewells.load());
}

// Containers are filled in one thread and destroyed in another.
void exchange_between_threads(int rounds) {
  using Book = std::map<std::string, std::set<std::vector<int>>>;
  std::mutex mutex;
  std::vector<std::unique_ptr<Book>> shelf(16);
  std::atomic<std::uint64_t> entries{0};
  const auto work = [&](unsigned number) {
    for (int i = 0; i < rounds; ++i) {
      auto book = std::make_unique<Book>();
      for (unsigned e = 0; e < 20; ++e) {
        (*book)["chapter " + std::to_string((number * 7 + e) % 13)].insert(std::vector<int>(e * 5, i));
      }
      // Read after the threads were joined, which orders it.
      entries += book->size();
      const std::lock_guard lock(mutex);
      shelf[(number + static_cast<unsigned>(i)) % shelf.size()].swap(book);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 6; ++i) threads.emplace_back(work, i);
  for (auto& thread : threads) thread.join();
  // Every thread that counted has been joined.
  std::printf("entries %llu\n", static_cast<unsigned long long>(entries.load()));
}

struct alignas(256) Wide {
  char bytes[300];
};

void every_kind_of_new() {
  bool aligned = true;
  for (int i = 0; i < 200; ++i) {
    const std::unique_ptr<Wide[]> many(new Wide[static_cast<std::size_t>(i % 9 + 1)]);
    aligned = aligned && reinterpret_cast<std::uintptr_t>(many.get()) % 256 == 0;
    void* pointer = nullptr;
    aligned = aligned && posix_memalign(&pointer, std::size_t{1} << (4 + i % 10), 1000) == 0 &&
              reinterpret_cast<std::uintptr_t>(pointer) % (std::size_t{1} << (4 + i % 10)) == 0;
    std::free(pointer);
  }
  // volatile: the compiler must not know that this can only fail.
  volatile std::size_t impossible = SIZE_MAX / 4;
  const bool refused = ::operator new(impossible, std::nothrow) == nullptr&& std::malloc(impossible) == nullptr;
  bool thrown = false;
  try {
    ::operator delete(::operator new(impossible));
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  std::printf("aligned %d, refused %d, thrown %d\n", aligned, refused, thrown);
}

void resizing() {
  std::uint64_t hash = 0;
  bool kept = true;
  bool zeroed = true;
  for (std::size_t start = 1; start < 3000; start += 97) {
    auto* bytes = static_cast<unsigned char*>(std::malloc(start));
    std::memset(bytes, static_cast<int>(start & 0xff), start);
    for (std::size_t size = start; size < 3000000; size = size * 3 + 1) {
      bytes = static_cast<unsigned char*>(std::realloc(bytes, size));
      kept = kept && std::all_of(bytes, bytes + start, [&](unsigned char b) { return b == (start & 0xff); });
      kept = kept && malloc_usable_size(bytes) >= size;
    }
    hash += std::accumulate(bytes, bytes + start, std::uint64_t{0});
    std::free(bytes);
    auto* zeros = static_cast<unsigned char*>(std::calloc(start, 3));
    zeroed = zeroed && std::all_of(zeros, zeros + start * 3, [](unsigned char b) { return b == 0; });
    std::free(zeros);
  }
  std::printf("kept %d, zeroed %d, hash %llu\n", kept, zeroed, static_cast<unsigned long long>(hash));
}

// strdup, getline, asprintf, open_memstream and qsort allocate inside the C library.
void inside_the_c_library() {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* stream = open_memstream(&text, &size);
  for (int i = 0; i < 5000; ++i)
    std::fprintf(stream, "line %d %s\n", i, std::string(static_cast<std::size_t>(i % 60), 'z').c_str());
  std::fclose(stream);
  std::FILE* lines = fmemopen(text, size, "r");
  char* line = nullptr;
  std::size_t capacity = 0;
  std::vector<char*> copies;
  while (getline(&line, &capacity, lines) > 0) copies.push_back(strdup(line));
  std::fclose(lines);
  std::sort(copies.begin(), copies.end(), [](const char* a, const char* b) { return std::strcmp(a, b) < 0; });
  char* summary = nullptr;
  if (asprintf(&summary, "%zu lines, first %s", copies.size(), copies.front()) > 0) std::printf("%s", summary);
  for (char* copy : copies) std::free(copy);
  std::free(summary);
  std::free(line);
  std::free(text);
}

// Children are forked while other threads allocate; each allocates, starts a thread and ends well.
void fork_amid_threads(int rounds) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      // Pairs with the store below: a request to end that carries no data.
      while (!stop) std::make_unique<std::vector<std::string>>(50, std::string(100, 'f'));
    });
  }
  int clean = 0;
  for (int i = 0; i < rounds; ++i) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
      std::size_t sum = 0;
      std::thread([&sum] { sum = throw_and_catch(9, 3); }).join();
      std::vector<std::string> many(1000, std::string(200, 'c'));
      _exit(sum > 0 && many.back().size() == 200 ? 7 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    clean += WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 1 : 0;
  }
  // Pairs with the loads above: a request to end that carries no data.
  stop = true;
  for (auto& thread : threads) thread.join();
  std::printf("children that ended well: %d of %d\n", clean, rounds);
}

}  // namespace

int main(int, char** arguments) {
  const int scale = std::atoi(arguments[1]);
  exceptions_in_threads(100 * scale);
  exchange_between_threads(300 * scale);
  every_kind_of_new();
  resizing();
  inside_the_c_library();
  fork_amid_threads(20 * scale);
}
