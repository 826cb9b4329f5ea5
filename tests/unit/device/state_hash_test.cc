// Every field of every block is a part of the state hash: each is changed by itself, in a chip that
// is busy with everything, and the hash changes.
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "device/gpu_implementation.h"
#include "device/state_archive.h"
#include "tests/unit/device/chip_memory.h"
#include "tests/unit/device/state_rig.h"

namespace ward::device {
namespace {

constexpr SipKey kHashKey = {1, 2};

// Walks over state as hashing and saving do (device/state_walk.h), and changes one bit of the one
// value that it is for. A second walk takes it back.
class FieldFlipper {
 public:
  static constexpr bool kReads = false;
  static constexpr uint64_t kNone = UINT64_MAX;

  explicit FieldFlipper(uint64_t target = kNone) : target_(target) {}
  uint64_t count() const { return count_; }

  template <typename... T>
  void Fields(const char* names, T&... fields) {
    // A GuestRange lists a copy of itself: ByteFlips changes it.
    if (std::strcmp(names, "spans") == 0) return;
    (WalkState(*this, fields), ...);
  }
  template <typename T>
  void Number(T& value) {
    if (count_++ != target_) return;
    if constexpr (std::is_same_v<T, bool>) {
      value = !value;
    } else {
      value = static_cast<T>(value ^ static_cast<T>(T{1} << target_ % (8 * sizeof(T) - 1)));
    }
  }
  template <typename T>
  void Enumerator(T& value) {
    if (count_++ != target_) return;
    value = static_cast<T>(static_cast<std::underlying_type_t<T>>(value) ^ 1);
  }
  template <typename T>
  void Bytes(T& bytes) {
    for (uint8_t& byte : bytes) Number(byte);
  }
  template <typename T>
  void Records(T& records) {
    for (auto& record : records) WalkState(*this, record);
  }
  template <typename T>
  void List(std::vector<T>& list) {
    for (T& element : list) WalkState(*this, element);
  }

 private:
  uint64_t target_;
  uint64_t count_ = 0;
};

// A chip with work of every kind in flight, whose state can be taken out and put in.
class StateBench {
 public:
  StateBench() : ports_(fakes::GpuRig::kVisibleBytes) {
    fakes::StateRig rig;
    rig.SetUp();
    rig.MakeBusy();
    fakes::FakeSeal seal;
    const test::Bytes saved = rig.Save(&seal, false);
    auto created = GpuImplementation::Create(fakes::GpuRig::Options(), ports_.ports());
    REQUIRE(created.ok());
    chip_ = std::move(created.value());
    REQUIRE(chip_->LoadState(saved, &seal).ok());
    content = chip_->Save(false);
    content->serial = 0;  // it is changed by hand, so that each load is of another state
  }

  uint64_t Hash() {
    chip_->Load(*content);
    return chip_->StateHash(kHashKey);
  }

  // Changes each value of `block`, a part of the content.
  template <typename T>
  void CheckFields(const char* name, T* block) {
    const uint64_t whole = Hash();
    FieldFlipper counter;
    WalkState(counter, *block);
    CHECK(counter.count() != 0);
    for (uint64_t field = 0; field < counter.count(); ++field) {
      FieldFlipper flip(field);
      WalkState(flip, *block);
      const uint64_t changed = Hash();
      FieldFlipper back(field);
      WalkState(back, *block);
      INFO(name << ", field " << field);
      REQUIRE(changed != whole);
    }
    CHECK(Hash() == whole);
  }

  // Everything but protected memory, which has its own test and makes hashing slow.
  void DropMemory() {
    content->memory.pages.clear();
    content->memory.owners.Clear();
  }

  using Content = decltype(std::declval<const GpuImplementation&>().Save(false));
  Content content;  // the whole state, to be changed

 private:
  fakes::FakePorts ports_;
  std::unique_ptr<GpuImplementation> chip_;
};

TEST_CASE("the state hash changes with every field of every block") {
  StateBench bench;
  bench.DropMemory();
  auto& content = *bench.content;
  SECTION("registers") { bench.CheckFields("registers", &content.registers); }
  SECTION("configuration space") { bench.CheckFields("config", &content.config); }
  SECTION("contexts") { bench.CheckFields("contexts", &content.contexts); }
  SECTION("grants") { bench.CheckFields("grants", &content.grants); }
  SECTION("security processor") { bench.CheckFields("security", content.security.get()); }
  SECTION("display") { bench.CheckFields("display", &content.display); }
  SECTION("command processor") { bench.CheckFields("processor", &content.processor); }
  SECTION("interrupts") { bench.CheckFields("interrupts", &content.interrupts); }
}

TEST_CASE("an engine's job that was cleared is as a new one, whatever was in it") {
  const auto hash_of = [](const EngineJob& job) {
    StateHasher hasher;
    WalkState(hasher, job);
    return hasher.value();
  };
  EngineJob used;
  used.kind = EngineJob::Kind::kDecryptSample;
  used.sample = SubSampleMap({1, 1});
  used.sample.Append({5, 7});
  FieldFlipper counter;
  WalkState(counter, used);
  REQUIRE(counter.count() > sizeof(used.command));
  for (uint64_t field = 0; field < counter.count(); ++field) {
    EngineJob job = used;
    job.kind = EngineJob::Kind::kDecryptSample;
    FieldFlipper flip(field);
    WalkState(flip, job);
    INFO("field " << field);
    REQUIRE(hash_of(job) != hash_of(EngineJob{}));
    job.Clear();
    REQUIRE(hash_of(job) == hash_of(EngineJob{}));
  }
  const ChipMemory chip;
  for (GuestRange EngineJob::* range : {&EngineJob::destination, &EngineJob::source,
                                        &EngineJob::second_source, &EngineJob::iv_destination}) {
    EngineJob job = used;
    job.*range = chip.ProtectedRange(0, 4096);
    job.Clear();
    CHECK(hash_of(job) == hash_of(EngineJob{}));
  }
}

// What of the command processor's state is not changed in place: ranges of jobs in flight.
TEST_CASE("the state hash changes with every saved byte of the command processor") {
  StateBench bench;
  bench.DropMemory();
  const uint64_t whole = bench.Hash();
  StateWriter writer;
  WalkState(writer, bench.content->processor);
  test::Bytes bytes = writer.bytes();
  size_t tried = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    bytes[at] ^= 1;
    CommandProcessor::State changed;
    StateReader reader(bytes);
    WalkState(reader, changed);
    bytes[at] ^= 1;
    if (!reader.AtEnd()) continue;  // no state any more: a length or a bool
    ++tried;
    std::swap(bench.content->processor, changed);
    INFO("byte " << at);
    REQUIRE(bench.Hash() != whole);
    std::swap(bench.content->processor, changed);
  }
  CHECK(tried > bytes.size() / 2);
  CHECK(bench.Hash() == whole);
}

TEST_CASE("the state hash changes with every page of protected memory, its owner and its bytes") {
  StateBench bench;
  Memory::State& memory = bench.content->memory;
  const uint64_t whole = bench.Hash();
  REQUIRE(memory.pages.size() > 32);
  for (size_t i = 0; i < memory.pages.size(); ++i) {
    uint8_t& byte = memory.pages[i].bytes[i * 61 % 4096];
    byte ^= 0x20;
    INFO("page " << i);
    REQUIRE(bench.Hash() != whole);
    byte ^= 0x20;
  }
  for (size_t page = 0; page < memory.owners.size(); page += 7) {
    const PageOwner owner = memory.owners.Of(page);
    memory.owners.Set(page, owner ^ 4);
    REQUIRE(bench.Hash() != whole);
    memory.owners.Set(page, owner);
  }
  for (size_t at = 0; at < 4096; at += 5) {
    memory.pages[3].bytes[at] ^= 1;
    REQUIRE(bench.Hash() != whole);
    memory.pages[3].bytes[at] ^= 1;
  }
  memory.pages.back().number += 1;
  CHECK(bench.Hash() != whole);
  memory.pages.back().number -= 1;
  CHECK(bench.Hash() == whole);
}

// The vault shows its slots to nobody; what it seals is all of them, field by field.
TEST_CASE("the state hash changes with every field of every key slot") {
  KeyVault vault(8);
  for (const auto& [session, usage] : {std::pair{1u, 3u}, {1u, 4u}, {2u, 8u}, {3u, 1u}}) {
    const uint32_t slot = vault.Allocate(session, usage).value();
    KeyVault::Key key;
    for (size_t i = 0; i < key.kSizeBytes; ++i) {
      key.Expose()[i] = static_cast<uint8_t>(slot * 31 + i);
    }
    if (session != 3) REQUIRE(vault.Store(slot, session, std::move(key)));
  }
  vault.Lock(1);
  DerivedSeal seal;
  REQUIRE(DeriveSeal(fakes::FakeSeal().Key(), test::Bytes(kSealSaltBytes), &seal));
  const auto seal_bytes = [&](ConstByteSpan plain) {
    test::Bytes sealed;
    SealingStream stream(seal, {});
    stream.Add(plain);
    REQUIRE(stream.Finish(&sealed));
    return sealed;
  };
  const auto hash = [](const KeyVault& of) {
    StateHasher hasher;
    of.Hash(&hasher, kHashKey);
    return hasher.value();
  };
  // The plain text of what Seal writes.
  test::Bytes sealed;
  SealingStream stream(seal, {});
  vault.Seal(&stream);
  REQUIRE(stream.Finish(&sealed));
  test::Bytes plain(sealed.size() - kSealTagBytes);
  OpeningStream opened(seal, {}, sealed);
  opened.Read(plain);
  REQUIRE(opened.AtEnd());

  const uint64_t whole = hash(vault);
  KeyVault other(8);
  size_t tried = 0;
  const auto check_change = [&](size_t at, uint8_t bit) {
    plain[at] ^= bit;
    const test::Bytes changed = seal_bytes(plain);
    plain[at] ^= bit;
    OpeningStream reading(seal, {}, changed);
    const auto state = other.Unseal(&reading, vault.last_serial());
    if (state == nullptr || !reading.AtEnd()) return;  // other slots than there are
    ++tried;
    other.Load(*state);
    INFO("byte " << at << ", bit " << int{bit});
    CHECK(hash(other) != whole);
  };
  // The last slot is empty: where its key would stand nothing is.
  const size_t end = plain.size() - KeyVault::kKeyBytes;
  for (size_t at = 0; at < end; ++at) check_change(at, 1);
  // A slot's flags: filled, locked, damaged, and whether its check word fits.
  constexpr size_t kSlotBytes = 4 + 4 + 4 + 8 + 1 + 16;
  constexpr size_t kFlagsAt = 4 + 20;
  REQUIRE(plain.size() == 4 + 4 * kSlotBytes);
  for (size_t slot = 0; slot < 3; ++slot) {
    for (const uint8_t bit : {2, 4, 8}) check_change(kFlagsAt + slot * kSlotBytes, bit);
  }
  CHECK(tried > end - 24);
  CHECK(hash(vault) == whole);
  const auto last = vault.EmptyState(vault.last_serial() + 1);
  KeyVault empty(8);
  const uint64_t before = hash(empty);
  empty.Load(*last);
  CHECK(hash(empty) != before);
}

TEST_CASE("a state hash under the caller's key follows the key, and nothing of the process") {
  fakes::StateRig rig;
  rig.SetUp();
  SecretBytes<16> one;
  SecretBytes<16> other;
  other.Expose()[3] = 1;
  CHECK(rig.gpu->StateHash(one) == rig.gpu->StateHash(one));
  CHECK(rig.gpu->StateHash(one) != rig.gpu->StateHash(other));
  CHECK(rig.gpu->StateHash(one) != rig.gpu->StateHash());
  // A chip without keys has one hash whatever the key: only secrets are behind it.
  fakes::GpuRig empty;
  CHECK(empty.gpu->StateHash(one) == empty.gpu->StateHash(other));
}

TEST_CASE("a key slot is described without its key") {
  fakes::StateRig rig;
  rig.SetUp();
  const std::vector<KeySlotInfo> slots = rig.gpu->KeySlots();
  REQUIRE(slots.size() >= 4);
  CHECK(slots[0].session != 0);
  CHECK(slots[0].filled);
  CHECK((slots[0].usage & kKeyUsageUnwrap) != 0);
  rig.gpu->TearDown();
  for (const KeySlotInfo& slot : rig.gpu->KeySlots()) CHECK_FALSE(slot.filled);
}

}  // namespace
}  // namespace ward::device
