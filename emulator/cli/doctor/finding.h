// What the doctor found out about one subject.
#ifndef WARD_EMULATOR_CLI_DOCTOR_FINDING_H_
#define WARD_EMULATOR_CLI_DOCTOR_FINDING_H_

#include <filesystem>
#include <string>
#include <vector>

namespace ward::emulator {

enum class FindingKind {
  kOk,
  kNote,     // the tool can do without it
  kMissing,  // something that was asked for, or is there, does not work
};

struct Finding {
  std::string subject;
  FindingKind kind = FindingKind::kOk;
  std::string text;
  std::string mend;  // a command or a sentence; empty when nothing is to be mended
};

// Each looks at the machine whose files are below `root` ("/", or a test's directory), and changes
// nothing.
Finding ExamineIdentity(const std::string& directory);
std::vector<Finding> ExamineVfio(const std::filesystem::path& root);
std::vector<Finding> ExamineFunctions(const std::filesystem::path& root);
std::vector<Finding> ExamineMemory(const std::filesystem::path& root);
std::vector<Finding> ExamineQemu();
Finding ExamineKvm(const std::filesystem::path& root);
Finding ExamineSeccomp(const std::filesystem::path& root);
std::vector<Finding> ExamineServers(const std::filesystem::path& root);
Finding ExamineSocket(const std::filesystem::path& root, const std::string& path);

// The first line of a file, or nothing.
std::string FirstLine(const std::filesystem::path& path);
// The names in a directory, sorted; none when there is no such directory.
std::vector<std::string> ListNames(const std::filesystem::path& folder);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_DOCTOR_FINDING_H_
