/// The mailbox: two threads put letters in, a third takes them out.

#include "check/check.hpp"
#include "mailbox.hpp"

namespace {

struct Checked {
  template <class T>
  using Atomic = check::Atomic<T>;
  template <class T>
  using Plain = check::Variable<T>;
};

constexpr check::Place kPut{"mailbox.hpp", "put", check::Operation::kCompareExchange};
constexpr check::Place kPutDown{"mailbox.hpp", "put", check::Operation::kStore};
constexpr check::Place kLook{"mailbox.hpp", "take", check::Operation::kLoad};

struct Letters : check::Scenario {
  static constexpr unsigned kThreads = 3;

  void thread(unsigned index) override {
    if (index != 2) {
      if (box.put(1)) ++sent;
      return;
    }
    for (unsigned i = 0; i < 2; ++i) receive();
  }
  void after() override {
    receive();
    check::require(received == sent, "conserved: a letter is lost or taken twice");
  }

  void receive() {
    if (const std::optional<int> letter = box.take()) received += static_cast<unsigned>(*letter);
  }

  Mailbox<Checked> box;
  unsigned sent = 0;  ///< the judge's, as is
  unsigned received = 0;
};

const check::Registered letters{
    check::Suite::of<Letters>("mailbox/letters", "each letter is taken once, with what it says")
        .quick({check::full()})
        .broken("put_does_not_release", check::weaken(kPutDown, std::memory_order_relaxed))
        .as("DATA RACE")
        .broken("take_does_not_acquire", check::weaken(kLook, std::memory_order_relaxed))
        .as("DATA RACE")
        .broken("put_is_not_atomic", check::split(kPut))};

}  // namespace
