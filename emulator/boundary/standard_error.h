// The process's standard error, which others may have filled and nobody reads: what is not taken is
// lost, and nobody waits for it long.
#ifndef WARD_EMULATOR_BOUNDARY_STANDARD_ERROR_H_
#define WARD_EMULATOR_BOUNDARY_STANDARD_ERROR_H_

#include <string_view>

namespace ward::emulator {

class StandardError {
 public:
  // How long a reader that is there may take to make room.
  static constexpr int kPatienceMs = 50;

  // Thread-safe. False when not all was taken. It waits `patience_ms` for room, and not at all
  // after a write that found none.
  static bool Write(std::string_view text, int patience_ms = kPatienceMs);
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_STANDARD_ERROR_H_
