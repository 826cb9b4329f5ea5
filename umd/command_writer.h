// Writes commands into the context's command buffer. No address is known here: each one is a patch
// location that the kernel fills in (docs/decisions/0006-submission.md).
#ifndef WARD_UMD_COMMAND_WRITER_H_
#define WARD_UMD_COMMAND_WRITER_H_

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "umd/ddi/kernel_structures.h"
#include "umd/kernel_device.h"

namespace ward::umd {

// A 64-bit address field of a command.
struct AddressField {
  uint32_t field_offset;  // in the command, a multiple of 8
  D3DKMT_HANDLE allocation;
  uint32_t allocation_offset;  // bytes
  bool is_written;             // the command writes there
};

class CommandWriter {
 public:
  explicit CommandWriter(KernelDevice* kernel) : kernel_(kernel) {}

  // Makes the context with its first buffers.
  HRESULT Open();

  // Appends a command of abi/commands.toml with its payload, padded with zeros to whole 16 bytes.
  // All or nothing; submits first what was there when there is no room.
  template <typename Command>
  HRESULT Append(Command command, std::span<const AddressField> addresses,
                 ConstByteSpan payload = {}) {
    command.opcode = Command::kOpcode;
    command.length = PaddedBytes(sizeof(Command) + payload.size());
    return AppendBytes({reinterpret_cast<const uint8_t*>(&command), sizeof(Command)}, payload,
                       command.length, addresses);
  }

  // Submits what was appended. `submitted` (may be null) tells whether there was something. What
  // the kernel did not take is dropped.
  HRESULT Flush(bool* submitted = nullptr);
  // Flush when something that was not submitted yet uses the allocation: before the CPU touches it.
  HRESULT FlushUsesOf(D3DKMT_HANDLE allocation);

 private:
  static uint32_t PaddedBytes(size_t bytes) {
    return static_cast<uint32_t>((bytes + 15) & ~size_t{15});
  }

  HRESULT AppendBytes(ConstByteSpan command, ConstByteSpan payload, uint32_t padded_bytes,
                      std::span<const AddressField> addresses);
  bool HasRoom(uint32_t bytes, size_t addresses) const;
  uint32_t ListAllocation(const AddressField& address);

  KernelDevice* kernel_;
  uint8_t* buffer_ = nullptr;
  uint32_t buffer_size_ = 0;
  D3DDDI_ALLOCATIONLIST* allocations_ = nullptr;
  uint32_t allocation_capacity_ = 0;
  D3DDDI_PATCHLOCATIONLIST* patches_ = nullptr;
  uint32_t patch_capacity_ = 0;
  uint32_t used_bytes_ = 0;
  uint32_t allocation_count_ = 0;
  uint32_t patch_count_ = 0;
};

}  // namespace ward::umd

#endif  // WARD_UMD_COMMAND_WRITER_H_
