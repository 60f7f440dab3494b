// What gdb stops in: threads that allocate all the time, and a function for breakpoints that several of them call.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kThreads = 4;
std::mutex at_the_breakpoint;

// A debugger's calls allocate while the other threads are in the middle of malloc, wherever that is.
extern "C" __attribute__((noinline)) void look_here(int number) { asm volatile("" : : "r"(number) : "memory"); }

void work(int own, int rounds) {
  std::map<std::string, std::vector<int>> table;
  for (int round = 0; round < rounds; round++) {
    for (int i = 0; i < 2000; i++) {
      table[std::string(static_cast<size_t>(i) % 300, 'k') + std::to_string(i)].resize(
          static_cast<size_t>(round + i % 500));
    }
    for (int i = 0; i < 2000; i += 3) table.erase(std::string(static_cast<size_t>(i) % 300, 'k') + std::to_string(i));
    const std::lock_guard<std::mutex> alone(at_the_breakpoint);
    look_here(own);
  }
}

}  // namespace

int main(int, char** arguments) {
  const int rounds = std::atoi(arguments[1]);
  std::vector<std::thread> threads;
  for (int own = 0; own < kThreads; own++) threads.emplace_back(work, own, rounds);
  for (std::thread& thread : threads) thread.join();
  std::puts("done");
}
