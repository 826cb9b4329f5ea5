#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <filesystem>
#include <memory>

#include "emulator/identity/certificate.h"
#include "emulator/identity/identity.h"
#include "emulator/identity/identity_file.h"
#include "tests/fakes/test_identity.h"
#include "tests/fuzz/device/reproduce/writers.h"
#include "tests/fuzz/whole_file.h"

namespace ward::fuzz {
namespace {

using emulator::CertificateHandle;
using emulator::CertificateRole;
using BioHandle = device::OpenSslHandle<BIO, BIO_free_all>;
using KeyHandle = device::OpenSslHandle<EVP_PKEY, EVP_PKEY_free>;

bool WriteFile(const std::filesystem::path& path, const BioHandle& content, mode_t mode,
               std::string* error) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(content.get(), &bytes);
  emulator::PendingFile file(path);
  std::string reason;
  if (file.Write({reinterpret_cast<const uint8_t*>(bytes), static_cast<size_t>(size)}, mode,
                 &reason) &&
      file.Commit(&reason)) {
    return true;
  }
  *error = path.string() + " " + reason;
  return false;
}

}  // namespace

bool WriteIdentity(const std::string& folder, std::string* error) {
  const std::vector<uint8_t>& der = fakes::LoadTestIdentity(WARD_SOURCE_DIR).private_key;
  const uint8_t* at = der.data();
  const KeyHandle key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())));
  WARD_ASSERT(key != nullptr);
  // One key for all three: it is public anyway.
  const CertificateHandle root =
      emulator::IssueCertificate(CertificateRole::kRoot, key.get(), nullptr, key.get());
  const CertificateHandle intermediate =
      emulator::IssueCertificate(CertificateRole::kIntermediate, key.get(), root.get(), key.get());
  const CertificateHandle device = emulator::IssueCertificate(CertificateRole::kDevice, key.get(),
                                                              intermediate.get(), key.get());
  WARD_ASSERT(root != nullptr && intermediate != nullptr && device != nullptr);
  if (!MakeFolder(folder, error)) return false;
  const std::filesystem::path path = folder;
  const BioHandle secret(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PKCS8PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                    nullptr) != 1 ||
      !WriteFile(path / "device.key", secret, 0600, error)) {
    return false;
  }
  const std::pair<const char*, const CertificateHandle*> certificates[] = {
      {"device.pem", &device}, {"intermediate.pem", &intermediate}, {"root.pem", &root}};
  for (const auto& [name, certificate] : certificates) {
    const BioHandle sink(BIO_new(BIO_s_mem()));
    if (PEM_write_bio_X509(sink.get(), certificate->get()) != 1 ||
        !WriteFile(path / name, sink, 0644, error)) {
      return false;
    }
  }
  // Loaded and saved once, so that it is marked as one for tests.
  auto identity = emulator::Identity::Load(path, error);
  if (!identity) return false;
  identity->MarkAsTest();
  return identity->Save(path, true, error);
}

}  // namespace ward::fuzz
