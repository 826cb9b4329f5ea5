#include "tests/bench/chip/chip_subject.h"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "abi/generated/pci.h"
#include "tests/bench/chip/bench_session.h"
#include "tests/bench/chip/figure_table.h"
#include "tests/bench/chip/sizes.h"
#include "tests/bench/chip/two_threads.h"

namespace ward::bench {
namespace {

constexpr uint32_t kCommandsOfADoorbell = 1024;
constexpr uint32_t kSmallBytes = 64;
constexpr uint32_t kExchangesOfADoorbell = 8;
constexpr uint32_t kHotBytes = 64 << 10;
constexpr uint32_t kHotDoorbells = 16;
// From the beginning of the protected window: a picture as it is decrypted, then as it is shown.
constexpr uint32_t kShown = 16 << 20;

// Sessions are made when they are first asked for: most figures need one, "two_engines" both.
class Chips {
 public:
  explicit Chips(uint32_t workers = 1, bool open_decrypt = false)
      : workers_(workers), open_decrypt_(open_decrypt) {}
  uint32_t workers() const { return workers_; }
  BenchSession& First() { return Get(&first_); }
  BenchSession& Second() { return Get(&second_); }

 private:
  BenchSession& Get(std::unique_ptr<BenchSession>* session) {
    if (!*session) *session = std::make_unique<BenchSession>(workers_, open_decrypt_);
    return **session;
  }
  uint32_t workers_;
  bool open_decrypt_;
  std::unique_ptr<BenchSession> first_, second_;
};

// Median nanoseconds of the first chip's batch that is set. What several threads do together is as
// quick as the wall's clock says, not as the caller's own.
double TimeBatch(Chips* chips, uint32_t count) {
  BenchSession* session = &chips->First();
  const auto submit = [session] { session->Submit(); };
  const double time =
      chips->workers() == 1 ? MedianNanoseconds(count, submit) : MedianOfOne(count, submit);
  session->CheckNoFault();
  return time;
}

abi::DecryptBltCommand DecryptPattern(const BenchSession& session, uint32_t bytes) {
  auto command = session.Decrypt(bytes);
  command.flags |= abi::DecryptBltCommand::kFlagPattern;
  command.encrypted_bytes_at_beginning = kPattern.encrypted_bytes_at_beginning;
  command.skip_bytes = kPattern.bytes_in_skip_pattern;
  command.encrypt_bytes = kPattern.bytes_in_encrypt_pattern;
  return command;
}

double MeasureExchanges(BenchSession* session, uint32_t count) {
  const auto one = session->KeyExchange();
  std::vector<uint8_t> batch;
  for (uint32_t i = 0; i < kExchangesOfADoorbell; ++i) {
    batch.insert(batch.end(), one.begin(), one.end());
  }
  session->SetBatchBytes(batch);
  const double time = MedianNanoseconds(count, [&] {
    session->Submit();
    // Messages end after their virtual time, which costs nothing here.
    session->host().WaitInterrupt(0, 1000);
  });
  session->CheckNoFault();
  if (session->LastAnswer() != 0) throw std::runtime_error("a key was refused");
  return PerSecond(kExchangesOfADoorbell, time);
}

// In protected memory, from its beginning to kShown.
abi::VideoBltCommand Convert(const PictureSize& from, const PictureSize& to) {
  auto command = MakeCommand<abi::VideoBltCommand>();
  command.destination = BenchSession::kProtected + kShown;
  command.source_luma = BenchSession::kProtected;
  command.source_chroma = BenchSession::kProtected + from.width * from.height;
  command.destination_pitch = 4 * to.width;
  command.source_pitch = from.width;
  command.source_width = from.width;
  command.source_height = from.height;
  command.destination_width = to.width;
  command.destination_height = to.height;
  command.color_space = 1;  // BT.709, limited range
  command.filter = 1;       // bilinear
  return command;
}

abi::FlipCommand Flip(const PictureSize& picture) {
  auto command = MakeCommand<abi::FlipCommand>();
  command.flags = abi::FlipCommand::kFlagFullScreen;
  command.address = abi::kPhysicalLocal + abi::kProtectedVramLocalBase + kShown;
  command.pitch = 4 * picture.width;
  command.width = picture.width;
  command.height = picture.height;
  return command;
}

double MeasureConversion(Chips* chips, const PictureSize& from, const PictureSize& to,
                         uint32_t count) {
  BenchSession* session = &chips->First();
  session->SetBatch(session->Decrypt(from.Nv12Bytes()), 1);
  session->Submit();
  session->CheckNoFault();
  session->SetBatch(Convert(from, to), 1);
  return TimeBatch(chips, count);
}

double MeasureFrames(BenchSession* session, const PictureSize& picture, uint32_t count) {
  const auto decrypt = session->Decrypt(picture.Nv12Bytes());
  const auto convert = Convert(picture, picture);
  std::vector<uint8_t> batch(sizeof(decrypt) + sizeof(convert));
  std::memcpy(batch.data(), &decrypt, sizeof(decrypt));
  std::memcpy(batch.data() + sizeof(decrypt), &convert, sizeof(convert));
  session->EnableOutput(picture.mode);
  session->SetBatchBytes(batch);
  session->SetBatch(Flip(picture), 1, BenchSession::kKernelQueue);
  const double time = MedianNanoseconds(count, [&] {
    session->Submit();
    session->Submit(BenchSession::kKernelQueue);
  });
  session->CheckNoFault();
  session->CheckNoFault(BenchSession::kKernelQueue);
  const device::ScanoutInfo shown = session->host().gpu().Scanout(0);
  if (!shown.active || !shown.is_protected || shown.width != picture.width) {
    throw std::runtime_error("the frame is not on the display");
  }
  return PerSecond(1, time);
}

// A sample is kHotDoorbells of RepeatsOf(kHotBytes) decrypts each: long beside the start of a
// thread's work.
double MeasureEngines(Chips* chips, bool both, uint32_t count) {
  const auto prepare = [](BenchSession* session) {
    session->SetBatch(session->Decrypt(kHotBytes), RepeatsOf(kHotBytes));
    session->Submit();
  };
  const auto work = [](BenchSession* session) {
    for (uint32_t i = 0; i < kHotDoorbells; ++i) session->Submit();
  };
  const double bytes = double{kHotBytes} * RepeatsOf(kHotBytes) * kHotDoorbells;
  BenchSession* first = &chips->First();
  prepare(first);
  if (!both) return MibPerSecond(bytes, MedianOfOne(count, [&] { work(first); }));
  BenchSession* second = &chips->Second();
  prepare(second);
  const double time = MedianOfBoth(count, [&] { work(first); }, [&] { work(second); });
  first->CheckNoFault();
  second->CheckNoFault();
  return MibPerSecond(2 * bytes, time);
}

void AddDecrypt(FigureTable* table, const std::shared_ptr<Chips>& chips, uint32_t bytes) {
  table->Add(NameOf("decrypt", bytes), [chips, bytes](uint32_t count) {
    BenchSession& session = chips->First();
    session.SetBatch(session.Decrypt(bytes), RepeatsOf(bytes));
    session.Submit();
    return MibPerSecond(double{1} * bytes * RepeatsOf(bytes), TimeBatch(chips.get(), count));
  });
}

void AddCommands(FigureTable* table, const std::shared_ptr<Chips>& chips) {
  table->Add("noop", [chips](uint32_t count) {
    chips->First().SetBatch(MakeCommand<abi::NoopCommand>(), kCommandsOfADoorbell);
    return PerSecond(kCommandsOfADoorbell, TimeBatch(chips.get(), count));
  });
  table->Add("decrypts", [chips](uint32_t count) {
    chips->First().SetBatch(chips->First().Decrypt(kSmallBytes), kCommandsOfADoorbell);
    return PerSecond(kCommandsOfADoorbell, TimeBatch(chips.get(), count));
  });
  for (const uint32_t bytes : kCipherSizes) AddDecrypt(table, chips, bytes);
  for (const uint32_t bytes : kPatternSizes) {
    table->Add(NameOf("pattern", bytes), [chips, bytes](uint32_t count) {
      chips->First().SetBatch(DecryptPattern(chips->First(), bytes), RepeatsOf(bytes));
      return MibPerSecond(double{1} * bytes * RepeatsOf(bytes), TimeBatch(chips.get(), count));
    });
  }
}

void AddConversion(FigureTable* table, const std::shared_ptr<Chips>& chips,
                   const PictureSize& picture) {
  table->Add(std::string("convert_") + picture.name, [chips, &picture](uint32_t count) {
    return MeasureConversion(chips.get(), picture, picture, count);
  });
}

void AddPictures(FigureTable* table, const std::shared_ptr<Chips>& chips) {
  for (const PictureSize& picture : kPictures) {
    AddConversion(table, chips, picture);
    table->Add(std::string("frame_") + picture.name, [chips, &picture](uint32_t count) {
      return MeasureFrames(&chips->First(), picture, count);
    });
  }
  table->Add("scale", [chips](uint32_t count) {
    return MeasureConversion(chips.get(), kPictures[0], kScaled, count);
  });
}

}  // namespace

std::unique_ptr<Subject> MakeChipSubject() {
  auto table = std::make_unique<FigureTable>("chip");
  const auto chips = std::make_shared<Chips>();
  AddCommands(table.get(), chips);
  AddPictures(table.get(), chips);
  table->Add("exchange",
             [chips](uint32_t count) { return MeasureExchanges(&chips->First(), count); });
  table->Add("one_engine",
             [chips](uint32_t count) { return MeasureEngines(chips.get(), false, count); });
  table->Add("two_engines",
             [chips](uint32_t count) { return MeasureEngines(chips.get(), true, count); });
  return table;
}

std::unique_ptr<Subject> MakeOpenSubject() {
  auto table = std::make_unique<FigureTable>("open");
  const auto chips = std::make_shared<Chips>(1, true);
  for (const uint32_t bytes : kPatternSizes) {
    table->Add(NameOf("pattern", bytes), [chips, bytes](uint32_t count) {
      auto command = DecryptPattern(chips->First(), bytes);
      command.destination = command.source;
      chips->First().SetBatch(command, RepeatsOf(bytes));
      return MibPerSecond(double{1} * bytes * RepeatsOf(bytes), TimeBatch(chips.get(), count));
    });
  }
  return table;
}

std::unique_ptr<Subject> MakeWorkersSubject() {
  const uint32_t processors = std::max(1u, std::thread::hardware_concurrency());
  const uint32_t workers = std::min(processors, emulator::ThreadExecutor::kMaximumWidth);
  if (workers == 1) return nullptr;
  auto table = std::make_unique<FigureTable>("workers");
  const auto chips = std::make_shared<Chips>(workers);
  for (const uint32_t bytes : kCipherSizes) AddDecrypt(table.get(), chips, bytes);
  for (const PictureSize& picture : kPictures) AddConversion(table.get(), chips, picture);
  return table;
}

}  // namespace ward::bench
