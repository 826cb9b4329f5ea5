// A command in an engine: begun once, checked whole, then stepped in slices until it is done. A
// value, so that a snapshot may fall between two steps.
#ifndef WARD_DEVICE_ENGINE_JOB_H_
#define WARD_DEVICE_ENGINE_JOB_H_

#include <cstdint>
#include <cstring>

#include "base/state_fields.h"
#include "device/crypto/sub_samples.h"
#include "device/memory.h"

namespace ward::device {

// A step moves at least this much, however small its budget: every step gets on.
inline constexpr uint64_t kLeastStepBytes = 4096;

struct EngineJob {
  enum class Kind : uint8_t {
    kNone,
    kCopy,
    kFill,
    kDecrypt,
    kDecryptSample,
    kEncrypt,
    kVideo,
    kLast = kVideo
  };
  Kind kind = Kind::kNone;
  alignas(8) uint8_t command[80] = {};  // as fetched and checked; see As()
  uint32_t context = 0;
  GuestRange destination;
  GuestRange source;
  GuestRange second_source;  // chroma
  GuestRange iv_destination;
  PageOwner owner = kNoOwner;  // whose content the whole of the sources is (flow_rule)
  uint64_t done = 0;           // bytes or rows, as the engine counts
  uint64_t key_serial = 0;     // of the key that the blt began with (KeyVault::SerialOf)
  uint8_t counter_block[16] = {};
  SubSampleMap sample;              // DECRYPT_SAMPLE: which bytes are encrypted
  uint64_t keystream_position = 0;  // bytes of keystream used so far

  WARD_STATE_FIELDS(kind, command, context, destination, source, second_source, iv_destination,
                    owner, done, key_serial, counter_block, sample, keystream_position)

  // As a new one.
  void Clear();

  // Becomes a job that has only its command yet.
  template <typename T>
  void Take(Kind of_kind, const T& checked_command, uint32_t of_context) {
    static_assert(sizeof(T) <= sizeof(command));
    Clear();
    kind = of_kind;
    context = of_context;
    std::memcpy(command, &checked_command, sizeof(T));
  }
  // A job that has only its command yet.
  template <typename T>
  static EngineJob Of(Kind kind, const T& checked_command, uint32_t context) {
    EngineJob job;
    job.Take(kind, checked_command, context);
    return job;
  }

  // The command that this is; T is the generated structure that belongs to `kind`.
  template <typename T>
  T As() const {
    static_assert(sizeof(T) <= sizeof(command));
    T value;
    std::memcpy(&value, command, sizeof(value));
    return value;
  }
};

}  // namespace ward::device

#endif  // WARD_DEVICE_ENGINE_JOB_H_
