/// The continued-fraction method of factoring, up to its relations: numbers of some 200 bits, a fresh block for every
/// intermediate result. Tiny blocks that live for microseconds, on one thread each.

#include <algorithm>
#include <utility>
#include <vector>

#include "scenarios/scenario.hpp"
#include "support/random.hpp"

namespace hakmem::bench {
namespace {

/// A natural number of any size; limbs of 32 bits, the lowest first, no zeros on top.
class Natural {
 public:
  Natural() = default;
  explicit Natural(std::uint64_t value) {
    for (; value != 0; value >>= 32) limbs_.push_back(static_cast<std::uint32_t>(value));
  }
  static Natural random(Random& random, std::size_t limbs) {
    Natural result;
    for (; limbs > 0; --limbs) result.limbs_.push_back(static_cast<std::uint32_t>(random.next() >> 32) | 1U);
    return result;
  }

  const std::vector<std::uint32_t>& limbs() const { return limbs_; }
  std::size_t bits() const {
    return limbs_.empty() ? 0 : limbs_.size() * 32 - static_cast<std::size_t>(__builtin_clz(limbs_.back()));
  }

  friend bool operator==(const Natural& a, const Natural& b) { return a.limbs_ == b.limbs_; }
  friend bool operator<(const Natural& a, const Natural& b) {
    if (a.limbs_.size() != b.limbs_.size()) return a.limbs_.size() < b.limbs_.size();
    return std::lexicographical_compare(a.limbs_.rbegin(), a.limbs_.rend(), b.limbs_.rbegin(), b.limbs_.rend());
  }

  friend Natural operator+(const Natural& a, const Natural& b) {
    if (a.limbs_.size() < b.limbs_.size()) return b + a;
    Natural sum = a;
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < sum.limbs_.size() && (i < b.limbs_.size() || carry != 0); ++i) {
      carry += std::uint64_t{sum.limbs_[i]} + b.limb(i);
      sum.limbs_[i] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) sum.limbs_.push_back(1);
    return sum;
  }

  /// a must not be below b.
  friend Natural operator-(const Natural& a, const Natural& b) {
    demand(!(a < b), "a difference would be negative");
    Natural difference = a;
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < difference.limbs_.size(); ++i) {
      const std::uint64_t value = std::uint64_t{difference.limbs_[i]} - b.limb(i) - borrow;
      difference.limbs_[i] = static_cast<std::uint32_t>(value);
      borrow = value >> 63;
    }
    difference.trim();
    return difference;
  }

  friend Natural operator*(const Natural& a, const Natural& b) {
    Natural product;
    product.limbs_.resize(a.limbs_.size() + b.limbs_.size());
    for (std::size_t i = 0; i < a.limbs_.size(); ++i) {
      std::uint64_t carry = 0;
      for (std::size_t j = 0; j < b.limbs_.size(); ++j) {
        carry += std::uint64_t{a.limbs_[i]} * b.limbs_[j] + product.limbs_[i + j];
        product.limbs_[i + j] = static_cast<std::uint32_t>(carry);
        carry >>= 32;
      }
      product.limbs_[i + b.limbs_.size()] = static_cast<std::uint32_t>(carry);
    }
    product.trim();
    return product;
  }

  Natural shifted_left(std::size_t bits) const {
    Natural result;
    if (limbs_.empty()) return result;
    result.limbs_.assign(bits / 32, 0);
    std::uint64_t carry = 0;
    for (const std::uint32_t limb : limbs_) {
      carry |= std::uint64_t{limb} << (bits % 32);
      result.limbs_.push_back(static_cast<std::uint32_t>(carry));
      carry >>= 32;
    }
    result.limbs_.push_back(static_cast<std::uint32_t>(carry));
    result.trim();
    return result;
  }

  /// (a / b, a % b), bit by bit from the top; quotients are small here.
  static std::pair<Natural, Natural> divide(const Natural& a, const Natural& b) {
    Natural quotient;
    Natural rest = a;
    for (std::size_t shift = a.bits() < b.bits() ? 0 : a.bits() - b.bits() + 1; shift-- > 0;) {
      const Natural part = b.shifted_left(shift);
      if (rest < part) continue;
      rest = rest - part;
      quotient = quotient + Natural(1).shifted_left(shift);
    }
    return {std::move(quotient), std::move(rest)};
  }

  /// The largest number whose square is not above this one, by Newton's iteration from above.
  Natural square_root() const {
    Natural root = Natural(1).shifted_left(bits() / 2 + 1);
    for (;;) {
      Natural next = divide(root + divide(*this, root).first, Natural(2)).first;
      if (!(next < root)) return root;
      root = std::move(next);
    }
  }

 private:
  std::uint32_t limb(std::size_t i) const { return i < limbs_.size() ? limbs_[i] : 0; }
  void trim() {
    while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
  }

  std::vector<std::uint32_t> limbs_;
};

/// The expansion of the square root of n: after each step, a² = ±q modulo n, with q below 2 sqrt(n).
class Expansion {
 public:
  explicit Expansion(const Natural& n)
      : n_(n), root_(n.square_root()), p_(root_), q_before_(1), a_before_(1), a_(root_) {
    demand(!(n_ < root_ * root_) && n_ < (root_ + Natural(1)) * (root_ + Natural(1)), "a square root is wrong");
    q_ = n_ - root_ * root_;
  }

  /// False at the end of the expansion (n is a square).
  bool step() {
    if (q_ == Natural()) return false;
    const Natural quotient = Natural::divide(root_ + p_, q_).first;
    const Natural p_next = quotient * q_ - p_;
    Natural q_next = p_ < p_next ? q_before_ - quotient * (p_next - p_) : q_before_ + quotient * (p_ - p_next);
    Natural a_next = Natural::divide(quotient * a_ + a_before_, n_).second;
    a_before_ = std::exchange(a_, std::move(a_next));
    q_before_ = std::exchange(q_, std::move(q_next));
    p_ = p_next;
    negative_ = !negative_;
    return true;
  }

  void check() const {
    const Natural square = Natural::divide(a_ * a_, n_).second;
    demand((negative_ ? square + q_ : square) == (negative_ ? n_ : q_), "a relation of the expansion does not hold");
  }

  std::uint64_t hash() const { return hash_bytes(a_.limbs().data(), a_.limbs().size() * sizeof(std::uint32_t)); }

 private:
  Natural n_;
  Natural root_;
  Natural p_;
  Natural q_before_;
  Natural q_;
  Natural a_before_;
  Natural a_;
  bool negative_ = true;  // of the sign of q
};

constexpr std::uint64_t kStepsPerNumber = 100;

}  // namespace

/// An operation is a step of an expansion.
Outcome factor_worker(const Work& work, std::uint32_t thread) {
  Random random(work.seed, thread);
  Outcome outcome;
  while (outcome.operations < work.iterations) {
    Expansion expansion(Natural::random(random, 3) * Natural::random(random, 3));
    expansion.check();
    const std::uint64_t end = std::min(work.iterations, outcome.operations + kStepsPerNumber);
    for (; outcome.operations < end && expansion.step(); ++outcome.operations) expansion.check();
    outcome.checksum += expansion.hash();
  }
  return outcome;
}

}  // namespace hakmem::bench
