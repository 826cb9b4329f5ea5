// Presenting through the DXGI table.
#include "tests/unit/umd/driver_fixture.h"

namespace ward::umd {
namespace {

DXGI_DDI_ARG_PRESENT PresentOf(const OpenedDevice& device, const CreatedResource& surface) {
  DXGI_DDI_ARG_PRESENT present = {};
  present.hDevice = reinterpret_cast<DXGI_DDI_HDEVICE>(device.handle.pDrvPrivate);
  present.hSurfaceToPresent = reinterpret_cast<DXGI_DDI_HRESOURCE>(surface.handle.pDrvPrivate);
  return present;
}

TEST_CASE("Present submits what was recorded and hands on the surface's allocation") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO mip = Extent(64, 32);
  D3D11DDIARG_CREATERESOURCE description =
      DescribeTexture(mip, DXGI_FORMAT_B8G8R8X8_UNORM, D3D10_DDI_USAGE_DEFAULT);
  const CreatedResource texture(&driver.device, description);
  description.BindFlags = D3D10_DDI_BIND_PRESENT;
  const CreatedResource surface(&driver.device, description);
  driver.device.functions.pfnResourceCopy(driver.device.handle, surface.handle, texture.handle);
  DXGI_DDI_ARG_PRESENT present = PresentOf(driver.device, surface);
  int context = 0;
  present.pDXGIContext = &context;
  REQUIRE(driver.device.dxgi.pfnPresent(&present) == S_OK);
  CHECK(driver.kernel.Find("COPY").size() == 1);
  REQUIRE(driver.kernel.presents.size() == 1);
  CHECK(driver.kernel.presents[0].hSrcAllocation == surface.AllocationOf(driver.kernel));
  CHECK(driver.kernel.presents[0].hDstAllocation == 0);
  CHECK(driver.kernel.presents[0].pDXGIContext == &context);
  CHECK(driver.kernel.presents[0].hContext != nullptr);
  driver.RequireClean();
}

TEST_CASE("Present takes every flip interval that there is, and no other") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO mip = Extent(64, 32);
  D3D11DDIARG_CREATERESOURCE description =
      DescribeTexture(mip, DXGI_FORMAT_B8G8R8X8_UNORM, D3D10_DDI_USAGE_DEFAULT);
  description.BindFlags = D3D10_DDI_BIND_PRESENT;
  const CreatedResource surface(&driver.device, description);
  DXGI_DDI_ARG_PRESENT present = PresentOf(driver.device, surface);
  for (int interval = -1; interval <= 5; ++interval) {
    INFO(interval);
    driver.kernel.presents.clear();
    present.FlipInterval = static_cast<DXGI_DDI_FLIP_INTERVAL_TYPE>(interval);
    const bool is_one = interval >= 0 && interval <= 4;
    CHECK(driver.device.dxgi.pfnPresent(&present) == (is_one ? S_OK : E_INVALIDARG));
    CHECK(driver.kernel.presents.size() == (is_one ? 1 : 0));
  }
}

TEST_CASE("an allocation tells its size only when its surface may be presented") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO mip = Extent(100, 30);
  D3D11DDIARG_CREATERESOURCE description =
      DescribeTexture(mip, DXGI_FORMAT_B8G8R8X8_UNORM, D3D10_DDI_USAGE_DEFAULT,
                      D3D11_1DDI_RESOURCE_MISC_RESTRICTED_CONTENT);
  description.BindFlags = D3D10_DDI_BIND_PRESENT;
  const CreatedResource surface(&driver.device, description);
  const abi::AllocationData data =
      driver.kernel.allocations.at(surface.AllocationOf(driver.kernel)).data;
  CHECK(data.segment == 2);
  CHECK(data.width == 100);
  CHECK(data.height == 30);
  CHECK(data.pitch == 448);
  CHECK(data.format == 0);
  CHECK(data.size_bytes == 448 * 30);

  description.BindFlags = 0;
  const CreatedResource other(&driver.device, description);
  CHECK(driver.kernel.allocations.at(other.AllocationOf(driver.kernel)).data.width == 0);
}

TEST_CASE("Present refuses other surfaces and other devices") {
  Driver driver;
  constexpr D3D10DDI_MIPINFO mip = Extent(64, 32);
  D3D11DDIARG_CREATERESOURCE description =
      DescribeTexture(mip, DXGI_FORMAT_B8G8R8X8_UNORM, D3D10_DDI_USAGE_DEFAULT);
  const CreatedResource plain(&driver.device, description);
  DXGI_DDI_ARG_PRESENT present = PresentOf(driver.device, plain);
  CHECK(driver.device.dxgi.pfnPresent(&present) == E_INVALIDARG);
  present.hSurfaceToPresent = 0;
  CHECK(driver.device.dxgi.pfnPresent(&present) == E_INVALIDARG);
  CHECK(driver.device.dxgi.pfnPresent(nullptr) == E_INVALIDARG);

  OpenedDevice second(&driver.kernel, driver.adapter);
  description.BindFlags = D3D10_DDI_BIND_PRESENT;
  const CreatedResource foreign(&second, description);
  present = PresentOf(driver.device, foreign);
  CHECK(driver.device.dxgi.pfnPresent(&present) == E_INVALIDARG);
  CHECK(driver.kernel.presents.empty());
}

}  // namespace
}  // namespace ward::umd
