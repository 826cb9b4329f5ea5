// Visible VRAM that is too small for what is in it. Contents are compared with what the test wrote.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "abi/generated/messages.h"
#include "base/bytes.h"
#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "tests/unit/kmd/chip_machine.h"

namespace ward::kmd {
namespace {

constexpr uint64_t kVram = 2 << 20;
constexpr uint32_t kPiece = 256 << 10;
constexpr uint64_t kFirstAddress = 1ull << 32;  // of a device's first allocation

emulator::InProcessOptions SmallVram(uint64_t bytes) {
  emulator::InProcessOptions options = ChipMachine::Options();
  options.gpu.visible_vram_bytes = bytes;
  return options;
}

std::vector<uint8_t> Pattern(size_t size, uint32_t seed) {
  std::vector<uint8_t> bytes(size);
  for (uint8_t& byte : bytes) {
    seed = seed * 1664525 + 1013904223;
    byte = static_cast<uint8_t>(seed >> 24);
  }
  return bytes;
}

CommandBuffer Noop() {
  CommandBuffer commands;
  commands.Add(abi::NoopCommand{}, {});
  return commands;
}

struct SmallMachine : ChipMachine {
  explicit SmallMachine(uint64_t vram_bytes = kVram) : ChipMachine(SmallVram(vram_bytes)) {}
};

// Fills visible VRAM from a device of its own; gives what was made. `limit` is more than fits.
std::vector<AllocationHandle> Press(Client* client, uint32_t count) {
  std::vector<AllocationHandle> made;
  for (uint32_t i = 0; i < count; ++i) made.push_back(client->Allocate(Segment::kVisible, kPiece));
  return made;
}

TEST_CASE("more than visible VRAM holds keeps its content and its addresses") {
  SmallMachine machine;
  Client client(&machine);
  constexpr uint32_t kCount = 40;  // 10 MiB in 2
  std::vector<AllocationHandle> allocations;
  for (uint32_t i = 0; i < kCount; ++i) {
    allocations.push_back(client.Allocate(Segment::kVisible, kPiece));
    client.Write(allocations[i], Pattern(kPiece, i));
  }
  CHECK(machine.adapter->Memory().moved_out >= kCount - kVram / kPiece);
  for (uint32_t i = 0; i < kCount; ++i) {
    REQUIRE(client.Read(allocations[i]) == Pattern(kPiece, i));
  }
  // By the GPU, which finds each under the same address: one into the next, round the whole list.
  const AllocationHandle copy = client.Allocate(Segment::kSystem, kPiece);
  for (uint32_t i = 0; i < kCount; ++i) {
    CommandBuffer commands;
    commands.AddCopy(copy, allocations[i], kPiece);
    commands.AddFill(allocations[i], 128, 4, i);
    REQUIRE(client.Run(commands) == abi::kStatusOk);
    REQUIRE(client.Read(copy) == Pattern(kPiece, i));
  }
  CHECK(machine.adapter->Memory().moved_in >= kCount - kVram / kPiece);
  for (uint32_t i = 0; i < kCount; ++i) {
    std::vector<uint8_t> expected = Pattern(kPiece, i);
    StoreLe<uint32_t>(expected.data() + 128, i);
    REQUIRE(client.Read(allocations[i]) == expected);
  }
}

TEST_CASE("an unlisted address reaches its allocation also after that moved") {
  SmallMachine machine;
  Client client(&machine);
  Client other(&machine);
  const AllocationHandle first = client.Allocate(Segment::kVisible, kPiece);
  client.Write(first, Pattern(kPiece, 1));
  const AllocationHandle back = client.Allocate(Segment::kSystem, kPiece);
  Press(&other, 2 * kVram / kPiece);
  abi::CopyCommand copy{};
  copy.source = kFirstAddress;
  copy.row_bytes = kPiece;
  copy.row_count = 1;
  CommandBuffer commands;
  commands.Add(copy, {{offsetof(abi::CopyCommand, destination), back, 0}});
  const uint64_t moved_in = machine.adapter->Memory().moved_in;
  REQUIRE(client.Run(commands) == abi::kStatusOk);
  CHECK(machine.adapter->Memory().moved_in == moved_in);
  CHECK(client.Read(back) == Pattern(kPiece, 1));
}

TEST_CASE("where an allocation is can be asked, and asking is no use of it") {
  SmallMachine machine;
  Client client(&machine);
  Client other(&machine);
  const AllocationHandle first = client.Allocate(Segment::kVisible, kPiece);
  const AllocationHandle kept = client.Allocate(Segment::kVisible, kPiece);
  const AllocationHandle offered = client.Allocate(Segment::kVisible, kPiece);
  const AllocationHandle system = client.Allocate(Segment::kSystem, kPiece);
  const AllocationHandle secret = client.Allocate(Segment::kProtected, kPiece);
  const auto place = [&](AllocationHandle allocation) {
    return client.adapter->PlaceOf(client.device, allocation).value();
  };
  for (const AllocationHandle one : {first, kept, offered, secret}) {
    CHECK(place(one) == Place::kVideoMemory);
  }
  CHECK(place(system) == Place::kSystem);
  REQUIRE(client.adapter->MakeResident(client.device, std::array{kept}).ok());
  REQUIRE(client.adapter->Offer(client.device, offered).ok());
  CHECK(place(offered) == Place::kVideoMemory);  // nobody needed the room yet
  uint32_t pressing = 0;
  while (place(first) != Place::kSystem && pressing < 2 * kVram / kPiece) {
    other.Allocate(Segment::kVisible, kPiece);
    ++pressing;
  }
  // It went first though it was asked about each time, after what was offered.
  CHECK(place(first) == Place::kSystem);
  CHECK(place(kept) == Place::kVideoMemory);
  CHECK(place(offered) == Place::kNowhere);
  CHECK(place(secret) == Place::kVideoMemory);
  CommandBuffer use;
  use.AddFill(first, 0, 16, 1);
  REQUIRE(client.Run(use) == abi::kStatusOk);
  CHECK(place(first) == Place::kVideoMemory);
  CHECK_FALSE(client.adapter->Reclaim(client.device, offered).value());
  CHECK(place(offered) == Place::kVideoMemory);
  // Of this device alone.
  CHECK(other.adapter->PlaceOf(other.device, first).fault().status == abi::kStatusInvalidArgument);
  CHECK(other.adapter->PlaceOf(other.device, 0).fault().status == abi::kStatusInvalidArgument);
}

TEST_CASE("what is used last moves out last") {
  SmallMachine machine;
  Client client(&machine);
  std::vector<AllocationHandle> allocations = Press(&client, kVram / kPiece - 1);
  const AllocationHandle favourite = allocations[0];
  const MemoryReport before = machine.adapter->Memory();
  REQUIRE(before.moved_out == 0);
  CommandBuffer use;
  use.AddFill(favourite, 0, 4, 1);
  for (uint32_t i = 0; i < 20; ++i) {
    REQUIRE(client.Run(use) == abi::kStatusOk);
    client.Allocate(Segment::kVisible, kPiece);
  }
  CHECK(machine.adapter->Memory().moved_out >= 19);
  CHECK(machine.adapter->Memory().moved_in == 0);  // the favourite never left
}

TEST_CASE("a locked allocation stays where it is") {
  SmallMachine machine;
  Client client(&machine);
  const AllocationHandle page = client.Allocate(Segment::kVisible, kPiece);
  const bool moved_before = GENERATE(false, true);
  if (moved_before) Press(&client, 2 * kVram / kPiece);
  const ByteSpan view = client.adapter->Lock(client.device, page).value();
  std::memset(view.data(), 0x11, view.size());
  Press(&client, 2 * kVram / kPiece);
  // The CPU goes on writing, and a command that lists it reads that.
  std::memset(view.data(), 0x22, view.size());
  const AllocationHandle back = client.Allocate(Segment::kSystem, kPiece);
  CommandBuffer commands;
  commands.AddCopy(back, page, kPiece);
  commands.AddFill(page, 0, 4, 0x33333333);
  REQUIRE(client.Run(commands) == abi::kStatusOk);
  CHECK(client.Read(back) == std::vector<uint8_t>(kPiece, 0x22));
  CHECK(view[0] == 0x33);
  CHECK(view[4] == 0x22);
  REQUIRE(client.adapter->Unlock(client.device, page).ok());
  Press(&client, 2 * kVram / kPiece);
  CHECK(client.Read(page)[0] == 0x33);
}

TEST_CASE("nothing moves that a submission in flight lists") {
  SmallMachine machine;
  Client client(&machine);
  Client other(&machine);
  const ContextHandle second = client.adapter->CreateContext(client.device).value();
  const AllocationHandle flag = client.Allocate(Segment::kVisible, 4096);
  const AllocationHandle busy = client.Allocate(Segment::kVisible, kPiece);
  client.Write(busy, Pattern(kPiece, 5));
  const AllocationHandle copy = client.Allocate(Segment::kSystem, kPiece);
  CommandBuffer commands;
  commands.AddWait(flag);
  commands.AddCopy(copy, busy, kPiece);
  REQUIRE(client.Submit(commands).ok());
  const uint64_t moved_out = machine.adapter->Memory().moved_out;
  const size_t pieces = Press(&other, 12).size();
  // All but the few that must fit beside it moved, and each of them was the other device's.
  CHECK(machine.adapter->Memory().moved_out > moved_out);
  CommandBuffer release;
  release.AddFill(flag, 0, 8, 1);
  REQUIRE(client.adapter
              ->Submit(client.device, second, release.bytes, release.allocations, release.patches)
              .ok());
  CHECK(client.Read(copy) == Pattern(kPiece, 5));
  CHECK(machine.adapter->Memory().moved_in == 0);
  CHECK(pieces == 12);
}

TEST_CASE("when all of visible VRAM is in use by what hangs there is no room, and then there is") {
  SmallMachine machine;
  Client client(&machine);
  Client other(&machine);
  const ContextHandle second = client.adapter->CreateContext(client.device).value();
  const AllocationHandle flag = client.Allocate(Segment::kSystem, 4096);
  CommandBuffer commands;
  commands.AddWait(flag);
  uint32_t offset = 0;
  for (const AllocationHandle piece : Press(&client, kVram / kPiece - 1)) {
    commands.AddFill(piece, offset, 4, 0x44);
  }
  REQUIRE(client.Submit(commands).ok());
  const auto refused =
      other.adapter->Allocate(other.device, Client::Plain(Segment::kVisible, kPiece));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.fault().status == abi::kStatusOutOfMemory);
  CHECK(machine.adapter->Memory().moved_out == 0);
  CommandBuffer release;
  release.AddFill(flag, 0, 8, 1);
  REQUIRE(client.adapter
              ->Submit(client.device, second, release.bytes, release.allocations, release.patches)
              .ok());
  CHECK(other.adapter->Allocate(other.device, Client::Plain(Segment::kVisible, kPiece)).ok());
  CHECK(machine.adapter->Memory().moved_out == 1);
}

// An answer that is still on its way to a page that no list named.
TEST_CASE("an answer in flight goes along with the page, not to the page's next owner") {
  SmallMachine machine;
  Client first(&machine);
  Client next(&machine);
  const AllocationHandle page = first.Allocate(Segment::kVisible, kPiece);
  std::vector<uint8_t> command(abi::SecurityMessageCommand::kSizeBytes + 48);
  abi::SecurityMessageCommand message{};
  message.opcode = abi::SecurityMessageCommand::kOpcode;
  message.length = static_cast<uint32_t>(command.size());
  message.message = abi::kMessageCreateSession;
  message.payload_bytes = 48;
  message.response_address = kFirstAddress;
  message.response_capacity = 64;
  std::memcpy(command.data(), &message, sizeof(message));
  REQUIRE(machine.adapter->Submit(first.device, first.context, command, {}, {}).ok());
  const std::vector<AllocationHandle> taken = Press(&next, kVram / kPiece);
  REQUIRE(machine.adapter->Memory().moved_out >= 1);
  REQUIRE(machine.adapter->WaitFence(first.device, first.context, 1).ok());
  for (const AllocationHandle one : taken) {
    REQUIRE(next.Read(one) == std::vector<uint8_t>(kPiece));
  }
  const std::vector<uint8_t> answer = first.Read(page);
  CHECK(LoadLe<uint32_t>(answer.data() + 8) == abi::kMessageCreateSession);
}

TEST_CASE("the scanned-out surface never moves, and does again when another one is shown") {
  SmallMachine machine(2 * kVram);  // both fit, and little else
  Client client(&machine);
  constexpr uint32_t kWidth = 640;
  constexpr uint32_t kHeight = 360;
  constexpr uint32_t kPitch = 4 * kWidth;
  constexpr abi::AllocationData kSurface{0x10000, 1, kPitch * kHeight, kWidth, kHeight, kPitch, 0,
                                         0,       {}};
  REQUIRE(client.adapter->SetMode(0, kWidth, kHeight).ok());
  const AllocationHandle surface = client.Allocate(kSurface);
  const std::vector<uint8_t> picture(kPitch * kHeight, 0x5a);
  client.Write(surface, picture);
  const auto present = [&](AllocationHandle one) {
    return client.adapter->Present(client.device, client.context, one, kWidth, kHeight, kPitch,
                                   {true});
  };
  const auto shows = [&](uint8_t byte) {
    std::vector<uint8_t> pixels(picture.size());
    if (!machine.host->gpu().ReadScanout(0, device::ScanoutView::kCapture, pixels, kPitch)) {
      return false;
    }
    for (size_t i = 0; i < pixels.size(); ++i) {
      if (i % 4 != 3 && pixels[i] != byte) return false;
    }
    return true;
  };
  REQUIRE(present(surface).ok());
  REQUIRE(shows(0x5a));
  for (const AllocationHandle piece : Press(&client, 4 * kVram / kPiece)) {
    client.Write(piece, std::vector<uint8_t>(kPiece, 0x77));
  }
  CHECK(shows(0x5a));

  const AllocationHandle other = client.Allocate(kSurface);
  client.Write(other, std::vector<uint8_t>(picture.size(), 0x66));
  REQUIRE(present(other).ok());
  CHECK(shows(0x66));
  const uint64_t moved_in = machine.adapter->Memory().moved_in;
  Press(&client, 4 * kVram / kPiece);
  CHECK(shows(0x66));
  // The first one moved out, and comes back to be shown.
  REQUIRE(present(surface).ok());
  CHECK(machine.adapter->Memory().moved_in == moved_in + 1);
  CHECK(shows(0x5a));

  // Locked in system memory it can't come back.
  Press(&client, 4 * kVram / kPiece);
  REQUIRE(client.adapter->Lock(client.device, other).ok());
  CHECK(present(other).fault().status == abi::kStatusInvalidArgument);
  CHECK(shows(0x5a));
}

TEST_CASE("a submission that lists more than visible VRAM holds is out of memory") {
  SmallMachine machine;
  Client client(&machine);
  CommandBuffer commands;
  const std::vector<AllocationHandle> pieces = Press(&client, kVram / kPiece + 1);
  for (const AllocationHandle piece : pieces) commands.AddFill(piece, 0, 4, 9);
  CHECK(client.Run(commands) == abi::kStatusOutOfMemory);
  // It ran nothing, and each can still be used by itself.
  for (const AllocationHandle piece : pieces) {
    REQUIRE(client.Read(piece)[0] == 0);
    CommandBuffer one;
    one.AddFill(piece, 0, 4, 9);
    REQUIRE(client.Run(one) == abi::kStatusOk);
  }
}

TEST_CASE("without system memory nothing moves out, and what can't move back stays usable") {
  SmallMachine machine;
  Client client(&machine);
  REQUIRE(client.Run(Noop()) == abi::kStatusOk);  // the queue's own memory is there
  const std::vector<AllocationHandle> pieces = Press(&client, kVram / kPiece + 2);
  for (uint32_t i = 0; i < pieces.size(); ++i) client.Write(pieces[i], Pattern(kPiece, i));
  machine.function->limit_bytes = machine.function->used_bytes();
  const MemoryReport before = machine.adapter->Memory();
  const auto refused =
      client.adapter->Allocate(client.device, Client::Plain(Segment::kVisible, kPiece));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.fault().status == abi::kStatusOutOfMemory);
  // Bringing back needs room for what goes out, too.
  CommandBuffer commands;
  commands.AddFill(pieces[0], 0, 4, 1);
  CHECK(client.Run(commands) == abi::kStatusOutOfMemory);
  CHECK(client.adapter->MakeResident(client.device, std::array{pieces[0]}).fault().status ==
        abi::kStatusOutOfMemory);
  CHECK(machine.adapter->Memory().moved_out == before.moved_out);
  CHECK(machine.adapter->Memory().system_bytes == before.system_bytes);
  for (uint32_t i = 0; i < pieces.size(); ++i) {
    REQUIRE(client.Read(pieces[i]) == Pattern(kPiece, i));
  }
  // One that goes makes room in either kind.
  REQUIRE(client.adapter->Free(client.device, pieces.back()).ok());
  CHECK(client.Run(commands) == abi::kStatusOk);
}

TEST_CASE("MakeResident brings back and keeps, as often as it was asked") {
  SmallMachine machine;
  Client client(&machine);
  const std::vector<AllocationHandle> kept = Press(&client, 2);
  client.Write(kept[0], Pattern(kPiece, 3));
  Press(&client, 2 * kVram / kPiece);
  Adapter* adapter = client.adapter;
  REQUIRE(adapter->MakeResident(client.device, kept).ok());
  REQUIRE(adapter->MakeResident(client.device, std::array{kept[0]}).ok());
  CHECK(adapter->Memory().moved_in == 2);
  Press(&client, 2 * kVram / kPiece);
  REQUIRE(adapter->Evict(client.device, std::array{kept[0]}).ok());
  Press(&client, 2 * kVram / kPiece);
  CommandBuffer use;
  use.AddFill(kept[0], 0, 4, 1);
  use.AddFill(kept[1], 0, 4, 1);
  REQUIRE(client.Run(use) == abi::kStatusOk);
  CHECK(adapter->Memory().moved_in == 2);  // they were there all the time

  // A list with one entry that does not hold changes nothing.
  CHECK(adapter->Evict(client.device, std::array{kept[1], kept[0], kept[0]}).fault().status ==
        abi::kStatusInvalidArgument);
  REQUIRE(adapter->Evict(client.device, kept).ok());
  CHECK(adapter->Evict(client.device, kept).fault().status == abi::kStatusInvalidArgument);
  Press(&client, 1);  // which they are the first to make room for
  std::vector<uint8_t> expected = Pattern(kPiece, 3);
  StoreLe<uint32_t>(expected.data(), 1);
  CHECK(client.Read(kept[0]) == expected);
  REQUIRE(client.Run(use) == abi::kStatusOk);
  CHECK(adapter->Memory().moved_in > 2);

  // All of it can't be kept at once; what was asked for together is refused together.
  const std::vector<AllocationHandle> many = Press(&client, kVram / kPiece);
  CHECK(adapter->MakeResident(client.device, many).fault().status == abi::kStatusOutOfMemory);
  CHECK(adapter->Evict(client.device, std::array{many[0]}).fault().status ==
        abi::kStatusInvalidArgument);
  CHECK(adapter->MakeResident(client.device, std::array{0xffffffffu}).fault().status ==
        abi::kStatusInvalidArgument);
}

TEST_CASE("an offered content may go, and Reclaim says whether it did") {
  SmallMachine machine;
  Client client(&machine);
  Adapter* adapter = client.adapter;
  const AllocationHandle cache = client.Allocate(Segment::kVisible, kPiece);
  client.Write(cache, Pattern(kPiece, 8));
  REQUIRE(adapter->Offer(client.device, cache).ok());
  CommandBuffer use;
  use.AddFill(cache, 0, 4, 1);
  const uint32_t invalid = abi::kStatusInvalidArgument;
  CHECK(client.Run(use) == invalid);
  CHECK(adapter->Lock(client.device, cache).fault().status == invalid);
  CHECK(adapter->Offer(client.device, cache).fault().status == invalid);
  CHECK(adapter->MakeResident(client.device, std::array{cache}).fault().status == invalid);
  CHECK(adapter->Reclaim(client.device, cache).value());
  CHECK(adapter->Reclaim(client.device, cache).fault().status == invalid);
  CHECK(client.Read(cache) == Pattern(kPiece, 8));

  // Under pressure it goes without system memory.
  REQUIRE(adapter->Offer(client.device, cache).ok());
  machine.function->limit_bytes = machine.function->used_bytes();
  const std::vector<AllocationHandle> pieces = Press(&client, kVram / kPiece - 1);
  CHECK(adapter->Memory().given_up == 1);
  CHECK(adapter->Memory().moved_out == 0);
  // No room to take it back: it stays offered until there is.
  CHECK(adapter->Reclaim(client.device, cache).fault().status == abi::kStatusOutOfMemory);
  REQUIRE(adapter->Free(client.device, pieces[3]).ok());
  CHECK_FALSE(adapter->Reclaim(client.device, cache).value());
  CHECK(client.Read(cache) == std::vector<uint8_t>(kPiece));
  machine.function->limit_bytes = ~uint64_t{0};
  CHECK(client.Run(use) == abi::kStatusOk);

  // What is locked or must stay can't be offered; an offered one can be freed.
  REQUIRE(adapter->Lock(client.device, cache).ok());
  CHECK(adapter->Offer(client.device, cache).fault().status == invalid);
  REQUIRE(adapter->Unlock(client.device, cache).ok());
  REQUIRE(adapter->MakeResident(client.device, std::array{cache}).ok());
  CHECK(adapter->Offer(client.device, cache).fault().status == invalid);
  REQUIRE(adapter->Evict(client.device, std::array{cache}).ok());
  REQUIRE(adapter->Offer(client.device, cache).ok());
  Press(&client, 2 * kVram / kPiece);
  CHECK(adapter->Free(client.device, cache).ok());
}

TEST_CASE("allocations of large pages move and come back like others, to their last byte") {
  constexpr uint32_t kBig = (4 << 20) + 4096;
  SmallMachine machine(16 << 20);
  Client client(&machine);
  std::vector<AllocationHandle> allocations;
  for (uint32_t i = 0; i < 6; ++i) {
    allocations.push_back(client.Allocate(Segment::kVisible, kBig));
    CommandBuffer commands;
    commands.AddFill(allocations[i], 0, kBig, 0x1000 + i);
    REQUIRE(client.Run(commands) == abi::kStatusOk);
  }
  CHECK(machine.adapter->Memory().moved_out >= 3);
  const AllocationHandle copy = client.Allocate(Segment::kSystem, kBig);
  for (uint32_t i = 0; i < 6; ++i) {
    CommandBuffer commands;
    commands.AddCopy(copy, allocations[i], kBig);
    REQUIRE(client.Run(commands) == abi::kStatusOk);
    const std::vector<uint8_t> bytes = client.Read(copy);
    bool same = true;
    for (size_t at = 0; at < bytes.size(); at += 4) {
      same = same && LoadLe<uint32_t>(bytes.data() + at) == 0x1000 + i;
    }
    REQUIRE(same);
  }
  // A page behind the last one is nobody's, and the fault says where.
  abi::FillCommand fill{};
  fill.row_bytes = kBig;
  fill.row_count = 1;
  CommandBuffer beyond;
  beyond.Add(fill, {{offsetof(abi::FillCommand, destination), allocations[0], 4}});
  CHECK(client.Run(beyond) == abi::kStatusQueueFaulted);
  const abi::QueueReport report = client.adapter->Report(client.device, client.context).value();
  CHECK(report.fault_status == abi::kStatusPageNotMapped);
  CHECK(report.fault_address == kFirstAddress + kBig);
}

TEST_CASE("contexts that come later see what was given up or moved") {
  SmallMachine machine;
  Client client(&machine);
  const AllocationHandle moved = client.Allocate(Segment::kVisible, kPiece);
  const AllocationHandle lost = client.Allocate(Segment::kVisible, kPiece);
  client.Write(moved, Pattern(kPiece, 2));
  REQUIRE(client.adapter->Offer(client.device, lost).ok());
  Press(&client, 2 * kVram / kPiece);
  REQUIRE(client.adapter->Memory().given_up == 1);
  client.context = client.adapter->CreateContext(client.device).value();
  REQUIRE_FALSE(client.adapter->Reclaim(client.device, lost).value());
  CommandBuffer commands;
  commands.AddCopy(lost, moved, kPiece);
  REQUIRE(client.Run(commands) == abi::kStatusOk);
  CHECK(client.Read(lost) == Pattern(kPiece, 2));
}

TEST_CASE("everything is given back in the end, also by a device that ends in the middle") {
  SmallMachine machine;
  const MemoryReport before = machine.adapter->Memory();
  const uint64_t dma_before = machine.function->used_bytes();
  {
    Client client(&machine);
    Client other(&machine);
    Press(&client, 3 * kVram / kPiece);
    const std::vector<AllocationHandle> pieces = Press(&other, 2 * kVram / kPiece);
    REQUIRE(other.adapter->Lock(other.device, pieces[1]).ok());
    REQUIRE(other.adapter->MakeResident(other.device, std::array{pieces[0]}).ok());
    REQUIRE(other.adapter->Offer(other.device, pieces[2]).ok());
    client.Allocate(Segment::kProtected, kPiece);
    machine.adapter->DestroyDevice(other.device);
    machine.adapter->DestroyDevice(client.device);
  }
  const MemoryReport after = machine.adapter->Memory();
  CHECK(after.free_visible_bytes == kVram);
  CHECK(after.free_protected_bytes == ChipMachine::kProtectedBytes);
  CHECK(after.system_bytes == before.system_bytes);
  CHECK(machine.function->used_bytes() == dma_before);
}

}  // namespace
}  // namespace ward::kmd
