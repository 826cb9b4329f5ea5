// What the player tells while it works, one line a step, for people and for the program that
// started it:
//
//   WARD step=<name> result=<HRESULT or OK> <text for people>
//   WARD report <JSON object>
//   WARD events <text for people>   calls that were refused, one line for each session that had any
//   WARD hold                     the last frame stays until a line or the end of the input comes
#ifndef WARD_EXAMPLES_PROTECTED_PLAYER_STORY_H_
#define WARD_EXAMPLES_PROTECTED_PLAYER_STORY_H_

#include <istream>
#include <ostream>
#include <string>

#include "runtime/hresult_name.h"

namespace ward::examples {

class Story {
 public:
  // Both outlive the story.
  Story(std::istream* input, std::ostream* output) : input_(input), output_(output) {}

  void Tell(const std::string& step, HRESULT result, const std::string& text);
  void Report(const std::string& json);
  void Events(const std::string& text);
  // Waits for a line.
  void Hold();
  void Fail(const std::string& step, const std::string& result, const std::string& text);

 private:
  void Line(const std::string& text);

  std::istream* input_;
  std::ostream* output_;
};

}  // namespace ward::examples

#endif  // WARD_EXAMPLES_PROTECTED_PLAYER_STORY_H_
