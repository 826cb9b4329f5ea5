// State as bytes and back (docs/spec/saved-state.md): little-endian numbers, arrays of structures
// without the elements that hold nothing, vectors behind their length. No secret is ever given to
// these: what is secret goes through a SealingStream.
#ifndef WARD_DEVICE_STATE_ARCHIVE_H_
#define WARD_DEVICE_STATE_ARCHIVE_H_

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "device/state_walk.h"

namespace ward::device {

class StateWriter {
 public:
  static constexpr bool kReads = false;

  const std::vector<uint8_t>& bytes() const { return bytes_; }

  template <typename... T>
  void Fields(const char*, const T&... fields) {
    (WalkState(*this, fields), ...);
  }
  template <typename T>
  void Number(const T& value) {
    using Unsigned = std::make_unsigned_t<
        std::conditional_t<std::is_same_v<T, bool>, uint8_t, std::remove_const_t<T>>>;
    uint8_t bytes[sizeof(Unsigned)];
    StoreLe(bytes, static_cast<Unsigned>(value));
    Append(bytes);
  }
  template <typename T>
  void Enumerator(const T& value) {
    Number(static_cast<std::underlying_type_t<T>>(value));
  }
  template <typename T>
  void Bytes(const T& bytes) {
    Append(bytes);
  }
  template <typename T>
  void Records(const T& records) {
    const std::vector<uint8_t> blank = BytesOf(typename StateArray<T>::Element{});
    uint32_t count = 0;
    const size_t place = bytes_.size();
    Number(count);
    for (uint32_t index = 0; index < std::size(records); ++index) {
      const std::vector<uint8_t> record = BytesOf(records[index]);
      if (record == blank) continue;
      Number(index);
      Append(record);
      ++count;
    }
    StoreLe(bytes_.data() + place, count);
  }
  template <typename T>
  void List(const std::vector<T>& list) {
    Number(uint64_t{list.size()});
    if constexpr (std::is_same_v<T, uint8_t>) {
      Append(list);
    } else {
      for (const T& element : list) WalkState(*this, element);
    }
  }
  void Append(ConstByteSpan bytes) {
    if (bytes.empty()) return;
    bytes_.resize(bytes_.size() + bytes.size());
    std::memcpy(bytes_.data() + bytes_.size() - bytes.size(), bytes.data(), bytes.size());
  }

 private:
  template <typename T>
  static std::vector<uint8_t> BytesOf(const T& value) {
    StateWriter writer;
    WalkState(writer, value);
    return std::move(writer.bytes_);
  }

  std::vector<uint8_t> bytes_;
};

// Reads what a StateWriter wrote, from bytes that anybody may have altered. After a failure every
// value is zero and ok() stays false. What it takes of memory is bounded by the bytes that are
// there, whatever a length says. Ranges and agreements between values are the block's to check.
class StateReader {
 public:
  static constexpr bool kReads = true;

  explicit StateReader(ConstByteSpan bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  // All was read, and nothing is left.
  bool AtEnd() const { return ok_ && bytes_.empty(); }

  template <typename... T>
  void Fields(const char*, T&... fields) {
    (WalkState(*this, fields), ...);
  }
  template <typename T>
  void Number(T& value) {
    using Unsigned = std::make_unsigned_t<std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>>;
    const auto number = LoadLe<Unsigned>(Take(sizeof(Unsigned)).data());
    if (std::is_same_v<T, bool> && number > 1) Fail();
    value = static_cast<T>(ok_ ? number : 0);
  }
  template <typename T>
  void Enumerator(T& value) {
    using Underlying = std::underlying_type_t<T>;
    Underlying number = 0;
    Number(number);
    if (number > static_cast<Underlying>(T::kLast)) Fail();
    value = static_cast<T>(ok_ ? number : 0);
  }
  template <typename T>
  void Bytes(T& bytes) {
    const ConstByteSpan taken = Take(std::size(bytes));
    for (size_t i = 0; i < std::size(bytes); ++i) bytes[i] = taken[i];
  }
  template <typename T>
  void Records(T& records) {
    using Element = typename StateArray<T>::Element;
    for (Element& record : records) record = Element{};
    uint32_t count = 0;
    Number(count);
    uint32_t least = 0;  // index that the next record has at least
    for (; ok_ && count != 0; --count) {
      uint32_t index = 0;
      Number(index);
      if (index < least || index >= std::size(records)) return Fail();
      least = index + 1;
      WalkState(*this, records[index]);
    }
  }
  template <typename T>
  void List(std::vector<T>& list) {
    list.clear();
    uint64_t count = 0;
    Number(count);
    // Each element takes at least a byte.
    if (count > bytes_.size()) return Fail();
    if constexpr (std::is_same_v<T, uint8_t>) {
      const ConstByteSpan taken = Take(count);
      list.assign(taken.begin(), taken.end());
    } else {
      for (; ok_ && count != 0; --count) {
        T element{};
        WalkState(*this, element);
        if (ok_) list.push_back(std::move(element));
      }
    }
  }
  void Fail() { ok_ = false; }

 private:
  // Zeros after a failure, and when fewer are left; a caller takes more than that only by List,
  // which has looked.
  ConstByteSpan Take(size_t size_bytes) {
    static constexpr uint8_t kZeros[64] = {};
    if (size_bytes > bytes_.size()) Fail();
    if (!ok_)
      return size_bytes <= sizeof(kZeros) ? ConstByteSpan(kZeros, size_bytes) : Zeros(size_bytes);
    const ConstByteSpan taken = bytes_.first(size_bytes);
    bytes_ = bytes_.subspan(size_bytes);
    return taken;
  }
  ConstByteSpan Zeros(size_t size_bytes) {
    zeros_.assign(size_bytes, 0);
    return zeros_;
  }

  ConstByteSpan bytes_;
  bool ok_ = true;
  std::vector<uint8_t> zeros_;
};

// A number for the form of a structure: names and kinds of all fields below it. Two builds with the
// same number understand each other's bytes.
class StateLayout {
 public:
  static constexpr bool kReads = false;

  template <typename T>
  void Add(const T& state) {
    WalkState(*this, state);
  }
  uint64_t value() const { return hash_; }

  template <typename... T>
  void Fields(const char* names, const T&... fields) {
    for (const char* at = names; *at != '\0'; ++at) Mix(static_cast<uint8_t>(*at));
    (WalkState(*this, fields), ...);
  }
  template <typename T>
  void Number(const T&) {
    Mix(sizeof(T));
  }
  template <typename T>
  void Enumerator(const T&) {
    Mix(0x100 + static_cast<uint64_t>(T::kLast));
  }
  template <typename T>
  void Bytes(const T& bytes) {
    Mix(0x10000 + std::size(bytes));
  }
  template <typename T>
  void Records(const T& records) {
    Mix(0x20000 + std::size(records));
    WalkState(*this, records[0]);
  }
  template <typename T>
  void List(const std::vector<T>&) {
    Mix(0x30000);
    const T element{};
    WalkState(*this, element);
  }

 private:
  // FNV-1a over words.
  void Mix(uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001b3ull; }

  uint64_t hash_ = 0xcbf29ce484222325ull;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_STATE_ARCHIVE_H_
