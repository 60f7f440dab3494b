#include "litmus/by_graphs.hpp"

#include <initializer_list>
#include <vector>

#include "engine/graph/explorer.hpp"

namespace check {

namespace {

Recital* running = nullptr;
std::string latest;  // what the execution has come to that was judged last

void place_all(RecitedShape::Memory& memory, std::initializer_list<int> values) {
  graph::Location location = 0;
  for (RecitedAtomic<int>* const atomic : {&memory.x, &memory.y, &memory.z}) {
    atomic->place(location, *(values.begin() + location));
    ++location;
  }
}

class ShapeProgram : public graph::Program {
 public:
  explicit ShapeProgram(const RecitedShape& shape) : shape_(shape) {}

  [[nodiscard]] unsigned threads() const override { return shape_.threads; }

  [[nodiscard]] graph::Operation next(unsigned thread, std::size_t done,
                                      std::span<const graph::Value> read) const override {
    RecitedShape::Memory memory;
    place_all(memory, {0, 0, 0});
    const Recital recital(done, read);
    try {
      shape_.thread(memory, thread);
    } catch (const Recital::Ends&) {
      return recital.next();
    }
    return {};
  }

  /// What a complete execution has come to: its threads run to their ends, and the judge reads the last values.
  [[nodiscard]] std::string outcome_of(const graph::Graph& execution) const {
    RecitedShape::Memory memory;
    const auto last = [&](graph::Location location) {
      const auto& writes = execution.writes(location);
      return writes.empty() ? 0 : static_cast<int>(execution[writes.back()].value);
    };
    place_all(memory, {last(0), last(1), last(2)});
    for (unsigned thread = 0; thread < shape_.threads; ++thread) {
      const std::size_t steps = execution.steps(thread).size();
      const std::vector<graph::Value> read = execution.values_read(thread, steps);
      const Recital recital(execution.operations(thread, steps), read);
      shape_.thread(memory, thread);
    }
    shape_.after(memory);
    return latest;
  }

 private:
  const RecitedShape& shape_;
};

}  // namespace

Recital::Recital(std::size_t done, std::span<const graph::Value> read) noexcept : done_(done), read_(read) {
  running = this;
}

Recital::~Recital() { running = nullptr; }

bool Recital::is_running() noexcept { return running != nullptr; }

int Recital::does(const graph::Operation& operation) {
  Recital& mine = *running;
  if (mine.done_ == 0) {
    mine.next_ = operation;
    throw Ends{};
  }
  --mine.done_;
  if (operation.what == graph::Operation::What::kWrite) return 0;
  const int value = static_cast<int>(mine.read_.front());
  mine.read_ = mine.read_.subspan(1);
  return value;
}

template <>
void LitmusMemory<RecitedAtomic>::record(std::initializer_list<int> values) {
  latest.clear();
  for (const int value : values) latest += std::to_string(value);
}

GraphOutcomes by_graphs(const RecitedShape& shape) {
  const ShapeProgram program(shape);
  GraphOutcomes outcomes;
  graph::Explorer explorer(program, {[&](const graph::Graph& execution) {
                                       outcomes.shown.insert(program.outcome_of(execution));
                                       return true;
                                     },
                                     [](const graph::Graph&, const graph::Race&) { return true; }});
  (void)explorer.run();
  outcomes.executions = explorer.executions();
  return outcomes;
}

}  // namespace check
