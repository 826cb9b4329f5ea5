// Asks a server how its devices stand (docs/spec/server-status.md).
#ifndef WARD_EMULATOR_CLI_TOP_STATUS_READER_H_
#define WARD_EMULATOR_CLI_TOP_STATUS_READER_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace ward::emulator {

// One document, checked as far as `ward top` needs it; nothing, with what is wrong and what mends
// it. Waits 5 s at most.
std::optional<nlohmann::ordered_json> ReadStatus(const std::string& path, std::string* error);

// The same from the text that a server sent: it may be another program's.
std::optional<nlohmann::ordered_json> ParseStatus(const std::string& text);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_TOP_STATUS_READER_H_
