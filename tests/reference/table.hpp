#pragma once
/// The tables of options and statistics, as the C API tells them.

#include <string>
#include <vector>

#include "hakmem/hakmem.h"

namespace hakmem::reference {

/// All options, in the order of the table.
std::vector<hak_option> options();

/// All statistics, in the order of the reports.
std::vector<hak_statistic> statistics();

/// The words of an option; empty if it has none.
std::vector<hak_option_word> words_of(const hak_option& option);

/// What the values of an array stand for; empty if they have no names.
std::vector<std::string> labels_of(const hak_statistic& statistic);

/// Both tables as a JSON object, {"options": [...], "statistics": [...]}, each row with the members of its structure.
std::string tables_as_json();

}  // namespace hakmem::reference
