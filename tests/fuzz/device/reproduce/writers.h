// A story in the forms in which it runs elsewhere.
#ifndef WARD_TESTS_FUZZ_DEVICE_REPRODUCE_WRITERS_H_
#define WARD_TESTS_FUZZ_DEVICE_REPRODUCE_WRITERS_H_

#include <optional>
#include <string>
#include <string_view>

#include "tests/fuzz/device/reproduce/story.h"

namespace ward::fuzz {

// A line that anything may have said as one that may stand in a comment: printable, and with no
// backslash at its end, which would make the next line a comment, too.
std::string CommentLine(std::string_view line);

// How a story went, in a process of its own.
struct Played {
  bool fell = false;
  // The outcome (outcome.h), or what was said when it fell: an oracle's name, a sanitizer's line.
  std::string text;
};
Played PlayInChild(const Story& story);

// As operations, a line each, with comments for people.
std::string WriteText(const Story& story, const Played& played);
// As a C++ test of its own. Of `name`, which may be any file's, an identifier is made for the case.
std::string WriteCpp(const Story& story, const Played& played, const std::string& name);

struct QtestScript {
  std::string text;
  size_t left_out = 0;  // operations that QEMU's qtest protocol can't do
};
QtestScript WriteQtest(const Story& story);

// Plays it on a chip whose boundary is recorded into `path`, which is replaced. `*fell` says what
// was said when the chip fell: the recording then ends there. False, and `*error` is one line, when
// there is no recording.
bool WriteRecording(const Story& story, const std::string& path, std::string* fell,
                    std::string* error);

// Plays it on a served device ("vfio-user:PATH"), whose identity is the tests' one. Nothing, and
// `*error` is one line, when it can't be. `*left_out` counts operations that no client can do.
std::optional<std::string> PlayServed(const Story& story, const std::string& where,
                                      size_t* left_out, std::string* error);

// The tests' identity as a folder that `identity=` and `--identity` take.
bool WriteIdentity(const std::string& folder, std::string* error);

// Why no guest and no client can do this; null: they can.
const char* WhyNoGuest(const Operation& operation);

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_REPRODUCE_WRITERS_H_
