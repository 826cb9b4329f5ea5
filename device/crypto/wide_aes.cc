#include "device/crypto/wide_aes.h"

#include "base/assert.h"
#include "base/secret_bytes.h"

#ifdef WARD_IPSEC_MB
#include <intel-ipsec-mb.h>
#include <pthread.h>
#endif

namespace ward::device::wide_aes {

#ifdef WARD_IPSEC_MB

namespace {

// Function pointers by processor, and queues that CTR does not use: some 200 KiB. A manager serves
// one thread at a time, and ends with it. That of the thread which ends the process is left to the
// system: chips that end behind everything else still use it.
thread_local IMB_MGR* of_thread = nullptr;

void Free(void* manager) {
  of_thread = nullptr;
  free_mb_mgr(static_cast<IMB_MGR*>(manager));
}

pthread_key_t MakeKey() {
  pthread_key_t key{};
  const int made = pthread_key_create(&key, Free);
  WARD_ASSERT(made == 0);
  return key;
}

IMB_MGR* Make() {
  static const pthread_key_t key = MakeKey();
  IMB_MGR* manager = alloc_mb_mgr(0);
  if (manager == nullptr) return nullptr;
  IMB_ARCH arch = IMB_ARCH_NONE;
  init_mb_mgr_auto(manager, &arch);
  if (imb_get_errno(manager) == 0 && pthread_setspecific(key, manager) == 0) return manager;
  free_mb_mgr(manager);
  return nullptr;
}

IMB_MGR* Manager() {
  if (IMB_MGR* manager = of_thread) return manager;
  return of_thread = Make();
}

bool Look() {
  const IMB_MGR* manager = Manager();
  constexpr uint64_t kNeeded = IMB_FEATURE_AESNI | IMB_FEATURE_SAFE_DATA;
  return manager != nullptr && (manager->features & kNeeded) == kNeeded;
}

}  // namespace

bool IsAvailable() {
  static const bool is_available = Look();
  return is_available && Manager() != nullptr;
}

void ExpandKey(const uint8_t* key, uint8_t* round_keys) {
  // CTR needs no key for decryption, and the library writes one all the same.
  alignas(16) SecretBytes<11 * 16> unused;
  IMB_AES_KEYEXP_128(Manager(), key, round_keys, unused.Expose().data());
}

void Apply(const uint8_t* round_keys, const uint8_t* counter, const uint8_t* source,
           uint8_t* destination, uint64_t size) {
  IMB_JOB job = {};
  job.enc_keys = round_keys;
  job.dec_keys = round_keys;
  job.key_len_in_bytes = IMB_KEY_128_BYTES;
  job.src = source;
  job.dst = destination;
  job.msg_len_to_cipher_in_bytes = size;
  job.iv = counter;
  job.iv_len_in_bytes = 16;
  job.cipher_direction = IMB_DIR_ENCRYPT;
  job.cipher_mode = IMB_CIPHER_CNTR;
  IMB_MGR* const manager = Manager();  // the macro names it twice
  IMB_SUBMIT_CIPHER_BURST_NOCHECK(manager, &job, 1, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT,
                                  IMB_KEY_128_BYTES);
  WARD_ASSERT(job.status == IMB_STATUS_COMPLETED);
}

#else

bool IsAvailable() { return false; }
void ExpandKey(const uint8_t*, uint8_t*) { WARD_ASSERT(!"built without intel-ipsec-mb"); }
void Apply(const uint8_t*, const uint8_t*, const uint8_t*, uint8_t*, uint64_t) {
  WARD_ASSERT(!"built without intel-ipsec-mb");
}

#endif

}  // namespace ward::device::wide_aes
