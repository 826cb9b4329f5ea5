// One way to decrypt the message. Its figures are sizes in bytes: the median time of one decryption
// of that size, in nanoseconds.
#ifndef WARD_TESTS_BENCH_RIVALS_DECRYPTION_H_
#define WARD_TESTS_BENCH_RIVALS_DECRYPTION_H_

#include <cstddef>
#include <string>

#include "tests/bench/attachments/subject.h"
#include "tests/bench/rivals/message.h"

namespace ward::bench {

class Decryption : public Subject {
 public:
  explicit Decryption(const Message* message) : message_(message) {}

  // Throws std::runtime_error as well when what was decrypted is not the message.
  double Measure(const std::string& figure, uint32_t count) final;

 protected:
  const Message& message() const { return *message_; }

 private:
  // Before what is timed: nothing of an earlier result is left.
  virtual void Prepare(size_t bytes) = 0;
  // What is timed: from the ciphertext in the program's memory to the plaintext where it belongs.
  virtual void Decrypt(size_t bytes) = 0;
  virtual void Check(size_t bytes) = 0;

  const Message* message_;
};

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_RIVALS_DECRYPTION_H_
