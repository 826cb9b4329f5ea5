// Ways in which a CPU could try to see a protected picture. Each one ends in a refusal, or the
// protection does not hold.
#ifndef WARD_EXAMPLES_PROTECTED_PLAYER_READ_PROBES_H_
#define WARD_EXAMPLES_PROTECTED_PLAYER_READ_PROBES_H_

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "examples/protected_player/surfaces.h"
#include "runtime/crypto_session.h"
#include "runtime/device.h"

namespace ward::examples {

class ReadProbes {
 public:
  struct Outcome {
    std::string name;
    bool is_refused;
    std::string text;  // for people
  };

  // All of them outlive the probes. `frame` is the plaintext of what is on the screen.
  ReadProbes(runtime::Device* device, Surfaces* surfaces, ConstByteSpan frame)
      : device_(device), surfaces_(surfaces), frame_(frame) {}

  Outcome MapFrame();
  // Copies the shown picture to memory of the CPU; what arrives there is cpu_view().
  Outcome CopyPicture();
  Outcome CopyFrame();
  // Has the device decrypt the ciphertext that was uploaded last into a texture that is not
  // protected.
  Outcome DecryptToUnprotected(runtime::CryptoSession* session, ConstByteSpan wrapped_content_key,
                               ConstByteSpan counter_block);
  // Looks for a piece of the frame in everything that BAR2 shows.
  Outcome SearchBar();
  Outcome ReadPastBar();

  // XRGB8888 rows without padding.
  const std::vector<uint8_t>& cpu_view() const { return cpu_view_; }

 private:
  // Zeroes a new staging texture like `source`, copies, and gives what arrived, whole rows with
  // their padding.
  std::vector<uint8_t> CopyOut(runtime::Resource* source, uint32_t* row_pitch);

  runtime::Device* device_;
  Surfaces* surfaces_;
  ConstByteSpan frame_;
  std::vector<uint8_t> cpu_view_;
};

}  // namespace ward::examples

#endif  // WARD_EXAMPLES_PROTECTED_PLAYER_READ_PROBES_H_
