// What a case needs beyond a PCI function that can be reset, and what the attachment under test
// offers. A case declares its needs by tags; where one is not offered the case is skipped as not
// applicable, and says which. docs/guide/attachments.md
#ifndef WARD_TESTS_INTEGRATION_NEEDS_H_
#define WARD_TESTS_INTEGRATION_NEEDS_H_

#include <string>

namespace ward::test {

enum class Need {
  kEntropy,      // the chip's random bytes are the case's
  kHand,         // the owner's hand: cables cut and mended, keys torn down, when the case says so
  kInjection,    // the machine fails as fault_plan.txt says
  kInside,       // the device object: snapshots, saved states, recordings, hashes
  kLatency,      // firmware, engines and links take their time, as on silicon
  kOpenDecrypt,  // the host's switch of R27 is on
  kPower,        // D3hot under a running driver; VFIO ends a program that touches a BAR then
  kScreen,       // somebody sees the pictures that the outputs show
  kStrictIv,     // the strict counter policy of R21 is on
  kTime,         // the chip's time stands still but for what its work is charged, and waits
  kVram,         // visible VRAM that a program can map, and fill within a test
  kCount
};

// "entropy"; the tag is "needs-entropy".
const char* NameOf(Need need);

// For the rest of the program: the attachment offers these ("strict-iv,latency") and no others.
// Without a call everything is offered. False when one of the names is none.
bool SetOffered(const std::string& names);
// Who asks may use it without a tag: the case does more where there is more.
bool Offers(Need need);

// While it lives the running case uses what it needs. Every use must have its tag (or Offers was
// asked) and every tag its use: the case fails without. One at a time.
class NeedsScope {
 public:
  // Skips the case where the attachment does not offer what its tags say.
  NeedsScope();
  ~NeedsScope();
  NeedsScope(const NeedsScope&) = delete;
  NeedsScope& operator=(const NeedsScope&) = delete;

  // Fails the case that does not declare it.
  static void Use(Need need);
};

}  // namespace ward::test

#endif  // WARD_TESTS_INTEGRATION_NEEDS_H_
