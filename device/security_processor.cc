#include "device/security_processor.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "abi/generated/messages.h"
#include "abi/generated/status.h"
#include "base/assert.h"
#include "base/planted_bug.h"
#include "base/rule.h"
#include "device/crypto/rsa_private_key.h"
#include "device/firmware_platform.h"

namespace ward::device {
namespace {

// Of a chain; far above any real one, and it keeps the sizes of GET_CERTIFICATE in 32 bits.
constexpr size_t kMaxCertificateBytes = 1u << 20;

// A number that is not described costs as much as the cheapest message.
uint64_t FindLatency(uint32_t number, LatencyPreset preset) {
  const bool fast = preset == LatencyPreset::kFast;
  if (const abi::MessageInfo* described = abi::FindMessage(number)) {
    return fast ? described->latency_fast_ns : described->latency_realistic_ns;
  }
  uint64_t least = UINT64_MAX;
  for (const abi::MessageInfo& message : abi::kMessages) {
    least = std::min(least, fast ? message.latency_fast_ns : message.latency_realistic_ns);
  }
  return least;
}

const char* NameOf(uint32_t number) {
  const abi::MessageInfo* described = abi::FindMessage(number);
  return described == nullptr ? "UNKNOWN" : described->name;
}

template <typename Holder>
bool StandsAtItsIndex(const Holder& holder, size_t index) {
  return holder.number == 0 || (holder.number & 0xffff) == index;
}

// Whether the firmware could have got there, as far as it relies on it: each thing at the index
// that its number says, and what indexes or counts within bounds.
bool IsPlausible(const firmware::State& state) {
  const auto has_device = [&](uint32_t context) {
    return std::any_of(std::begin(state.devices), std::end(state.devices),
                       [&](const firmware::Device& device) {
                         return device.handle != 0 && device.context == context;
                       });
  };
  for (size_t i = 0; i < std::size(state.sessions); ++i) {
    if (!StandsAtItsIndex(state.sessions[i], i)) return false;
  }
  for (size_t i = 0; i < std::size(state.channels); ++i) {
    const firmware::Channel& channel = state.channels[i];
    if (channel.number == 0) continue;
    const bool known_width = channel.handle_bytes == 8 || channel.handle_bytes == 4;
    if (!StandsAtItsIndex(channel, i) || !known_width || !has_device(channel.context)) {
      return false;
    }
  }
  for (const firmware::Device& device : state.devices) {
    if (device.process_count > firmware::kAllowedProcessCount) return false;
  }
  for (size_t i = 0; i < std::size(state.protected_outputs); ++i) {
    const firmware::ProtectedOutput& output = state.protected_outputs[i];
    if (output.number == 0) continue;
    if (!StandsAtItsIndex(output, i) || output.output >= Display::kOutputCount) {
      return false;
    }
  }
  return true;
}

}  // namespace

class SecurityProcessor::Implementation {
 public:
  Implementation(const FirmwareWiring& wiring, const GpuOptions& options, const Ports& ports,
                 const std::array<uint8_t, 32>& fingerprint, RsaPrivateKey key,
                 std::vector<uint8_t> certificates)
      : wiring_(wiring),
        latency_(options.latency),
        slowdown_(options.firmware_slowdown),
        ports_(ports),
        fingerprint_(fingerprint),
        platform_(wiring, std::move(key), std::move(certificates)) {
    state_.key_epoch = 1;
  }

  void Boot() {
    ClearFirmware();
    platform_.set_key_epoch(state_.key_epoch);
    firmware::Boot(&platform_, Firmware());
    TraceHealth();
  }

  void Submit(uint32_t queue, uint32_t context, uint32_t number, ConstByteSpan payload,
              uint32_t response_capacity) {
    WARD_ASSERT(!state_.busy && response_capacity >= sizeof(abi::ResponseHeader));
    const uint64_t now = ports_.clock->NowNs();
    const uint64_t charge =
        FindCharge(number) + (WARD_BROKEN("8.7.same_time") ? payload.size() : 0);
    const auto payload_bytes = static_cast<uint32_t>(std::min<size_t>(payload.size(), UINT32_MAX));
    if (payload.size() > kMaxPayloadBytes) payload = {};
    state_.busy = true;
    state_.queue = queue;
    state_.message = {number, context, payload_bytes,
                      std::min(response_capacity, kMaxResponseBytes)};
    state_.payload.assign(payload.begin(), payload.end());
    state_.ready_at_ns = now > UINT64_MAX - charge ? UINT64_MAX : now + charge;
    ports_.trace->OnEvent({"message", NameOf(number), {queue, context, payload_bytes}});
    if (abi::FindMessage(number) == nullptr) {
      ports_.trace->OnEvent({"unmodelled message", "", {queue, context, PublicNumber(number)}});
    }
    ports_.trace->OnPacket(
        {TracePacket::Kind::kMessage, queue, 0, 0, PublicNumber(number), state_.payload});
  }

  ConstByteSpan TakeResponse() {
    if (!state_.busy) return {};
    const uint64_t now = ports_.clock->NowNs();
    if (now < state_.ready_at_ns) return {};
    const firmware::MessageInfo message = state_.message;
    response_.assign(message.response_capacity, 0);
    const bool was_ready = IsReady();
    platform_.OpenMailbox(state_.payload, response_, FindCharge(message.number));
    const firmware::Answer answer = firmware::HandleMessage(&platform_, Firmware(), message);
    platform_.CloseMailbox();
    WARD_ASSERT(answer.length_bytes <= response_.size());
    // What a handler wrote before it failed is behind the length, and so never leaves.
    const ByteSpan response = ByteSpan(response_).first(answer.length_bytes);
    const abi::ResponseHeader header = {answer.status, answer.length_bytes, message.number, {}};
    std::memcpy(response.data(), &header, sizeof(header));
    ports_.trace->OnEvent(
        {"answer",
         abi::StatusName(answer.status),
         {state_.queue, answer.length_bytes,
          HasPlantedBug(PlantedBug::kAddressInTrace) ? reinterpret_cast<uintptr_t>(response.data())
                                                     : now}});
    ports_.trace->OnPacket(
        {TracePacket::Kind::kAnswer, state_.queue, 0, 0, PublicNumber(message.number), response});
    if (was_ready && !IsReady()) TraceHealth();
    FreeMailbox();
    return response;
  }

  void FreeMailbox() {
    state_.busy = false;
    state_.queue = 0;
    state_.message = {};
    state_.payload.clear();
    state_.ready_at_ns = 0;
  }

  void EndContext(uint32_t context) {
    if (state_.busy && state_.message.context == context) FreeMailbox();
    firmware::EndContext(&platform_, Firmware(), context);
  }

  void FailCipher() {
    firmware::FailCipher(&platform_, Firmware());
    TraceHealth();
  }

  void Reset() {
    FreeMailbox();
    ClearFirmware();
    if (!HasPlantedBug(PlantedBug::kKeysOutliveReset)) wiring_.vault->WipeAll();
    wiring_.grants->Clear();
    if (!HasPlantedBug(PlantedBug::kContentOutlivesReset)) wiring_.memory->ClearProtected();
    if (!WARD_BROKEN("reset.epoch")) BeginEpoch();
  }

  void TearDown() {
    firmware::TearDown(&platform_, Firmware());
    wiring_.vault->WipeAll();
    const bool keeps =
        WARD_BROKEN("teardown.content") || HasPlantedBug(PlantedBug::kContentOutlivesTearDown);
    if (!keeps) wiring_.memory->ClearProtected();
    const bool goes_on =
        WARD_BROKEN("teardown.epoch") || HasPlantedBug(PlantedBug::kEpochOutlivesTearDown);
    if (!goes_on) BeginEpoch();
  }

  void Load(const State& state, LoadExtent extent) {
    if (extent == LoadExtent::kChanged && !firmware_ran_) {
      LoadMailbox(state);
    } else {
      state_ = state;
    }
    firmware_ran_ = false;
    platform_.set_key_epoch(state_.key_epoch);
  }

  static bool CanLoad(const State& state) {
    if (state.key_epoch == 0 || !IsPlausible(state.firmware)) return false;
    if (!state.busy) return state.payload.empty();
    const bool whole = state.message.payload_bytes <= kMaxPayloadBytes;
    return state.payload.size() == (whole ? state.message.payload_bytes : 0) &&
           state.message.response_capacity >= sizeof(abi::ResponseHeader) &&
           state.message.response_capacity <= kMaxResponseBytes;
  }

  void Hash(StateHasher* hasher) const { WalkState(*hasher, state_); }

  const State& state() const { return state_; }
  const std::array<uint8_t, 32>& fingerprint() const { return fingerprint_; }

 private:
  // All but the firmware's memory.
  void LoadMailbox(const State& state) {
    state_.key_epoch = state.key_epoch;
    state_.busy = state.busy;
    state_.queue = state.queue;
    state_.message = state.message;
    state_.payload = state.payload;
    state_.ready_at_ns = state.ready_at_ns;
  }
  // The firmware's memory, for what changes it.
  firmware::State* Firmware() {
    firmware_ran_ = true;
    return &state_.firmware;
  }
  void BeginEpoch() {
    state_.key_epoch = state_.key_epoch == UINT32_MAX ? 1 : state_.key_epoch + 1;
    platform_.set_key_epoch(state_.key_epoch);
  }
  // The handle source stays: no handle comes twice, as no key epoch does.
  void ClearFirmware() {
    const firmware::HandleSource kept = state_.firmware.handle_source;
    *Firmware() = {};
    state_.firmware.handle_source = kept;
  }
  uint64_t FindCharge(uint32_t number) const { return slowdown_ * FindLatency(number, latency_); }
  bool IsReady() const { return state_.firmware.health == firmware::Health::kReady; }
  void TraceHealth() {
    const char* detail = IsReady() ? "ready" : "failed";
    ports_.trace->OnEvent({"firmware", detail, {state_.firmware.failed_test, 0, 0}});
    if (wiring_.open_decrypt) ports_.trace->OnEvent({"open decrypt", "", {0, 0, 0}});
  }

  FirmwareWiring wiring_;
  LatencyPreset latency_;
  uint64_t slowdown_;
  Ports ports_;
  std::array<uint8_t, 32> fingerprint_;
  FirmwarePlatform platform_;
  State state_;
  std::vector<uint8_t> response_;  // room for the answer that was taken last
  bool firmware_ran_ = true;       // its memory may not be what was loaded last
};

Result<std::unique_ptr<SecurityProcessor>> SecurityProcessor::Create(
    const GpuOptions& options, const Ports& ports, KeyVault* vault, GrantTable* grants,
    Memory* memory, Display* display) {
  const char* reason = nullptr;
  auto key = options.identity_key != nullptr
                 ? std::optional(options.identity_key->Share())
                 : RsaPrivateKey::LoadDer(options.identity_private_key, &reason);
  if (!key) return Fault{abi::kStatusInvalidArgument, reason};
  const ConstByteSpan chain = options.identity_certificates;
  if (chain.empty()) {
    return Fault{abi::kStatusInvalidArgument, "has no certificate chain beside it"};
  }
  if (chain.size() > kMaxCertificateBytes) {
    return Fault{abi::kStatusInvalidArgument, "has a certificate chain above 1 MiB"};
  }
  std::array<uint8_t, 32> fingerprint = {};
  if (!key->PublicFingerprint(fingerprint)) {
    return Fault{abi::kStatusInvalidArgument, "can't be named: libcrypto fails"};
  }
  FirmwareWiring wiring = {vault,
                           grants,
                           memory,
                           display,
                           ports.entropy,
                           ports.clock,
                           0,
                           options.failing_self_test,
                           options.open_decrypt};
  wiring.negotiation_ns = options.latency == LatencyPreset::kFast
                              ? HdcpLink::kFastNegotiationNs
                              : HdcpLink::kRealisticNegotiationNs;
  return std::unique_ptr<SecurityProcessor>(new SecurityProcessor(
      std::make_unique<Implementation>(wiring, options, ports, fingerprint, std::move(*key),
                                       std::vector<uint8_t>(chain.begin(), chain.end()))));
}

SecurityProcessor::SecurityProcessor(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

SecurityProcessor::~SecurityProcessor() = default;

void SecurityProcessor::Boot() { implementation_->Boot(); }

uint32_t SecurityProcessor::firmware_state() const {
  return static_cast<uint32_t>(implementation_->state().firmware.health);
}

bool SecurityProcessor::Busy() const { return implementation_->state().busy; }

void SecurityProcessor::Submit(uint32_t queue, uint32_t context, uint32_t message,
                               ConstByteSpan payload, uint32_t response_capacity) {
  implementation_->Submit(queue, context, message, payload, response_capacity);
}

uint64_t SecurityProcessor::ReadyAtNs() const { return implementation_->state().ready_at_ns; }

uint32_t SecurityProcessor::queue() const { return implementation_->state().queue; }

ConstByteSpan SecurityProcessor::TakeResponse() { return implementation_->TakeResponse(); }

void SecurityProcessor::Abandon(uint32_t queue) {
  if (Busy() && this->queue() == queue) implementation_->FreeMailbox();
}

void SecurityProcessor::EndContext(uint32_t context) { implementation_->EndContext(context); }

void SecurityProcessor::FailCipher() { implementation_->FailCipher(); }

void SecurityProcessor::Reset() { implementation_->Reset(); }

void SecurityProcessor::TearDown() { implementation_->TearDown(); }

uint32_t SecurityProcessor::key_epoch() const { return implementation_->state().key_epoch; }

std::unique_ptr<SecurityProcessor::State> SecurityProcessor::Save() const {
  return std::make_unique<State>(implementation_->state());
}

const SecurityProcessor::State& SecurityProcessor::state() const {
  return implementation_->state();
}

void SecurityProcessor::Load(const State& state, LoadExtent extent) {
  implementation_->Load(state, extent);
}

bool SecurityProcessor::CanLoad(const State& state) const { return Implementation::CanLoad(state); }

const std::array<uint8_t, 32>& SecurityProcessor::fingerprint() const {
  return implementation_->fingerprint();
}

void SecurityProcessor::Hash(StateHasher* hasher) const { implementation_->Hash(hasher); }

}  // namespace ward::device
