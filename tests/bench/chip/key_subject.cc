#include "tests/bench/chip/key_subject.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "tests/bench/chip/figure_table.h"
#include "tests/fakes/test_identity.h"

namespace ward::bench {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Context = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;

void Require(bool holds) {
  if (!holds) throw std::runtime_error("libcrypto's RSA failed");
}

void SetOaep(EVP_PKEY_CTX* context) {
  Require(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1);
  Require(EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha512()) == 1);
  Require(EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha512()) == 1);
}

double MeasureExchanges(uint32_t count) {
  const auto& der = fakes::LoadTestIdentity(WARD_SOURCE_DIR).private_key;
  const uint8_t* at = der.data();
  const Key key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())), EVP_PKEY_free);
  Require(key != nullptr);
  const Context wrap(EVP_PKEY_CTX_new(key.get(), nullptr), EVP_PKEY_CTX_free);
  Require(wrap != nullptr && EVP_PKEY_encrypt_init(wrap.get()) == 1);
  SetOaep(wrap.get());
  const uint8_t content_key[16] = {1, 2, 3};
  std::vector<uint8_t> blob(256);
  size_t blob_size = blob.size();
  Require(EVP_PKEY_encrypt(wrap.get(), blob.data(), &blob_size, content_key, 16) == 1);

  const Context unwrap(EVP_PKEY_CTX_new(key.get(), nullptr), EVP_PKEY_CTX_free);
  Require(unwrap != nullptr && EVP_PKEY_decrypt_init(unwrap.get()) == 1);
  SetOaep(unwrap.get());
  constexpr uint32_t kRepeats = 8;
  const double time = MedianNanoseconds(count, [&] {
    for (uint32_t i = 0; i < kRepeats; ++i) {
      uint8_t plain[256];
      size_t size = sizeof(plain);
      Require(EVP_PKEY_decrypt(unwrap.get(), plain, &size, blob.data(), blob_size) == 1 &&
              size == sizeof(content_key));
    }
  });
  return PerSecond(kRepeats, time);
}

}  // namespace

std::unique_ptr<Subject> MakeKeySubject() {
  auto table = std::make_unique<FigureTable>("rsa");
  table->Add("exchange", MeasureExchanges);
  return table;
}

}  // namespace ward::bench
