#include "emulator/qemu/bridge.h"

#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "abi/generated/pci.h"
#include "device/gpu.h"
#include "emulator/boundary/boundary.h"
#include "emulator/boundary/fault_injector.h"
#include "emulator/boundary/observers.h"
#include "emulator/identity/identity.h"
#include "emulator/recording/recording_file.h"
#include "emulator/seal/seal_file.h"

namespace ward::emulator {
namespace {

// Work of one slice, as Gpu::Process counts it: 64 of the cheapest commands or 16 KiB of bulk data,
// some 5 to 50 us. A virtual CPU waits for the first one within its write to a doorbell, and for
// more of them amid the data of a command (docs/decisions/0019).
constexpr uint64_t kSliceBytes = 16384;

class HostDma final : public device::DmaPort {
 public:
  explicit HostDma(const WardChipHost& host) : host_(host) {}
  bool Read(uint64_t bus_address, ByteSpan destination) override {
    return host_.read_dma(host_.host, bus_address, destination.data(), destination.size());
  }
  bool Write(uint64_t bus_address, ConstByteSpan source) override {
    return host_.write_dma(host_.host, bus_address, source.data(), source.size());
  }
  bool WriteAtomic64(uint64_t bus_address, uint64_t value) override {
    return host_.write_dma_atomic64(host_.host, bus_address, value);
  }
  uint8_t* Window(uint64_t bus_address, uint64_t size_bytes, bool is_write) override {
    return host_.open_dma(host_.host, bus_address, size_bytes, is_write);
  }
  void CloseWindow(uint8_t* window, uint64_t size_bytes) override {
    host_.mark_dma_written(host_.host, window, size_bytes);
  }

 private:
  const WardChipHost& host_;
};

class HostVram final : public device::VramPort {
 public:
  HostVram(const WardChipHost& host, uint8_t* vram) : host_(host), vram_(vram) {}
  void Read(uint64_t offset, ByteSpan destination) override {
    std::memcpy(destination.data(), vram_ + offset, destination.size());
  }
  void Write(uint64_t offset, ConstByteSpan source) override {
    std::memcpy(vram_ + offset, source.data(), source.size());
    host_.mark_vram_written(host_.host, offset, source.size());
  }
  void WriteAtomic64(uint64_t offset, uint64_t value) override {
    uint8_t bytes[sizeof(value)];
    StoreLe(bytes, value);
    std::memcpy(&value, bytes, sizeof(value));
    __atomic_store_n(reinterpret_cast<uint64_t*>(vram_ + offset), value, __ATOMIC_RELEASE);
    host_.mark_vram_written(host_.host, offset, sizeof(value));
  }
  uint8_t* Window(uint64_t offset, uint64_t /*size_bytes*/) override { return vram_ + offset; }
  void CloseWindow(uint64_t offset, uint64_t size_bytes) override {
    host_.mark_vram_written(host_.host, offset, size_bytes);
  }

 private:
  const WardChipHost& host_;
  uint8_t* vram_;
};

class HostSignals final : public device::InterruptPort,
                          public device::ClockPort,
                          public device::EntropyPort {
 public:
  explicit HostSignals(const WardChipHost& host) : host_(host) {}
  void SendVector(uint32_t vector) override { host_.signal_vector(host_.host, vector); }
  uint64_t NowNs() override { return host_.now_ns(host_.host); }
  bool Fill(ByteSpan destination) override {
    return host_.fill_entropy(host_.host, destination.data(), destination.size());
  }

 private:
  const WardChipHost& host_;
};

}  // namespace
}  // namespace ward::emulator

struct WardChip {
  WardChip(const WardChipOptions& options, const WardChipHost& chip_host)
      : host(chip_host),
        dma(host),
        vram(host, options.vram),
        signals(host),
        protected_bytes(options.protected_bytes) {}

  const WardChipHost host;
  ward::emulator::HostDma dma;
  ward::emulator::HostVram vram;
  ward::emulator::HostSignals signals;
  const uint64_t protected_bytes;
  std::unique_ptr<ward::emulator::Observers> observers;
  std::unique_ptr<ward::emulator::FaultInjector> faults;
  std::unique_ptr<ward::emulator::SealFile> seal;            // null: states are not sealed
  std::unique_ptr<ward::emulator::RecordingFile> recording;  // null: nothing is recorded
  std::string told_of_observers;                             // what was said last of their files
  std::string told_of_recording;                             // likewise
  std::unique_ptr<ward::emulator::Boundary> boundary;        // after its ports
  bool handed_over = false;                                  // a sealed state holds the keys now
};

namespace {

using ward::device::ScanoutView;
using ward::emulator::Boundary;
using ward::emulator::Identity;
using ward::emulator::RecordingFile;

static_assert(kWardChipOutputCount == ward::device::kGpuOutputCount);

ward::device::AttachedDisplay ToDisplay(const WardChipDisplay& display) {
  return {display.connected, display.width, display.height};
}

ward::device::LinkFault ToLinkFault(WardChipLinkFault fault) {
  switch (fault) {
    case kWardChipLinkFaultNegotiationFails:
      return ward::device::LinkFault::kNegotiationFails;
    case kWardChipLinkFaultLinkLost:
      return ward::device::LinkFault::kLinkLost;
    case kWardChipLinkFaultNone:
      break;
  }
  return ward::device::LinkFault::kNone;
}

std::optional<Identity> FindIdentity(const char* directory, std::string* error) {
  return directory == nullptr ? Identity::Create(error) : Identity::Load(directory, error);
}

// Empty when it could be begun, or nobody asked for one.
std::string StartRecording(const WardChipOptions& options, const Identity& identity,
                           const ward::device::GpuOptions& gpu_options, WardChip* chip) {
  if (options.record_path == nullptr) {
    return options.record_key_path == nullptr
               ? ""
               : "record-key seals a recording: give record=FILE too, or leave it out";
  }
  ward::emulator::RecordingOptions recording;
  recording.path = options.record_path;
  if (options.record_key_path != nullptr) recording.key_file = options.record_key_path;
  recording.is_test_identity = options.identity_directory == nullptr || identity.is_test();
  std::string error;
  chip->recording = RecordingFile::Open(recording, gpu_options, &error);
  // QEMU exits without an end of its devices.
  if (chip->recording != nullptr) chip->recording->CloseAtExit();
  return error;
}

// When it is another than what was said last.
void TellOnce(const WardChip& chip, const std::string& trouble, std::string* told) {
  if (trouble == *told) return;
  *told = trouble;
  if (!trouble.empty()) chip.host.warn(chip.host.host, trouble.c_str());
}

// Files may end before the chip does: at their limit, by a full disk, and a recording when the chip
// becomes another one.
void TellOfFiles(WardChip* chip) {
  TellOnce(*chip, chip->observers->Trouble(), &chip->told_of_observers);
  if (chip->recording != nullptr) {
    TellOnce(*chip, chip->recording->trouble(), &chip->told_of_recording);
  }
}

std::string TextOf(const char* text) { return text == nullptr ? "" : text; }

// Empty when what watches the chip could be opened, else why not.
std::string OpenObservers(const WardChipOptions& options, WardChip* chip) {
  ward::emulator::ObserverOptions files;
  files.trace_path = TextOf(options.trace_path);
  files.pcap_path = TextOf(options.pcap_path);
  files.report_path = TextOf(options.report_path);
  files.spin_limits = ward::emulator::SpinLimits::Of(options.poll_reads, options.poll_ms);
  const std::string form = TextOf(options.trace_form);
  if (!form.empty() && form != "text" && form != "log") {
    return "trace-form is " + form + ": give text or log";
  }
  if (form == "log") files.trace_form = ward::emulator::TraceForm::kLog;
  std::string error;
  chip->observers = ward::emulator::Observers::Open(files, &error);
  if (chip->observers != nullptr) chip->observers->UseClock(&chip->signals);
  return error;
}

// Empty when the chip could be made, else why not.
std::string StartChip(const WardChipOptions& options, WardChip* chip) {
  const std::string closed = OpenObservers(options, chip);
  if (!closed.empty()) return closed;
  if (options.identity_directory != nullptr && *options.identity_directory == '\0') {
    return "identity is empty: name a directory made by `ward identity create DIR`, or leave it "
           "out";
  }
  if (options.protected_bytes == 0 || options.protected_bytes % ward::abi::kPageSize != 0 ||
      options.protected_bytes > ward::abi::kMaximumProtectedVram) {
    return "protected-size is a multiple of 4K from 4K to 8G, for example protected-size=256M";
  }
  std::string error;
  if (options.seal_key_path != nullptr) {
    if (*options.seal_key_path == '\0') {
      return "seal-key-file is empty: name a file of 32 bytes, made by `(umask 077; head -c 32 "
             "/dev/urandom > FILE)`, or leave it out";
    }
    chip->seal = ward::emulator::SealFile::Open(options.seal_key_path, &error);
    if (chip->seal == nullptr) return error;
  }
  const std::optional<Identity> identity = FindIdentity(options.identity_directory, &error);
  if (!identity) return error;
  ward::device::GpuOptions gpu_options;
  gpu_options.visible_vram_bytes = options.vram_bytes;
  gpu_options.protected_vram_bytes = options.protected_bytes;
  gpu_options.latency = options.realistic_latency ? ward::device::LatencyPreset::kRealistic
                                                  : ward::device::LatencyPreset::kFast;
  gpu_options.strict_iv = options.strict_iv;
  gpu_options.open_decrypt = options.open_decrypt;
  for (uint32_t output = 0; output < kWardChipOutputCount; ++output) {
    gpu_options.displays[output] = ToDisplay(options.displays[output]);
  }
  gpu_options.identity_key = &identity->key();
  gpu_options.identity_private_key = identity->private_key();  // for the recording
  gpu_options.identity_certificates = identity->certificate_bundle();
  const ward::device::Ports ports = {&chip->dma,     &chip->vram,    &chip->signals,
                                     &chip->signals, &chip->signals, chip->observers->trace()};
  const auto plan = ward::emulator::ParseFaults(TextOf(options.injected_faults), &error);
  if (!plan) return error;
  chip->faults = std::make_unique<ward::emulator::FaultInjector>(*plan, ports);
  chip->faults->Apply(&gpu_options);
  error = StartRecording(options, *identity, gpu_options, chip);
  if (!error.empty()) return error;
  if (chip->recording != nullptr) chip->observers->AddListener(chip->recording.get());
  auto boundary = Boundary::Create(gpu_options, chip->faults->ports(), chip->observers->listener());
  if (!boundary.ok()) return boundary.fault().reason;
  chip->boundary = std::move(boundary.value());
  return "";
}

// A fault of a saved state, with what the seal's files say about it.
void Explain(const WardChip& chip, const ward::Fault& fault, char* error, size_t error_size) {
  const std::string detail = chip.seal != nullptr && !chip.seal->last_error().empty()
                                 ? ": " + chip.seal->last_error()
                                 : "";
  std::snprintf(error, error_size, "%s%s", fault.reason, detail.c_str());
}

}  // namespace

extern "C" {

WardChip* ward_chip_create(const WardChipOptions* options, const WardChipHost* host, char* error,
                           size_t error_size) {
  auto chip = std::make_unique<WardChip>(*options, *host);
  const std::string reason = StartChip(*options, chip.get());
  std::snprintf(error, error_size, "%s", reason.c_str());
  return reason.empty() ? chip.release() : nullptr;
}

void ward_chip_destroy(WardChip* chip) { delete chip; }

void ward_chip_reset(WardChip* chip) { chip->boundary->Reset(ward::device::ResetKind::kFunction); }

void ward_chip_tear_down(WardChip* chip) { chip->boundary->TearDown(); }

uint8_t* ward_chip_save(WardChip* chip, size_t* size_bytes, char* error, size_t error_size) {
  ward::device::SaveOptions options;
  options.seal = chip->seal.get();
  options.with_visible_vram = false;
  // P16: a second state with the same keys could be resumed by a host that counts on its own.
  ward_chip_go_on(chip);
  const auto saved = chip->boundary->gpu().SaveState(options);
  if (!saved.ok()) {
    Explain(*chip, saved.fault(), error, error_size);
    return nullptr;
  }
  chip->handed_over = chip->seal != nullptr;
  *size_bytes = saved.value().size();
  auto* state = new uint8_t[*size_bytes];
  std::memcpy(state, saved.value().data(), *size_bytes);
  return state;
}

void ward_chip_free_state(uint8_t* state) { delete[] state; }

uint64_t ward_chip_most_state_bytes(const WardChip* chip) {
  // Of a page its bytes, number, owner and whether it was touched; of all else some 512 KiB.
  constexpr uint64_t kMostBytesOfAPage = ward::abi::kPageSize + 64;
  constexpr uint64_t kMostBytesOfAllElse = 16 << 20;
  return chip->protected_bytes / ward::abi::kPageSize * kMostBytesOfAPage + kMostBytesOfAllElse;
}

bool ward_chip_load(WardChip* chip, const uint8_t* state, size_t size_bytes, char* error,
                    size_t error_size) {
  const auto loaded =
      chip->boundary->LoadState(ward::ConstByteSpan(state, size_bytes), chip->seal.get());
  if (loaded.ok()) {
    chip->handed_over = false;
    return true;
  }
  Explain(*chip, loaded.fault(), error, error_size);
  return false;
}

void ward_chip_go_on(WardChip* chip) {
  if (std::exchange(chip->handed_over, false)) chip->boundary->TearDown();
}

void ward_chip_set_link_fault(WardChip* chip, uint32_t output, WardChipLinkFault fault) {
  chip->boundary->SetLinkFault(output, ToLinkFault(fault));
}

bool ward_chip_has_size(uint32_t width, uint32_t height) {
  return ward::device::IsPossible({true, width, height});
}

void ward_chip_attach_display(WardChip* chip, uint32_t output, const WardChipDisplay* display) {
  const auto attached = chip->boundary->AttachDisplay(output, ToDisplay(*display));
  WARD_ASSERT(attached.ok());
}

uint64_t ward_chip_read_register(WardChip* chip, uint64_t offset, unsigned size_bytes) {
  return chip->boundary->ReadRegister(offset, size_bytes);
}

void ward_chip_write_register(WardChip* chip, uint64_t offset, unsigned size_bytes,
                              uint64_t value) {
  ward_chip_go_on(chip);
  chip->boundary->WriteRegister(offset, size_bytes, static_cast<uint32_t>(value));
}

WardChipSlice ward_chip_process(WardChip* chip) {
  ward_chip_go_on(chip);
  const ward::device::ProcessResult result =
      chip->faults->Process(chip->boundary.get(), ward::emulator::kSliceBytes);
  TellOfFiles(chip);
  return {result.more, result.in_job, result.wakeup_ns};
}

bool ward_chip_scanout_size(WardChip* chip, uint32_t output, uint32_t* width, uint32_t* height) {
  const ward::device::ScanoutInfo info = chip->boundary->gpu().Scanout(output);
  if (!info.active) return false;
  *width = info.width;
  *height = info.height;
  return true;
}

void ward_chip_read_scanout(WardChip* chip, uint32_t output, WardChipView view, uint32_t* pixels,
                            size_t pitch_bytes) {
  const ward::device::Gpu& gpu = chip->boundary->gpu();
  const size_t bytes = gpu.Scanout(output).height * pitch_bytes;
  const bool read = gpu.ReadScanout(
      output, view == kWardChipViewOperator ? ScanoutView::kOperator : ScanoutView::kCapture,
      ward::ByteSpan(reinterpret_cast<uint8_t*>(pixels), bytes),
      static_cast<uint32_t>(pitch_bytes));
  WARD_ASSERT(read);
}

}  // extern "C"
