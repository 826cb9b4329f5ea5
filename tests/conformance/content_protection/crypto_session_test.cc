// CryptoSession: caps, sessions, their keys, key refresh.
#include <set>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/stage.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

constexpr HRESULT kUnsupportedCrypto = static_cast<HRESULT>(0x8876087E);
constexpr HRESULT kNotAvailable = static_cast<HRESULT>(0x8876086A);
const GUID& kAes = D3D11_1DDI_CRYPTO_TYPE_AES128_CTR;
const GUID& kOaep = D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP;
// VC-1 VLD, which this device does not have.
const GUID kProfile = {0x1B81BEA3, 0xA0C7, 0x11D3, {0xB9, 0x84, 0, 0xC0, 0x4F, 0x2E, 0x73, 0xC5}};

HRESULT CreateInDriver(Stage* stage, const D3D11_1DDIARG_CREATECRYPTOSESSION& arguments) {
  runtime::Device& device = stage->process.app.device();
  const D3D11_1DDI_VIDEODEVICEFUNCS& driver = device.video_functions();
  runtime::PrivateMemory memory;
  REQUIRE(
      memory.Allocate(driver.pfnCalcPrivateCryptoSessionSize(device.driver_handle(), &arguments)));
  const HRESULT result =
      driver.pfnCreateCryptoSession(device.driver_handle(), &arguments, {memory.get()}, {});
  if (SUCCEEDED(result)) driver.pfnDestroyCryptoSession(device.driver_handle(), {memory.get()});
  return result;
}

struct KeyedSession : Stage {
  KeyedSession() : session(process.MakeKeyedSession(kSessionKey)) {}
  Key Start() {
    Key random{};
    REQUIRE(process.app.video().StartSessionKeyRefresh(session.get(), random) == S_OK);
    return random;
  }
  void Finish() { REQUIRE(process.app.video().FinishSessionKeyRefresh(session.get()) == S_OK); }
  SessionPointer session;
};

TEST_CASE("CryptoSession.Caps: AES-128-CTR in hardware, with key refresh and read-back keys") {
  Stage stage;
  runtime::ContentProtectionCaps caps;
  REQUIRE(stage.process.video_device().GetContentProtectionCaps(&kAes, nullptr, &caps) == S_OK);
  CHECK(caps.caps == (0x2u | 0x4u | 0x8u | 0x10u | 0x20u | 0x40u | 0x80u | 0x400u));
  CHECK(caps.key_exchange_type_count == 1);
  CHECK(caps.block_alignment_size == 16);
}

TEST_CASE("CryptoSession.CapsUnknown: another crypto type has none", "[negative]") {
  Stage stage;
  runtime::ContentProtectionCaps caps;
  CHECK(stage.process.video_device().GetContentProtectionCaps(
            &D3D11_1DDI_CRYPTO_TYPE_PROPRIETARY, nullptr, &caps) == kUnsupportedCrypto);
  CHECK(caps.caps == 0);
}

TEST_CASE("CryptoSession.KeyExchangeIndex: RSAES-OAEP at 0, nothing at 1") {
  Stage stage;
  GUID type = kProfile;
  CHECK(stage.process.video_device().CheckCryptoKeyExchange(&kAes, nullptr, 0, &type) == S_OK);
  CHECK(type == kOaep);
  const runtime::Device& device = stage.process.app.device();
  for (const UINT index : {1u, 0xFFFFFFFFu}) {
    CHECK(device.video_functions().pfnGetCryptoKeyExchangeType(
              device.driver_handle(), &kAes, nullptr, index, &type) == E_INVALIDARG);
    CHECK(type == umd::kNullGuid);
  }
}

TEST_CASE("CryptoSession.CreateType: an unknown crypto type is not available", "[negative]") {
  Stage stage;
  CHECK(CreateInDriver(&stage, {D3D11_1DDI_CRYPTO_TYPE_PROPRIETARY, umd::kNullGuid, kOaep}) ==
        kNotAvailable);
  CHECK(CreateInDriver(&stage, {umd::kNullGuid, umd::kNullGuid, kOaep}) == kNotAvailable);
}

TEST_CASE("CryptoSession.CreateInOther: not in the memory of a session that lives (4.2)",
          "[negative]") {
  Stage stage;
  runtime::Device& device = stage.process.app.device();
  const D3D11_1DDI_VIDEODEVICEFUNCS& driver = device.video_functions();
  const D3D11_1DDIARG_CREATECRYPTOSESSION create = {kAes, umd::kNullGuid, kOaep};
  runtime::PrivateMemory memory;
  REQUIRE(memory.Allocate(driver.pfnCalcPrivateCryptoSessionSize(device.driver_handle(), &create)));
  const D3D11_1DDI_HCRYPTOSESSION handle = {memory.get()};
  const auto make = [&] {
    return driver.pfnCreateCryptoSession(device.driver_handle(), &create, handle, {});
  };
  REQUIRE(make() == S_OK);
  REQUIRE(make() == E_INVALIDARG);
  // The one that was there is as it was, and goes; then the memory is free.
  HANDLE opaque = nullptr;
  CHECK(driver.pfnCryptoSessionGetHandle(device.driver_handle(), handle, &opaque) == S_OK);
  driver.pfnDestroyCryptoSession(device.driver_handle(), handle);
  CHECK(make() == S_OK);
  driver.pfnDestroyCryptoSession(device.driver_handle(), handle);
}

TEST_CASE("CryptoSession.CreateProfile: a profile that no decoder has is unsupported crypto",
          "[negative]") {
  Stage stage;
  CHECK(CreateInDriver(&stage, {kAes, kProfile, kOaep}) == kUnsupportedCrypto);
  runtime::ContentProtectionCaps caps;
  runtime::Device& device = stage.process.app.device();
  D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS answer{};
  CHECK(device.video_functions().pfnGetContentProtectionCaps(
            device.driver_handle(), &kAes, &kProfile, &answer) == kUnsupportedCrypto);
  CHECK(stage.process.video_device().GetContentProtectionCaps(&kAes, &kProfile, &caps) ==
        E_INVALIDARG);
}

TEST_CASE("CryptoSession.DecodeProfile: a session for the decoder's profile, slice data only") {
  Stage stage;
  runtime::VideoDevice video = stage.process.video_device();
  const GUID& profile = D3D11_1DDI_DECODER_PROFILE_H264_VLD_NOFGT;
  SessionPointer session;
  CHECK(video.CreateCryptoSession(kAes, &profile, kOaep, &session) == S_OK);
  runtime::ContentProtectionCaps without;
  runtime::ContentProtectionCaps with;
  REQUIRE(video.GetContentProtectionCaps(&kAes, nullptr, &without) == S_OK);
  REQUIRE(video.GetContentProtectionCaps(&kAes, &profile, &with) == S_OK);
  CHECK(with.caps == (without.caps | 0x200u));
  CHECK((with.caps & 0x100u) == 0);  // any Count is accepted: SEQUENTIAL_CTR_IV is not asked for
}

TEST_CASE("CryptoSession.CreateExchange: another key exchange is unsupported crypto",
          "[negative]") {
  Stage stage;
  CHECK(CreateInDriver(&stage, {kAes, umd::kNullGuid, kProfile}) == kUnsupportedCrypto);
}

TEST_CASE("CryptoSession.CreateExhausted: the 65th session is E_OUTOFMEMORY until one goes",
          "[negative]") {
  Stage stage;
  std::vector<SessionPointer> sessions;
  for (int i = 0; i < 64; ++i) sessions.push_back(stage.process.MakeSession());
  CHECK(CreateInDriver(&stage, {kAes, umd::kNullGuid, kOaep}) == E_OUTOFMEMORY);
  sessions.pop_back();
  CHECK(stage.process.MakeSession() != nullptr);
}

TEST_CASE("CryptoSession.HandleUnrepeatable: no handle comes twice, nor its low half (R4, R32)") {
  Stage stage;
  std::set<uint64_t> handles;
  std::set<uint32_t> halves;
  for (int i = 0; i < 100; ++i) {
    const SessionPointer session = stage.process.MakeSession();
    HANDLE handle = nullptr;
    REQUIRE(session->GetCryptoSessionHandle(&handle) == S_OK);
    CHECK(handle != session->driver_handle().pDrvPrivate);
    handles.insert(reinterpret_cast<uintptr_t>(handle));
    halves.insert(static_cast<uint32_t>(reinterpret_cast<uintptr_t>(handle)));
  }
  CHECK(handles.size() == 100);
  CHECK(halves.size() == 100);
}

TEST_CASE("CryptoSession.NegotiateSize: anything but 256 bytes is E_INVALIDARG", "[negative]") {
  KeyedSession stage;
  for (const size_t size : {1u, 16u, 255u, 257u, 4097u}) {
    std::vector<uint8_t> blob = WrapOaep(stage.process.device_key(), kOtherKey);
    blob.resize(size);
    CHECK(stage.process.Negotiate(stage.session.get(), blob) == E_INVALIDARG);
  }
  CHECK(stage.process.HasKey(stage.session.get(), kSessionKey));
}

TEST_CASE("CryptoSession.NegotiateHash: OAEP with another hash is E_INVALIDARG", "[negative]") {
  KeyedSession stage;
  for (const char* digest : {"SHA1", "SHA256", "SHA384"}) {
    CHECK(stage.process.Negotiate(stage.session.get(),
                                  WrapOaep(stage.process.device_key(), kOtherKey, digest)) ==
          E_INVALIDARG);
  }
  CHECK(stage.process.HasKey(stage.session.get(), kSessionKey));
}

TEST_CASE("CryptoSession.NegotiateKeyLength: a key that is not 16 bytes is E_INVALIDARG (R5)",
          "[negative]") {
  KeyedSession stage;
  for (const size_t size : {0u, 15u, 17u, 24u, 40u, 126u}) {
    const std::vector<uint8_t> key(size, 0x5A);
    CHECK(stage.process.Negotiate(stage.session.get(), WrapOaep(stage.process.device_key(), key)) ==
          E_INVALIDARG);
  }
  CHECK(stage.process.HasKey(stage.session.get(), kSessionKey));
}

TEST_CASE("CryptoSession.NegotiateAgain: the new key is the key, at any time (R17)") {
  KeyedSession stage;
  CHECK(stage.process.Negotiate(stage.session.get(),
                                WrapOaep(stage.process.device_key(), kOtherKey)) == S_OK);
  CHECK(stage.process.HasKey(stage.session.get(), kOtherKey));
  CHECK_FALSE(stage.process.HasKey(stage.session.get(), kSessionKey));
}

TEST_CASE("CryptoSession.ContentKey: the reference's wrapped key unwraps to its key (7.5)") {
  KeyedSession stage;
  const Key wrapped = ParseKey("50fe67cc996d32b6da0937e99bafec60");
  CHECK(EcbEncrypt(kSessionKey, kContentKey) == wrapped);
  const std::vector<uint8_t> text = MakeText(100);
  CHECK(stage.process.DecryptAndRead(stage.session.get(), kSessionKey,
                                     RunCtr(kContentKey, kIv, text), kIv, wrapped) == text);
}

// The numbers are the reference's, the ciphertext is `openssl enc -aes-128-ctr`'s under the new
// key.
TEST_CASE("CryptoSession.RefreshKnownAnswer: the reference's number makes its key (7.7)",
          "[needs-entropy]") {
  Stage stage(MachineOptions{.entropy_seed = 1});
  const SessionPointer session = stage.process.MakeKeyedSession(kSessionKey);
  stage.function.SetNextRandom(kContentKey);
  Key random{};
  REQUIRE(stage.process.app.video().StartSessionKeyRefresh(session.get(), random) == S_OK);
  CHECK(random == kContentKey);
  REQUIRE(stage.process.app.video().FinishSessionKeyRefresh(session.get()) == S_OK);
  const Key new_key = ParseKey("2b7f17152cabd4a1a3fe1f8305c24133");
  CHECK(Xor(kSessionKey, kContentKey) == new_key);
  const Key ciphertext = ParseKey("00e83aa12aad5584a18399e22d899e76");
  const std::vector<uint8_t> plain =
      stage.process.DecryptAndRead(session.get(), new_key, ciphertext, kIv);
  CHECK(plain == MakeText(16));
}

TEST_CASE("CryptoSession.RefreshTakesEffect: the new key is the old one XOR the number") {
  KeyedSession stage;
  const Key random = stage.Start();
  CHECK(random != Key{});
  stage.Finish();
  CHECK(stage.process.HasKey(stage.session.get(), Xor(kSessionKey, random)));
  CHECK_FALSE(stage.process.HasKey(stage.session.get(), kSessionKey));
}

TEST_CASE("CryptoSession.RefreshAtFinish: Start alone changes no key") {
  KeyedSession stage;
  (void)stage.Start();
  CHECK(stage.process.HasKey(stage.session.get(), kSessionKey));
}

TEST_CASE("CryptoSession.RefreshTwice: of two Starts the last wins, and the numbers differ") {
  KeyedSession stage;
  const Key first = stage.Start();
  const Key second = stage.Start();
  CHECK(first != second);
  stage.Finish();
  CHECK(stage.process.HasKey(stage.session.get(), Xor(kSessionKey, second)));
}

TEST_CASE("CryptoSession.RefreshChain: refreshes add up") {
  KeyedSession stage;
  const Key first = stage.Start();
  stage.Finish();
  const Key second = stage.Start();
  stage.Finish();
  CHECK(stage.process.HasKey(stage.session.get(), Xor(Xor(kSessionKey, first), second)));
}

TEST_CASE("CryptoSession.RefreshFinishAlone: Finish without Start does nothing", "[negative]") {
  KeyedSession stage;
  stage.Finish();
  CHECK(stage.process.HasKey(stage.session.get(), kSessionKey));
  const Key random = stage.Start();
  stage.Finish();
  stage.Finish();
  CHECK(stage.process.HasKey(stage.session.get(), Xor(kSessionKey, random)));
}

TEST_CASE("CryptoSession.RefreshSize: another size than 16 gives zeros and saves nothing",
          "[negative]") {
  KeyedSession stage;
  for (const size_t size : {1u, 15u, 17u, 32u}) {
    std::vector<uint8_t> random(size, kContentKey[3] | 0x40);
    CHECK(stage.process.app.video().StartSessionKeyRefresh(stage.session.get(), random) == S_OK);
    CHECK(IsZero(random));
  }
  stage.Finish();
  CHECK(stage.process.HasKey(stage.session.get(), kSessionKey));
}

TEST_CASE("CryptoSession.RefreshSizeKeepsPending: a wrong size does not undo a Start",
          "[negative]") {
  KeyedSession stage;
  const Key random = stage.Start();
  std::vector<uint8_t> wrong(8);
  CHECK(stage.process.app.video().StartSessionKeyRefresh(stage.session.get(), wrong) == S_OK);
  stage.Finish();
  CHECK(stage.process.HasKey(stage.session.get(), Xor(kSessionKey, random)));
}

TEST_CASE("CryptoSession.RefreshBeforeKey: without a key the number is zero, the device lives",
          "[negative]") {
  Stage stage;
  const SessionPointer session = stage.process.MakeSession();
  Key random = kContentKey;
  CHECK(stage.process.app.video().StartSessionKeyRefresh(session.get(), random) == S_OK);
  CHECK(random == Key{});
  CHECK(stage.process.app.video().FinishSessionKeyRefresh(session.get()) == S_OK);
  CHECK(stage.process.app.device().GetDeviceRemovedReason() == S_OK);
}

TEST_CASE("CryptoSession.RefreshForgotten: a new key exchange ends a pending refresh (R17)") {
  KeyedSession stage;
  (void)stage.Start();
  CHECK(stage.process.Negotiate(stage.session.get(),
                                WrapOaep(stage.process.device_key(), kOtherKey)) == S_OK);
  stage.Finish();
  CHECK(stage.process.HasKey(stage.session.get(), kOtherKey));
}

TEST_CASE("CryptoSession.RefreshOrder: what was queued before Finish keeps the old key") {
  KeyedSession stage;
  const std::vector<uint8_t> text = MakeText(4096);
  const Key random = stage.Start();
  const Key refreshed = Xor(kSessionKey, random);
  // Queued, not waited for: decrypt, finish, decrypt.
  const ResourcePointer before = stage.process.MakeDefault(4096, true);
  const ResourcePointer after = stage.process.MakeDefault(4096, true);
  const ResourcePointer old_text = stage.process.MakeStaging(4096);
  const ResourcePointer new_text = stage.process.MakeStaging(4096);
  stage.process.app.Upload(old_text.get(), RunCtr(kSessionKey, kIv, text));
  stage.process.app.Upload(new_text.get(), RunCtr(refreshed, kIv, text));
  runtime::VideoContext& video = stage.process.app.video();
  runtime::CryptoSession* session = stage.session.get();
  REQUIRE(video.DecryptionBlt(session, old_text.get(), before.get(), nullptr, {}, kIv) == S_OK);
  stage.Finish();
  REQUIRE(video.DecryptionBlt(session, new_text.get(), after.get(), nullptr, {}, kIv) == S_OK);
  CHECK(stage.process.ReadProtected(session, refreshed, before.get()) == text);
  CHECK(stage.process.ReadProtected(session, refreshed, after.get()) == text);
}

TEST_CASE("CryptoSession.RefreshContentKey: content keys are unwrapped by the new key") {
  KeyedSession stage;
  const std::vector<uint8_t> ciphertext = RunCtr(kContentKey, kIv, MakeText(64));
  const auto read = [&](const Key& session_key, const Key& wrapping_key) {
    return stage.process.DecryptAndRead(stage.session.get(), session_key, ciphertext, kIv,
                                        EcbEncrypt(wrapping_key, kContentKey));
  };
  CHECK(read(kSessionKey, kSessionKey) == MakeText(64));
  const Key refreshed = Xor(kSessionKey, stage.Start());
  stage.Finish();
  CHECK(read(refreshed, kSessionKey) != MakeText(64));
  CHECK(read(refreshed, refreshed) == MakeText(64));
}

TEST_CASE("CryptoSession.RefreshReadbackKey: a read-back key lives through a refresh (7.6)") {
  KeyedSession stage;
  const std::vector<uint8_t> text = MakeText(64);
  const ResourcePointer frame = stage.process.MakeDefault(64, true);
  REQUIRE(stage.process.Decrypt(stage.session.get(), RunCtr(kSessionKey, kIv, text), kIv,
                                frame.get()) == S_OK);
  Key wrapped{};
  runtime::VideoContext& video = stage.process.app.video();
  REQUIRE(video.GetEncryptionBltKey(stage.session.get(), wrapped) == S_OK);
  (void)stage.Start();
  stage.Finish();
  const ResourcePointer staging = stage.process.MakeStaging(64);
  Key iv{};
  REQUIRE(video.EncryptionBlt(stage.session.get(), frame.get(), staging.get(), iv) == S_OK);
  CHECK(RunCtr(EcbDecrypt(kSessionKey, wrapped), iv, stage.process.app.Download(staging.get())) ==
        text);
}

TEST_CASE("CryptoSession.DestroyForgets: a session in a destroyed one's place has no key",
          "[negative]") {
  KeyedSession stage;
  stage.session = stage.process.MakeSession();
  Key wrapped = kContentKey;
  CHECK(stage.process.app.video().GetEncryptionBltKey(stage.session.get(), wrapped) == S_OK);
  CHECK(wrapped == Key{});
}

}  // namespace
}  // namespace ward::test
