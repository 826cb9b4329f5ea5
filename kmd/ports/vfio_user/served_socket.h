// The socket to a served device: connected, and known to each other where a key is shared.
#ifndef WARD_KMD_PORTS_VFIO_USER_SERVED_SOCKET_H_
#define WARD_KMD_PORTS_VFIO_USER_SERVED_SOCKET_H_

#include <string>

#include "abi/pci_function.h"
#include "base/file_descriptor.h"
#include "kmd/ports/vfio_user/served_address.h"

namespace ward::kmd {

// Connects within the address's time-out and, with a key file, answers the server's challenge
// (abi/vfio_user.h). kBadArgument (no such path, nobody listens, a path or key that can't be used),
// kTimeout (no challenge came), kGone (closed meanwhile); `error` says what mends it.
abi::PciError OpenServedSocket(const ServedAddress& address, FileDescriptor* opened,
                               std::string* error);

}  // namespace ward::kmd

#endif  // WARD_KMD_PORTS_VFIO_USER_SERVED_SOCKET_H_
