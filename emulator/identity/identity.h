// Who a device is: its RSA-2048 key and the certificates that vouch for it. The root is this
// project's own test root, kept by nobody: its private key is gone once the identity is made.
#ifndef WARD_EMULATOR_IDENTITY_IDENTITY_H_
#define WARD_EMULATOR_IDENTITY_IDENTITY_H_

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/secret_bytes.h"
#include "device/crypto/rsa_private_key.h"
#include "emulator/identity/certificate.h"

namespace ward::emulator {

class Identity {
 public:
  // Makes a new identity in memory (three RSA key generations, most of a second). Empty only when
  // libcrypto fails. A host that goes on with it unsaved tells its user that sessions can't be
  // resumed by another run.
  static std::optional<Identity> Create(std::string* error);

  // Reads device.key, device.pem, intermediate.pem and root.pem and checks that they belong
  // together and are in force. Otherwise `*error` says which file, what is wrong with it, and the
  // command that mends it.
  static std::optional<Identity> Load(const std::filesystem::path& directory, std::string* error);

  // Writes those four files, device.key readable by its owner alone, and the mark of an identity
  // for tests, or removes it. Makes the directory when it is missing; without `overwrite` refuses
  // one that holds any of the files.
  bool Save(const std::filesystem::path& directory, bool overwrite, std::string* error) const;

  // The checked key, for device::GpuOptions: it is not checked again there.
  const device::RsaPrivateKey& key() const { return *key_; }
  // The same as PKCS#8 DER, for Save.
  ConstByteSpan private_key() const { return private_key_.Expose().first(private_key_size_); }
  // PKCS#7 certs-only DER with device, intermediate and root certificate.
  ConstByteSpan certificate_bundle() const { return bundle_; }
  // Whether its owner gave the private key away for tests: recordings of the device may hold it
  // in the open. In a directory the file `test-identity` says so.
  bool is_test() const { return is_test_; }
  void MarkAsTest() { is_test_ = true; }
  // Device, intermediate, root.
  std::vector<CertificateSummary> Summarize() const;

 private:
  static constexpr size_t kMaxPrivateKeyBytes = 2048;

  Identity() = default;
  // `key` was checked; false when libcrypto fails.
  bool Adopt(EVP_PKEY* handle, device::RsaPrivateKey key);

  std::optional<device::RsaPrivateKey> key_;
  SecretBytes<kMaxPrivateKeyBytes> private_key_;
  size_t private_key_size_ = 0;
  CertificateHandle device_;
  CertificateHandle intermediate_;
  CertificateHandle root_;
  std::vector<uint8_t> bundle_;
  bool is_test_ = false;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_IDENTITY_IDENTITY_H_
