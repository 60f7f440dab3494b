/// operator new and operator delete in all forms.

#include <cstdlib>
#include <new>
#include <set>

#include "promise.hpp"
#include "support.hpp"

namespace hakmem::conformance {
namespace {

// All forms ----------------------------------------------------------------------------------------------------------

/// One form of operator new with one form of operator delete that takes its blocks.
struct Form {
  const char* name;
  void* (*allocate)(std::size_t bytes, std::size_t alignment);
  void (*release)(void* block, std::size_t bytes, std::size_t alignment);
  bool is_aligned;
  bool is_nothrow;
};

constexpr std::align_val_t align_value(std::size_t alignment) { return static_cast<std::align_val_t>(alignment); }

#define NEW(...) +[](std::size_t bytes, [[maybe_unused]] std::size_t a) { return opaque(__VA_ARGS__); }
#define DELETE(...) \
  +[](void* block, [[maybe_unused]] std::size_t bytes, [[maybe_unused]] std::size_t a) { __VA_ARGS__; }

const std::vector<Form>& forms() {
  static const std::vector<Form> all = {
      {"new, delete", NEW(::operator new(bytes)), DELETE(::operator delete(block)), false, false},
      {"new, delete(size)", NEW(::operator new(bytes)), DELETE(::operator delete(block, bytes)), false, false},
      {"new[], delete[]", NEW(::operator new[](bytes)), DELETE(::operator delete[](block)), false, false},
      {"new[], delete[](size)", NEW(::operator new[](bytes)), DELETE(::operator delete[](block, bytes)), false, false},
      {"new(align), delete(align)", NEW(::operator new(bytes, align_value(a))),
       DELETE(::operator delete(block, align_value(a))), true, false},
      {"new(align), delete(size, align)", NEW(::operator new(bytes, align_value(a))),
       DELETE(::operator delete(block, bytes, align_value(a))), true, false},
      {"new[](align), delete[](align)", NEW(::operator new[](bytes, align_value(a))),
       DELETE(::operator delete[](block, align_value(a))), true, false},
      {"new[](align), delete[](size, align)", NEW(::operator new[](bytes, align_value(a))),
       DELETE(::operator delete[](block, bytes, align_value(a))), true, false},
      {"new(nothrow), delete(nothrow)", NEW(::operator new(bytes, std::nothrow)),
       DELETE(::operator delete(block, std::nothrow)), false, true},
      {"new[](nothrow), delete[](nothrow)", NEW(::operator new[](bytes, std::nothrow)),
       DELETE(::operator delete[](block, std::nothrow)), false, true},
      {"new(align, nothrow), delete(align, nothrow)", NEW(::operator new(bytes, align_value(a), std::nothrow)),
       DELETE(::operator delete(block, align_value(a), std::nothrow)), true, true},
      {"new[](align, nothrow), delete[](align, nothrow)", NEW(::operator new[](bytes, align_value(a), std::nothrow)),
       DELETE(::operator delete[](block, align_value(a), std::nothrow)), true, true},
  };
  return all;
}

#undef NEW
#undef DELETE

REQUIRED(New, EveryFormGivesDisjointBlocks, "C++ [new.delete]") {
  for (const auto& form : forms()) {
    std::vector<Filled> blocks;
    for (const std::size_t size : edge_sizes(2 * kMiB)) {
      blocks.push_back(filled(form.allocate(size, 64), size, size));
      ASSERT_NE(blocks.back().block, nullptr) << form.name << " of " << size << " bytes";
    }
    for (const auto& block : blocks) {
      ASSERT_INTACT(block) << form.name << " of " << block.bytes << " bytes";
      form.release(block.block, block.bytes, 64);
    }
  }
}

REQUIRED(New, EveryBlockSuitsTypesOfItsSize, "C++ [basic.stc.dynamic.allocation]") {
  for (const auto& form : forms()) {
    if (form.is_aligned) continue;
    std::size_t bytes = 0;  // of the blocks at hand, which are all of one size
    const auto allocate = [&](std::size_t size) { return form.allocate(bytes = size, 0); };
    const auto release = [&](void* block) { form.release(block, bytes, 0); };
    EXPECT_EQ(first_misaligned(allocate, alignment_of_what_fills, 256 * kKiB, release), "") << form.name;
  }
}

REQUIRED(New, AlignedFormsGiveTheAlignment, "C++ [new.delete.single]") {
  for (const auto& form : forms()) {
    if (!form.is_aligned) continue;
    for (std::size_t alignment = 1; alignment <= kMiB; alignment *= 2) {
      for (const std::size_t size : {1UL, 24UL, alignment, alignment + 1, 5 * alignment}) {
        const auto block = filled(form.allocate(size, alignment), size, size);
        ASSERT_NE(block.block, nullptr);
        ASSERT_TRUE(is_aligned(block.block, alignment)) << form.name << " of " << size << " aligned to " << alignment;
        ASSERT_INTACT(block);
        form.release(block.block, size, alignment);
      }
    }
  }
}

REQUIRED(New, ZeroBytesGiveAUniqueBlock, "C++ [basic.stc.dynamic.allocation]") {
  for (const auto& form : forms()) {
    std::set<void*> blocks;
    for (int i = 0; i < 100; ++i) {
      void* block = form.allocate(0, 64);
      ASSERT_NE(block, nullptr) << form.name;
      ASSERT_TRUE(blocks.insert(block).second) << form.name;
    }
    for (void* block : blocks) form.release(block, 0, 64);
  }
}

REQUIRED(Delete, OfNullDoesNothing, "C++ [new.delete.single]") {
  const auto before = filled(std::malloc(100), 100, 1);
  for (const auto& form : forms()) form.release(opaque<void*>(nullptr), 0, 64);
  EXPECT_INTACT(before);
  std::free(before.block);
}

REQUIRED(Delete, MakesSpaceAvailableAgain, "C++ [new.delete.single]") {
  for (const auto& form : forms()) {
    const std::size_t before = address_space();
    for (const std::size_t size : {1000UL, 20'000UL, 300'000UL, 3'000'000UL}) {
      for (std::size_t used = 0; used < 128 * kMiB; used += size) form.release(form.allocate(size, 64), size, 64);
    }
    ASSERT_LE(address_space(), before + 64 * kMiB) << form.name;
  }
}

// Failure and the new-handler ----------------------------------------------------------------------------------------

/// Installs a new-handler for its own lifetime.
class Handler {
 public:
  explicit Handler(std::new_handler handler) : before_(std::set_new_handler(handler)) {}
  ~Handler() { std::set_new_handler(before_); }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

 private:
  std::new_handler before_;
};

struct HandlersOwnFailure : std::bad_alloc {
  int reason = 42;
};

/// What new throws, caught by its exact type.
enum class Thrown { kNothing, kBadAlloc, kHandlersOwn };

Thrown thrown_by(const Form& form, std::size_t bytes) {
  try {
    form.release(form.allocate(opaque(bytes), 64), bytes, 64);
  } catch (const HandlersOwnFailure& failure) {
    return failure.reason == 42 ? Thrown::kHandlersOwn : Thrown::kBadAlloc;
  } catch (const std::bad_alloc&) {
    return Thrown::kBadAlloc;
  }
  return Thrown::kNothing;
}

int handler_calls = 0;

void expect_failure_throws(bool is_aligned) {
  const auto before = filled(std::malloc(1000), 1000, 1);
  for (const auto& form : forms()) {
    if (form.is_nothrow || form.is_aligned != is_aligned) continue;
    for (const std::size_t size : impossible_sizes()) {
      ASSERT_EQ(thrown_by(form, size), Thrown::kBadAlloc) << form.name << " of " << size << " bytes";
    }
  }
  EXPECT_INTACT(before);
  std::free(before.block);
}

REQUIRED(New, FailureThrowsBadAlloc, "C++ [new.delete.single]") { expect_failure_throws(false); }
REQUIRED(New, AlignedFailureThrowsBadAlloc, "C++ [new.delete.single]") { expect_failure_throws(true); }

void expect_nothrow_failure_gives_null(bool is_aligned) {
  for (const auto& form : forms()) {
    if (!form.is_nothrow || form.is_aligned != is_aligned) continue;
    for (const std::size_t size : impossible_sizes()) {
      ASSERT_EQ(form.allocate(opaque(size), 64), nullptr) << form.name << " of " << size << " bytes";
    }
  }
}

REQUIRED(New, NothrowFailureGivesNull, "C++ [new.delete.single]") { expect_nothrow_failure_gives_null(false); }
REQUIRED(New, AlignedNothrowFailureGivesNull, "C++ [new.delete.single]") { expect_nothrow_failure_gives_null(true); }

AddressSpaceLimit* limit_to_lift = nullptr;
constexpr int kCallsBeforeHelp = 10'000;

/// Makes memory available at the ten-thousandth call, and gives up soon after.
void help_late() {
  ++handler_calls;
  if (handler_calls == kCallsBeforeHelp) limit_to_lift->lift();
  if (handler_calls > kCallsBeforeHelp + 10) throw std::bad_alloc();
}

bool is_helped_at_the_last_call(const Form& form) {
  constexpr std::size_t kMoreThanIsLeft = 512 * kMiB;
  const Handler handler(help_late);
  AddressSpaceLimit limit(8 * kMiB);
  limit_to_lift = &limit;
  void* block = form.allocate(kMoreThanIsLeft, 64);
  const bool helped = block != nullptr && handler_calls == kCallsBeforeHelp;
  form.release(block, kMoreThanIsLeft, 64);
  return helped;
}

REQUIRED(New, CallsTheHandlerUntilThereIsMemory, "C++ [new.delete.single]") {
  // In processes of their own, since a malloc may keep the address space of a block that was freed.
  for (const auto& form : forms()) {
    EXPECT_EQ("", fault_in_child([&form] { return is_helped_at_the_last_call(form); })) << form.name;
  }
}

void throw_own() {
  ++handler_calls;
  throw HandlersOwnFailure();
}

REQUIRED(New, PassesOnWhatTheHandlerThrows, "C++ [new.delete.single]") {
  const Handler handler(throw_own);
  for (const auto& form : forms()) {
    if (form.is_nothrow) continue;
    ASSERT_EQ(thrown_by(form, PTRDIFF_MAX), Thrown::kHandlersOwn) << form.name;
  }
}

REQUIRED(New, NothrowGivesNullWhenTheHandlerThrows, "C++ [new.delete.single]") {
  const Handler handler(throw_own);
  for (const auto& form : forms()) {
    if (!form.is_nothrow) continue;
    handler_calls = 0;
    ASSERT_EQ(form.allocate(opaque(std::size_t{PTRDIFF_MAX}), 64), nullptr) << form.name;
    ASSERT_EQ(handler_calls, 1) << form.name;
  }
}

void uninstall() {
  ++handler_calls;
  std::set_new_handler(nullptr);
}

REQUIRED(New, FailsWhenTheHandlerUninstallsItself, "C++ [new.handler]") {
  for (const auto& form : forms()) {
    const Handler handler(uninstall);
    handler_calls = 0;
    if (form.is_nothrow) {
      ASSERT_EQ(form.allocate(opaque(std::size_t{PTRDIFF_MAX}), 64), nullptr) << form.name;
    } else {
      ASSERT_EQ(thrown_by(form, PTRDIFF_MAX), Thrown::kBadAlloc) << form.name;
    }
    ASSERT_EQ(handler_calls, 1) << form.name;
  }
}

void replace() {
  ++handler_calls;
  std::set_new_handler(throw_own);
}

REQUIRED(New, CallsTheHandlerThatTheHandlerInstalls, "C++ [new.handler]") {
  for (const auto& form : forms()) {
    if (form.is_nothrow) continue;
    const Handler handler(replace);
    handler_calls = 0;
    ASSERT_EQ(thrown_by(form, PTRDIFF_MAX), Thrown::kHandlersOwn) << form.name;
    ASSERT_EQ(handler_calls, 2) << form.name;
  }
}

/// Fails itself once on the way, so that new runs within new within new.
void allocate_in_handler() {
  ++handler_calls;
  const auto own = filled(::operator new(1000), 1000, 5);
  const bool intact = own.is_whole();
  ::operator delete(own.block);
  if (!intact) std::abort();
  if (handler_calls < 20) ::operator delete(::operator new(opaque(std::size_t{PTRDIFF_MAX})));
  throw HandlersOwnFailure();
}

REQUIRED(New, HandlerMayAllocateAndFail, "C++ [new.handler]") {
  const Handler handler(allocate_in_handler);
  for (const auto& form : forms()) {
    if (form.is_nothrow) continue;
    handler_calls = 0;
    ASSERT_EQ(thrown_by(form, PTRDIFF_MAX), Thrown::kHandlersOwn) << form.name;
    ASSERT_EQ(handler_calls, 20) << form.name;
  }
}

REQUIRED(New, MallocDoesNotCallTheHandler, "C17 7.22.3.4; C++ [c.malloc]") {
  const Handler handler(throw_own);
  handler_calls = 0;
  for (const auto& member : c_members()) {
    EXPECT_EQ(member.allocate(opaque(std::size_t{PTRDIFF_MAX})), nullptr) << member.name;
  }
  EXPECT_EQ(handler_calls, 0);
}

}  // namespace
}  // namespace hakmem::conformance
