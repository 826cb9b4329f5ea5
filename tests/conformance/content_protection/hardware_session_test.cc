// CryptoSession: sessions of HW_PROTECTION (DDI 9), through the WDDM 2.4 table.
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/stage.h"
#include "tests/integration/hardware_party.h"

namespace ward::test {
namespace {

const GUID& kAes = D3D11_1DDI_CRYPTO_TYPE_AES128_CTR;
const GUID& kHardware = D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION;
constexpr HRESULT kUnsupportedCrypto = static_cast<HRESULT>(0x8876087E);
const Key kName = ParseKey("11111111222233334444555555555555");
const Key kOtherName = ParseKey("66666666777788889999aaaaaaaaaaaa");

struct HardwareStage : Stage {
  HardwareStage()
      : Stage(D3DWDDM2_4DDI_VIDEO_FUNCTIONS), session(CreateHardwareSession(&process.app)) {}

  TrustedReply Call(uint32_t number, ConstByteSpan input, uint32_t room = 1024) {
    return CallTrusted(&process.app, session.get(), number, input, room);
  }
  // A call that gets there and that the function refuses.
  void CheckRefused(uint32_t number, ConstByteSpan input, uint32_t room = 1024) {
    const TrustedReply reply = Call(number, input, room);
    REQUIRE(reply.transport == S_OK);
    REQUIRE(reply.drm_result == E_INVALIDARG);
    REQUIRE(reply.output.empty());
  }
  uint64_t Token(const Key& name) {
    uint64_t token = 0;
    REQUIRE(session->GetDataForNewHardwareKey(name, &token) == S_OK);
    return token;
  }
  std::vector<uint8_t> Import(const Key& name, ConstByteSpan plain) {
    return MakeImport(name, WrapOaep(process.device_key(), plain));
  }
  // An import that is right but for `spoil`, of a token for kName.
  template <typename Spoil>
  void CheckImportRefused(Spoil spoil) {
    std::vector<uint8_t> plain = MakeImportPlain(Token(kName), kContentKey);
    Key name = kName;
    spoil(&plain, &name);
    CheckRefused(kTrustedImport, Import(name, plain));
    REQUIRE(SelectKey(session.get(), kName) == E_INVALIDARG);
  }
  HRESULT Send(TrustedPacket* packet) {
    return process.app.video().NegotiateCryptoSessionKeyExchange(session.get(), packet->Bytes());
  }

  SessionPointer session;
};

TEST_CASE("CryptoSession.HwCaps: WDDM 2.x reports hardware DRM and tear-down, no transition (5)") {
  HardwareStage stage;
  const runtime::Device& device = stage.process.app.device();
  D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps = {};
  REQUIRE(device.video_functions().pfnGetContentProtectionCaps(device.driver_handle(), &kAes,
                                                               nullptr, &caps) == S_OK);
  CHECK((caps.Caps & 0xf800u) == (0x800u | 0x4000u | 0x8000u));
  CHECK(caps.KeyExchangeTypeCount == 2);
  GUID type = {};
  CHECK(stage.process.video_device().CheckCryptoKeyExchange(&kAes, nullptr, 1, &type) == S_OK);
  CHECK(type == kHardware);
}

TEST_CASE("CryptoSession.HwOldCaps: the D3D11.1 table reports caps 0 to 10 alone (5)",
          "[negative]") {
  Stage stage;
  const runtime::Device& device = stage.process.app.device();
  D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps = {};
  REQUIRE(device.video_functions().pfnGetContentProtectionCaps(device.driver_handle(), &kAes,
                                                               nullptr, &caps) == S_OK);
  CHECK((caps.Caps & ~0x7ffu) == 0);
}

TEST_CASE("CryptoSession.HwOldTable: the D3D11.1 table has no HW_PROTECTION (9)", "[negative]") {
  Stage stage;
  const runtime::Device& device = stage.process.app.device();
  GUID type = {};
  CHECK(device.video_functions().pfnGetCryptoKeyExchangeType(device.driver_handle(), &kAes, nullptr,
                                                             1, &type) == E_INVALIDARG);
  SessionPointer session;
  CHECK(stage.process.video_device().CreateCryptoSession(kAes, nullptr, kHardware, &session) ==
        kUnsupportedCrypto);
}

TEST_CASE("CryptoSession.HwPrivateDataSize: the driver wants no private data (4.9)") {
  HardwareStage stage;
  uint32_t input = 7;
  uint32_t output = 7;
  CHECK(stage.process.video_device().GetCryptoSessionPrivateDataSize(kAes, nullptr, kHardware,
                                                                     &input, &output) == S_OK);
  CHECK(input == 0);
  CHECK(output == 0);
}

TEST_CASE("CryptoSession.HwVersion: version, functions, key capacity, largest data") {
  HardwareStage stage;
  const TrustedReply reply = stage.Call(kTrustedVersion, {});
  REQUIRE(reply.drm_result == S_OK);
  CHECK(reply.output == std::vector<uint8_t>{1, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0, 4, 0, 0});
}

TEST_CASE("CryptoSession.HwVersionInput: VERSION takes no input", "[negative]") {
  HardwareStage stage;
  stage.CheckRefused(kTrustedVersion, std::vector<uint8_t>{0});
}

TEST_CASE("CryptoSession.HwFunctionUnknown: a function that is not there is E_NOTIMPL",
          "[negative]") {
  HardwareStage stage;
  for (const uint32_t function : {4u, 0xFFFFFFFFu}) {
    const TrustedReply reply = stage.Call(function, MakeText(10));
    CHECK(reply.transport == S_OK);
    CHECK(reply.drm_result == E_NOTIMPL);
    CHECK(reply.output.empty());
  }
}

TEST_CASE("CryptoSession.HwRandom: as many bytes as asked for, others each time") {
  HardwareStage stage;
  const std::vector<uint8_t> count = {16, 0, 0, 0};
  const TrustedReply first = stage.Call(kTrustedRandom, count);
  REQUIRE(first.drm_result == S_OK);
  CHECK(first.output.size() == 16);
  CHECK(first.output != stage.Call(kTrustedRandom, count).output);
}

TEST_CASE("CryptoSession.HwRandomCount: 0 bytes and more than 256 are E_INVALIDARG", "[negative]") {
  HardwareStage stage;
  stage.CheckRefused(kTrustedRandom, std::vector<uint8_t>{0, 0, 0, 0});
  stage.CheckRefused(kTrustedRandom, std::vector<uint8_t>{1, 1, 0, 0});
  stage.CheckRefused(kTrustedRandom, std::vector<uint8_t>{1, 0, 0});
}

TEST_CASE("CryptoSession.HwEcho: what went in comes out") {
  HardwareStage stage;
  for (const size_t size : {1u, 100u, 1024u}) {
    CHECK(stage.Call(kTrustedEcho, MakeText(size)).output == MakeText(size));
  }
}

TEST_CASE("CryptoSession.HwOutputRoom: output that has no room is E_INVALIDARG, and none comes",
          "[negative]") {
  HardwareStage stage;
  stage.CheckRefused(kTrustedEcho, MakeText(8), 7);
  stage.CheckRefused(kTrustedVersion, {}, 15);
}

TEST_CASE("CryptoSession.HwEchoLimit: more than 1024 bytes are E_INVALIDARG", "[negative]") {
  HardwareStage stage;
  const std::vector<uint8_t> text = MakeText(1025);
  abi::CallTrustedRequest request = {};
  request.function = kTrustedEcho;
  request.input_bytes = 1025;
  request.output_capacity = 2000;
  abi::CallTrustedResponse response = {};
  std::vector<uint8_t> output(2000);
  REQUIRE(AskFirmware(stage.session.get(), abi::kMessageCallTrusted, request, &response, text,
                      output) == S_OK);
  CHECK(response.drm_result == static_cast<uint32_t>(E_INVALIDARG));
  CHECK(IsZero(output));
}

TEST_CASE("CryptoSession.HwDataSize: only HW_PROTECTION_DATA's own size is accepted (9)",
          "[negative]") {
  HardwareStage stage;
  for (const size_t size : {0u, 31u, 33u, 256u}) {
    TrustedPacket packet(kTrustedVersion, {}, 64);
    std::vector<uint8_t> data(512);
    std::copy(packet.Bytes().begin(), packet.Bytes().end(), data.begin());
    CHECK(stage.process.app.video().NegotiateCryptoSessionKeyExchange(
              stage.session.get(), ByteSpan(data).first(size)) == E_INVALIDARG);
  }
}

TEST_CASE("CryptoSession.HwPointers: without input or output there is no call (9)", "[negative]") {
  HardwareStage stage;
  TrustedPacket no_input(kTrustedVersion, {}, 64);
  no_input.data.pInputData = nullptr;
  CHECK(stage.Send(&no_input) == E_INVALIDARG);
  TrustedPacket no_output(kTrustedVersion, {}, 64);
  no_output.data.pOutputData = nullptr;
  CHECK(stage.Send(&no_output) == E_INVALIDARG);
}

TEST_CASE("CryptoSession.HwPrivateData: private data that nobody asked for is E_INVALIDARG (9)",
          "[negative]") {
  HardwareStage stage;
  TrustedPacket input(kTrustedVersion, {}, 64);
  input.input().PrivateDataSize = 1;
  CHECK(stage.Send(&input) == E_INVALIDARG);
  TrustedPacket output(kTrustedVersion, {}, 64);
  output.output().PrivateDataSize = 4;
  CHECK(stage.Send(&output) == E_INVALIDARG);
  CHECK(output.data.Status == E_INVALIDARG);
}

TEST_CASE("CryptoSession.HwExchangeFlags: the flag is NONE (4.9)", "[negative]") {
  HardwareStage stage;
  runtime::VideoDevice video = stage.process.video_device();
  TrustedPacket packet(kTrustedVersion, {}, 64);
  const auto flags = static_cast<D3DWDDM2_4DDI_CRYPTO_SESSION_KEY_EXCHANGE_FLAGS>(1);
  CHECK(video.NegotiateCryptoSessionKeyExchangeMT(stage.session.get(), flags, packet.Bytes()) ==
        E_INVALIDARG);
  CHECK(video.NegotiateCryptoSessionKeyExchangeMT(
            stage.session.get(), D3DWDDM2_4DDI_CRYPTO_SESSION_KEY_EXCHANGE_FLAG_NONE,
            packet.Bytes()) == S_OK);
}

TEST_CASE("CryptoSession.HwKeyName: a key's name is 16 bytes (4.9)", "[negative]") {
  HardwareStage stage;
  const std::vector<uint8_t> name(32, 1);
  for (const size_t size : {0u, 15u, 17u}) {
    uint64_t token = 7;
    CHECK(stage.session->GetDataForNewHardwareKey(ConstByteSpan(name).first(size), &token) ==
          E_INVALIDARG);
    CHECK(token == 0);
  }
}

TEST_CASE("CryptoSession.HwToken: a token is never 0 and never the same") {
  HardwareStage stage;
  const uint64_t first = stage.Token(kName);
  CHECK(first != 0);
  CHECK(first != stage.Token(kName));
}

TEST_CASE("CryptoSession.HwImport: a key under its token is there by its name") {
  HardwareStage stage;
  const TrustedReply reply = stage.Call(
      kTrustedImport, stage.Import(kName, MakeImportPlain(stage.Token(kName), kContentKey)));
  CHECK(reply.drm_result == S_OK);
  CHECK(reply.output.empty());
  CHECK(SelectKey(stage.session.get(), kName) == S_OK);
  CHECK(QuerySession(stage.session.get()).state == 1);
}

TEST_CASE("CryptoSession.HwImportUnasked: no key comes in that no token was asked for",
          "[negative]") {
  HardwareStage stage;
  stage.CheckRefused(kTrustedImport, stage.Import(Key{}, MakeImportPlain(0, kContentKey)));
  stage.CheckRefused(kTrustedImport, stage.Import(kName, MakeImportPlain(5, kContentKey)));
}

TEST_CASE("CryptoSession.HwImportToken: another token is refused", "[negative]") {
  HardwareStage stage;
  stage.CheckImportRefused([](std::vector<uint8_t>* plain, Key*) { (*plain)[0] ^= 1; });
  stage.CheckImportRefused([](std::vector<uint8_t>* plain, Key*) { (*plain)[7] ^= 0x80; });
}

TEST_CASE("CryptoSession.HwImportName: a token is for the key that it was asked for",
          "[negative]") {
  HardwareStage stage;
  stage.CheckImportRefused([](std::vector<uint8_t>*, Key* name) { *name = kOtherName; });
  CHECK(SelectKey(stage.session.get(), kOtherName) == E_INVALIDARG);
}

TEST_CASE("CryptoSession.HwImportZeros: what has to be zero is zero", "[negative]") {
  HardwareStage stage;
  for (const size_t at : {8u, 15u, 32u, 39u}) {
    stage.CheckImportRefused([at](std::vector<uint8_t>* plain, Key*) { (*plain)[at] = 1; });
  }
}

TEST_CASE("CryptoSession.HwImportSize: fewer than 40 bytes are refused", "[negative]") {
  HardwareStage stage;
  for (const size_t size : {0u, 16u, 39u}) {
    stage.CheckImportRefused([size](std::vector<uint8_t>* plain, Key*) { plain->resize(size); });
  }
}

TEST_CASE("CryptoSession.HwImportBlob: a blob that was changed, cut or left out is refused",
          "[negative]") {
  HardwareStage stage;
  std::vector<uint8_t> import =
      stage.Import(kName, MakeImportPlain(stage.Token(kName), kContentKey));
  import[100] ^= 1;
  stage.CheckRefused(kTrustedImport, import);
  import.pop_back();
  stage.CheckRefused(kTrustedImport, import);
  stage.CheckRefused(kTrustedImport, ConstByteSpan(import).first(16));
  stage.CheckRefused(kTrustedImport, {});
}

TEST_CASE("CryptoSession.HwImportHash: OAEP with another hash is refused", "[negative]") {
  HardwareStage stage;
  const std::vector<uint8_t> plain = MakeImportPlain(stage.Token(kName), kContentKey);
  stage.CheckRefused(kTrustedImport,
                     MakeImport(kName, WrapOaep(stage.process.device_key(), plain, "SHA1")));
}

TEST_CASE("CryptoSession.HwImportTwice: a token is good once", "[negative]") {
  HardwareStage stage;
  const std::vector<uint8_t> import =
      stage.Import(kName, MakeImportPlain(stage.Token(kName), kContentKey));
  REQUIRE(stage.Call(kTrustedImport, import).drm_result == S_OK);
  stage.CheckRefused(kTrustedImport, import);
}

TEST_CASE("CryptoSession.HwImportRetry: a failure uses the token up as well", "[negative]") {
  HardwareStage stage;
  const std::vector<uint8_t> import =
      stage.Import(kName, MakeImportPlain(stage.Token(kName), kContentKey));
  std::vector<uint8_t> spoiled = import;
  spoiled[40] ^= 1;
  stage.CheckRefused(kTrustedImport, spoiled);
  stage.CheckRefused(kTrustedImport, import);
}

TEST_CASE("CryptoSession.HwImportReplay: another session's blob does not fit", "[negative]") {
  HardwareStage stage;
  const std::vector<uint8_t> import =
      stage.Import(kName, MakeImportPlain(stage.Token(kName), kContentKey));
  const SessionPointer other = CreateHardwareSession(&stage.process.app);
  uint64_t token = 0;
  REQUIRE(other->GetDataForNewHardwareKey(kName, &token) == S_OK);
  CHECK(CallTrusted(&stage.process.app, other.get(), kTrustedImport, import).drm_result ==
        E_INVALIDARG);
  CHECK(SelectKey(other.get(), kName) == E_INVALIDARG);
}

TEST_CASE("CryptoSession.HwImportFull: a session holds four keys", "[negative]") {
  HardwareStage stage;
  runtime::CryptoSession* session = stage.session.get();
  for (uint8_t i = 0; i < 4; ++i) {
    REQUIRE(stage.process.ImportKey(session, Key{i}, kContentKey).drm_result == S_OK);
  }
  CHECK(stage.process.ImportKey(session, Key{9}, kContentKey).drm_result == E_INVALIDARG);
  CHECK(stage.process.ImportKey(session, Key{2}, kOtherKey).drm_result == S_OK);
  CHECK(SelectKey(session, Key{2}) == S_OK);
}

TEST_CASE("CryptoSession.HwSelectUnknown: a name that was not imported can't be selected",
          "[negative]") {
  HardwareStage stage;
  CHECK(SelectKey(stage.session.get(), kName) == E_INVALIDARG);
  REQUIRE(stage.process.ImportKey(stage.session.get(), kName, kContentKey).drm_result == S_OK);
  CHECK(SelectKey(stage.session.get(), kOtherName) == E_INVALIDARG);
}

TEST_CASE("CryptoSession.HwSelectForeign: another session's key can't be selected", "[negative]") {
  HardwareStage stage;
  REQUIRE(stage.process.ImportKey(stage.session.get(), kName, kContentKey).drm_result == S_OK);
  const SessionPointer other = CreateHardwareSession(&stage.process.app);
  CHECK(SelectKey(other.get(), kName) == E_INVALIDARG);
}

TEST_CASE("CryptoSession.HwKeyExchangeType: a session takes the messages of its exchange alone (9)",
          "[negative]") {
  HardwareStage stage;
  const std::vector<uint8_t> blob = WrapOaep(stage.process.device_key(), kSessionKey);
  abi::NegotiateSessionKeyRequest negotiate = {};
  negotiate.blob_bytes = 256;
  abi::ResponseHeader response = {};
  CHECK(AskFirmware(stage.session.get(), abi::kMessageNegotiateSessionKey, negotiate, &response,
                    blob) == E_INVALIDARG);
  const SessionPointer oaep = stage.process.MakeKeyedSession(kSessionKey);
  uint64_t token = 0;
  CHECK(oaep->GetDataForNewHardwareKey(kName, &token) == E_INVALIDARG);
  CHECK(token == 0);
  CHECK(CallTrusted(&stage.process.app, oaep.get(), kTrustedVersion, {}).transport == E_INVALIDARG);
  CHECK(stage.process.HasKey(oaep.get(), kSessionKey));
}

TEST_CASE(
    "CryptoSession.HwNotCalled: blts, refresh and read-back key are not for HW_PROTECTION (9)",
    "[negative]") {
  HardwareStage stage;
  REQUIRE(stage.process.ImportKey(stage.session.get(), kName, kContentKey).drm_result == S_OK);
  REQUIRE(SelectKey(stage.session.get(), kName) == S_OK);
  runtime::VideoContext& video = stage.process.app.video();
  const ResourcePointer frame = stage.process.MakeDefault(64, true);
  CHECK(stage.process.Decrypt(stage.session.get(), MakeText(64), kIv, frame.get()) == S_OK);
  const ResourcePointer staging = stage.process.MakeStaging(64);
  Key output = kSessionKey;
  CHECK(video.EncryptionBlt(stage.session.get(), frame.get(), staging.get(), output) == S_OK);
  CHECK(IsZero(output));
  output = kSessionKey;
  CHECK(video.StartSessionKeyRefresh(stage.session.get(), output) == S_OK);
  CHECK(IsZero(output));
  output = kSessionKey;
  CHECK(video.GetEncryptionBltKey(stage.session.get(), output) == S_OK);
  CHECK(IsZero(output));
  CHECK(video.FinishSessionKeyRefresh(stage.session.get()) == S_OK);
  CHECK(IsZero(stage.process.app.Download(staging.get())));
  // Nothing of it came as far as the device.
  CHECK(QuerySession(stage.session.get()).refusal_count == 0);
}

TEST_CASE("CryptoSession.HwStatus: a session that is well is OK, of both exchanges (4.9)") {
  HardwareStage stage;
  const SessionPointer oaep = stage.process.MakeKeyedSession(kSessionKey);
  for (runtime::CryptoSession* session : {stage.session.get(), oaep.get()}) {
    auto status = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST;
    CHECK(session->CheckStatus(&status) == S_OK);
    CHECK(status == D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK);
  }
}

TEST_CASE("CryptoSession.HwForeignDevice: another device's session is not there (4)",
          "[negative]") {
  HardwareStage stage;
  Process other(stage.kernel.get(), D3DWDDM2_4DDI_VIDEO_FUNCTIONS);
  const runtime::Device& device = other.app.device();
  const D3DWDDM2_0DDI_VIDEODEVICEFUNCS& driver = *device.wddm2_video_functions();
  const D3D11_1DDI_HCRYPTOSESSION session = stage.session->driver_handle();
  auto status = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK;
  driver.pfnCheckCryptoSessionStatus(device.driver_handle(), session, &status);
  CHECK(status == D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST);
  UINT64 token = 7;
  CHECK(driver.pfnGetDataForNewHardwareKey(device.driver_handle(), session, 16, kName.data(),
                                           &token) == E_INVALIDARG);
  CHECK(token == 0);
  TrustedPacket packet(kTrustedVersion, {}, 64);
  CHECK(driver.pfnNegotiateCryptoSessionKeyExchange(device.driver_handle(), session, 32,
                                                    packet.Bytes().data()) == E_INVALIDARG);
}

TEST_CASE("CryptoSession.HwSubObject: tables 3, 5, 6 and 7 are there, 4 and 8 are not (1.5)") {
  Stage stage;
  runtime::Kernel* kernel = stage.kernel.get();
  for (const UINT32 table : {3u, 5u, 6u, 7u}) {
    Process process(kernel, table);
    CHECK(CreateHardwareSession(&process.app) != nullptr);
  }
  std::unique_ptr<runtime::Adapter> adapter;
  REQUIRE(runtime::Adapter::Open(kernel, OpenAdapter10_2, &adapter) == S_OK);
  std::unique_ptr<runtime::Device> device;
  for (const UINT32 table : {0u, 1u, 4u, 8u}) {
    CHECK(runtime::Device::Create(adapter.get(), &device, table) == E_INVALIDARG);
  }
}

}  // namespace
}  // namespace ward::test
