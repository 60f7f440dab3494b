#pragma once
/// Decoders of the shipping words: values as what they mean.

#include <cstdint>
#include <string>

namespace hakmem::model {

/// "asleep", or "awake with 2 from #3": so many blocks from that granule of their slab on.
std::string remote_word_of(std::uint64_t word);

/// "ACTIVE EMPTY": the state of each slot, from slot 0 on.
std::string slot_word_of(std::uint64_t word);

/// "{0 2}": the bits that are set.
std::string bitmap_word_of(std::uint64_t word);

}  // namespace hakmem::model
