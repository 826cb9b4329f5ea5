// What a register holds, for people and for scripts.
#ifndef WARD_EMULATOR_CLI_BENCH_REGISTER_TEXT_H_
#define WARD_EMULATOR_CLI_BENCH_REGISTER_TEXT_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "emulator/cli/bench/register_place.h"

namespace ward::emulator {

// "QUEUE_STATUS[3] = 0x1  STATE=1 HUNG=0"; a status is followed by its name.
std::string DescribeValue(const RegisterPlace& place, uint64_t value);
// The same and what each field means, a line each.
std::string ExplainValue(const RegisterPlace& place, uint64_t value);
// {"register": ..., "offset": ..., "value": ..., "fields": {...}}
nlohmann::ordered_json ValueJson(const RegisterPlace& place, uint64_t value);
// "PAGE_NOT_MAPPED", or "0x999" for a code that is none.
std::string StatusName(uint64_t code);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_BENCH_REGISTER_TEXT_H_
