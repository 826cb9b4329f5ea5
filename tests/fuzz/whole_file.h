// Files of the fuzz targets' tools: written as a whole or not at all, and read only where that
// comes to an end. What is wrong is one line that says where, and what mends it.
#ifndef WARD_TESTS_FUZZ_WHOLE_FILE_H_
#define WARD_TESTS_FUZZ_WHOLE_FILE_H_

#include <cstddef>
#include <optional>
#include <string>

namespace ward::fuzz {

// A name as people can read it in a line: what a terminal or a line would not bear is '?'.
std::string Shown(const std::string& path);
// A name as a word of a shell.
std::string ShellWord(const std::string& path);

// Makes the folder where it is missing, with those that it lies in.
bool MakeFolder(const std::string& path, std::string* error);

// Replaces `path`, which keeps what it had when that fails. What is no regular file (a pipe,
// /dev/stdout) is written to. Nothing is flushed to the disk: who loses power makes it again.
bool WriteWhole(const std::string& path, const std::string& bytes, std::string* error);

// A regular file of at most `most_bytes`.
std::optional<std::string> ReadWhole(const std::string& path, size_t most_bytes,
                                     std::string* error);

// What is wrong with a name that something else could not write to, by `number` of errno.
std::string WhyNotWritten(const std::string& path, int number);

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_WHOLE_FILE_H_
