// A file that a command reads whole.
#ifndef WARD_EMULATOR_CLI_BENCH_INPUT_FILE_H_
#define WARD_EMULATOR_CLI_BENCH_INPUT_FILE_H_

#include <cstddef>
#include <optional>
#include <string>

namespace ward::emulator {

// All bytes of the file at `path`, at most `limit_bytes`; "-" is the standard input. Nothing, with
// `error`, when it can't be read, as a directory can't, or has more.
std::optional<std::string> ReadInputFile(const std::string& path, size_t limit_bytes,
                                         std::string* error);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_BENCH_INPUT_FILE_H_
