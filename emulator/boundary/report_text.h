// The two forms of the report on a driver: for people, and for programs.
#ifndef WARD_EMULATOR_BOUNDARY_REPORT_TEXT_H_
#define WARD_EMULATOR_BOUNDARY_REPORT_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "emulator/boundary/access_table.h"
#include "emulator/boundary/spin_watchdog.h"

namespace ward::emulator {

std::string ReportText(const AccessTable& accesses, const std::vector<SpinEntry>& loops,
                       uint64_t now_ns);
// One object; its members are in docs/spec/trace.md.
std::string ReportJson(const AccessTable& accesses, const std::vector<SpinEntry>& loops,
                       uint64_t now_ns);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_REPORT_TEXT_H_
