// CrossProc: which processes may open a resource that another one shares (5, 8.5).
#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/channel_party.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

constexpr uint32_t kBytes = 4096;
constexpr uint32_t kShared = umd::kApiResourceMiscShared;
constexpr uint32_t kRestricted = umd::kApiResourceMiscRestrictSharedResourceDriver;
constexpr uint32_t kProtected = umd::kApiResourceMiscRestrictedContent;
constexpr uint64_t kTypeDwm = 1;
constexpr uint64_t kTypeHandle = 2;

HRESULT MakeBuffer(Process* process, uint32_t misc_flags, ResourcePointer* buffer) {
  return runtime::Resource::CreateBuffer(&process->app.device(), kBytes, runtime::Usage::kDefault,
                                         0, misc_flags, buffer);
}

// A process with a software channel, whose commands say who may open.
struct Sharer : Stage {
  Sharer() : channel(&process, kSoftwareChannel) { channel.Open(); }

  ResourcePointer Make(uint32_t misc_flags) {
    ResourcePointer buffer;
    REQUIRE(MakeBuffer(&process, misc_flags, &buffer) == S_OK);
    return buffer;
  }
  HRESULT Allow(uint64_t type, uint64_t handle, uint64_t allow) {
    return channel
        .Configure(D3D11_1DDI_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_GUID,
                   Longs({type, handle, allow}))
        .result;
  }

  ChannelParty channel;
};

HRESULT Open(Process* process, const ResourcePointer& resource, ResourcePointer* opened) {
  uint32_t handle = 0;
  REQUIRE(resource->GetSharedHandle(&handle) == S_OK);
  return runtime::Resource::OpenShared(&process->app.device(), handle, opened);
}

uint64_t HandleOf(Process* process) { return process->app.device().adapter().process().handle; }

TEST_CASE(
    "CrossProc.SharedRestricted: a process opens what is restricted when it is on the list (8.5)",
    "[negative]") {
  Sharer sharer;
  Process other(sharer.kernel.get());
  const ResourcePointer resource = sharer.Make(kShared | kRestricted);
  ResourcePointer opened;
  CHECK(Open(&other, resource, &opened) == E_INVALIDARG);
  REQUIRE(sharer.Allow(kTypeHandle, HandleOf(&other) + 1, 1) == S_OK);  // somebody else
  CHECK(Open(&other, resource, &opened) == E_INVALIDARG);
  REQUIRE(sharer.Allow(kTypeHandle, HandleOf(&other), 1) == S_OK);
  CHECK(Open(&other, resource, &opened) == S_OK);
  REQUIRE(sharer.Allow(kTypeHandle, HandleOf(&other), 0) == S_OK);
  ResourcePointer again;
  CHECK(Open(&other, resource, &again) == E_INVALIDARG);
  CHECK(opened != nullptr);
}

TEST_CASE("CrossProc.SharedOwnProcess: another device of the same process needs no list (8.5)") {
  Sharer sharer;
  const ResourcePointer resource = sharer.Make(kShared | kRestricted | kProtected);
  std::unique_ptr<runtime::Device> device;
  REQUIRE(runtime::Device::Create(&sharer.process.app.device().adapter(), &device) == S_OK);
  uint32_t handle = 0;
  REQUIRE(resource->GetSharedHandle(&handle) == S_OK);
  ResourcePointer opened;
  CHECK(runtime::Resource::OpenShared(device.get(), handle, &opened) == S_OK);
}

TEST_CASE("CrossProc.SharedDwm: the compositor opens by its type, and nobody else does (8.5)",
          "[negative]") {
  Sharer sharer;
  Process compositor(sharer.kernel.get(), runtime::ProcessKind::kDwm);
  Process other(sharer.kernel.get());
  const ResourcePointer resource = sharer.Make(kShared | kRestricted | kProtected);
  ResourcePointer opened;
  CHECK(Open(&compositor, resource, &opened) == E_INVALIDARG);
  REQUIRE(sharer.Allow(kTypeDwm, HandleOf(&other), 1) == S_OK);  // its handle has no say
  CHECK(Open(&compositor, resource, &opened) == S_OK);
  ResourcePointer refused;
  CHECK(Open(&other, resource, &refused) == E_INVALIDARG);
}

TEST_CASE("CrossProc.SharedUnrestricted: no protected resource is open to every process (8.5)",
          "[negative]") {
  Sharer sharer;
  ResourcePointer buffer;
  CHECK(MakeBuffer(&sharer.process, kShared | kProtected, &buffer) == E_OUTOFMEMORY);
  CHECK(MakeBuffer(&sharer.process, kShared | kRestricted | kProtected, &buffer) == S_OK);
  Process other(sharer.kernel.get());
  ResourcePointer opened;
  CHECK(Open(&other, sharer.Make(kShared), &opened) == S_OK);
}

TEST_CASE(
    "CrossProc.SharedContent: who opens protected content gets it protected, and no key for it",
    "[negative]") {
  Sharer sharer;
  Process other(sharer.kernel.get());
  const std::vector<uint8_t> text = MakeText(kBytes);
  const SessionPointer session = sharer.process.MakeKeyedSession(kSessionKey);
  const ResourcePointer content = sharer.Make(kShared | kRestricted | kProtected);
  const ResourcePointer copy = sharer.Make(kShared | kRestricted | kProtected);
  const Key iv = {0, 0, 0, 0, 0, 0, 0, 1};  // Count 0
  REQUIRE(sharer.process.Decrypt(session.get(), RunCtr(kSessionKey, iv, text), iv, content.get()) ==
          S_OK);
  REQUIRE(sharer.process.app.context().Flush() == S_OK);
  CHECK(sharer.process.ReadProtected(session.get(), kSessionKey, content.get()) == text);
  REQUIRE(sharer.Allow(kTypeHandle, HandleOf(&other), 1) == S_OK);
  ResourcePointer opened;
  ResourcePointer opened_copy;
  REQUIRE(Open(&other, content, &opened) == S_OK);
  REQUIRE(Open(&other, copy, &opened_copy) == S_OK);
  // Not to memory that is not protected, and not out under the other's own session.
  const ResourcePointer plain = other.MakeDefault(kBytes, false);
  const ResourcePointer staging = other.MakeStaging(kBytes);
  REQUIRE(other.app.context().CopyResource(plain.get(), opened.get()) == S_OK);
  REQUIRE(other.app.context().CopyResource(staging.get(), plain.get()) == S_OK);
  CHECK(other.app.Download(staging.get()) == std::vector<uint8_t>(kBytes, 0));
  const Key other_key = {5, 5, 5};
  const SessionPointer other_session = other.MakeKeyedSession(other_key);
  CHECK(other.ReadProtected(other_session.get(), other_key, opened.get()).empty());
  // It is the same content: a copy that the other process makes is still the session's.
  REQUIRE(other.app.context().CopyResource(opened_copy.get(), opened.get()) == S_OK);
  REQUIRE(other.app.context().CopyResource(staging.get(), plain.get()) == S_OK);
  (void)other.app.Download(staging.get());  // waits for the other process's queue
  CHECK(sharer.process.ReadProtected(session.get(), kSessionKey, copy.get()) == text);
}

}  // namespace
}  // namespace ward::test
