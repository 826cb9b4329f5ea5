// What libFuzzer calls to change inputs: by moves most of the time, by bytes for the rest, since
// each finds bugs that the other does not. Not part of a replay.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/fuzz/device/grammar.h"
#include "tests/fuzz/device/move_writer.h"

// libFuzzer's own; engines that have none change bytes themselves.
extern "C" [[gnu::weak]] size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace ward::fuzz {
namespace {

// Sessions have the numbers that the first ones get: where moves begin does not depend on them.
class NoMachine final : public OperationSink {
 public:
  void Do(const Operation&) override {}
};

class Mutator {
 public:
  Mutator(ConstByteSpan input, unsigned seed)
      : bytes_(input.begin(), input.end()), state_(seed * 0x9e3779b97f4a7c15 + 1) {
    if (bytes_.empty()) bytes_.push_back(0);
    static const BaseState base = [] {
      BaseState made;
      for (auto* blob : {&made.blob, &made.output_blob, &made.import_blob}) blob->resize(256);
      return made;
    }();
    NoMachine machine;
    Grammar grammar(base, &machine);
    grammar.Play(bytes_);
    begins_ = grammar.move_begins();
    begins_.push_back(bytes_.size());
  }

  std::vector<uint8_t> Mutate() {
    const uint32_t count = 1 + Pick(3);
    for (uint32_t i = 0; i < count; ++i) MutateOnce();
    return bytes_;
  }
  // Moves of the other's behind some of one's own.
  std::vector<uint8_t> CrossWith(Mutator* other) {
    const size_t at = begins_[Pick(static_cast<uint32_t>(begins_.size()))];
    const size_t from = other->begins_[Pick(static_cast<uint32_t>(other->begins_.size()))];
    std::vector<uint8_t> crossed(bytes_.begin(), bytes_.begin() + static_cast<ptrdiff_t>(at));
    crossed.insert(crossed.end(), other->bytes_.begin() + static_cast<ptrdiff_t>(from),
                   other->bytes_.end());
    return crossed;
  }

 private:
  uint32_t Pick(uint32_t end) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return static_cast<uint32_t>((state_ >> 33) % end);
  }
  size_t PickMove() { return Pick(static_cast<uint32_t>(begins_.size() - 1)); }

  void MutateOnce() {
    const bool has_moves = begins_.size() > 1;
    switch (Pick(8)) {
      case 0:
        return static_cast<void>(bytes_[0] =
                                     static_cast<uint8_t>(Pick(16) | Pick(2) * kModeRoundTrip));
      case 1:
        if (has_moves) Erase(PickMove());
        return;
      case 2:
        if (has_moves) Repeat(PickMove());
        return;
      case 3:
        if (has_moves) Change(PickMove());
        return;
      default:
        return Insert();
    }
  }

  void Insert() {
    MoveWriter writer([this](uint32_t end) { return Pick(end); });
    writer.AddAny();
    // Work that nobody does finds little.
    if (Pick(3) != 0) writer.AddRun();
    Put(begins_[Pick(static_cast<uint32_t>(begins_.size()))], writer.bytes());
  }
  void Repeat(size_t move) {
    const std::vector<uint8_t> copy(bytes_.begin() + static_cast<ptrdiff_t>(begins_[move]),
                                    bytes_.begin() + static_cast<ptrdiff_t>(begins_[move + 1]));
    Put(begins_[Pick(static_cast<uint32_t>(begins_.size()))], copy);
  }
  void Erase(size_t move) {
    const size_t begin = begins_[move];
    const size_t size = begins_[move + 1] - begin;
    bytes_.erase(bytes_.begin() + static_cast<ptrdiff_t>(begin),
                 bytes_.begin() + static_cast<ptrdiff_t>(begin + size));
    begins_.erase(begins_.begin() + static_cast<ptrdiff_t>(move));
    for (size_t i = move; i < begins_.size(); ++i) begins_[i] -= size;
  }
  // A byte of its arguments.
  void Change(size_t move) {
    const size_t size = begins_[move + 1] - begins_[move];
    if (size < 2) return;
    uint8_t& byte = bytes_[begins_[move] + 1 + Pick(static_cast<uint32_t>(size - 1))];
    byte =
        Pick(2) == 0 ? static_cast<uint8_t>(byte ^ 1u << Pick(8)) : static_cast<uint8_t>(Pick(256));
  }
  void Put(size_t at, const std::vector<uint8_t>& move) {
    bytes_.insert(bytes_.begin() + static_cast<ptrdiff_t>(at), move.begin(), move.end());
    const auto behind = std::upper_bound(begins_.begin(), begins_.end(), at);
    for (auto begin = behind; begin != begins_.end(); ++begin) *begin += move.size();
    if (at == bytes_.size() - move.size() && !begins_.empty()) begins_.back() = bytes_.size();
  }

  std::vector<uint8_t> bytes_;
  std::vector<size_t> begins_;  // of moves, then the end
  uint64_t state_;
};

size_t Store(const std::vector<uint8_t>& input, uint8_t* data, size_t max_size) {
  const size_t size = std::min(input.size(), max_size);
  if (size != 0) std::memcpy(data, input.data(), size);
  return size;
}

}  // namespace
}  // namespace ward::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  if (seed % 4 == 0 && LLVMFuzzerMutate != nullptr) return LLVMFuzzerMutate(data, size, max_size);
  ward::fuzz::Mutator mutator({data, size}, seed);
  return ward::fuzz::Store(mutator.Mutate(), data, max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* one, size_t one_size,
                                            const uint8_t* other, size_t other_size, uint8_t* out,
                                            size_t max_size, unsigned seed) {
  ward::fuzz::Mutator mutator({one, one_size}, seed);
  ward::fuzz::Mutator second({other, other_size}, seed);
  return ward::fuzz::Store(mutator.CrossWith(&second), out, max_size);
}
