// The owner's hand at a machine that is not in this process: what the case asks for is a line on
// standard output, and whoever started the program does it and answers with a line.
#ifndef WARD_TESTS_INTEGRATION_OWNER_HAND_H_
#define WARD_TESTS_INTEGRATION_OWNER_HAND_H_

#include <cstdint>

#include "device/gpu.h"

namespace ward::test {

// The lines, which tools/matrix/attachments.py reads:
//   ward-hand: link-fault OUTPUT none|negotiation-fails|link-lost
//   ward-hand: teardown
// The answer is "done"; any other fails the case.
class OwnerHand {
 public:
  static void SetLinkFault(uint32_t output, device::LinkFault fault);
  static void TearDown();
  // Mends the links that the cases before left broken.
  static void MendLinks();
};

}  // namespace ward::test

#endif  // WARD_TESTS_INTEGRATION_OWNER_HAND_H_
