// intel-ipsec-mb's AES-CTR, where the build has it and the processor can. Private to the folder.
#ifndef WARD_DEVICE_CRYPTO_WIDE_AES_H_
#define WARD_DEVICE_CRYPTO_WIDE_AES_H_

#include <cstdint>

namespace ward::device::wide_aes {

// Whether the other functions may be called on this thread. Once it was so, it stays so.
bool IsAvailable();

// `key` is 16 bytes; `round_keys` gets 11 x 16, aligned to 16.
void ExpandKey(const uint8_t* key, uint8_t* round_keys);

// XORs `size` bytes of keystream into `destination`, from the block `counter` (16 bytes) on. The
// counter's last 32 bits wrap without a carry: at most 2^32 blocks less the low word are to be
// asked for. Leaves nothing of the key or the keystream in registers or on the stack (the library
// is built with SAFE_DATA, or IsAvailable says no).
void Apply(const uint8_t* round_keys, const uint8_t* counter, const uint8_t* source,
           uint8_t* destination, uint64_t size);

}  // namespace ward::device::wide_aes

#endif  // WARD_DEVICE_CRYPTO_WIDE_AES_H_
