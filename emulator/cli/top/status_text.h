// A server's status for people: lines, without any control character.
#ifndef WARD_EMULATOR_CLI_TOP_STATUS_TEXT_H_
#define WARD_EMULATOR_CLI_TOP_STATUS_TEXT_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ward::emulator {

// Of a document as ReadStatus returns it, with or without rates. Queues that never did anything and
// do nothing are left out.
std::vector<std::string> StatusLines(const nlohmann::ordered_json& document);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_TOP_STATUS_TEXT_H_
