// DriverProtections: counters under the strict policy (R21), which the machine's owner chooses.
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/stage.h"

namespace ward::test {
namespace {

struct StrictStage {
  StrictStage()
      : machine(MachineOptions{.strict_iv = true}),
        kernel(OpenKernel(machine.get())),
        process(kernel.get()),
        session(process.MakeKeyedSession(kSessionKey)) {}

  // Whether a blt of `blocks` blocks from this counter on wrote its destination.
  bool Takes(const char* counter, size_t blocks, const Key& key = kSessionKey) {
    const Key iv = ParseKey(counter);
    const std::vector<uint8_t> text = MakeText(16 * blocks);
    const ResourcePointer frame = process.MakeDefault(static_cast<uint32_t>(text.size()), true);
    const Key wrapped = EcbEncrypt(session_key, key);
    const ConstByteSpan content_key = key == session_key ? ConstByteSpan{} : ConstByteSpan(wrapped);
    REQUIRE(process.Decrypt(session.get(), RunCtr(key, iv, text), iv, frame.get(), content_key) ==
            S_OK);
    return process.ReadProtected(session.get(), session_key, frame.get()) == text;
  }

  FunctionUnderTest machine;
  std::unique_ptr<runtime::Kernel> kernel;
  Process process;
  SessionPointer session;
  Key session_key = kSessionKey;
};

TEST_CASE("DriverProtections.StrictSame: a counter range is accepted once (R21)",
          "[negative][needs-strict-iv]") {
  StrictStage stage;
  CHECK(stage.Takes("00000000000000010000000000000000", 4));
  CHECK_FALSE(stage.Takes("00000000000000010000000000000000", 4));
}

TEST_CASE("DriverProtections.StrictOverlap: a range that begins in the last one is refused (R21)",
          "[negative][needs-strict-iv]") {
  StrictStage stage;
  CHECK(stage.Takes("00000000000000010000000000000000", 4));
  CHECK_FALSE(stage.Takes("00000000000000010000000000000003", 4));
  CHECK(stage.Takes("00000000000000010000000000000004", 4));
}

TEST_CASE("DriverProtections.StrictBackwards: a smaller IV is refused (R21)",
          "[negative][needs-strict-iv]") {
  StrictStage stage;
  CHECK(stage.Takes("00000000000000020000000000000000", 1));
  CHECK_FALSE(stage.Takes("00000000000000010000000000000009", 1));
  CHECK(stage.Takes("00000000000000030000000000000000", 1));
}

TEST_CASE("DriverProtections.StrictContentKey: a content key has counters of its own (R21)",
          "[needs-strict-iv]") {
  StrictStage stage;
  CHECK(stage.Takes("00000000000000010000000000000000", 4));
  CHECK(stage.Takes("00000000000000010000000000000000", 4, kContentKey));
}

TEST_CASE("DriverProtections.StrictRefresh: a new session key starts anew (7.7)",
          "[needs-strict-iv]") {
  StrictStage stage;
  CHECK(stage.Takes("00000000000000010000000000000000", 4));
  Key random{};
  runtime::VideoContext& video = stage.process.app.video();
  REQUIRE(video.StartSessionKeyRefresh(stage.session.get(), random) == S_OK);
  REQUIRE(video.FinishSessionKeyRefresh(stage.session.get()) == S_OK);
  stage.session_key = Xor(kSessionKey, random);
  CHECK(stage.Takes("00000000000000010000000000000000", 4, stage.session_key));
}

}  // namespace
}  // namespace ward::test
