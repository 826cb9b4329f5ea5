// CPAuthChannelAPI: OUTPUT_ID and OUTPUT_ID_COUNT tell where a session's pixels are shown (8.5).
#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/channel_party.h"
#include "tests/conformance/content_protection/screen.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

constexpr size_t kCountBytes = sizeof(D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT);
constexpr size_t kIdBytes = sizeof(D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT);

uint64_t HandleOf(runtime::CryptoSession* session) {
  HANDLE handle = nullptr;
  REQUIRE(session->GetCryptoSessionHandle(&handle) == S_OK);
  return reinterpret_cast<uintptr_t>(handle);
}

struct ScreenStage : Stage {
  ScreenStage() : channel(&process), screen(this, runtime::Presentation::kFullScreen) {
    channel.Open();
    device = channel.Query(D3D11_1DDI_AUTHENTICATED_QUERY_DEVICE_HANDLE, {}, 56).Long(48);
  }
  Reply AskCount(uint64_t session) {
    return channel.Query(D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT, Longs({device, session}),
                         kCountBytes);
  }
  Reply AskId(uint64_t session, uint64_t index) {
    return channel.Query(D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID, Longs({device, session, index}),
                         kIdBytes);
  }

  ChannelParty channel;
  Screen screen;
  uint64_t device = 0;
};

TEST_CASE("CPAuthChannelAPI.OutputIdShown: a session on the screen has that output (8.5)") {
  ScreenStage stage;
  REQUIRE(stage.screen.IsShown());
  const uint64_t session = HandleOf(stage.screen.session.get());
  const Reply count = stage.AskCount(session);
  REQUIRE(count.result == S_OK);
  CHECK(count.Long(48) == stage.device);
  CHECK(count.Long(56) == session);
  CHECK(count.Word(64) == 1);
  const Reply id = stage.AskId(session, 0);
  REQUIRE(id.result == S_OK);
  CHECK(id.Long(48) == stage.device);
  CHECK(id.Long(56) == session);
  CHECK(id.Word(64) == 0);
  CHECK(id.Long(72) == 1);  // OPM_GET_OUTPUT_ID's number
}

TEST_CASE("CPAuthChannelAPI.OutputIdNotShown: what is not on the screen has no output (8.5)",
          "[negative]") {
  ScreenStage stage;
  const SessionPointer hidden = stage.process.MakeKeyedSession(kOtherKey);
  const uint64_t session = HandleOf(hidden.get());
  const Reply count = stage.AskCount(session);
  REQUIRE(count.result == S_OK);
  CHECK(count.Word(64) == 0);
  CHECK(stage.AskId(session, 0).result == E_INVALIDARG);
  CHECK(stage.AskId(HandleOf(stage.screen.session.get()), 1).result == E_INVALIDARG);
}

}  // namespace
}  // namespace ward::test
