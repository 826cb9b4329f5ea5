// What a real browser's decryptor does with a session (DDI 4.5, 7.4, 7.8), and where it is refused.
#include <algorithm>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/integration/browser_decryptor.h"

namespace ward::test {
namespace {

struct Browser : Stage {
  explicit Browser(const MachineOptions& options = {})
      : Stage(options), session(process.MakeKeyedSession(kSessionKey)) {}
  BrowserDecryptor MakeDecryptor(bool is_restricted = true) {
    return BrowserDecryptor(&process, session.get(), kSessionKey, is_restricted);
  }
  SessionPointer session;
};

// A sample as a packager encrypts it: the keystream runs over the encrypted bytes alone.
std::vector<uint8_t> EncryptSample(const std::vector<uint8_t>& text, const Key& key,
                                   const Key& counter, const SubSampleSizes& sub_samples) {
  std::vector<uint8_t> joined;
  size_t at = 0;
  for (const auto& [clear, encrypted] : sub_samples) {
    at += clear;
    joined.insert(joined.end(), text.begin() + at, text.begin() + at + encrypted);
    at += encrypted;
  }
  joined = RunCtr(key, counter, joined);
  std::vector<uint8_t> sample = text;
  at = 0;
  size_t used = 0;
  for (const auto& [clear, encrypted] : sub_samples) {
    at += clear;
    std::copy_n(joined.begin() + used, encrypted, sample.begin() + at);
    at += encrypted;
    used += encrypted;
  }
  return sample;
}

TEST_CASE("a browser's sample comes through: 16384-byte buffers, the beginning rounded up") {
  Browser browser;
  BrowserDecryptor decryptor = browser.MakeDecryptor();
  for (const uint32_t size : {1u, 15u, 16u, 17u, 5000u, 16383u, 16384u}) {
    INFO(size);
    const std::vector<uint8_t> text = MakeText(size);
    const SubSampleSizes whole = {{0, size}};
    CHECK(decryptor.Decrypt(EncryptSample(text, kSessionKey, kIv, whole), kIv, whole) == text);
  }
}

TEST_CASE("a browser's sub-samples are joined before the call, across odd borders") {
  Browser browser;
  BrowserDecryptor decryptor = browser.MakeDecryptor();
  const SubSampleSizes sub_samples = {{5, 100}, {37, 3}, {0, 16}, {2, 0}, {9, 1000}};
  const std::vector<uint8_t> text = MakeText(5 + 100 + 37 + 3 + 16 + 2 + 9 + 1000);
  CHECK(decryptor.Decrypt(EncryptSample(text, kSessionKey, kIv, sub_samples), kIv, sub_samples) ==
        text);
}

TEST_CASE("a CENC IV of 8 bytes is the counter block's IV, with Count 0") {
  Browser browser;
  BrowserDecryptor decryptor = browser.MakeDecryptor();
  const std::vector<uint8_t> text = MakeText(3000);
  const SubSampleSizes sub_samples = {{100, 2900}};
  Key counter = ParseKey("a1b2c3d4e5f607180000000000000000");
  CHECK(decryptor.Decrypt(EncryptSample(text, kSessionKey, counter, sub_samples),
                          ConstByteSpan(counter).first(8), sub_samples) == text);
}

TEST_CASE("a browser's content key is unwrapped by the session key") {
  Browser browser;
  BrowserDecryptor decryptor = browser.MakeDecryptor();
  const std::vector<uint8_t> text = MakeText(777);
  const SubSampleSizes whole = {{0, 777}};
  CHECK(decryptor.Decrypt(EncryptSample(text, kContentKey, kIv, whole), kIv, whole,
                          EcbEncrypt(kSessionKey, kContentKey)) == text);
}

TEST_CASE("R27 the destination that a browser makes for itself, unprotected, stays as it was") {
  Browser browser;
  BrowserDecryptor decryptor = browser.MakeDecryptor(false);
  const std::vector<uint8_t> text = MakeText(777);
  const SubSampleSizes whole = {{0, 777}};
  const std::vector<uint8_t> sample = EncryptSample(text, kSessionKey, kIv, whole);
  CHECK(IsZero(decryptor.Decrypt(sample, kIv, whole)));
  // As the browser reads it: by a plain copy.
  const ResourcePointer staging = browser.process.MakeStaging(BrowserDecryptor::kBufferBytes);
  REQUIRE(browser.process.app.context().CopyResource(staging.get(), decryptor.destination()) ==
          S_OK);
  CHECK(IsZero(browser.process.app.Download(staging.get())));
  CHECK(browser.process.app.device().GetDeviceRemovedReason() == S_OK);
}

TEST_CASE("R27 with the host's switch a browser's own destination is read by a plain copy",
          "[needs-open-decrypt]") {
  Browser browser({.open_decrypt = true});
  BrowserDecryptor decryptor = browser.MakeDecryptor(false);
  const std::vector<uint8_t> text = MakeText(777);
  const SubSampleSizes whole = {{0, 777}};
  (void)decryptor.Decrypt(EncryptSample(text, kSessionKey, kIv, whole), kIv, whole);
  const ResourcePointer staging = browser.process.MakeStaging(BrowserDecryptor::kBufferBytes);
  REQUIRE(browser.process.app.context().CopyResource(staging.get(), decryptor.destination()) ==
          S_OK);
  std::vector<uint8_t> copied = browser.process.app.Download(staging.get());
  copied.resize(text.size());
  CHECK(copied == text);
}

TEST_CASE("a browser's plain copy out of a protected destination brings nothing") {
  Browser browser;
  BrowserDecryptor decryptor = browser.MakeDecryptor();
  const std::vector<uint8_t> text = MakeText(777);
  const SubSampleSizes whole = {{0, 777}};
  CHECK(decryptor.Decrypt(EncryptSample(text, kSessionKey, kIv, whole), kIv, whole) == text);
  const ResourcePointer staging = browser.process.MakeStaging(BrowserDecryptor::kBufferBytes);
  REQUIRE(browser.process.app.context().CopyResource(staging.get(), decryptor.destination()) ==
          S_OK);
  CHECK(IsZero(browser.process.app.Download(staging.get())));
}

}  // namespace
}  // namespace ward::test
