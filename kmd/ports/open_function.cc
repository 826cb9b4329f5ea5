#include "kmd/ports/open_function.h"

#include <utility>

#include "kmd/ports/vfio/vfio_function.h"
#include "kmd/ports/vfio_user/served_address.h"
#include "kmd/ports/vfio_user/vfio_user_function.h"

namespace ward::kmd {
namespace {

template <typename Port>
abi::PciError OpenWith(const std::string& where, std::unique_ptr<abi::PciFunction>* function,
                       std::string* error) {
  std::unique_ptr<Port> opened;
  const abi::PciError result = Port::Open(where, &opened, error);
  if (result == abi::PciError::kNone) *function = std::move(opened);
  return result;
}

}  // namespace

abi::PciError OpenFunction(const std::string& where, std::unique_ptr<abi::PciFunction>* function,
                           std::string* error) {
  return ServedAddress::IsOne(where) ? OpenWith<VfioUserFunction>(where, function, error)
                                     : OpenWith<VfioFunction>(where, function, error);
}

}  // namespace ward::kmd
