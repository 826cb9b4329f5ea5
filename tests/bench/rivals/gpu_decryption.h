// The device: DECRYPT_BLT from system memory.
#ifndef WARD_TESTS_BENCH_RIVALS_GPU_DECRYPTION_H_
#define WARD_TESTS_BENCH_RIVALS_GPU_DECRYPTION_H_

#include "tests/bench/rivals/decryption.h"
#include "tests/bench/rivals/gpu_session.h"

namespace ward::bench {

class GpuDecryption final : public Decryption {
 public:
  // The session's source is the message, encrypted by CTR.
  GpuDecryption(const Message* message, GpuSession* session, const char* kind,
                GpuSession::Target target, GpuSession::Wait wait)
      : Decryption(message), session_(session), kind_(kind), target_(target), wait_(wait) {}

  const char* Kind() const override { return kind_; }

 private:
  void Prepare(size_t bytes) override;
  void Decrypt(size_t bytes) override;
  void Check(size_t bytes) override;

  GpuSession* session_;
  const char* kind_;
  GpuSession::Target target_;
  GpuSession::Wait wait_;
};

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_RIVALS_GPU_DECRYPTION_H_
