#pragma once
/// Short names for what broken variants are made of.

#include <atomic>

#include "model/check.hpp"

namespace hakmem::model {

using enum check::Operation;

inline constexpr auto kRelaxed = std::memory_order_relaxed;
inline constexpr auto kAcquire = std::memory_order_acquire;
inline constexpr auto kRelease = std::memory_order_release;
inline constexpr auto kAcqRel = std::memory_order_acq_rel;

}  // namespace hakmem::model
