// What an operation does, for people: names of registers, commands and messages.
#ifndef WARD_TESTS_FUZZ_DEVICE_REPRODUCE_DESCRIBE_H_
#define WARD_TESTS_FUZZ_DEVICE_REPRODUCE_DESCRIBE_H_

#include <string>

#include "tests/fuzz/device/operation.h"

namespace ward::fuzz {

// One line, without its end; empty where the operation's own name says all.
std::string Describe(const Operation& operation);

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_REPRODUCE_DESCRIBE_H_
