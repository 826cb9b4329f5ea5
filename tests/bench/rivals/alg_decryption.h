// A cipher of the guest's kernel, behind AF_ALG: the processor's own, or virtio-crypto.
#ifndef WARD_TESTS_BENCH_RIVALS_ALG_DECRYPTION_H_
#define WARD_TESTS_BENCH_RIVALS_ALG_DECRYPTION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/rivals/alg_socket.h"
#include "tests/bench/rivals/decryption.h"

namespace ward::bench {

class AlgDecryption final : public Decryption {
 public:
  // `cipher` as AlgSocket takes it. A kernel without it is told by Measure.
  AlgDecryption(const Message* message, const char* kind, std::string cipher, Cipher::Mode mode)
      : Decryption(message), kind_(kind), cipher_(std::move(cipher)), mode_(mode) {}

  const char* Kind() const override { return kind_; }

 private:
  void Prepare(size_t bytes) override;
  void Decrypt(size_t bytes) override;
  void Check(size_t) override { message().Check(output_); }

  const char* kind_;
  std::string cipher_;
  Cipher::Mode mode_;
  std::unique_ptr<AlgSocket> socket_;
  std::vector<uint8_t> output_;
};

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_RIVALS_ALG_DECRYPTION_H_
