// The application's end of output protection: key blob, signed requests and settings, checked
// answers. Its cryptography is libcrypto's.
#ifndef WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_OPM_PARTY_H_
#define WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_OPM_PARTY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/video_output.h"
#include "tests/conformance/content_protection/stage.h"

namespace ward::test {

using InformationRequest = DXGKMDT_OPM_GET_INFO_PARAMETERS;
using Information = DXGKMDT_OPM_REQUESTED_INFORMATION;
using Setting = DXGKMDT_OPM_CONFIGURE_PARAMETERS;

// The blob's plaintext (7.2).
struct OpmParameters {
  Key random;
  Key signing_key;
  uint32_t information_sequence;
  uint32_t configure_sequence;

  std::vector<uint8_t> Bytes() const;
};

// What GetInformation gave; `bytes` is filled with kUntouchedByte before the call.
struct OpmReply {
  HRESULT result;
  Information bytes;

  bool IsUntouched() const;
  uint32_t StatusFlags() const;
  // The n-th ULONG behind the status flags.
  uint32_t Value(size_t index) const;
};
inline constexpr uint8_t kUntouchedByte = 0xEE;

class OpmParty {
 public:
  static constexpr uint32_t kInformationStart = 0x30000000;
  static constexpr uint32_t kConfigureStart = 0x40000000;

  // A protected output of display output 0, without a key.
  explicit OpmParty(Stage* stage);

  // StartInitialization, with the chain verified to the machine's root.
  void Start();
  OpmParameters Parameters() const;
  HRESULT Finish(const std::vector<uint8_t>& plain, const std::string& digest = "SHA512");
  HRESULT FinishBlob(const std::vector<uint8_t>& blob);
  // All of it, which must succeed.
  void Open();

  // With the next sequence number, signed. `parameters` is abParameters.
  InformationRequest Request(const GUID& type, const std::vector<uint32_t>& parameters = {});
  void Sign(InformationRequest* request) const;
  OpmReply Ask(const InformationRequest& request);
  // Request and Ask; an answer that comes is checked: OMAC, size, random number.
  OpmReply Get(const GUID& type, const std::vector<uint32_t>& parameters = {});
  uint32_t StatusFlags();
  uint32_t VirtualLevel();
  uint32_t ActualLevel();

  Setting Command(const GUID& type, const std::vector<uint32_t>& parameters);
  void Sign(Setting* setting) const;
  HRESULT Send(const Setting& setting) { return output->Configure(setting); }
  HRESULT SetLevel(uint32_t level);
  // Level on, and the time that the negotiation takes.
  void SwitchOn();

  std::unique_ptr<runtime::VideoOutput> output;
  Key random{};
  Key key = kSessionKey;
  uint32_t next_information = kInformationStart;
  uint32_t next_configure = kConfigureStart;

 private:
  void CheckAnswered(const InformationRequest& request, const OpmReply& reply) const;

  Stage* stage_;
  Key nonce_{};
};

// OUTPUT_LINK.HDCP_STATE of output 0, and CHANGES.
enum : uint32_t { kHdcpOff = 0, kHdcpNegotiating = 1, kHdcpOn = 2, kHdcpLost = 3 };
uint32_t LinkState(Stage* stage);
uint32_t LinkChanges(Stage* stage);
// Until the chip is idle, where its time is virtual; else until no link negotiates.
void LetTimePass(Stage* stage);

}  // namespace ward::test

#endif  // WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_OPM_PARTY_H_
