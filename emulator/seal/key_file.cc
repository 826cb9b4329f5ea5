#include "emulator/seal/key_file.h"

#include <algorithm>
#include <optional>

#include "emulator/identity/identity_file.h"

namespace ward::emulator {

bool ReadKeyFile(const std::filesystem::path& path, const std::string& name, SecretBytes<32>* key,
                 std::string* error) {
  std::string what;
  std::optional<FileBytes> content = ReadIdentityFile(path, &what);
  if (content && content->bytes().size() != SecretBytes<32>::kSizeBytes) {
    what = "is not 32 bytes long";
    content.reset();
  }
  if (!content) {
    *error = "the " + name + " " + path.string() + " " + what +
             "; make one with: (umask 077; head -c 32 /dev/urandom > FILE)";
    return false;
  }
  std::copy(content->bytes().begin(), content->bytes().end(), key->Expose().begin());
  return true;
}

}  // namespace ward::emulator
