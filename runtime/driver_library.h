// A user-mode driver's library in this process, found by its one export: LoadLibrary and
// GetProcAddress on Windows, dlopen and dlsym elsewhere.
#ifndef WARD_RUNTIME_DRIVER_LIBRARY_H_
#define WARD_RUNTIME_DRIVER_LIBRARY_H_

#include <filesystem>
#include <memory>

#include "umd/ddi/adapter.h"

namespace ward::runtime {

class DriverLibrary {
 public:
  // The path is taken from the current folder, never from a search path. The HRESULT of a Windows
  // error: ERROR_MOD_NOT_FOUND (0x8007007E) when there is no such library or the system cannot load
  // it (on Windows, what the system says), ERROR_PROC_NOT_FOUND (0x8007007F) when it does not
  // export OpenAdapter10_2.
  static HRESULT Load(const std::filesystem::path& path, std::unique_ptr<DriverLibrary>* library);
  // Unloads: every adapter that was opened by it has ended.
  ~DriverLibrary();
  DriverLibrary(const DriverLibrary&) = delete;
  DriverLibrary& operator=(const DriverLibrary&) = delete;

  // For Adapter::Open.
  PFND3D10DDI_OPENADAPTER open_adapter() const { return open_adapter_; }

 private:
  explicit DriverLibrary(void* module) : module_(module) {}

  void* module_;
  PFND3D10DDI_OPENADAPTER open_adapter_ = nullptr;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_DRIVER_LIBRARY_H_
