#include "tests/bench/rivals/decryption.h"

#include <charconv>
#include <stdexcept>

#include "tests/bench/attachments/sampler.h"

namespace ward::bench {

double Decryption::Measure(const std::string& figure, uint32_t count) {
  size_t bytes = 0;
  const char* end = figure.data() + figure.size();
  const auto [at, error] = std::from_chars(figure.data(), end, bytes);
  if (error != std::errc() || at != end || bytes == 0 || bytes > Message::kMaximumBytes) {
    throw std::invalid_argument(figure);
  }
  Prepare(bytes);
  Decrypt(bytes);  // the first one finds nothing where it will be
  Sampler samples(count);
  while (samples.WantsMore()) {
    const auto start = Clock::now();
    Decrypt(bytes);
    samples.Add(NanosecondsSince(start));
  }
  Check(bytes);
  return samples.Median();
}

}  // namespace ward::bench
