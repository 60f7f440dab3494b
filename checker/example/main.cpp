/// mailbox-check: the checker with the suites of the mailbox.

#include "check/program.hpp"
#include "check/subject.hpp"

namespace {

const check::RegisteredSubject subject{{
    .program = "mailbox-check",
    .about = "Model checks a mailbox.",
    .tree = EXAMPLE_TREE,
    .sources = "example",
    .places = {"example", "include", "."},
    .checker = ".",
    .ledger = "example/ledger.md",
    .ledger_note = "",
    .compiled = "",
    .compiled_note = "",
    .example = "mailbox.hpp/put",
    .example_header = "mailbox.hpp/",
    .is_audited = nullptr,
}};

}  // namespace

int main(int argc, char** argv) { return check::main(argc, argv); }
