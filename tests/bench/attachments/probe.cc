#include "tests/bench/attachments/probe.h"

#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace ward::bench {
namespace {

using Subjects = std::vector<std::unique_ptr<Subject>>;

void Say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

std::string ListKinds(const Subjects& subjects) {
  std::string kinds;
  for (const auto& subject : subjects)
    kinds += std::string(kinds.empty() ? "" : " ") + subject->Kind();
  return kinds;
}

std::string Answer(const Subjects& subjects, const std::string& line) {
  if (line == "kinds") return ListKinds(subjects);
  std::istringstream words(line);
  std::string verb, kind, figure;
  uint32_t count = 0;
  if (!(words >> verb >> kind >> figure >> count) || verb != "measure" || count == 0) {
    throw std::invalid_argument(line);
  }
  for (const auto& subject : subjects) {
    if (subject->Kind() == kind) return std::to_string(subject->Measure(figure, count));
  }
  throw std::invalid_argument(kind);
}

}  // namespace

int RunProbe(std::vector<std::unique_ptr<abi::PciFunction>> functions) {
  Subjects subjects;
  try {
    for (auto& function : functions) subjects.push_back(MakeSubject(std::move(function)));
  } catch (const std::exception& error) {
    return RefuseAnswers(error.what());
  }
  return RunProbe(subjects);
}

int RefuseAnswers(const std::string& why) {
  Say("failed " + why);
  return 1;
}

int RunProbe(const Subjects& subjects) {
  Say("probe ready");
  for (std::string line; std::getline(std::cin, line);) {
    try {
      Say("value " + Answer(subjects, line));
    } catch (const std::invalid_argument& error) {
      Say(std::string("failed there is no ") + error.what());
    } catch (const std::exception& error) {
      Say(std::string("failed ") + error.what());
    }
  }
  return 0;
}

}  // namespace ward::bench
