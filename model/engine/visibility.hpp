#pragma once
/// Which atomics matter to the order of threads: a reduction of exhaustive searches.
///
/// A step on an atomic that only one thread uses, or that nobody writes to while the threads run, commutes with every
/// step of the other threads: to switch threads before it shows nothing that a switch before the next step would not
/// show. So the search does not branch there. It is learned which atomics those are, by address (scenarios live at
/// fixed ones). When an execution shows that an atomic does matter, the search begins anew, now branching there: the
/// executions up to that point were explored as if it did not, and are equal to ones in which it did not yet.
///
/// Steps that only read a variable, and set-up and judgement, are not affected. A scenario with an invariant is not
/// reduced, as it looks at every state.

#include <cstddef>
#include <cstdint>

namespace hakmem::model {

class Visibility {
 public:
  /// What is known of the atomic at an address.
  struct Entry {
    std::uintptr_t address = 0;
    std::uint32_t users = 0;  ///< a bit for each thread that has used it
    bool written = false;     ///< while the threads ran
    bool branches = false;    ///< the search branches there
  };

  /// The entry of an address; made when there is none. Never null: what does not fit shares an entry that branches.
  static Entry& of(const void* atomic) noexcept;

  /// Notes a step of a thread, while the threads run.
  static void note(Entry& entry, unsigned thread, bool writes) noexcept {
    entry.users |= 1u << thread;
    entry.written |= writes;
    if (!entry.branches && entry.written && (entry.users & (entry.users - 1)) != 0) [[unlikely]]
      outdated_ = true;
  }

  /// Forgets everything: before a search.
  static void forget() noexcept;
  /// Whether an execution has shown that an atomic matters at which the search does not branch.
  [[nodiscard]] static bool outdated() noexcept { return outdated_; }
  /// Branches where it has been shown that it matters: before the search begins anew.
  static void update() noexcept;

  /// Whether steps are noted and reduced at the moment: inside an execution, while the threads run.
  static inline bool noting = false;
  static inline bool reducing = false;
  /// The step that begins now does not branch.
  static inline bool stay = false;

 private:
  static constexpr std::size_t kEntries = 8192;
  static inline bool outdated_ = false;
  static Entry entries_[kEntries];
  static Entry overflow_;
};

}  // namespace hakmem::model
