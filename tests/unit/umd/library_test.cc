// libward_umd.so as a runtime finds it: one name to look up, and a driver behind it.
#include <dlfcn.h>

#include <cstdio>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/umd/fake_kernel.h"
#include "umd/ddi/d3d11_1_ddi.h"

namespace ward::umd {
namespace {

constexpr char kEntryName[] = "OpenAdapter10_2";

struct CloseLibrary {
  void operator()(void* library) const { dlclose(library); }
};
using Library = std::unique_ptr<void, CloseLibrary>;

// The names that the dynamic linker can find in the library.
std::vector<std::string> ExportedNames() {
  const std::string command = WARD_NM " -D --defined-only '" WARD_UMD_LIBRARY "'";
  std::string text;
  FILE* listing = popen(command.c_str(), "r");
  REQUIRE(listing != nullptr);
  for (int c = std::fgetc(listing); c != EOF; c = std::fgetc(listing)) {
    text.push_back(static_cast<char>(c));
  }
  REQUIRE(pclose(listing) == 0);
  std::vector<std::string> names;
  std::istringstream lines(text);
  std::string address, kind, name;
  while (lines >> address >> kind >> name) names.push_back(name);
  return names;
}

TEST_CASE("the library exports OpenAdapter10_2 and nothing else") {
  CHECK(ExportedNames() == std::vector<std::string>{kEntryName});
}

TEST_CASE("the library needs nothing of its host but the DDI, and answers GetSupportedVersions") {
  FakeKernel kernel;
  D3D10_2DDI_ADAPTERFUNCS functions = {};
  const Library library(dlopen(WARD_UMD_LIBRARY, RTLD_NOW | RTLD_LOCAL));
  if (library == nullptr) FAIL(dlerror());
  auto* open_adapter = reinterpret_cast<PFND3D10DDI_OPENADAPTER>(dlsym(library.get(), kEntryName));
  REQUIRE(open_adapter != nullptr);
  D3D10DDIARG_OPENADAPTER arguments = {};
  arguments.hRTAdapter.handle = &kernel;
  arguments.pAdapterCallbacks = &kernel.adapter_callbacks;
  arguments.pAdapterFuncs_2 = &functions;
  REQUIRE(open_adapter(&arguments) == S_OK);

  UINT32 count = 1;
  UINT64 version = 0;
  CHECK(functions.pfnGetSupportedVersions(arguments.hAdapter, &count, &version) == S_OK);
  CHECK(count == 1);
  CHECK(version == 0x000B000F00000000ull);
  CHECK(functions.pfnCloseAdapter(arguments.hAdapter) == S_OK);
}

}  // namespace
}  // namespace ward::umd
