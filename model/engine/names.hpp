#pragma once
/// Values of the shipping words in a trace, as what they mean.

#include <string>

namespace hakmem::model {

/// A line of a trace, with the numbers of a remote word, a slot word or a bitmap word replaced by their meaning:
/// "asleep", "2 blocks from #3", "ACTIVE EMPTY", "{0 2}". Which word it is, is known by the header that the line names.
/// Blocks are numbered by granules from their slab's base, slots and bits from 0.
std::string with_names(const std::string& line);

}  // namespace hakmem::model
