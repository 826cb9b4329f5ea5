#include "examples/protected_player/job.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/bytes.h"
#include "examples/protected_player/step_failure.h"
#include "nlohmann/json.hpp"

namespace ward::examples {
namespace {

constexpr uint32_t kMaximumRootBytes = 65536;
constexpr uint32_t kMaximumExtent = 8192;
constexpr uint32_t kCipherBlockBytes = 16;

// False unless the text is 32 hexadecimal digits.
bool ParseHex(const std::string& text, ByteSpan bytes) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  if (text.size() != 2 * bytes.size()) return false;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const int high = digit(text[2 * i]);
    const int low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

// Takes the content key out of the header's text, before a parser makes copies of it that nobody
// wipes. False when no 32 hexadecimal digits stand there.
bool TakeContentKey(ByteSpan header, ByteSpan key) {
  constexpr std::string_view kMember = "\"content_key\"";
  const auto skip = [&header](auto at, std::string_view characters) {
    while (at != header.end() && characters.find(static_cast<char>(*at)) != characters.npos) ++at;
    return at;
  };
  auto at = std::search(header.begin(), header.end(), kMember.begin(), kMember.end());
  if (at == header.end()) return false;
  at = skip(at + kMember.size(), " \t\r\n:");
  if (at == header.end() || *at != '"') return false;
  const ByteSpan rest = header.subspan(static_cast<size_t>(at + 1 - header.begin()));
  const size_t digits = 2 * key.size();
  if (rest.size() <= digits || rest[digits] != '"') return false;
  std::string text(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(digits));
  const bool is_hex = ParseHex(text, key);
  SecureWipe(text.data(), text.size());
  std::fill_n(rest.begin(), digits, uint8_t{'0'});
  return is_hex;
}

}  // namespace

Job::Job(const std::string& path) : path_(path) {
  file_.rdbuf()->pubsetbuf(nullptr, 0);  // no buffer that keeps the header
  file_.open(path, std::ios::binary);
  if (!file_) Refuse("can't be opened for reading");
  ReadHeader();
}

void Job::ReadHeader() {
  std::vector<uint8_t> block = ReadAt(0, kJobBlockBytes, "its header");
  const bool has_key = TakeContentKey(block, content_key_.Expose());
  const auto end = std::find(block.begin(), block.end(), uint8_t{0});
  const auto header = nlohmann::json::parse(block.begin(), end, nullptr, false);
  SecureWipe(block.data(), block.size());  // digits that are no key are still there
  uint32_t root_bytes = 0;
  try {
    if (!header.is_object() || header.at("format") != "ward-job-1") Refuse("is not a job");
    header.at("width").get_to(width_);
    header.at("height").get_to(height_);
    header.at("frames").get_to(frame_count_);
    header.at("pitch").get_to(pitch_);
    header.at("frame_bytes").get_to(frame_bytes_);
    header.at("root_bytes").get_to(root_bytes);
    const auto& matrix = header.at("color_matrix").get_ref<const std::string&>();
    if (matrix != "bt601" && matrix != "bt709") Refuse("has an unknown color_matrix");
    is_bt709_ = matrix == "bt709";
    if (!ParseHex(header.at("iv").get_ref<const std::string&>(), iv_)) {
      Refuse("has an iv that is not 32 hexadecimal digits");
    }
    if (!header.at("content_key").is_string() || !has_key) {
      Refuse("has a content_key that is not 32 hexadecimal digits");
    }
  } catch (const nlohmann::json::exception&) {
    // Its text could quote the header, key included.
    Refuse("lacks a member of its header, or has one of a wrong type");
  }
  CheckHeader(root_bytes);
  const std::vector<uint8_t> root = ReadAt(kJobBlockBytes, root_bytes, "its root certificate");
  root_certificate_.assign(root.begin(), root.end());
  frames_offset_ = kJobBlockBytes + RoundToBlocks(root_bytes);
}

void Job::CheckHeader(uint32_t root_bytes) const {
  const auto is_extent = [](uint32_t value) {
    return value >= 2 && value <= kMaximumExtent && value % 2 == 0;
  };
  if (!is_extent(width_) || !is_extent(height_)) Refuse("has an impossible width or height");
  if (pitch_ < width_ || pitch_ > 2 * kMaximumExtent) Refuse("has an impossible pitch");
  if (frame_bytes_ != uint64_t{pitch_} * height_ * 3 / 2 || frame_bytes_ % kCipherBlockBytes != 0) {
    Refuse("has a frame_bytes that is not pitch x height x 3 / 2 or no multiple of 16");
  }
  if (frame_count_ == 0) Refuse("has no frames");
  if (root_bytes == 0 || root_bytes > kMaximumRootBytes) Refuse("has an impossible root_bytes");
  const uint64_t blocks = uint64_t{frame_count_} * (frame_bytes_ / kCipherBlockBytes);
  if (LoadBe64(iv_.data() + 8) > UINT64_MAX - blocks) Refuse("has a counter that wraps");
}

std::array<uint8_t, 16> Job::CounterBlock(uint32_t index) const {
  std::array<uint8_t, 16> block = iv_;
  const uint64_t blocks = uint64_t{index} * (frame_bytes_ / kCipherBlockBytes);
  StoreBe64(block.data() + 8, LoadBe64(iv_.data() + 8) + blocks);
  return block;
}

std::vector<uint8_t> Job::ReadFrame(uint32_t index) {
  return ReadAt(frames_offset_ + index * RoundToBlocks(frame_bytes_), frame_bytes_,
                "frame " + std::to_string(index));
}

std::vector<uint8_t> Job::ReadAt(uint64_t offset, uint64_t size, const std::string& what) {
  std::vector<uint8_t> bytes(size);
  file_.clear();
  file_.seekg(static_cast<std::streamoff>(offset));
  file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (!file_) Refuse("ends before " + what);
  return bytes;
}

void Job::Refuse(const std::string& text) const {
  throw StepFailure("job", "E_INVALIDARG", "the job " + path_ + " " + text);
}

}  // namespace ward::examples
