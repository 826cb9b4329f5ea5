// The demo's application over the whole stack in one process.
#include <fstream>
#include <functional>
#include <sstream>
#include <streambuf>

#include "catch2/catch_test_macros.hpp"
#include "examples/protected_player/player.h"
#include "nlohmann/json.hpp"
#include "tests/integration/clip.h"
#include "tests/integration/function_under_test.h"
#include "tests/integration/picture.h"

namespace ward::test {
namespace {

// docs/spec/video.md: each channel is within 1 of the definition.
constexpr int kVideoErrorBound = 1;

// An input that calls a function when somebody waits for its line.
class HoldBuffer : public std::streambuf {
 public:
  explicit HoldBuffer(std::function<void()> on_hold) : on_hold_(std::move(on_hold)) {}

 protected:
  int_type underflow() override {
    on_hold_();
    setg(line_, line_, line_ + 1);
    return line_[0];
  }

 private:
  std::function<void()> on_hold_;
  char line_[1] = {'\n'};
};

struct Played {
  int code = -1;
  std::string story;
  nlohmann::json report;
  Picture operator_view;
  Picture capture_view;
};

Picture ReadScanout(const emulator::InProcessHost& machine, device::ScanoutView view) {
  device::Gpu& gpu = const_cast<emulator::InProcessHost&>(machine).gpu();
  const device::ScanoutInfo info = gpu.Scanout(0);
  Picture picture = {info.width, info.height,
                     std::vector<uint8_t>(size_t{info.width} * info.height * 4)};
  REQUIRE(gpu.ReadScanout(0, view, picture.pixels, info.width * 4));
  return picture;
}

Played Play(emulator::InProcessHost* machine, const Workspace& workspace) {
  Played played;
  HoldBuffer buffer([&] {
    played.operator_view = ReadScanout(*machine, device::ScanoutView::kOperator);
    played.capture_view = ReadScanout(*machine, device::ScanoutView::kCapture);
  });
  std::istream input(&buffer);
  std::ostringstream output;
  examples::Story story(&input, &output);
  played.code = examples::RunPlayer(machine, workspace / "job", workspace / "output", &story);
  played.story = output.str();
  const size_t at = played.story.find("WARD report ");
  if (at != std::string::npos) {
    const size_t begin = at + std::string("WARD report ").size();
    played.report =
        nlohmann::json::parse(played.story.substr(begin, played.story.find('\n', at) - begin));
  }
  return played;
}

TEST_CASE("The player shows a clip and reads all of it back, and the CPU sees nothing",
          "[needs-inside]") {
  const Workspace workspace;
  const Clip clip = MakeClip(3);
  WriteJob(workspace, "job", clip, SharedRoot());
  const FunctionUnderTest machine;
  const Played played = Play(&machine.inside(), workspace);
  INFO(played.story);
  REQUIRE(played.code == 0);

  const Picture expected = ConvertNv12(clip.Frame(2), clip.width, clip.height, clip.pitch);
  WritePng(played.operator_view, std::filesystem::path(WARD_BINARY_DIR) / "integration-screen.png");
  CHECK(GreatestDifference(played.operator_view, expected) <= kVideoErrorBound);
  CHECK(IsBlack(played.capture_view));

  const nlohmann::json& report = played.report;
  CHECK(report.at("frames") == 3);
  CHECK(report.at("bytes_decrypted") == clip.frames.size());
  CHECK(report.at("bytes_read_back") == clip.frames.size());
  CHECK(report.at("wrong_blob_result") == "E_INVALIDARG");
  CHECK(report.at("protected_reads_refused") == 6);
  CHECK(report.at("protected_reads_tried") == 6);
  // What was refused is told behind the end of all of it: the tampered blob, the decryption probe.
  const size_t events = played.story.find("WARD events session ");
  REQUIRE(events != std::string::npos);
  CHECK(events > played.story.find("WARD step=destroy_device"));
  CHECK(played.story.find("1 refused by the driver, last: KEY_EXCHANGE_FAILED", events) !=
        std::string::npos);
  CHECK(played.story.find("last: DecryptionBlt to a resource without RESTRICTED_CONTENT", events) !=
        std::string::npos);

  const Bytes output = workspace.Read("output");
  const size_t stride = report.at("read_back_stride");
  for (uint32_t frame = 0; frame < clip.frame_count; ++frame) {
    const ConstByteSpan recovered =
        ConstByteSpan(output).subspan(frame * stride, clip.frame_bytes());
    CHECK(std::equal(recovered.begin(), recovered.end(), clip.Frame(frame).begin()));
  }
  const size_t view_offset = report.at("cpu_view_offset");
  REQUIRE(output.size() == view_offset + size_t{clip.width} * clip.height * 4);
  CHECK(IsBlack({clip.width, clip.height, {output.begin() + view_offset, output.end()}}));
}

}  // namespace
}  // namespace ward::test
