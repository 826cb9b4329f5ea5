// CPAuthChannelAPI: a software channel's list of the processes that may open shared resources
// (8.5).
#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/channel_party.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

constexpr HRESULT kUnsupported = static_cast<HRESULT>(0x80004005);  // E_FAIL
const GUID& kSharedResource = D3D11_1DDI_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_GUID;
const GUID& kChannelType = D3D11_1DDI_AUTHENTICATED_QUERY_CHANNEL_TYPE;
const GUID& kProcessCount = D3D11_1DDI_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT;
const GUID& kProcess = D3D11_1DDI_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS;
const GUID& kUnrestrictedCount =
    D3D11_1DDI_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT;

struct SoftwareChannel : Stage {
  SoftwareChannel() : channel(&process, kSoftwareChannel) { channel.Open(); }
  HRESULT Share(uint64_t type, uint64_t handle, uint64_t allow) {
    return channel.Configure(kSharedResource, Longs({type, handle, allow})).result;
  }
  uint32_t Count() { return channel.Query(kProcessCount, {}, 56).Word(48); }

  ChannelParty channel;
};

TEST_CASE("CPAuthChannelAPI.QuerySoftwareOnly: a hardware channel has no process list (8.5)",
          "[negative]") {
  Stage stage;
  ChannelParty channel(&stage.process, kHardwareChannel);
  channel.Open();
  CHECK(channel.Query(kProcessCount, {}, 56).result == kUnsupported);
  CHECK(channel.Query(kProcess, Words({0}), 64).result == kUnsupported);
  CHECK(channel.Query(kUnrestrictedCount, {}, 56).result == kUnsupported);
  CHECK(channel.Query(kChannelType, {}, 56).result == S_OK);
}

TEST_CASE("CPAuthChannelAPI.UnrestrictedCount: no protected resource is open to any process") {
  SoftwareChannel stage;
  const Reply reply = stage.channel.Query(kUnrestrictedCount, {}, 56);
  CHECK(reply.result == S_OK);
  CHECK(reply.Word(48) == 0);
}

TEST_CASE("CPAuthChannelAPI.SharedResourceDwm: the DWM is one process, whatever its handle (8.5)") {
  SoftwareChannel stage;
  CHECK(stage.Share(1, 0x11, 1) == S_OK);
  CHECK(stage.Share(1, 0x22, 1) == S_OK);
  CHECK(stage.Count() == 1);
  CHECK(stage.channel.Query(kProcess, Words({0}), 64).Long(56) == 0);
  CHECK(stage.Share(1, 0x33, 0) == S_OK);
  CHECK(stage.Count() == 0);
}

TEST_CASE("CPAuthChannelAPI.SharedResourceTwice: a process is on the list once (8.5)") {
  SoftwareChannel stage;
  CHECK(stage.Share(2, 0x77, 1) == S_OK);
  CHECK(stage.Share(2, 0x77, 1) == S_OK);
  CHECK(stage.Count() == 1);
}

TEST_CASE("CPAuthChannelAPI.SharedResourceNull: a process without a handle is E_INVALIDARG (8.5)",
          "[negative]") {
  SoftwareChannel stage;
  CHECK(stage.Share(2, 0, 1) == E_INVALIDARG);
  CHECK(stage.Count() == 0);
}

TEST_CASE("CPAuthChannelAPI.SharedResourceFull: the 17th process is E_OUTOFMEMORY until one goes",
          "[negative]") {
  SoftwareChannel stage;
  for (uint64_t handle = 1; handle <= 16; ++handle) CHECK(stage.Share(2, handle, 1) == S_OK);
  CHECK(stage.Share(2, 17, 1) == E_OUTOFMEMORY);
  CHECK(stage.Count() == 16);
  CHECK(stage.Share(2, 5, 0) == S_OK);
  CHECK(stage.Share(2, 17, 1) == S_OK);
}

}  // namespace
}  // namespace ward::test
