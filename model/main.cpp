/// hakmem-check: the model checker with the suites of the allocator.

#include "check/program.hpp"

int main(int argc, char** argv) { return check::main(argc, argv); }
