// No key byte leaves the chip or appears in what anybody says: everything that crosses the chip's
// boundary outwards, the visible memory, the traces and the application's story are searched.
#include <algorithm>
#include <sstream>
#include <string>

#include "catch2/catch_test_macros.hpp"
#include "emulator/boundary/observers.h"
#include "examples/protected_player/player.h"
#include "tests/integration/application.h"
#include "tests/integration/hardware_party.h"
#include "tests/integration/machine.h"

namespace ward::test {
namespace {

// What the chip sent out, one stream for each way.
class Outflow final : public emulator::BoundaryListener {
 public:
  void OnEvent(const emulator::BoundaryEvent& event) override {
    using Kind = emulator::BoundaryEventKind;
    switch (event.kind) {
      case Kind::kDmaWrite:
      case Kind::kVramWrite:
        writes.insert(writes.end(), event.data.begin(), event.data.end());
        break;
      case Kind::kDmaWriteAtomic64:
      case Kind::kVramWriteAtomic64:
      case Kind::kAnswer:
        for (int byte = 0; byte < 8; ++byte) answers.push_back(event.value >> (8 * byte));
        // Registers are 32 bits: a key in neighbours stands without the upper halves.
        for (int byte = 0; byte < 4; ++byte) words.push_back(event.value >> (8 * byte));
        break;
      default:
        break;
    }
  }
  std::vector<uint8_t> writes;
  std::vector<uint8_t> answers;
  std::vector<uint8_t> words;
};

class TraceText final : public TraceSink {
 public:
  void OnEvent(const TraceEvent& event) override {
    text << event.name << ' ' << event.detail;
    for (const uint64_t argument : event.arguments) {
      text << ' ' << std::hex << argument;
      for (int byte = 0; byte < 8; ++byte) arguments.push_back(argument >> (8 * byte));
    }
    text << '\n';
  }
  std::ostringstream text;
  std::vector<uint8_t> arguments;
};

bool Holds(ConstByteSpan haystack, ConstByteSpan needle) {
  return std::search(haystack.begin(), haystack.end(), needle.begin(), needle.end()) !=
         haystack.end();
}

// Half a key, at any of both ends and in both byte orders, is as bad as all of it.
bool HoldsKey(ConstByteSpan haystack, const Key& key) {
  Key reversed = key;
  std::reverse(reversed.begin(), reversed.end());
  for (const Key& form : {key, reversed}) {
    const ConstByteSpan bytes(form);
    if (Holds(haystack, bytes.first(8)) || Holds(haystack, bytes.last(8))) return true;
  }
  return false;
}

bool HoldsKeyInHex(std::string text, const Key& key) {
  std::transform(text.begin(), text.end(), text.begin(), ::tolower);
  Key reversed = key;
  std::reverse(reversed.begin(), reversed.end());
  for (const Key& form : {key, reversed}) {
    if (text.find(ToHex(form).substr(0, 16)) != std::string::npos) return true;
    if (text.find(ToHex(form).substr(16)) != std::string::npos) return true;
  }
  return false;
}

void CheckHidden(const Outflow& outflow, const TraceText& trace, ConstByteSpan vram,
                 const Key& key) {
  CHECK_FALSE(HoldsKey(outflow.writes, key));
  CHECK_FALSE(HoldsKey(outflow.answers, key));
  CHECK_FALSE(HoldsKey(outflow.words, key));
  CHECK_FALSE(HoldsKey(trace.arguments, key));
  CHECK_FALSE(HoldsKey(vram, key));
  CHECK_FALSE(HoldsKeyInHex(trace.text.str(), key));
}

TEST_CASE("No imported key leaves the chip, at its tear-down neither") {
  Outflow outflow;
  TraceText trace;
  MachineOptions options;
  options.listener = &outflow;
  options.trace = &trace;
  const auto machine = MakeMachine(options);
  const auto kernel = OpenKernel(machine.get());
  const Key key = ParseKey("9d0cb59b41c1f6b1da3f2a3e5c5eaf07");
  const Key name = ParseKey("0f1e2d3c4b5a69788796a5b4c3d2e1f0");
  Application application(kernel.get(), D3DWDDM2_4DDI_VIDEO_FUNCTIONS);
  const auto session = CreateHardwareSession(&application);
  REQUIRE(ImportKey(&application, session.get(), name, key).drm_result == S_OK);
  REQUIRE(SelectKey(session.get(), name) == S_OK);
  // An import that fails has been decrypted as well.
  const auto blob = application.Wrap(MakeImportPlain(1, key));
  REQUIRE(
      CallTrusted(&application, session.get(), kTrustedImport, MakeImport(name, blob)).drm_result ==
      E_INVALIDARG);
  machine->boundary().TearDown();
  // What comes out is found: the echo of the key's name.
  REQUIRE(CallTrusted(&application, CreateHardwareSession(&application).get(), kTrustedEcho, name)
              .drm_result == S_OK);
  CHECK(Holds(outflow.writes, name));
  const ConstByteSpan vram(machine->MapBar(abi::kVramBar), machine->BarSize(abi::kVramBar));
  CheckHidden(outflow, trace, vram, key);
}

TEST_CASE("No key of a session leaves the chip") {
  Outflow outflow;
  TraceText trace;
  MachineOptions options;
  options.listener = &outflow;
  options.trace = &trace;
  const auto machine = MakeMachine(options);
  const auto kernel = OpenKernel(machine.get());
  const Workspace workspace;
  const Clip clip = MakeClip(1);
  const Key session_key = ParseKey("2b7e151628aed2a6abf7158809cf4f3c");
  const Key content_key = ParseKey(clip.content_key);
  const Key wrapped_content_key = EcbEncrypt(session_key, content_key);
  Key wrapped_readback_key{};
  Key counter_block{};
  std::vector<uint8_t> read_back;
  {
    Application application(kernel.get());
    const auto session = application.CreateKeyedSession(session_key);
    const auto staging = application.CreateStaging(clip);
    const auto frame = application.CreateTexture(clip, true);
    application.Upload(staging.get(), Encrypt(workspace, clip));
    REQUIRE(application.video().DecryptionBlt(session.get(), staging.get(), frame.get(), nullptr,
                                              wrapped_content_key, ParseKey(clip.iv)) == S_OK);
    REQUIRE(application.video().GetEncryptionBltKey(session.get(), wrapped_readback_key) == S_OK);
    REQUIRE(application.video().EncryptionBlt(session.get(), frame.get(), staging.get(),
                                              counter_block) == S_OK);
    read_back = application.Download(staging.get());
  }
  // The search finds what is there: the wrapped key, the counter block, the ciphertext.
  CHECK(Holds(outflow.writes, wrapped_readback_key));
  CHECK(Holds(outflow.writes, counter_block));
  CHECK(Holds(outflow.writes, ConstByteSpan(read_back).first(64)));
  CHECK_FALSE(outflow.answers.empty());
  CHECK_FALSE(trace.text.str().empty());

  const ConstByteSpan vram(machine->MapBar(abi::kVramBar), machine->BarSize(abi::kVramBar));
  const Key readback_key = EcbDecrypt(session_key, wrapped_readback_key);
  for (const Key& key : {session_key, content_key, readback_key}) {
    CheckHidden(outflow, trace, vram, key);
  }
  // Nor does any plaintext: a piece of the frame from its middle.
  const ConstByteSpan piece = clip.Frame(0).subspan(clip.frame_bytes() / 3, 64);
  CHECK_FALSE(Holds(outflow.writes, piece));
  CHECK_FALSE(Holds(vram, piece));
}

// Whoever watches the chip with everything on has names, numbers and ciphertext.
TEST_CASE("No trace, capture or report holds a key, a random number or what was decrypted") {
  const Workspace workspace;
  emulator::ObserverOptions files;
  files.trace_path = workspace / "trace.txt";
  files.trace_limits.lines_per_second = 0;
  files.pcap_path = workspace / "ward.pcapng";
  files.report_path = workspace / "report.json";
  std::string error;
  const auto observers = emulator::Observers::Open(files, &error);
  REQUIRE(observers != nullptr);
  Outflow outflow;
  observers->AddListener(&outflow);
  MachineOptions options;
  options.listener = observers->listener();
  options.trace = observers->trace();
  const auto machine = MakeMachine(options);
  const auto kernel = OpenKernel(machine.get());
  const Clip clip = MakeClip(1);
  const Key session_key = ParseKey("2b7e151628aed2a6abf7158809cf4f3c");
  const Key imported_key = ParseKey("9d0cb59b41c1f6b1da3f2a3e5c5eaf07");
  // A key's name is public, and no key's bytes.
  const Key name = ParseKey("c0ffee00112233445566778899aabbcc");
  const Key echoed = ParseKey("6a09e667f3bcc908bb67ae8584caa73b");
  const Key wrapped_content_key = EcbEncrypt(session_key, ParseKey(clip.content_key));
  Key random{};
  {
    Application application(kernel.get(), D3DWDDM2_4DDI_VIDEO_FUNCTIONS);
    const auto session = application.CreateKeyedSession(session_key);
    const auto staging = application.CreateStaging(clip);
    const auto frame = application.CreateTexture(clip, true);
    application.Upload(staging.get(), Encrypt(workspace, clip));
    REQUIRE(application.video().DecryptionBlt(session.get(), staging.get(), frame.get(), nullptr,
                                              wrapped_content_key, ParseKey(clip.iv)) == S_OK);
    REQUIRE(application.video().StartSessionKeyRefresh(session.get(), random) == S_OK);
    const auto hardware = CreateHardwareSession(&application);
    REQUIRE(ImportKey(&application, hardware.get(), name, imported_key).drm_result == S_OK);
    REQUIRE(CallTrusted(&application, hardware.get(), kTrustedEcho, echoed).drm_result == S_OK);
  }
  CHECK(observers->report() != nullptr);
  // The search finds what left the chip and what may be kept.
  CHECK(Holds(outflow.writes, random));
  CHECK(Holds(outflow.writes, echoed));
  CHECK(Holds(workspace.Read("ward.pcapng"), wrapped_content_key));
  CHECK(Holds(workspace.Read("ward.pcapng"), ParseKey(clip.iv)));
  CHECK(workspace.ReadText("trace.txt").find("message CALL_TRUSTED") != std::string::npos);
  for (const char* file : {"trace.txt", "ward.pcapng", "report.json"}) {
    INFO(file);
    const Bytes bytes = workspace.Read(file);
    for (const Key& key : {session_key, ParseKey(clip.content_key), imported_key, random, echoed}) {
      INFO(ToHex(key));
      CHECK_FALSE(HoldsKey(bytes, key));
      CHECK_FALSE(HoldsKeyInHex(workspace.ReadText(file), key));
    }
    CHECK_FALSE(Holds(bytes, clip.Frame(0).subspan(clip.frame_bytes() / 3, 64)));
  }
}

TEST_CASE("The player's story holds no key, also when the job can't be played") {
  const Workspace workspace;
  const Clip clip = MakeClip(1);
  const Key content_key = ParseKey(clip.content_key);
  const auto play = [&] {
    const auto machine = MakeMachine();
    std::istringstream input("continue\n");
    std::ostringstream output;
    examples::Story story(&input, &output);
    const int code =
        examples::RunPlayer(machine.get(), workspace / "job", workspace / "output", &story);
    CHECK_FALSE(HoldsKeyInHex(output.str(), content_key));
    CHECK_FALSE(HoldsKey(
        {reinterpret_cast<const uint8_t*>(output.str().data()), output.str().size()}, content_key));
    return code;
  };
  WriteJob(workspace, "job", clip, SharedRoot());
  CHECK(play() == 0);
  // A header whose syntax breaks behind the key.
  Bytes job = workspace.Read("job");
  const std::string format = "ward-job-1";
  const auto at = std::search(job.begin(), job.end(), format.begin(), format.end());
  REQUIRE(at != job.end());
  *(at - 1) = ' ';
  workspace.Write("job", job);
  CHECK(play() == 1);
}

}  // namespace
}  // namespace ward::test
