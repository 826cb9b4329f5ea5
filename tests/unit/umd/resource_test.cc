// Resources: where they lie and how, mapping, uploads, copies.
#include <numeric>
#include <vector>

#include "tests/unit/umd/driver_fixture.h"

namespace ward::umd {
namespace {

using Place = FakeKernel::Place;
constexpr UINT kRestricted = D3D11_1DDI_RESOURCE_MISC_RESTRICTED_CONTENT;

D3D10DDI_MAPPED_SUBRESOURCE Map(Driver* driver, const CreatedResource& resource) {
  int sentinel = 0;
  D3D10DDI_MAPPED_SUBRESOURCE mapped = {&sentinel, 77, 77};
  driver->device.functions.pfnStagingResourceMap(driver->device.handle, resource.handle, 0,
                                                 D3D10_DDI_MAP_READWRITE, 0, &mapped);
  return mapped;
}

TEST_CASE("usage and RESTRICTED_CONTENT choose the segment") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO mip = Extent(1000);
  const CreatedResource staging(&driver.device, DescribeBuffer(mip, D3D10_DDI_USAGE_STAGING));
  const CreatedResource plain(&driver.device, DescribeBuffer(mip, D3D10_DDI_USAGE_DEFAULT));
  const CreatedResource dynamic(&driver.device, DescribeBuffer(mip, D3D10_DDI_USAGE_DYNAMIC));
  const CreatedResource restricted(&driver.device,
                                   DescribeBuffer(mip, D3D10_DDI_USAGE_DEFAULT, kRestricted));
  const CreatedResource both(&driver.device,
                             DescribeBuffer(mip, D3D10_DDI_USAGE_STAGING, kRestricted));
  const auto data_of = [&](const CreatedResource& resource) {
    return driver.kernel.allocations.at(resource.AllocationOf(driver.kernel)).data;
  };
  CHECK(data_of(staging).segment == 0);
  CHECK(data_of(plain).segment == 1);
  CHECK(data_of(dynamic).segment == 1);
  CHECK(data_of(restricted).segment == 2);
  CHECK(data_of(both).segment == 2);
  CHECK(data_of(staging).size_bytes == 1000);
  CHECK(data_of(staging).abi_version == 0x00010003);
}

TEST_CASE("protected and staging textures of one description have one size and pitch") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO mip = Extent(1366, 768);
  const CreatedResource staging(&driver.device,
                                DescribeTexture(mip, DXGI_FORMAT_NV12, D3D10_DDI_USAGE_STAGING));
  const CreatedResource restricted(
      &driver.device, DescribeTexture(mip, DXGI_FORMAT_NV12, D3D10_DDI_USAGE_DEFAULT, kRestricted));
  const D3D10DDI_MAPPED_SUBRESOURCE mapped = Map(&driver, staging);
  CHECK(mapped.pData != nullptr);
  CHECK(mapped.RowPitch == 1408);
  CHECK(mapped.DepthPitch == 1408 * 768 * 3 / 2);
  driver.device.functions.pfnStagingResourceUnmap(driver.device.handle, staging.handle, 0);
  CHECK(driver.kernel.allocations.at(restricted.AllocationOf(driver.kernel)).data.size_bytes ==
        mapped.DepthPitch);
  driver.RequireClean();
}

TEST_CASE("what can't be made reports E_OUTOFMEMORY and allocates nothing") {
  Driver driver;
  const size_t before = driver.kernel.allocations.size();
  constexpr D3D10DDI_MIPINFO even = Extent(64, 64);
  constexpr D3D10DDI_MIPINFO odd = Extent(63, 64);
  constexpr D3D10DDI_MIPINFO huge = Extent(256u * 1024 * 1024 + 1);
  constexpr D3D10DDI_MIPINFO wide = Extent(16385, 1);
  constexpr D3D10DDI_MIPINFO nothing = Extent(0, 4);
  std::vector<D3D11DDIARG_CREATERESOURCE> bad = {
      DescribeTexture(odd, DXGI_FORMAT_NV12, D3D10_DDI_USAGE_DEFAULT),
      DescribeTexture(even, DXGI_FORMAT_P010, D3D10_DDI_USAGE_DEFAULT),
      DescribeTexture(wide, DXGI_FORMAT_R8_UNORM, D3D10_DDI_USAGE_DEFAULT),
      DescribeTexture(nothing, DXGI_FORMAT_R8_UNORM, D3D10_DDI_USAGE_DEFAULT),
      DescribeBuffer(huge, D3D10_DDI_USAGE_DEFAULT),
      DescribeBuffer(nothing, D3D10_DDI_USAGE_DEFAULT),
      DescribeTexture(even, DXGI_FORMAT_R8_UNORM, D3D10_DDI_USAGE_DEFAULT)};
  bad.back().MipLevels = 2;
  bad.push_back(bad[2]);
  bad.back().pMipInfoList = nullptr;
  bad.push_back(DescribeTexture(even, DXGI_FORMAT_R8_UNORM, D3D10_DDI_USAGE_DEFAULT));
  bad.back().ResourceDimension = D3D10DDIRESOURCE_TEXTURE3D;
  bad.push_back(DescribeTexture(even, DXGI_FORMAT_R8_UNORM, D3D10_DDI_USAGE_DEFAULT));
  bad.back().SampleDesc.Count = 2;
  bad.push_back(DescribeTexture(even, DXGI_FORMAT_R8_UNORM, D3D10_DDI_USAGE_DEFAULT));
  bad.back().ArraySize = 2;
  constexpr D3D10DDI_MIPINFO large = Extent(16384, 4097);  // 256 MiB and a row
  bad.push_back(DescribeTexture(large, DXGI_FORMAT_R32_UINT, D3D10_DDI_USAGE_DEFAULT));
  for (const D3D11DDIARG_CREATERESOURCE& description : bad) {
    const CreatedResource resource(&driver.device, description);
  }
  CHECK(driver.kernel.allocations.size() == before);
  CHECK(driver.kernel.errors == std::vector<HRESULT>(bad.size(), E_OUTOFMEMORY));
}

TEST_CASE("a full segment reports E_OUTOFMEMORY, and the resource is refused afterwards") {
  Driver driver;
  driver.kernel.allocate_result = E_OUTOFMEMORY;
  constexpr D3D10DDI_MIPINFO mip = Extent(64);
  const CreatedResource resource(&driver.device, DescribeBuffer(mip, D3D10_DDI_USAGE_STAGING));
  CHECK(driver.kernel.errors == std::vector<HRESULT>{E_OUTOFMEMORY});
  const uint32_t before = driver.device.events();
  CHECK(Map(&driver, resource).pData == nullptr);
  CHECK(driver.device.events() == before + 1);
}

TEST_CASE("DestroyResource submits the resource's commands and frees it once") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO mip = Extent(64);
  const D3D11DDIARG_CREATERESOURCE description = DescribeBuffer(mip, D3D10_DDI_USAGE_STAGING);
  const D3D11_1DDI_DEVICEFUNCS& functions = driver.device.functions;
  const PrivateMemory memory(
      functions.pfnCalcPrivateResourceSize(driver.device.handle, &description));
  const D3D10DDI_HRESOURCE source = {memory.get()};
  functions.pfnCreateResource(driver.device.handle, &description, source, {&driver});
  const CreatedResource destination(&driver.device, DescribeBuffer(mip, D3D10_DDI_USAGE_DEFAULT));
  functions.pfnResourceCopy(driver.device.handle, destination.handle, source);
  const size_t before = driver.kernel.allocations.size();
  functions.pfnDestroyResource(driver.device.handle, source);
  CHECK(driver.kernel.Find("COPY").size() == 1);
  CHECK(driver.kernel.allocations.size() == before - 1);
  const uint32_t events = driver.device.events();
  functions.pfnDestroyResource(driver.device.handle, source);
  functions.pfnResourceCopy(driver.device.handle, destination.handle, source);
  CHECK(driver.device.events() == events + 2);
  CHECK_FALSE(driver.Flush());
  driver.RequireClean();
}

TEST_CASE("a resource that is destroyed while it is mapped is unlocked first") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO mip = Extent(64);
  CreatedResource resource(&driver.device, DescribeBuffer(mip, D3D10_DDI_USAGE_STAGING));
  CHECK(Map(&driver, resource).pData != nullptr);
  CHECK(Map(&driver, resource).pData != nullptr);
  CHECK(driver.kernel.LockCount() == 2);
  resource.Destroy();
  driver.RequireClean();
}

TEST_CASE("mapping submits the commands that use the resource first") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO mip = Extent(64);
  const CreatedResource source(&driver.device, DescribeBuffer(mip, D3D10_DDI_USAGE_STAGING));
  const CreatedResource other(&driver.device, DescribeBuffer(mip, D3D10_DDI_USAGE_STAGING));
  const CreatedResource destination(&driver.device, DescribeBuffer(mip, D3D10_DDI_USAGE_DEFAULT));
  driver.device.functions.pfnResourceCopy(driver.device.handle, destination.handle, source.handle);
  CHECK(Map(&driver, other).pData != nullptr);
  CHECK(driver.kernel.render_count == 0);
  CHECK(Map(&driver, source).pData != nullptr);
  CHECK(driver.kernel.render_count == 1);
  driver.device.functions.pfnStagingResourceUnmap(driver.device.handle, other.handle, 0);
  driver.device.functions.pfnStagingResourceUnmap(driver.device.handle, source.handle, 0);
  driver.RequireClean();
}

TEST_CASE("a protected resource is never mapped") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO mip = Extent(64);
  const CreatedResource resource(&driver.device,
                                 DescribeBuffer(mip, D3D10_DDI_USAGE_DEFAULT, kRestricted));
  const D3D11_1DDI_DEVICEFUNCS& functions = driver.device.functions;
  for (const PFND3D10DDI_RESOURCEMAP map :
       {functions.pfnResourceMap, functions.pfnStagingResourceMap,
        functions.pfnDynamicResourceMapDiscard, functions.pfnDynamicIABufferMapNoOverwrite}) {
    int sentinel = 0;
    D3D10DDI_MAPPED_SUBRESOURCE mapped = {&sentinel, 77, 77};
    const uint32_t before = driver.device.events();
    map(driver.device.handle, resource.handle, 0, D3D10_DDI_MAP_READ, 0, &mapped);
    CHECK(mapped.pData == nullptr);
    CHECK(mapped.RowPitch == 0);
    CHECK(mapped.DepthPitch == 0);
    CHECK(driver.device.events() == before + 1);
  }
  CHECK(driver.kernel.errors.empty());
  driver.RequireClean();
}

TEST_CASE("a map that may not wait reports that the device still draws") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO mip = Extent(64);
  const CreatedResource resource(&driver.device, DescribeBuffer(mip, D3D10_DDI_USAGE_STAGING));
  driver.kernel.lock_result = D3DDDIERR_WASSTILLDRAWING;
  CHECK(Map(&driver, resource).pData == nullptr);
  CHECK(driver.kernel.errors == std::vector<HRESULT>{DXGI_DDI_ERR_WASSTILLDRAWING});
  CHECK(driver.device.functions.pfnResourceIsStagingBusy(driver.device.handle, resource.handle) ==
        TRUE);
  driver.kernel.lock_result = S_OK;
  CHECK(driver.device.functions.pfnResourceIsStagingBusy(driver.device.handle, resource.handle) ==
        FALSE);
  driver.RequireClean();
}

TEST_CASE("an unmap without a map, another subresource, a null handle: events, nothing more") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO mip = Extent(64);
  const CreatedResource resource(&driver.device, DescribeBuffer(mip, D3D10_DDI_USAGE_STAGING));
  const D3D11_1DDI_DEVICEFUNCS& functions = driver.device.functions;
  const uint32_t before = driver.device.events();
  functions.pfnResourceUnmap(driver.device.handle, resource.handle, 0);
  D3D10DDI_MAPPED_SUBRESOURCE mapped = {};
  functions.pfnResourceMap(driver.device.handle, resource.handle, 1, D3D10_DDI_MAP_READ, 0,
                           &mapped);
  functions.pfnResourceMap(driver.device.handle, {nullptr}, 0, D3D10_DDI_MAP_READ, 0, &mapped);
  CHECK(mapped.pData == nullptr);
  CHECK(driver.device.events() == before + 3);
  functions.pfnResourceMap({nullptr}, resource.handle, 0, D3D10_DDI_MAP_READ, 0, &mapped);
  functions.pfnResourceCopy({nullptr}, resource.handle, resource.handle);
  CHECK(driver.kernel.errors.empty());
  driver.RequireClean();
}

TEST_CASE("initial data is written row by row into the pitch of the allocation") {
  Driver driver;
  std::vector<uint8_t> data(4 * 3);
  std::iota(data.begin(), data.end(), uint8_t{1});
  const D3D10_DDIARG_SUBRESOURCE_UP initial = {data.data(), 4, 0};
  constexpr D3D10DDI_MIPINFO mip = Extent(4, 3);
  D3D11DDIARG_CREATERESOURCE description =
      DescribeTexture(mip, DXGI_FORMAT_R8_UNORM, D3D10_DDI_USAGE_DEFAULT);
  description.pInitialDataUP = &initial;
  const CreatedResource resource(&driver.device, description);
  const std::vector<uint8_t>& bytes =
      driver.kernel.allocations.at(resource.AllocationOf(driver.kernel)).bytes;
  REQUIRE(bytes.size() == 64 * 3);
  CHECK(bytes[0] == 1);
  CHECK(bytes[3] == 4);
  CHECK(bytes[4] == 0);
  CHECK(bytes[64] == 5);
  CHECK(bytes[128 + 3] == 12);
  driver.RequireClean();
}

TEST_CASE("initial data of a protected resource goes through a copy of system memory") {
  Driver driver;
  const size_t before = driver.kernel.allocations.size();
  std::vector<uint8_t> data(16, 0x5A);
  const D3D10_DDIARG_SUBRESOURCE_UP initial = {data.data(), 8, 0};
  constexpr D3D10DDI_MIPINFO mip = Extent(8, 2);
  D3D11DDIARG_CREATERESOURCE description =
      DescribeTexture(mip, DXGI_FORMAT_R8_UNORM, D3D10_DDI_USAGE_DEFAULT, kRestricted);
  description.pInitialDataUP = &initial;
  const CreatedResource resource(&driver.device, description);
  REQUIRE(driver.kernel.Find("COPY").size() == 1);
  const FakeKernel::Command command = driver.kernel.Find("COPY")[0];
  const auto copy = command.As<abi::CopyCommand>();
  CHECK(copy.row_bytes == 8);
  CHECK(copy.row_count == 2);
  CHECK(copy.source_pitch == 8);
  CHECK(copy.destination_pitch == 64);
  CHECK(command.addresses.at(8) == Place{resource.AllocationOf(driver.kernel), 0, true});
  CHECK(driver.kernel.allocations.size() == before + 1);  // the carrier is gone
  driver.RequireClean();
}

TEST_CASE("ResourceCopy of NV12 copies both planes") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO mip = Extent(70, 4);
  const CreatedResource from(&driver.device,
                             DescribeTexture(mip, DXGI_FORMAT_NV12, D3D10_DDI_USAGE_STAGING));
  const CreatedResource to(&driver.device,
                           DescribeTexture(mip, DXGI_FORMAT_NV12, D3D10_DDI_USAGE_DEFAULT));
  driver.device.functions.pfnResourceCopy(driver.device.handle, to.handle, from.handle);
  driver.Flush();
  const std::vector<FakeKernel::Command> copies = driver.kernel.Find("COPY");
  REQUIRE(copies.size() == 2);
  const D3DKMT_HANDLE source = from.AllocationOf(driver.kernel);
  const D3DKMT_HANDLE destination = to.AllocationOf(driver.kernel);
  const auto luma = copies[0].As<abi::CopyCommand>();
  CHECK(luma.row_bytes == 70);
  CHECK(luma.row_count == 4);
  CHECK(luma.source_pitch == 128);
  CHECK(copies[0].addresses.at(8) == Place{destination, 0, true});
  CHECK(copies[0].addresses.at(16) == Place{source, 0, false});
  const auto chroma = copies[1].As<abi::CopyCommand>();
  CHECK(chroma.row_bytes == 70);
  CHECK(chroma.row_count == 2);
  CHECK(copies[1].addresses.at(8) == Place{destination, 512, true});
  CHECK(copies[1].addresses.at(16) == Place{source, 512, false});
  driver.RequireClean();
}

TEST_CASE("ResourceCopyRegion copies a box to a place") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO mip = Extent(32, 8);
  const D3D11DDIARG_CREATERESOURCE description =
      DescribeTexture(mip, DXGI_FORMAT_B8G8R8X8_UNORM, D3D10_DDI_USAGE_DEFAULT);
  const CreatedResource from(&driver.device, description);
  const CreatedResource to(&driver.device, description);
  const D3D10_DDI_BOX box = {4, 2, 0, 10, 5, 1};
  driver.device.functions.pfnResourceCopyRegion(driver.device.handle, to.handle, 0, 1, 3, 0,
                                                from.handle, 0, &box, 0);
  driver.Flush();
  REQUIRE(driver.kernel.Find("COPY").size() == 1);
  const FakeKernel::Command command = driver.kernel.Find("COPY")[0];
  const auto copy = command.As<abi::CopyCommand>();
  CHECK(copy.row_bytes == 24);
  CHECK(copy.row_count == 3);
  CHECK(command.addresses.at(8).offset == 3 * 128 + 4);
  CHECK(command.addresses.at(16).offset == 2 * 128 + 16);
  driver.RequireClean();
}

TEST_CASE("copies that would be a command's fault are not written") {
  Driver driver;
  OpenedDevice second(&driver.kernel, driver.adapter);
  constexpr D3D10DDI_MIPINFO mip = Extent(32, 8);
  constexpr D3D10DDI_MIPINFO small = Extent(32, 6);
  const auto describe = [](const D3D10DDI_MIPINFO& size, DXGI_FORMAT format) {
    return DescribeTexture(size, format, D3D10_DDI_USAGE_DEFAULT);
  };
  const CreatedResource a(&driver.device, describe(mip, DXGI_FORMAT_NV12));
  const CreatedResource b(&driver.device, describe(mip, DXGI_FORMAT_NV12));
  const CreatedResource lower(&driver.device, describe(small, DXGI_FORMAT_NV12));
  const CreatedResource grey(&driver.device, describe(mip, DXGI_FORMAT_R8_UNORM));
  const CreatedResource foreign(&second, describe(mip, DXGI_FORMAT_NV12));
  const D3D11_1DDI_DEVICEFUNCS& functions = driver.device.functions;
  const D3D10DDI_HDEVICE device = driver.device.handle;
  const uint32_t before = driver.device.events();
  functions.pfnResourceCopy(device, a.handle, a.handle);
  functions.pfnResourceCopy(device, a.handle, lower.handle);
  functions.pfnResourceCopy(device, a.handle, grey.handle);
  functions.pfnResourceCopy(device, a.handle, foreign.handle);
  const D3D10_DDI_BOX boxes[] = {{0, 0, 0, 33, 8, 1},  {-2, 0, 0, 2, 2, 1}, {4, 0, 0, 4, 2, 1},
                                 {6, 0, 0, 4, 2, 1},   {1, 0, 0, 5, 2, 1},  {0, 1, 0, 2, 4, 1},
                                 {0, 0, 0, 32, 10, 1}, {0, 0, 1, 2, 2, 2}};
  for (const D3D10_DDI_BOX& box : boxes) {
    functions.pfnResourceCopyRegion(device, a.handle, 0, 0, 0, 0, b.handle, 0, &box, 0);
  }
  const D3D10_DDI_BOX fine = {0, 0, 0, 4, 4, 1};
  functions.pfnResourceCopyRegion(device, a.handle, 0, 30, 0, 0, b.handle, 0, &fine, 0);
  functions.pfnResourceCopyRegion(device, a.handle, 0, 0, 0xFFFFFFFE, 0, b.handle, 0, &fine, 0);
  functions.pfnResourceCopyRegion(device, a.handle, 1, 0, 0, 0, b.handle, 0, &fine, 0);
  functions.pfnResourceCopyRegion(device, a.handle, 0, 1, 0, 0, b.handle, 0, &fine, 0);
  CHECK(driver.device.events() == before + 4 + std::size(boxes) + 4);
  CHECK_FALSE(driver.Flush());
  CHECK(driver.kernel.errors.empty());
  driver.RequireClean();
}

TEST_CASE("UpdateSubresourceUP writes a box") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO mip = Extent(16, 4);
  const CreatedResource resource(
      &driver.device, DescribeTexture(mip, DXGI_FORMAT_R8_UNORM, D3D10_DDI_USAGE_DEFAULT));
  const std::vector<uint8_t> data = {1, 2, 9, 3, 4, 9};
  const D3D10_DDI_BOX box = {5, 1, 0, 7, 3, 1};
  driver.device.functions.pfnResourceUpdateSubresourceUP(driver.device.handle, resource.handle, 0,
                                                         &box, data.data(), 3, 0, 0);
  const std::vector<uint8_t>& bytes =
      driver.kernel.allocations.at(resource.AllocationOf(driver.kernel)).bytes;
  CHECK(bytes[64 + 5] == 1);
  CHECK(bytes[64 + 6] == 2);
  CHECK(bytes[64 + 7] == 0);
  CHECK(bytes[128 + 5] == 3);
  CHECK(bytes[128 + 6] == 4);
  const uint32_t before = driver.device.events();
  driver.device.functions.pfnResourceUpdateSubresourceUP(driver.device.handle, resource.handle, 0,
                                                         &box, nullptr, 3, 0, 0);
  CHECK(driver.device.events() == before + 1);
  driver.RequireClean();
}

}  // namespace
}  // namespace ward::umd
