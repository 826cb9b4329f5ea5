#include "tests/bench/attachments/gpu_subject.h"

#include <cstring>
#include <stdexcept>
#include <utility>

#include "abi/generated/commands.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "kmd/command.h"
#include "tests/bench/attachments/sampler.h"

namespace ward::bench {
namespace {

constexpr double kMib = 1 << 20;
constexpr uint32_t kCommandsOfADoorbell = 64;

double MibPerSecond(uint32_t bytes, double nanoseconds) {
  return bytes / kMib / (nanoseconds * 1e-9);
}

}  // namespace

GpuSubject::GpuSubject(std::unique_ptr<abi::PciFunction> function)
    : function_(std::move(function)), up_(function_.get()), queue_(function_.get()) {}

double GpuSubject::Measure(const std::string& figure, uint32_t count) {
  if (figure == "register_read") {
    return MeasureRegisterRead(function_.get(), abi::kRegQueueStatus, count);
  }
  if (figure == "fence") return MeasureFence(count);
  if (figure == "interrupt") return MeasureInterrupt(count);
  if (figure == "commands") return MeasureCommands(count);
  if (figure == "copy") return MeasureCopy(count);
  if (figure == "write") return MeasureWrite(count);
  throw std::invalid_argument(figure);
}

double GpuSubject::MeasureFence(uint32_t count) {
  const auto noop = kmd::MakeCommand<abi::NoopCommand>();
  Sampler samples(count);
  while (samples.WantsMore()) {
    queue_.Append(kmd::BytesOf(noop));
    queue_.AppendFence(BenchQueue::Fence::kSilent);
    const auto start = Clock::now();
    queue_.RingDoorbell();
    queue_.SpinUntilFence();
    samples.Add(NanosecondsSince(start));
  }
  return samples.Median();
}

double GpuSubject::MeasureInterrupt(uint32_t count) {
  const auto noop = kmd::MakeCommand<abi::NoopCommand>();
  Sampler samples(count);
  DrainInterrupts(function_.get());
  while (samples.WantsMore()) {
    queue_.Append(kmd::BytesOf(noop));
    queue_.AppendFence(BenchQueue::Fence::kInterrupts);
    const auto start = Clock::now();
    queue_.RingDoorbell();
    TakeInterrupt(function_.get());
    samples.Add(NanosecondsSince(start));
    queue_.SpinUntilFence();  // it is there already: the fence comes before its interrupt
    queue_.ClearCause();
  }
  return samples.Median();
}

double GpuSubject::MeasureCommands(uint32_t count) {
  const auto noop = kmd::MakeCommand<abi::NoopCommand>();
  Sampler samples(count);
  while (samples.WantsMore()) {
    const auto start = Clock::now();
    for (uint32_t i = 1; i < kCommandsOfADoorbell; ++i) queue_.Append(kmd::BytesOf(noop));
    queue_.AppendFence(BenchQueue::Fence::kSilent);
    queue_.RingDoorbell();
    queue_.SpinUntilFence();
    samples.Add(kCommandsOfADoorbell / (NanosecondsSince(start) * 1e-9));
  }
  return samples.Median();
}

double GpuSubject::MeasureCopy(uint32_t count) {
  Sampler samples(count);
  TakeBuffer();
  while (samples.WantsMore()) {
    StampBuffer();
    const auto start = Clock::now();
    Copy(true);
    samples.Add(MibPerSecond(kTransferBytes, NanosecondsSince(start)));
  }
  // What was measured moved the data: the last stamp is at the far end of VRAM.
  uint32_t arrived = 0;
  const uint64_t last = kTransferBytes - sizeof(arrived);
  if (function_->BarReadBlock(abi::kVramBar, last, &arrived, sizeof(arrived)) !=
          abi::PciError::kNone ||
      arrived != stamp_) {
    throw std::runtime_error("the copy did not arrive in VRAM");
  }
  return samples.Median();
}

double GpuSubject::MeasureWrite(uint32_t count) {
  Sampler samples(count);
  TakeBuffer();
  while (samples.WantsMore()) {
    StampBuffer();
    const auto start = Clock::now();
    WriteVram();
    samples.Add(MibPerSecond(kTransferBytes, NanosecondsSince(start)));
  }
  // The device sees what the CPU wrote.
  std::memset(buffer_.cpu, 0, kTransferBytes);
  Copy(false);
  uint32_t arrived = 0;
  std::memcpy(&arrived, buffer_.cpu + kTransferBytes - sizeof(arrived), sizeof(arrived));
  if (arrived != stamp_) throw std::runtime_error("the device does not see what the CPU wrote");
  return samples.Median();
}

void GpuSubject::TakeBuffer() {
  if (buffer_.cpu != nullptr) return;
  if (function_->AllocateDma(kTransferBytes, &buffer_) != abi::PciError::kNone) {
    throw std::runtime_error(std::string("no DMA memory: ") + function_->LastErrorText());
  }
}

void GpuSubject::StampBuffer() {
  ++stamp_;
  std::memset(buffer_.cpu, static_cast<int>(stamp_ & 0xff), kTransferBytes);
  std::memcpy(buffer_.cpu + kTransferBytes - sizeof(stamp_), &stamp_, sizeof(stamp_));
}

void GpuSubject::Copy(bool to_vram) {
  auto copy = kmd::MakeCommand<abi::CopyCommand>();
  copy.destination = to_vram ? abi::kPhysicalLocal : buffer_.bus_address;
  copy.source = to_vram ? buffer_.bus_address : abi::kPhysicalLocal;
  copy.row_bytes = copy.destination_pitch = copy.source_pitch = kTransferBytes;
  copy.row_count = 1;
  queue_.Append(kmd::BytesOf(copy));
  queue_.AppendFence(BenchQueue::Fence::kSilent);
  queue_.RingDoorbell();
  queue_.SpinUntilFence();
}

void GpuSubject::WriteVram() {
  if (uint8_t* vram = function_->MapBar(abi::kVramBar)) {
    std::memcpy(vram, buffer_.cpu, kTransferBytes);
  } else if (function_->BarWriteBlock(abi::kVramBar, 0, buffer_.cpu, kTransferBytes) !=
             abi::PciError::kNone) {
    throw std::runtime_error(std::string("VRAM can't be written: ") + function_->LastErrorText());
  }
}

}  // namespace ward::bench
