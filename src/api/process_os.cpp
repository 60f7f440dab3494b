#include "api/process_os.hpp"

namespace hakmem {

constinit std::atomic<std::uint32_t> ProcessOs::wanted_{0};

namespace {

constexpr std::uint32_t bit(EventKind kind) noexcept { return std::uint32_t{1} << static_cast<unsigned>(kind); }

constexpr std::uint32_t kinds_of(EventLog log) noexcept {
  switch (log) {
    case EventLog::kAcquire: return bit(EventKind::kAcquire);
    case EventLog::kFree: return bit(EventKind::kRelease) | bit(EventKind::kOffer) | bit(EventKind::kRetire);
    case EventLog::kLru:
      return bit(EventKind::kSuperSlabPut) | bit(EventKind::kSuperSlabTake) | bit(EventKind::kSuperSlabUnmap);
    case EventLog::kOutbox: break;
  }
  return bit(EventKind::kOutboxSend) | bit(EventKind::kOutboxDrain) | bit(EventKind::kSpill);
}

constexpr const char* name_of(EventKind kind) noexcept {
  switch (kind) {
    case EventKind::kAcquire: return "acquire";
    case EventKind::kRelease: return "release";
    case EventKind::kOffer: return "offer";
    case EventKind::kRetire: return "retire";
    case EventKind::kSuperSlabPut: return "lru_put";
    case EventKind::kSuperSlabTake: return "lru_take";
    case EventKind::kSuperSlabUnmap: return "lru_unmap";
    case EventKind::kOutboxSend: return "outbox_send";
    case EventKind::kOutboxDrain: return "outbox_drain";
    case EventKind::kSpill: return "spill";
    case EventKind::kCount: break;
  }
  return "?";
}

/// What a line says beside the name.
void describe(linux_detail::Line& line, const Event& event) noexcept {
  const void* address = reinterpret_cast<const void*>(event.address);
  switch (event.kind) {
    case EventKind::kAcquire:
      line << " class=" << event.size_class << " stage=" << event.detail << " superslab=" << address
           << " slot=" << event.slot << " slots=" << event.count;
      return;
    case EventKind::kRelease:
    case EventKind::kOffer:
      line << " class=" << event.size_class << " superslab=" << address << " slot=" << event.slot
           << " slots=" << event.count;
      return;
    case EventKind::kRetire:
    case EventKind::kSuperSlabPut:
    case EventKind::kSuperSlabTake: line << " superslab=" << address; return;
    case EventKind::kSuperSlabUnmap: line << " superslab=" << address << " reason=" << event.detail; return;
    case EventKind::kOutboxSend:
      line << " class=" << event.size_class << " slab=" << address << " blocks=" << event.count;
      return;
    case EventKind::kOutboxDrain: line << " chains=" << event.count; return;
    case EventKind::kSpill: line << " class=" << event.size_class << " kept=" << event.count; return;
    case EventKind::kCount: return;
  }
}

}  // namespace

void ProcessOs::listen(EventLog log, bool on) noexcept {
  // Relaxed: a switch orders nothing.
  on ? wanted_.fetch_or(kinds_of(log), std::memory_order_relaxed)
     : wanted_.fetch_and(~kinds_of(log), std::memory_order_relaxed);
}

void ProcessOs::note(const Event& event) noexcept {
  const linux_detail::KeepErrno keep;
  linux_detail::Line line;
  line << "hakmem: " << name_of(event.kind);
  describe(line, event);
  line.print();
}

}  // namespace hakmem
