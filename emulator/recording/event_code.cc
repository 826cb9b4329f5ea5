#include "emulator/recording/event_code.h"

#include <algorithm>

namespace ward::emulator {
namespace {

// Which fields follow; one that does not is zero.
enum Fields : uint8_t {
  kSize = 1,
  kAddress = 2,
  kValue = 4,
  kData = 8,
  kRefused = 16,  // no field: `ok` is false
  kNested = 32,   // no field: `is_nested`
  kAllFields = 63
};

void AppendNumber(uint64_t value, std::vector<uint8_t>* bytes) {
  for (; value >= 0x80; value >>= 7) bytes->push_back(static_cast<uint8_t>(value | 0x80));
  bytes->push_back(static_cast<uint8_t>(value));
}

class Decoder {
 public:
  explicit Decoder(EventBytes* bytes) : bytes_(bytes) {}

  DecodeResult result() const { return result_; }
  void Fail(DecodeResult result) {
    if (result_ == DecodeResult::kEvent) result_ = result;
  }
  uint8_t Byte() {
    const ConstByteSpan byte =
        result_ == DecodeResult::kEvent ? bytes_->TakeSome(1) : ConstByteSpan();
    if (byte.empty()) Fail(DecodeResult::kCutShort);
    return byte.empty() ? uint8_t{0} : byte[0];
  }
  uint64_t Number(bool is_there) {
    if (!is_there) return 0;
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = Byte();
      const uint64_t bits = byte & 0x7f;
      if (bits << shift >> shift != bits) break;
      value |= bits << shift;
      if ((byte & 0x80) == 0) return value;
    }
    Fail(DecodeResult::kInvalid);
    return 0;
  }
  void Data(uint64_t size_bytes, std::vector<uint8_t>* data) {
    while (size_bytes != 0 && result_ == DecodeResult::kEvent) {
      const ConstByteSpan some = bytes_->TakeSome(std::min<uint64_t>(size_bytes, SIZE_MAX));
      if (some.empty()) return Fail(DecodeResult::kCutShort);
      data->insert(data->end(), some.begin(), some.end());
      size_bytes -= some.size();
    }
  }

 private:
  EventBytes* bytes_;
  DecodeResult result_ = DecodeResult::kEvent;
};

}  // namespace

void EncodeEvent(const BoundaryEvent& event, std::vector<uint8_t>* bytes) {
  const auto fields = static_cast<uint8_t>(
      (event.size_bytes != 0 ? kSize : 0) | (event.address != 0 ? kAddress : 0) |
      (event.value != 0 ? kValue : 0) | (!event.data.empty() ? kData : 0) |
      (event.ok ? 0 : kRefused) | (event.is_nested ? kNested : 0));
  bytes->push_back(static_cast<uint8_t>(event.kind));
  bytes->push_back(fields);
  if ((fields & kSize) != 0) AppendNumber(event.size_bytes, bytes);
  if ((fields & kAddress) != 0) AppendNumber(event.address, bytes);
  if ((fields & kValue) != 0) AppendNumber(event.value, bytes);
  if ((fields & kData) != 0) AppendNumber(event.data.size(), bytes);
}

DecodeResult DecodeEvent(EventBytes* bytes, RecordedEvent* event) {
  const ConstByteSpan first = bytes->TakeSome(1);
  if (first.empty()) return DecodeResult::kEnd;
  const uint8_t kind = first[0];
  Decoder decoder(bytes);
  const uint8_t fields = decoder.Byte();
  if (kind > static_cast<uint8_t>(BoundaryEventKind::kLast) || (fields & ~kAllFields) != 0) {
    decoder.Fail(DecodeResult::kInvalid);
  }
  event->kind = static_cast<BoundaryEventKind>(kind);
  event->ok = (fields & kRefused) == 0;
  event->is_nested = (fields & kNested) != 0;
  if (event->is_nested && !CanNest(event->kind)) decoder.Fail(DecodeResult::kInvalid);
  const uint64_t size_bytes = decoder.Number((fields & kSize) != 0);
  if (size_bytes > UINT32_MAX) decoder.Fail(DecodeResult::kInvalid);
  event->size_bytes = static_cast<uint32_t>(size_bytes);
  event->address = decoder.Number((fields & kAddress) != 0);
  event->value = decoder.Number((fields & kValue) != 0);
  event->data.clear();
  decoder.Data(decoder.Number((fields & kData) != 0), &event->data);
  return decoder.result();
}

}  // namespace ward::emulator
