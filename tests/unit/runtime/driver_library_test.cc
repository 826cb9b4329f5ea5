// The driver as a library of its own, loaded by its one export over a scripted PCI function.
// tests/windows/load_driver.cc does the same on Windows.
#include "runtime/driver_library.h"

#include <filesystem>
#include <memory>

#include "catch2/catch_test_macros.hpp"
#include "runtime/adapter.h"
#include "runtime/device.h"
#include "runtime/kernel.h"
#include "tests/unit/kmd/fake_function.h"
#include "umd/ddi/status_codes.h"

namespace ward::runtime {
namespace {

constexpr HRESULT kNotFound = static_cast<HRESULT>(0x8007007Eu);  // ERROR_MOD_NOT_FOUND
constexpr HRESULT kNoExport = static_cast<HRESULT>(0x8007007Fu);  // ERROR_PROC_NOT_FOUND

TEST_CASE("a driver's library opens an adapter and a device, and gives everything back") {
  kmd::FakeFunction function;
  {
    std::unique_ptr<DriverLibrary> library;
    REQUIRE(DriverLibrary::Load(WARD_UMD_LIBRARY, &library) == S_OK);
    auto kernel = Kernel::Open(&function);
    REQUIRE(kernel.ok());
    std::unique_ptr<Adapter> adapter;
    REQUIRE(Adapter::Open(kernel.value().get(), library->open_adapter(), &adapter) == S_OK);
    std::unique_ptr<Device> device;
    REQUIRE(Device::Create(adapter.get(), &device) == S_OK);
    CHECK(function.live_buffers() > 0);
  }
  CHECK(function.live_buffers() == 0);
}

TEST_CASE("a library that is not there is not found, nor one that only a search path has") {
  std::unique_ptr<DriverLibrary> library;
  CHECK(DriverLibrary::Load("no_such_folder/no_such_driver.so", &library) == kNotFound);
  CHECK(DriverLibrary::Load("libc.so.6", &library) == kNotFound);
  CHECK(DriverLibrary::Load("", &library) == kNotFound);
  CHECK(library == nullptr);
}

TEST_CASE("a file that is no library is not found") {
  std::unique_ptr<DriverLibrary> library;
  CHECK(DriverLibrary::Load(__FILE__, &library) == kNotFound);
  CHECK(library == nullptr);
}

TEST_CASE("a library without OpenAdapter10_2 is refused and unloaded") {
  std::unique_ptr<DriverLibrary> library;
  CHECK(DriverLibrary::Load(WARD_NO_DRIVER_LIBRARY, &library) == kNoExport);
  CHECK(library == nullptr);
}

}  // namespace
}  // namespace ward::runtime
