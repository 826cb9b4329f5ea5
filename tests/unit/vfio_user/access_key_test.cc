// The key of a TCP endpoint, held against libcrypto's own HMAC through another of its doors.
#include "emulator/vfio_user/access_key.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <fstream>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/vfio_user/server_rig.h"

namespace ward::test {
namespace {

using emulator::AccessKey;

std::string WriteKey(const std::string& path, size_t bytes, mode_t mode = 0600) {
  std::ofstream file(path, std::ios::binary);
  for (size_t i = 0; i < bytes; ++i) file.put(static_cast<char>(i * 5 + 1));
  file.close();
  chmod(path.c_str(), mode);
  return path;
}

AccessKey::Proof Prove(const AccessKey::Proof& challenge, uint8_t change = 0) {
  WireBytes key(32);
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(i * 5 + 1);
  key[31] ^= change;
  AccessKey::Proof proof{};
  size_t size = proof.size();
  REQUIRE(EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key.data(), key.size(),
                    challenge.data(), challenge.size(), proof.data(), proof.size(),
                    &size) != nullptr);
  return proof;
}

TEST_CASE("a key accepts its own proof, and no proof of another key, challenge or bit") {
  const TempFolder folder;
  std::string error;
  const auto key = AccessKey::Load(WriteKey(folder / "key", 32), &error);
  REQUIRE(key != nullptr);
  AccessKey::Proof challenge{}, other{};
  REQUIRE(AccessKey::MakeChallenge(&challenge));
  REQUIRE(AccessKey::MakeChallenge(&other));
  CHECK(challenge != other);
  const AccessKey::Proof proof = Prove(challenge);
  CHECK(key->Accepts(challenge, proof));
  CHECK_FALSE(key->Accepts(other, proof));
  CHECK_FALSE(key->Accepts(challenge, Prove(challenge, 1)));
  CHECK_FALSE(key->Accepts(challenge, challenge));
  CHECK_FALSE(key->Accepts(challenge, {}));
  for (size_t bit = 0; bit < 256; ++bit) {
    AccessKey::Proof wrong = proof;
    wrong[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    CHECK_FALSE(key->Accepts(challenge, wrong));
  }
}

TEST_CASE("a key that can't be used says what mends it, and never itself") {
  const TempFolder folder;
  std::string error;
  for (const size_t bytes : {0u, 31u, 33u, 64u}) {
    CHECK(AccessKey::Load(WriteKey(folder / "key", bytes), &error) == nullptr);
    CHECK(error.find("32 bytes") != std::string::npos);
    CHECK(error.find("/dev/urandom") != std::string::npos);
  }
  CHECK(AccessKey::Load(folder / "none", &error) == nullptr);
  CHECK(error.find("No such file") != std::string::npos);
  CHECK(AccessKey::Load(folder / ".", &error) == nullptr);
  REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK(AccessKey::Load(folder / "fifo", &error) == nullptr);  // does not wait for a writer
  CHECK(AccessKey::Load(WriteKey(folder / "shared", 32, 0640), &error) == nullptr);
  CHECK(error.find("chmod 600") != std::string::npos);
}

// Connects and takes the challenge.
AccessKey::Proof TakeChallenge(WireClient* client) {
  AccessKey::Proof challenge{};
  for (size_t got = 0; got < challenge.size();) {
    REQUIRE(client->HasInput(WireClient::kLimitMs));
    const ssize_t more = read(client->socket(), challenge.data() + got, challenge.size() - got);
    REQUIRE(more > 0);
    got += static_cast<size_t>(more);
  }
  return challenge;
}

TEST_CASE("P14_ over TCP only who holds the key is served") {
  const TempFolder folder;
  std::string error;
  const auto key = AccessKey::Load(WriteKey(folder / "key", 32), &error);
  const ServedDevice device({.tcp = true, .key = key.get()});

  WireClient wrong = device.Connect();
  wrong.SendBytes(Prove(TakeChallenge(&wrong), 0x80));
  CHECK(wrong.IsClosed());

  WireClient blunt = device.Connect();  // begins to speak without a proof
  TakeChallenge(&blunt);
  blunt.Send(abi::vfio_user::Command::kVersion, WireClient::VersionBody(WireClient::kJson));
  CHECK(blunt.IsClosed());

  WireClient replay = device.Connect();
  const AccessKey::Proof old = Prove(TakeChallenge(&replay));
  replay.Close();
  WireClient replayed = device.Connect();
  TakeChallenge(&replayed);
  replayed.SendBytes(old);
  CHECK(replayed.IsClosed());

  WireClient half = device.Connect();
  half.SendBytes(ConstByteSpan(Prove(TakeChallenge(&half))).first(31));
  half.CloseSending();
  CHECK(half.IsClosed());

  WireClient silent = device.Connect();  // holds up nobody

  WireClient right = device.Connect();
  for (const uint8_t byte : Prove(TakeChallenge(&right))) {
    right.SendBytes(ConstByteSpan(&byte, 1));  // in pieces
  }
  CHECK(right.Agree().error() == 0);
  right.PowerUp();
  CHECK(right.Register(0) == 0x44524157);

  WireClient second = device.Connect();
  second.SendBytes(Prove(TakeChallenge(&second)));
  CHECK(second.Agree().error() == EBUSY);
  CHECK(right.Register(0) == 0x44524157);
}

TEST_CASE("P14_ V68 who says nothing does not keep a key's holder out") {
  const TempFolder folder;
  std::string error;
  const auto key = AccessKey::Load(WriteKey(folder / "key", 32), &error);
  const ServedDevice device({.tcp = true, .key = key.get()});
  std::vector<WireClient> silent;
  for (int i = 0; i < 100; ++i) silent.push_back(device.Connect());
  WireClient right = device.Connect();
  right.SendBytes(Prove(TakeChallenge(&right)));
  CHECK(right.Agree().error() == 0);
  CHECK(silent.front().IsClosed());  // it made room, unasked
  right.PowerUp();
  CHECK(right.Register(0) == 0x44524157);
}

}  // namespace
}  // namespace ward::test
