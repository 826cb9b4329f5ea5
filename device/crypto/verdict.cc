#include "device/crypto/verdict.h"

namespace ward::device {

bool RevealIsZero(SecretDifference difference) { return difference == 0; }

}  // namespace ward::device
