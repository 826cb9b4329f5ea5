#include "runtime/driver_library.h"

#include <system_error>
#include <utility>

#include "umd/ddi/status_codes.h"

#ifndef _WIN32
#include <dlfcn.h>
#endif

namespace ward::runtime {
namespace {

constexpr char kExport[] = "OpenAdapter10_2";
constexpr HRESULT kErrorModuleNotFound = static_cast<HRESULT>(0x8007007Eu);
constexpr HRESULT kErrorProcedureNotFound = static_cast<HRESULT>(0x8007007Fu);

#ifdef _WIN32

// What the library itself imports comes from beside it or from the system, not from PATH.
HRESULT LoadModule(const std::filesystem::path& path, void** module) {
  *module = LoadLibraryExW(path.c_str(), nullptr,
                           LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32);
  if (*module != nullptr) return S_OK;
  const HRESULT result = HRESULT_FROM_WIN32(GetLastError());
  return FAILED(result) ? result : kErrorModuleNotFound;
}

void* FindExport(void* module) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(module), kExport));
}

void UnloadModule(void* module) { FreeLibrary(static_cast<HMODULE>(module)); }

#else

HRESULT LoadModule(const std::filesystem::path& path, void** module) {
  *module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  return *module != nullptr ? S_OK : kErrorModuleNotFound;
}

void* FindExport(void* module) { return dlsym(module, kExport); }

void UnloadModule(void* module) { dlclose(module); }

#endif

}  // namespace

HRESULT DriverLibrary::Load(const std::filesystem::path& path,
                            std::unique_ptr<DriverLibrary>* library) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) return kErrorModuleNotFound;
  void* module = nullptr;
  const HRESULT result = LoadModule(absolute, &module);
  if (FAILED(result)) return result;
  std::unique_ptr<DriverLibrary> loaded(new DriverLibrary(module));
  loaded->open_adapter_ = reinterpret_cast<PFND3D10DDI_OPENADAPTER>(FindExport(module));
  if (loaded->open_adapter_ == nullptr) return kErrorProcedureNotFound;
  *library = std::move(loaded);
  return S_OK;
}

DriverLibrary::~DriverLibrary() { UnloadModule(module_); }

}  // namespace ward::runtime
