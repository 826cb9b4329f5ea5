// A number of bytes, or an offset, as people write it.
#ifndef WARD_EMULATOR_CLI_SIZE_VALUE_H_
#define WARD_EMULATOR_CLI_SIZE_VALUE_H_

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ward::emulator {

// "4096", "0x1000", "64K", "1 MiB": decimal or hexadecimal, then b, k, m, g, t, p or e in any case,
// the last six with "b", "i" or "ib" too. Each is 1,024 of the one before. Nothing when it is
// neither that nor a number of 64 bits. What can be a hexadecimal digit is one.
std::optional<uint64_t> ParseSize(std::string_view text);

// For Option::transform of a uint64_t; the help calls it SIZE.
CLI::Validator SizeValue();

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_SIZE_VALUE_H_
