#include "runner/generator.hpp"

namespace check {

namespace {

const Generator* registered = nullptr;

}  // namespace

const Generator* generator() { return registered; }

RegisteredGenerator::RegisteredGenerator(const Generator& generator) { registered = &generator; }

}  // namespace check
