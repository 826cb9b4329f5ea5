// DriverProtections: whose protected memory is, and that nobody inherits what was in it.
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/stage.h"

namespace ward::test {
namespace {

constexpr uint32_t kFrameBytes = 3 * 4096;

struct TwoSessions : Stage {
  TwoSessions()
      : session(process.MakeKeyedSession(kSessionKey)),
        other(process.MakeKeyedSession(kOtherKey)) {}

  // A protected buffer with MakeText in it, which is `session`'s.
  ResourcePointer MakeFrame() {
    ResourcePointer frame = process.MakeDefault(kFrameBytes, true);
    const std::vector<uint8_t> ciphertext = RunCtr(kSessionKey, kIv, MakeText(kFrameBytes));
    REQUIRE(process.Decrypt(session.get(), ciphertext, kIv, frame.get()) == S_OK);
    return frame;
  }

  SessionPointer session;
  SessionPointer other;
};

TEST_CASE("DriverProtections.OtherSession: one session's content is not read by another (5)",
          "[negative]") {
  TwoSessions stage;
  const ResourcePointer frame = stage.MakeFrame();
  CHECK(stage.process.ReadProtected(stage.other.get(), kOtherKey, frame.get()).empty());
  CHECK(stage.process.ReadProtected(stage.session.get(), kSessionKey, frame.get()) ==
        MakeText(kFrameBytes));
}

TEST_CASE("DriverProtections.CopyKeepsOwner: a copy belongs to the session of its source (5)",
          "[negative]") {
  TwoSessions stage;
  const ResourcePointer frame = stage.MakeFrame();
  const ResourcePointer copy = stage.process.MakeDefault(kFrameBytes, true);
  REQUIRE(stage.process.app.context().CopyResource(copy.get(), frame.get()) == S_OK);
  CHECK(stage.process.ReadProtected(stage.other.get(), kOtherKey, copy.get()).empty());
  CHECK(stage.process.ReadProtected(stage.session.get(), kSessionKey, copy.get()) ==
        MakeText(kFrameBytes));
}

TEST_CASE("DriverProtections.FreshMemory: a new protected buffer holds nothing of an old one (5)",
          "[negative]") {
  TwoSessions stage;
  stage.MakeFrame().reset();
  const ResourcePointer fresh = stage.process.MakeDefault(kFrameBytes, true);
  CHECK(stage.process.ReadProtected(stage.session.get(), kSessionKey, fresh.get()) ==
        std::vector<uint8_t>(kFrameBytes));
}

TEST_CASE(
    "DriverProtections.SessionEnds: its content ends with it, and the memory is anybody's (5)",
    "[negative]") {
  TwoSessions stage;
  const ResourcePointer frame = stage.MakeFrame();
  stage.session.reset();
  CHECK(stage.process.ReadProtected(stage.other.get(), kOtherKey, frame.get()) ==
        std::vector<uint8_t>(kFrameBytes));
}

TEST_CASE("DriverProtections.Overwritten: what another session decrypts over it is that one's (5)",
          "[negative]") {
  TwoSessions stage;
  const ResourcePointer frame = stage.MakeFrame();
  const std::vector<uint8_t> text(kFrameBytes, 0x3C);
  REQUIRE(stage.process.Decrypt(stage.other.get(), RunCtr(kOtherKey, kIv, text), kIv,
                                frame.get()) == S_OK);
  CHECK(stage.process.ReadProtected(stage.session.get(), kSessionKey, frame.get()).empty());
  CHECK(stage.process.ReadProtected(stage.other.get(), kOtherKey, frame.get()) == text);
}

}  // namespace
}  // namespace ward::test
