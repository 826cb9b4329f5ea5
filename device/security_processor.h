// The security processor: mailbox, the firmware's own memory, and the platform that the firmware
// runs on. One message at a time. The firmware runs when the message's charge of virtual time is
// over, so a message's effects and its answer become visible together, and one that is dropped
// before has none (docs/spec/security-processor.md).
#ifndef WARD_DEVICE_SECURITY_PROCESSOR_H_
#define WARD_DEVICE_SECURITY_PROCESSOR_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/state_fields.h"
#include "device/display.h"
#include "device/gpu.h"
#include "device/grant_table.h"
#include "device/key_vault.h"
#include "device/load_extent.h"
#include "device/memory.h"
#include "firmware/firmware.h"
#include "firmware/platform.h"

namespace ward::device {

class SecurityProcessor {
 public:
  static constexpr uint32_t kMaxPayloadBytes = firmware::kMaxPayloadBytes;
  static constexpr uint32_t kMaxResponseBytes = firmware::kMaxResponseBytes;

  // Loads the identity of `options`; INVALID_ARGUMENT when it can't be used, with a reason that
  // continues "the identity's private key ...".
  static Result<std::unique_ptr<SecurityProcessor>> Create(const GpuOptions& options,
                                                           const Ports& ports, KeyVault* vault,
                                                           GrantTable* grants, Memory* memory,
                                                           Display* display);
  ~SecurityProcessor();

  // Boots the firmware (self tests). Called at power-on and after a reset.
  void Boot();
  // 0 starting, 1 ready, 2 failed: DEVICE_STATUS.FIRMWARE_STATE.
  uint32_t firmware_state() const;

  // The mailbox is free when no message is in flight.
  bool Busy() const;
  // Hands over a message of `context` that arrived on `queue`; the mailbox must be free. The charge
  // starts now. A payload beyond kMaxPayloadBytes is not kept and answers MESSAGE_LENGTH_INVALID;
  // `response_capacity` is at least 16, and what goes beyond kMaxResponseBytes is not used.
  void Submit(uint32_t queue, uint32_t context, uint32_t message, ConstByteSpan payload,
              uint32_t response_capacity);
  // Virtual time at which the answer becomes visible; 0 when the mailbox is free.
  uint64_t ReadyAtNs() const;
  uint32_t queue() const;  // of the message in flight
  // The whole response, header included, once ClockPort says that it is time; frees the mailbox.
  // Empty when it is not time yet, or nothing is in flight. Lasts until the next one is taken.
  ConstByteSpan TakeResponse();
  // Drops the message in flight of a queue that was reset; it has no effect.
  void Abandon(uint32_t queue);

  // A context died: its sessions, channels and decoders end, their keys are wiped and their pages
  // zeroed, and a message of its in flight is dropped.
  void EndContext(uint32_t context);
  // The crypto engine's cipher does not run: the error state until reset, with nothing left to use.
  void FailCipher();
  // Wipes everything (keys, grants, protected memory) and adds one to the key epoch. Does not boot.
  void Reset();
  // Wipes the same and adds one to the key epoch, but firmware goes on: sessions and channels stay,
  // lost, and a message in flight is answered as one that came later.
  void TearDown();
  uint32_t key_epoch() const;

  struct State;
  std::unique_ptr<State> Save() const;
  // The same without a copy; good until the next call that changes something.
  const State& state() const;
  void Load(const State& state, LoadExtent extent = LoadExtent::kAll);
  // Whether firmware and mailbox could be in this state.
  bool CanLoad(const State& state) const;
  // Which device this is: SHA-256 of the identity's public key.
  const std::array<uint8_t, 32>& fingerprint() const;
  void Hash(StateHasher* hasher) const;

 private:
  class Implementation;
  explicit SecurityProcessor(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

// Holds no key bytes.
struct SecurityProcessor::State {
  firmware::State firmware = {};
  uint32_t key_epoch = 0;
  // Mailbox.
  bool busy = false;
  uint32_t queue = 0;
  firmware::MessageInfo message = {};
  std::vector<uint8_t> payload;
  uint64_t ready_at_ns = 0;

  WARD_STATE_FIELDS(firmware, key_epoch, busy, queue, message, payload, ready_at_ns)
};

}  // namespace ward::device

#endif  // WARD_DEVICE_SECURITY_PROCESSOR_H_
