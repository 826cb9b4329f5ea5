// Jobs that are none: one clear line, exit code 1, and no device is opened for them.
#include <functional>
#include <sstream>

#include "catch2/catch_test_macros.hpp"
#include "examples/protected_player/job.h"
#include "examples/protected_player/player.h"
#include "examples/protected_player/step_failure.h"
#include "nlohmann/json.hpp"
#include "tests/integration/clip.h"
#include "tests/integration/function_under_test.h"

namespace ward::test {
namespace {

constexpr size_t kBlockBytes = 4096;

// What is wrong with the job, as it is told; empty when it can be read.
std::string Judge(const Workspace& workspace, const std::string& name) {
  try {
    examples::Job job(workspace / name);
    for (uint32_t frame = 0; frame < job.frame_count(); ++frame) (void)job.ReadFrame(frame);
    return "";
  } catch (const examples::StepFailure& failure) {
    CHECK(failure.step() == "job");
    return failure.what();
  }
}

bool Says(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

// Rewrites the header of the job "good" into "bad".
void Change(const Workspace& workspace, const std::function<void(nlohmann::json*)>& change) {
  Bytes job = workspace.Read("good");
  nlohmann::json header = nlohmann::json::parse(reinterpret_cast<const char*>(job.data()));
  change(&header);
  const std::string text = header.dump();
  std::fill_n(job.begin(), kBlockBytes, uint8_t{0});
  std::copy(text.begin(), text.end(), job.begin());
  workspace.Write("bad", job);
}

TEST_CASE("A job is judged by its header and its length") {
  const Workspace workspace;
  WriteJob(workspace, "good", MakeClip(2), SharedRoot());
  CHECK(Judge(workspace, "good") == "");
  CHECK(Says(Judge(workspace, "missing"), "can't be opened"));

  workspace.WriteText("bad", std::string(20000, 'x'));
  CHECK(Says(Judge(workspace, "bad"), "is not a job"));
  workspace.WriteText("bad", "{}");
  CHECK(Says(Judge(workspace, "bad"), "ends before its header"));

  const Bytes job = workspace.Read("good");
  workspace.Write("bad", ConstByteSpan(job).first(job.size() - 2 * kBlockBytes));
  CHECK(Says(Judge(workspace, "bad"), "ends before frame 1"));
}

TEST_CASE("A job's impossible numbers are refused by name") {
  const Workspace workspace;
  WriteJob(workspace, "good", MakeClip(1), SharedRoot());
  const auto judge = [&](const char* member, const nlohmann::json& value) {
    Change(workspace, [&](nlohmann::json* header) { (*header)[member] = value; });
    return Judge(workspace, "bad");
  };
  CHECK(judge("frames", 1) == "");
  CHECK(Says(judge("format", "ward-job-2"), "is not a job"));
  CHECK(Says(judge("width", 641), "width or height"));
  CHECK(Says(judge("height", 0), "width or height"));
  CHECK(Says(judge("pitch", 638), "pitch"));
  CHECK(Says(judge("frame_bytes", 345616), "frame_bytes"));
  CHECK(Says(judge("frames", 0), "no frames"));
  CHECK(Says(judge("root_bytes", 1 << 20), "root_bytes"));
  CHECK(Says(judge("iv", "00"), "iv"));
  CHECK(Says(judge("iv", "0000000000000000ffffffffffffffff"), "counter that wraps"));
  CHECK(Says(judge("content_key", "zz1e2d3c4b5a69788796a5b4c3d2e1f0"), "content_key"));
  CHECK(Says(judge("color_matrix", "bt2020"), "color_matrix"));
  CHECK(Says(judge("frames", "many"), "wrong type"));
}

TEST_CASE("The counter of a frame follows from those before it") {
  const Workspace workspace;
  WriteJob(workspace, "good", MakeClip(2), SharedRoot());
  const examples::Job job(workspace / "good");
  // 640 x 360 x 3 / 2 / 16 = 21600 blocks, from 1.
  CHECK(ToHex(job.CounterBlock(0)) == "a1b2c3d4e5f607180000000000000001");
  CHECK(ToHex(job.CounterBlock(1)) == "a1b2c3d4e5f607180000000000005461");
}

TEST_CASE("The player trusts no device whose chain leads elsewhere") {
  const Workspace workspace;
  std::string error;
  const auto stranger = emulator::Identity::Create(&error);
  REQUIRE(stranger);
  REQUIRE(stranger->Save(workspace / "stranger", false, &error));
  WriteJob(workspace, "job", MakeClip(1), workspace.ReadText("stranger/root.pem"));
  const FunctionUnderTest machine;
  std::istringstream input;
  std::ostringstream output;
  examples::Story story(&input, &output);
  CHECK(examples::RunPlayer(machine.get(), workspace / "job", workspace / "output", &story) == 1);
  CHECK(Says(output.str(), "WARD step=certificate result=E_FAIL failed: the device's chain"));
  CHECK_FALSE(Says(output.str(), "step=negotiate"));
}

}  // namespace
}  // namespace ward::test
