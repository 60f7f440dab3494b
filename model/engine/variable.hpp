#pragma once
/// A plain shared variable that the checker watches: an access that races, or comes after destruction, ends the run.

#include <cstdint>
#include <ostream>
#include <type_traits>

#include "model/engine/relacy.hpp"
#include "model/engine/where.hpp"

namespace hakmem::model {

/// A place in the checker's own words.
inline rl::debug_info info_of(const Where& where) { return {where.function, where.file, where.line}; }

/// A line of a trace: somebody reads or writes something plain.
struct PlainEvent {
  const void* address;
  const char* what;  ///< "variable", "link", "payload"
  std::uintptr_t value;
  bool is_write;
  bool is_pointer;

  void output(std::ostream& out) const {
    out << "<" << std::hex << address << std::dec << "> " << (is_write ? "write " : "read ") << what << ", value=";
    if (is_pointer) {
      out << std::hex << "0x" << value << std::dec;
    } else {
      out << value;
    }
  }
};

/// A value for a trace.
template <class T>
std::uintptr_t trace_value(T value) noexcept {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<std::uintptr_t>(value);
  } else {
    return static_cast<std::uintptr_t>(value);
  }
}

/// What watches the accesses to one plain memory location.
class RaceCheck {
 public:
  RaceCheck() : data_(rl::ctx().var_ctor()) {}
  ~RaceCheck() { rl::ctx().var_dtor(data_); }
  RaceCheck(const RaceCheck&) = delete;
  RaceCheck& operator=(const RaceCheck&) = delete;

  /// The current thread makes the location valid; whoever has not synchronised with that races.
  void initialise() { data_->init(*rl::ctx().threadx_); }

  /// Records the access for a trace and ends the run when it races. \param event makes the line of the trace
  template <class Event>
  void access(bool is_write, const Where& where, const Event& event) const {
    rl::context& c = rl::ctx();
    if (c.invariant_executing) return;
    if (c.collecting_history()) [[unlikely]]
      c.exec_log(info_of(where), event());
    const bool ordered = is_write ? data_->store(*c.threadx_) : data_->load(*c.threadx_);
    if (!ordered) [[unlikely]]
      c.fail_test("data race detected", rl::test_result_data_race, info_of(where));
  }

 private:
  rl::var_data* data_;
};

/// A variable of the shipping headers' `Plain<T>`.
template <class T>
class Variable {
 public:
  Variable() : Variable(T{}) {}
  explicit Variable(T value) : value_(value) { check_.initialise(); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

  [[nodiscard]] T get(Where where = Where::here()) const {
    alive_.check(info_of(where));
    check_.access(false, where,
                  [this] { return PlainEvent{this, "variable", trace_value(value_), false, std::is_pointer_v<T>}; });
    return value_;
  }

  void set(T value, Where where = Where::here()) {
    alive_.check(info_of(where));
    check_.access(true, where, [this, value] {
      return PlainEvent{this, "variable", trace_value(value), true, std::is_pointer_v<T>};
    });
    value_ = value;
  }

 private:
  T value_;
  RaceCheck check_;
  rl::signature<0x5eedc0de> alive_;
};

}  // namespace hakmem::model
