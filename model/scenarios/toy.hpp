#pragma once
/// What the scenarios of the lock-free words have in common: a few blocks, and who has them.

#include <cstddef>
#include <cstdint>

#include "model/check.hpp"
#include "model/system/relacy_sync.hpp"

namespace hakmem::model {

/// `kCount` blocks of 32 bytes in mapped memory. The first word of a block is also its link, the second half carries a
/// message from who frees it to who gets it next. Whose a block is, is known to the judge alone: it is no shared
/// memory.
template <unsigned kCount>
class ToyBlocks {
 public:
  static constexpr unsigned kGranuleShift = 5;
  static constexpr std::size_t kBytes = std::size_t{1} << kGranuleShift;

  ToyBlocks() { SimulatedMemory::map(base(), kCount * kBytes, Where::here()); }

  [[nodiscard]] static std::uintptr_t base() { return SimulatedMemory::page_base(); }
  [[nodiscard]] static void* at(unsigned i) { return reinterpret_cast<void*>(base() + i * kBytes); }

  /// The user of a block fills it, as its last act before the free.
  void use_and_give_up(unsigned i) {
    payload_write(at(i), i);
    payload_write(message(at(i)), kMessage + i);
    free_[i] = true;
  }

  /// Who gets a block out of a free list owns it (I1), sees what was written before the free (I5), and writes to it.
  void receive(void* block) {
    const auto i = static_cast<unsigned>((reinterpret_cast<std::uintptr_t>(block) - base()) / kBytes);
    require(i < kCount && at(i) == block, "I1 exclusive: a free list holds what is no block");
    require(free_[i], "I1 exclusive: a block is out twice");
    free_[i] = false;
    ++received_;
    require(payload_read(message(block)) == kMessage + i, "I5 visible: what was written before the free is lost");
    payload_write(message(block), 0);
    payload_write(block, 0);
  }

  /// Walks a chain and receives its blocks. \return how many.
  unsigned receive_chain(void* block) {
    unsigned count = 0;
    while (block != nullptr) {
      require(count < kCount, "I1 exclusive: a chain bites its tail");
      void* next = RelacySync::load_link(block);
      receive(block);
      block = next;
      ++count;
    }
    return count;
  }

  [[nodiscard]] unsigned received() const { return received_; }

 private:
  static constexpr std::uintptr_t kMessage = 100;
  static void* message(void* block) { return static_cast<char*>(block) + SimulatedMemory::kCellBytes; }

  bool free_[kCount] = {};
  unsigned received_ = 0;
};

}  // namespace hakmem::model
