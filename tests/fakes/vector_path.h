// Where the published vectors (tests/vectors) are: in the tree, or beside the program where there
// is no tree, as where a fuzz target runs on somebody's cluster.
#ifndef WARD_TESTS_FAKES_VECTOR_PATH_H_
#define WARD_TESTS_FAKES_VECTOR_PATH_H_

#include <filesystem>
#include <string>

namespace ward::fakes {

// `source_dir` is the tree's root (WARD_SOURCE_DIR); the file itself may be missing.
inline std::string VectorPath(const std::string& source_dir, const std::string& name) {
  const std::string below = "/tests/vectors/" + name;
  std::error_code ignored;
  if (std::filesystem::exists(source_dir + below, ignored)) return source_dir + below;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path().string() + below;
}

}  // namespace ward::fakes

#endif  // WARD_TESTS_FAKES_VECTOR_PATH_H_
