#pragma once
/// Work in processes of its own, its results, and reports of them: for commands of one's own.

#include "runner/job.hpp"
#include "runner/pool.hpp"
#include "runner/position.hpp"
#include "runner/report_file.hpp"
#include "runner/result.hpp"
#include "runner/status.hpp"
