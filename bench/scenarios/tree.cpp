/// A compiler's life, tree by tree: an expression of some thousand nodes is built, evaluated, lowered to nodes with two
/// operands, folded, evaluated again, and freed to the last node. Many small blocks of a few sizes, all of which go.

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <new>

#include "scenarios/scenario.hpp"
#include "support/random.hpp"

namespace hakmem::bench {
namespace {

enum class Kind : std::uint8_t { kLiteral, kVariable, kSum, kProduct, kExclusiveOr };

constexpr std::uint64_t kMostOperands = 6;
constexpr std::uint64_t kVariables = 16;

/// Its operands follow it, which it owns. What it holds is sealed, so that nobody follows a pointer that somebody else
/// wrote.
class Node {
 public:
  static Node* leaf(Kind kind, std::uint64_t value) {
    Node* node = make(kind, value, 0);
    node->seal();
    return node;
  }

  static Node* operation(Kind kind, Node* const* operands, std::size_t count) {
    Node* node = make(kind, 0, count);
    std::copy(operands, operands + count, node->operands());
    node->seal();
    return node;
  }

  Kind kind() const { return kind_; }
  std::uint64_t value() const { return value_; }
  std::size_t count() const { return count_; }
  Node** operands() { return reinterpret_cast<Node**>(this + 1); }
  bool is_literal() const { return kind_ == Kind::kLiteral; }

  void seal() { seal_ = sealed(); }
  void check() { demand(seal_ == sealed(), "a node was overwritten"); }

 private:
  Node(Kind kind, std::uint64_t value, std::size_t count)
      : value_(value), kind_(kind), count_(static_cast<std::uint8_t>(count)) {}

  static Node* make(Kind kind, std::uint64_t value, std::size_t count) {
    void* block = std::malloc(sizeof(Node) + count * sizeof(Node*));
    demand(block != nullptr, "malloc returned null");
    return new (block) Node(kind, value, count);
  }

  std::uint64_t sealed() {
    std::uint64_t sum = reinterpret_cast<std::uintptr_t>(this) + value_ * 31 + static_cast<std::uint64_t>(kind_);
    // What has been overwritten must not lead to what lies behind the block.
    const std::size_t count = std::min<std::size_t>(count_, kMostOperands);
    for (std::size_t i = 0; i < count; ++i) sum = sum * 31 + reinterpret_cast<std::uintptr_t>(operands()[i]);
    return sum * 0x9e3779b97f4a7c15U + count_;
  }

  std::uint64_t seal_ = 0;
  std::uint64_t value_;
  Kind kind_;
  std::uint8_t count_;
};

std::uint64_t apply(Kind kind, std::uint64_t a, std::uint64_t b) {
  if (kind == Kind::kSum) return a + b;
  return kind == Kind::kProduct ? a * b : a ^ b;
}

/// A random expression of some `nodes` nodes, made as a parser makes it: operands first.
Node* parse(Random& random, std::uint64_t nodes) {
  if (nodes <= 1) {
    return random.below(2) == 0 ? Node::leaf(Kind::kLiteral, random.below(1000))
                                : Node::leaf(Kind::kVariable, random.below(kVariables));
  }
  constexpr Kind kOperations[] = {Kind::kSum, Kind::kProduct, Kind::kExclusiveOr};
  const Kind kind = kOperations[random.below(std::size(kOperations))];
  const std::size_t count = std::min(nodes, random.between(2, kMostOperands));
  Node* operands[kMostOperands];
  for (std::size_t i = 0; i < count; ++i) operands[i] = parse(random, (nodes - 1) / count);
  return Node::operation(kind, operands, count);
}

std::uint64_t evaluate(Node* node, const std::uint64_t (&variables)[kVariables]) {
  node->check();
  if (node->is_literal()) return node->value();
  if (node->kind() == Kind::kVariable) return variables[node->value()];
  std::uint64_t result = evaluate(node->operands()[0], variables);
  for (std::size_t i = 1; i < node->count(); ++i) {
    result = apply(node->kind(), result, evaluate(node->operands()[i], variables));
  }
  return result;
}

/// The same expression with two operands for each operation. Nodes that it has no use for are freed.
Node* lower(Node* node) {
  node->check();
  if (node->count() == 0) return node;
  Node* result = lower(node->operands()[0]);
  for (std::size_t i = 1; i < node->count(); ++i) {
    Node* pair[] = {result, lower(node->operands()[i])};
    result = Node::operation(node->kind(), pair, std::size(pair));
  }
  std::free(node);
  return result;
}

/// The same expression, in which operations on literals are literals.
Node* fold(Node* node) {
  node->check();
  if (node->count() == 0) return node;
  Node* a = node->operands()[0] = fold(node->operands()[0]);
  Node* b = node->operands()[1] = fold(node->operands()[1]);
  node->seal();
  if (!a->is_literal() || !b->is_literal()) return node;
  Node* literal = Node::leaf(Kind::kLiteral, apply(node->kind(), a->value(), b->value()));
  std::free(a);
  std::free(b);
  std::free(node);
  return literal;
}

/// Frees a tree. Returns how many nodes it had.
std::uint64_t destroy(Node* node) {
  node->check();
  std::uint64_t nodes = 1;
  for (std::size_t i = 0; i < node->count(); ++i) nodes += destroy(node->operands()[i]);
  std::free(node);
  return nodes;
}

}  // namespace

/// An operation is a tree.
Outcome tree_worker(const Work& work, std::uint32_t thread) {
  Random random(work.seed, thread);
  Outcome outcome;
  for (; outcome.operations < work.iterations; ++outcome.operations) {
    std::uint64_t variables[kVariables];
    for (std::uint64_t& variable : variables) variable = random.next();
    Node* tree = parse(random, random.between(500, 20000));
    const std::uint64_t result = evaluate(tree, variables);
    tree = fold(lower(tree));
    demand(evaluate(tree, variables) == result, "a folded tree computes something else");
    outcome.checksum += hash_bytes(&result, sizeof(result), destroy(tree));
  }
  return outcome;
}

}  // namespace hakmem::bench
