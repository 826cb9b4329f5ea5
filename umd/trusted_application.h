// The way to the trusted application in the device's firmware, for one session of HW_PROTECTION
// (docs/spec/security-processor.md).
#ifndef WARD_UMD_TRUSTED_APPLICATION_H_
#define WARD_UMD_TRUSTED_APPLICATION_H_

#include <cstdint>

#include "base/bytes.h"
#include "umd/crypto_session.h"
#include "umd/device.h"

namespace ward::umd {

// What a call brought back; all zero when it did not get there. Times in units of 100 ns.
struct TrustedAnswer {
  HRESULT drm_result = S_OK;
  uint32_t output_bytes = 0;
  uint64_t transport_time = 0;
  uint64_t execution_time = 0;
};

class TrustedApplication {
 public:
  // Most bytes of input and of output that a function has.
  static constexpr uint32_t kLargestDataBytes = 1024;

  TrustedApplication(Device* device, const CryptoSession& session)
      : device_(device), session_(session) {}

  // The transport's HRESULT; the function's is in `*answer`. `output` has at most
  // kLargestDataBytes, and is zero behind what came.
  HRESULT Call(uint32_t function, ConstByteSpan input, ByteSpan output, TrustedAnswer* answer);
  // `key_id`: the 16 bytes of a GUID. `*token` is 0 unless it succeeds.
  HRESULT GetNewKeyData(ConstByteSpan key_id, uint64_t* token);

 private:
  Device* device_;
  const CryptoSession& session_;
};

}  // namespace ward::umd

#endif  // WARD_UMD_TRUSTED_APPLICATION_H_
