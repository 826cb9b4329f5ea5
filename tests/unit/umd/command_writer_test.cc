// Filling and submitting command buffers, and what a kernel failure does.
#include <vector>

#include "tests/unit/umd/driver_fixture.h"

namespace ward::umd {
namespace {

struct CopyPair {
  explicit CopyPair(Driver* driver)
      : source(&driver->device, DescribeBuffer(kMip, D3D10_DDI_USAGE_STAGING)),
        destination(&driver->device, DescribeBuffer(kMip, D3D10_DDI_USAGE_DEFAULT)) {}
  static constexpr D3D10DDI_MIPINFO kMip = Extent(4096);
  CreatedResource source;
  CreatedResource destination;
};

void Copy(Driver* driver, const CopyPair& pair) {
  driver->device.functions.pfnResourceCopy(driver->device.handle, pair.destination.handle,
                                           pair.source.handle);
}

TEST_CASE("commands wait for Flush, and an empty Flush submits nothing") {
  Driver driver;
  const CopyPair pair(&driver);
  CHECK_FALSE(driver.Flush());
  Copy(&driver, pair);
  CHECK(driver.kernel.render_count == 0);
  CHECK(driver.Flush());
  CHECK_FALSE(driver.Flush());
  CHECK(driver.kernel.render_count == 1);
  CHECK(driver.kernel.Find("COPY").size() == 1);
  driver.RequireClean();
}

TEST_CASE("a full command buffer is submitted by itself and loses no command") {
  FakeKernel kernel;
  kernel.command_buffer_bytes = 48 * 3 + 16;
  const OpenedAdapter adapter(&kernel);
  OpenedDevice device(&kernel, adapter);
  constexpr D3D10DDI_MIPINFO mip = Extent(64);
  const CreatedResource source(&device, DescribeBuffer(mip, D3D10_DDI_USAGE_STAGING));
  const CreatedResource destination(&device, DescribeBuffer(mip, D3D10_DDI_USAGE_DEFAULT));
  for (int i = 0; i < 10; ++i) {
    device.functions.pfnResourceCopy(device.handle, destination.handle, source.handle);
  }
  CHECK(kernel.render_count == 3);
  device.functions.pfnFlush(device.handle, 0);
  CHECK(kernel.Find("COPY").size() == 10);
  CHECK(kernel.violations.empty());
}

TEST_CASE("full allocation and patch lists are submitted by themselves") {
  FakeKernel kernel;
  kernel.list_entries = 5;
  const OpenedAdapter adapter(&kernel);
  OpenedDevice device(&kernel, adapter);
  constexpr D3D10DDI_MIPINFO mip = Extent(64);
  const CreatedResource source(&device, DescribeBuffer(mip, D3D10_DDI_USAGE_STAGING));
  const CreatedResource destination(&device, DescribeBuffer(mip, D3D10_DDI_USAGE_DEFAULT));
  for (int i = 0; i < 5; ++i) {
    device.functions.pfnResourceCopy(device.handle, destination.handle, source.handle);
  }
  device.functions.pfnFlush(device.handle, 0);
  CHECK(kernel.render_count == 3);
  CHECK(kernel.Find("COPY").size() == 5);
  CHECK(kernel.violations.empty());
}

TEST_CASE("a command that fits no buffer reports E_OUTOFMEMORY") {
  FakeKernel kernel;
  kernel.command_buffer_bytes = 32;
  const OpenedAdapter adapter(&kernel);
  OpenedDevice device(&kernel, adapter);
  constexpr D3D10DDI_MIPINFO mip = Extent(64);
  const CreatedResource source(&device, DescribeBuffer(mip, D3D10_DDI_USAGE_STAGING));
  const CreatedResource destination(&device, DescribeBuffer(mip, D3D10_DDI_USAGE_DEFAULT));
  device.functions.pfnResourceCopy(device.handle, destination.handle, source.handle);
  CHECK(kernel.errors == std::vector<HRESULT>{E_OUTOFMEMORY});
}

TEST_CASE("a removed device sticks, is reported, and keeps the queue's report") {
  Driver driver;
  const CopyPair pair(&driver);
  Copy(&driver, pair);
  driver.kernel.render_result = D3DDDIERR_DEVICEREMOVED;
  CHECK_FALSE(driver.Flush());
  REQUIRE(driver.kernel.errors == std::vector<HRESULT>{D3DDDIERR_DEVICEREMOVED});
  CHECK(driver.kernel.escape_count == 1);
  CHECK(driver.device.driver().kernel().queue_report().fault_status == 0x201);

  driver.kernel.render_result = S_OK;  // too late
  Copy(&driver, pair);
  CHECK(driver.kernel.errors.size() == 2);
  CHECK(driver.kernel.render_count == 1);
  CHECK(driver.kernel.escape_count == 1);
  D3D11_1DDIARG_CREATECRYPTOSESSION create = {};
  const PrivateMemory memory(
      driver.device.video.pfnCalcPrivateCryptoSessionSize(driver.device.handle, &create));
  CHECK(driver.device.video.pfnCreateCryptoSession(driver.device.handle, &create, {memory.get()},
                                                   {}) == D3DDDIERR_DEVICEREMOVED);
}

TEST_CASE("what was recorded before a removal is not submitted after it") {
  Driver driver;
  const CopyPair pair(&driver);
  Copy(&driver, pair);
  constexpr D3D10DDI_MIPINFO mip = Extent(16);
  const CreatedResource other(&driver.device, DescribeBuffer(mip, D3D10_DDI_USAGE_STAGING));
  driver.kernel.lock_result = D3DDDIERR_DEVICEREMOVED;
  D3D10DDI_MAPPED_SUBRESOURCE mapped = {};
  driver.device.functions.pfnResourceMap(driver.device.handle, other.handle, 0, D3D10_DDI_MAP_READ,
                                         0, &mapped);
  CHECK(driver.kernel.errors == std::vector<HRESULT>{D3DDDIERR_DEVICEREMOVED});
  CHECK_FALSE(driver.Flush());
  CHECK(driver.kernel.render_count == 0);
}

TEST_CASE("another failure of the kernel is counted and not reported") {
  Driver driver;
  const CopyPair pair(&driver);
  Copy(&driver, pair);
  driver.kernel.render_result = E_INVALIDARG;
  const uint32_t before = driver.device.events();
  driver.Flush();
  CHECK(driver.kernel.errors.empty());
  CHECK(driver.device.events() == before + 1);
  driver.kernel.render_result = S_OK;
  Copy(&driver, pair);
  CHECK(driver.Flush());
  CHECK(driver.kernel.Find("COPY").size() == 1);
}

}  // namespace
}  // namespace ward::umd
