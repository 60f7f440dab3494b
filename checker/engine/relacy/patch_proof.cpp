/// What the patch of the checker changes, seen from outside: the same programs, built against the installed headers and
/// against the patched ones. `patch_proof installed|patched` passes when the headers behave as the name says.

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>

#include "engine/relacy/relacy.hpp"

namespace {

#define HERE rl::debug_info(__func__, __FILE__, __LINE__)

/// A release store, continued by another thread's relaxed compare-and-swap, then a plain store by that thread. That
/// store is not part of the release sequence, so who reads it races for `data`.
struct StoreAfterSwap : rl::test_suite<StoreAfterSwap, 3> {
  rl::atomic<int> flag;
  rl::var<int> data;
  void before() { flag.store(0, rl::mo_relaxed, HERE); }
  void thread(unsigned index) {
    if (index == 0) {
      data(HERE) = 1;
      flag.store(1, rl::mo_release, HERE);
    } else if (index == 1) {
      int expected = 1;
      if (flag.compare_exchange_strong(expected, 2, rl::mo_relaxed, HERE)) flag.store(3, rl::mo_relaxed, HERE);
    } else if (flag.load(rl::mo_acquire, HERE) == 3) {
      (void)static_cast<int>(data(HERE));
    }
  }
};

/// A release store and a plain relaxed store of the same thread, which since C++20 ends the release sequence.
struct StoreAfterStore : rl::test_suite<StoreAfterStore, 2> {
  rl::atomic<int> flag;
  rl::var<int> data;
  void before() { flag.store(0, rl::mo_relaxed, HERE); }
  void thread(unsigned index) {
    if (index == 0) {
      data(HERE) = 1;
      flag.store(1, rl::mo_release, HERE);
      flag.store(2, rl::mo_relaxed, HERE);
    } else if (flag.load(rl::mo_acquire, HERE) == 2) {
      (void)static_cast<int>(data(HERE));
    }
  }
};

bool value_seen[10];

/// How old a value can be that is read when all four stores are known to be done.
struct OldValues : rl::test_suite<OldValues, 2> {
  rl::atomic<int> value;
  rl::atomic<int> done;
  int seen = -1;
  void before() {
    value.store(0, rl::mo_relaxed, HERE);
    done.store(0, rl::mo_relaxed, HERE);
  }
  void thread(unsigned index) {
    if (index == 0) {
      for (int i = 1; i <= 4; ++i) value.store(i, rl::mo_relaxed, HERE);
      done.store(1, rl::mo_relaxed, HERE);
    } else if (done.load(rl::mo_relaxed, HERE) == 1) {
      seen = value.load(rl::mo_relaxed, HERE);
    }
  }
  void after() {
    if (seen >= 0) value_seen[seen] = true;
  }
};

/// The same for a compare-and-swap that fails.
struct OldValueOfFailedSwap : OldValues {
  void thread(unsigned index) {
    if (index == 0) return OldValues::thread(index);
    if (done.load(rl::mo_relaxed, HERE) == 1) {
      seen = 9;
      (void)value.compare_exchange_strong(seen, 9, rl::mo_relaxed, HERE);
    }
  }
};

template <class Suite>
rl::test_result_e explore() {
  rl::ostringstream out;
  rl::test_params params;
  params.search_type = rl::sched_full;
  params.output_stream = &out;
  params.progress_stream = &out;
  rl::simulate<Suite>(params);
  return params.test_result;
}

/// Values that a search has seen.
template <class Suite>
std::ptrdiff_t values_of() {
  std::fill(std::begin(value_seen), std::end(value_seen), false);
  if (explore<Suite>() != rl::test_result_success) return 0;
  return std::count(std::begin(value_seen), std::end(value_seen), true);
}

bool check(const char* what, bool holds) {
  std::printf("%s: %s\n", what, holds ? "as expected" : "NOT AS EXPECTED");
  return holds;
}

bool check_all(bool patched) {
  const rl::test_result_e race = patched ? rl::test_result_data_race : rl::test_result_success;
  bool holds = check("race behind a store after a compare-and-swap", explore<StoreAfterSwap>() == race);
  holds &= check("race behind a store after a store", explore<StoreAfterStore>() == race);
  holds &= check("number of values that a load can read", values_of<OldValues>() == (patched ? 5 : 2));
  holds &=
      check("number of values that a failed swap can read", values_of<OldValueOfFailedSwap>() == (patched ? 5 : 1));
  return holds;
}

}  // namespace

int main(int argc, char** argv) {
  const bool installed = argc == 2 && std::strcmp(argv[1], "installed") == 0;
  const bool patched = argc == 2 && std::strcmp(argv[1], "patched") == 0;
  if (!installed && !patched) {
    std::fputs("usage: patch_proof installed|patched\n", stderr);
    return 2;
  }
  return check_all(patched) ? 0 : 1;
}
