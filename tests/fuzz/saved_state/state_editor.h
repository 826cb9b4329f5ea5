// Edits of a saved state: of its open parts, and of what it seals for whoever has the key.
#ifndef WARD_TESTS_FUZZ_SAVED_STATE_STATE_EDITOR_H_
#define WARD_TESTS_FUZZ_SAVED_STATE_STATE_EDITOR_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "device/crypto/sealed_stream.h"
#include "tests/fuzz/input_reader.h"

namespace ward::fuzz {

// docs/spec/saved-state.md: header and head of the first section, which holds all blocks.
inline constexpr size_t kStateHeaderBytes =
    8 + 4 + 4 + 8 + (8 + 8 + 4 + 1 + 1 + 32) + 1 + 8 + 32 + 16;
inline constexpr size_t kSectionHeadBytes = 4 + 4 + 8;
inline constexpr size_t kBlocksOffset = kStateHeaderBytes + kSectionHeadBytes;

class StateEditor {
 public:
  // `state` is one that a chip saved; what it seals was sealed with `key`. `live` are offsets that
  // a chip's work changes.
  StateEditor(std::vector<uint8_t> state, const device::SealKey& key,
              const std::vector<size_t>* live);

  // Each edit is 4 bytes of place, a byte of form, and what is written there:
  //   form 0x03  logarithm of the width of what is written, in bytes
  //   form 0x0c  0: written over what is there; 4: cut off behind the place; 8: the number is a
  //              section's length; 12: the digest does not fit
  //   form 0x30  where: 0 anywhere, 16 in the header, 32 in what is sealed, 48 behind the blocks
  //   form 0x40  the number that is there is changed by the next byte (ChangeNumber)
  //   form 0x80  the place counts only what a chip's work changes
  void Edit(InputReader* input);
  // Sealed again under the same key, with a digest that fits unless an edit said otherwise.
  std::vector<uint8_t> Finish();

 private:
  void Unseal(const device::SealKey& key);
  size_t PickPlace(uint32_t place, uint8_t form) const;
  void Write(size_t at, uint8_t form, InputReader* input);
  void Cut(size_t at);

  size_t size() const { return open_.size() + secrets_.size(); }
  // Places count through the open part and on in the secrets.
  uint8_t& At(size_t at) { return at < open_.size() ? open_[at] : secrets_[at - open_.size()]; }

  std::vector<uint8_t> open_;
  std::vector<uint8_t> secrets_;
  size_t blocks_end_ = 0;
  bool is_sealed_ = false;
  bool digest_fits_ = true;
  device::DerivedSeal seal_;
  const std::vector<size_t>* live_;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_SAVED_STATE_STATE_EDITOR_H_
