// What happened between two documents of a server's status, in a second.
#ifndef WARD_EMULATOR_CLI_TOP_STATUS_RATES_H_
#define WARD_EMULATOR_CLI_TOP_STATUS_RATES_H_

#include <nlohmann/json.hpp>

namespace ward::emulator {

// Adds "rates" to each device of `now` that answered after `before` was made, and "commands_per_s"
// and "bytes_per_s" to its queues. A server that was started anew in between has none yet.
void AddRates(const nlohmann::ordered_json& before, nlohmann::ordered_json* now);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_TOP_STATUS_RATES_H_
