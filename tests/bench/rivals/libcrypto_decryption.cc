#include "tests/bench/rivals/libcrypto_decryption.h"

namespace ward::bench {

LibcryptoDecryption::LibcryptoDecryption(const Message* message)
    : Decryption(message),
      cipher_(Cipher::Mode::kCtr, Cipher::Direction::kDecrypt, message->key()) {}

void LibcryptoDecryption::Decrypt(size_t bytes) {
  cipher_.Run(message().iv(), message().Encrypted(Cipher::Mode::kCtr, bytes), output_.data());
}

}  // namespace ward::bench
