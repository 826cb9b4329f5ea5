// How much of a block's state a load puts back.
#ifndef WARD_DEVICE_LOAD_EXTENT_H_
#define WARD_DEVICE_LOAD_EXTENT_H_

#include <cstdint>

namespace ward::device {

enum class LoadExtent : uint8_t {
  kAll,
  // The state is the one that was loaded last, so only what changed since has to be put back: what
  // a fuzzer does before each input costs as much as the input changed, however large the chip is.
  kChanged,
};

}  // namespace ward::device

#endif  // WARD_DEVICE_LOAD_EXTENT_H_
