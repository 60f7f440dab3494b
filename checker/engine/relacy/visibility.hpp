#pragma once
/// What commutes: the knowledge behind the reduction of exhaustive searches.
///
/// Two steps of different threads commute unless both are on one atomic and one of them writes. A step is an operation
/// on an atomic and what its thread does up to its next one; accesses to plain variables in between commute or race,
/// and races are found in either order. Calls of the simulated system do not commute, as its addresses and failures
/// depend on their order: a site behind which there was one is *ordered*, and its steps commute with no other ordered
/// one.
///
/// The search uses it twice. A step on an atomic that one thread alone uses, or that nobody writes to while the threads
/// run, commutes with every step of the others: the search does not branch there. Elsewhere it keeps sleep sets, see
/// scheduler.hpp.
///
/// Which atomics and sites those are is learned, atomics by address (scenarios live at fixed ones). When an execution
/// shows that one matters of which the search did not know, the search begins anew.
///
/// A scenario with an invariant is not reduced, as it looks at every state.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/sites.hpp"

namespace check {

class Visibility {
 public:
  static constexpr unsigned kMostThreads = 4;

  /// What is known of the atomic at an address.
  struct Usage {
    std::uintptr_t address = 0;
    std::uint32_t users = 0;  ///< a bit for each thread that has used it
    bool written = false;     ///< while the threads ran
    bool branches = false;    ///< the search branches there
  };

  /// The step that a thread takes when it runs next.
  struct Step {
    enum class Kind : std::uint8_t {
      kLocal,    ///< up to its first operation, or from a yield to the next one
      kAtomic,   ///< an operation on `usage`
      kUnknown,  ///< anything: commutes with nothing
    };
    Kind kind = Kind::kLocal;
    bool writes = false;
    bool ordered = false;
    const Usage* usage = nullptr;
  };

  /// The usage of an address; made when there is none. Never null: what does not fit shares one that branches.
  static Usage& of(const void* atomic) noexcept;

  /// Notes that a thread is about to operate on an atomic, while the threads run.
  static void note(Usage& usage, unsigned thread, Operation operation, Site& site) noexcept {
    const bool writes = operation != Operation::kLoad;
    usage.users |= 1u << thread;
    usage.written |= writes;
    if (!usage.branches && usage.written && matters(usage)) [[unlikely]]
      outdated_ = true;
    next_[thread] = {Step::Kind::kAtomic, writes, site.ordered, &usage};
    announced_[thread] = true;
    latest_[thread] = &site;
    stay = reducing && !usage.branches && !site.ordered;
  }

  /// Notes of which site a thread's operation is, where the other engine runs.
  static void note_site(unsigned thread, Site& site) noexcept { latest_[thread] = &site; }

  /// Notes that a thread stops the others where they are: then every step matters that writes, as what it has written
  /// is what is found.
  static void note_fork() noexcept {
    if (!forks_) outdated_ = true;
    forks_ = true;
  }

  /// Notes that a thread calls the simulated system.
  static void note_system_call() noexcept;

  /// Before each execution, set-up included.
  static void begin() noexcept;

  /// A thread asks for the next choice: what it did not announce is unknown.
  static void stands_before_step(unsigned thread) noexcept {
    if (!announced_[thread]) next_[thread] = {Step::Kind::kUnknown, true, true, nullptr};
    announced_[thread] = false;
  }
  /// The thread's step commutes with all others, unless the simulated system is called in such a step.
  static void announce_local_step(unsigned thread) noexcept {
    latest_[thread] = nullptr;
    if (local_is_ordered_) return;
    next_[thread] = {};
    announced_[thread] = true;
  }
  /// The site of the thread's latest operation, which may still be ahead of it; nullptr before its first one.
  [[nodiscard]] static const Site* latest(unsigned thread) noexcept { return latest_[thread]; }
  [[nodiscard]] static const Step& next(unsigned thread) noexcept { return next_[thread]; }

  [[nodiscard]] static bool commute(const Step& a, const Step& b) noexcept {
    if (a.kind == Step::Kind::kUnknown || b.kind == Step::Kind::kUnknown || (a.ordered && b.ordered)) return false;
    if (a.kind == Step::Kind::kLocal || b.kind == Step::Kind::kLocal) return true;
    return a.usage != b.usage || (!a.writes && !b.writes);
  }

  /// Forgets everything: before a search.
  static void forget() noexcept;
  /// Whether an execution has shown that something matters of which the search does not know.
  [[nodiscard]] static bool outdated() noexcept { return outdated_; }
  /// Takes in what has been shown: before the search begins anew.
  static void update() noexcept;

  /// What is known, as a line of text, for another process with the same program.
  [[nodiscard]] static std::string knowledge();
  /// \param text is_knowledge
  static void recall(const std::string& text);
  /// Whether a text can be what `knowledge` has said.
  [[nodiscard]] static bool is_knowledge(const std::string& text);
  /// What several processes know, each text is_knowledge, together; empty when all of them know the same that is in
  /// `texts[0]`.
  [[nodiscard]] static std::string united(const std::vector<std::string>& texts);

  /// Whether steps are noted and reduced at the moment: inside an execution, while the threads run.
  static inline bool noting = false;
  static inline bool reducing = false;
  /// The step that begins now does not branch.
  static inline bool stay = false;

 private:
  static constexpr std::size_t kUsages = 8192;

  [[nodiscard]] static bool matters(const Usage& usage) noexcept {
    return (usage.users & (usage.users - 1)) != 0 || forks_;
  }

  static inline bool outdated_ = false;
  static inline bool local_is_ordered_ = false;
  static inline bool forks_ = false;
  static Step next_[kMostThreads];
  static bool announced_[kMostThreads];
  static Site* latest_[kMostThreads];
  static Usage usages_[kUsages];
  static Usage overflow_;
};

}  // namespace check
