// A context of the device with a session and its key, and with memory of three kinds: ciphertext in
// system memory, protected VRAM, and system memory again for what comes back. As thin as a driver
// can be: what is timed is the device and the way to it.
#ifndef WARD_TESTS_BENCH_RIVALS_GPU_SESSION_H_
#define WARD_TESTS_BENCH_RIVALS_GPU_SESSION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "abi/pci_function.h"
#include "base/bytes.h"
#include "tests/bench/attachments/bench_function.h"
#include "tests/bench/attachments/bench_queue.h"
#include "tests/bench/rivals/cipher.h"

namespace ward::bench {

class GpuSession {
 public:
  static constexpr uint32_t kContext = 1;

  enum class Target { kProtected, kSystem };  // kSystem: only of a device with open-decrypt
  enum class Wait { kPolls, kSleeps };

  // Room for `bytes` of each kind. `certificate`: the device's, a PEM file. Throws
  // std::runtime_error with what did not come up, as the others do.
  GpuSession(std::unique_ptr<abi::PciFunction> function, size_t bytes, const Block& key,
             const std::string& certificate);
  ~GpuSession();
  GpuSession(const GpuSession&) = delete;
  GpuSession& operator=(const GpuSession&) = delete;

  abi::PciFunction* function() const { return function_.get(); }
  ByteSpan source() const { return ByteSpan(source_.cpu, bytes_); }
  ByteSpan target() const { return ByteSpan(target_.cpu, bytes_); }

  // Decrypts the beginning of the source: a command, its fence, the doorbell, and until it is done.
  void Decrypt(const Block& iv, size_t bytes, Target target, Wait wait);
  // What lies at the beginning of protected memory, by ENCRYPT_BLT and the read-back key.
  std::vector<uint8_t> ReadBack(size_t bytes);
  // Throws when the device has refused a command.
  void CheckNoRefusal() const;

 private:
  void Allocate(size_t bytes, abi::DmaBuffer* buffer);
  void MapContext();
  void StoreEntry(uint64_t at, uint64_t entry);
  void CreateContext();
  void OpenSession(const std::string& certificate);
  // A security message; what follows the response's header.
  std::vector<uint8_t> Send(uint32_t message, ConstByteSpan payload);
  void Finish(Wait wait);

  std::unique_ptr<abi::PciFunction> function_;
  BenchFunction up_;
  const size_t bytes_;
  const Block key_;
  // They end with the function, after the queues have stopped.
  abi::DmaBuffer source_;
  abi::DmaBuffer target_;
  abi::DmaBuffer response_;
  std::optional<BenchQueue> kernel_queue_;
  std::optional<BenchQueue> queue_;
  uint32_t session_ = 0;
};

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_RIVALS_GPU_SESSION_H_
