#include "tests/fuzz/saved_state/state_editor.h"

#include <algorithm>

#include "base/assert.h"
#include "base/bytes.h"
#include "device/crypto/sha256.h"
#include "device/saved_state.h"

namespace ward::fuzz {
namespace {

constexpr size_t kSaltOffset = kStateHeaderBytes - 16 - device::kSealSaltBytes;
constexpr size_t kSealedFlagOffset = kSaltOffset - 8 - 1;

// What a number becomes that has to be just right.
uint64_t ChangeNumber(uint64_t number, uint8_t how) {
  switch (how % 8) {
    case 0:
      return 0;
    case 1:
      return UINT64_MAX;
    case 2:
      return number + 1;
    case 3:
      return number - 1;
    case 4:
      return number ^ uint64_t { 1 } << (how >> 3);
    case 5:
      return number * 2;
    case 6:
      return number + (uint64_t{how} << 4);
    default:
      return how >> 3;
  }
}

}  // namespace

StateEditor::StateEditor(std::vector<uint8_t> state, const device::SealKey& key,
                         const std::vector<size_t>* live)
    : open_(std::move(state)), live_(live) {
  open_.resize(open_.size() - device::kSha256Bytes);
  blocks_end_ = kBlocksOffset + LoadLe<uint64_t>(open_.data() + kBlocksOffset - 8);
  is_sealed_ = open_[kSealedFlagOffset] != 0;
  if (is_sealed_) Unseal(key);
}

void StateEditor::Unseal(const device::SealKey& key) {
  WARD_ASSERT(device::DeriveSeal(
      key, ConstByteSpan(open_).subspan(kSaltOffset, device::kSealSaltBytes), &seal_));
  // Sections follow each other; the last one is what is sealed.
  size_t at = blocks_end_;
  while (LoadLe<uint64_t>(open_.data() + at) !=
         static_cast<uint64_t>(device::StateSection::kSecrets)) {
    at += kSectionHeadBytes + LoadLe<uint64_t>(open_.data() + at + 8);
  }
  const ConstByteSpan sealed = ConstByteSpan(open_).subspan(at + kSectionHeadBytes);
  device::OpeningStream stream(seal_, ConstByteSpan(open_).first(at), sealed);
  WARD_ASSERT(stream.ok());
  secrets_.resize(sealed.size() - device::kSealTagBytes);
  stream.Read(secrets_);
  open_.resize(at);
}

void StateEditor::Edit(InputReader* input) {
  const auto place = input->Take<uint32_t>();
  const auto form = input->Take<uint8_t>();
  const size_t at = PickPlace(place, form);
  switch (form & 0x0c) {
    case 0x04:
      return Cut(at);
    case 0x08: {
      // Of the blocks, or of what stands behind them.
      const size_t head = (place & 1) != 0 && blocks_end_ + kSectionHeadBytes <= open_.size()
                              ? blocks_end_
                              : kStateHeaderBytes;
      return head + kSectionHeadBytes <= open_.size() ? Write(head + 8, form, input) : void();
    }
    case 0x0c:
      digest_fits_ = false;
      return;
    default:
      return Write(at, form, input);
  }
}

size_t StateEditor::PickPlace(uint32_t place, uint8_t form) const {
  if ((form & 0x80) != 0) return (*live_)[place % live_->size()];
  switch (form & 0x30) {
    case 0x10:
      return place % kBlocksOffset;
    case 0x20:
      if (!secrets_.empty()) return open_.size() + place % secrets_.size();
      break;
    case 0x30:
      if (size() > blocks_end_) return blocks_end_ + place % (size() - blocks_end_);
      break;
    default:
      break;
  }
  return size() <= kBlocksOffset ? 0 : place % (size() - kBlocksOffset) + kBlocksOffset;
}

void StateEditor::Write(size_t at, uint8_t form, InputReader* input) {
  const size_t width = size_t{1} << (form & 3);
  uint64_t number = 0;
  if ((form & 0x40) != 0) {
    for (size_t i = width; i-- > 0;) number = number << 8 | (at + i < size() ? At(at + i) : 0u);
    number = ChangeNumber(number, input->Take<uint8_t>());
  } else {
    for (size_t i = 0; i < width; ++i) number |= uint64_t{input->Take<uint8_t>()} << 8 * i;
  }
  for (size_t i = 0; i < width && at + i < size(); ++i) {
    At(at + i) = static_cast<uint8_t>(number >> 8 * i);
  }
}

void StateEditor::Cut(size_t at) {
  secrets_.resize(std::min(secrets_.size(), at - std::min(at, open_.size())));
  open_.resize(std::min(open_.size(), at));
}

std::vector<uint8_t> StateEditor::Finish() {
  std::vector<uint8_t> state = open_;
  if (is_sealed_) {
    device::SealingStream stream(seal_, open_);
    stream.Add(secrets_);
    state.resize(state.size() + kSectionHeadBytes);
    uint8_t* const head = state.data() + open_.size();
    StoreLe(head, static_cast<uint64_t>(device::StateSection::kSecrets));
    StoreLe<uint64_t>(head + 8, secrets_.size() + device::kSealTagBytes);
    WARD_ASSERT(stream.Finish(&state));
  }
  const size_t end = state.size();
  state.resize(end + device::kSha256Bytes);
  WARD_ASSERT(device::ComputeSha256(ConstByteSpan(state).first(end), ByteSpan(state).subspan(end)));
  if (!digest_fits_) state.back() ^= 1;
  return state;
}

}  // namespace ward::fuzz
