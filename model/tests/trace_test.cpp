/// A trace as data: what happens before what, the missing edge, and each form in which it is written down.

#include <gtest/gtest.h>

#include "check/subject.hpp"
#include "check/trace.hpp"
#include "trace/dot.hpp"
#include "trace/render.hpp"

namespace check {
namespace {

constexpr std::uintptr_t kWord = 0x5eed00004000;
constexpr std::uintptr_t kBlock = 0x5eed00000010;
constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;

/// Makes a trace, whose steps are numbered from 3 on, as those of a set-up come first.
class Writer {
 public:
  Writer& at(const char* function, const char* file, unsigned line) {
    function_ = function;
    file_ = file;
    line_ = line;
    return *this;
  }
  Event& add(EventKind kind, unsigned thread, std::uintptr_t address = 0) {
    Event event;
    event.kind = kind;
    event.thread = thread;
    event.step = static_cast<unsigned>(trace.events.size()) + 3;
    event.function = function_;
    event.file = file_;
    event.line = line_;
    if (address != 0) event.address = address;
    trace.events.push_back(event);
    return trace.events.back();
  }
  Event& store(unsigned thread, std::uint64_t before, std::uint64_t after, std::memory_order order) {
    return change(EventKind::kStore, thread, before, after, order);
  }
  Event& change(EventKind kind, unsigned thread, std::uint64_t before, std::uint64_t after, std::memory_order order) {
    Event& event = add(kind, thread, kWord);
    event.before = before;
    event.after = after;
    event.order = order;
    return event;
  }
  Event& load(unsigned thread, std::uint64_t value, std::memory_order order, std::optional<std::size_t> from) {
    Event& event = change(EventKind::kLoad, thread, value, 0, order);
    event.reads_from = from;
    return event;
  }
  Event& plain(EventKind kind, unsigned thread, const char* what, std::uint64_t value) {
    Event& event = add(kind, thread, kBlock);
    event.text = what;
    (kind == EventKind::kRead ? event.before : event.after) = value;
    return event;
  }
  Event& fault(unsigned thread, Ending ending, const char* detail) {
    Event& event = add(EventKind::kFault, thread);
    event.ending = ending;
    event.text = detail;
    return event;
  }

  Trace trace;

 private:
  const char* function_ = "f";
  const char* file_ = "a.hpp";
  unsigned line_ = 1;
};

void write_payload(Writer& writer) { writer.at("give", "model/toy.hpp", 29).plain(EventKind::kWrite, 0, "payload", 1); }

void read_payload_and_race(Writer& writer) {
  writer.at("take", "model/toy.hpp", 41).plain(EventKind::kRead, 1, "payload", 1);
  writer.fault(1, Ending::kDataRace, "data race detected");
}

/// A block is handed over by a store and a load of these orders, and read.
Trace handed_over(std::memory_order store, std::memory_order load) {
  Writer writer;
  write_payload(writer);
  writer.at("give", "src/word.hpp", 10).store(0, 0, 1, store);
  writer.at("take", "src/word.hpp", 20).load(1, 1, load, 1);
  read_payload_and_race(writer);
  return writer.trace;
}

std::string sentence_of(const Trace& trace) { return explain(trace, Order(trace)).sentence; }
Edge gap_of(const Trace& trace) { return explain(trace, Order(trace)).gap; }
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Order and the missing edge ------------------------------------------------------------------------------------------

TEST(MissingEdge, NamesTheSideThatIsTooWeak) {
  EXPECT_TRUE(has(sentence_of(handed_over(kRelaxed, kAcquire)), "the write does not release"));
  EXPECT_TRUE(has(sentence_of(handed_over(kRelease, kRelaxed)), "the read does not acquire"));
  EXPECT_TRUE(has(sentence_of(handed_over(kRelaxed, kRelaxed)), "does not release and the other does not acquire"));
}

TEST(MissingEdge, LeadsFromTheWriteToTheRead) {
  const Trace trace = handed_over(kRelaxed, kAcquire);
  EXPECT_EQ(gap_of(trace), (Edge{1, 2, false}));
  EXPECT_EQ(Order(trace).edges(), (std::vector<Edge>{{1, 2, false}}));
}

TEST(MissingEdge, WhatIsOrderedIsNone) {
  const Trace trace = handed_over(kRelease, kAcquire);
  EXPECT_EQ(Order(trace).edges(), (std::vector<Edge>{{1, 2, true}}));
  EXPECT_TRUE(Order(trace).happens_before(0, 3));
  EXPECT_EQ(gap_of(trace), Edge{});
}

TEST(MissingEdge, OfARaceWithNothingReadBetweenNamesBothSteps) {
  Writer writer;
  write_payload(writer);
  read_payload_and_race(writer);
  EXPECT_EQ(sentence_of(writer.trace),
            "Missing edge: nothing orders step 3 of thread 0 (write payload, give model/toy.hpp:29) before step 4 of "
            "thread 1 (read payload, take model/toy.hpp:41).");
}

TEST(Order, ReleaseSequencesGoOnOverChangesAndEndAtPlainStores) {
  const auto ordered_over = [](bool change) {
    Writer writer;
    write_payload(writer);
    writer.change(EventKind::kCompareExchange, 0, 0, 1, kRelease);
    if (change) {
      writer.change(EventKind::kFetchOr, 2, 1, 3, kRelaxed).reads_from = 1;
    } else {
      writer.store(2, 1, 3, kRelaxed);
    }
    writer.change(EventKind::kExchange, 1, 3, 0, kAcquire).reads_from = 2;
    read_payload_and_race(writer);
    return Order(writer.trace).happens_before(0, 4);
  };
  EXPECT_TRUE(ordered_over(true));
  EXPECT_FALSE(ordered_over(false));
}

TEST(Order, FailedCompareAndSwapReadsInItsFailureOrder) {
  for (const auto failure : {kRelaxed, kAcquire}) {
    Writer writer;
    write_payload(writer);
    writer.store(0, 0, 1, kRelease);
    Event& failed = writer.change(EventKind::kCompareExchangeFailed, 1, 1, 0, kRelaxed);
    failed.failure_order = failure;
    failed.reads_from = 1;
    read_payload_and_race(writer);
    EXPECT_EQ(Order(writer.trace).happens_before(0, 3), failure == kAcquire);
  }
}

TEST(Order, MutexOrdersWhoUnlocksBeforeWhoLocks) {
  Writer writer;
  write_payload(writer);
  writer.add(EventKind::kUnlock, 0, kWord);
  writer.add(EventKind::kLock, 1, kWord);
  read_payload_and_race(writer);
  EXPECT_TRUE(Order(writer.trace).happens_before(0, 3));
  writer.trace.events[2].kind = EventKind::kMutex;  // still waits
  EXPECT_FALSE(Order(writer.trace).happens_before(0, 3));
}

/// The negative control of reads-from: the value alone names the newer store, which releases nothing.
TEST(Order, StaleLoadOfOneOfTwoEqualValuesIsOfTheStoreThatItHasRead) {
  for (const bool first : {true, false}) {
    Writer writer;
    write_payload(writer);
    writer.store(0, 0, 7, kRelease);
    writer.store(2, 7, 7, kRelaxed);
    writer.store(2, 7, 9, kRelaxed);
    writer.load(1, 7, kAcquire, first ? 1 : 2).stores_ago = first ? 2 : 1;
    read_payload_and_race(writer);
    const Order order(writer.trace);
    EXPECT_EQ(order.happens_before(0, 5), first);
    EXPECT_EQ(order.edges(), (std::vector<Edge>{{first ? 1u : 2u, 4, first}}));
  }
}

TEST(Diagnosis, MemoryThatAnotherThreadHasUnmappedNamesTheUnmapping) {
  Writer writer;
  writer.at("retire", "src/pool.hpp", 9).plain(EventKind::kUnmap, 0, "page (unmap)", 0);
  writer.at("take", "src/pool.hpp", 12).fault(1, Ending::kFreedMemory, "touch of memory that is not mapped");
  EXPECT_TRUE(has(sentence_of(writer.trace),
                  "nothing keeps step 3 of thread 0 (write page (unmap), retire src/pool.hpp:9) behind step 4"))
      << sentence_of(writer.trace);
}

TEST(Diagnosis, StaleReadIsNamedWhereAnInvariantBreaks) {
  Writer writer;
  writer.store(0, 0, 1, kRelaxed);
  writer.load(1, 0, kRelaxed, std::nullopt).stores_ago = 1;
  writer.fault(1, Ending::kRequirementFails, "a mark hides what is there");
  EXPECT_EQ(sentence_of(writer.trace).rfind("A stale read: step 4 of thread 1", 0), 0u) << sentence_of(writer.trace);
}

TEST(Diagnosis, BrokenPromiseWithoutAnyIsTheOrderOfTheSteps) {
  Writer writer;
  writer.fault(0, Ending::kRequirementFails, "conserved");
  EXPECT_EQ(sentence_of(writer.trace),
            "No edge is missing: these steps, one after the other, end in USER ASSERT FAILED (conserved).");
  EXPECT_EQ(sentence_of({}), "");
}

// Text ----------------------------------------------------------------------------------------------------------------

TEST(TraceAsText, HasALineForEachEvent) {
  EXPECT_EQ(text_of(handed_over(kRelaxed, kAcquire)),
            "[3] 0: <0x5eed00000010> write payload, value=1, in give, model/toy.hpp(29)\n"
            "[4] 0: <0x5eed00004000> atomic store, value=1, (prev value=0), order=relaxed, in give, src/word.hpp(10)\n"
            "[5] 1: <0x5eed00004000> atomic load, value=1, order=acquire, in take, src/word.hpp(20)\n"
            "[6] 1: <0x5eed00000010> read payload, value=1, in take, model/toy.hpp(41)\n"
            "[7] 1: DATA RACE (data race detected), in take, model/toy.hpp(41)\n");
}

TEST(TraceAsText, SaysWhatACompareAndSwapHasFound) {
  Writer writer;
  Event& event = writer.change(EventKind::kCompareExchangeFailed, 0, 5, 0, kRelease);
  event.expected = 6;
  event.operand = 7;
  event.stores_ago = 1;
  EXPECT_EQ(text_of(writer.trace),
            "[3] 0: <0x5eed00004000> CAS fail [NOT CURRENT] orig=5, cmp=6, xchg=7, order=release, in f, a.hpp(1)\n");
}

TEST(TraceAsText, SteadyOneHasNothingThatDiffersFromBuildToBuild) {
  Writer writer;
  writer.add(EventKind::kSetUpEnds, 0);
  writer.add(EventKind::kLock, 0, 0x7f1234567890).text = "exclusive lock";
  EXPECT_EQ(text_of(writer.trace, kSteady), "[4] 0: <0x...> mutex: exclusive lock, in f, a.hpp\n");
}

std::string parity_of(std::uint64_t word) { return word % 2 == 0 ? "even" : "odd"; }
const RegisteredDecoders decoders{{"parity/word.hpp", parity_of}};

TEST(TraceAsText, ValuesOfAWordWithADecoderAreWhatTheyMean) {
  Writer writer;
  writer.at("f", "src/parity/word.hpp", 1).change(EventKind::kFetchAdd, 0, 2, 3, kRelaxed).operand = 1;
  writer.plain(EventKind::kRead, 0, "payload", 1);
  EXPECT_EQ(
      text_of(writer.trace),
      "[3] 0: <0x5eed00004000> fetch_add , prev=even, arg=1, new=odd, order=relaxed, in f, src/parity/word.hpp(1)\n"
      "[4] 0: <0x5eed00000010> read payload, value=1, in f, src/parity/word.hpp(1)\n");
}

// Pictures and graphs -------------------------------------------------------------------------------------------------

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t times = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++times;
  return times;
}

TEST(TraceAsPicture, HasALaneForEachThreadABoxForEachStepAndTheSentence) {
  const std::string svg = svg_of(handed_over(kRelaxed, kAcquire), "a <b> & c");
  EXPECT_EQ(count(svg, "rx=\"4\""), 5u);
  EXPECT_EQ(count(svg, ">thread "), 2u);
  EXPECT_EQ(count(svg, "stroke-dasharray=\"9,5\""), 1u) << "the missing edge";
  EXPECT_EQ(count(svg, "a &lt;b&gt; &amp; c</title>"), 1u);
  EXPECT_GE(count(svg, "does not release"), 1u);
  EXPECT_EQ(count(svg, "store relaxed #4000"), 1u) << "the order is not cut off";
}

TEST(TraceAsGraph, HasAClusterForEachThreadANodeForEachEventAndTheEdges) {
  const std::string dot = dot_of(handed_over(kRelaxed, kAcquire), "a \"b\"");
  EXPECT_TRUE(dot.starts_with("digraph trace {")) << dot;
  EXPECT_EQ(count(dot, "subgraph cluster_"), 2u);
  EXPECT_EQ(count(dot, "[label=\""), 5u);
  EXPECT_EQ(count(dot, "e0 -> e1"), 1u);
  EXPECT_EQ(count(dot, "e1 -> e2"), 2u) << "read, and the missing edge";
  EXPECT_EQ(count(dot, "label=\"a \\\"b\\\""), 1u);
}

TEST(TraceInAFile, IsOfTheFormThatItsSuffixNames) {
  EXPECT_NE(renderer_for("a.svg"), nullptr);
  EXPECT_NE(renderer_for("a.dot"), nullptr);
  EXPECT_NE(renderer_for("a.json"), nullptr);
  EXPECT_EQ(renderer_for("a.png"), nullptr);
  EXPECT_EQ(renderer_for(""), nullptr);
}

// JSON ----------------------------------------------------------------------------------------------------------------

TEST(TraceAsJson, IsReadAsItWasWritten) {
  Writer writer;
  writer.trace = handed_over(kRelease, kAcquire);
  writer.trace.events[1].type = ValueType::kSigned;
  writer.trace.events[1].after = static_cast<std::uint64_t>(-1);
  Event& swap = writer.change(EventKind::kCompareExchangeFailed, 1, ~std::uint64_t{0}, 0, kRelease);
  swap.expected = 2;
  swap.operand = 3;
  swap.failure_order = kAcquire;
  swap.aba = true;
  swap.stores_ago = 4;
  writer.add(EventKind::kYield, 0).operand = 1;
  writer.add(EventKind::kForks, 0).text = "forks";
  const nlohmann::json json = json_of(writer.trace);
  EXPECT_EQ(json.at("version"), kTraceVersion);
  EXPECT_EQ(json.at("events")[1].at("after"), -1);
  EXPECT_EQ(trace_from_json(nlohmann::json::parse(json.dump())), writer.trace);
}

TEST(TraceAsJson, SaysBesideTheEventsWhatIsComputedOfThem) {
  const nlohmann::json json = json_with_explanation(handed_over(kRelaxed, kAcquire), "title");
  EXPECT_EQ(json.at("title"), "title");
  EXPECT_EQ(json.at("edges"), nlohmann::json::parse(R"([{"from": 1, "to": 2, "orders": false}])"));
  EXPECT_EQ(json.at("missing"), nlohmann::json::parse(R"({"from": 1, "to": 2})"));
  EXPECT_TRUE(has(json.at("explanation"), "does not release"));
}

TEST(TraceAsJson, WhatContradictsItselfIsRefused) {
  const nlohmann::json sound = json_of(handed_over(kRelaxed, kAcquire));
  const auto refused = [&](const char* pointer, const nlohmann::json& value) {
    nlohmann::json json = sound;
    json[nlohmann::json::json_pointer(pointer)] = value;
    try {
      (void)trace_from_json(json);
      return false;
    } catch (const nlohmann::json::exception&) {
      return true;
    }
  };
  EXPECT_FALSE(refused("/version", 1u));
  EXPECT_TRUE(refused("/version", 2u));
  EXPECT_TRUE(refused("/events/2/reads_from", 2u));
  EXPECT_TRUE(refused("/events/2/reads_from", 0u)) << "no store of an atomic";
  EXPECT_TRUE(refused("/events/2/address", "0x10")) << "another address than that of the store";
  EXPECT_TRUE(refused("/events/2/address", "here"));
  EXPECT_TRUE(refused("/events/2/kind", "glance"));
  EXPECT_TRUE(refused("/events/2/order", "strong"));
  EXPECT_TRUE(refused("/events/2/thread", -1));
  EXPECT_TRUE(refused("/events/4/ending", "BAD LUCK"));
}

}  // namespace
}  // namespace check
