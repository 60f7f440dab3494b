#pragma once
/// What can be done with a heap, in any order, as RapidCheck commands on a Shadow.

#include <functional>
#include <memory>

#include "shadow.hpp"

namespace hakmem::test {

using MakeHeap = std::function<std::unique_ptr<AnyHeap>()>;

/// Whatever is done with a heap, in whatever order: its blocks do not overlap, are aligned, keep their contents, have
/// the size they should, are zero when they should be, and in the end nothing is left.
/// \param refusals how often calls to the system are refused: 0, 1 or 2
[[nodiscard]] std::function<void()> keeps_its_promises(const MakeHeap& make_heap, Coverage& coverage,
                                                       unsigned refusals = 0);

}  // namespace hakmem::test
