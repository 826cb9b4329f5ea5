#include "tests/fuzz/device/base_state.h"

#include <openssl/rsa.h>

#include <algorithm>
#include <cstring>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "base/assert.h"
#include "device/crypto/aes_ctr.h"
#include "device/crypto/openssl_handles.h"
#include "firmware/authenticated_channel.h"
#include "firmware/guid.h"
#include "tests/fakes/test_identity.h"
#include "tests/fuzz/device/channel_writer.h"
#include "tests/fuzz/device/machine_ports.h"

namespace ward::fuzz {
namespace {

constexpr uint64_t kPage = abi::kPageSize;
// What waits longer there is reported as hung.
constexpr uint32_t kQueueWithTimeout = 2;
constexpr uint32_t kTimeoutUs = 100;

// What an input's first bytes of entropy are, the public key, and zeros: for messages whose blob
// has to carry what the chip drew.
std::vector<uint8_t> WrapWithFirstDrawn(size_t drawn_bytes) {
  std::array<uint8_t, 40> plain = {};
  MachineEntropy entropy;
  entropy.state = kInputEntropy;
  WARD_ASSERT(entropy.Fill(ByteSpan(plain).first(drawn_bytes)));
  std::copy(BaseState::kPublicKey.begin(), BaseState::kPublicKey.end(), plain.begin() + 16);
  const std::vector<uint8_t>& der = fakes::LoadTestIdentity(WARD_SOURCE_DIR).private_key;
  const uint8_t* next = der.data();
  const device::KeyHandle key(d2i_AutoPrivateKey(nullptr, &next, static_cast<long>(der.size())));
  const device::KeyContextHandle context(EVP_PKEY_CTX_new(key.get(), nullptr));
  std::vector<uint8_t> blob(device::RsaPrivateKey::kModulusBytes);
  size_t size = blob.size();
  WARD_ASSERT(EVP_PKEY_encrypt_init(context.get()) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha512()) == 1 &&
              EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha512()) == 1 &&
              EVP_PKEY_encrypt(context.get(), blob.data(), &size, plain.data(), plain.size()) == 1);
  return blob;
}

class BaseBuilder {
 public:
  BaseBuilder(const BaseMachine& machine, const device::RsaPrivateKey& identity,
              const BaseSecrets& secrets)
      : machine_(machine), identity_(identity), secrets_(secrets), rings_(machine.sink) {}

  BaseState Build() {
    // Memory space and bus master on.
    Do({.kind = OperationKind::kWriteConfig, .at = 4, .size = 2, .value = 6});
    StartQueue(0, 0);
    for (const uint32_t context : {1u, 2u}) CreateContext(context);
    Paint();
    Run(0);
    for (uint32_t queue = 1; queue < layout::kQueues; ++queue) {
      StartQueue(queue, queue == layout::kOtherQueue ? 2 : 1);
    }
    rings_.WriteRegister(abi::kRegOutputControl, 1);
    rings_.WriteRegister(abi::kRegInterruptEnable, 0xfffff);
    state_.hardware_session = CreateSession(1, firmware::kHwProtection.bytes);
    state_.session = OpenSession(1, secrets_.session_key, BaseState::kSessionPage);
    state_.other_session =
        OpenSession(layout::kOtherQueue, secrets_.other_key, BaseState::kOtherPage);
    // Once for all machines: an input may copy it, and its padding is random.
    static const std::vector<uint8_t> blob = Wrap(BaseState::kPublicKey);
    static const std::vector<uint8_t> output_blob = WrapWithFirstDrawn(16);
    static const std::vector<uint8_t> import_blob = WrapWithFirstDrawn(8);
    state_.blob = blob;
    OpenChannels();
    state_.output_blob = output_blob;
    state_.import_blob = import_blob;
    // What was written into memory is no part of the base: a wrapped key differs with each process.
    const std::vector<uint8_t> zeros(layout::kRingBytes);
    for (uint32_t queue = 0; queue < layout::kQueues; ++queue) {
      WriteMemory(layout::kRings + queue * layout::kRingBytes, zeros);
    }
    WriteMemory(layout::kBus + layout::kResponse, ConstByteSpan(zeros).first(256));
    WriteMemory(layout::kBus, zeros);
    state_.tails = rings_.tails();
    return state_;
  }

 private:
  void Do(const Operation& operation) { machine_.sink->Do(operation); }
  void WriteMemory(uint64_t address, ConstByteSpan bytes) {
    Do({.kind = OperationKind::kWriteMemory, .at = address, .bytes = bytes});
  }

  void StartQueue(uint32_t queue, uint32_t context) {
    const auto write = [&](uint64_t offset, uint64_t value) {
      rings_.WriteRegister(offset + queue * abi::kQueueBlockStride, static_cast<uint32_t>(value));
    };
    write(abi::kRegQueueControl, abi::kQueueControlResetMask);
    write(abi::kRegRingBaseLo, layout::kRings + queue * layout::kRingBytes);
    write(abi::kRegFenceAddressLo, layout::kFences + queue * 8);
    write(abi::kRegQueueContext, context);
    if (queue == kQueueWithTimeout) write(abi::kRegQueueTimeout, kTimeoutUs);
    write(abi::kRegQueueControl, abi::kQueueControlEnableMask);
  }

  void CreateContext(uint32_t context) {
    const uint64_t root = layout::kTables + (context - 1) * layout::kTableBytes;
    std::vector<uint8_t> tables(layout::kTableBytes);
    const auto store = [&](uint64_t offset, uint64_t entry) {
      StoreLe<uint64_t>(tables.data() + offset, entry);
    };
    for (uint64_t level = 0; level < 3; ++level) {
      store(level * kPage, (root + (level + 1) * kPage) | abi::kPteValid | abi::kPteLocal);
    }
    const auto map = [&](uint64_t first, uint64_t count, uint64_t place, uint64_t bits) {
      for (uint64_t page = 0; page < count; ++page) {
        store(3 * kPage + (first + page) * 8, (place + page * kPage) | abi::kPteValid | bits);
      }
    };
    constexpr uint64_t kLocal = abi::kPteWritable | abi::kPteLocal;
    map(layout::kSystemAt, layout::kSystemPages, layout::kBus, abi::kPteWritable);
    for (uint64_t page = 0; page < layout::kFreePages; ++page) {
      // In another order for each, so that it shows whose tables were used.
      map(layout::kFreeAt + page, 1, layout::kFree + (page ^ (context - 1)) * kPage, kLocal);
    }
    map(layout::kProtectedAt, layout::kProtectedPages, abi::kProtectedVramLocalBase, kLocal);
    if (context == 2) map(layout::kPrivateAt, layout::kPrivatePages, layout::kPrivate, kLocal);
    map(layout::kIndirectAt, layout::kIndirectBytes / kPage, layout::kIndirect, 0);
    Do({.kind = OperationKind::kWriteVram, .at = root, .bytes = tables});

    auto create = MakeCommand<abi::ContextCreateCommand>();
    create.context = context;
    create.page_table_root = root;
    rings_.Push(0, BytesOf(create));
  }

  void Paint() {
    auto fill = MakeCommand<abi::FillCommand>();
    fill.destination =
        abi::kPhysicalLocal | (abi::kProtectedVramLocalBase + layout::kPaintedPage * kPage);
    fill.value = secrets_.paint;
    fill.row_bytes = layout::kPaintedPages * kPage;
    fill.row_count = 1;
    rings_.Push(0, BytesOf(fill));
  }

  void Run(uint32_t queue) {
    rings_.Doorbell(queue);
    machine_.run_to_rest();
  }

  ConstByteSpan Response() { return machine_.read_memory(layout::kBus + layout::kResponse, 64); }

  void Ask(uint32_t queue, uint32_t message, ConstByteSpan request) {
    rings_.PushMessage(queue, message, request, layout::kResponse);
    Run(queue);
    WARD_ASSERT(LoadLe<uint32_t>(Response().data()) == 0);
  }
  uint64_t Answered(size_t offset) { return LoadLe<uint64_t>(Response().data() + offset); }

  uint32_t CreateSession(uint32_t queue, const uint8_t (&key_exchange)[16]) {
    std::vector<uint8_t> request(sizeof(abi::CreateSessionRequest));
    std::memcpy(request.data(), firmware::kAes128Ctr, 16);
    std::memcpy(request.data() + 32, key_exchange, 16);
    Ask(queue, abi::kMessageCreateSession, request);
    if (queue != layout::kOtherQueue) {
      state_.session_handle = Answered(offsetof(abi::CreateSessionResponse, handle));
    }
    return static_cast<uint32_t>(Answered(offsetof(abi::CreateSessionResponse, session)));
  }

  std::vector<uint8_t> Wrap(const std::array<uint8_t, 16>& key) {
    device::AesKey secret;
    std::copy(key.begin(), key.end(), secret.Expose().begin());
    std::vector<uint8_t> blob(device::RsaPrivateKey::kModulusBytes);
    WARD_ASSERT(identity_.WrapKey(secret, blob));
    return blob;
  }

  // With a session key, a read-back key, and a page of content.
  uint32_t OpenSession(uint32_t queue, const std::array<uint8_t, 16>& key, uint64_t page) {
    const uint32_t session = CreateSession(queue, firmware::kRsaesOaep);
    const std::vector<uint8_t> blob = Wrap(key);
    std::vector<uint8_t> negotiate(8);
    StoreLe<uint32_t>(negotiate.data(), session);
    StoreLe<uint32_t>(negotiate.data() + 4, static_cast<uint32_t>(blob.size()));
    negotiate.insert(negotiate.end(), blob.begin(), blob.end());
    Ask(queue, abi::kMessageNegotiateSessionKey, negotiate);
    std::vector<uint8_t> readback(8);
    StoreLe<uint32_t>(readback.data(), session);
    Ask(queue, abi::kMessageGetReadbackKey, readback);
    Decrypt(queue, session, key, page);
    return session;
  }

  // Context 1's, with what they may be told of.
  void OpenChannels() {
    const std::vector<uint8_t> nothing(8);
    Ask(1, abi::kMessageGetDeviceHandle, nothing);
    state_.device_handle = Answered(offsetof(abi::GetDeviceHandleResponse, handle));
    Ask(1, abi::kMessageCreateDecoder, nothing);
    state_.decoder_handle = Answered(offsetof(abi::CreateDecoderResponse, handle));
    state_.channels[0] = OpenChannel(firmware::kChannelSoftware, 8);
    state_.channels[1] = OpenChannel(firmware::kChannelHardware, 4);
  }

  BaseChannel OpenChannel(uint32_t type, uint32_t handle_bytes) {
    BaseChannel channel;
    channel.handle_bytes = handle_bytes;
    Ask(1, abi::kMessageCreateChannel, BytesOf(abi::CreateChannelRequest{type, handle_bytes}));
    channel.number = static_cast<uint32_t>(Answered(offsetof(abi::CreateChannelResponse, channel)));
    channel.handle = Answered(offsetof(abi::CreateChannelResponse, handle));
    Ask(1, abi::kMessageNegotiateChannelKey, MakeChannelKey(channel.number, state_.blob));
    const ChannelInput initialize = {.is_command = true,
                                     .message = &firmware::kConfigureInitialize};
    Ask(1, abi::kMessageConfigureChannel,
        MakeChannelRequest(channel.number, initialize, MakeChannelStructure(channel, initialize),
                           0));
    return channel;
  }

  // The session's paint, under its key.
  void Decrypt(uint32_t queue, uint32_t session, const std::array<uint8_t, 16>& key,
               uint64_t page) {
    std::vector<uint8_t> bytes(kPage);
    const uint32_t paint =
        page == BaseState::kOtherPage ? secrets_.other_paint : secrets_.session_paint;
    for (size_t at = 0; at < bytes.size(); at += 4) StoreLe(bytes.data() + at, paint);
    device::AesKey secret;
    std::copy(key.begin(), key.end(), secret.Expose().begin());
    device::AesCtr cipher;
    WARD_ASSERT(cipher.SetKey(secret) && cipher.Start({}) && cipher.Apply(bytes, bytes));
    WriteMemory(layout::kBus, bytes);
    auto blt = MakeCommand<abi::DecryptBltCommand>();
    blt.session = session;
    blt.length_bytes = kPage;
    blt.destination = (layout::kProtectedAt + page) * kPage;
    rings_.Push(queue, BytesOf(blt));
    Run(queue);
  }

  const BaseMachine& machine_;
  const device::RsaPrivateKey& identity_;
  const BaseSecrets& secrets_;
  RingWriter rings_;
  BaseState state_;
};

}  // namespace

BaseSecrets BaseSecrets::Variant(uint32_t variant) {
  BaseSecrets secrets;
  uint64_t state = 0x9e3779b97f4a7c15 * (variant + 1);
  const auto draw = [&] {
    state = state * 6364136223846793005 + 1442695040888963407;
    return static_cast<uint8_t>(state >> 40);
  };
  std::generate(secrets.session_key.begin(), secrets.session_key.end(), draw);
  std::generate(secrets.other_key.begin(), secrets.other_key.end(), draw);
  secrets.paint = variant == 0 ? 0x9e3779b8 : 0x7f4a7c14;
  secrets.session_paint = secrets.paint ^ 0x12345600;
  secrets.other_paint = secrets.paint ^ 0x65432100;
  return secrets;
}

BaseState BuildBase(const BaseMachine& machine, const device::RsaPrivateKey& identity,
                    const BaseSecrets& secrets) {
  return BaseBuilder(machine, identity, secrets).Build();
}

}  // namespace ward::fuzz
