// Shared resources: what the kernel is told when one is made, and what is opened.
#include <vector>

#include "tests/unit/umd/driver_fixture.h"

namespace ward::umd {
namespace {

constexpr D3D10DDI_MIPINFO kSize = Extent(70, 4);
constexpr UINT kShared = D3D10_DDI_RESOURCE_MISC_SHARED;
constexpr UINT kRestricted = D3D11_1DDI_RESOURCE_MISC_RESTRICT_SHARED_RESOURCE_DRIVER;
constexpr UINT kProtected = D3D11_1DDI_RESOURCE_MISC_RESTRICTED_CONTENT;

D3D11DDIARG_CREATERESOURCE Describe(UINT misc_flags) {
  return DescribeTexture(kSize, DXGI_FORMAT_NV12, D3D10_DDI_USAGE_DEFAULT, misc_flags);
}

TEST_CASE("a shared resource tells the kernel who may open it and what it is") {
  Driver driver;
  const struct {
    UINT misc_flags;
    uint32_t sharing;
  } cases[] = {{0, 0},
               {kRestricted, 0},
               {kShared, 1},
               {kShared | kRestricted, 2},
               {kShared | kRestricted | kProtected, 2}};
  for (const auto& c : cases) {
    const CreatedResource resource(&driver.device, Describe(c.misc_flags));
    const auto& allocation = driver.kernel.allocations.at(resource.AllocationOf(driver.kernel));
    CHECK(allocation.data.sharing == c.sharing);
    CHECK(allocation.resource_data.size() == (c.sharing != 0 ? sizeof(abi::ResourceData) : 0));
  }
  driver.RequireClean();
}

TEST_CASE("protected content that every process could open is not made") {
  Driver driver;
  const size_t before = driver.kernel.allocations.size();
  const CreatedResource resource(&driver.device, Describe(kShared | kProtected));
  CHECK(driver.kernel.errors == std::vector<HRESULT>{E_OUTOFMEMORY});
  CHECK(driver.kernel.allocations.size() == before);
}

// What the runtime hands to OpenResource, for the test to spoil.
struct Opening {
  explicit Opening(const FakeKernel::Allocation& made, D3DKMT_HANDLE handle)
      : data(made.data), resource_data(made.resource_data) {
    info.hAllocation = handle;
    info.pPrivateDriverData = &data;
    info.PrivateDriverDataSize = sizeof(data);
    arguments.NumAllocations = 1;
    arguments.pOpenAllocationInfo = &info;
    arguments.pPrivateDriverData = resource_data.data();
    arguments.PrivateDriverDataSize = static_cast<UINT>(resource_data.size());
  }
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;

  abi::AllocationData data;
  std::vector<uint8_t> resource_data;
  D3DDDI_OPENALLOCATIONINFO info = {};
  D3D10DDIARG_OPENRESOURCE arguments = {};
};

TEST_CASE("OpenResource makes the same resource of another device's memory") {
  Driver driver;
  const CreatedResource made(&driver.device, Describe(kShared | kRestricted | kProtected));
  const CreatedResource other(&driver.device, Describe(kProtected));
  const D3DKMT_HANDLE handle = made.AllocationOf(driver.kernel);
  Opening opening(driver.kernel.allocations.at(handle), handle);
  const PrivateMemory memory(driver.device.functions.pfnCalcPrivateOpenedResourceSize(
      driver.device.handle, &opening.arguments));
  driver.device.functions.pfnOpenResource(driver.device.handle, &opening.arguments, {memory.get()},
                                          {});
  CHECK(driver.kernel.errors.empty());
  // It has the layout of its description, and is protected as the other one is.
  driver.device.functions.pfnResourceCopy(driver.device.handle, {memory.get()}, other.handle);
  driver.Flush();
  const auto copies = driver.kernel.Find("COPY");
  REQUIRE(copies.size() == 2);
  CHECK(copies[0].addresses.at(8).allocation == handle);
  CHECK(copies[1].addresses.at(8).offset == 512);
  D3D10DDI_MAPPED_SUBRESOURCE mapped = {};
  driver.device.functions.pfnResourceMap(driver.device.handle, {memory.get()}, 0,
                                         D3D10_DDI_MAP_READ, 0, &mapped);
  CHECK(mapped.pData == nullptr);
  driver.RequireClean();
}

TEST_CASE("OpenResource refuses private data that is not this driver's or does not fit") {
  Driver driver;
  const CreatedResource made(&driver.device, Describe(kShared));
  const D3DKMT_HANDLE handle = made.AllocationOf(driver.kernel);
  constexpr int kKinds = 9;
  for (int kind = 0; kind < kKinds; ++kind) {
    INFO("kind " << kind);
    Opening opening(driver.kernel.allocations.at(handle), handle);
    abi::ResourceData resource_data;
    std::memcpy(&resource_data, opening.resource_data.data(), sizeof(resource_data));
    if (kind == 0) opening.arguments.NumAllocations = 2;
    if (kind == 1) opening.arguments.pPrivateDriverData = nullptr;
    if (kind == 2) --opening.arguments.PrivateDriverDataSize;
    if (kind == 3) --opening.info.PrivateDriverDataSize;
    if (kind == 4) resource_data.height += 2;
    if (kind == 5) resource_data.format = 1;
    if (kind == 6) resource_data.dimension = 4;
    if (kind == 7) resource_data.abi_version += 0x10000;
    if (kind == 8) opening.data.segment = 3;
    std::memcpy(opening.resource_data.data(), &resource_data, sizeof(resource_data));
    driver.kernel.errors.clear();
    const uint32_t before = driver.device.events();
    const PrivateMemory memory(driver.device.functions.pfnCalcPrivateOpenedResourceSize(
        driver.device.handle, &opening.arguments));
    driver.device.functions.pfnOpenResource(driver.device.handle, &opening.arguments,
                                            {memory.get()}, {});
    CHECK(driver.kernel.errors == std::vector<HRESULT>{E_OUTOFMEMORY});
    CHECK(driver.device.events() == before + 1);
    // What was not opened is refused by every function.
    driver.device.functions.pfnResourceCopy(driver.device.handle, {memory.get()}, made.handle);
    CHECK_FALSE(driver.Flush());
  }
}

}  // namespace
}  // namespace ward::umd
