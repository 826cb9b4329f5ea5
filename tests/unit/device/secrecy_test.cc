// P1, P2, P7, P8 and P9 of docs/security-model.md on a whole chip: a guest does what it likes, and
// all that it can see is searched for secrets, or compared with what it sees when they are others.
#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/device/fault_rig.h"

namespace ward::fakes {
namespace {

using device::Block;
using device::SecurityBench;
using test::Bytes;

constexpr uint32_t kOwner = 1, kOther = 2;
constexpr uint64_t kPage = abi::kPageSize;
constexpr size_t kWindowBytes = 8;  // so many bytes of a secret in a row are a leak

struct Secrets {
  explicit Secrets(uint64_t seed) {
    SeededEntropy bytes;
    bytes.state = seed * 0x9e3779b97f4a7c15 + 1;
    bytes.Fill(session_key);
    bytes.Fill(content_key);
    bytes.Fill(pixels);
  }
  Block session_key, content_key;
  Bytes pixels = Bytes(kPage);
};

const device::PublishedIdentity& OtherParty() {
  static const device::PublishedIdentity identity;
  return identity;
}

Block Next(Block counter) {
  for (size_t i = 16; i-- > 8 && ++counter[i] == 0;) {
  }
  return counter;
}

// What libcrypto makes of it under that key, from this counter on.
Bytes Ctr(const Block& key, Block counter, const Bytes& input) {
  Bytes output(input.size());
  for (size_t at = 0; at < input.size(); at += 16, counter = Next(counter)) {
    const Block stream = device::Ecb(key, counter, /*encrypt=*/true);
    for (size_t i = at; i < at + 16; ++i) output[i] = input[i] ^ stream[i - at];
  }
  return output;
}

// FIPS 197, 5.2, with an S-box from its definition: nothing of the chip's.
class KeySchedule {
 public:
  static Bytes Of(const Block& key) {
    static const KeySchedule schedule;
    Bytes words(key.begin(), key.end());
    uint8_t round = 1;
    while (words.size() < 176) {
      uint8_t word[4];
      std::copy_n(words.end() - 4, 4, word);
      if (words.size() % 16 == 0) {
        std::rotate(word, word + 1, word + 4);
        for (uint8_t& byte : word) byte = schedule.sbox_[byte];
        word[0] ^= round;
        round = Times2(round);
      }
      for (const uint8_t byte : word) words.push_back(byte ^ words[words.size() - 16]);
    }
    return words;
  }

 private:
  KeySchedule() {
    uint8_t p = 1, q = 1;  // q is the inverse of p
    do {
      p = static_cast<uint8_t>(p ^ Times2(p));
      q = static_cast<uint8_t>(q ^ q << 1);
      q = static_cast<uint8_t>(q ^ q << 2);
      q = static_cast<uint8_t>(q ^ q << 4);
      if (q & 0x80) q ^= 0x09;
      sbox_[p] = static_cast<uint8_t>(q ^ std::rotl(q, 1) ^ std::rotl(q, 2) ^ std::rotl(q, 3) ^
                                      std::rotl(q, 4) ^ 0x63);
    } while (p != 1);
    sbox_[0] = 0x63;
  }
  static uint8_t Times2(uint8_t value) {
    return static_cast<uint8_t>(value << 1 ^ (value & 0x80 ? 0x1b : 0));
  }
  uint8_t sbox_[256];
};

// Eight bytes in a row of a secret, forwards or backwards.
class LeakSearch {
 public:
  void Add(const Bytes& secret) {
    for (const bool backwards : {false, true}) {
      const Bytes bytes = backwards ? Bytes(secret.rbegin(), secret.rend()) : secret;
      for (size_t at = 0; at + kWindowBytes <= bytes.size(); ++at) {
        const auto window = LoadLe<uint64_t>(bytes.data() + at);
        windows_.insert(window);
        likely_[window & 0xffff] = true;
      }
    }
  }
  bool FindsIn(const uint8_t* bytes, size_t size) const {
    for (size_t at = 0; at + kWindowBytes <= size; ++at) {
      uint64_t window;
      std::memcpy(&window, bytes + at, sizeof(window));
      if (window == 0 || !likely_[window & 0xffff]) continue;
      if (windows_.count(window) != 0) return true;
    }
    return false;
  }

 private:
  std::set<uint64_t> windows_;
  std::vector<bool> likely_ = std::vector<bool>(1 << 16);
};

// Whether pages are mapped into contexts that they are no business of, and the kernel's queue takes
// part.
enum class Kernel { kHonest, kHostile };

// A guest of two contexts. The owner's session has a content key and protected pixels; then both,
// and the kernel's queue, do this and that.
class Guest : public FaultRig {
 public:
  explicit Guest(const Secrets& secrets, Kernel kernel = Kernel::kHostile)
      : secrets_(secrets), kernel_(kernel) {
    Open(kOwner);
    Open(kOther);
    for (const uint32_t context : {kOwner, kOther}) {
      MapPage(context, kVisible,
              (context * kPage) | abi::kPteValid | abi::kPteWritable | abi::kPteLocal);
      if (kernel == Kernel::kHonest) continue;
      // Each has the other's protected page too.
      MapPage(context, kForeign,
              (abi::kProtectedVramLocalBase + (3 - context) * kPage) | abi::kPteValid |
                  abi::kPteWritable | abi::kPteLocal);
    }
    session = OpenSession(kOwner, OtherParty().Wrap(secrets.session_key));
    const Bytes wrapped =
        SecurityBench::Joined(SecurityBench::Words({session, 16}),
                              device::Ecb(secrets.session_key, secrets.content_key, true));
    REQUIRE(Send(kOwner, abi::kMessageSetContentKey, wrapped).status == abi::kStatusOk);
    const device::Reply readback =
        Send(kOwner, abi::kMessageGetReadbackKey, SecurityBench::Words({session, 0}));
    readback_key = device::Ecb(secrets.session_key, readback.BlockAt(16), false);
    Block counter{};
    counter[3] = 0x77;
    const Bytes source = Ctr(secrets.content_key, counter, secrets.pixels);
    std::copy(source.begin(), source.end(), ports.bus.At(Bus(kOwner, kSource), kPage));
    DecryptPixels();
  }
  void DecryptPixels() {
    abi::DecryptBltCommand decrypt = Decrypt(session);
    decrypt.flags = abi::DecryptBltCommand::kFlagContentKey;
    Push(kOwner, decrypt);
    RingAndRun(kOwner);
  }

  // One thing that guests do, or would like to.
  void Act(Dice* dice, uint32_t context) {
    for (const uint32_t queue : {0u, kOwner, kOther}) Revive(queue);
    switch (dice->Below(kernel_ == Kernel::kHonest ? 5 : 8)) {
      case 0:
        return PushCopyOf(dice, context, context);
      case 1:
        return PushFill(dice, context);
      case 2:
        return PushEncrypt(dice, context);
      case 3:
        return PushDecrypt(dice, context);
      case 4:
        return SendSomething(dice, context);
      case 5:
        return PushCopyOf(dice, 0, context);  // by the kernel, with physical addresses
      case 6:
        return Show(dice);
      default:
        return DecryptPixels();
    }
  }
  // What a context's user learns of its own queue.
  Bytes ViewOf(uint32_t context) {
    Bytes view;
    for (const uint32_t offset :
         {abi::kRegFaultStatus, abi::kRegFaultPosition, abi::kRegRefusalCount,
          abi::kRegRefusalStatus, abi::kRegRingHead, abi::kRegQueueStatus}) {
      const Bytes word = SecurityBench::Words({ReadQueue(context, offset)});
      view.insert(view.end(), word.begin(), word.end());
    }
    const uint8_t* response = ports.bus.At(Bus(context, kResponse), 16);
    view.insert(view.end(), response, response + 16);
    return view;
  }
  // The owner's protected page, read back under its key and deciphered by libcrypto.
  Bytes ReadBack() {
    StartQueue(kOwner, kOwner);
    auto encrypt = MakeCommand<abi::EncryptBltCommand>();
    encrypt.session = session;
    encrypt.length_bytes = kPage / 2;
    encrypt.destination = kOutput;
    encrypt.source = kProtected;
    encrypt.iv_address = kOutput + kPage / 2;
    Push(kOwner, encrypt);
    RingAndRun(kOwner);
    REQUIRE(FaultStatus(kOwner) == 0);
    REQUIRE(ReadQueue(kOwner, abi::kRegRefusalCount) == 0);
    const uint8_t* output = ports.bus.At(Bus(kOwner, kOutput), kPage);
    Block counter;
    std::copy_n(output + kPage / 2, 16, counter.begin());
    return Ctr(readback_key, counter, Bytes(output, output + kPage / 2));
  }
  // All memory that it can see, after what it did.
  void Look(const std::function<void(const uint8_t*, size_t)>& look) {
    look(ports.bus.At(kBus, kBusBytes), kBusBytes);
    look(ports.vram.bytes().data(), ports.vram.bytes().size());
    const Bytes seen = LookAtFunction();
    look(seen.data(), seen.size());
    Bytes pixels(2560 * 360);
    if (gpu->ReadScanout(0, device::ScanoutView::kCapture, pixels, 2560)) {
      look(pixels.data(), pixels.size());
    }
  }
  // Registers, config space, MSI-X, and what the chip told its trace.
  Bytes LookAtFunction() {
    Bytes seen;
    const auto note = [&seen](uint64_t value, size_t size) {
      for (size_t i = 0; i < size; ++i) seen.push_back(static_cast<uint8_t>(value >> 8 * i));
    };
    for (const abi::RegisterInfo& info : abi::kRegisters) {
      for (uint32_t block = 0; block < info.block_count; ++block) {
        for (uint32_t at = 0; at < info.element_count; ++at) {
          note(Read(info.offset + uint64_t{block} * info.block_stride + 4 * at), 4);
        }
      }
    }
    for (uint32_t at = 0; at < 4096; at += 4) note(gpu->ReadConfig(at, 4), 4);
    for (uint32_t at = 0; at < 1024; at += 4) note(gpu->ReadMsix(at, 4), 4);
    for (const RecordedTrace::Event& event : ports.trace.events) {
      for (const uint64_t argument : event.arguments) note(argument, 8);
      seen.insert(seen.end(), event.detail.begin(), event.detail.end());
    }
    return seen;
  }

  uint32_t session = 0;
  Block readback_key{};

 private:
  static constexpr uint64_t kForeign = 0x9000, kVisible = 0xa000;

  // A queue that a bad command has stopped starts anew.
  void Revive(uint32_t queue) {
    if (FaultStatus(queue) != 0 || ReadQueue(queue, abi::kRegRingHead) > kRingBytes - 1024) {
      StartQueue(queue, queue);
    }
  }
  uint64_t Place(Dice* dice, uint32_t queue, uint32_t context) {
    const uint64_t at = 64 * dice->Below(8);
    if (queue != 0) {
      // Not mapped by a kernel that is honest.
      return at + dice->OneOf<uint64_t>({kSource, kOutput, kProtected, kForeign, kVisible});
    }
    return at + dice->OneOf<uint64_t>(
                    {abi::kPhysicalLocal | (abi::kProtectedVramLocalBase + context * kPage),
                     abi::kPhysicalLocal | 0x8000, Bus(context, kOutput)});
  }
  void PushCopyOf(Dice* dice, uint32_t queue, uint32_t context) {
    auto copy = MakeCommand<abi::CopyCommand>();
    copy.destination = Place(dice, queue, context);
    copy.source = Place(dice, queue, context);
    copy.row_bytes = 16 * dice->Between(1, 32);
    copy.row_count = dice->Between(1, 4);
    copy.source_pitch = copy.destination_pitch = 1024;
    Push(queue, copy);
    RingAndRun(queue);
  }
  void PushFill(Dice* dice, uint32_t context) {
    auto fill = MakeCommand<abi::FillCommand>();
    fill.destination = Place(dice, context, context);
    fill.value = dice->Below(1 << 16);
    fill.row_bytes = 64;
    fill.row_count = 1;
    Push(context, fill);
    RingAndRun(context);
  }
  void PushEncrypt(Dice* dice, uint32_t context) {
    auto encrypt = MakeCommand<abi::EncryptBltCommand>();
    encrypt.session = dice->OneOf({session, session + 1, other_session_});
    encrypt.length_bytes = 16 * dice->Between(1, 32);
    encrypt.destination = kOutput;
    encrypt.source = Place(dice, context, context);
    encrypt.iv_address = kOutput + 2048;
    Push(context, encrypt);
    RingAndRun(context);
  }
  void PushDecrypt(Dice* dice, uint32_t context) {
    abi::DecryptBltCommand decrypt = Decrypt(dice->OneOf({session, other_session_}));
    decrypt.source = dice->OneOf<uint64_t>({kSource, kOutput, kVisible});
    decrypt.destination = Place(dice, context, context);
    decrypt.length_bytes = 16 * dice->Between(1, 32);
    Push(context, decrypt);
    RingAndRun(context);
  }
  void SendSomething(Dice* dice, uint32_t context) {
    // (a length that is refused is a message too)
    const uint32_t message =
        dice->OneOf<uint32_t>({abi::kMessageQuerySession, abi::kMessageCreateSession,
                               abi::kMessageGetCertificate, abi::kMessageRunSelfTest, 999});
    const device::Reply reply =
        Send(context, message,
             message == abi::kMessageCreateSession ? SecurityBench::CreatePayload()
                                                   : SecurityBench::Words({session, 0}));
    if (message != abi::kMessageCreateSession || reply.status != abi::kStatusOk) return;
    if (context == kOwner) {
      // Not kept: its own session is the one whose secrets are looked for.
      Send(context, abi::kMessageDestroySession, SecurityBench::Words({reply.Word(16), 0}));
      return;
    }
    other_session_ = reply.Word(16);
    static const Bytes blob = OtherParty().Wrap(device::kOtherKey);
    Send(context, abi::kMessageNegotiateSessionKey,
         SecurityBench::NegotiatePayload(other_session_, blob));
    if (dice->Below(3) == 0) {
      Send(context, abi::kMessageDestroySession, SecurityBench::Words({other_session_, 0}));
    }
  }
  void Show(Dice* dice) {
    Write(abi::kRegOutputControl, 1);
    auto flip = MakeCommand<abi::FlipCommand>();
    flip.address =
        abi::kPhysicalLocal | (dice->Below(2) == 0 ? abi::kProtectedVramLocalBase : uint64_t{0});
    flip.pitch = 2560;
    flip.width = 640;
    flip.height = 360;
    Push(0, flip);
    RingAndRun(0);
  }

  const Secrets secrets_;
  const Kernel kernel_;
  uint32_t other_session_ = 0x7fff0000;
};

TEST_CASE("the key schedule that is searched for is that of FIPS 197, A.1") {
  const Bytes schedule = KeySchedule::Of(device::kSessionKey);
  REQUIRE(schedule.size() == 176);
  CHECK(LoadBe64(schedule.data() + 16) == 0xa0fafe1788542cb1);
  CHECK(LoadBe64(schedule.data() + 168) == 0xe13f0cc8b6630ca6);
}

TEST_CASE(
    "P1_ P2_ no key and no protected pixel is in anything that a guest sees, whatever it does") {
  for (const uint32_t seed : FaultSeeds(40)) {
    INFO("seed " << seed);
    const Secrets secrets(seed);
    LeakSearch search;
    search.Add(KeySchedule::Of(secrets.session_key));
    search.Add(KeySchedule::Of(secrets.content_key));
    search.Add(secrets.pixels);
    Guest guest(secrets);
    {
      // The oracle can fire: what is searched for is found where a guest has it.
      Bytes control(100);
      std::copy_n(secrets.content_key.rbegin(), kWindowBytes, control.begin() + 37);
      CHECK(search.FindsIn(control.data(), control.size()));
    }
    Dice dice(seed);
    for (int act = 0; act < 40; ++act) guest.Act(&dice, dice.OneOf({kOwner, kOther}));
    switch (dice.Below(4)) {
      case 0:
        guest.gpu->Reset(device::ResetKind::kFunction);
        break;
      case 1:
        guest.gpu->TearDown();
        break;
      case 2:
        guest.Close(kOwner);
        break;
      default:
        break;
    }
    guest.Look(
        [&](const uint8_t* bytes, size_t size) { CHECK_FALSE(search.FindsIn(bytes, size)); });
  }
}

// What two runs that differ in secrets alone must have in common: every access, every time, every
// register.
struct Trace {
  Bytes function;
  std::vector<uint32_t> vectors;
  std::vector<std::pair<uint64_t, uint64_t>> accesses;
  uint64_t now_ns = 0;
  bool operator==(const Trace&) const = default;
};

Trace TraceOf(uint32_t seed, const Secrets& secrets) {
  Guest guest(secrets);
  Dice dice(seed);
  // All but vblanks, which never let the chip come to rest.
  guest.Write(abi::kRegInterruptEnable,
              ~(abi::kInterruptCauseVblank0Mask | abi::kInterruptCauseVblank1Mask));
  for (int act = 0; act < 40; ++act) guest.Act(&dice, dice.OneOf({kOwner, kOther}));
  Trace trace;
  trace.function = guest.LookAtFunction();
  trace.vectors = guest.ports.interrupts.vectors;
  for (const FakeBus::AccessRecord& access : guest.ports.bus.log()) {
    trace.accesses.emplace_back(access.address << 2 | static_cast<uint64_t>(access.kind),
                                access.size_bytes << 1 | (access.allowed ? 1 : 0));
  }
  trace.now_ns = guest.ports.clock.now_ns;
  return trace;
}

TEST_CASE("P9_ runs that differ in keys and pixels alone differ in nothing that a guest can tell") {
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    const Trace first = TraceOf(seed, Secrets(2 * seed));
    CHECK(first.accesses.size() > 20);
    CHECK(first == TraceOf(seed, Secrets(2 * seed + 1)));
    // The comparison can fail: another guest is another trace.
    if (seed % 25 == 0) CHECK_FALSE(first == TraceOf(seed + 1, Secrets(2 * seed)));
  }
}

TEST_CASE("P8_ what a context sees, and its pixels, are the same whatever another context does") {
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    std::vector<Bytes> alone;
    for (const bool is_alone : {true, false}) {
      Guest guest(Secrets(seed), Kernel::kHonest);
      Dice own(seed), others(seed + 1000);
      std::vector<Bytes> views;
      for (int act = 0; act < 20; ++act) {
        for (uint32_t i = others.Below(4); i != 0 && !is_alone; --i) guest.Act(&others, kOther);
        guest.Act(&own, kOwner);
        views.push_back(guest.ViewOf(kOwner));
      }
      views.push_back(guest.ReadBack());
      if (is_alone) {
        alone = views;
      } else {
        CHECK(views == alone);
      }
    }
  }
}

// Anything at all: registers of any size, rings and page tables of noise with commands among it.
class Noise : public FaultRig {
 public:
  void Make(Dice* dice) {
    switch (dice->Below(8)) {
      case 0:
        return static_cast<void>(gpu->ReadRegister(dice->Word() >> dice->Below(64),
                                                   dice->OneOf<uint32_t>({1, 2, 4, 8, 3})));
      case 1:
        return gpu->WriteRegister(dice->Word() >> dice->Below(64),
                                  dice->OneOf<uint32_t>({1, 2, 4, 8, 3}),
                                  static_cast<uint32_t>(dice->Word()));
      case 2: {
        const auto& info = abi::kRegisters[dice->Below(std::size(abi::kRegisters))];
        return gpu->WriteRegister(
            info.offset + uint64_t{dice->Below(info.block_count)} * info.block_stride, 4,
            static_cast<uint32_t>(dice->Word() >> dice->Below(64)));
      }
      case 3:
        return gpu->WriteConfig(4 * dice->Below(1024), dice->OneOf<uint32_t>({1, 2, 4}),
                                static_cast<uint32_t>(dice->Word()));
      case 4:
        return ports.vram.Store<uint64_t>(8 * dice->Below(kVisibleBytes / 8), dice->Word());
      case 5:
        return PushNoise(dice);
      case 6:
        return Doorbell(dice->Below(abi::kQueueBlockCount), 16 * dice->Below(512));
      default:
        ports.clock.now_ns += dice->Below(1 << 20);
    }
  }

 private:
  void PushNoise(Dice* dice) {
    const uint32_t queue = dice->Below(3);
    const abi::CommandInfo& info = abi::kCommands[dice->Below(std::size(abi::kCommands))];
    Bytes bytes(info.size_bytes);
    for (uint8_t& byte : bytes) {
      byte = dice->Below(3) == 0 ? static_cast<uint8_t>(dice->Word()) : 0;
    }
    StoreLe<uint16_t>(bytes.data(), info.opcode);
    StoreLe<uint32_t>(bytes.data() + 4, info.size_bytes);
    uint8_t* ring = ports.bus.At(RingAddress(queue), kRingBytes);
    std::copy(bytes.begin(), bytes.end(), ring + 16 * dice->Below(200));
  }
};

TEST_CASE("P7_ whatever a guest writes, each slice is bounded, and a reset brings the chip back") {
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    Noise rig;
    rig.Open(kOwner);
    rig.Open(kOther);
    for (int turn = 0; turn < 300; ++turn) {
      rig.Make(&dice);
      if (dice.Below(4) != 0) continue;
      const uint64_t budget = dice.Between(1, 64 << 10);
      size_t touched = 0;
      rig.ports.bus.ClearLog();
      rig.gpu->Process(budget);
      for (const FakeBus::AccessRecord& access : rig.ports.bus.log()) touched += access.size_bytes;
      CHECK(touched <= 2 * budget + (64 << 10));
    }
    rig.ports.clock.now_ns += 1000;
    rig.gpu->Reset(device::ResetKind::kPowerOn);
    CHECK(rig.IsQuiet());
    rig.PowerUp();
    CHECK(rig.FreshSessionDecrypts());
  }
}

}  // namespace
}  // namespace ward::fakes
