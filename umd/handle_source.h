// Values that the application gets as "driver handles" and sends back in messages: never pointers,
// not to be guessed, never given out twice by one device (R4, R32).
#ifndef WARD_UMD_HANDLE_SOURCE_H_
#define WARD_UMD_HANDLE_SOURCE_H_

#include <cstdint>

#include "umd/ddi/windows_types.h"

namespace ward::umd {

class HandleSource {
 public:
  // A serial number in the low 24 bits, so that none repeats, below 40 random ones. E_OUTOFMEMORY
  // without a random source, or after 2^24 - 1 handles.
  HRESULT Take(uint64_t* handle);

 private:
  uint32_t last_serial_ = 0;
};

}  // namespace ward::umd

#endif  // WARD_UMD_HANDLE_SOURCE_H_
