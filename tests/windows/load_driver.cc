// Loads a driver's DLL as the runtime does and brings a device up with it, over a scripted PCI
// function. usage: load_driver DLL      exit code 0 when every step did what it should
#include <cstdio>
#include <filesystem>
#include <memory>

#include "runtime/adapter.h"
#include "runtime/device.h"
#include "runtime/driver_library.h"
#include "runtime/hresult_name.h"
#include "runtime/kernel.h"
#include "tests/unit/kmd/fake_function.h"

namespace ward::runtime {
namespace {

// Says one step; false when it did not answer `expected`.
bool Expect(const char* step, HRESULT result, HRESULT expected) {
  std::printf("%-40s %s\n", step, HresultName(result).c_str());
  if (result == expected) return true;
  std::printf("%-40s %s was expected\n", "", HresultName(expected).c_str());
  return false;
}

bool CreateDevice(Kernel* kernel, const DriverLibrary& library) {
  std::unique_ptr<Adapter> adapter;
  if (!Expect("OpenAdapter10_2 of the DLL", Adapter::Open(kernel, library.open_adapter(), &adapter),
              S_OK)) {
    return false;
  }
  std::unique_ptr<Device> device;
  return Expect("CreateDevice, every table filled", Device::Create(adapter.get(), &device), S_OK);
}

std::filesystem::path SystemFolder() {
  wchar_t text[MAX_PATH] = L"";
  GetSystemDirectoryW(text, MAX_PATH);
  return text;
}

// The answers to libraries that are no driver.
bool RefuseOthers(const std::filesystem::path& folder) {
  std::unique_ptr<DriverLibrary> library;
  return Expect("LoadLibrary of a file that is not there",
                DriverLibrary::Load(folder / "no_such_driver.dll", &library),
                HRESULT_FROM_WIN32(ERROR_MOD_NOT_FOUND)) &&
         Expect("LoadLibrary by a name on the search path",
                DriverLibrary::Load("kernel32.dll", &library),
                HRESULT_FROM_WIN32(ERROR_MOD_NOT_FOUND)) &&
         Expect("GetProcAddress in kernel32.dll",
                DriverLibrary::Load(SystemFolder() / "kernel32.dll", &library),
                HRESULT_FROM_WIN32(ERROR_PROC_NOT_FOUND));
}

bool RunOn(const std::filesystem::path& path) {
  std::unique_ptr<DriverLibrary> library;
  if (!RefuseOthers(path.parent_path()) ||
      !Expect("LoadLibrary, GetProcAddress", DriverLibrary::Load(path, &library), S_OK)) {
    return false;
  }
  kmd::FakeFunction function;
  Result<std::unique_ptr<Kernel>> kernel = Kernel::Open(&function);
  if (!kernel.ok()) {
    std::printf("the kernel does not come up: %s\n", kernel.fault().reason);
    return false;
  }
  return CreateDevice(kernel.value().get(), *library);
}

}  // namespace
}  // namespace ward::runtime

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: load_driver DLL\n");
    return 2;
  }
  return ward::runtime::RunOn(argv[1]) ? 0 : 1;
}
