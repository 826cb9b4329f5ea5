// Decrypts as a real browser's decryptor does (DDI 4.5, 7.4, 7.8): buffers of a fixed size, the
// encrypted runs of a sample joined before the call, the beginning rounded up to cipher blocks, the
// sample's IV copied over the counter block as it is.
#ifndef WARD_TESTS_INTEGRATION_BROWSER_DECRYPTOR_H_
#define WARD_TESTS_INTEGRATION_BROWSER_DECRYPTOR_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "tests/conformance/content_protection/stage.h"

namespace ward::test {

// Clear bytes, then encrypted ones.
using SubSampleSizes = std::vector<std::pair<uint32_t, uint32_t>>;

class BrowserDecryptor {
 public:
  static constexpr uint32_t kBufferBytes = 16384;

  // The session has `key` negotiated. `is_restricted` false is what the browser itself creates.
  BrowserDecryptor(Process* process, runtime::CryptoSession* session, const Key& key,
                   bool is_restricted = true);

  // The sample with its encrypted bytes decrypted; empty when the read-back was refused. `iv` has
  // 16 bytes or 8, at most kBufferBytes are encrypted.
  std::vector<uint8_t> Decrypt(ConstByteSpan sample, ConstByteSpan iv,
                               const SubSampleSizes& sub_samples,
                               ConstByteSpan wrapped_content_key = {});

  runtime::Resource* destination() { return destination_.get(); }

 private:
  Process* process_;
  runtime::CryptoSession* session_;
  Key key_;
  ResourcePointer staging_;
  ResourcePointer destination_;
};

}  // namespace ward::test

#endif  // WARD_TESTS_INTEGRATION_BROWSER_DECRYPTOR_H_
