// Servers that die, fall silent or break the protocol while a function is open: it is gone, reads
// are all ones, the text says why, and nothing is left open.
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "tests/unit/kmd_vfio_user/served_function.h"

namespace ward::kmd {
namespace {

using abi::PciError;
using Received = ScriptedServer::Received;

constexpr uint64_t kTrigger = 0x40;  // the register whose read is answered wrongly

bool IsTrigger(const Received& request) {
  return request.command == 9 && request.body[8] == 0 &&
         LoadLe<uint64_t>(request.body.data()) == kTrigger;
}

// The right reply to that read, of which cases change something.
Bytes RightReply(const Received& request) {
  return ScriptedServer::Header(request.id, 9, request.body + Bytes(4), 1);
}

using Misdeed = std::function<void(ScriptedServer*, const Received&)>;
struct Case {
  const char* name;
  Misdeed misdeed;
  const char* text;  // part of what the function says
};

Misdeed Changed(const std::function<void(Bytes*)>& change) {
  return [change](ScriptedServer* server, const Received& request) {
    Bytes reply = RightReply(request);
    change(&reply);
    server->Send(reply);
  };
}

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {"closes", [](ScriptedServer* server, const Received&) { server->Close(); },
       "closed the connection"},
      {"closes amid a header",
       [](ScriptedServer* server, const Received& request) {
         const Bytes reply = RightReply(request);
         server->Send(Bytes(reply.begin(), reply.begin() + 7));
         server->Close();
       },
       "in the middle of a message"},
      {"closes amid a body",
       [](ScriptedServer* server, const Received& request) {
         const Bytes reply = RightReply(request);
         server->Send(Bytes(reply.begin(), reply.end() - 1));
         server->Close();
       },
       "in the middle of a message"},
      {"another id", Changed([](Bytes* reply) { ++(*reply)[0]; }), "nobody waits for"},
      {"another command", Changed([](Bytes* reply) { (*reply)[2] = 10; }), "nobody waits for"},
      {"smaller than a header", Changed([](Bytes* reply) { (*reply)[4] = 15; }),
       "a message of 15 bytes"},
      {"no bytes", Changed([](Bytes* reply) { (*reply)[4] = 0; }), "a message of 0 bytes"},
      {"larger than any message", Changed([](Bytes* reply) { (*reply)[7] = 0x7f; }),
       "a message of"},
      {"neither request nor reply", Changed([](Bytes* reply) { (*reply)[8] = 2; }),
       "neither request nor reply"},
      {"an unknown flag", Changed([](Bytes* reply) { (*reply)[8] = 0x41; }),
       "neither request nor reply"},
      {"an error without a number", Changed([](Bytes* reply) { (*reply)[8] = 0x21; }),
       "without an error"},
      {"an error with a body", Changed([](Bytes* reply) {
         (*reply)[8] = 0x21;
         (*reply)[12] = 22;
       }),
       "with a body"},
      {"a header alone",
       [](ScriptedServer* server, const Received& request) { server->Reply(request, {}); },
       "does not fit"},
      {"too little data",
       [](ScriptedServer* server, const Received& request) {
         server->Reply(request, request.body + Bytes(3));
       },
       "does not fit"},
      {"too much data",
       [](ScriptedServer* server, const Received& request) {
         server->Reply(request, request.body + Bytes(5));
       },
       "does not fit"},
      {"another count", Changed([](Bytes* reply) { (*reply)[16 + 12] = 2; }), "does not fit"},
      {"a descriptor with the reply",
       [](ScriptedServer* server, const Received& request) {
         server->Send(RightReply(request), {server->vram_file()});
       },
       "descriptors"},
      {"descriptors with a request",
       [](ScriptedServer* server, const Received& request) {
         const Bytes ask = ScriptedServer::Header(9, 11, Pack(uint64_t{0}, uint64_t{0}), 0);
         server->Send(ask, {server->vram_file(), server->vram_file()});
         server->Send(RightReply(request));
       },
       "descriptors"},
      {"more descriptors than a message carries",
       [](ScriptedServer* server, const Received& request) {
         server->Send(RightReply(request), std::vector<int>(20, server->vram_file()));
       },
       "descriptors"},
      {"two replies",
       [](ScriptedServer* server, const Received& request) {
         // Seen at the latest with the next request, whose reply it is not.
         server->Send(RightReply(request) + RightReply(request));
       },
       "nobody waits for"},
  };
  return cases;
}

void CheckGone(VfioUserFunction* function) {
  CHECK(function->BarRead32(0, 0) == 0xffffffff);
  CHECK(function->ConfigRead(0, 4) == 0xffffffff);
  function->BarWrite32(0, 0, 1);
  function->ConfigWrite(0, 4, 1);
  uint64_t word = 0;
  CHECK(function->BarReadBlock(2, 0, &word, sizeof(word)) == PciError::kGone);
  CHECK(function->BarWriteBlock(2, 0, &word, sizeof(word)) == PciError::kGone);
  CHECK(function->SetBusMaster(true) == PciError::kGone);
  CHECK(function->EnableInterrupts(2) == PciError::kGone);
  CHECK(function->ResetFunction() == PciError::kGone);
  abi::DmaBuffer buffer;
  CHECK(function->AllocateDma(4096, &buffer) == PciError::kGone);
}

TEST_CASE("a server that misbehaves is gone, and leaves nothing open") {
  const size_t before = CountDescriptors();
  for (const Case& tried : Cases()) {
    INFO(tried.name);
    ScriptedServer server([&](ScriptedServer* self, const Received& request) {
      if (!IsTrigger(request)) return false;
      tried.misdeed(self, request);
      return true;
    });
    auto function = OpenAt(server);
    abi::DmaBuffer kept;
    REQUIRE(function->AllocateDma(4096, &kept) == PciError::kNone);
    REQUIRE(function->EnableInterrupts(2) == PciError::kNone);
    const uint32_t value = function->BarRead32(0, kTrigger);
    if (value != 0) CHECK(value == 0xffffffff);
    CHECK(function->WaitInterrupt(0, 10000) == PciError::kGone);
    CheckGone(function.get());
    INFO(function->LastErrorText());
    CHECK(std::string(function->LastErrorText()).find(tried.text) != std::string::npos);
    kept.cpu[0] = 1;  // memory stays the driver's
    function->FreeDma(kept);
    function.reset();
  }
  CHECK(CountDescriptors() == before);
}

TEST_CASE("a server that does not answer is given up after the time-out, with its request named") {
  const bool is_half = GENERATE(false, true);
  ScriptedServer server([&](ScriptedServer* self, const Received& request) {
    if (request.command != 13) return false;
    if (is_half) self->Send({1, 2, 3});
    return true;
  });
  const auto function = OpenAt(server, ",timeout=1500");
  CHECK(function->ResetFunction() == PciError::kTimeout);
  const std::string text = function->LastErrorText();
  CHECK(text.find("DEVICE_RESET within 1500 ms") != std::string::npos);
  CHECK(text.find("raise timeout=") != std::string::npos);
  CheckGone(function.get());
}

TEST_CASE("a reply that comes too late is nobody's") {
  std::promise<Bytes> late;  // from the server's thread to this one
  ScriptedServer server([&](ScriptedServer*, const Received& request) {
    if (!IsTrigger(request)) return false;
    late.set_value(RightReply(request));
    return true;
  });
  const auto function = OpenAt(server, ",timeout=1500");
  CHECK(function->BarRead32(0, kTrigger) == 0xffffffff);
  server.Send(late.get_future().get());
  CHECK(function->BarRead32(0, 0) == 0xffffffff);
}

TEST_CASE("V20_replies that come byte by byte are as good as whole ones") {
  ScriptedServer server([&](ScriptedServer* self, const Received& request) {
    if (!IsTrigger(request)) return false;
    self->SendSlowly(ScriptedServer::Header(request.id, 9, request.body + Pack(0x01020304u), 1));
    return true;
  });
  const auto function = OpenAt(server);
  for (int i = 0; i < 5; ++i) CHECK(function->BarRead32(0, kTrigger) == 0x01020304);
}

TEST_CASE("V20_a message larger than the socket holds is sent on as it is read") {
  ScriptedServer server;
  const auto function = OpenAt(server, ",messages");
  Bytes content(ScriptedServer::kVramBytes);
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<uint8_t>(i * 7 + i / 256);
  for (int i = 0; i < 5; ++i) {
    content[0] = static_cast<uint8_t>(i);
    REQUIRE(function->BarWriteBlock(2, 0, content.data(), content.size()) == PciError::kNone);
    CHECK(Bytes(server.vram(), server.vram() + content.size()) == content);
  }
}

// It asks and asks and never reads the answers: memory for them has an end.
TEST_CASE("a server that does not read what it asked for is given up") {
  ScriptedServer server([&](ScriptedServer* self, const Received& request) {
    if (!IsTrigger(request)) return false;
    for (int i = 0; i < 1000; ++i) {
      self->Send(ScriptedServer::Header(7, 11, Pack(uint64_t{0x1000000}, uint64_t{1} << 20), 0));
    }
    return true;
  });
  const auto function = OpenAt(server, ",messages");
  REQUIRE(function->SetBusMaster(true) == PciError::kNone);
  abi::DmaBuffer buffer;
  REQUIRE(function->AllocateDma(1 << 20, &buffer) == PciError::kNone);
  REQUIRE(buffer.bus_address == 0x1000000);
  CHECK(function->BarRead32(0, kTrigger) == 0xffffffff);
  CHECK(std::string(function->LastErrorText()).find("reads nothing") != std::string::npos);
}

TEST_CASE("errors that the server answers with are the call's, and the function goes on") {
  const auto [number, error] =
      GENERATE(std::pair(22u, PciError::kBadArgument), std::pair(95u, PciError::kUnsupported),
               std::pair(25u, PciError::kUnsupported), std::pair(12u, PciError::kNoMemory),
               std::pair(0x7fffffffu, PciError::kBadArgument));
  ScriptedServer server([number](ScriptedServer* self, const Received& request) {
    if (request.command != 13 && !IsTrigger(request)) return false;
    self->ReplyError(request, number);
    return true;
  });
  const auto function = OpenAt(server);
  CHECK(function->BarRead32(0, kTrigger) == 0xffffffff);
  CHECK(std::string(function->LastErrorText()).find("refuses REGION_READ") != std::string::npos);
  CHECK(function->ResetFunction() == error);
  CHECK(function->BarRead32(0, 0) == 0);
}

TEST_CASE("a function that can't be reset says so and asks nothing") {
  ScriptedServer::Options options;
  options.is_resettable = false;
  ScriptedServer server({}, options);
  const auto function = OpenAt(server);
  server.TakeHeard();
  CHECK(function->ResetFunction() == PciError::kUnsupported);
  CHECK(server.TakeHeard().empty());
}

}  // namespace
}  // namespace ward::kmd
