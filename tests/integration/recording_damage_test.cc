// What is wrong with a recording is one line that names the place; nothing in a file crashes the
// reader or the chip that it is played to.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "catch2/generators/catch_generators.hpp"
#include "catch2/generators/catch_generators_range.hpp"
#include "device/crypto/sha256.h"
#include "emulator/boundary/replayer.h"
#include "fmt/format.h"
#include "tests/fakes/fake_ports.h"
#include "tests/integration/recording_bench.h"

namespace ward::test {
namespace {

using emulator::BlockGuard;
using emulator::BoundaryEventKind;
using emulator::RecordingReader;
using emulator::Replayer;

// A short recording's bytes; sealed under 32 times 'k' or open.
Bytes MakeRecording(RecordingBench* bench, bool sealed) {
  if (sealed) {
    bench->folder.WriteText("key", std::string(32, 'k'));
    KeepToOwner(bench->folder / "key");
    bench->options.key_file = bench->folder / "key";
  }
  bench->Start();
  bench->PlayLittle();
  bench->file->Close();
  return bench->folder.Read("run.rec");
}

SecretBytes<32> Key(uint8_t byte) {
  SecretBytes<32> key;
  std::fill_n(key.Expose().begin(), key.kSizeBytes, byte);
  return key;
}

// The refusal of these bytes as a recording.
std::string Refusal(RecordingBench* bench, ConstByteSpan bytes, const SecretBytes<32>& key) {
  bench->folder.Write("run.rec", bytes);
  const auto reader = bench->Read(&key);
  INFO(bench->error);
  REQUIRE(reader == nullptr);
  REQUIRE(bench->error.starts_with(bench->options.path.string() + " "));
  REQUIRE(bench->error.find('\n') == std::string::npos);
  return bench->error.substr(bench->options.path.string().size() + 1);
}

void PlayWhatIsThere(RecordingReader* reader, bool has_to_match) {
  const auto replayer = Replayer::Create(reader->device().options(), reader, nullptr);
  REQUIRE(replayer.ok());
  replayer.value()->SetWholeEvents(reader->whole_events());
  while (replayer.value()->Step()) {
  }
  INFO(replayer.value()->difference());
  CHECK((replayer.value()->matches() || !has_to_match));
}

TEST_CASE("A recording that is cut at any length is refused with the place") {
  const bool sealed = GENERATE(false, true);
  RecordingBench bench;
  const Bytes whole = MakeRecording(&bench, sealed);
  const SecretBytes<32> key = Key('k');
  size_t played = 0;
  for (size_t length = 0; length < whole.size(); ++length) {
    const ConstByteSpan bytes = ConstByteSpan(whole).first(length);
    const std::string refusal = Refusal(&bench, bytes, key);
    INFO("length " << length << ": " << refusal);
    if (length < 8) {
      REQUIRE((Has(refusal, "is empty") || Has(refusal, "is no recording")));
    } else {
      REQUIRE(Has(refusal, fmt::format("at byte {}", length)));
    }
    // What is there of it is played when somebody asks for it.
    const auto reader = bench.Read(&key, true);
    if (reader == nullptr) {
      REQUIRE((length < 8 || Has(bench.error, "at byte") || Has(bench.error, "device starts")));
      continue;
    }
    REQUIRE_FALSE(reader->end().has_value());
    REQUIRE(reader->call_count() != 0);
    played += 1;
    if (length % 31 == 0) PlayWhatIsThere(reader.get(), true);
  }
  CHECK(played > 100);
}

TEST_CASE("A recording without an event has none, however often it is read") {
  RecordingBench bench;
  bench.Open().Close();
  const auto reader = bench.Read();
  INFO(bench.error);
  REQUIRE(reader != nullptr);
  CHECK(reader->event_count() == 0);
  for (int i = 0; i < 3; ++i) {
    CHECK(reader->Peek() == nullptr);
    CHECK(reader->trouble().empty());
    reader->SeekStart();
  }
}

TEST_CASE("A recording with any byte changed is refused, with the place") {
  const bool sealed = GENERATE(false, true);
  RecordingBench bench;
  Bytes bytes = MakeRecording(&bench, sealed);
  const SecretBytes<32> key = Key('k');
  for (size_t at = 0; at < bytes.size(); ++at) {
    const auto flip = static_cast<uint8_t>(1u << (at % 8));
    bytes[at] ^= flip;
    const std::string refusal = Refusal(&bench, bytes, key);
    bytes[at] ^= flip;
    INFO("byte " << at << ": " << refusal);
    size_t first = 0;
    size_t last = 0;
    if (at < 8) {
      REQUIRE(Has(refusal, "is no recording"));
    } else if (at < BlockGuard::kHeaderBytes) {
      REQUIRE((Has(refusal, "has format") || Has(refusal, "of ABI") || Has(refusal, "header")));
    } else if (std::sscanf(refusal.c_str(), "is damaged between bytes %zu and %zu", &first,
                           &last) == 2) {
      REQUIRE((first <= at && at <= last));
    } else {
      REQUIRE(std::sscanf(refusal.c_str(), "is damaged at byte %zu: the head", &first) == 1);
      REQUIRE((first <= at && at < first + BlockGuard::kHeadBytes));
    }
  }
}

TEST_CASE("Bytes behind the end, blocks that moved and blocks of another recording are refused") {
  RecordingBench bench;
  const SecretBytes<32> key = Key('k');
  const Bytes whole = MakeRecording(&bench, false);
  Bytes longer = whole;
  longer.push_back(0);
  CHECK(Has(Refusal(&bench, longer, key), fmt::format("behind its end at byte {}", whole.size())));
  // Block lengths as they stand.
  std::vector<size_t> starts = {BlockGuard::kHeaderBytes};
  while (starts.back() < whole.size()) {
    starts.push_back(starts.back() + BlockGuard::kHeadBytes +
                     LoadLe<uint32_t>(whole.data() + starts.back() + 4) + BlockGuard::kTagBytes);
  }
  REQUIRE(starts.size() > 4);
  const auto place = [](size_t at) { return static_cast<ptrdiff_t>(at); };
  Bytes shorter = whole;
  shorter.erase(shorter.begin() + place(starts[1]), shorter.begin() + place(starts[2]));
  CHECK(Has(Refusal(&bench, shorter, key), "the head of block 1 is not what was written"));
  Bytes doubled = whole;
  doubled.insert(doubled.begin() + place(starts[2]), whole.begin() + place(starts[1]),
                 whole.begin() + place(starts[2]));
  CHECK(Has(Refusal(&bench, doubled, key), "the head of block 2 is not what was written"));
  RecordingBench other_bench;
  const Bytes other = MakeRecording(&other_bench, false);
  Bytes mixed(whole.begin(), whole.begin() + place(starts[1]));
  mixed.insert(mixed.end(), other.begin() + place(starts[1]), other.end());
  CHECK(Has(Refusal(&bench, mixed, key), "the head of block 1 is not what was written"));
}

TEST_CASE(
    "Flags that are unknown and a reserved field that is not zero are refused, digest or not") {
  const bool sealed = GENERATE(false, true);
  RecordingBench bench;
  const Bytes whole = MakeRecording(&bench, sealed);
  const SecretBytes<32> key = Key('k');
  constexpr size_t kFlagsAt = 16;
  constexpr size_t kZeroAt = 20;
  constexpr size_t kDigestAt = 72;
  const uint32_t flags = sealed ? 1 : 0;
  REQUIRE(LoadLe<uint32_t>(whole.data() + kFlagsAt) == flags);
  REQUIRE(LoadLe<uint32_t>(whole.data() + kZeroAt) == 0);
  for (uint32_t bit = 0; bit < 64; ++bit) {
    if (bit == 0) continue;  // sealed
    Bytes bytes = whole;
    bytes[kFlagsAt + bit / 8] |= static_cast<uint8_t>(1u << bit % 8);
    CHECK(Has(Refusal(&bench, bytes, key), "the digest does not fit"));
    // As a program writes it that knows more.
    uint8_t digest[device::kSha256Bytes];
    REQUIRE(device::ComputeSha256(ConstByteSpan(bytes).first(kDigestAt), digest));
    std::copy_n(std::begin(digest), BlockGuard::kHeaderBytes - kDigestAt,
                bytes.begin() + kDigestAt);
    const std::string refusal = Refusal(&bench, bytes, key);
    INFO("bit " << bit << ": " << refusal);
    if (bit < 32) {
      const uint32_t unknown = 1u << bit;
      CHECK(
          Has(refusal, fmt::format("is of format 1 with flags {:#x} in its header, of which {:#x} "
                                   "is unknown: replay it with",
                                   flags | unknown, unknown)));
    } else {
      CHECK(Has(refusal, fmt::format("is of format 1 with flags {:#x}, and bytes 20 to 23 of its "
                                     "header are {:#x}, not zero: replay it with",
                                     flags, 1u << (bit - 32))));
    }
  }
}

TEST_CASE("What is no recording, or can't be read, is said in one line") {
  RecordingBench bench;
  const Bytes whole = MakeRecording(&bench, false);
  bench.folder.WriteText("text", "Dear reader,\nthis is a letter.\n");
  bench.folder.WriteText("empty", "");
  std::filesystem::create_directory(bench.folder / "folder");
  REQUIRE(::mkfifo((bench.folder / "pipe").c_str(), 0600) == 0);
  Bytes newer = whole;
  newer[8] = 2;
  bench.folder.Write("newer", newer);
  Bytes other_abi = whole;
  other_abi[12] ^= 1;
  bench.folder.Write("other_abi", other_abi);
  const std::pair<const char*, const char*> cases[] = {
      {"text", "is no recording of a WardGPU"},
      {"empty", "is empty"},
      {"folder", "is not a regular file"},
      {"pipe", "is not a regular file"},
      {"nothing", "can't be opened: No such file or directory"},
      {"newer", "has format 2, and this program reads format 1"},
      {"other_abi", "was recorded by a device of ABI 1."}};
  for (const auto& [name, text] : cases) {
    const std::string output = bench.RunTool(fmt::format("replay {}", name), 1);
    INFO(output);
    CHECK(Has(output, fmt::format("ward: {} {}", name, text)));
    CHECK(std::count(output.begin(), output.end(), '\n') == 1);
  }
  if (::geteuid() != 0) {
    std::filesystem::permissions(bench.folder / "run.rec", std::filesystem::perms::none);
    CHECK(Has(bench.RunTool("replay run.rec", 1), "can't be opened: Permission denied"));
  }
  CHECK(Has(bench.RunTool("replay", 2), "FILE"));
  CHECK(Has(bench.RunTool("replay run.rec --repeat 0", 2), "--repeat"));
  CHECK(Has(bench.RunTool("replay -i run.rec --json", 2), "--json"));
}

// Whole and rightly digested, but nothing that a host ever wrote: whoever can write files can make
// these.
TEST_CASE("Made-up events differ from what the chip does; they never crash it") {
  const size_t round = GENERATE(Catch::Generators::range(size_t{0}, size_t{24}));
  RecordingBench bench;
  fakes::SeededEntropy random;
  random.state = 1 + round;
  const auto draw = [&](uint64_t limit) {
    uint8_t bytes[8];
    random.Fill(bytes);
    return LoadLe<uint64_t>(bytes) % limit;
  };
  bench.Start();  // its start is real
  const auto put = [&](BoundaryEventKind kind, uint32_t size, uint64_t address, uint64_t value,
                       const Bytes& data) {
    bench.file->OnEvent({kind, draw(8) != 0, size, address, value, data});
  };
  for (int i = 0; i < 50; ++i) {
    const auto kind =
        static_cast<BoundaryEventKind>(draw(static_cast<uint64_t>(BoundaryEventKind::kReplaced)));
    Bytes data(draw(300));
    random.Fill(data);
    const uint64_t wild = draw(2) == 0 ? draw(UINT64_MAX) : draw(0x200000);
    put(kind, static_cast<uint32_t>(draw(10)), wild, draw(2) == 0 ? draw(4) : draw(UINT64_MAX),
        data);
    // One that answers what the chip will ask: a slice without work asks for the time only.
    if (draw(3) == 0) put(BoundaryEventKind::kTime, 0, 0, draw(1000000), {});
  }
  bench.file->Close();
  const auto reader = bench.Read();
  INFO(bench.error);
  REQUIRE(reader != nullptr);
  PlayWhatIsThere(reader.get(), false);
}

TEST_CASE("Calls that no host can make are told, each by itself") {
  const std::pair<BoundaryEventKind, uint64_t> cases[] = {{BoundaryEventKind::kReset, 2},
                                                          {BoundaryEventKind::kLinkFault, 3},
                                                          {BoundaryEventKind::kEntropy, 0},
                                                          {BoundaryEventKind::kAnswer, 0}};
  for (const auto& [kind, value] : cases) {
    RecordingBench bench;
    bench.Start();
    bench.file->OnEvent({kind, true, 0, 0, value, {}});
    bench.file->Close();
    const auto reader = bench.Read();
    REQUIRE(reader != nullptr);
    const std::string output = bench.RunTool("replay run.rec", 1);
    INFO(output);
    CHECK(Has(output,
              fmt::format("does not replay: event {}: ",
                          reader->event_count() - (kind == BoundaryEventKind::kReset ||
                                                           kind == BoundaryEventKind::kLinkFault
                                                       ? 0
                                                       : 1))));
    CHECK(Has(output, emulator::NameOf(kind)));
  }
}

}  // namespace
}  // namespace ward::test
