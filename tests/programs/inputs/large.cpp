// Work for a compiler: large headers, deep templates, many instantiations. SIZE says how many.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <ranges>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#ifndef SIZE
#define SIZE 10
#endif

template <int N>
struct Shape {
  std::array<double, static_cast<std::size_t>(N % 7 + 1)> sides{};
  std::string name = "shape " + std::to_string(N);
  bool operator<(const Shape& other) const { return std::tie(sides, name) < std::tie(other.sides, other.name); }
};

template <int... N>
std::variant<Shape<N>...> variant_of(std::integer_sequence<int, N...>);
using AnyShape = decltype(variant_of(std::make_integer_sequence<int, SIZE>{}));

template <int N>
double area_of_many() {
  std::map<Shape<N>, std::vector<std::function<double(double)>>> shapes;
  for (int i = 0; i < 5; ++i) {
    Shape<N> shape;
    std::iota(shape.sides.begin(), shape.sides.end(), i + N);
    shapes[shape].push_back([shape](double x) { return x * shape.sides[0]; });
  }
  std::unordered_map<std::string, std::optional<double>> areas;
  for (auto& [shape, functions] : shapes) {
    auto values = functions | std::views::transform([](auto& f) { return f(2.0); }) |
                  std::views::filter([](double v) { return v >= 0; });
    areas[shape.name + std::to_string(areas.size())] = std::accumulate(values.begin(), values.end(), 0.0);
  }
  std::ostringstream text;
  for (const auto& [name, area] : std::map(areas.begin(), areas.end())) text << name << '=' << area.value_or(0) << ';';
  static const std::regex number("=([0-9.]+);");
  double sum = 0;
  const std::string all = text.str();
  for (std::sregex_iterator at(all.begin(), all.end(), number), end; at != end; ++at) sum += std::stod((*at)[1]);
  return sum;
}

template <int... N>
double total(std::integer_sequence<int, N...>) {
  std::vector<AnyShape> shapes{AnyShape(Shape<N>())...};
  double sum = 0;
  for (const AnyShape& shape : shapes) {
    sum += std::visit([](const auto& s) { return static_cast<double>(s.name.size() + s.sides.size()); }, shape);
  }
  return (sum + ... + area_of_many<N>());
}

int main() {
  auto result = std::async(std::launch::async, [] { return total(std::make_integer_sequence<int, SIZE>{}); });
  std::printf("total %.3f\n", result.get());
}
