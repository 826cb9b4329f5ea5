// One process that uses protected content: a device over a kernel that others may share, sessions
// with keys that the test knows. Keys are wrapped by the openssl command line, not by our code.
#ifndef WARD_TESTS_INTEGRATION_APPLICATION_H_
#define WARD_TESTS_INTEGRATION_APPLICATION_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "emulator/in_process/in_process_host.h"
#include "runtime/adapter.h"
#include "runtime/crypto_session.h"
#include "runtime/device.h"
#include "runtime/device_context.h"
#include "runtime/kernel.h"
#include "runtime/resource.h"
#include "runtime/video_context.h"
#include "runtime/video_device.h"
#include "tests/integration/clip.h"
#include "tests/unit/crypto/workspace.h"

namespace ward::test {

using Key = std::array<uint8_t, 16>;

std::unique_ptr<runtime::Kernel> OpenKernel(abi::PciFunction* function);

class Application {
 public:
  // `video_table` as runtime::Device::Create takes it.
  explicit Application(runtime::Kernel* kernel, UINT32 video_table = D3D11_1DDI_VIDEO_FUNCTIONS,
                       runtime::ProcessKind kind = runtime::ProcessKind::kOrdinary);

  runtime::Device& device() { return *device_; }
  runtime::VideoContext& video() { return video_; }
  runtime::DeviceContext& context() { return context_; }

  std::unique_ptr<runtime::CryptoSession> CreateSession();
  // RSAES-OAEP of `plain` for the device with SHA-512, or what else `hash` names.
  std::vector<uint8_t> Wrap(ConstByteSpan plain, const std::string& hash = "sha512");
  // A session with `key` negotiated.
  std::unique_ptr<runtime::CryptoSession> CreateKeyedSession(const Key& key);

  // Textures of the clip's size.
  std::unique_ptr<runtime::Resource> CreateStaging(const Clip& clip);
  std::unique_ptr<runtime::Resource> CreateTexture(const Clip& clip, bool is_restricted);

  void Upload(runtime::Resource* staging, ConstByteSpan bytes);
  std::vector<uint8_t> Download(runtime::Resource* staging);

 private:
  Workspace workspace_;
  std::unique_ptr<runtime::Adapter> adapter_;
  std::unique_ptr<runtime::Device> device_;
  runtime::VideoContext video_;
  runtime::DeviceContext context_;
};

// One AES-128-ECB block, by libcrypto.
Key EcbEncrypt(const Key& key, const Key& block);
Key EcbDecrypt(const Key& key, const Key& block);

// What the device decrypts with `session`, read back encrypted and decrypted here: the clip's first
// frame when all went well, empty when the read-back was refused.
std::vector<uint8_t> ReadBack(Application* application, runtime::CryptoSession* session,
                              const Key& session_key, runtime::Resource* source, const Clip& clip);

Key ParseKey(const std::string& hex);

}  // namespace ward::test

#endif  // WARD_TESTS_INTEGRATION_APPLICATION_H_
