#include "tests/bench/rivals/alg_decryption.h"

namespace ward::bench {

void AlgDecryption::Prepare(size_t bytes) {
  output_.assign(bytes, 0);
  // A new one each time: what is left in a socket after a failure would be the next one's
  // beginning.
  socket_ = std::make_unique<AlgSocket>(cipher_, message().key());
}

void AlgDecryption::Decrypt(size_t bytes) {
  socket_->Decrypt(message().iv(), message().Encrypted(mode_, bytes), output_);
}

}  // namespace ward::bench
