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
  // Whoever reads it opens everything that was sealed with it.
  using Permissions = std::filesystem::perms;
  std::error_code unknown;
  const Permissions mode = std::filesystem::status(path, unknown).permissions();
  if (content && (unknown || (mode & (Permissions::group_all | Permissions::others_all)) !=
                                 Permissions::none)) {
    *error = "the " + name + " " + path.string() +
             " is open to others than its owner; mend that with: chmod 600 FILE, and make a new "
             "one if others may have read it";
    return false;
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
