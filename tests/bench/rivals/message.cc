#include "tests/bench/rivals/message.h"

#include <cstring>
#include <stdexcept>

namespace ward::bench {

Message::Message() : plain_(kMaximumBytes), ctr_(kMaximumBytes), cbc_(kMaximumBytes) {
  for (size_t i = 0; i < key_.size(); ++i) {
    key_[i] = static_cast<uint8_t>(0x40 + i);
    iv_[i] = static_cast<uint8_t>(i < 8 ? 0xa0 + i : 0);  // IV and Count, which begins at 0
  }
  // No two blocks alike: the keystream of zeros under another IV.
  const Block other{1};
  Cipher(Cipher::Mode::kCtr, Cipher::Direction::kEncrypt, key_).Run(other, ctr_, plain_.data());
  Cipher(Cipher::Mode::kCtr, Cipher::Direction::kEncrypt, key_).Run(iv_, plain_, ctr_.data());
  Cipher(Cipher::Mode::kCbc, Cipher::Direction::kEncrypt, key_).Run(iv_, plain_, cbc_.data());
}

void Message::Check(ConstByteSpan decrypted) const {
  if (std::memcmp(decrypted.data(), plain_.data(), decrypted.size()) != 0) {
    throw std::runtime_error("what came out is not the plaintext");
  }
}

}  // namespace ward::bench
