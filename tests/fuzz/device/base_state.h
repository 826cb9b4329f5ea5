// The state that every input of the device target begins in: four queues that run, two contexts,
// three sessions, keys, content, two channels. Built by operations alone, so that a reproducer
// begins at reset.
#ifndef WARD_TESTS_FUZZ_DEVICE_BASE_STATE_H_
#define WARD_TESTS_FUZZ_DEVICE_BASE_STATE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/bytes.h"
#include "device/crypto/rsa_private_key.h"
#include "tests/fuzz/device/operation.h"
#include "tests/fuzz/device/ring_writer.h"

namespace ward::fuzz {

// State of MachineEntropy before each input.
inline constexpr uint64_t kInputEntropy = 7;

// Two variants differ in every secret, and in nothing else: what a guest sees has to be the same
// (P9).
struct BaseSecrets {
  std::array<uint8_t, 16> session_key;  // of the user's session
  std::array<uint8_t, 16> other_key;    // of context 2's
  // Four bytes that fill the painted pages, and those that the user's and context 2's session
  // decrypted.
  uint32_t paint;
  uint32_t session_paint;
  uint32_t other_paint;

  static BaseSecrets Variant(uint32_t variant);
};

// An authenticated channel of context 1, keyed with the public key and initialized: what it is
// asked next has number 0.
struct BaseChannel {
  uint32_t number = 0;
  uint32_t handle_bytes = 8;
  uint64_t handle = 0;
};

struct BaseState {
  RingWriter::Tails tails = {};
  uint32_t session = 0;           // of context 1, with a read-back key
  uint32_t hardware_session = 0;  // of context 1, HW_PROTECTION
  uint32_t other_session = 0;     // of context 2, with a read-back key
  // Software, with handles of 64 bits, and hardware, with handles of 32.
  std::array<BaseChannel, 2> channels;
  // What context 1's channels may be told of: its session's, its decoder's, its device's.
  uint64_t session_handle = 0;
  uint64_t decoder_handle = 0;
  uint64_t device_handle = 0;
  // A key that is no secret; the channels have it.
  static constexpr std::array<uint8_t, 16> kPublicKey = {0x42, 0x17};
  // It, under the device's public key, for whoever negotiates again.
  std::vector<uint8_t> blob;
  // It, with what an input draws first: as the signing key of the protected output that is made by
  // its first message, and as a key of the trusted application.
  std::vector<uint8_t> output_blob;
  std::vector<uint8_t> import_blob;
  // Protected pages that hold what each session decrypted.
  static constexpr uint64_t kSessionPage = 0;
  static constexpr uint64_t kOtherPage = 64;
};

// What is done to the machine, and what is read back from it.
struct BaseMachine {
  OperationSink* sink;
  std::function<ConstByteSpan(uint64_t bus_address, uint64_t size_bytes)> read_memory;
  std::function<void()> run_to_rest;
};

BaseState BuildBase(const BaseMachine& machine, const device::RsaPrivateKey& identity,
                    const BaseSecrets& secrets);

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_BASE_STATE_H_
