#include "device/gpu.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/planted_bug.h"
#include "base/rule.h"
#include "device/gpu_implementation.h"

namespace ward::device {
namespace {

Result<void> CheckOptions(const GpuOptions& options) {
  const uint64_t visible = options.visible_vram_bytes;
  if (visible < abi::kMinimumVisibleVram || visible > abi::kMaximumVisibleVram ||
      (visible & (visible - 1)) != 0) {
    return Fault{abi::kStatusInvalidArgument,
                 "visible VRAM is not a power of two from 1 MiB to 8 GiB"};
  }
  const uint64_t hidden = options.protected_vram_bytes;
  if (hidden == 0 || hidden > abi::kMaximumProtectedVram || !IsAligned(hidden, abi::kPageSize)) {
    return Fault{abi::kStatusInvalidArgument,
                 "protected VRAM is not a multiple of 4096 from 4 KiB to 8 GiB"};
  }
  constexpr uint32_t kMostSlowdown = 1000;
  if (options.firmware_slowdown == 0 || options.firmware_slowdown > kMostSlowdown) {
    return Fault{abi::kStatusInvalidArgument, "firmware is 1 to 1000 times as slow as it is"};
  }
  for (const AttachedDisplay& display : options.displays) {
    if (!IsPossible(display)) {
      return Fault{abi::kStatusInvalidArgument, "a display has 640 x 480 to 3840 x 2160 pixels"};
    }
  }
  return {};
}

// 0: none.
uint64_t EarlierWakeup(uint64_t one, uint64_t other) {
  if (one == 0 || other == 0) return std::max(one, other);
  return std::min(one, other);
}

}  // namespace

GpuImplementation::GpuImplementation(const GpuOptions& options, const Ports& ports)
    : ports_(ports),
      options_{options.visible_vram_bytes, options.protected_vram_bytes, options.latency,
               options.strict_iv, options.open_decrypt},
      memory_(ports, options.visible_vram_bytes, options.protected_vram_bytes),
      vault_(RegisterFile::ResetValue(abi::kRegKeySlotCount)),
      grants_(RegisterFile::ResetValue(abi::kRegSessionCount)),
      registers_(options),
      config_(options.visible_vram_bytes, ports.interrupts),
      interrupts_(&registers_, &config_, ports.clock, ports.trace),
      contexts_(&memory_),
      display_(&memory_, &grants_, ports.clock, options),
      copy_(&memory_),
      crypto_(&memory_, &vault_, &grants_, options.strict_iv, ports.executor),
      video_(&memory_, ports.executor) {}

Result<std::unique_ptr<GpuImplementation>> GpuImplementation::Create(const GpuOptions& options,
                                                                     const Ports& ports) {
  WARD_TRY(CheckOptions(options));
  std::unique_ptr<GpuImplementation> gpu(new GpuImplementation(options, ports));
  WARD_ASSIGN_OR_RETURN(gpu->security_,
                        SecurityProcessor::Create(options, ports, &gpu->vault_, &gpu->grants_,
                                                  &gpu->memory_, &gpu->display_));
  CommandBlocks blocks;
  blocks.registers = &gpu->registers_;
  blocks.memory = &gpu->memory_;
  blocks.contexts = &gpu->contexts_;
  blocks.grants = &gpu->grants_;
  blocks.security = gpu->security_.get();
  blocks.interrupts = &gpu->interrupts_;
  blocks.display = &gpu->display_;
  blocks.copy = &gpu->copy_;
  blocks.crypto = &gpu->crypto_;
  blocks.video = &gpu->video_;
  blocks.clock = ports.clock;
  blocks.trace = ports.trace;
  blocks.latency = options.latency;
  blocks.engine_hang_after = options.engine_hang_after;
  gpu->processor_ = std::make_unique<CommandProcessor>(blocks);
  gpu->security_->Boot();
  return gpu;
}

bool GpuImplementation::Enter() { return !std::exchange(busy_, true); }

ProcessResult GpuImplementation::Process(uint64_t budget_bytes) {
  const bool is_left = memory_.Scrub();
  if (config_.PoweredDown()) return {is_left, 0};
  if (display_.WakeupNs() != 0) display_.Advance();
  ProcessResult result = processor_->Process(budget_bytes);
  RaiseDisplayCauses();
  // After the work: what it raised may go out with what is due.
  interrupts_.SendDue();
  // Asked anew: the work may have zeroed more.
  result.more = result.more || memory_.HasStale();
  result.wakeup_ns = EarlierWakeup(result.wakeup_ns, display_.WakeupNs());
  result.wakeup_ns = EarlierWakeup(result.wakeup_ns, interrupts_.WakeupNs());
  return result;
}

void GpuImplementation::SetLinkFault(uint32_t output, LinkFault fault) {
  display_.SetLinkFault(output, fault);
  RaiseDisplayCauses();
}

Result<void> GpuImplementation::AttachDisplay(uint32_t output, const AttachedDisplay& display) {
  WARD_TRY(display_.AttachDisplay(output, display));
  RaiseDisplayCauses();
  return {};
}

void GpuImplementation::RaiseDisplayCauses() {
  const uint32_t causes = display_.TakeCauses();
  for (uint32_t source = 0; source < 32; ++source) {
    if ((causes >> source & 1) != 0) interrupts_.Raise(source);
  }
}

void GpuImplementation::Reset(ResetKind kind) {
  ResetFunction();
  if (kind == ResetKind::kPowerOn) {
    config_.Reset();
    interrupts_.ClearCauses(~0u);
  } else {
    config_.ResetKeepingBars();
  }
}

void GpuImplementation::ResetFunction() {
  ports_.trace->OnEvent({"reset", "function", {0, 0, 0}});
  processor_->Reset();
  contexts_.Reset();
  display_.Reset();
  security_->Reset();
  if (!HasPlantedBug(PlantedBug::kContentOutlivesReset)) memory_.ClearProtected();
  registers_.Reset();
  interrupts_.Reset();
  if (!HasPlantedBug(PlantedBug::kVectorOutlivesReset)) config_.DropPending();
  security_->Boot();
  // Enables are clear, so this sends no vector.
  interrupts_.Raise(Interrupts::kSourceKeysLost);
}

void GpuImplementation::TearDown() {
  security_->TearDown();
  ports_.trace->OnEvent({"teardown", "", {security_->key_epoch(), 0, 0}});
  if (!WARD_BROKEN("teardown.cause")) interrupts_.Raise(Interrupts::kSourceKeysLost);
  RaiseDisplayCauses();
}

bool GpuImplementation::FirmwareFailed() const {
  constexpr uint32_t kFailed = 2;
  return security_->firmware_state() == kFailed;
}

ScanoutInfo GpuImplementation::Scanout(uint32_t output) const {
  return FirmwareFailed() ? ScanoutInfo{} : display_.Scanout(output);
}

bool GpuImplementation::ReadScanout(uint32_t output, ScanoutView view, ByteSpan pixels,
                                    uint32_t pitch) const {
  // The error state lets no data out, pixels included.
  return !FirmwareFailed() && display_.ReadScanout(output, view, pixels, pitch);
}

std::unique_ptr<GpuSnapshot::Content> GpuImplementation::Save(bool with_visible_vram) const {
  static std::atomic<uint64_t> last_serial = 0;
  auto content = std::make_unique<GpuSnapshot::Content>();
  content->serial = ++last_serial;
  content->registers = registers_.Save();
  content->config = config_.Save();
  content->contexts = contexts_.Save();
  content->grants = grants_.Save();
  content->memory = memory_.Save();
  content->vault = vault_.Save();
  content->security = security_->Save();
  content->display = display_.Save();
  content->processor = processor_->Save();
  content->interrupts = interrupts_.Save();
  if (with_visible_vram) {
    content->visible_vram.resize(memory_.visible_bytes());
    ports_.vram->Read(0, content->visible_vram);
  }
  return content;
}

void GpuImplementation::Load(const GpuSnapshot::Content& content) {
  const LoadExtent extent =
      content.serial != 0 && content.serial == loaded_ ? LoadExtent::kChanged : LoadExtent::kAll;
  loaded_ = content.serial;
  registers_.Load(content.registers);
  config_.Load(content.config);
  contexts_.Load(content.contexts, extent);
  grants_.Load(content.grants, extent);
  memory_.Load(content.memory, extent);
  vault_.Load(*content.vault, extent);
  security_->Load(*content.security, extent);
  display_.Load(content.display);
  processor_->Load(content.processor, extent);
  interrupts_.Load(content.interrupts);
  if (!content.visible_vram.empty()) ports_.vram->Write(0, content.visible_vram);
}

uint64_t GpuImplementation::StateHash(const SipKey& key) const {
  StateHasher hasher;
  registers_.Hash(&hasher);
  config_.Hash(&hasher);
  contexts_.Hash(&hasher);
  grants_.Hash(&hasher);
  memory_.Hash(&hasher);
  vault_.Hash(&hasher, key);
  security_->Hash(&hasher);
  display_.Hash(&hasher);
  processor_->Hash(&hasher);
  interrupts_.Hash(&hasher);
  return hasher.value();
}

GpuSnapshot::GpuSnapshot() = default;
GpuSnapshot::~GpuSnapshot() = default;
GpuSnapshot::GpuSnapshot(GpuSnapshot&&) noexcept = default;
GpuSnapshot& GpuSnapshot::operator=(GpuSnapshot&&) noexcept = default;

Result<std::unique_ptr<Gpu>> Gpu::Create(const GpuOptions& options, const Ports& ports) {
  WARD_ASSIGN_OR_RETURN(auto implementation, GpuImplementation::Create(options, ports));
  return std::unique_ptr<Gpu>(new Gpu(std::move(implementation)));
}

Gpu::Gpu(std::unique_ptr<GpuImplementation> implementation)
    : implementation_(std::move(implementation)) {}

Gpu::~Gpu() = default;

uint32_t Gpu::ReadRegister(uint64_t offset, uint32_t size_bytes) {
  if (!implementation_->Enter()) return 0;
  const uint32_t value = implementation_->ReadRegister(offset, size_bytes);
  implementation_->Leave();
  return value;
}

uint32_t Gpu::PeekRegister(uint64_t offset) { return implementation_->ReadRegister(offset, 4); }

uint32_t Gpu::HeldRegister(uint64_t offset) const { return implementation_->HeldRegister(offset); }

void Gpu::WriteRegister(uint64_t offset, uint32_t size_bytes, uint32_t value) {
  if (!implementation_->Enter()) return;
  implementation_->WriteRegister(offset, size_bytes, value);
  implementation_->Leave();
}

// Not guarded: a host's DMA asks whether bus mastering is on while the chip is busy.
uint32_t Gpu::ReadConfig(uint32_t offset, uint32_t size_bytes) {
  return implementation_->config().Read(offset, size_bytes);
}

void Gpu::WriteConfig(uint32_t offset, uint32_t size_bytes, uint32_t value) {
  if (!implementation_->Enter()) return;
  implementation_->WriteConfig(offset, size_bytes, value);
  implementation_->Leave();
}

uint32_t Gpu::ReadMsix(uint64_t offset, uint32_t size_bytes) {
  return implementation_->config().ReadMsix(offset, size_bytes);
}

void Gpu::WriteMsix(uint64_t offset, uint32_t size_bytes, uint32_t value) {
  if (!implementation_->Enter()) return;
  implementation_->config().WriteMsix(offset, size_bytes, value);
  implementation_->Leave();
}

ProcessResult Gpu::Process(uint64_t budget_bytes) {
  if (!implementation_->Enter()) return {};
  const ProcessResult result = implementation_->Process(budget_bytes);
  implementation_->Leave();
  return result;
}

void Gpu::Reset(ResetKind kind) {
  if (!implementation_->Enter()) return;
  implementation_->Reset(kind);
  implementation_->Leave();
}

void Gpu::TearDown() {
  if (!implementation_->Enter()) return;
  implementation_->TearDown();
  implementation_->Leave();
}

void Gpu::SetLinkFault(uint32_t output, LinkFault fault) {
  if (!implementation_->Enter()) return;
  implementation_->SetLinkFault(output, fault);
  implementation_->Leave();
}

Result<void> Gpu::AttachDisplay(uint32_t output, const AttachedDisplay& display) {
  if (!implementation_->Enter()) return {};
  Result<void> attached = implementation_->AttachDisplay(output, display);
  implementation_->Leave();
  return attached;
}

ScanoutInfo Gpu::Scanout(uint32_t output) const { return implementation_->Scanout(output); }

bool Gpu::ReadScanout(uint32_t output, ScanoutView view, ByteSpan pixels, uint32_t pitch) const {
  return implementation_->ReadScanout(output, view, pixels, pitch);
}

GpuSnapshot Gpu::TakeSnapshot(bool with_visible_vram) const {
  GpuSnapshot snapshot;
  snapshot.content_ = implementation_->Save(with_visible_vram);
  return snapshot;
}

void Gpu::Restore(const GpuSnapshot& snapshot) {
  WARD_ASSERT(snapshot.content_ != nullptr);
  implementation_->Load(*snapshot.content_);
}

Result<std::vector<uint8_t>> Gpu::SaveState(const SaveOptions& options) const {
  return implementation_->SaveState(options);
}

Result<void> Gpu::LoadState(ConstByteSpan state, StateSeal* seal) {
  return implementation_->LoadState(state, seal);
}

uint64_t Gpu::StateHash() const { return implementation_->StateHash(ProcessDigestKey()); }

uint64_t Gpu::StateHash(const SecretBytes<16>& key) const {
  const uint8_t* bytes = key.Expose().data();
  return implementation_->StateHash({LoadLe<uint64_t>(bytes), LoadLe<uint64_t>(bytes + 8)});
}

std::vector<KeySlotInfo> Gpu::KeySlots() const { return implementation_->vault().Describe(); }

}  // namespace ward::device
