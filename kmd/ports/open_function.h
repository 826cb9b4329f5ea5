// One door to every port: a PCI function by its address, whatever is behind it.
#ifndef WARD_KMD_PORTS_OPEN_FUNCTION_H_
#define WARD_KMD_PORTS_OPEN_FUNCTION_H_

#include <memory>
#include <string>

#include "abi/pci_function.h"

namespace ward::kmd {

// Opens the function at `where`: "0000:00:05.0" is one of this machine, bound to vfio-pci
// (kmd/ports/vfio); "vfio-user:PATH..." and "tcp:HOST:PORT..." are served by another process
// (kmd/ports/vfio_user/served_address.h). Errors are those of the port; `error` says what mends it.
abi::PciError OpenFunction(const std::string& where, std::unique_ptr<abi::PciFunction>* function,
                           std::string* error);

// The forms of `where`, for the usage text of programs.
inline constexpr char kFunctionForms[] =
    "\"0000:00:05.0\" bound to vfio-pci, \"vfio-user:/path/of/socket\" or \"tcp:127.0.0.1:PORT\"";

}  // namespace ward::kmd

#endif  // WARD_KMD_PORTS_OPEN_FUNCTION_H_
