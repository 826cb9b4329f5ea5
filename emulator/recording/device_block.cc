#include "emulator/recording/device_block.h"

#include <algorithm>
#include <iterator>

#include "base/assert.h"
#include "base/planted_bug.h"
#include "emulator/boundary/boundary.h"

namespace ward::emulator {
namespace {

template <typename T>
void Append(T value, std::vector<uint8_t>* content) {
  uint8_t bytes[sizeof(T)];
  StoreLe(bytes, value);
  content->insert(content->end(), std::begin(bytes), std::end(bytes));
}

void AppendBytes(ConstByteSpan bytes, std::vector<uint8_t>* content) {
  Append(static_cast<uint32_t>(bytes.size()), content);
  content->insert(content->end(), bytes.begin(), bytes.end());
}

// Takes from the front. After a failure all is zero.
class Taker {
 public:
  explicit Taker(ConstByteSpan bytes) : whole_(bytes), rest_(bytes) {}

  bool AtEnd() const { return ok_ && rest_.empty(); }
  ConstByteSpan Take(size_t size_bytes) {
    const ConstByteSpan checked = HasPlantedBug(PlantedBug::kDevicePartUnchecked) ? whole_ : rest_;
    ok_ = ok_ && size_bytes <= checked.size();
    if (!ok_) return {};
    const ConstByteSpan taken = rest_.first(size_bytes);
    rest_ = rest_.subspan(size_bytes);
    return taken;
  }
  template <typename T>
  T Number(T most) {
    const ConstByteSpan bytes = Take(sizeof(T));
    const T value = bytes.empty() ? T{0} : LoadLe<T>(bytes.data());
    ok_ = ok_ && value <= most;
    return ok_ ? value : T{0};
  }
  std::vector<uint8_t> Bytes() {
    const ConstByteSpan bytes = Take(Number<uint32_t>(UINT32_MAX));
    return {bytes.begin(), bytes.end()};
  }

 private:
  ConstByteSpan whole_;
  ConstByteSpan rest_;
  bool ok_ = true;
};

}  // namespace

void DeviceBlock::Write(const device::GpuOptions& options, const SecretBytes<16>& hash_key,
                        std::vector<uint8_t>* content) {
  // All members: one that is added does not compile before it is a part of the recording.
  // `checked_key` is `private_key` once more.
  const auto& [visible_bytes, protected_bytes, latency, strict_iv, open_decrypt, firmware_slowdown,
               engine_hang_after, displays, checked_key, private_key, certificates,
               failing_self_test] = options;
  WARD_ASSERT(!private_key.empty());
  static_cast<void>(checked_key);
  Append(visible_bytes, content);
  Append(protected_bytes, content);
  Append(static_cast<uint32_t>(latency), content);
  Append(static_cast<uint8_t>(strict_iv), content);
  Append(static_cast<uint8_t>(open_decrypt), content);
  Append(firmware_slowdown, content);
  Append(engine_hang_after, content);
  Append(static_cast<uint32_t>(failing_self_test), content);
  for (const device::AttachedDisplay& display : displays) Append(EncodeDisplay(display), content);
  const ConstByteSpan hash_key_bytes = hash_key.Expose();
  content->insert(content->end(), hash_key_bytes.begin(), hash_key_bytes.end());
  AppendBytes(private_key, content);
  AppendBytes(certificates, content);
}

bool DeviceBlock::Read(ConstByteSpan content) {
  Taker taker(content);
  options_.visible_vram_bytes = taker.Number<uint64_t>(UINT64_MAX);
  options_.protected_vram_bytes = taker.Number<uint64_t>(UINT64_MAX);
  options_.latency = static_cast<device::LatencyPreset>(
      taker.Number<uint32_t>(static_cast<uint32_t>(device::LatencyPreset::kLast)));
  options_.strict_iv = taker.Number<uint8_t>(1) != 0;
  options_.open_decrypt = taker.Number<uint8_t>(1) != 0;
  options_.firmware_slowdown = taker.Number<uint32_t>(UINT32_MAX);
  options_.engine_hang_after = taker.Number<uint64_t>(UINT64_MAX);
  options_.failing_self_test = static_cast<int>(taker.Number<uint32_t>(UINT32_MAX));
  for (device::AttachedDisplay& display : options_.displays) {
    display = DecodeDisplay(taker.Number<uint64_t>(UINT64_MAX));
  }
  const ConstByteSpan hash_key = taker.Take(hash_key_.kSizeBytes);
  std::copy(hash_key.begin(), hash_key.end(), hash_key_.Expose().begin());
  private_key_ = taker.Bytes();
  certificates_ = taker.Bytes();
  options_.identity_private_key = private_key_;
  options_.identity_certificates = certificates_;
  return taker.AtEnd() && options_.firmware_slowdown != 0;
}

}  // namespace ward::emulator
