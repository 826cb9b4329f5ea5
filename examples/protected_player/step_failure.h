// Ends the player: which step failed and how, as one line for people.
#ifndef WARD_EXAMPLES_PROTECTED_PLAYER_STEP_FAILURE_H_
#define WARD_EXAMPLES_PROTECTED_PLAYER_STEP_FAILURE_H_

#include <stdexcept>
#include <string>

#include "runtime/hresult_name.h"

namespace ward::examples {

class StepFailure : public std::runtime_error {
 public:
  StepFailure(const std::string& step, const std::string& result, const std::string& text)
      : std::runtime_error(text), step_(step), result_(result) {}

  const std::string& step() const { return step_; }
  // The name of an HRESULT, or of a status of the contract.
  const std::string& result() const { return result_; }

 private:
  std::string step_;
  std::string result_;
};

// Throws unless the call succeeded. `text` says what was wanted.
inline void Require(const std::string& step, HRESULT result, const std::string& text) {
  if (FAILED(result)) throw StepFailure(step, runtime::HresultName(result), text);
}

}  // namespace ward::examples

#endif  // WARD_EXAMPLES_PROTECTED_PLAYER_STEP_FAILURE_H_
