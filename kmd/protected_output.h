// Output protection as the display miniport driver offers it (DXGK_OPM_INTERFACE): messages of the
// kernel's queue. Structures pass as the bytes that the application made; the device judges them.
#ifndef WARD_KMD_PROTECTED_OUTPUT_H_
#define WARD_KMD_PROTECTED_OUTPUT_H_

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "kmd/kernel_queue.h"

namespace ward::kmd {

// A protected output, as the device numbers it: never 0.
using ProtectedOutputHandle = uint32_t;

class ProtectedOutputs {
 public:
  static constexpr size_t kRandomBytes = 16;
  static constexpr size_t kInformationRequestBytes = 4112;  // DXGKMDT_OPM_GET_INFO_PARAMETERS
  static constexpr size_t kInformationBytes = 4096;         // DXGKMDT_OPM_REQUESTED_INFORMATION
  // Some hundred certificates; who asks makes room for as much as the device says.
  static constexpr uint32_t kMaximumCertificateBytes = 128 << 10;

  explicit ProtectedOutputs(KernelQueue* kernel_queue) : kernel_queue_(kernel_queue) {}

  // Each is the DDI function of its name; a fault has the device's status, or the kernel queue's.
  // DEVICE_GONE for a device that says more than kMaximumCertificateBytes.
  Result<uint32_t> GetCertificateSize();
  // `certificate` has the size that GetCertificateSize gives; else INVALID_ARGUMENT.
  Result<void> GetCertificate(ByteSpan certificate);
  // `semantics` is a DXGKMDT_OPM_VIDEO_OUTPUT_SEMANTICS.
  Result<ProtectedOutputHandle> CreateProtectedOutput(uint32_t output, uint32_t semantics);
  // kRandomBytes.
  Result<void> GetRandomNumber(ProtectedOutputHandle handle, ByteSpan random);
  Result<void> SetSigningKeyAndSequenceNumbers(ProtectedOutputHandle handle,
                                               ConstByteSpan encrypted_parameters);
  // `information`, kInformationBytes, stays as it was when the request is refused.
  Result<void> GetInformation(ProtectedOutputHandle handle, ConstByteSpan parameters,
                              ByteSpan information);
  Result<void> ConfigureProtectedOutput(ProtectedOutputHandle handle, ConstByteSpan parameters);
  Result<void> DestroyProtectedOutput(ProtectedOutputHandle handle);

 private:
  // Sends `handle`, the size of `bytes`, and `bytes`. `answer` is what has to follow the response's
  // header.
  Result<void> SendBytes(uint32_t message, ProtectedOutputHandle handle, ConstByteSpan bytes,
                         ByteSpan answer);
  Result<void> GetChunk(uint32_t offset, ByteSpan chunk, uint32_t* total_bytes);

  KernelQueue* kernel_queue_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_PROTECTED_OUTPUT_H_
