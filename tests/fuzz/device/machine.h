// A chip, and around it a machine that plays operations on it and holds what must hold whatever
// they are. Goes back to its base before each input, by what changed.
#ifndef WARD_TESTS_FUZZ_DEVICE_MACHINE_H_
#define WARD_TESTS_FUZZ_DEVICE_MACHINE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "device/gpu.h"
#include "tests/fuzz/device/base_state.h"
#include "tests/fuzz/device/boundary_record.h"
#include "tests/fuzz/device/command_watch.h"
#include "tests/fuzz/device/machine_ports.h"
#include "tests/fuzz/device/operation.h"
#include "tests/fuzz/device/secret_scanner.h"

namespace ward::fuzz {

class Machine final : public OperationSink {
 public:
  // What the chip's random bytes follow from, from the input's beginning on.
  static constexpr uint64_t kInputEntropy = 7;

  // At its base. `listener` hears what makes it; null: nobody does.
  explicit Machine(uint32_t variant, OperationSink* listener = nullptr);
  // At reset, for operations that begin there (reproducers): what makes a base ends with its first
  // promise.
  Machine();

  const BaseState& base() const { return base_; }
  // Whether the bytes hold what must not come out, or something that it could be made of.
  WARD_UNINSTRUMENTED bool HoldsSecret(ConstByteSpan bytes) const;

  struct RunOptions {
    bool looks_for_secrets = true;
    // What follows from a key by right is hidden, so that runs of two variants can be compared.
    bool is_masked = false;
    // A command's bytes that are fetched again come out changed.
    bool flips_second = false;
    // kSnapshot is done.
    bool has_snapshots = true;
    // And its saved states are looked at, which takes a millisecond.
    bool has_saved_states = true;
    // Pixels of a display are looked at, once, which takes as long; of a protected surface.
    bool has_pixels = true;
    bool has_protected_pixels = true;
  };
  // What kAttachDisplay's value stands for.
  static device::AttachedDisplay DisplayOf(uint64_t value);
  // Back to the base.
  void Begin(const RunOptions& options);
  void Do(const Operation& operation) override;
  // Finishes the work, and says all that came out as one number; with the chip's state, if asked
  // for.
  uint64_t End(bool with_state);

  // Goes on until nothing is left that can go on, for those who look at the chip then.
  void RunToRest() { RunToRest(this); }
  // A register, seen by nobody but who asks.
  uint32_t LookAtRegister(uint64_t offset) { return gpu_->ReadRegister(offset, 4); }

  uint32_t decrypts_done() const { return watch_.decrypts_done; }
  // That were done since Begin.
  uint64_t operations() const { return operations_; }
  // What the chip kept has to be the base again (the oracle `restore`).
  void CheckBase();

 private:
  void MakeChip();
  void AddSecrets(const BaseSecrets& secrets);
  void RunToRest(OperationSink* sink);
  void Keep(uint32_t promises);
  void BeginInput();
  void ReadRegister(uint64_t offset, uint32_t size);
  void WriteRegister(const Operation& operation);
  void Process(uint64_t budget);
  void Reset(device::ResetKind kind);
  void CheckReset(device::ResetKind kind);
  void TearDown();
  void RoundTrip();
  void CheckSavedStates(const device::GpuSnapshot& snapshot);
  void AttachDisplay(uint32_t output, uint64_t value);
  void ReadScanout(uint32_t output);
  void CheckSlots();
  void ReadFaults();

  BoundaryRecord record_;
  MachineBus bus_;
  MachineVram vram_;
  MachineEntropy entropy_;
  MachineClock clock_;
  CommandWatch watch_;
  SecretScanner scanner_;
  std::unique_ptr<device::Gpu> gpu_;
  BaseState base_;
  device::GpuSnapshot snapshot_;
  uint64_t base_hash_ = 0;
  uint32_t paints_[3] = {};
  std::optional<CommandWatch::Models> base_models_;
  uint64_t base_now_ns_ = 0;
  bool is_at_reset_ = false;
  device::ProcessResult last_result_;
  RunOptions options_;
  uint64_t operations_ = 0;
  std::vector<uint8_t> pixels_;  // room
  bool looked_ = false;          // at them
  uint8_t last_read_[8] = {};    // registers, so that a secret in two of them shows
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_MACHINE_H_
