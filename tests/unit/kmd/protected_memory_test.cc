// Protected memory between two processes. The CPU can't read it, so an output shows what it holds.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "abi/generated/messages.h"
#include "base/bytes.h"
#include "catch2/catch_test_macros.hpp"
#include "device/crypto/rsa_private_key.h"
#include "tests/unit/kmd/chip_machine.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kWidth = 640;
constexpr uint32_t kHeight = 360;
constexpr uint32_t kPitch = 4 * kWidth;
constexpr uint32_t kBytes = kPitch * kHeight;
constexpr abi::AllocationData kSurface{0x10000, 2, kBytes, kWidth, kHeight, kPitch, 0, 0, {}};
constexpr uint32_t kResponseBytes = 64;
// D3D11_CRYPTO_TYPE_AES128_CTR and D3D11_KEY_EXCHANGE_RSAES_OAEP, in memory order.
constexpr uint8_t kAesCtr[16] = {0x11, 0xd7, 0x6b, 0x9b, 0x74, 0x4f, 0xc9, 0x41,
                                 0x9e, 0x7b, 0x0b, 0xe2, 0xd7, 0xd9, 0x3b, 0x4f};
constexpr uint8_t kRsaOaep[16] = {0x95, 0x98, 0x94, 0xc1, 0x2a, 0xd7, 0x1d, 0x4a,
                                  0x8e, 0x5d, 0xed, 0x85, 0x7d, 0x17, 0x15, 0x20};

// A process with one protected surface, which may also have a session.
struct Process {
  explicit Process(ChipMachine* machine)
      : client(machine),
        surface(client.Allocate(kSurface)),
        page(client.Allocate(Segment::kSystem, 4096)) {}

  // The response; its status is REQUIREd to be 0.
  std::vector<uint8_t> Ask(uint32_t number, const std::vector<uint8_t>& payload) {
    abi::SecurityMessageCommand message{};
    message.opcode = abi::SecurityMessageCommand::kOpcode;
    message.message = number;
    message.payload_bytes = static_cast<uint32_t>(payload.size());
    message.response_capacity = kResponseBytes;
    CommandBuffer commands;
    commands.bytes.resize((sizeof(message) + payload.size() + 15) / 16 * 16);
    message.length = static_cast<uint32_t>(commands.bytes.size());
    std::memcpy(commands.bytes.data(), &message, sizeof(message));
    std::copy(payload.begin(), payload.end(), commands.bytes.begin() + sizeof(message));
    commands.allocations = {page};
    commands.patches = {{0, 0, offsetof(abi::SecurityMessageCommand, response_address)}};
    REQUIRE(client.Run(commands) == abi::kStatusOk);
    std::vector<uint8_t> response = client.Read(page);
    REQUIRE(LoadLe<uint32_t>(response.data()) == abi::kStatusOk);
    return response;
  }

  void MakeSession() {
    std::vector<uint8_t> types(48);
    std::memcpy(types.data(), kAesCtr, sizeof(kAesCtr));
    std::memcpy(types.data() + 32, kRsaOaep, sizeof(kRsaOaep));
    session = LoadLe<uint32_t>(Ask(abi::kMessageCreateSession, types).data() + 16);
    std::vector<uint8_t> wrapped(8 + 256);
    StoreLe<uint32_t>(wrapped.data(), session);
    StoreLe<uint32_t>(wrapped.data() + 4, 256);
    device::AesKey session_key;
    std::ranges::fill(session_key.Expose(), uint8_t{0x11});
    REQUIRE(TestIdentity().key().WrapKey(session_key, ByteSpan(wrapped).subspan(8)));
    Ask(abi::kMessageNegotiateSessionKey, wrapped);
  }
  void EndSession() {
    std::vector<uint8_t> payload(8);
    StoreLe<uint32_t>(payload.data(), session);
    Ask(abi::kMessageDestroySession, payload);
  }
  // The surface's first page becomes the session's and holds what nobody can predict.
  void Decrypt() {
    abi::DecryptBltCommand blt{};
    blt.session = session;
    blt.length_bytes = 4096;
    CommandBuffer commands;
    commands.Add(blt, {{offsetof(abi::DecryptBltCommand, destination), surface, 0},
                       {offsetof(abi::DecryptBltCommand, source), page, 0}});
    REQUIRE(client.Run(commands) == abi::kStatusOk);
    REQUIRE(client.adapter->Report(client.device, client.context).value().refusal_count == 0);
  }
  void Fill(uint32_t value) {
    CommandBuffer commands;
    commands.AddFill(surface, 0, kBytes, value);
    REQUIRE(client.Run(commands) == abi::kStatusOk);
  }
  // Whether every pixel of the surface is `value`, as the screen's owner sees it.
  bool Shows(ChipMachine* machine, uint32_t value) {
    REQUIRE(client.adapter->SetMode(0, kWidth, kHeight).ok());
    REQUIRE(client.adapter
                ->Present(client.device, client.context, surface, kWidth, kHeight, kPitch, {true})
                .ok());
    std::vector<uint8_t> pixels(kBytes);
    REQUIRE(machine->host->gpu().ReadScanout(0, device::ScanoutView::kOperator, pixels, kPitch));
    for (uint32_t at = 0; at < kBytes; at += 4) {
      if ((LoadLe<uint32_t>(&pixels[at]) & 0xffffff) != value) return false;
    }
    return true;
  }

  Client client;
  AllocationHandle surface;
  AllocationHandle page;
  uint32_t session = 0;
};

TEST_CASE("protected memory starts as zeros, whoever wrote it before") {
  ChipMachine machine;
  Process first(&machine);
  SECTION("nobody's content, freed") {
    first.Fill(0xabcdef);
    REQUIRE(first.client.adapter->Free(first.client.device, first.surface).ok());
  }
  SECTION("nobody's content, of a device that ended") {
    first.Fill(0xabcdef);
    machine.adapter->DestroyDevice(first.client.device);
  }
  SECTION("content of a session that goes on") {
    first.MakeSession();
    first.Decrypt();
    REQUIRE_FALSE(first.Shows(&machine, 0));
    REQUIRE(first.client.adapter->Free(first.client.device, first.surface).ok());
  }
  Process next(&machine);
  CHECK(next.Shows(&machine, 0));
}

TEST_CASE("what is written to reused protected memory outlives the session that was there") {
  ChipMachine machine;
  Process first(&machine);
  first.MakeSession();
  first.Decrypt();
  REQUIRE(first.client.adapter->Free(first.client.device, first.surface).ok());
  Process next(&machine);
  next.Fill(0x123456);
  REQUIRE(next.Shows(&machine, 0x123456));
  first.EndSession();
  CHECK(next.Shows(&machine, 0x123456));
}

}  // namespace
}  // namespace ward::kmd
