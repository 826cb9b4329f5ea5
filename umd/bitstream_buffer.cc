#include "umd/bitstream_buffer.h"

#include <algorithm>
#include <cstddef>

#include "abi/generated/commands.h"
#include "umd/allocation_data.h"
#include "umd/decoder_buffer.h"
#include "umd/device.h"
#include "umd/resource.h"

namespace ward::umd {

HRESULT BitstreamBuffer::Begin(const FrameKey& key) {
  if (key.session != key_.session) Free();
  used_bytes_ = 0;
  key_ = key;
  if (allocation_ != 0) return S_OK;
  return device_->kernel().Allocate(MakeAllocationData(Segment::kProtected, capacity_bytes_),
                                    nullptr, &allocation_);
}

HRESULT BitstreamBuffer::Append(const DecoderBuffer& buffer) {
  HRESULT result = S_OK;
  if (key_.session == 0) {
    result = AppendCopy(allocation_, used_bytes_, buffer.resource()->allocation(), buffer.offset(),
                        buffer.size_bytes());
  } else {
    // A page that changes owners is zeroed. So clear bytes take the way of the encrypted ones:
    // the frame's pages are the session's from the first byte on.
    result = buffer.has_sub_samples() ? AppendSample(buffer) : AppendDecrypt(buffer);
  }
  if (SUCCEEDED(result)) used_bytes_ += buffer.size_bytes();
  return result;
}

HRESULT BitstreamBuffer::CopyTo(D3DKMT_HANDLE destination) {
  return used_bytes_ == 0 ? S_OK : AppendCopy(destination, 0, allocation_, 0, used_bytes_);
}

void BitstreamBuffer::Free() {
  used_bytes_ = 0;
  if (allocation_ == 0) return;
  // What was recorded before names the allocation; after a failed submission nothing does.
  (void)device_->commands().FlushUsesOf(allocation_);
  device_->kernel().Free(nullptr, allocation_);
  allocation_ = 0;
}

HRESULT BitstreamBuffer::AppendCopy(D3DKMT_HANDLE destination, uint32_t destination_offset,
                                    D3DKMT_HANDLE source, uint32_t source_offset,
                                    uint32_t size_bytes) {
  abi::CopyCommand command = {};
  command.row_bytes = size_bytes;
  command.row_count = 1;
  command.destination_pitch = size_bytes;
  command.source_pitch = size_bytes;
  const AddressField addresses[] = {
      {offsetof(abi::CopyCommand, destination), destination, destination_offset, true},
      {offsetof(abi::CopyCommand, source), source, source_offset, false},
  };
  return device_->commands().Append(command, addresses);
}

HRESULT BitstreamBuffer::AppendDecrypt(const DecoderBuffer& buffer) {
  abi::DecryptBltCommand command = {};
  if (key_.uses_content_key) command.flags |= abi::DecryptBltCommand::kFlagContentKey;
  if (!buffer.is_encrypted()) {
    command.flags |= abi::DecryptBltCommand::kFlagPattern;  // of nothing
  } else if (const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* pattern = buffer.pattern()) {
    command.flags |= abi::DecryptBltCommand::kFlagPattern;
    command.encrypted_bytes_at_beginning = pattern->NumEncryptedBytesAtBeginning;
    command.skip_bytes = pattern->NumBytesInSkipPattern;
    command.encrypt_bytes = pattern->NumBytesInEncryptPattern;
  }
  return AppendFrom(buffer, command, {});
}

HRESULT BitstreamBuffer::AppendSample(const DecoderBuffer& buffer) {
  abi::DecryptSampleCommand command = {};
  if (key_.uses_content_key) command.flags |= abi::DecryptSampleCommand::kFlagContentKey;
  const std::span<const SubSampleBlock> list = buffer.sub_samples();
  command.sub_sample_count = static_cast<uint32_t>(list.size());
  command.stripe_encrypted_blocks = buffer.stripe_encrypted_blocks();
  command.stripe_clear_blocks = buffer.stripe_clear_blocks();
  // The DDI's structure is what the command carries.
  return AppendFrom(buffer, command,
                    {reinterpret_cast<const uint8_t*>(list.data()), list.size_bytes()});
}

template <typename Command>
HRESULT BitstreamBuffer::AppendFrom(const DecoderBuffer& buffer, Command command,
                                    ConstByteSpan payload) {
  command.session = key_.session;
  command.length_bytes = buffer.size_bytes();
  if (buffer.is_encrypted()) std::copy_n(buffer.iv(), sizeof(command.iv), command.iv);
  const AddressField addresses[] = {
      {offsetof(Command, destination), allocation_, used_bytes_, true},
      {offsetof(Command, source), buffer.resource()->allocation(), buffer.offset(), false},
  };
  return device_->commands().Append(command, addresses, payload);
}

}  // namespace ward::umd
