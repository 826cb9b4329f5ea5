#include "tests/fuzz/device/move_writer.h"

#include <string_view>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"

namespace ward::fuzz {
namespace {

// Often enough for what matters, seldom enough that most of a command stays plausible.
constexpr uint32_t kOneInSo = 12;

uint16_t KnownValue(std::string_view field) {
  if (field == "row_count" || field == "output" || field == "format") return field[0] == 'r';
  if (field.find("pitch") != std::string_view::npos) return 2560;
  if (field == "width" || field == "destination_width") return 640;
  if (field == "height" || field == "destination_height") return 360;
  if (field == "color_space" || field == "filter" || field == "skip_bytes") return 0;
  if (field.find("bytes_at") != std::string_view::npos || field == "encrypt_bytes") return 0;
  return 64;
}

bool IsReserved(const abi::MessageInfo& info, uint32_t offset) {
  for (uint32_t i = 0; i < info.request_field_count; ++i) {
    const abi::FieldInfo& field = info.request_fields[i];
    const bool holds = offset >= field.offset && offset < field.offset + field.size_bytes;
    if (holds) return field.kind == abi::FieldKind::kReserved;
  }
  return false;
}

// Messages about one session, in the order in which they mean something.
constexpr uint32_t kKeyMessages[] = {
    abi::kMessageStartKeyRefresh, abi::kMessageFinishKeyRefresh, abi::kMessageSetContentKey,
    abi::kMessageGetReadbackKey,  abi::kMessageQuerySession,     abi::kMessageNegotiateSessionKey,
};

uint8_t IndexOfMessage(uint32_t number) {
  uint8_t index = 0;
  while (abi::kMessages[index].number != number) ++index;
  return index;
}

uint8_t IndexOfCommand(uint16_t opcode) {
  uint8_t index = 0;
  while (abi::kCommands[index].opcode != opcode) ++index;
  return index;
}

}  // namespace

void MoveWriter::Add(Move move, const std::vector<uint8_t>& arguments) {
  Byte(static_cast<uint8_t>(move));
  bytes_.insert(bytes_.end(), arguments.begin(), arguments.end());
}

void MoveWriter::Number(uint16_t value) {
  if (value < kLargeNumber) return Byte(static_cast<uint8_t>(value));
  Byte(kLargeNumber);
  Byte(static_cast<uint8_t>(value));
  Byte(static_cast<uint8_t>(value >> 8));
}

void MoveWriter::Address(uint8_t window, uint8_t page) {
  // Across the end of a window, into the next.
  if (pick_(kOneInSo) == 2) {
    constexpr uint8_t kLastPages[] = {layout::kSystemPages - 1, layout::kFreePages - 1,
                                      layout::kProtectedPages - 1, layout::kPrivatePages - 1};
    const std::vector<uint8_t> bytes = {static_cast<uint8_t>(0x80 | window), kLastPages[window],
                                        AnyByte(), 0x0f};
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return;
  }
  if (pick_(2 * kOneInSo) == 3) {
    // None that is mapped, or none at all.
    Byte(0x7c);
    Byte(page);
    const uint64_t address = uint64_t{1} << pick_(64);
    for (uint32_t at = 0; at < 8; ++at) Byte(static_cast<uint8_t>(address >> 8 * at));
    return;
  }
  const bool is_odd = pick_(kOneInSo) == 1;
  Byte(is_odd ? static_cast<uint8_t>(0x80 | AnyByte()) : window);
  // The first page is what the base's sessions have their content in.
  Byte(pick_(4) == 1 ? 0 : static_cast<uint8_t>(page + pick_(kOneInSo)));
  if (!is_odd) return;
  Byte(AnyByte());
  Byte(AnyByte());
}

uint16_t MoveWriter::Plausible(const char* field) {
  constexpr uint16_t kBorders[] = {0, 1, 15, 16, 17, 4095, 4096, 4097, 0xffff};
  const std::string_view name = field;
  if (name == "context") return static_cast<uint16_t>(3 - pick_(3));
  // The base's own tables, and none.
  if (name == "page_table_root") return static_cast<uint16_t>(pick_(4) == 1 ? pick_(0x10000) : 32);
  if (is_narrow_) {
    if (name.find("pitch") != std::string_view::npos) return 16;
    if (name == "row_bytes" || name.find("width") != std::string_view::npos) return 2;
    if (name == "row_count" || name.find("height") != std::string_view::npos) return 0x4000;
  }
  switch (pick_(kOneInSo)) {
    case 1:
      return kBorders[pick_(std::size(kBorders))];
    case 2:
      return static_cast<uint16_t>(pick_(0x10000));
    case 3:
      return static_cast<uint16_t>(pick_(8));
    default:
      return KnownValue(field);
  }
}

void MoveWriter::Command(uint8_t index, const Operands& operands) {
  const abi::CommandInfo& info = abi::kCommands[index];
  Byte(index);
  Byte(pick_(2) == 0 ? 0 : AnyByte());
  // Many rows of few bytes.
  is_narrow_ = pick_(6) == 1;
  bool is_first = true;
  for (uint32_t i = 3; i < info.field_count; ++i) {
    const abi::FieldInfo& field = info.fields[i];
    if (field.kind == abi::FieldKind::kAddress) {
      Address(is_first ? operands.target : operands.source, is_first ? 8 : 16);
      is_first = false;
    } else if (std::string_view(field.name) == "session") {
      Byte(pick_(kOneInSo) == 1 ? AnyByte() : 0);
    } else if (field.kind == abi::FieldKind::kBytes) {
      const uint8_t byte = pick_(4) == 1 ? 0xff : static_cast<uint8_t>(0x11 * pick_(3));
      for (uint32_t at = 0; at < field.size_bytes; ++at) Byte(byte);
    } else if (field.kind == abi::FieldKind::kNumber) {
      Number(Plausible(field.name));
    }
  }
  if (info.opcode != abi::DecryptSampleCommand::kOpcode) return;
  const auto count = static_cast<uint8_t>(pick_(8));
  Byte(count);
  Byte(static_cast<uint8_t>(1 + pick_(4)));
  for (uint32_t i = 0; i <= count; ++i) {
    Byte(AnyByte());
    Byte(AnyByte());
    Byte(static_cast<uint8_t>(pick_(2)));
  }
}

void MoveWriter::AddCommand(uint8_t index, uint8_t queue, const Operands& operands) {
  Add(Move::kCommand, {queue});
  Command(index, operands);
}

void MoveWriter::AddIndirect(const std::vector<uint8_t>& indices, uint8_t queue,
                             const Operands& operands) {
  Add(Move::kIndirect, {queue, static_cast<uint8_t>(indices.size() - 1)});
  for (const uint8_t index : indices) Command(index, operands);
  Byte(static_cast<uint8_t>(pick_(4)));
}

void MoveWriter::AddMessage(uint8_t index, uint8_t queue) {
  const abi::MessageInfo& info = abi::kMessages[index];
  // About a session that there is, with a blob that opens.
  constexpr uint8_t kUsual = 0x27;
  const uint32_t odd = pick_(4) == 1 ? AnyByte() : pick_(3) == 1 ? 8 : 0;
  const auto choice = static_cast<uint8_t>(kUsual ^ odd);
  Add(Move::kMessage, {queue, index, choice});
  const bool has_blob = info.number == abi::kMessageNegotiateSessionKey && (choice & 4) != 0;
  // What the grammar takes for a trusted function is longer; the rest is then the next moves'.
  const uint32_t variable = info.request_variable ? 256u : 0u;
  const uint32_t payload = has_blob ? 4 : info.request_bytes + variable;
  const bool has_wild_size = info.request_variable && pick_(8) == 1;
  const bool has_any_reserved = pick_(kOneInSo) == 1;
  for (uint32_t at = 0; at < payload; ++at) {
    if (has_wild_size && at >= 4 && at < 8) {
      Byte(0xff);
    } else if (!has_any_reserved && IsReserved(info, at)) {
      Byte(0);
    } else {
      Byte(pick_(kOneInSo) == 1 ? AnyByte() : static_cast<uint8_t>(1 - pick_(2)));
    }
  }
  // Sometimes shifted by less than what is aligned, which names a capacity.
  if (pick_(8) != 1) return Address(0, 9);
  for (const uint32_t byte : {0x80u, 9u, pick_(16), 0u}) Byte(static_cast<uint8_t>(byte));
}

void MoveWriter::AddDecrypt(uint8_t queue) {
  Add(Move::kDecrypt,
      {queue, static_cast<uint8_t>(3 + pick_(64)), static_cast<uint8_t>(100 + pick_(130))});
  if (bytes_.back() >= kLargeNumber) {
    Byte(AnyByte());
    Byte(AnyByte());
  }
  Byte(static_cast<uint8_t>(pick_(3) == 1));
  Byte(static_cast<uint8_t>(pick_(6) == 1 ? kLargeNumber + 1 + pick_(15) : 0));
}

// Counters that come twice, and what the session says of it.
void MoveWriter::AddCounters(uint8_t queue) {
  AddDecrypt(queue);
  AddDecrypt(queue);
  // Count goes round.
  bytes_.back() = static_cast<uint8_t>(kLargeNumber + 1 + pick_(6));
  AddRun();
  AddMessage(IndexOfMessage(abi::kMessageQuerySession), queue);
  AddRun();
}

void MoveWriter::AddReadBack(uint8_t queue) {
  Add(Move::kReadBack,
      {queue, static_cast<uint8_t>(3 + pick_(64)), static_cast<uint8_t>(1 + pick_(4)),
       static_cast<uint8_t>(100 + pick_(156))});
}

void MoveWriter::AddRegister() {
  // Those that do something when they are written.
  static const std::vector<uint8_t> writable = [] {
    std::vector<uint8_t> indices;
    for (size_t i = 0; i < std::size(abi::kRegisters); ++i) {
      const abi::RegisterInfo& info = abi::kRegisters[i];
      if ((info.writable_mask | info.action_mask) != 0) indices.push_back(static_cast<uint8_t>(i));
    }
    return indices;
  }();
  const auto count = static_cast<uint32_t>(writable.size());
  const uint32_t choice = pick_(4) == 1 ? count - 1 : pick_(count);  // the last ones: doorbells
  // Or one that is only read.
  const bool is_any = pick_(4) == 1;
  Add(Move::kTableRegister,
      {is_any ? AnyByte() : writable[choice], static_cast<uint8_t>(pick_(layout::kQueues))});
  const uint32_t value = pick_(3) == 0   ? 1u << pick_(32)
                         : pick_(2) == 0 ? pick_(16)
                                         : pick_(256) << pick_(24);
  for (uint32_t at = 0; at < 4; ++at) Byte(static_cast<uint8_t>(value >> 8 * at));
}

// Of pages that commands name.
void MoveWriter::AddPageEntry() {
  constexpr uint16_t kFirst[] = {layout::kSystemAt, layout::kFreeAt, layout::kProtectedAt};
  if (pick_(3) == 1) return AddTableEntry();
  const uint16_t context = static_cast<uint16_t>(pick_(2));
  uint16_t where = static_cast<uint16_t>((kFirst[pick_(3)] + (pick_(2) + 1) * 8) * 2 + context);
  if (pick_(3) == 0) where = static_cast<uint16_t>(0x8000 | pick_(2) << 1 | context);
  Add(Move::kPageEntry, {static_cast<uint8_t>(where), static_cast<uint8_t>(where >> 8)});
  uint64_t entry = pick_(8) | uint64_t{pick_(128)} << 12;
  // What no entry may hold: bits that are reserved, a large page where none can be, and memory that
  // is not there.
  if (pick_(3) == 1) entry |= uint64_t{1} << pick_(64);
  for (uint32_t at = 0; at < 8; ++at) Byte(static_cast<uint8_t>(entry >> 8 * at));
}

// Of an input that may have any: of the path that leads to what commands name, and leaves of it.
void MoveWriter::AddTableEntry() {
  if (pick_(4) == 1) return AddLargePage();
  constexpr uint32_t kEntries = abi::kPageSize / 8;
  const uint32_t level = pick_(4);
  const uint32_t index = level == 3 ? pick_(layout::kNamedPages) : 0;
  const uint32_t where = (pick_(2) * 4 + level) * kEntries + index;
  constexpr uint64_t kPlaces[] = {
      layout::kTables,   layout::kFree,        layout::kBus, 0, abi::kProtectedVramLocalBase,
      uint64_t{1} << 40, layout::kVisibleBytes};
  uint64_t entry = abi::kPteValid | kPlaces[pick_(std::size(kPlaces))];
  if (pick_(3) != 1) entry |= abi::kPteLocal;
  if (pick_(2) == 1) entry |= abi::kPteWritable;
  if (pick_(3) == 1) entry |= abi::kPteLarge;
  if (pick_(8) == 1) entry ^= uint64_t{1} << pick_(64);
  Add(Move::kPageEntry, {static_cast<uint8_t>(where), static_cast<uint8_t>(where >> 8)});
  for (uint32_t at = 0; at < 8; ++at) Byte(static_cast<uint8_t>(entry >> 8 * at));
}

// All of what a context's first 2 MiB are, and rows that go beyond.
void MoveWriter::AddLargePage() {
  constexpr uint32_t kLevel = 2, kEntries = abi::kPageSize / 8;
  const uint32_t index = pick_(2);
  const uint32_t where = kLevel * kEntries + index;
  uint64_t entry = abi::kPteValid | abi::kPteWritable | abi::kPteLocal | abi::kPteLarge;
  if (pick_(2) == 1) entry |= abi::kLargePageSize;
  if (pick_(6) == 1) entry |= abi::kPageSize;
  Add(Move::kPageEntry, {static_cast<uint8_t>(where), static_cast<uint8_t>(where >> 8)});
  for (uint32_t at = 0; at < 8; ++at) Byte(static_cast<uint8_t>(entry >> 8 * at));
  // 40 of 64 KiB, from the second window on.
  constexpr uint8_t kSize = 6 | 4 << 3, kWindow = 1;
  Add(Move::kRows, {1, 1, kWindow, kSize, AnyByte(), 0});
  AddRun();
}

// Registers of the configuration space that do something (device/pci_config.cc).
void MoveWriter::AddConfig() {
  struct Write {
    uint8_t offset;
    uint8_t size;
    uint16_t value;
  };
  constexpr Write kWrites[] = {{0x04, 2, 6},      {0x04, 2, 2},      {0x44, 2, 3},
                               {0x44, 2, 0},      {0x44, 1, 1},      {0x52, 2, 0x8000},
                               {0x52, 2, 0xc000}, {0x68, 2, 0x8000}, {0x10, 4, 0xf000}};
  const Write& write = kWrites[pick_(std::size(kWrites))];
  const uint32_t value = uint32_t{write.value} << 1;
  Add(Move::kConfig, {write.offset, 0, write.size});
  for (uint32_t at = 0; at < 4; ++at) Byte(static_cast<uint8_t>(value >> 8 * at));
}

void MoveWriter::AddMsix() {
  if (pick_(2) == 1) {
    // On, and one vector that is not masked.
    Add(Move::kConfig, {0x52, 0, 2, 0, 0, 1, 0});
    const uint32_t control = 16 * pick_(4) + 12;
    Add(Move::kConfig, {static_cast<uint8_t>(control), 0, 4, 1});
    for (int at = 0; at < 3; ++at) Byte(0);
    return;
  }
  const uint32_t offset = 16 * pick_(34) + 4 * (3 - pick_(4));
  const uint32_t value = pick_(4) << 1 | 1;
  Add(Move::kConfig, {static_cast<uint8_t>(offset), static_cast<uint8_t>(offset >> 8), 4});
  for (uint32_t at = 0; at < 4; ++at) Byte(static_cast<uint8_t>(value >> 8 * at));
}

void MoveWriter::AddShort(Move move) {
  constexpr uint32_t kMostArguments = 10;
  Add(move, {});
  const bool has_queue = move == Move::kPart || move == Move::kVideo || move == Move::kRows;
  if (has_queue) Byte(static_cast<uint8_t>(pick_(kOneInSo) == 1 ? 0 : 1 + pick_(3)));
  for (uint32_t at = has_queue; at < kMostArguments; ++at) Byte(AnyByte());
}

// A mode and its surface, a cursor over an edge, and what is seen of them.
void MoveWriter::AddScreen() {
  const auto output = static_cast<uint8_t>(8 * pick_(2));
  const auto flags = static_cast<uint8_t>(pick_(4) << 4);
  const auto place = static_cast<uint8_t>(pick_(2) == 0 ? 1 : AnyByte());
  Add(Move::kShow,
      {static_cast<uint8_t>(output | 1), static_cast<uint8_t>(flags | pick_(4)), place});
  if (pick_(2) == 0) {
    Add(Move::kShow, {static_cast<uint8_t>(output | 2), static_cast<uint8_t>(pick_(64))});
    for (uint32_t half = 0; half < 2; ++half) {
      const uint32_t position = pick_(2) == 0 ? pick_(100) : 0xffe0 + pick_(64);
      Byte(static_cast<uint8_t>(position));
      Byte(static_cast<uint8_t>(position >> 8));
    }
  }
  AddRun();
  Add(Move::kScreen, {static_cast<uint8_t>(output / 8 + 3 * pick_(21))});
}

// One that is not over, and time for its queue to hang; it may be over when somebody looks.
void MoveWriter::AddHang(uint8_t queue) {
  const bool is_vblank = pick_(2) == 1;
  if (pick_(2) == 1) {
    Add(Move::kQueue, {queue, 1, static_cast<uint8_t>(1 + pick_(40))});
  } else {
    queue = 2;  // the base's has a time limit
  }
  const auto what = static_cast<uint8_t>(pick_(64));
  Add(Move::kShow, {static_cast<uint8_t>(is_vblank ? 5 : 3), what, queue});
  AddRun();
  if (pick_(2) == 1) {
    Add(Move::kShow, {6, what});
    Add(Move::kClock, {0, 0, static_cast<uint8_t>(2 + pick_(255)), static_cast<uint8_t>(pick_(2))});
    return Add(Move::kSlice, {0, 16});
  }
  for (uint32_t times = 1 + pick_(2); times != 0; --times) AddRun();
}

// A job, a message or a fetch that the host refuses the memory of when it is on its way.
void MoveWriter::AddRefusedMemory(uint8_t queue) {
  switch (pick_(5)) {
    case 0:
      AddShort(Move::kRows);
      break;
    case 1:
      AddShort(Move::kVideo);
      break;
    case 2:
      AddMessage(static_cast<uint8_t>(pick_(std::size(abi::kMessages))), queue);
      break;
    case 3:
      AddShort(Move::kPart);
      break;
    default:
      AddCommand(static_cast<uint8_t>(pick_(std::size(abi::kCommands))), queue,
                 {static_cast<uint8_t>(pick_(4)), static_cast<uint8_t>(pick_(4))});
  }
  if (pick_(3) != 1) Add(Move::kRun, {static_cast<uint8_t>(1 + pick_(32))});
  Add(Move::kBus);
  AddRun();
  Add(Move::kBus);
  AddRun();
}

// Of a context with something under way, and what its queues do then.
void MoveWriter::AddContextEnd(uint8_t queue) {
  AddMessage(static_cast<uint8_t>(pick_(std::size(abi::kMessages))), queue);
  if (pick_(2) == 1) Add(Move::kShow, {3, AnyByte(), queue});
  Add(Move::kRun, {255});
  // A context ends when none of its queues is at work.
  for (const uint8_t other : {uint8_t{1}, uint8_t{2}, uint8_t{3}}) {
    if (queue == other || pick_(4) != 1) Add(Move::kQueue, {other, 0, 2});
  }
  const uint8_t context = queue == layout::kOtherQueue ? 2 : 1;
  uint8_t index = 0;
  while (abi::kCommands[index].opcode != abi::ContextDestroyCommand::kOpcode) ++index;
  Add(Move::kCommand, {0, index, 0, context});
  AddRun();
  AddCommand(static_cast<uint8_t>(pick_(std::size(abi::kCommands))), queue, {2, 0});
  if (pick_(2) == 1) AddIndirect({2}, queue, {0, 0});
  AddRun();
}

// A surface that is somebody's, its link and what its owner's channel asked for.
void MoveWriter::AddProtectedScreen() {
  const auto output = static_cast<uint8_t>(pick_(2));
  const auto block = static_cast<uint8_t>(8 * output);
  const auto page = static_cast<uint8_t>(pick_(3) == 1 ? AnyByte() | 1 : 1);
  const auto mode = static_cast<uint8_t>(pick_(4) | pick_(4) << 4);
  Add(Move::kShow, {static_cast<uint8_t>(block | 1), mode, page});
  if (pick_(2) == 1) AddProtectedOutput();
  if (pick_(2) == 1) {
    constexpr uint8_t kConfigureProtection = 0x81;
    Add(Move::kKnownChannel, {1, kConfigureProtection, 0, static_cast<uint8_t>(pick_(4))});
  }
  AddRun();
  constexpr uint8_t kQueryOutputIds = 7;
  Add(Move::kKnownChannel, {1, static_cast<uint8_t>(kQueryOutputIds + pick_(2)), 0,
                            static_cast<uint8_t>(pick_(3) << 4)});
  if (pick_(2) == 1) AddLink(output);
  AddRun();
  AddLink(output);
}

// What is seen, with the cable whole or not.
void MoveWriter::AddLink(uint8_t output) {
  constexpr uint32_t kChoices = 63;  // with the high bits: a fault
  const uint32_t choice = (pick_(3) == 1 ? 64 * pick_(4) : 0) + pick_(kChoices);
  Add(Move::kScreen, {static_cast<uint8_t>(choice - choice % 3 + output)});
}

void MoveWriter::AddSpoiled(uint8_t queue, const Operands& operands) {
  Add(Move::kSpoiled, {queue, AnyByte()});
  Command(static_cast<uint8_t>(pick_(std::size(abi::kCommands))), operands);
}

void MoveWriter::AddNested(uint8_t queue, const Operands& operands) {
  Add(Move::kNested, {queue, AnyByte()});
  Command(static_cast<uint8_t>(pick_(std::size(abi::kCommands))), operands);
}

void MoveWriter::AddQueue(uint8_t queue) {
  // Amid something, now and then.
  if (pick_(2) == 1) {
    AddShort(Move::kPart);
    Add(Move::kRun, {static_cast<uint8_t>(1 + pick_(16))});
  }
  Add(Move::kQueue, {queue, static_cast<uint8_t>(pick_(4)), static_cast<uint8_t>(pick_(12))});
  AddRun();
}

void MoveWriter::AddProtectedOutput() {
  const auto output = static_cast<uint8_t>(pick_(2));
  Add(Move::kOutput, {0, output});
  AddRun();
  Add(Move::kOutput, {1, output});
  AddRun();
  for (uint32_t times = 1 + pick_(2); times != 0; --times) {
    // 16 times what is wrong about it, and the kind modulo 5.
    const uint32_t flaw = pick_(2) == 1 ? pick_(8) : 0;
    const uint32_t kind = (2 + pick_(2) + 4 * flaw) % 5;
    Add(Move::kOutput,
        {static_cast<uint8_t>(16 * flaw + kind), static_cast<uint8_t>(1 + pick_(40))});
    AddRun();
  }
}

void MoveWriter::AddTrusted(uint8_t queue) {
  for (uint8_t kind = 0; kind < 4; ++kind) {
    if (pick_(kOneInSo) == 1) continue;
    Add(Move::kTrusted, {queue, kind});
    AddRun();
  }
}

void MoveWriter::AddChannel(uint8_t queue) {
  for (uint8_t kind = 0; kind < 3; ++kind) {
    Add(Move::kChannel, {queue, kind, static_cast<uint8_t>(pick_(6) << 2)});
    AddRun();
  }
}

void MoveWriter::AddKnownChannel(uint8_t queue) {
  constexpr uint32_t kFlaws = 12;
  const auto flaw = static_cast<uint8_t>(pick_(3) == 1 ? pick_(kFlaws) : 0);
  Add(Move::kKnownChannel, {queue, AnyByte(), flaw, AnyByte()});
  AddRun();
}

// Some of them, and a blt under the key that comes of it.
void MoveWriter::AddKeyMessages(uint8_t queue) {
  for (const uint32_t message : kKeyMessages) {
    if (pick_(3) == 1) continue;
    AddMessage(IndexOfMessage(message), queue);
    AddRun();
  }
  AddDecrypt(queue);
}

// One of the shorter ones, or of those that need each other.
void MoveWriter::AddUncommon(uint8_t queue) {
  switch (pick_(20)) {
    case 0:
    case 1:
      return AddShort(Move::kVideo);
    case 2:
      return AddShort(Move::kShow);
    case 3:
    case 4:
      return AddScreen();
    case 5:
      return AddHang(queue);
    case 6:
      return AddConfig();
    case 7:
      return AddMsix();
    case 8:
      return AddProtectedOutput();
    case 9:
      return AddTrusted(queue);
    case 10:
      return AddChannel(queue);
    case 11:
    case 12:
      return AddKnownChannel(queue);
    case 13:
      return AddKeyMessages(queue);
    case 14:
    case 15:
      return AddShort(Move::kRows);
    case 16:
      return AddRefusedMemory(queue);
    case 17:
      return AddProtectedScreen();
    case 18:
      return AddContextEnd(queue);
    default:
      return AddShort(Move::kPart);
  }
}

void MoveWriter::AddAny() {
  const auto queue = static_cast<uint8_t>(pick_(layout::kQueues));
  const Operands operands = {static_cast<uint8_t>(pick_(4)), static_cast<uint8_t>(pick_(4))};
  // What moves content is what most rules are about.
  const auto any_command = [&] {
    const uint8_t copy = IndexOfCommand(abi::CopyCommand::kOpcode);
    return pick_(5) == 1 ? copy : static_cast<uint8_t>(pick_(std::size(abi::kCommands)));
  };
  switch (pick_(26)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      const uint8_t index = any_command();
      const bool is_copy = abi::kCommands[index].opcode == abi::CopyCommand::kOpcode;
      // What must not come out is in protected memory.
      const Operands out = {static_cast<uint8_t>(pick_(3)), 2};
      return AddCommand(index, queue, is_copy && pick_(2) == 1 ? out : operands);
    }
    case 4:
    case 5:
    case 6:
      return AddMessage(static_cast<uint8_t>(pick_(std::size(abi::kMessages))), queue);
    case 7:
    case 8:
    case 24:
    case 25:
      return pick_(8) == 1 ? AddCounters(queue) : AddDecrypt(queue);
    case 9:
      return AddReadBack(queue);
    case 10:
    case 11:
      return AddRun();
    case 12:
      return AddIndirect({any_command(), any_command()}, queue, operands);
    case 13:
      return pick_(3) != 0 ? AddRegister() : AddQueue(queue);
    case 14:
      return AddPageEntry();
    case 15:
      return pick_(2) == 0 ? AddSpoiled(queue, operands) : AddNested(queue, operands);
    case 16:
    case 17:
    case 18:
    case 19:
    case 20:
      return AddUncommon(queue);
    default:
      // What has few arguments; the grammar makes zeros of those that are missing.
      return Add(static_cast<Move>(pick_(kMoveCount)), {AnyByte(), AnyByte()});
  }
}

}  // namespace ward::fuzz
