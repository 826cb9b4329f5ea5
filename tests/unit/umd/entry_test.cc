// OpenAdapter10_2 and the adapter's functions.
#include "tests/unit/umd/driver_fixture.h"

namespace ward::umd {
namespace {

TEST_CASE("OpenAdapter10_2 fills every adapter function and gives a handle") {
  FakeKernel kernel;
  const OpenedAdapter adapter(&kernel);
  REQUIRE(adapter.result == S_OK);
  CHECK(adapter.handle.pDrvPrivate != nullptr);
  CHECK(adapter.functions.pfnCalcPrivateDeviceSize != nullptr);
  CHECK(adapter.functions.pfnCreateDevice != nullptr);
  CHECK(adapter.functions.pfnCloseAdapter != nullptr);
  CHECK(adapter.functions.pfnGetSupportedVersions != nullptr);
  CHECK(adapter.functions.pfnGetCaps != nullptr);
}

TEST_CASE("OpenAdapter10_2 refuses missing arguments") {
  CHECK(OpenAdapter10_2(nullptr) == E_INVALIDARG);
  D3D10DDIARG_OPENADAPTER arguments = {};
  CHECK(OpenAdapter10_2(&arguments) == E_INVALIDARG);
}

TEST_CASE("OpenAdapter10_2 refuses a device of another major ABI version, not of another minor") {
  FakeKernel kernel;
  kernel.adapter_data.abi_version = 0x00020000;
  CHECK(OpenedAdapter(&kernel).result == D3DDDIERR_NOTAVAILABLE);
  kernel.adapter_data.abi_version = 0x00010007;
  CHECK(OpenedAdapter(&kernel).result == S_OK);
}

TEST_CASE("OpenAdapter10_2 hands on what the kernel says of an adapter that is gone") {
  FakeKernel kernel;
  kernel.query_result = D3DDDIERR_DEVICEREMOVED;
  CHECK(OpenedAdapter(&kernel).result == D3DDDIERR_DEVICEREMOVED);
}

TEST_CASE("GetSupportedVersions counts, copies, and refuses a buffer that is too small") {
  FakeKernel kernel;
  const OpenedAdapter adapter(&kernel);
  UINT32 count = 77;
  REQUIRE(adapter.functions.pfnGetSupportedVersions(adapter.handle, &count, nullptr) == S_OK);
  REQUIRE(count == 1);

  UINT64 versions[2] = {0xAAAA, 0xAAAA};
  UINT32 too_few = 0;
  CHECK(adapter.functions.pfnGetSupportedVersions(adapter.handle, &too_few, versions) ==
        static_cast<HRESULT>(0x8007007Au));
  CHECK(too_few == 0);
  CHECK(versions[0] == 0xAAAA);

  count = 2;  // larger than needed
  REQUIRE(adapter.functions.pfnGetSupportedVersions(adapter.handle, &count, versions) == S_OK);
  CHECK(count == 1);
  CHECK(versions[0] == 0x000B000F00000000ull);
  CHECK(versions[1] == 0xAAAA);
  CHECK(adapter.functions.pfnGetSupportedVersions(adapter.handle, nullptr, versions) ==
        E_INVALIDARG);
}

TEST_CASE("GetCaps answers what it knows and refuses short buffers and unknown types") {
  FakeKernel kernel;
  const OpenedAdapter adapter(&kernel);
  UINT value = 0xFFFFFFFF;
  D3D10_2DDIARG_GETCAPS query = {D3D11DDICAPS_THREADING, nullptr, &value, sizeof(value)};
  REQUIRE(adapter.functions.pfnGetCaps(adapter.handle, &query) == S_OK);
  CHECK(value == 0);
  query.Type = D3D11DDICAPS_3DPIPELINESUPPORT;
  REQUIRE(adapter.functions.pfnGetCaps(adapter.handle, &query) == S_OK);
  CHECK(value == 1u << 4);  // 9_1
  query.DataSize = 3;
  CHECK(adapter.functions.pfnGetCaps(adapter.handle, &query) == E_INVALIDARG);
  query = {static_cast<D3D10_2DDICAPS_TYPE>(9999), nullptr, &value, sizeof(value)};
  CHECK(adapter.functions.pfnGetCaps(adapter.handle, &query) == E_INVALIDARG);
  CHECK(adapter.functions.pfnGetCaps(adapter.handle, nullptr) == E_INVALIDARG);
}

TEST_CASE("CreateDevice refuses an interface that it did not offer") {
  FakeKernel kernel;
  const OpenedAdapter adapter(&kernel);
  D3D11_1DDI_DEVICEFUNCS functions = {};
  const PrivateMemory memory(adapter.functions.pfnCalcPrivateDeviceSize(adapter.handle, nullptr));
  D3D10DDIARG_CREATEDEVICE arguments = {};
  arguments.Interface = D3DWDDM1_3_DDI_INTERFACE_VERSION;
  arguments.pKTCallbacks = &kernel.device_callbacks;
  arguments.p11_1DeviceFuncs = &functions;
  arguments.hDrvDevice.pDrvPrivate = memory.get();
  CHECK(adapter.functions.pfnCreateDevice(adapter.handle, &arguments) == E_INVALIDARG);
  CHECK(functions.pfnFlush == nullptr);
  CHECK(adapter.functions.pfnCreateDevice(adapter.handle, nullptr) == E_INVALIDARG);
}

TEST_CASE("CreateDevice leaves nothing behind when the kernel has no memory or no context") {
  FakeKernel kernel;
  const OpenedAdapter adapter(&kernel);
  kernel.allocate_result = E_OUTOFMEMORY;
  CHECK(OpenedDevice(&kernel, adapter).result == E_OUTOFMEMORY);
  kernel.allocate_result = S_OK;
  kernel.context_result = E_OUTOFMEMORY;
  CHECK(OpenedDevice(&kernel, adapter).result == E_OUTOFMEMORY);
  CHECK(kernel.ContextCount() == 0);
  CHECK(kernel.allocations.empty());
}

TEST_CASE("DestroyDevice submits what is left, frees its memory and ends its context") {
  FakeKernel kernel;
  const OpenedAdapter adapter(&kernel);
  {
    OpenedDevice device(&kernel, adapter);
    REQUIRE(device.result == S_OK);
    CHECK(kernel.ContextCount() == 1);
    CHECK(kernel.allocations.size() == 1);
  }
  CHECK(kernel.ContextCount() == 0);
  CHECK(kernel.allocations.empty());
  CHECK(kernel.violations.empty());
}

}  // namespace
}  // namespace ward::umd
