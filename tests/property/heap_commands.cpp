#include "heap_commands.hpp"

#include <rapidcheck/state.h>

#include <ostream>

#include "support/draw.hpp"

namespace hakmem::test {

namespace {

/// What the commands refer to. A group is the blocks of one command.
struct HeapModel {
  struct Group {
    std::size_t blocks;
    std::size_t bytes;
  };

  explicit HeapModel(Dimensions d) : dimensions(std::make_shared<const Dimensions>(std::move(d))) {}

  [[nodiscard]] std::size_t live_bytes() const {
    std::size_t sum = 0;
    for (const auto& [number, group] : groups) sum += group.bytes;
    return sum;
  }

  std::shared_ptr<const Dimensions> dimensions;  ///< shared: shrinking outlives the case
  std::map<int, Group> groups;
  int next = 0;
};

using HeapCommand = rc::state::Command<HeapModel, Shadow>;

unsigned any_context() { return draw::in_range(0u, AnyHeap::kContexts); }
unsigned any_context_or_none() { return draw::in_range(0u, AnyHeap::kContexts + 1); }

/// Small sizes, class boundaries, large ones, direct mappings, and impossible ones.
std::size_t any_bytes(const Dimensions& d) {
  const int kind = draw::in_range(0, 32);
  if (kind < 12) return draw::in_range<std::size_t>(0, d.small_max + 1);
  if (kind < 24) return draw::element_of(d.class_bytes) + 1 - draw::in_range<std::size_t>(0, 3);
  if (kind < 28) return draw::in_range<std::size_t>(1, d.large_max + 1);
  if (kind < 31) return d.large_max + draw::in_range<std::size_t>(1, 2 * d.large_max);
  return AnyHeap::kMaxBytes + draw::element<std::size_t>({0, 1, AnyHeap::kMaxBytes + 1});
}

class Allocate : public HeapCommand {
 public:
  explicit Allocate(const HeapModel& model)
      : group_(model.next),
        context_(any_context()),
        request_(draw::element({Request::kPlain, Request::kPlain, Request::kZeroed, Request::kAligned})),
        bytes_(any_bytes(*model.dimensions)),
        count_(draw::in_range<std::size_t>(1, model.dimensions->most_blocks + 1)) {
    if (request_ == Request::kAligned) {
      const int bits = std::countr_zero(model.dimensions->largest_alignment);
      alignment_ = std::size_t{1} << draw::in_range(0, bits + 1);
    }
    count_ = std::min(count_, std::max<std::size_t>(1, model.dimensions->most_bytes / footprint()));
  }

  void checkPreconditions(const HeapModel& model) const override {
    RC_PRE(model.groups.count(group_) == 0u);
    RC_PRE(is_huge() || model.live_bytes() + count_ * footprint() <= model.dimensions->most_live);
  }
  void apply(HeapModel& model) const override {
    model.groups[group_] = {count_, is_huge() ? 0 : count_ * footprint()};
    model.next = std::max(model.next, group_ + 1);
  }
  void run(const HeapModel&, Shadow& shadow) const override {
    shadow.allocate(context_, group_, request_, bytes_, alignment_, count_);
  }
  void show(std::ostream& out) const override {
    out << "context " << context_ << ": group " << group_ << " = " << count_ << " x ";
    if (request_ == Request::kZeroed) out << "zeroed ";
    if (request_ == Request::kAligned) out << alignment_ << "-aligned ";
    out << bytes_;
  }

 private:
  [[nodiscard]] bool is_huge() const { return bytes_ >= AnyHeap::kMaxBytes; }
  /// Address space that a block may take.
  [[nodiscard]] std::size_t footprint() const { return is_huge() ? bytes_ : std::max(bytes_, alignment_) + alignment_; }

  int group_;
  unsigned context_;
  Request request_;
  std::size_t bytes_;
  std::size_t alignment_ = 1;
  std::size_t count_;
};

/// A command on a group that exists.
class GroupCommand : public HeapCommand {
 public:
  explicit GroupCommand(const HeapModel& model) {
    RC_PRE(!model.groups.empty());
    const auto& [number, group] = draw::element_of(model.groups);
    group_ = number;
    index_ = draw::in_range<std::size_t>(0, group.blocks);
    blocks_ = group.blocks;
  }
  void checkPreconditions(const HeapModel& model) const override { RC_PRE(model.groups.count(group_) == 1u); }

 protected:
  int group_ = -1;
  std::size_t index_ = 0;
  std::size_t blocks_ = 0;
};

class Free : public GroupCommand {
 public:
  explicit Free(const HeapModel& model)
      : GroupCommand(model),
        context_(any_context_or_none()),
        count_(draw::boolean() ? draw::in_range<std::size_t>(1, blocks_ + 1) : blocks_) {}

  void apply(HeapModel& model) const override {
    auto& group = model.groups.at(group_);
    if (count_ >= group.blocks) {
      model.groups.erase(group_);
    } else {
      group.blocks -= count_;
    }
  }
  void run(const HeapModel&, Shadow& shadow) const override { shadow.free(context_, group_, index_, count_); }
  void show(std::ostream& out) const override {
    out << (context_ == AnyHeap::kStandIn ? "no context" : "context " + std::to_string(context_)) << ": free " << count_
        << " of group " << group_ << " from " << index_;
  }

 private:
  unsigned context_;
  std::size_t count_;
};

class Resize : public GroupCommand {
 public:
  explicit Resize(const HeapModel& model)
      : GroupCommand(model), context_(any_context()), bytes_(std::max<std::size_t>(1, any_bytes(*model.dimensions))) {}

  void checkPreconditions(const HeapModel& model) const override {
    GroupCommand::checkPreconditions(model);
    RC_PRE(is_huge() || model.live_bytes() + bytes_ <= model.dimensions->most_live);
  }
  void apply(HeapModel& model) const override {
    if (!is_huge()) model.groups.at(group_).bytes += bytes_;
  }
  void run(const HeapModel&, Shadow& shadow) const override { shadow.resize(context_, group_, index_, bytes_); }
  void show(std::ostream& out) const override {
    out << "context " << context_ << ": resize block " << index_ << " of group " << group_ << " to " << bytes_;
  }

 private:
  [[nodiscard]] bool is_huge() const { return bytes_ >= AnyHeap::kMaxBytes; }

  unsigned context_;
  std::size_t bytes_;
};

class Detach : public HeapCommand {
 public:
  void run(const HeapModel&, Shadow& shadow) const override { shadow.detach(context_); }
  void show(std::ostream& out) const override { out << "context " << context_ << ": detach"; }

 private:
  unsigned context_ = any_context();
};

class Trim : public HeapCommand {
 public:
  void run(const HeapModel&, Shadow& shadow) const override { shadow.trim(context_); }
  void show(std::ostream& out) const override { out << "context " << context_ << ": trim"; }

 private:
  unsigned context_ = any_context_or_none();
};

class CheckEverything : public HeapCommand {
 public:
  void run(const HeapModel&, Shadow& shadow) const override { shadow.check_everything(); }
  void show(std::ostream& out) const override { out << "check all contents"; }
};

class Refuse : public HeapCommand {
 public:
  void run(const HeapModel&, Shadow& shadow) const override { shadow.refuse(call_, nth_, times_); }
  void show(std::ostream& out) const override {
    const char* calls[] = {"reserve", "release", "decommit", "resize", "move", "metadata"};
    out << "refuse call " << nth_ << " of " << calls[static_cast<unsigned>(call_)] << ", " << times_ << " times";
  }

 private:
  OsCall call_ = draw::element(
      {OsCall::kReserve, OsCall::kReserve, OsCall::kDecommit, OsCall::kResize, OsCall::kMove, OsCall::kMetadata});
  std::uint64_t nth_ = draw::in_range<std::uint64_t>(1, 4);
  std::uint64_t times_ = draw::in_range<std::uint64_t>(1, 6);
};

using AnyCommand = std::function<rc::Gen<std::shared_ptr<const HeapCommand>>(const HeapModel&)>;

template <class... Refusals>
AnyCommand any_command() {
  return rc::state::gen::execOneOfWithArgs<Allocate, Allocate, Allocate, Allocate, Free, Free, Free, Free, Free, Resize,
                                           Detach, Trim, CheckEverything, Refusals...>();
}

}  // namespace

std::function<void()> keeps_its_promises(const MakeHeap& make_heap, Coverage& coverage, unsigned refusals) {
  return [&coverage, make_heap, refusals] {
    Shadow shadow(make_heap(), coverage);
    const HeapModel model(shadow.heap().dimensions());
    const AnyCommand any = refusals == 0   ? any_command<>()
                           : refusals == 1 ? any_command<Refuse>()
                                           : any_command<Refuse, Refuse>();
    const auto commands = *rc::gen::scale(2.0, rc::state::gen::commands(model, any));
    rc::state::runAll(commands, model, shadow);
    shadow.finish();
  };
}

}  // namespace hakmem::test
