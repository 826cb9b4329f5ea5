// What has to hold of a firmware whatever it is sent, and in whatever way its platform fails. Held
// against what stood before the operation: nothing here asks the firmware.
#ifndef WARD_TESTS_FUZZ_FIRMWARE_FIRMWARE_ORACLES_H_
#define WARD_TESTS_FUZZ_FIRMWARE_FIRMWARE_ORACLES_H_

#include <cstdint>
#include <unordered_set>

#include "firmware/firmware.h"
#include "tests/fuzz/firmware/fuzz_platform.h"
#include "tests/fuzz/firmware/message_writer.h"

namespace ward::fuzz {

class FirmwareOracles {
 public:
  FirmwareOracles(const firmware::State* state, const FuzzPlatform* platform)
      : state_(state), platform_(platform) {}

  // A new life: no handle is known.
  void Start();
  void Before() { before_ = *state_; }
  // Behind every operation.
  void After();
  void AfterMessage(const FirmwareMessage& message, const firmware::Answer& answer);
  void AfterContextEnd(uint32_t context);
  void AfterTearDown();

 private:
  void CheckHandles();
  void CheckHandle(uint64_t handle, uint64_t before);
  void CheckGrants();
  void CheckSlots();
  void CheckReleases();
  void CheckNumbers();
  void CheckProtection();
  void CheckLinks();
  void CheckTies();
  void CheckFailed();
  void CheckOthersUntouched(uint32_t context);
  void CheckSecrets(const FirmwareMessage& message, uint32_t length_bytes);

  const firmware::State* state_;
  const FuzzPlatform* platform_;
  firmware::State before_ = {};
  std::unordered_set<uint64_t> handles_;  // of this life, gone ones too
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_FIRMWARE_FIRMWARE_ORACLES_H_
