#include "draw.hpp"

#include <rapidcheck.h>

namespace hakmem::test::draw {

std::size_t index(std::size_t count) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::size_t>(0, count));
}

std::vector<bool> booleans(std::size_t count) {
  return *rc::gen::container<std::vector<bool>>(count, rc::gen::arbitrary<bool>());
}

std::uint64_t number() { return *rc::gen::arbitrary<std::uint64_t>(); }

std::vector<std::uint64_t> numbers() { return *rc::gen::arbitrary<std::vector<std::uint64_t>>(); }

std::uint64_t draw_detail::natural(std::uint64_t low, std::uint64_t high) {
  return *rc::gen::inRange<std::uint64_t>(low, high);
}

std::int64_t draw_detail::whole(std::int64_t low, std::int64_t high) {
  return *rc::gen::inRange<std::int64_t>(low, high);
}

}  // namespace hakmem::test::draw
