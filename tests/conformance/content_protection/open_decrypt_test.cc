// DriverProtections: the host's compatibility switch, for applications that read back what they
// decrypt (R27). Off, which is what every other case runs with, nothing of this happens.
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/decoder_party.h"

namespace ward::test {
namespace {

const GUID& kAes = D3D11_1DDI_CRYPTO_TYPE_AES128_CTR;
constexpr UINT kSoftwareCap = 0x1;
constexpr UINT kHardwareCap = 0x2;
constexpr UINT kAlwaysOnCap = 0x4;
constexpr UINT kHardwareProtectUncompressedCap = 0x800;

struct OpenStage : Stage {
  explicit OpenStage(UINT32 video_table = D3D11_1DDI_VIDEO_FUNCTIONS)
      : Stage({.open_decrypt = true}, video_table),
        session(process.MakeKeyedSession(kSessionKey)) {}

  SessionPointer session;
};

TEST_CASE(
    "DriverProtections.SwitchOpen: with the switch an unprotected destination is written (R27)",
    "[needs-open-decrypt]") {
  OpenStage stage;
  const std::vector<uint8_t> text = MakeText(512);
  const std::vector<uint8_t> ciphertext = RunCtr(kSessionKey, kIv, text);
  const ResourcePointer open = stage.process.MakeDefault(512, false);
  REQUIRE(stage.process.Decrypt(stage.session.get(), ciphertext, kIv, open.get()) == S_OK);
  const ResourcePointer staging = stage.process.MakeStaging(512);
  REQUIRE(stage.process.app.context().CopyResource(staging.get(), open.get()) == S_OK);
  CHECK(stage.process.app.Download(staging.get()) == text);
}

TEST_CASE(
    "DriverProtections.SwitchRestricted: RESTRICTED_CONTENT stays protected with the switch (R27)",
    "[negative][needs-open-decrypt]") {
  OpenStage stage;
  const std::vector<uint8_t> text = MakeText(512);
  const ResourcePointer frame = stage.process.MakeDefault(512, true);
  REQUIRE(stage.process.Decrypt(stage.session.get(), RunCtr(kSessionKey, kIv, text), kIv,
                                frame.get()) == S_OK);
  CHECK(stage.process.ReadProtected(stage.session.get(), kSessionKey, frame.get()) == text);
  const ResourcePointer staging = stage.process.MakeStaging(512);
  REQUIRE(stage.process.app.context().CopyResource(staging.get(), frame.get()) == S_OK);
  CHECK(IsZero(stage.process.app.Download(staging.get())));
}

TEST_CASE("DriverProtections.SwitchCaps: the capabilities say SOFTWARE with the switch (R27)",
          "[needs-open-decrypt]") {
  for (const UINT32 table :
       {UINT32{D3D11_1DDI_VIDEO_FUNCTIONS}, UINT32{D3DWDDM2_0DDI_VIDEO_FUNCTIONS}}) {
    OpenStage stage(table);
    runtime::ContentProtectionCaps caps;
    REQUIRE(stage.process.video_device().GetContentProtectionCaps(&kAes, nullptr, &caps) == S_OK);
    CHECK((caps.caps & kSoftwareCap) != 0);
    CHECK((caps.caps & (kHardwareCap | kAlwaysOnCap | kHardwareProtectUncompressedCap)) == 0);
  }
}

TEST_CASE("DriverProtections.SwitchProtection: PROTECTION can't be enabled with the switch (R27)",
          "[negative][needs-open-decrypt]") {
  OpenStage stage;
  ChannelParty channel(&stage.process, kSoftwareChannel);
  channel.Open();
  for (const uint32_t flags : {1u, 2u, 3u}) {
    const Message message =
        channel.Command(D3D11_1DDI_AUTHENTICATED_CONFIGURE_PROTECTION_GUID, Words({flags}));
    const Reply reply = channel.Send(message);
    CHECK(reply.result == E_FAIL);
    channel.CheckAnswered(reply, message, false);
  }
  CHECK(channel.Configure(D3D11_1DDI_AUTHENTICATED_CONFIGURE_PROTECTION_GUID, Words({0})).result ==
        S_OK);
}

TEST_CASE("DriverProtections.SwitchHardwareChannel: with the switch there is none (4.7, R27)",
          "[negative][needs-open-decrypt]") {
  constexpr HRESULT kNotAvailable = static_cast<HRESULT>(0x8876086A);  // D3DDDIERR_NOTAVAILABLE
  OpenStage stage;
  ChannelPointer channel;
  CHECK(stage.process.video_device().CreateAuthenticatedChannel(kHardwareChannel, &channel) ==
        kNotAvailable);
  CHECK(stage.process.video_device().CreateAuthenticatedChannel(kSoftwareChannel, &channel) ==
        S_OK);
}

TEST_CASE(
    "DriverProtections.SwitchNotAlwaysOn: with the switch nothing is reported protected (R27)",
    "[needs-open-decrypt]") {
  OpenStage stage;
  ChannelParty channel(&stage.process, kSoftwareChannel);
  channel.Open();
  const Reply reply = channel.Query(D3D11_1DDI_AUTHENTICATED_QUERY_PROTECTION, {}, 56);
  REQUIRE(reply.result == S_OK);
  CHECK(reply.Word(48) == 0);
}

TEST_CASE("DriverProtections.SwitchHardware: what hardware DRM imported stays protected (R27)",
          "[negative][needs-open-decrypt]") {
  Stage stage({.open_decrypt = true}, D3DWDDM2_4DDI_VIDEO_FUNCTIONS);
  const SessionPointer hardware = CreateHardwareSession(&stage.process.app);
  const Key name = {1};
  REQUIRE(stage.process.ImportKey(hardware.get(), name, kContentKey).drm_result == S_OK);
  REQUIRE(SelectKey(hardware.get(), name) == S_OK);
  const ResourcePointer source = stage.process.MakeStaging(64);
  stage.process.app.Upload(source.get(), RunCtr(kContentKey, kIv, MakeText(64)));
  const ResourcePointer open = stage.process.MakeStaging(64);
  CHECK(DecryptUnderSelectedKey(hardware.get(), source.get(), open.get(), kIv) == S_OK);
  CHECK(QuerySession(hardware.get()).refusal_count == 1);
  CHECK(IsZero(stage.process.app.Download(open.get())));
}

TEST_CASE("DriverProtections.SwitchDecoder: a decoder's picture stays RESTRICTED_CONTENT (R27)",
          "[negative][needs-open-decrypt]") {
  Stage stage(MachineOptions{.open_decrypt = true});
  DecoderParty party(&stage.process, kDecoderWidth, kDecoderHeight, kSoftwareChannel);
  party.Open();
  const ResourcePointer open = party.MakePicture(false, kDecoderWidth, kDecoderHeight);
  REQUIRE(runtime::VideoDecoderOutputView::Create(open.get(), DecoderProfile(), &party.view) ==
          S_OK);
  REQUIRE(party.Begin() == S_OK);
  CHECK(party.Submit(MakeText(64), &kIv) == E_INVALIDARG);
}

TEST_CASE("DriverProtections.SwitchForeign: another process's memory is not written (R27)",
          "[negative][needs-open-decrypt]") {
  OpenStage stage;
  Process other(stage.kernel.get());
  const ResourcePointer theirs = other.MakeDefault(64, false);
  (void)stage.process.Decrypt(stage.session.get(), MakeText(64), kIv, theirs.get());
  const ResourcePointer staging = other.MakeStaging(64);
  REQUIRE(other.app.context().CopyResource(staging.get(), theirs.get()) == S_OK);
  CHECK(IsZero(other.app.Download(staging.get())));
}

TEST_CASE("DriverProtections.SwitchBeforeKey: without a key nothing is written (R26)",
          "[negative][needs-open-decrypt]") {
  OpenStage stage;
  const SessionPointer session = stage.process.MakeSession();
  const ResourcePointer open = stage.process.MakeStaging(64);
  (void)stage.process.Decrypt(session.get(), MakeText(64), kIv, open.get());
  CHECK(IsZero(stage.process.app.Download(open.get())));
}

}  // namespace
}  // namespace ward::test
