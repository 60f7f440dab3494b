/// What the checker has to know of the allocator: where its sources are, and what the values of its words mean.

#include "check/subject.hpp"

#include <string>

#include "model/system/words.hpp"

namespace hakmem::model {

namespace {

/// Headers that use a policy. The policies themselves use the processor's atomics; src/os and src/api have none of the
/// core's.
bool uses_a_policy(const std::string& header) {
  if (header.starts_with("src/os/") || header.starts_with("src/api/")) return false;
  return !header.starts_with("src/sync/") || (!header.ends_with("/sync_concept.hpp") && !header.ends_with("_sync.hpp"));
}

const check::RegisteredSubject subject{{
    .program = "hakmem-check",
    .about = "Model checks hakmem's lock-free core from its shipping headers.",
    .tree = HAKMEM_SOURCE_DIR,
    .sources = "src",
    .places = {"src", "", "checker/include", "checker"},
    .checker = "checker",
    .ledger = "docs/reports/ledger.md",
    .ledger_note =
        "`hakmem-check audit` runs every mutant; `ci/update ledger` runs those of the headers that have changed, "
        "and all of them\nwhen a suite has.",
    .compiled = "docs/reports/costs.json",
    .compiled_note =
        "How they were compiled, and what each kind of operation costs with each order: [costs](costs.md).",
    .example = "lockfree/remote_word",
    .example_header = "heap/slab_ops.hpp/",
    .is_audited = uses_a_policy,
}};

const check::RegisteredDecoders decoders{
    {"lockfree/remote_word.hpp", remote_word_of},
    {"lockfree/slot_word.hpp", slot_word_of},
    {"lockfree/bitmap_word.hpp", bitmap_word_of},
};

}  // namespace

}  // namespace hakmem::model
