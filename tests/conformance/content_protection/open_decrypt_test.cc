// DriverProtections: the host's compatibility switch, for applications that read back what they
// decrypt (R27). Off, which is what every other case runs with, nothing of this happens.
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/channel_party.h"

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
    "[host]") {
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
    "[negative][host]") {
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
          "[host]") {
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
          "[negative][host]") {
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
          "[negative][host]") {
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
    "[host]") {
  OpenStage stage;
  ChannelParty channel(&stage.process, kSoftwareChannel);
  channel.Open();
  const Reply reply = channel.Query(D3D11_1DDI_AUTHENTICATED_QUERY_PROTECTION, {}, 56);
  REQUIRE(reply.result == S_OK);
  CHECK(reply.Word(48) == 0);
}

}  // namespace
}  // namespace ward::test
