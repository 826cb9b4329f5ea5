#include "tests/integration/mp4_track.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace ward::test {
namespace {

// Reads big-endian numbers from front to back.
class BoxReader {
 public:
  explicit BoxReader(ConstByteSpan bytes) : bytes_(bytes) {}

  uint64_t Number(size_t size) {
    uint64_t value = 0;
    for (const uint8_t byte : Bytes(size)) value = value << 8 | byte;
    return value;
  }
  uint32_t Word() { return static_cast<uint32_t>(Number(4)); }
  ConstByteSpan Bytes(size_t size) {
    if (size > bytes_.size()) throw std::runtime_error("MP4: a box ends too early");
    const ConstByteSpan part = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return part;
  }
  bool AtEnd() const { return bytes_.empty(); }

 private:
  ConstByteSpan bytes_;
};

// The content of the first box of each name on the way down `path`.
ConstByteSpan Find(ConstByteSpan bytes, const std::vector<std::string>& path) {
  for (const std::string& name : path) {
    BoxReader reader(bytes);
    bool is_found = false;
    while (!is_found && !reader.AtEnd()) {
      const uint32_t size = reader.Word();
      const ConstByteSpan type = reader.Bytes(4);
      if (size < 8) throw std::runtime_error("MP4: a box of no size of its own");
      bytes = reader.Bytes(size - 8);
      is_found = std::equal(type.begin(), type.end(), name.begin(), name.end());
    }
    if (!is_found) throw std::runtime_error("MP4: no box " + name);
  }
  return bytes;
}

std::vector<uint32_t> ReadSampleSizes(ConstByteSpan stsz) {
  BoxReader reader(stsz);
  reader.Bytes(4);  // version and flags
  const uint32_t common = reader.Word();
  std::vector<uint32_t> sizes(reader.Word(), common);
  for (uint32_t& size : sizes) {
    if (common == 0) size = reader.Word();
  }
  return sizes;
}

// How many samples each of the chunks has.
std::vector<uint32_t> ReadChunkLengths(ConstByteSpan stsc, size_t chunk_count) {
  BoxReader reader(stsc);
  reader.Bytes(4);
  std::vector<uint32_t> lengths(chunk_count);
  for (uint32_t entry = reader.Word(); entry != 0; --entry) {
    const uint32_t first_chunk = reader.Word();
    const uint32_t samples = reader.Word();
    reader.Bytes(4);  // description
    for (size_t chunk = first_chunk - 1; chunk < chunk_count; ++chunk) lengths[chunk] = samples;
  }
  return lengths;
}

std::vector<Mp4Sample> ReadSamples(ConstByteSpan file, ConstByteSpan stbl) {
  BoxReader stco(Find(stbl, {"stco"}));
  stco.Bytes(4);
  std::vector<uint32_t> chunks(stco.Word());
  for (uint32_t& offset : chunks) offset = stco.Word();
  const std::vector<uint32_t> sizes = ReadSampleSizes(Find(stbl, {"stsz"}));
  const std::vector<uint32_t> lengths = ReadChunkLengths(Find(stbl, {"stsc"}), chunks.size());
  std::vector<Mp4Sample> samples;
  for (size_t chunk = 0; chunk < chunks.size(); ++chunk) {
    BoxReader data(file.subspan(chunks[chunk]));
    for (uint32_t i = 0; i < lengths[chunk] && samples.size() < sizes.size(); ++i) {
      const ConstByteSpan bytes = data.Bytes(sizes[samples.size()]);
      samples.push_back({{bytes.begin(), bytes.end()}, {}, {}});
    }
  }
  if (samples.size() != sizes.size()) throw std::runtime_error("MP4: chunks without samples");
  return samples;
}

// Bytes of a sample's IV, from the track's encryption box deep in the sample description.
size_t FindIvBytes(ConstByteSpan stsd) {
  const std::string name = "tenc";
  const auto at = std::search(stsd.begin(), stsd.end(), name.begin(), name.end());
  BoxReader tenc(stsd.subspan(static_cast<size_t>(at - stsd.begin())));
  tenc.Bytes(4 + 4 + 3);  // name; version and flags; reserved, pattern, whether it is protected
  const size_t size = tenc.Number(1);
  if (size != 8 && size != 16) throw std::runtime_error("MP4: an IV of neither 8 nor 16 bytes");
  return size;
}

}  // namespace

std::vector<Mp4Sample> ReadMp4Track(ConstByteSpan file) {
  const ConstByteSpan stbl = Find(file, {"moov", "trak", "mdia", "minf", "stbl"});
  std::vector<Mp4Sample> samples = ReadSamples(file, stbl);
  const size_t iv_bytes = FindIvBytes(Find(stbl, {"stsd"}));
  BoxReader senc(Find(stbl, {"senc"}));
  const bool has_sub_samples = (senc.Word() & 2) != 0;
  if (senc.Word() != samples.size()) throw std::runtime_error("MP4: samples without encryption");
  for (Mp4Sample& sample : samples) {
    const ConstByteSpan iv = senc.Bytes(iv_bytes);
    std::copy(iv.begin(), iv.end(), sample.iv.begin());
    if (!has_sub_samples) {
      sample.sub_samples = {{0, static_cast<uint32_t>(sample.bytes.size())}};
      continue;
    }
    for (uint64_t count = senc.Number(2); count != 0; --count) {
      const auto clear = static_cast<uint32_t>(senc.Number(2));
      sample.sub_samples.push_back({clear, senc.Word()});
    }
  }
  return samples;
}

}  // namespace ward::test
