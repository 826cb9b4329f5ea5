#include "umd/handle_source.h"

#include "umd/ddi/status_codes.h"
#include "umd/random_cookie.h"

namespace ward::umd {

namespace {
constexpr uint32_t kSerialBits = 24;
constexpr uint32_t kLastSerial = (1u << kSerialBits) - 1;
}  // namespace

HRESULT HandleSource::Take(uint64_t* handle) {
  uint64_t random = 0;
  if (last_serial_ == kLastSerial || !MakeRandomCookie(&random)) return E_OUTOFMEMORY;
  *handle = random << kSerialBits | ++last_serial_;
  return S_OK;
}

}  // namespace ward::umd
