// A recording in a file: made while the whole stack plays, run again by the `ward` tool, which is
// another process.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "emulator/boundary/replayer.h"
#include "emulator/boundary/time_line.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "tests/fakes/fake_seal.h"
#include "tests/integration/application.h"
#include "tests/integration/recording_bench.h"

namespace ward::test {
namespace {

using emulator::RecordingEnd;
using emulator::RecordingReader;
using emulator::Replayer;

const Key kSessionKey = ParseKey("2b7e151628aed2a6abf7158809cf4f3c");

// A protected frame decrypted and read back: keys, protected memory, jobs of several kinds.
void PlayProtectedFrame(emulator::InProcessHost* machine) {
  const auto kernel = OpenKernel(machine);
  Application application(kernel.get());
  const Clip clip = MakeClip(1);
  const auto session = application.CreateKeyedSession(kSessionKey);
  const auto frame = application.CreateTexture(clip, true);
  const auto staging = application.CreateStaging(clip);
  const Workspace workspace;
  application.Upload(staging.get(), Encrypt(workspace, clip));
  const Key wrapped = EcbEncrypt(kSessionKey, ParseKey(clip.content_key));
  REQUIRE(application.video().DecryptionBlt(session.get(), staging.get(), frame.get(), nullptr,
                                            wrapped, ParseKey(clip.iv)) == S_OK);
  REQUIRE(ReadBack(&application, session.get(), kSessionKey, frame.get(), clip) == clip.frames);
}

bool Holds(const Bytes& bytes, ConstByteSpan part) {
  return std::search(bytes.begin(), bytes.end(), part.begin(), part.end()) != bytes.end();
}

// Runs all of it; the state's hash.
uint64_t ReplayAll(RecordingReader* reader) {
  reader->SeekStart();
  const auto replayer = Replayer::Create(reader->device().options(), reader, nullptr);
  REQUIRE(replayer.ok());
  replayer.value()->SetWholeEvents(reader->whole_events());
  while (replayer.value()->Step()) {
  }
  INFO(replayer.value()->difference());
  REQUIRE(replayer.value()->matches());
  return replayer.value()->gpu().StateHash(reader->device().hash_key());
}

TEST_CASE("A recorded run replays in another process to the state that this chip had") {
  RecordingBench bench;
  PlayProtectedFrame(&bench.Start());
  bench.file->Close();
  CHECK(bench.file->trouble().empty());
  struct stat status = {};
  REQUIRE(::stat(bench.options.path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);

  const auto reader = bench.Read();
  INFO(bench.error);
  REQUIRE(reader != nullptr);
  CHECK(reader->end() == RecordingEnd::kClosed);
  CHECK(reader->event_count() == bench.file->event_count());
  CHECK(reader->whole_events() == bench.file->event_count());
  const uint64_t hash = bench.machine->gpu().StateHash(reader->device().hash_key());

  const auto document = nlohmann::json::parse(bench.RunTool("replay run.rec --json", 0));
  CHECK(document["state_hash"] == fmt::format("{:#018x}", hash));
  CHECK(document["matches"] == true);
  CHECK(document["events"] == bench.file->event_count());
  const std::string text = bench.RunTool("replay run.rec --repeat 3", 0);
  CHECK(Has(text, fmt::format("state hash  {:#018x}", hash)));
  CHECK(Has(text, "same hash 3/3"));
}

TEST_CASE("A recording stops before an event, in a state of its own") {
  RecordingBench bench;
  PlayProtectedFrame(&bench.Start());
  bench.file->Close();
  const auto whole = nlohmann::json::parse(bench.RunTool("replay run.rec --json", 0));
  const uint64_t events = whole["events"];
  const auto half = nlohmann::json::parse(
      bench.RunTool(fmt::format("replay run.rec --json --until {}", events / 2), 0));
  CHECK(half["replayed_events"] >= events / 2);
  CHECK(half["replayed_events"] < events);
  CHECK(half["state_hash"] != whole["state_hash"]);
  const auto past = nlohmann::json::parse(
      bench.RunTool(fmt::format("replay run.rec --json --until {}", 2 * events), 0));
  CHECK(past["state_hash"] == whole["state_hash"]);
}

TEST_CASE("A replay goes backwards to every call, and is what it was there") {
  RecordingBench bench;
  PlayProtectedFrame(&bench.Start());
  bench.file->Close();
  const auto reader = bench.Read();
  INFO(bench.error);
  REQUIRE(reader != nullptr);
  const auto replayer = Replayer::Create(reader->device().options(), reader.get(), nullptr);
  REQUIRE(replayer.ok());
  Replayer& chip = *replayer.value();
  chip.SetNotingMemory(true);
  // Far more calls than there are checkpoints: they are thinned out on the way.
  emulator::TimeLine line(&chip, 2);
  struct Seen {
    uint64_t hash;
    uint64_t event;
    uint64_t now_ns;
  };
  std::vector<Seen> seen;
  do {
    seen.push_back({chip.gpu().StateHash(), chip.event(), chip.now_ns()});
  } while (line.Step());
  REQUIRE(chip.matches());
  REQUIRE(seen.size() > 100);
  CHECK(reader->call_count() == seen.size() - 1);
  // Down and up again by strides that hit every call, and the same ones more than once.
  const uint64_t last = seen.size() - 1;
  for (uint64_t i = 0; i < seen.size(); ++i) {
    const uint64_t call = (last + i * 7919) % seen.size();
    REQUIRE(line.GoTo(call));
    REQUIRE(chip.call() == call);
    REQUIRE(chip.gpu().StateHash() == seen[call].hash);
    REQUIRE(chip.event() == seen[call].event);
    REQUIRE(chip.now_ns() == seen[call].now_ns);
    if (i == 200) break;
  }
  CHECK_FALSE(line.GoTo(last + 1));
  CHECK(chip.gpu().StateHash() == seen[last].hash);
}

TEST_CASE("A recording of an identity that is not for tests has to be sealed") {
  RecordingBench bench;
  bench.options.is_test_identity = false;
  std::string error;
  CHECK(emulator::RecordingFile::Open(bench.options, TestGpuOptions(), &error) == nullptr);
  CHECK(Has(error, "record-key"));
  CHECK_FALSE(std::filesystem::exists(bench.options.path));

  bench.folder.WriteText("key", std::string(32, 'k'));
  KeepToOwner(bench.folder / "key");
  bench.folder.WriteText("other", std::string(32, 'o'));
  bench.folder.WriteText("short", std::string(31, 'k'));
  bench.options.key_file = bench.folder / "short";
  CHECK(emulator::RecordingFile::Open(bench.options, TestGpuOptions(), &error) == nullptr);
  CHECK(Has(error, "is not 32 bytes long"));
  bench.options.key_file = bench.folder / "key";
  PlayProtectedFrame(&bench.Start());
  bench.file->Close();

  CHECK(Has(bench.RunTool("replay run.rec", 1), "is sealed: give the key"));
  CHECK(Has(bench.RunTool("replay run.rec --key other", 1), "under another key"));
  CHECK(Has(bench.RunTool("replay run.rec --key short", 1), "is not 32 bytes long"));
  SecretBytes<32> key;
  std::fill_n(key.Expose().begin(), key.kSizeBytes, uint8_t{'k'});
  const auto reader = bench.Read(&key);
  REQUIRE(reader != nullptr);
  const uint64_t hash = bench.machine->gpu().StateHash(reader->device().hash_key());
  CHECK(ReplayAll(reader.get()) == hash);
  CHECK(Has(bench.RunTool("replay run.rec --key key", 0), fmt::format("{:#018x}", hash)));
}

TEST_CASE("A sealed recording holds no secret in the clear; an open one is why it has to be") {
  RecordingBench bench;
  bench.folder.WriteText("key", std::string(32, 'k'));
  KeepToOwner(bench.folder / "key");
  const std::vector<uint8_t> random = {0x8f, 0x41, 0xe9, 0x03, 0xd7, 0x52, 0xac, 0x6b,
                                       0x19, 0xf4, 0x70, 0xce, 0x25, 0x9a, 0x3d, 0xb8};
  const auto record = [&](bool sealed) {
    bench.options.key_file = sealed ? bench.folder / "key" : std::filesystem::path();
    bench.Open();
    bench.Start(7);
    bench.machine->SetNextRandom(random);
    PlayProtectedFrame(bench.machine.get());
    bench.file->Close();
    bench.file.reset();
    return bench.folder.Read("run.rec");
  };
  const ConstByteSpan private_key = SharedIdentity().private_key();
  const Bytes open = record(false);
  CHECK(Holds(open, private_key));
  CHECK(Holds(open, random));
  const Bytes sealed = record(true);
  CHECK_FALSE(Holds(sealed, private_key));
  CHECK_FALSE(Holds(sealed, random));
  CHECK_FALSE(Holds(sealed, private_key.subspan(100, 16)));
}

TEST_CASE("Hashes of one recording agree, and those of two of the same run do not") {
  const auto hash = [](bool with_key) {
    RecordingBench bench;
    if (with_key) {
      PlayProtectedFrame(&bench.Start(7));
    } else {
      bench.Start(7);
    }
    const auto kernel = OpenKernel(bench.machine.get());
    Application application(kernel.get());
    const auto session = application.CreateKeyedSession(kSessionKey);
    bench.file->Close();
    const auto reader = bench.Read();
    REQUIRE(reader != nullptr);
    const uint64_t first = ReplayAll(reader.get());
    REQUIRE(ReplayAll(reader.get()) == first);
    return first;
  };
  // The keys are equal, their digests are not: another recording's hash tells nothing of them.
  CHECK(hash(false) != hash(false));
}

TEST_CASE("A writer that is killed leaves what it wrote, up to the last whole call") {
  RecordingBench bench;
  SharedIdentity();  // before the fork
  const pid_t child = ::fork();
  if (child == 0) {
    bench.Start();
    bench.PlayLittle();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));

  const std::string refusal = bench.RunTool("replay run.rec", 1);
  CHECK(Has(refusal, "without an end: it is cut short, or its writer was killed"));
  CHECK(Has(refusal, "--partial"));
  const auto document = nlohmann::json::parse(bench.RunTool("replay run.rec --partial --json", 0));
  CHECK(document["end"] == "unfinished");
  CHECK(document["matches"] == true);
  CHECK(document["replayed_calls"] > 3);
  // The last call is whole: it is made too.
  CHECK(document["replayed_events"] == document["events"]);
}

TEST_CASE("A recording ends at its limit and where the chip becomes another one, and says so") {
  RecordingBench bench;
  SECTION("limit") {
    bench.options.limit_bytes = 100000;
    PlayProtectedFrame(&bench.Start());
    CHECK(Has(bench.file->trouble(), "as many as it may"));
    bench.file->Close();
    CHECK(std::filesystem::file_size(bench.options.path) <= 100000);
    const auto document = nlohmann::json::parse(bench.RunTool("replay run.rec --json", 0));
    CHECK(document["end"] == "limit");
    CHECK(document["replayed_calls"] > 10);
  }
  SECTION("snapshot") {
    bench.Start();
    const device::GpuSnapshot before = bench.machine->gpu().TakeSnapshot();
    bench.PlayLittle();
    const uint64_t events = bench.file->event_count();
    bench.machine->boundary().Restore(before);
    CHECK(Has(bench.file->trouble(), "goes on from a snapshot"));
    bench.PlayLittle();
    CHECK(bench.file->event_count() == events);
    const auto reader = bench.Read();
    REQUIRE(reader != nullptr);
    CHECK(reader->end() == RecordingEnd::kSnapshot);
    ReplayAll(reader.get());
  }
  SECTION("sealed state") {
    bench.Start();
    fakes::FakeSeal seal;
    const auto state = bench.machine->gpu().SaveState({&seal});
    REQUIRE(state.ok());
    REQUIRE(bench.machine->boundary().LoadState(state.value(), &seal).ok());
    CHECK(Has(bench.file->trouble(), "goes on from a sealed state"));
    const auto reader = bench.Read();
    REQUIRE(reader != nullptr);
    CHECK(reader->end() == RecordingEnd::kSealedState);
    ReplayAll(reader.get());
  }
}

TEST_CASE("A state without a seal is loaded again in the replay") {
  RecordingBench bench;
  fakes::FakeSeal seal;
  bench.Start();
  bench.PlayLittle();
  const auto state = bench.machine->gpu().SaveState({});
  REQUIRE(state.ok());
  bench.machine->BarWrite32(0, abi::kRegScratch, 99);
  // With a seal and without: the state has none.
  REQUIRE(bench.machine->boundary().LoadState(state.value(), &seal).ok());
  CHECK(bench.machine->BarRead32(0, abi::kRegScratch) == 0x12345678);
  REQUIRE_FALSE(bench.machine->boundary().LoadState(Bytes(100), nullptr).ok());
  bench.PlayLittle();
  bench.file->Close();
  const auto reader = bench.Read();
  INFO(bench.error);
  REQUIRE(reader != nullptr);
  CHECK(ReplayAll(reader.get()) == bench.machine->gpu().StateHash(reader->device().hash_key()));
}

TEST_CASE("A recording knows every option that its chip was made with") {
  RecordingBench bench;
  device::GpuOptions gpu = TestGpuOptions();
  gpu.visible_vram_bytes = 8 << 20;
  gpu.protected_vram_bytes = 12 << 12;
  gpu.latency = device::LatencyPreset::kRealistic;
  gpu.strict_iv = true;
  gpu.open_decrypt = true;
  gpu.displays[0] = {.connected = false, .width = 1280, .height = 800};
  gpu.displays[1] = {.width = 3840, .height = 2160};
  gpu.failing_self_test = 3;
  std::string error;
  REQUIRE(emulator::RecordingFile::Open(bench.options, gpu, &error) != nullptr);
  const auto reader = bench.Read();
  INFO(bench.error);
  REQUIRE(reader != nullptr);
  const device::GpuOptions& read = reader->device().options();
  CHECK(read.visible_vram_bytes == gpu.visible_vram_bytes);
  CHECK(read.protected_vram_bytes == gpu.protected_vram_bytes);
  CHECK(read.latency == gpu.latency);
  CHECK(read.strict_iv);
  CHECK(read.open_decrypt);
  CHECK(read.displays[0] == gpu.displays[0]);
  CHECK(read.displays[1] == gpu.displays[1]);
  CHECK(read.failing_self_test == 3);
  CHECK(std::ranges::equal(read.identity_private_key, gpu.identity_private_key));
  CHECK(std::ranges::equal(read.identity_certificates, gpu.identity_certificates));
  gpu.failing_self_test = -1;
  REQUIRE(emulator::RecordingFile::Open(bench.options, gpu, &error) != nullptr);
  CHECK(bench.Read()->device().options().failing_self_test == -1);
}

TEST_CASE("A disk without room ends the recording, not the chip, and leaves what is there") {
  RecordingBench bench;
  bench.Start();
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit = {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &old_limit) == 0);
  const rlimit limit = {100000, old_limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  const std::vector<uint8_t> image(65536, 3);
  for (int i = 0; i < 4; ++i) {
    bench.file->OnEvent({emulator::BoundaryEventKind::kDmaRead, true, 0, 0, 0, image});
  }
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &old_limit) == 0);
  ::signal(SIGXFSZ, old_handler);
  CHECK(Has(bench.file->trouble(), "could not be written: File too large"));
  bench.PlayLittle();  // goes on
  CHECK(bench.Read() == nullptr);
  CHECK(bench.Read(nullptr, true) != nullptr);
}

TEST_CASE("A recording takes the place of an older one, and of nothing else") {
  RecordingBench bench;
  bench.Start();
  std::string error;
  // Held by this device.
  CHECK(emulator::RecordingFile::Open(bench.options, TestGpuOptions(), &error) == nullptr);
  CHECK(Has(error, "is being written by another device"));
  bench.file->Close();
  CHECK(emulator::RecordingFile::Open(bench.options, TestGpuOptions(), &error) != nullptr);
  std::filesystem::create_directory(bench.folder / "folder");
  bench.options.path = bench.folder / "folder";
  CHECK(emulator::RecordingFile::Open(bench.options, TestGpuOptions(), &error) == nullptr);
  CHECK(Has(error, "no regular file"));
  bench.options.path = bench.folder / "nowhere/run.rec";
  CHECK(emulator::RecordingFile::Open(bench.options, TestGpuOptions(), &error) == nullptr);
  CHECK(Has(error, "can't be created: No such file or directory"));
}

}  // namespace
}  // namespace ward::test
