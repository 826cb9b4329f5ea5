#include "umd/decoder_buffer.h"

#include <cstring>
#include <new>

#include "abi/generated/pci.h"
#include "base/bytes.h"
#include "base/rule.h"
#include "umd/resource.h"
#include "umd/video_decoder_profile.h"

namespace ward::umd {

namespace {

// R10: with an encrypt pattern all three are whole cipher blocks.
bool IsAligned(const D3D11_1DDI_ENCRYPTED_BLOCK_INFO& pattern) {
  if (pattern.NumBytesInEncryptPattern == 0) return true;
  return pattern.NumEncryptedBytesAtBeginning % abi::kBlockAlignment == 0 &&
         pattern.NumBytesInSkipPattern % abi::kBlockAlignment == 0 &&
         pattern.NumBytesInEncryptPattern % abi::kBlockAlignment == 0;
}

}  // namespace

template <typename Description>
void DecoderBuffer::FetchCommon(Device* device, const Description& description) {
  resource_ = DriverObject::Find<Resource>(device, description.hResource.pDrvPrivate);
  type_ = description.BufferType;
  offset_ = description.DataOffset;
  size_bytes_ = description.DataSize;
  is_encrypted_ = description.pIV != nullptr;
  iv_bytes_ = description.IVSize;
  if (is_encrypted_ && iv_bytes_ == kKeyBytes) std::memcpy(iv_, description.pIV, sizeof(iv_));
}

bool DecoderBuffer::Fetch(Device* device, const D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC& source) {
  const D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC description = source;
  FetchCommon(device, description);
  has_pattern_ = WARD_RULE("decoder.partial_encryption", description.PartialEncryption != FALSE);
  pattern_ = description.EncryptedBlockInfo;
  return true;
}

bool DecoderBuffer::Fetch(Device* device, const D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1& source) {
  const D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1 description = source;
  FetchCommon(device, description);
  return FetchList(description.pSubSampleMappingBlock, description.SubSampleMappingCount);
}

bool DecoderBuffer::Fetch(Device* device, const D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC& source) {
  const D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC description = source;
  FetchCommon(device, description);
  stripe_encrypted_blocks_ = description.cBlocksStripeEncrypted;
  stripe_clear_blocks_ = description.cBlocksStripeClear;
  return FetchList(description.pSubSampleMappingBlock, description.SubSampleMappingCount);
}

bool DecoderBuffer::FetchList(const SubSampleBlock* blocks, uint32_t count) {
  has_list_ = count != 0;
  list_count_ = count;
  whole_ = {0, size_bytes_};
  list_is_there_ = blocks != nullptr;
  const bool is_short = count <= abi::kMaximumSubSamples || WARD_BROKEN("decoder.sub_sample_count");
  if (!is_encrypted_ || !has_list_ || blocks == nullptr || !is_short) return true;
  list_.reset(new (std::nothrow) SubSampleBlock[count]);
  if (list_ == nullptr) return false;
  std::memcpy(list_.get(), blocks, count * sizeof(SubSampleBlock));
  return true;
}

std::span<const SubSampleBlock> DecoderBuffer::sub_samples() const {
  if (!has_list_) return {&whole_, 1};
  return {list_.get(), list_ != nullptr ? list_count_ : 0};
}

const char* DecoderBuffer::FindFault() const {
  if (const char* fault = FindPlaceFault()) return fault;
  if (!is_encrypted()) return nullptr;
  if (const char* fault = FindCipherFault()) return fault;
  return has_sub_samples() ? FindSubSampleFault() : nullptr;
}

const char* DecoderBuffer::FindPlaceFault() const {
  if (resource_ == nullptr || !resource_->exists()) return "decoder buffer without a resource";
  if (WARD_RULE("decoder.buffer_type", !IsDecoderBufferType(type_))) {
    return "decoder buffer of a type that this decoder does not take";
  }
  if (WARD_RULE("decoder.protected_source", resource_->is_protected())) {
    return "decoder buffer in protected memory";
  }
  if (size_bytes_ == 0) return "decoder buffer without data";
  if (WARD_RULE("decoder.range",
                !RangeFits(offset_, size_bytes_, resource_->layout().size_bytes))) {
    return "decoder buffer's data lies outside its resource";
  }
  return nullptr;
}

const char* DecoderBuffer::FindCipherFault() const {
  if (WARD_RULE("decoder.iv_size", iv_bytes_ != kKeyBytes)) {
    return "decoder buffer's IV is not 16 bytes";
  }
  // ENCRYPT_SLICEDATA_ONLY: the driver reads the others.
  if (WARD_RULE("decoder.encrypted_control", !is_bitstream())) {
    return "encrypted decoder buffer that is not bitstream";
  }
  if (WARD_RULE("decoder.pattern", has_pattern_ && !IsAligned(pattern_))) {
    return "decoder buffer's pattern is not made of cipher blocks";
  }
  return nullptr;
}

const char* DecoderBuffer::FindSubSampleFault() const {
  if (has_list_ && !list_is_there_) return "decoder buffer's sub-samples are not there";
  if (WARD_RULE("decoder.sub_sample_count", list_count_ > abi::kMaximumSubSamples)) {
    return "decoder buffer has more sub-samples than a command";
  }
  if (WARD_RULE("decoder.stripe", has_stripe() && stripe_encrypted_blocks_ == 0)) {
    return "decoder buffer's stripe encrypts nothing";
  }
  uint64_t sum = 0;
  for (const SubSampleBlock& block : sub_samples()) {
    sum += uint64_t{block.ClearSize} + block.EncryptedSize;
  }
  if (WARD_RULE("decoder.sub_sample_sum", sum != size_bytes_)) {
    return "decoder buffer's sub-samples do not add up to its data";
  }
  return nullptr;
}

}  // namespace ward::umd
