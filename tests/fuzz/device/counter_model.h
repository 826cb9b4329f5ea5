// What R21's relaxed policy counts, kept from the decryptions themselves: the ranges of counters
// that a session used under a key, and how often one began before the end of the furthest.
#ifndef WARD_TESTS_FUZZ_DEVICE_COUNTER_MODEL_H_
#define WARD_TESTS_FUZZ_DEVICE_COUNTER_MODEL_H_

#include <cstdint>
#include <vector>

#include "abi/generated/commands.h"

namespace ward::fuzz {

class CounterModel {
 public:
  void Reset() { sessions_.clear(); }
  // It begins, and takes its counters then.
  void OnDecrypt(const abi::DecryptBltCommand& blt);
  // What is not known any more: a decryption failed, before or after it took its counters; counters
  // of a pattern.
  void Forget(uint32_t session);
  // Which counters go with it is known if none was used.
  void OnNewKey(uint32_t session);
  // QUERY_SESSION said so.
  void Check(uint32_t session, uint32_t iv_repeats) const;

 private:
  struct Place {
    uint64_t iv = 0;
    uint64_t count = 0;
  };
  struct Furthest {
    bool is_used = false;
    Place end;
  };
  struct Session {
    uint32_t number;
    bool is_known = true;
    uint32_t repeats = 0;
    Furthest furthest[2];  // by session key, by content key
  };
  static bool IsBefore(const Place& one, const Place& other) {
    return one.iv != other.iv ? one.iv < other.iv : one.count < other.count;
  }
  Session* Find(uint32_t number);

  std::vector<Session> sessions_;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_COUNTER_MODEL_H_
