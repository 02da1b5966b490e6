// Checks: is all there that was acknowledged, and does nothing stand half done?
#pragma once

#include <string>
#include <vector>

#include "tests/crash/crash_world.h"
#include "tests/crash/workload.h"

namespace matrix::crash {

/// What is wrong, in sentences; at most `kFindingsMax` of them.
using Findings = std::vector<std::string>;
inline constexpr std::size_t kFindingsMax = 20;

/// Asks home, which has just started, for what the ledger says; everything since `sends_from`, or
/// all of it, is also sent again with its transaction id.
void check_acknowledged(CrashWorld& world, std::size_t sends_from, Findings& findings);

/// When all is quiet: do both servers say the same of their rooms, and did the peer get our events
/// in order?
void check_agreement(CrashWorld& world, const SharedRooms& rooms, Findings& findings);

}  // namespace matrix::crash
