#pragma once
/// A plain shared variable that the checker watches: an access that races, or comes after destruction, ends the run.

#include <cstdint>
#include <type_traits>

#include "core/where.hpp"

namespace check {

/// Somebody reads or writes something plain.
struct PlainEvent {
  const void* address;
  const char* what;  ///< "variable", "link", "payload"
  std::uintptr_t value;
  bool is_write;
  bool is_pointer;
  bool is_unmap = false;  ///< of simulated memory, which counts as a write
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
  RaceCheck();
  ~RaceCheck();
  RaceCheck(const RaceCheck&) = delete;
  RaceCheck& operator=(const RaceCheck&) = delete;

  /// The current thread makes the location valid; whoever has not synchronised with that races.
  void initialise();

  /// Records the access for a trace and ends the run when it races.
  void access(const PlainEvent& event, const Where& where) const;

 private:
  void* data_;  ///< the engine's
};

/// Knows whether the object that it is a part of has been destroyed.
class Alive {
 public:
  Alive() = default;
  ~Alive() {
    check(Where::here());
    mark_ = 0;
  }
  Alive(const Alive&) = delete;
  Alive& operator=(const Alive&) = delete;

  /// Ends the run unless the object exists. Next to address 0 there is none.
  void check(const Where& where) const {
    if (reinterpret_cast<std::uintptr_t>(this) - kNowhere >= ~std::uintptr_t{0} - 2 * kNowhere || mark_ != kMark)
        [[unlikely]]
      fail(where);
  }

 private:
  static constexpr std::uintptr_t kNowhere = 4096;
  static constexpr std::uint32_t kMark = 0x5eedc0de;
  void fail(const Where& where) const;

  std::uint32_t mark_ = kMark;
};

/// A plain variable behind get and set, so that every access is watched.
template <class T>
class Variable {
 public:
  Variable() : Variable(T{}) {}
  explicit Variable(T value) : value_(value) { check_.initialise(); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

  [[nodiscard]] T get(Where where = Where::here()) const {
    alive_.check(where);
    check_.access(event(value_, false), where);
    return value_;
  }

  void set(T value, Where where = Where::here()) {
    alive_.check(where);
    check_.access(event(value, true), where);
    value_ = value;
  }

 private:
  PlainEvent event(T value, bool is_write) const {
    return {this, "variable", trace_value(value), is_write, std::is_pointer_v<T>};
  }

  T value_;
  RaceCheck check_;
  Alive alive_;
};

}  // namespace check
