#include "tests/bench/rivals/cipher.h"

#include <stdexcept>

namespace ward::bench {
namespace {

const EVP_CIPHER* Find(Cipher::Mode mode) {
  switch (mode) {
    case Cipher::Mode::kCtr:
      return EVP_aes_128_ctr();
    case Cipher::Mode::kCbc:
      return EVP_aes_128_cbc();
    case Cipher::Mode::kEcb:
      return EVP_aes_128_ecb();
  }
  throw std::invalid_argument("no such mode");
}

void Require(int result) {
  if (result != 1) throw std::runtime_error("libcrypto failed");
}

}  // namespace

Cipher::Cipher(Mode mode, Direction direction, const Block& key) : context_(EVP_CIPHER_CTX_new()) {
  Require(context_ != nullptr);
  Require(EVP_CipherInit_ex(context_.get(), Find(mode), nullptr, key.data(), nullptr,
                            direction == Direction::kEncrypt ? 1 : 0));
  Require(EVP_CIPHER_CTX_set_padding(context_.get(), 0));
}

void Cipher::Run(const Block& iv, ConstByteSpan input, uint8_t* output) {
  int written = 0;
  Require(EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, iv.data(), -1));
  Require(EVP_CipherUpdate(context_.get(), output, &written, input.data(),
                           static_cast<int>(input.size())));
}

}  // namespace ward::bench
