#include "emulator/identity/identity.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "device/crypto/rsa_private_key.h"
#include "emulator/identity/identity_file.h"

namespace ward::emulator {
namespace {

namespace fs = std::filesystem;
using device::BioHandle;
using device::KeyHandle;
using device::OpenSslErrorScope;
using device::OpenSslHandle;
using Pkcs8Handle = OpenSslHandle<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;
using StoreHandle = OpenSslHandle<X509_STORE, X509_STORE_free>;
using StoreContextHandle = OpenSslHandle<X509_STORE_CTX, X509_STORE_CTX_free>;

constexpr char kKeyFile[] = "device.key";
constexpr std::array<const char*, 3> kCertificateFiles = {"device.pem", "intermediate.pem",
                                                          "root.pem"};
constexpr char kTestMark[] = "test-identity";
constexpr char kTestMarkText[] =
    "The private key of this identity may stand in recordings that are not sealed.\n";
constexpr mode_t kSecretMode = 0600;
constexpr mode_t kPublicMode = 0644;
constexpr char kLibcryptoFailed[] = "libcrypto can't make keys and certificates here";

int RefusePassPhrase(char*, int, int, void*) { return -1; }

// A stack that owns its references to certificates.
void FreeCertificates(STACK_OF(X509) * certificates) { sk_X509_pop_free(certificates, X509_free); }
using StackHandle = OpenSslHandle<STACK_OF(X509), FreeCertificates>;

BioHandle OpenBytes(ConstByteSpan bytes) {
  return BioHandle(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

KeyHandle ParseKey(ConstByteSpan pem) {
  const BioHandle source = OpenBytes(pem);
  return KeyHandle(
      source ? PEM_read_bio_PrivateKey(source.get(), nullptr, RefusePassPhrase, nullptr) : nullptr);
}

CertificateHandle ParseCertificate(ConstByteSpan pem, std::string* error) {
  const BioHandle source = OpenBytes(pem);
  CertificateHandle certificate(
      source ? PEM_read_bio_X509(source.get(), nullptr, RefusePassPhrase, nullptr) : nullptr);
  if (!certificate) {
    *error = "does not hold a certificate in PEM form";
    return nullptr;
  }
  const CertificateHandle second(
      PEM_read_bio_X509(source.get(), nullptr, RefusePassPhrase, nullptr));
  if (second) {
    *error = "holds more than one certificate";
    return nullptr;
  }
  return certificate;
}

// What a relying party would find wrong with the chain; nothing when it is in order.
std::optional<std::string> FindChainFlaw(X509* device, X509* intermediate, X509* root) {
  const StoreHandle trusted(X509_STORE_new());
  const StackHandle others(sk_X509_new_null());
  const StoreContextHandle context(X509_STORE_CTX_new());
  if (!trusted || !others || !context || X509_STORE_add_cert(trusted.get(), root) != 1 ||
      X509_add_cert(others.get(), intermediate, X509_ADD_FLAG_UP_REF) != 1 ||
      X509_STORE_CTX_init(context.get(), trusted.get(), device, others.get()) != 1) {
    return kLibcryptoFailed;
  }
  X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context.get()), X509_V_FLAG_X509_STRICT);
  if (X509_verify_cert(context.get()) != 1) {
    const int code = X509_STORE_CTX_get_error(context.get());
    const auto depth = static_cast<size_t>(X509_STORE_CTX_get_error_depth(context.get()));
    return std::string(kCertificateFiles[depth < 3 ? depth : 2]) +
           " does not stand in the chain device.pem, intermediate.pem, root.pem: " +
           X509_verify_cert_error_string(code);
  }
  if (sk_X509_num(X509_STORE_CTX_get0_chain(context.get())) != 3) {
    return "device.pem is not issued by intermediate.pem";
  }
  if ((X509_get_key_usage(device) & KU_KEY_ENCIPHERMENT) == 0) {
    return "device.pem is not for key encipherment";
  }
  return std::nullopt;
}

std::string MendText(const fs::path& directory) {
  return ". Restore the file, or make a new identity with: ward identity create '" +
         directory.string() + "' --force";
}

// A file that this user may not read is a good one, as far as we know: nothing is to be made anew.
bool IsKeptFromUs(const fs::path& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0 && errno == EACCES;
}

constexpr char kKeptText[] =
    ". It is another user's: run as its owner, or have systemd hand it over (LoadCredential=, as "
    "in "
    "packaging/)";

// The first of the four files that is there.
std::optional<fs::path> FindIdentityFile(const fs::path& directory) {
  std::error_code ignored;
  for (const char* name :
       {kKeyFile, kCertificateFiles[0], kCertificateFiles[1], kCertificateFiles[2]}) {
    const fs::path path = directory / name;
    if (fs::symlink_status(path, ignored).type() != fs::file_type::not_found) return path;
  }
  return std::nullopt;
}

BioHandle EncodeKey(ConstByteSpan der) {
  BioHandle sink(BIO_new(BIO_s_mem()));  // its memory is cleansed when it is freed
  if (!sink || PEM_write_bio(sink.get(), PEM_STRING_PKCS8INF, "", der.data(),
                             static_cast<long>(der.size())) <= 0) {
    return nullptr;
  }
  return sink;
}

BioHandle EncodeCertificate(const CertificateHandle& certificate) {
  BioHandle sink(BIO_new(BIO_s_mem()));
  if (!sink || PEM_write_bio_X509(sink.get(), certificate.get()) != 1) return nullptr;
  return sink;
}

ConstByteSpan Contents(const BioHandle& sink) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(sink.get(), &bytes);
  return {reinterpret_cast<const uint8_t*>(bytes), static_cast<size_t>(size)};
}

// Writes the mark, or sees to it that there is none.
bool WriteTestMark(const fs::path& path, bool is_test, std::string* error) {
  if (!is_test) {
    std::error_code failure;
    fs::remove(path, failure);
    if (failure) *error = "can't be removed: " + failure.message();
    return !failure;
  }
  PendingFile file(path);
  const ConstByteSpan text(reinterpret_cast<const uint8_t*>(kTestMarkText),
                           sizeof(kTestMarkText) - 1);
  return file.Write(text, kPublicMode, error) && file.Commit(error);
}

}  // namespace

std::optional<Identity> Identity::Create(std::string* error) {
  const OpenSslErrorScope errors;
  *error = kLibcryptoFailed;
  const KeyHandle root_key(EVP_RSA_gen(2048));
  const KeyHandle intermediate_key(EVP_RSA_gen(2048));
  const KeyHandle device_key(EVP_RSA_gen(2048));
  if (!root_key || !intermediate_key || !device_key) return std::nullopt;

  Identity identity;
  identity.root_ =
      IssueCertificate(CertificateRole::kRoot, root_key.get(), nullptr, root_key.get());
  if (!identity.root_) return std::nullopt;
  identity.intermediate_ = IssueCertificate(CertificateRole::kIntermediate, intermediate_key.get(),
                                            identity.root_.get(), root_key.get());
  if (!identity.intermediate_) return std::nullopt;
  identity.device_ = IssueCertificate(CertificateRole::kDevice, device_key.get(),
                                      identity.intermediate_.get(), intermediate_key.get());
  const char* flaw = nullptr;
  auto checked = device::RsaPrivateKey::FromHandle(device_key.get(), &flaw);
  if (!identity.device_ || !checked || !identity.Adopt(device_key.get(), std::move(*checked))) {
    return std::nullopt;
  }
  error->clear();
  return identity;
}

std::optional<Identity> Identity::Load(const fs::path& directory, std::string* error) {
  const OpenSslErrorScope errors;
  if (!FindIdentityFile(directory)) {
    *error = "no identity in '" + directory.string() + "'. Make one with: ward identity create '" +
             directory.string() + "'";
    return std::nullopt;
  }
  std::string flaw;
  const auto fail = [&](const std::string& file) {
    const fs::path path = directory / file;
    *error = path.string() + " " + flaw + (IsKeptFromUs(path) ? kKeptText : MendText(directory));
    return std::nullopt;
  };

  Identity identity;
  const auto key_pem = ReadIdentityFile(directory / kKeyFile, &flaw);
  if (!key_pem) return fail(kKeyFile);
  const KeyHandle key = ParseKey(key_pem->bytes());
  const char* key_flaw = nullptr;
  auto checked = device::RsaPrivateKey::FromCertified(key.get(), &key_flaw);
  if (!checked) {
    flaw = key_flaw;
    return fail(kKeyFile);
  }

  const std::array<CertificateHandle*, 3> certificates = {&identity.device_,
                                                          &identity.intermediate_, &identity.root_};
  for (size_t i = 0; i < certificates.size(); ++i) {
    const auto pem = ReadIdentityFile(directory / kCertificateFiles[i], &flaw);
    if (!pem) return fail(kCertificateFiles[i]);
    *certificates[i] = ParseCertificate(pem->bytes(), &flaw);
    if (!*certificates[i]) return fail(kCertificateFiles[i]);
  }
  if (X509_check_private_key(identity.device_.get(), key.get()) != 1) {
    flaw = "is not the key that device.pem certifies";
    return fail(kKeyFile);
  }
  if (const auto chain_flaw = FindChainFlaw(identity.device_.get(), identity.intermediate_.get(),
                                            identity.root_.get())) {
    *error = "the identity in '" + directory.string() + "' can't be used: " + *chain_flaw +
             MendText(directory);
    return std::nullopt;
  }
  if (!identity.Adopt(key.get(), std::move(*checked))) {
    *error = kLibcryptoFailed;
    return std::nullopt;
  }
  std::error_code ignored;
  identity.is_test_ = fs::is_regular_file(directory / kTestMark, ignored);
  return identity;
}

bool Identity::Save(const fs::path& directory, bool overwrite, std::string* error) const {
  const OpenSslErrorScope errors;
  std::error_code failure;
  fs::create_directories(directory, failure);
  if (failure) {
    *error = "'" + directory.string() + "' can't be made: " + failure.message();
    return false;
  }
  if (const auto present = FindIdentityFile(directory); present && !overwrite) {
    *error = present->string() + " is there already. Choose another directory, or replace the" +
             " identity, and lose its key, with: ward identity create '" + directory.string() +
             "' --force";
    return false;
  }

  const std::array<BioHandle, 4> contents = {EncodeKey(private_key()), EncodeCertificate(device_),
                                             EncodeCertificate(intermediate_),
                                             EncodeCertificate(root_)};
  const std::array<const char*, 4> names = {kKeyFile, kCertificateFiles[0], kCertificateFiles[1],
                                            kCertificateFiles[2]};
  // Before the key is another one: it is not given away by the mark of the last.
  std::string flaw;
  if (!WriteTestMark(directory / kTestMark, is_test_, &flaw)) {
    *error = (directory / kTestMark).string() + " " + flaw;
    return false;
  }
  // All are on the disk before the first takes its place.
  std::vector<PendingFile> files;
  for (size_t i = 0; i < names.size(); ++i) {
    const fs::path path = directory / names[i];
    flaw = kLibcryptoFailed;
    files.emplace_back(path);
    if (!contents[i] ||
        !files.back().Write(Contents(contents[i]), i == 0 ? kSecretMode : kPublicMode, &flaw)) {
      *error = path.string() + " " + flaw;
      return false;
    }
  }
  for (size_t i = 0; i < names.size(); ++i) {
    if (!files[i].Commit(&flaw)) {
      *error = (directory / names[i]).string() + " " + flaw;
      return false;
    }
  }
  return true;
}

std::vector<CertificateSummary> Identity::Summarize() const {
  return {SummarizeCertificate(CertificateRole::kDevice, device_.get()),
          SummarizeCertificate(CertificateRole::kIntermediate, intermediate_.get()),
          SummarizeCertificate(CertificateRole::kRoot, root_.get())};
}

bool Identity::Adopt(EVP_PKEY* handle, device::RsaPrivateKey key) {
  key_ = std::move(key);
  const Pkcs8Handle info(EVP_PKEY2PKCS8(handle));
  const int size = info ? i2d_PKCS8_PRIV_KEY_INFO(info.get(), nullptr) : 0;
  if (size <= 0 || static_cast<size_t>(size) > kMaxPrivateKeyBytes) return false;
  unsigned char* next = private_key_.Expose().data();
  private_key_size_ = static_cast<size_t>(i2d_PKCS8_PRIV_KEY_INFO(info.get(), &next));
  bundle_ = EncodeBundle({device_.get(), intermediate_.get(), root_.get()});
  return !bundle_.empty();
}

}  // namespace ward::emulator
