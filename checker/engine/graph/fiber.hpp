#pragma once
/// A stack of its own to run a function on, which gives way and goes on. Entered once by the system's calls, which are
/// slow, and switched by jumps, which are not.

#include <ucontext.h>

#include <csetjmp>
#include <cstddef>
#include <functional>

namespace check::graph {

class Fiber {
 public:
  /// \param body is run once after each start(); must live as long
  /// \throws std::bad_alloc when there is no memory for the stack
  explicit Fiber(std::function<void()> body);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// The next resume() runs the body from its beginning. What is in the middle of it is abandoned, without destructors.
  void start() noexcept { begins_ = true; }
  /// Runs the body until it gives way or ends. To be called from the stack that made the fiber. \return whether it goes on
  bool resume() noexcept;
  /// To be called on the fiber: back to who has resumed it.
  void give_way() noexcept;

 private:
  static constexpr std::size_t kStackBytes = std::size_t{256} << 10;
  static constexpr std::size_t kGuardBytes = std::size_t{64} << 10;  ///< a page of any system

  static void enter(unsigned high, unsigned low);
  void loop();

  std::function<void()> body_;
  std::byte* stack_;
  ucontext_t first_, outside_;
  std::jmp_buf entry_, here_, caller_;
  bool entered_ = false;
  bool begins_ = true;
  bool ended_ = false;
};

}  // namespace check::graph
