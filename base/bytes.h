// Byte order and byte ranges. The wire is little-endian (docs/spec/encoding.md); AES counter blocks
// are big-endian (D3D11_1DDI AES_CTR_IV).
#ifndef WARD_BASE_BYTES_H_
#define WARD_BASE_BYTES_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace ward {

using ByteSpan = std::span<uint8_t>;
using ConstByteSpan = std::span<const uint8_t>;

// When the chip runs, each of these is one load or store: a compiler does not always see that the
// bytes one by one are that.
constexpr bool IsLittleEndianRun() {
  return std::endian::native == std::endian::little && !std::is_constant_evaluated();
}

template <typename T>
constexpr T LoadLe(const uint8_t* bytes) {
  T value = 0;
  if (IsLittleEndianRun()) {
    __builtin_memcpy(&value, bytes, sizeof(value));
    return value;
  }
  for (size_t i = 0; i < sizeof(T); ++i)
    value |= static_cast<T>(static_cast<T>(bytes[i]) << (8 * i));
  return value;
}

template <typename T>
constexpr void StoreLe(uint8_t* bytes, T value) {
  if (IsLittleEndianRun()) {
    __builtin_memcpy(bytes, &value, sizeof(value));
    return;
  }
  for (size_t i = 0; i < sizeof(T); ++i) bytes[i] = static_cast<uint8_t>(value >> (8 * i));
}

constexpr uint64_t LoadBe64(const uint8_t* bytes) {
  if (IsLittleEndianRun()) return __builtin_bswap64(LoadLe<uint64_t>(bytes));
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = (value << 8) | bytes[i];
  return value;
}

constexpr void StoreBe64(uint8_t* bytes, uint64_t value) {
  if (IsLittleEndianRun()) return StoreLe(bytes, __builtin_bswap64(value));
  for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(value >> (56 - 8 * i));
}

// True when [offset, offset + size) lies inside [0, limit), without wrapping.
constexpr bool RangeFits(uint64_t offset, uint64_t size, uint64_t limit) {
  return size <= limit && offset <= limit - size;
}

constexpr bool IsAligned(uint64_t value, uint64_t alignment) { return value % alignment == 0; }

}  // namespace ward

#endif  // WARD_BASE_BYTES_H_
