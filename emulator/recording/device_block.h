// What a recording says of its chip: everything that device::Gpu::Create takes, and the key under
// which the recording's state hashes are made.
#ifndef WARD_EMULATOR_RECORDING_DEVICE_BLOCK_H_
#define WARD_EMULATOR_RECORDING_DEVICE_BLOCK_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/secret_bytes.h"
#include "device/gpu.h"

namespace ward::emulator {

class DeviceBlock {
 public:
  DeviceBlock() = default;
  // Wipes the identity's private key.
  ~DeviceBlock() { SecureWipe(private_key_.data(), private_key_.size()); }
  DeviceBlock(const DeviceBlock&) = delete;
  DeviceBlock& operator=(const DeviceBlock&) = delete;

  // Appends the block's content: it holds the identity's private key.
  static void Write(const device::GpuOptions& options, const SecretBytes<16>& hash_key,
                    std::vector<uint8_t>* content);
  // False when the bytes are not what Write makes.
  [[nodiscard]] bool Read(ConstByteSpan content);

  // Good as long as this object.
  const device::GpuOptions& options() const { return options_; }
  const SecretBytes<16>& hash_key() const { return hash_key_; }

 private:
  device::GpuOptions options_;
  SecretBytes<16> hash_key_;
  std::vector<uint8_t> private_key_;
  std::vector<uint8_t> certificates_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_RECORDING_DEVICE_BLOCK_H_
