#include "kmd/ports/open_function.h"

#include <string_view>
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

bool AreHexDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF") == text.npos;
}

// "0000:00:05.0", as the kernel names functions; a domain may have more digits.
bool IsPciAddress(std::string_view where) {
  constexpr size_t kTailDigits = 7;  // "00:05.0"
  const size_t colon = where.find(':');
  if (colon == where.npos || colon < 4) return false;
  const std::string_view tail = where.substr(colon + 1);
  return AreHexDigits(where.substr(0, colon)) && tail.size() == kTailDigits && tail[2] == ':' &&
         tail[5] == '.' && AreHexDigits(tail.substr(0, 2)) && AreHexDigits(tail.substr(3, 2)) &&
         tail[6] >= '0' && tail[6] <= '7';
}

}  // namespace

abi::PciError OpenFunction(const std::string& where, std::unique_ptr<abi::PciFunction>* function,
                           std::string* error) {
  if (!ServedAddress::IsOne(where) && !IsPciAddress(where)) {
    *error = std::string("this is no address of a function; give ") + kFunctionForms;
    return abi::PciError::kBadArgument;
  }
  return ServedAddress::IsOne(where) ? OpenWith<VfioUserFunction>(where, function, error)
                                     : OpenWith<VfioFunction>(where, function, error);
}

}  // namespace ward::kmd
