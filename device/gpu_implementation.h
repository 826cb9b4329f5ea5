// The blocks of the chip and the wires between them. Private to gpu*.cc.
#ifndef WARD_DEVICE_GPU_IMPLEMENTATION_H_
#define WARD_DEVICE_GPU_IMPLEMENTATION_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "device/command_processor.h"
#include "device/context_table.h"
#include "device/copy_engine.h"
#include "device/crypto_engine.h"
#include "device/display.h"
#include "device/gpu.h"
#include "device/grant_table.h"
#include "device/interrupts.h"
#include "device/key_vault.h"
#include "device/memory.h"
#include "device/pci_config.h"
#include "device/register_file.h"
#include "device/saved_state.h"
#include "device/security_processor.h"
#include "device/video_engine.h"

namespace ward::device {

class GpuImplementation {
 public:
  static Result<std::unique_ptr<GpuImplementation>> Create(const GpuOptions& options,
                                                           const Ports& ports);

  uint32_t ReadRegister(uint64_t offset, uint32_t size_bytes);
  uint32_t HeldRegister(uint64_t offset) const;
  void WriteRegister(uint64_t offset, uint32_t size_bytes, uint32_t value);
  void WriteConfig(uint32_t offset, uint32_t size_bytes, uint32_t value);
  ProcessResult Process(uint64_t budget_bytes);
  void Reset(ResetKind kind);
  void TearDown();

  void SetLinkFault(uint32_t output, LinkFault fault);
  Result<void> AttachDisplay(uint32_t output, const AttachedDisplay& display);
  ScanoutInfo Scanout(uint32_t output) const;
  bool ReadScanout(uint32_t output, ScanoutView view, ByteSpan pixels, uint32_t pitch) const;

  std::unique_ptr<GpuSnapshot::Content> Save(bool with_visible_vram) const;
  void Load(const GpuSnapshot::Content& content);
  uint64_t StateHash(const SipKey& key) const;
  Result<std::vector<uint8_t>> SaveState(const SaveOptions& options) const;
  Result<void> LoadState(ConstByteSpan bytes, StateSeal* seal);

  GpuUsage Usage() const;

  PciConfig& config() { return config_; }
  const KeyVault& vault() const { return vault_; }
  const Memory& memory() const { return memory_; }
  // A port that calls back into the chip (a ring on the chip's own BAR) finds it busy: such a
  // register access reads zero and writes nothing. False: busy.
  bool Enter();
  void Leave() { busy_ = false; }

 private:
  // What a saved state holds in the clear (gpu_state.cc).
  struct Blocks;
  class StateLoad;

  GpuImplementation(const GpuOptions& options, const Ports& ports);

  uint32_t ReadPlace(const RegisterPlace& place, uint32_t offset);
  void WritePlace(const RegisterPlace& place, uint32_t offset, uint32_t value);
  void WriteQueueConfiguration(uint32_t queue, uint32_t offset, uint32_t value);
  void WriteDeviceControl(uint32_t value);
  uint32_t ReadTimestampLow();
  // Everything but configuration space; when it returns nothing runs, no cause is raised and no key
  // is left.
  void ResetFunction();
  void RaiseDisplayCauses();
  bool FirmwareFailed() const;
  StateOrigin Origin() const;
  Blocks SaveBlocks() const;
  bool CanLoad(const Blocks& blocks) const;
  void SealSecrets(SealingStream* stream) const;
  void AppendVisibleVram(StateFrameWriter* frame) const;

  Ports ports_;
  StateOrigin options_;  // without the identity, which the security processor knows
  Memory memory_;
  KeyVault vault_;
  GrantTable grants_;
  RegisterFile registers_;
  PciConfig config_;
  Interrupts interrupts_;
  ContextTable contexts_;
  Display display_;
  CopyEngine copy_;
  CryptoEngine crypto_;
  VideoEngine video_;
  std::unique_ptr<SecurityProcessor> security_;
  std::unique_ptr<CommandProcessor> processor_;
  bool busy_ = false;
  uint64_t loaded_ = 0;  // serial of the snapshot that was loaded last; 0: none
};

struct GpuSnapshot::Content {
  uint64_t serial = 0;  // which one it is, of all of this process; 0: one that changes
  std::vector<uint32_t> registers;
  PciConfig::State config;
  std::vector<uint64_t> contexts;
  std::vector<Grant> grants;
  Memory::State memory;
  std::unique_ptr<KeyVault::State> vault;
  std::unique_ptr<SecurityProcessor::State> security;
  Display::State display;
  CommandProcessor::State processor;
  Interrupts::State interrupts;
  std::vector<uint8_t> visible_vram;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_GPU_IMPLEMENTATION_H_
