// An operator's key on disk: a file of 32 bytes.
#ifndef WARD_EMULATOR_SEAL_KEY_FILE_H_
#define WARD_EMULATOR_SEAL_KEY_FILE_H_

#include <filesystem>
#include <string>

#include "base/secret_bytes.h"

namespace ward::emulator {

// False when the file is not a key; `*error` then says what is wrong and what mends it. `name` is
// what people call the key, for example "seal key".
bool ReadKeyFile(const std::filesystem::path& path, const std::string& name, SecretBytes<32>* key,
                 std::string* error);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_SEAL_KEY_FILE_H_
