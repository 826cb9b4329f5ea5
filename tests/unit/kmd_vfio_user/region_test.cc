#include <sys/mman.h>

#include <cstring>
#include <string>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "tests/unit/kmd_vfio_user/served_function.h"

namespace ward::kmd {
namespace {

using abi::PciError;

constexpr uint64_t kVramBytes = ScriptedServer::kVramBytes;

Bytes Pattern(size_t size, uint32_t seed = 1) {
  Bytes bytes(size);
  for (uint8_t& byte : bytes) {
    seed = seed * 1664525 + 1013904223;
    byte = static_cast<uint8_t>(seed >> 24);
  }
  return bytes;
}

// VFIO_REGION_INFO_CAP_SPARSE_MMAP (1), version 1.
Bytes Sparse(const std::vector<std::pair<uint64_t, uint64_t>>& areas, uint32_t next = 0) {
  Bytes bytes = Pack(uint16_t{1}, uint16_t{1}, next, static_cast<uint32_t>(areas.size()), 0u);
  for (const auto& [offset, size] : areas) bytes = bytes + Pack(offset, size);
  return bytes;
}

TEST_CASE("visible VRAM is mapped from the server's file, once") {
  ScriptedServer server;
  auto function = OpenAt(server);
  uint8_t* bar = function->MapBar(2);
  REQUIRE(bar != nullptr);
  CHECK(function->MapBar(2) == bar);
  bar[0x12345] = 0x77;
  CHECK(server.vram()[0x12345] == 0x77);
  server.vram()[kVramBytes - 1] = 0x66;
  CHECK(bar[kVramBytes - 1] == 0x66);
  CHECK(function->MapBar(0) == nullptr);
}

TEST_CASE("a map lives as long as the function, also when the server has gone") {
  ScriptedServer server;
  const auto function = OpenAt(server);
  uint8_t* bar = function->MapBar(2);
  REQUIRE(bar != nullptr);
  bar[7] = 0x55;
  server.Close();
  server.WaitForEnd();
  CHECK(function->BarRead32(0, 0) == 0xffffffff);
  CHECK(bar[7] == 0x55);
}

TEST_CASE("areas that cover the region map it, others do not") {
  struct Case {
    const char* name;
    Bytes capabilities;
    bool maps;
  };
  const Bytes other = Pack(uint16_t{2}, uint16_t{1}, 48u, 0u, 0u);  // a capability of 16 bytes
  const std::vector<Case> cases = {
      {"whole", Sparse({{0, kVramBytes}}), true},
      {"in two", Sparse({{0, 4096}, {4096, kVramBytes - 4096}}), true},
      {"behind another capability", other + Sparse({{0, kVramBytes}}), true},
      {"another capability alone", Pack(uint16_t{2}, uint16_t{1}, 0u, 0u, 0u), true},
      {"none", Sparse({}), false},
      {"a gap", Sparse({{0, 4096}, {8192, kVramBytes - 8192}}), false},
      {"not the end", Sparse({{0, kVramBytes - 4096}}), false},
      {"more than there is", Sparse({{0, kVramBytes + 4096}}), false},
      {"wraps", Sparse({{0, 4096}, {4096, ~uint64_t{0} - 4095}}), false},
      {"more areas than bytes", Pack(uint16_t{1}, uint16_t{1}, 0u, ~0u, 0u), false},
      {"half a capability", Pack(uint16_t{1}, uint16_t{1}), false},
      {"a chain that ends nowhere", Pack(uint16_t{2}, uint16_t{1}, 4096u, 0u), false},
      {"a chain that bites its tail", Pack(uint16_t{2}, uint16_t{1}, 32u, 0u), false},
  };
  for (const Case& tried : cases) {
    INFO(tried.name);
    ScriptedServer::Options options;
    options.region_capabilities = tried.capabilities;
    ScriptedServer server({}, options);
    const auto function = OpenAt(server);
    CHECK((function->MapBar(2) != nullptr) == tried.maps);
    // Mapped or not, messages reach it.
    const Bytes content = Pattern(100);
    CHECK(function->BarWriteBlock(2, 5000, content.data(), 100) == PciError::kNone);
    CHECK(std::memcmp(server.vram() + 5000, content.data(), 100) == 0);
  }
}

TEST_CASE("the description is asked for again with the room that it wants, and its file kept") {
  ScriptedServer::Options options;
  options.region_capabilities = Sparse({{0, kVramBytes}});
  ScriptedServer server({}, options);
  const size_t before = CountDescriptors();
  const auto function = OpenAt(server);
  std::vector<uint32_t> rooms;
  for (const auto& heard : server.TakeHeard()) {
    if (heard.command == 5 && heard.body[8] == 2) {
      rooms.push_back(LoadLe<uint32_t>(heard.body.data()));
    }
  }
  CHECK(rooms == std::vector<uint32_t>{32, 64});
  CHECK(function->MapBar(2) != nullptr);
  // The connection's two ends, two events and one file of the two that came.
  CHECK(CountDescriptors() <= before + 5);
}

TEST_CASE("a file that could take the memory away is not mapped") {
  ScriptedServer::Options options;
  SECTION("not sealed") { options.seals_vram = false; }
  SECTION("too short") { options.vram_file_bytes = kVramBytes - 4096; }
  ScriptedServer server({}, options);
  const auto function = OpenAt(server);
  CHECK(function->MapBar(2) == nullptr);
  CHECK(std::string(function->LastErrorText()).find("BAR2 can't be mapped") != std::string::npos);
  CHECK(function->BarRead32(0, 0) == 0);
}

TEST_CASE("by messages no BAR is mapped") {
  ScriptedServer server;
  const auto function = OpenAt(server, ",messages");
  CHECK(function->MapBar(2) == nullptr);
  CHECK(function->BarSize(2) == kVramBytes);
}

TEST_CASE("blocks larger than a message go in pieces, whatever the server's limit") {
  const bool is_small = GENERATE(false, true);
  ScriptedServer::Options options;
  const std::string text = R"({"capabilities":{"max_data_xfer_size":4096}})";
  if (is_small) options.capabilities = Bytes(text.begin(), text.end());
  ScriptedServer server({}, options);
  const auto function = OpenAt(server, ",messages");
  server.TakeHeard();
  const Bytes content = Pattern(kVramBytes - 3);
  REQUIRE(function->BarWriteBlock(2, 3, content.data(), content.size()) == PciError::kNone);
  CHECK(std::memcmp(server.vram() + 3, content.data(), content.size()) == 0);
  Bytes back(content.size());
  REQUIRE(function->BarReadBlock(2, 3, back.data(), back.size()) == PciError::kNone);
  CHECK(back == content);
  const size_t pieces = is_small ? kVramBytes / 4096 : 2;
  CHECK(server.TakeHeard().size() == 2 * pieces);
}

TEST_CASE("blocks outside of a BAR are refused before anything is sent") {
  ScriptedServer server;
  const auto function = OpenAt(server);
  server.TakeHeard();
  uint8_t bytes[8] = {};
  CHECK(function->BarReadBlock(2, kVramBytes - 7, bytes, 8) == PciError::kBadArgument);
  CHECK(function->BarWriteBlock(2, ~uint64_t{0}, bytes, 8) == PciError::kBadArgument);
  CHECK(function->BarWriteBlock(5, 0, bytes, 8) == PciError::kBadArgument);
  CHECK(server.TakeHeard().empty());
}

TEST_CASE("a server that refuses a write to its own memory is not used any more") {
  ScriptedServer server([](ScriptedServer* self, const ScriptedServer::Received& request) {
    if (request.command != 10 || request.body[8] != 2) return false;
    self->ReplyError(request, 22);
    return true;
  });
  const auto function = OpenAt(server);
  const uint64_t word = 1;
  CHECK(function->BarWriteBlock(2, 0, &word, sizeof(word)) == PciError::kGone);
  CHECK(function->BarRead32(0, 0) == 0xffffffff);
}

}  // namespace
}  // namespace ward::kmd
