// The DXGI table beside Present of a flipped surface.
#include <vector>

#include "tests/unit/umd/driver_fixture.h"

namespace ward::umd {
namespace {

constexpr D3D10DDI_MIPINFO kSize = Extent(64, 32);

DXGI_DDI_HDEVICE HandleOf(const OpenedDevice& device) {
  return reinterpret_cast<DXGI_DDI_HDEVICE>(device.handle.pDrvPrivate);
}
DXGI_DDI_HRESOURCE HandleOf(const CreatedResource& resource) {
  return reinterpret_cast<DXGI_DDI_HRESOURCE>(resource.handle.pDrvPrivate);
}

D3D11DDIARG_CREATERESOURCE Surface(const D3D10DDI_MIPINFO& size = kSize, UINT misc_flags = 0) {
  D3D11DDIARG_CREATERESOURCE description =
      DescribeTexture(size, DXGI_FORMAT_B8G8R8X8_UNORM, D3D10_DDI_USAGE_DEFAULT, misc_flags);
  description.BindFlags = D3D10_DDI_BIND_PRESENT;
  return description;
}

DXGI_DDI_ARG_BLT BltOf(const OpenedDevice& device, const CreatedResource& destination,
                       const CreatedResource& source, UINT width, UINT height) {
  DXGI_DDI_ARG_BLT blt = {};
  blt.hDevice = HandleOf(device);
  blt.hDstResource = HandleOf(destination);
  blt.DstRight = width;
  blt.DstBottom = height;
  blt.hSrcResource = HandleOf(source);
  return blt;
}

// The surface that a Present of the resource shows now.
D3DKMT_HANDLE Shown(Driver* driver, const CreatedResource& surface) {
  DXGI_DDI_ARG_PRESENT present = {};
  present.hDevice = HandleOf(driver->device);
  present.hSurfaceToPresent = HandleOf(surface);
  REQUIRE(driver->device.dxgi.pfnPresent(&present) == S_OK);
  return driver->kernel.presents.back().hSrcAllocation;
}

TEST_CASE(
    "RotateResourceIdentities gives each resource the next one's memory, the last the first's") {
  Driver driver;
  {
    const CreatedResource a(&driver.device, Surface());
    const CreatedResource b(&driver.device, Surface());
    const CreatedResource c(&driver.device, Surface());
    const D3DKMT_HANDLE memory[] = {a.AllocationOf(driver.kernel), b.AllocationOf(driver.kernel),
                                    c.AllocationOf(driver.kernel)};
    const DXGI_DDI_HRESOURCE resources[] = {HandleOf(a), HandleOf(b), HandleOf(c)};
    DXGI_DDI_ARG_ROTATE_RESOURCE_IDENTITIES rotate = {HandleOf(driver.device), resources, 3};
    // Recorded before: it is the old memory that is written.
    const CreatedResource source(&driver.device, DescribeTexture(kSize, DXGI_FORMAT_B8G8R8X8_UNORM,
                                                                 D3D10_DDI_USAGE_DEFAULT));
    driver.device.functions.pfnResourceCopy(driver.device.handle, a.handle, source.handle);
    REQUIRE(driver.device.dxgi.pfnRotateResourceIdentities(&rotate) == S_OK);
    CHECK(Shown(&driver, a) == memory[1]);
    CHECK(Shown(&driver, b) == memory[2]);
    CHECK(Shown(&driver, c) == memory[0]);
    REQUIRE(driver.kernel.Find("COPY").size() == 1);
    CHECK(driver.kernel.Find("COPY")[0].addresses.at(8).allocation == memory[0]);
    // A view made before follows its resource.
    driver.device.functions.pfnResourceCopy(driver.device.handle, a.handle, source.handle);
    driver.Flush();
    CHECK(driver.kernel.Find("COPY")[1].addresses.at(8).allocation == memory[1]);
    REQUIRE(driver.device.dxgi.pfnRotateResourceIdentities(&rotate) == S_OK);
    REQUIRE(driver.device.dxgi.pfnRotateResourceIdentities(&rotate) == S_OK);
    CHECK(Shown(&driver, a) == memory[0]);
    REQUIRE(driver.device.dxgi.pfnRotateResourceIdentities(&rotate) == S_OK);
  }
  // Each was destroyed with the memory that it had then.
  driver.RequireClean();
  for (const auto& [handle, allocation] : driver.kernel.allocations) {
    CHECK(allocation.data.width == 0);
  }
}

TEST_CASE("RotateResourceIdentities refuses resources that are not of one kind, and changes none") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO other_size = Extent(32, 32);
  const CreatedResource a(&driver.device, Surface());
  const CreatedResource b(&driver.device, Surface());
  const CreatedResource smaller(&driver.device, Surface(other_size));
  const CreatedResource restricted(&driver.device,
                                   Surface(kSize, D3D11_1DDI_RESOURCE_MISC_RESTRICTED_CONTENT));
  const CreatedResource plain(
      &driver.device, DescribeTexture(kSize, DXGI_FORMAT_B8G8R8X8_UNORM, D3D10_DDI_USAGE_DEFAULT));
  OpenedDevice second(&driver.kernel, driver.adapter);
  const CreatedResource foreign(&second, Surface());
  const D3DKMT_HANDLE memory = a.AllocationOf(driver.kernel);
  for (const CreatedResource* last : {&smaller, &restricted, &plain, &foreign}) {
    const DXGI_DDI_HRESOURCE resources[] = {HandleOf(a), HandleOf(b), HandleOf(*last)};
    DXGI_DDI_ARG_ROTATE_RESOURCE_IDENTITIES rotate = {HandleOf(driver.device), resources, 3};
    CHECK(driver.device.dxgi.pfnRotateResourceIdentities(&rotate) == E_INVALIDARG);
  }
  DXGI_DDI_ARG_ROTATE_RESOURCE_IDENTITIES rotate = {HandleOf(driver.device), nullptr, 0};
  CHECK(driver.device.dxgi.pfnRotateResourceIdentities(&rotate) == E_INVALIDARG);
  CHECK(Shown(&driver, a) == memory);
}

TEST_CASE("Blt copies where nothing changes, and converts and scales where its flags say so") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO larger = Extent(128, 128);
  const CreatedResource source(
      &driver.device, DescribeTexture(kSize, DXGI_FORMAT_B8G8R8X8_UNORM, D3D10_DDI_USAGE_DEFAULT));
  const CreatedResource same(
      &driver.device, DescribeTexture(larger, DXGI_FORMAT_B8G8R8X8_UNORM, D3D10_DDI_USAGE_DEFAULT));
  const CreatedResource alpha(
      &driver.device, DescribeTexture(larger, DXGI_FORMAT_B8G8R8A8_UNORM, D3D10_DDI_USAGE_DEFAULT));
  const auto& dxgi = driver.device.dxgi;
  DXGI_DDI_ARG_BLT copy = BltOf(driver.device, same, source, 64, 32);
  copy.DstLeft = 10;
  copy.DstTop = 20;
  copy.DstRight = 74;
  copy.DstBottom = 52;
  REQUIRE(dxgi.pfnBlt(&copy) == S_OK);
  DXGI_DDI_ARG_BLT stretch = BltOf(driver.device, same, source, 128, 64);
  CHECK(dxgi.pfnBlt(&stretch) == E_INVALIDARG);
  stretch.Flags.Stretch = 1;
  REQUIRE(dxgi.pfnBlt(&stretch) == S_OK);
  DXGI_DDI_ARG_BLT convert = BltOf(driver.device, alpha, source, 64, 32);
  CHECK(dxgi.pfnBlt(&convert) == E_INVALIDARG);
  convert.Flags.Convert = 1;
  REQUIRE(dxgi.pfnBlt(&convert) == S_OK);
  driver.Flush();
  REQUIRE(driver.kernel.commands.size() == 3);
  const auto copied = driver.kernel.commands[0].As<abi::CopyCommand>();
  CHECK(copied.row_bytes == 256);
  CHECK(copied.row_count == 32);
  CHECK(driver.kernel.commands[0].addresses.at(8).offset == 20 * 512 + 40);
  const auto stretched = driver.kernel.commands[1].As<abi::VideoBltCommand>();
  CHECK(stretched.source_format == 2);
  CHECK(stretched.color_space == 2);
  CHECK(stretched.destination_width == 128);
  CHECK(stretched.destination_height == 64);
  CHECK(driver.kernel.commands[2].name == "VIDEO_BLT");
  driver.RequireClean();
}

TEST_CASE("Blt1 takes a rectangle of its source") {
  Driver driver;
  const CreatedResource source(&driver.device,
                               DescribeTexture(kSize, DXGI_FORMAT_NV12, D3D10_DDI_USAGE_DEFAULT));
  const CreatedResource destination(&driver.device, Surface());
  DXGI_DDI_ARG_BLT1 blt = {};
  blt.hDevice = HandleOf(driver.device);
  blt.hDstResource = HandleOf(destination);
  blt.hSrcResource = HandleOf(source);
  blt.DstRight = 10;
  blt.DstBottom = 20;
  blt.SrcLeft = 3;
  blt.SrcTop = 2;
  blt.SrcRight = 13;
  blt.SrcBottom = 22;
  blt.Flags.Convert = 1;
  REQUIRE(driver.device.dxgi.pfnBlt1(&blt) == S_OK);
  driver.Flush();
  const auto command = driver.kernel.commands.at(0).As<abi::VideoBltCommand>();
  CHECK(command.source_width == 10);
  CHECK(command.source_height == 20);
  CHECK(command.source_left == 1);
  CHECK(command.color_space == 0);
  blt.SrcRight = 65;
  CHECK(driver.device.dxgi.pfnBlt1(&blt) == E_INVALIDARG);
  blt.SrcRight = 13;
  blt.DstSubresource = 1;
  CHECK(driver.device.dxgi.pfnBlt1(&blt) == E_INVALIDARG);
  blt.DstSubresource = 0;
  blt.Rotate = DXGI_DDI_MODE_ROTATION_ROTATE90;
  CHECK(driver.device.dxgi.pfnBlt1(&blt) == E_NOTIMPL);
  CHECK(driver.device.dxgi.pfnBlt1(nullptr) == E_INVALIDARG);
  CHECK(driver.device.dxgi.pfnBlt(nullptr) == E_INVALIDARG);
  CHECK_FALSE(driver.Flush());
  driver.RequireClean();
}

TEST_CASE("ResourceConvert converts between formats of one size") {
  Driver driver;
  const CreatedResource source(&driver.device,
                               DescribeTexture(kSize, DXGI_FORMAT_NV12, D3D10_DDI_USAGE_DEFAULT));
  const CreatedResource destination(&driver.device, Surface());
  const auto& functions = driver.device.functions;
  functions.pfnResourceConvert(driver.device.handle, destination.handle, source.handle);
  const D3D10_DDI_BOX box = {0, 0, 0, 20, 20, 1};
  functions.pfnResourceConvertRegion(driver.device.handle, destination.handle, 0, 40, 10, 0,
                                     source.handle, 0, &box, 0);
  const uint32_t before = driver.device.events();
  functions.pfnResourceConvertRegion(driver.device.handle, destination.handle, 0, 50, 10, 0,
                                     source.handle, 0, &box, 0);
  CHECK(driver.device.events() == before + 1);
  driver.Flush();
  REQUIRE(driver.kernel.commands.size() == 2);
  CHECK(driver.kernel.commands[0].As<abi::VideoBltCommand>().destination_width == 64);
  CHECK(driver.kernel.commands[1].addresses.at(8).offset == 10 * 256 + 160);
  driver.RequireClean();
}

TEST_CASE("Present with a destination draws there and tells the kernel of both") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO smaller = Extent(32, 16);
  const CreatedResource surface(&driver.device, Surface());
  const CreatedResource window(&driver.device, DescribeTexture(smaller, DXGI_FORMAT_B8G8R8A8_UNORM,
                                                               D3D10_DDI_USAGE_DEFAULT));
  DXGI_DDI_ARG_PRESENT present = {};
  present.hDevice = HandleOf(driver.device);
  present.hSurfaceToPresent = HandleOf(surface);
  present.hDstResource = HandleOf(window);
  present.Flags.Blt = 1;
  REQUIRE(driver.device.dxgi.pfnPresent(&present) == S_OK);
  REQUIRE(driver.kernel.commands.size() == 1);
  CHECK(driver.kernel.commands[0].As<abi::VideoBltCommand>().destination_width == 32);
  REQUIRE(driver.kernel.presents.size() == 1);
  CHECK(driver.kernel.presents[0].hSrcAllocation == surface.AllocationOf(driver.kernel));
  CHECK(driver.kernel.presents[0].hDstAllocation == window.AllocationOf(driver.kernel));
  present.DstSubResourceIndex = 1;
  CHECK(driver.device.dxgi.pfnPresent(&present) == E_INVALIDARG);
  present.hDstResource = HandleOf(driver.device);  // no resource
  CHECK(driver.device.dxgi.pfnPresent(&present) == E_INVALIDARG);
  driver.RequireClean();
}

TEST_CASE("mode, priority, residency and offers reach the kernel under the resource's allocation") {
  Driver driver;
  const CreatedResource surface(&driver.device, Surface());
  const CreatedResource plain(
      &driver.device, DescribeTexture(kSize, DXGI_FORMAT_R8_UNORM, D3D10_DDI_USAGE_DEFAULT));
  const auto& dxgi = driver.device.dxgi;
  const DXGI_DDI_HDEVICE device = HandleOf(driver.device);
  FakeKernel::Allocation& memory =
      driver.kernel.allocations.at(surface.AllocationOf(driver.kernel));
  DXGI_DDI_ARG_SETDISPLAYMODE mode = {device, HandleOf(surface), 0};
  CHECK(dxgi.pfnSetDisplayMode(&mode) == S_OK);
  CHECK(driver.kernel.primaries == std::vector<D3DKMT_HANDLE>{surface.AllocationOf(driver.kernel)});
  mode.hResource = HandleOf(plain);
  CHECK(dxgi.pfnSetDisplayMode(&mode) == E_INVALIDARG);
  DXGI_DDI_ARG_SETRESOURCEPRIORITY priority = {device, HandleOf(surface), 0x78000000};
  CHECK(dxgi.pfnSetResourcePriority(&priority) == S_OK);
  CHECK(memory.priority == 0x78000000);

  const DXGI_DDI_HRESOURCE resources[] = {HandleOf(surface), HandleOf(plain)};
  memory.residency = D3DDDI_RESIDENCYSTATUS_RESIDENTINSHAREDMEMORY;
  DXGI_DDI_RESIDENCY status[2] = {};
  DXGI_DDI_ARG_QUERYRESOURCERESIDENCY query = {device, resources, status, 2};
  CHECK(dxgi.pfnQueryResourceResidency(&query) == S_OK);
  CHECK(status[0] == DXGI_DDI_RESIDENCY_RESIDENT_IN_SHARED_MEMORY);
  CHECK(status[1] == DXGI_DDI_RESIDENCY_FULLY_RESIDENT);
  query.hDevice = 0;
  CHECK(dxgi.pfnQueryResourceResidency(&query) == E_INVALIDARG);

  DXGI_DDI_ARG_OFFERRESOURCES offer = {device, resources, 1, D3DDDI_OFFER_PRIORITY_LOW};
  CHECK(dxgi.pfnOfferResources(&offer) == S_OK);
  CHECK(memory.offer_priority == D3DDDI_OFFER_PRIORITY_LOW);
  BOOL discarded[2] = {7, 7};
  DXGI_DDI_ARG_RECLAIMRESOURCES reclaim = {device, resources, discarded, 2};
  CHECK(dxgi.pfnReclaimResources(&reclaim) == S_OK);
  CHECK(discarded[0] == TRUE);
  CHECK(discarded[1] == FALSE);
  reclaim.pDiscarded = nullptr;
  CHECK(dxgi.pfnReclaimResources(&reclaim) == S_OK);

  DXGI_GAMMA_CONTROL_CAPABILITIES gamma;
  std::memset(&gamma, 0x5a, sizeof(gamma));
  DXGI_DDI_ARG_GET_GAMMA_CONTROL_CAPS gamma_caps = {device, &gamma};
  CHECK(dxgi.pfnGetGammaCaps(&gamma_caps) == S_OK);
  CHECK(gamma.NumGammaControlPoints == 0);
  CHECK(gamma.ScaleAndOffsetSupported == FALSE);
  driver.RequireClean();
}

TEST_CASE("ResolveSharedResource submits what uses the resource") {
  Driver driver;
  const CreatedResource a(&driver.device, Surface());
  const CreatedResource b(&driver.device, Surface());
  const CreatedResource other(&driver.device, Surface());
  driver.device.functions.pfnResourceCopy(driver.device.handle, a.handle, b.handle);
  DXGI_DDI_ARG_RESOLVESHAREDRESOURCE resolve = {HandleOf(driver.device), HandleOf(other)};
  CHECK(driver.device.dxgi.pfnResolveSharedResource(&resolve) == S_OK);
  CHECK(driver.kernel.commands.empty());
  resolve.hResource = HandleOf(a);
  CHECK(driver.device.dxgi.pfnResolveSharedResource(&resolve) == S_OK);
  CHECK(driver.kernel.commands.size() == 1);
  resolve.hResource = 0;
  CHECK(driver.device.dxgi.pfnResolveSharedResource(&resolve) == E_INVALIDARG);
  driver.RequireClean();
}

}  // namespace
}  // namespace ward::umd
