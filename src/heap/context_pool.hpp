#pragma once
/// Floor 5. The pool of thread contexts. Two tokens belong to each: who takes *parked* uses the context, who takes
/// *posts* may take slabs out of its inbox for good, whoever uses it.

#include "heap/thread_context.hpp"
#include "layout/descriptor_table.hpp"
#include "sync/counter.hpp"

namespace hakmem {

template <class Config>
class ContextPool {
  using Os = typename Config::Os;
  using Context = ThreadContext<Config>;
  enum Mark : unsigned { kParked, kPosts, kMarks };

 public:
  /// Adopts a parked context whole, or makes a new one. Any thread. \return nullptr when there is no memory.
  [[nodiscard]] Context* adopt(Os& os) noexcept {
    Context* context = contexts_.take_marked(kParked);
    if (context == nullptr) context = make(os);
    if (context == nullptr) return nullptr;
    context->attached.set(true);
    adopted_.add();
    return context;
  }

  /// Leaves a context to the next thread. Its owner, who must not touch it afterwards.
  void park(Context& context) noexcept {
    parked_.add();
    contexts_.set_mark(kParked, context.index.get());
  }

  /// Takes each parked context in turn, lets `visit(Context&)` work on it as its owner, and parks it again. Any thread.
  template <class Visit>
  void visit_parked(Visit visit) noexcept {
    contexts_.visit_tokens(kParked, visit);
  }

  /// Takes one context, if it is parked: the caller is its owner until it calls `give_back`. Any thread.
  [[nodiscard]] bool borrow(std::uint32_t index) noexcept { return contexts_.take_mark(kParked, index); }
  void give_back(std::uint32_t index) noexcept { contexts_.set_mark(kParked, index); }

  /// Calls `visit(Context&)` for every context whose posts nobody else is at; nobody else is until the call returns.
  /// Any thread. Of the context only the inbox may be used, if it is not the caller's.
  template <class Visit>
  void visit_posts(Visit visit) noexcept {
    contexts_.visit_tokens(kPosts, visit);
  }

  /// Takes a context's posts: until `give_back_posts` no other thread takes slabs out of its inbox for good. Any
  /// thread.
  /// \return false when another thread is at it.
  [[nodiscard]] bool take_posts(std::uint32_t index) noexcept { return contexts_.take_mark(kPosts, index); }
  void give_back_posts(std::uint32_t index) noexcept { contexts_.set_mark(kPosts, index); }

  /// Calls `visit(Context&)` for every context, whoever uses it. Any thread; only statistics may be read.
  template <class Visit>
  void visit_all(Visit visit) noexcept {
    contexts_.visit_all(visit);
  }

  /// Contexts made so far: the largest number of threads at one time, or slightly more.
  [[nodiscard]] std::uint32_t size() const noexcept { return contexts_.size(); }

  /// Contexts that threads use at the moment. Any thread; out of date by what others do meanwhile.
  [[nodiscard]] std::uint32_t in_use() const noexcept {
    const std::uint64_t parked = parked_.get();
    const std::uint64_t adopted = adopted_.get();
    return adopted > parked ? static_cast<std::uint32_t>(adopted - parked) : 0;
  }

 private:
  [[nodiscard]] Context* make(Os& os) noexcept {
    Context* context = contexts_.append(os);
    if (context != nullptr) contexts_.set_mark(kPosts, context->index.get());
    return context;
  }

  DescriptorTable<Config, Context, kMarks> contexts_;
  Counter<typename Config::Sync> adopted_;
  Counter<typename Config::Sync> parked_;
};

}  // namespace hakmem
