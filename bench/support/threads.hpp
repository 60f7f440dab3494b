#pragma once

#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "support/failure.hpp"

namespace hakmem::bench {

/// Adds a running thread to `threads`. Threads that already run and wait for others cannot be called back, so one that
/// cannot be started ends the program.
template <class Body>
void start_thread(std::vector<std::jthread>& threads, Body body) {
  try {
    threads.emplace_back(std::move(body));
  } catch (const std::system_error& error) {
    die(("cannot start a thread: " + std::string(error.what())).c_str());
  }
}

}  // namespace hakmem::bench
