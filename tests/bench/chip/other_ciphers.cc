#include "tests/bench/chip/other_ciphers.h"

#include <cstring>
#include <memory>
#include <stdexcept>

#ifdef WARD_BENCH_GCRYPT
#include <gcrypt.h>
#endif
#ifdef WARD_BENCH_NETTLE
#include <nettle/aes.h>
#include <nettle/ctr.h>
#endif

namespace ward::bench {
namespace {

#ifdef WARD_BENCH_GCRYPT
OtherCipher MakeGcrypt(const uint8_t* key, const uint8_t* counter) {
  if (gcry_check_version(nullptr) == nullptr) throw std::runtime_error("libgcrypt");
  gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
  gcry_cipher_hd_t handle = nullptr;
  if (gcry_cipher_open(&handle, GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_CTR, 0) != 0 ||
      gcry_cipher_setkey(handle, key, 16) != 0) {
    throw std::runtime_error("libgcrypt");
  }
  const std::shared_ptr<gcry_cipher_handle> owned(handle, gcry_cipher_close);
  return {"gcrypt", [owned, counter](const uint8_t* source, uint8_t* destination, size_t size) {
            if (gcry_cipher_setctr(owned.get(), counter, 16) != 0 ||
                gcry_cipher_encrypt(owned.get(), destination, size, source, size) != 0) {
              throw std::runtime_error("libgcrypt");
            }
          }};
}
#endif

#ifdef WARD_BENCH_NETTLE
OtherCipher MakeNettle(const uint8_t* key, const uint8_t* counter) {
  aes128_ctx context;
  aes128_set_encrypt_key(&context, key);
  return {"nettle", [context, counter](const uint8_t* source, uint8_t* destination, size_t size) {
            uint8_t block[16];
            std::memcpy(block, counter, sizeof(block));
            ctr_crypt(&context, reinterpret_cast<nettle_cipher_func*>(aes128_encrypt),
                      sizeof(block), block, size, destination, source);
          }};
}
#endif

}  // namespace

std::vector<OtherCipher> MakeOtherCiphers([[maybe_unused]] const uint8_t* key,
                                          [[maybe_unused]] const uint8_t* counter) {
  std::vector<OtherCipher> ciphers;
#ifdef WARD_BENCH_GCRYPT
  ciphers.push_back(MakeGcrypt(key, counter));
#endif
#ifdef WARD_BENCH_NETTLE
  ciphers.push_back(MakeNettle(key, counter));
#endif
  return ciphers;
}

}  // namespace ward::bench
