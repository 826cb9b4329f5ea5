// libFuzzer target: recordings that somebody made up. They are refused in one line, or played to a
// chip, which ends and never does anything but what was recorded.
//
// An input is a byte of choices (sealed, with which key it is read, whether it may be cut short),
// and the parts of a file (file_writer.h).
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "base/assert.h"
#include "emulator/boundary/replayer.h"
#include "emulator/in_process/in_process_host.h"
#include "emulator/recording/recording_reader.h"
#include "tests/fakes/test_identity.h"
#include "tests/fuzz/input_reader.h"
#include "tests/fuzz/oracle.h"
#include "tests/fuzz/recording/file_writer.h"

namespace ward::fuzz {
namespace {

using emulator::RecordingReader;
using emulator::Replayer;

constexpr uint64_t kVramBytes = 1 << 20;

const fakes::TestIdentity& Identity() { return fakes::LoadTestIdentity(WARD_SOURCE_DIR); }

SecretBytes<32> Key(uint8_t byte) {
  SecretBytes<32> key;
  std::fill_n(key.Expose().begin(), key.kSizeBytes, byte);
  return key;
}

// Keeps what is told as a recording's file does.
class EventKeeper final : public emulator::BoundaryListener {
 public:
  explicit EventKeeper(BaseRecording* base) : base_(base) {}
  void OnEvent(const emulator::BoundaryEvent& event) override {
    emulator::EncodeEvent(event, &base_->events);
    base_->events.insert(base_->events.end(), event.data.begin(), event.data.end());
    ++base_->event_count;
  }

 private:
  BaseRecording* base_;
};

// Some registers, a queue that runs a fill and a fence, a second display, a tear-down, a reset.
void PlayBase(emulator::InProcessHost* host) {
  host->BarWrite32(0, abi::kRegScratch, 0x12345678);
  (void)host->BarRead32(0, abi::kRegScratch);
  abi::DmaBuffer ring;
  WARD_ASSERT(host->AllocateDma(8192, &ring) == abi::PciError::kNone);
  WARD_ASSERT(host->SetBusMaster(true) == abi::PciError::kNone);
  host->BarWrite32(0, abi::kRegRingBaseLo, static_cast<uint32_t>(ring.bus_address));
  host->BarWrite32(0, abi::kRegRingSizeLog2, 12);
  host->BarWrite32(0, abi::kRegFenceAddressLo, static_cast<uint32_t>(ring.bus_address) + 4096);
  host->BarWrite32(0, abi::kRegQueueControl, abi::kQueueControlEnableMask);
  abi::FillCommand fill{};
  fill.opcode = abi::FillCommand::kOpcode;
  fill.length = abi::FillCommand::kSizeBytes;
  fill.destination = abi::kPhysicalLocal;
  fill.row_bytes = 64;
  fill.row_count = 2;
  fill.destination_pitch = 64;
  abi::FenceCommand fence{};
  fence.opcode = abi::FenceCommand::kOpcode;
  fence.length = abi::FenceCommand::kSizeBytes;
  fence.flags = abi::FenceCommand::kFlagInterrupt;
  fence.value = 1;
  std::memcpy(ring.cpu, &fill, sizeof(fill));
  std::memcpy(ring.cpu + sizeof(fill), &fence, sizeof(fence));
  host->BarWrite32(0, abi::kRegDoorbell, sizeof(fill) + sizeof(fence));
  (void)host->WaitInterrupt(0, 10);
  WARD_ASSERT(host->boundary().AttachDisplay(1, {.width = 800, .height = 600}).ok());
  host->boundary().TearDown();
  (void)host->ResetFunction();
  host->FreeDma(ring);
}

BaseRecording MakeBase() {
  BaseRecording base;
  EventKeeper keeper(&base);
  emulator::InProcessOptions options;
  options.gpu.visible_vram_bytes = kVramBytes;
  options.gpu.protected_vram_bytes = kVramBytes;
  options.gpu.identity_key = &*Identity().key;
  options.gpu.identity_private_key = Identity().private_key;
  options.gpu.identity_certificates = ConstByteSpan(Identity().certificates).first(16);
  options.entropy_seed = 1;
  options.listener = &keeper;
  auto host = emulator::InProcessHost::Create(options);
  WARD_ASSERT(host.ok());
  PlayBase(host.value().get());
  emulator::DeviceBlock::Write(options.gpu, SecretBytes<16>(), &base.device);
  return base;
}

class RecordingMachine {
 public:
  RecordingMachine() : base_(MakeBase()), file_(memfd_create("recording", MFD_CLOEXEC)) {
    WARD_ASSERT(file_ >= 0);
    path_ = "/proc/self/fd/" + std::to_string(file_);
  }

  void Run(ConstByteSpan bytes) {
    InputReader input(bytes);
    const auto choices = input.Take<uint8_t>();
    FileWriter writer(&base_, &key_);
    const std::vector<uint8_t> file = writer.Write(&input, (choices & 1) != 0);
    Store(file);
    RecordingReader::Options options;
    options.path = path_;
    options.key = (choices & 6) == 6 ? nullptr : (choices & 6) == 4 ? &other_key_ : &key_;
    options.accept_unfinished = (choices & 8) != 0;
    std::string error;
    const auto reader = RecordingReader::Open(options, &error);
    if (reader == nullptr) return CheckRefusal(error);
    CheckReader(*reader, file.size(), options.accept_unfinished);
    const std::string first = Play(reader.get(), file.size());
    if ((choices & 0x70) != 0) return;
    reader->SeekStart();
    Expect(Play(reader.get(), file.size()) == first, "repeat",
           "the same file plays twice in one way");
  }

 private:
  void Store(ConstByteSpan file) {
    WARD_ASSERT(ftruncate(file_, 0) == 0);
    WARD_ASSERT(pwrite(file_, file.data(), file.size(), 0) == static_cast<ssize_t>(file.size()));
  }

  void CheckRefusal(const std::string& error) {
    Expect(error.starts_with(path_ + " ") && error.size() > path_.size() + 1, "refusal",
           "it names the file and says what is wrong");
    Expect(error.find('\n') == std::string::npos, "refusal", "it is one line");
  }

  static void CheckReader(const RecordingReader& reader, size_t file_bytes, bool unfinished) {
    // An event has two bytes at least.
    Expect(reader.event_count() <= file_bytes / 2, "count",
           "there are no more events than bytes make");
    Expect(reader.call_count() <= reader.event_count() &&
               reader.whole_events() <= reader.event_count(),
           "count", "there are no more calls than events");
    Expect(reader.end().has_value() || unfinished, "end", "a file that is read has an end");
    Expect(reader.trouble().empty(), "end", "a file that is read has no flaw");
  }

  // What became of it, in words.
  std::string Play(RecordingReader* reader, size_t file_bytes) {
    device::GpuOptions options = reader->device().options();
    // A chip has as much memory as its recording says: that is for its user to judge.
    if (options.visible_vram_bytes > kVramBytes || options.protected_vram_bytes > kVramBytes) {
      return "too large";
    }
    const ConstByteSpan own = Identity().private_key;
    // It takes a while to check a key, and no other one is of interest.
    if (!std::equal(own.begin(), own.end(), options.identity_private_key.begin(),
                    options.identity_private_key.end())) {
      return "of another identity";
    }
    options.identity_key = &*Identity().key;
    const auto replayer = Replayer::Create(options, reader, nullptr);
    if (!replayer.ok()) return "no chip";
    replayer.value()->SetWholeEvents(reader->whole_events());
    uint64_t steps = 0;
    while (replayer.value()->Step()) {
      Expect(++steps <= reader->event_count(), "work", "there are no more calls than events");
    }
    Expect(replayer.value()->call() <= reader->event_count(), "work",
           "there are no more calls than events");
    Expect(file_bytes != 0 && (replayer.value()->matches() ||
                               replayer.value()->difference().starts_with("event ")),
           "difference", "it says where the chip did something else");
    return replayer.value()->difference() + " " + std::to_string(steps) + " " +
           std::to_string(replayer.value()->gpu().StateHash());
  }

  const BaseRecording base_;
  const SecretBytes<32> key_ = Key('k');
  const SecretBytes<32> other_key_ = Key('o');
  int file_;
  std::string path_;
};

}  // namespace
}  // namespace ward::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static ward::fuzz::RecordingMachine machine;
  machine.Run({data, size});
  return 0;
}
