// A machine and an application on it, with what content protection cases need: small buffers, blts
// whose result is read back encrypted, keys that the test chose.
#ifndef WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_STAGE_H_
#define WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_STAGE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "examples/protected_player/certificate_chain.h"
#include "tests/conformance/content_protection/application_crypto.h"
#include "tests/integration/application.h"
#include "tests/integration/function_under_test.h"
#include "tests/integration/hardware_party.h"
#include "tests/integration/machine.h"

namespace ward::test {

using SessionPointer = std::unique_ptr<runtime::CryptoSession>;
using ResourcePointer = std::unique_ptr<runtime::Resource>;

// One application. Several over one kernel stand for several processes.
class Process {
 public:
  explicit Process(runtime::Kernel* kernel, UINT32 video_table = D3D11_1DDI_VIDEO_FUNCTIONS)
      : app(kernel, video_table) {}
  Process(runtime::Kernel* kernel, runtime::ProcessKind kind)
      : app(kernel, D3D11_1DDI_VIDEO_FUNCTIONS, kind) {}

  runtime::VideoDevice video_device() { return runtime::VideoDevice(&app.device()); }
  // The chain's leaf, verified to the machine's root.
  EVP_PKEY* device_key();

  SessionPointer MakeSession() { return app.CreateSession(); }
  SessionPointer MakeKeyedSession(const Key& key);
  HRESULT Negotiate(runtime::CryptoSession* session, std::vector<uint8_t> blob);

  // A key of the test's for a hardware session, wrapped by libcrypto: a guest has no programs.
  TrustedReply ImportKey(runtime::CryptoSession* session, const Key& key_id, const Key& key);

  ResourcePointer MakeStaging(uint32_t size_bytes);
  ResourcePointer MakeDefault(uint32_t size_bytes, bool is_restricted);

  // DecryptionBlt of `ciphertext` to `destination` through a staging buffer of its own.
  HRESULT Decrypt(runtime::CryptoSession* session, ConstByteSpan ciphertext, const Key& iv,
                  runtime::Resource* destination, ConstByteSpan wrapped_content_key = {},
                  const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* pattern = nullptr);
  // The resource's bytes, through a read-back key under `session_key`; empty when it was refused.
  std::vector<uint8_t> ReadProtected(runtime::CryptoSession* session, const Key& session_key,
                                     runtime::Resource* source);
  // What the device makes of `ciphertext` in a new protected buffer.
  std::vector<uint8_t> DecryptAndRead(runtime::CryptoSession* session, const Key& session_key,
                                      ConstByteSpan ciphertext, const Key& iv,
                                      ConstByteSpan wrapped_content_key = {},
                                      const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* pattern = nullptr);
  // Whether `key` is the session's key: a text under it comes through.
  bool HasKey(runtime::CryptoSession* session, const Key& key);

  Application app;

 private:
  examples::PublicKey device_key_;
  uint64_t next_iv_ = 1;
};

class Stage {
 public:
  // On what the suite runs on.
  explicit Stage(UINT32 video_table = D3D11_1DDI_VIDEO_FUNCTIONS)
      : Stage(FunctionUnderTest(), video_table) {}
  // On a machine that was set up so, which the case's tags say.
  explicit Stage(const MachineOptions& options, UINT32 video_table = D3D11_1DDI_VIDEO_FUNCTIONS)
      : Stage(FunctionUnderTest(options), video_table) {}

  FunctionUnderTest function;
  std::unique_ptr<runtime::Kernel> kernel;
  Process process;

 private:
  Stage(FunctionUnderTest on, UINT32 video_table)
      : function(std::move(on)),
        kernel(OpenKernel(function.get())),
        process(kernel.get(), video_table) {}
};

// Bytes that differ from their neighbours.
std::vector<uint8_t> MakeText(size_t size_bytes);
bool IsZero(ConstByteSpan bytes);

// The reference's keys and counter block for known answers.
const Key kSessionKey = ParseKey("2b7e151628aed2a6abf7158809cf4f3c");
const Key kContentKey = ParseKey("000102030405060708090a0b0c0d0e0f");
const Key kOtherKey = ParseKey("603deb1015ca71be2b73aef0857d7781");
const Key kIv = ParseKey("00112233445566770000000000000001");

}  // namespace ward::test

#endif  // WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_STAGE_H_
