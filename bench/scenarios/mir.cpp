/// A compiler's middle end: functions of instructions in SSA form are built, folded, freed of common subexpressions and
/// of dead code, cloned and dropped. Nodes of a few sizes, growing operand and user lists, hash tables, long lives
/// beside short ones.

#include <algorithm>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "scenarios/scenario.hpp"
#include "support/random.hpp"

namespace hakmem::bench {
namespace {

enum class Opcode : std::uint8_t { kConstant, kArgument, kAdd, kSubtract, kMultiply, kXor, kSelect };

constexpr std::uint64_t kArguments = 4;

struct Instruction {
  explicit Instruction(Opcode code, std::uint64_t number = 0) : opcode(code), value(number) {}

  Opcode opcode;
  std::uint64_t value;  // of a constant; number of an argument
  std::uint64_t result = 0;
  std::vector<Instruction*> operands;
  std::vector<Instruction*> users;  // once for each use
};

std::uint64_t apply(Opcode opcode, std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  switch (opcode) {
    case Opcode::kAdd: return a + b;
    case Opcode::kSubtract: return a - b;
    case Opcode::kMultiply: return a * b;
    case Opcode::kXor: return a ^ b;
    case Opcode::kSelect: return (a & 1U) != 0 ? b : c;
    default: return 0;
  }
}

bool has_operands(const Instruction& instruction) {
  return instruction.opcode != Opcode::kConstant && instruction.opcode != Opcode::kArgument;
}

/// Instructions in an order in which every operand comes before its users; the last one is the result.
class Function {
 public:
  using Body = std::list<std::unique_ptr<Instruction>>;

  Instruction* append(std::unique_ptr<Instruction> instruction) {
    for (Instruction* operand : instruction->operands) operand->users.push_back(instruction.get());
    body_.push_back(std::move(instruction));
    return body_.back().get();
  }

  std::uint64_t evaluate(const std::uint64_t (&arguments)[kArguments]) {
    for (auto& instruction : body_) {
      if (instruction->opcode == Opcode::kConstant) instruction->result = instruction->value;
      if (instruction->opcode == Opcode::kArgument) instruction->result = arguments[instruction->value];
      if (!has_operands(*instruction)) continue;
      const auto& operands = instruction->operands;
      instruction->result = apply(instruction->opcode, operands[0]->result, operands[1]->result,
                                  operands.size() > 2 ? operands[2]->result : 0);
    }
    return body_.back()->result;
  }

  /// Instructions whose operands are all constant become constants.
  void fold_constants() {
    for (auto& instruction : body_) {
      const auto& operands = instruction->operands;
      const auto constant = [](const Instruction* operand) { return operand->opcode == Opcode::kConstant; };
      if (!has_operands(*instruction) || !std::all_of(operands.begin(), operands.end(), constant)) continue;
      instruction->value = apply(instruction->opcode, operands[0]->value, operands[1]->value,
                                 operands.size() > 2 ? operands[2]->value : 0);
      instruction->opcode = Opcode::kConstant;
      drop_operands(*instruction);
    }
  }

  /// Equal instructions are computed once.
  void share_common_subexpressions() {
    std::unordered_map<std::uint64_t, std::vector<Instruction*>> seen;
    for (auto& instruction : body_) {
      auto& candidates = seen[key_of(*instruction)];
      const auto same = std::find_if(candidates.begin(), candidates.end(),
                                     [&](const Instruction* other) { return equal(*other, *instruction); });
      if (same == candidates.end()) {
        candidates.push_back(instruction.get());
      } else if (instruction != body_.back()) {
        replace_uses(*instruction, **same);
      }
    }
  }

  /// Removes what the result does not need. Returns how many instructions that were.
  std::size_t remove_dead_code() {
    const std::size_t before = body_.size();
    for (auto at = std::prev(body_.end()); at != body_.begin();) {
      --at;
      if (!(*at)->users.empty()) continue;
      drop_operands(**at);
      at = body_.erase(at);
    }
    return before - body_.size();
  }

  Function clone() const {
    Function copy;
    std::unordered_map<const Instruction*, Instruction*> copies;
    for (const auto& instruction : body_) {
      auto twin = std::make_unique<Instruction>(instruction->opcode, instruction->value);
      for (const Instruction* operand : instruction->operands) twin->operands.push_back(copies.at(operand));
      copies[instruction.get()] = copy.append(std::move(twin));
    }
    return copy;
  }

 private:
  static std::uint64_t key_of(const Instruction& instruction) {
    std::uint64_t key = hash_bytes(&instruction.opcode, sizeof(instruction.opcode));
    key = hash_bytes(&instruction.value, sizeof(instruction.value), key);
    for (const Instruction* operand : instruction.operands) {
      const auto address = reinterpret_cast<std::uintptr_t>(operand);
      key = hash_bytes(&address, sizeof(address), key);
    }
    return key;
  }

  static bool equal(const Instruction& a, const Instruction& b) {
    return a.opcode == b.opcode && a.value == b.value && a.operands == b.operands;
  }

  static void drop_operands(Instruction& instruction) {
    for (Instruction* operand : instruction.operands) {
      operand->users.erase(std::find(operand->users.begin(), operand->users.end(), &instruction));
    }
    instruction.operands.clear();
    instruction.operands.shrink_to_fit();
  }

  static void replace_uses(Instruction& old, Instruction& replacement) {
    for (Instruction* user : old.users) {
      *std::find(user->operands.begin(), user->operands.end(), &old) = &replacement;
      replacement.users.push_back(user);
    }
    old.users.clear();
  }

  Body body_;
};

/// Arguments and constants, then instructions over random earlier ones, then their sum.
Function random_function(Random& random) {
  Function function;
  std::vector<Instruction*> values;
  values.reserve(kArguments);
  for (std::uint64_t i = 0; i < kArguments; ++i) {
    values.push_back(function.append(std::make_unique<Instruction>(Opcode::kArgument, i)));
  }
  for (std::uint64_t count = random.between(60, 240); count > 0; --count) {
    if (random.below(4) == 0) {
      values.push_back(function.append(std::make_unique<Instruction>(Opcode::kConstant, random.below(8))));
      continue;
    }
    const auto opcode = static_cast<Opcode>(random.between(2, 6));
    auto instruction = std::make_unique<Instruction>(opcode);
    const std::size_t operands = opcode == Opcode::kSelect ? 3 : 2;
    // Recent values are likelier operands, as in real code.
    const std::size_t window = std::min<std::size_t>(values.size(), 24);
    for (std::size_t i = 0; i < operands; ++i) {
      instruction->operands.push_back(values[values.size() - 1 - random.below(window)]);
    }
    values.push_back(function.append(std::move(instruction)));
  }
  auto sum = std::make_unique<Instruction>(Opcode::kAdd);
  sum->operands = {values[values.size() - 1], values[values.size() / 2]};
  function.append(std::move(sum));
  return function;
}

}  // namespace

/// An operation is a function. Some optimised ones are kept for a while, as a module keeps them.
Outcome mir_worker(const Work& work, std::uint32_t thread) {
  Random random(work.seed, thread);
  Outcome outcome;
  std::vector<Function> module(64);
  for (; outcome.operations < work.iterations; ++outcome.operations) {
    const std::uint64_t arguments[kArguments] = {random.next(), random.next(), random.next(), random.next()};
    Function function = random_function(random);
    Function optimised = function.clone();
    optimised.fold_constants();
    optimised.share_common_subexpressions();
    const std::size_t removed = optimised.remove_dead_code();
    const std::uint64_t result = optimised.evaluate(arguments);
    demand(result == function.evaluate(arguments), "an optimised function computes something else");
    outcome.checksum ^= hash_bytes(&result, sizeof(result), removed + outcome.operations);
    module[random.below(module.size())] = std::move(optimised);
  }
  return outcome;
}

}  // namespace hakmem::bench
