// The application's side of hardware DRM (DDI 9 and 10.4): packets for the trusted application, and
// what a decoder would do with an imported key.
#ifndef WARD_TESTS_INTEGRATION_HARDWARE_PARTY_H_
#define WARD_TESTS_INTEGRATION_HARDWARE_PARTY_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "abi/generated/messages.h"
#include "tests/integration/application.h"
#include "umd/device.h"

namespace ward::test {

// Functions of the trusted application (docs/spec/security-processor.md).
enum : uint32_t { kTrustedVersion = 0, kTrustedRandom = 1, kTrustedImport = 2, kTrustedEcho = 3 };

struct TrustedReply {
  HRESULT transport = E_FAIL;
  HRESULT drm_result = E_FAIL;
  std::vector<uint8_t> output;
  uint64_t transport_time = 0;  // 100 ns
  uint64_t execution_time = 0;
};

// HW_PROTECTION_DATA with the structures that it points to, for tests to spoil.
class TrustedPacket {
 public:
  TrustedPacket(uint32_t function, ConstByteSpan input, uint32_t output_room);

  D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_DATA data = {};
  D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA& input() { return *data.pInputData; }
  D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA& output() { return *data.pOutputData; }
  // Of the output's room.
  std::vector<uint8_t> OutputBytes(uint32_t size_bytes) const;
  ByteSpan Bytes() { return {reinterpret_cast<uint8_t*>(&data), sizeof(data)}; }

 private:
  std::vector<uint64_t> input_;
  std::vector<uint64_t> output_;
};

// The device's number of the session.
uint32_t NumberOf(runtime::CryptoSession* session);
std::unique_ptr<runtime::CryptoSession> CreateHardwareSession(Application* application);
TrustedReply CallTrusted(Application* application, runtime::CryptoSession* session,
                         uint32_t function, ConstByteSpan input, uint32_t output_room = 1024);

// The plaintext of an import: token, zeros, key, zeros.
std::vector<uint8_t> MakeImportPlain(uint64_t token, const Key& key);
// The input of IMPORT_KEY.
std::vector<uint8_t> MakeImport(const Key& key_id, ConstByteSpan blob);
// Asks for a token and imports `key` under it.
TrustedReply ImportKey(Application* application, runtime::CryptoSession* session, const Key& key_id,
                       const Key& key);

// A message to the firmware about `session`, past the driver's own checks: Request begins with the
// session's number.
template <typename Request, typename Response>
HRESULT AskFirmware(runtime::CryptoSession* session, uint32_t message, Request request,
                    Response* response, ConstByteSpan data = {}, ByteSpan answer = {}) {
  request.session = NumberOf(session);
  return umd::Device::From(session->device().driver_handle())
      ->messages()
      .Ask(message, request, response, data, answer);
}
// QUERY_SESSION.
abi::QuerySessionResponse QuerySession(runtime::CryptoSession* session);

// What stands behind VideoDecoderBeginFrame with HW_CENC: the key of that name decrypts from now
// on.
HRESULT SelectKey(runtime::CryptoSession* session, const Key& key_id);
// A DECRYPT_BLT under the selected key in the order of the driver's commands. No function of the
// DDI makes one for a session of HW_PROTECTION.
HRESULT DecryptUnderSelectedKey(runtime::CryptoSession* session, runtime::Resource* source,
                                runtime::Resource* destination, const Key& iv);

// A COPY from a protected buffer to a surface of as many bytes, in the order of the driver's
// commands: what a decoder of the stream would leave there.
HRESULT CopyToSurface(runtime::Resource* buffer, runtime::Resource* surface);

}  // namespace ward::test

#endif  // WARD_TESTS_INTEGRATION_HARDWARE_PARTY_H_
