#include "emulator/boundary/player.h"

#include <algorithm>

#include "base/planted_bug.h"
#include "fmt/format.h"

namespace ward::emulator {

using Kind = BoundaryEventKind;

void Player::Differ(const std::string& what) {
  if (ran_out_ && HasPlantedBug(PlantedBug::kPlaceOnlyInside)) difference_ = what;
  if (difference_.empty()) difference_ = fmt::format("event {}: {}", source_->Place().event, what);
}

void Player::Rewind(const KnownMemories& memories, uint64_t now_ns) {
  memories_ = memories;
  now_ns_ = now_ns;
  difference_.clear();
  ran_out_ = false;
}

bool Player::Read(uint64_t address, ByteSpan destination) {
  return Answer(Kind::kDmaRead, address, destination, &memories_.bus);
}

bool Player::Write(uint64_t address, ConstByteSpan source) {
  return Check(Kind::kDmaWrite, address, 0, source, &memories_.bus);
}

bool Player::WriteAtomic64(uint64_t address, uint64_t value) {
  return Check(Kind::kDmaWriteAtomic64, address, value, {}, &memories_.bus);
}

void Player::SendVector(uint32_t vector) { Check(Kind::kInterrupt, 0, vector, {}, nullptr); }

uint64_t Player::NowNs() {
  if (is_resting_) return now_ns_;
  const RecordedEvent* event = Expect(Kind::kTime, 0);
  if (event == nullptr) return now_ns_;
  const uint64_t now = event->value;
  source_->Skip();
  if (now < now_ns_) {
    Differ(fmt::format("recorded time {} ns, after {} ns", now, now_ns_));
  } else {
    now_ns_ = now;
  }
  return now_ns_;
}

bool Player::Fill(ByteSpan destination) { return Answer(Kind::kEntropy, 0, destination, nullptr); }

void Player::Vram::Read(uint64_t offset, ByteSpan destination) {
  player_->Answer(Kind::kVramRead, offset, destination, &player_->memories_.vram);
}

void Player::Vram::Write(uint64_t offset, ConstByteSpan source) {
  player_->Check(Kind::kVramWrite, offset, 0, source, &player_->memories_.vram);
}

void Player::Vram::WriteAtomic64(uint64_t offset, uint64_t value) {
  player_->Check(Kind::kVramWriteAtomic64, offset, value, {}, &player_->memories_.vram);
}

// Not within one: such a call makes no port wait, and a file could nest them without end.
void Player::MakeNestedCalls() {
  if (is_nested_) return;
  is_nested_ = true;
  for (const RecordedEvent* event = source_->Peek();
       matches() && event != nullptr && event->is_nested; event = source_->Peek()) {
    const RecordedEvent call = *event;
    source_->Skip();
    caller_->MakeNested(call);
  }
  is_nested_ = false;
}

const RecordedEvent* Player::Expect(Kind kind, uint64_t address) {
  if (!matches()) return nullptr;
  MakeNestedCalls();
  if (!matches()) return nullptr;
  const RecordedEvent* event = source_->Peek();
  if (event == nullptr) {
    ran_out_ = true;
    Differ(fmt::format("the recording ends, the chip makes a {}", NameOf(kind)));
    return nullptr;
  }
  if (event->kind != kind || event->address != address || event->is_nested) {
    Differ(fmt::format("recorded {} at {:#x}, the chip makes a {} at {:#x}", NameOf(event->kind),
                       event->address, NameOf(kind), address));
    return nullptr;
  }
  return event;
}

bool Player::Answer(Kind kind, uint64_t address, ByteSpan destination, KnownMemory* memory) {
  std::fill(destination.begin(), destination.end(), uint8_t{0});
  if (is_resting_) return false;
  const RecordedEvent* event = Expect(kind, address);
  if (event == nullptr) return false;
  if (event->data.size() != destination.size()) {
    Differ(fmt::format("{} of {} bytes, recorded with {}", NameOf(kind), destination.size(),
                       event->data.size()));
    return false;
  }
  std::copy(event->data.begin(), event->data.end(), destination.begin());
  const bool ok = event->ok;
  source_->Skip();
  if (ok) Note(memory, address, destination);
  return ok;
}

bool Player::Check(Kind kind, uint64_t address, uint64_t value, ConstByteSpan data,
                   KnownMemory* memory) {
  if (is_resting_) return false;
  const RecordedEvent* event = Expect(kind, address);
  if (event == nullptr) return false;
  if (event->value != value ||
      !std::equal(data.begin(), data.end(), event->data.begin(), event->data.end())) {
    Differ(fmt::format("{} at {:#x} with another content", NameOf(kind), address));
  }
  const bool ok = event->ok;
  source_->Skip();
  uint8_t word[sizeof(value)];
  StoreLe(word, value);
  if (ok) Note(memory, address, data.empty() ? ConstByteSpan(word) : data);
  return ok;
}

void Player::Note(KnownMemory* memory, uint64_t address, ConstByteSpan bytes) {
  if (is_noting_ && memory != nullptr) memory->Note(address, bytes);
}

}  // namespace ward::emulator
