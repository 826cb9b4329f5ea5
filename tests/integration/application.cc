#include "tests/integration/application.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "catch2/catch_test_macros.hpp"
#include "examples/protected_player/certificate_chain.h"
#include "examples/protected_player/session_key.h"
#include "tests/integration/machine.h"

namespace ward::test {
namespace {

std::unique_ptr<runtime::Adapter> OpenAdapter(runtime::Kernel* kernel, runtime::ProcessKind kind) {
  std::unique_ptr<runtime::Adapter> adapter;
  REQUIRE(runtime::Adapter::Open(kernel, OpenAdapter10_2, &adapter, kind) == S_OK);
  return adapter;
}

std::unique_ptr<runtime::Device> CreateDevice(runtime::Adapter* adapter, UINT32 video_table) {
  std::unique_ptr<runtime::Device> device;
  REQUIRE(runtime::Device::Create(adapter, &device, video_table) == S_OK);
  return device;
}

Key RunEcb(const Key& key, const Key& block, int encrypt) {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  Key result{};
  int size = 0;
  const bool ok =
      EVP_CipherInit_ex(context, EVP_aes_128_ecb(), nullptr, key.data(), nullptr, encrypt) == 1 &&
      EVP_CIPHER_CTX_set_padding(context, 0) == 1 &&
      EVP_CipherUpdate(context, result.data(), &size, block.data(), block.size()) == 1;
  EVP_CIPHER_CTX_free(context);
  if (!ok) throw std::runtime_error("libcrypto has no AES");
  return result;
}

}  // namespace

std::unique_ptr<runtime::Kernel> OpenKernel(abi::PciFunction* function) {
  Result<std::unique_ptr<runtime::Kernel>> kernel = runtime::Kernel::Open(function);
  if (!kernel.ok()) throw std::runtime_error(kernel.fault().reason);
  return std::move(kernel.value());
}

Application::Application(runtime::Kernel* kernel, UINT32 video_table, runtime::ProcessKind kind)
    : adapter_(OpenAdapter(kernel, kind)),
      device_(CreateDevice(adapter_.get(), video_table)),
      video_(device_.get()),
      context_(device_.get()) {}

std::unique_ptr<runtime::CryptoSession> Application::CreateSession() {
  std::unique_ptr<runtime::CryptoSession> session;
  REQUIRE(runtime::VideoDevice(device_.get())
              .CreateCryptoSession(D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, nullptr,
                                   D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP, &session) == S_OK);
  return session;
}

std::vector<uint8_t> Application::Wrap(ConstByteSpan plain, const std::string& hash) {
  if (!std::filesystem::exists(workspace_ / "device.pem")) {
    const auto session = CreateSession();
    uint32_t size_bytes = 0;
    REQUIRE(session->GetCertificateSize(&size_bytes) == S_OK);
    std::vector<uint8_t> bundle(size_bytes);
    REQUIRE(session->GetCertificate(bundle) == S_OK);
    const examples::VerifiedLeaf leaf = examples::VerifyChain(bundle, SharedRoot());
    FILE* file = std::fopen((workspace_ / "device.pem").c_str(), "w");
    REQUIRE(file != nullptr);
    const int written = PEM_write_PUBKEY(file, leaf.key.get());
    std::fclose(file);
    REQUIRE(written == 1);
  }
  workspace_.Write("plain", plain);
  std::string output;
  const int code = workspace_.Run(
      "openssl pkeyutl -encrypt -pubin -inkey device.pem -pkeyopt rsa_padding_mode:oaep"
      " -pkeyopt rsa_oaep_md:" +
          hash + " -pkeyopt rsa_mgf1_md:" + hash + " -in plain -out wrapped",
      &output);
  INFO(output);
  REQUIRE(code == 0);
  return workspace_.Read("wrapped");
}

std::unique_ptr<runtime::CryptoSession> Application::CreateKeyedSession(const Key& key) {
  auto session = CreateSession();
  std::vector<uint8_t> blob = Wrap(key);
  REQUIRE(video_.NegotiateCryptoSessionKeyExchange(session.get(), blob) == S_OK);
  return session;
}

std::unique_ptr<runtime::Resource> Application::CreateStaging(const Clip& clip) {
  runtime::TextureDescription description = {clip.width, clip.height, DXGI_FORMAT_NV12};
  description.usage = runtime::Usage::kStaging;
  description.cpu_access_flags = runtime::kCpuAccessRead | runtime::kCpuAccessWrite;
  std::unique_ptr<runtime::Resource> texture;
  REQUIRE(runtime::Resource::CreateTexture2D(device_.get(), description, &texture) == S_OK);
  return texture;
}

std::unique_ptr<runtime::Resource> Application::CreateTexture(const Clip& clip,
                                                              bool is_restricted) {
  runtime::TextureDescription description = {clip.width, clip.height, DXGI_FORMAT_NV12};
  description.bind_flags = runtime::kBindDecoder;
  if (is_restricted) description.misc_flags = umd::kApiResourceMiscRestrictedContent;
  std::unique_ptr<runtime::Resource> texture;
  REQUIRE(runtime::Resource::CreateTexture2D(device_.get(), description, &texture) == S_OK);
  return texture;
}

void Application::Upload(runtime::Resource* staging, ConstByteSpan bytes) {
  runtime::MappedSubresource mapped;
  REQUIRE(context_.Map(staging, runtime::MapType::kWrite, &mapped) == S_OK);
  REQUIRE(mapped.depth_pitch >= bytes.size());
  std::memcpy(mapped.data, bytes.data(), bytes.size());
  context_.Unmap(staging);
}

std::vector<uint8_t> Application::Download(runtime::Resource* staging) {
  runtime::MappedSubresource mapped;
  REQUIRE(context_.Map(staging, runtime::MapType::kRead, &mapped) == S_OK);
  std::vector<uint8_t> bytes(mapped.data, mapped.data + mapped.depth_pitch);
  context_.Unmap(staging);
  return bytes;
}

Key EcbEncrypt(const Key& key, const Key& block) { return RunEcb(key, block, 1); }
Key EcbDecrypt(const Key& key, const Key& block) { return RunEcb(key, block, 0); }

std::vector<uint8_t> ReadBack(Application* application, runtime::CryptoSession* session,
                              const Key& session_key, runtime::Resource* source, const Clip& clip) {
  Key wrapped{};
  REQUIRE(application->video().GetEncryptionBltKey(session, wrapped) == S_OK);
  const auto staging = application->CreateStaging(clip);
  Key counter_block{};
  REQUIRE(application->video().EncryptionBlt(session, source, staging.get(), counter_block) ==
          S_OK);
  std::vector<uint8_t> bytes = application->Download(staging.get());
  if (counter_block == Key{}) {
    // Refused: nothing arrived.
    CHECK(std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; }));
    return {};
  }
  examples::AesKey key;
  const Key unwrapped = EcbDecrypt(session_key, wrapped);
  std::copy(unwrapped.begin(), unwrapped.end(), key.Expose().begin());
  examples::DecryptCtr(key, counter_block, bytes);
  return bytes;
}

Key ParseKey(const std::string& hex) {
  const Bytes bytes = FromHex(hex);
  Key key{};
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

}  // namespace ward::test
