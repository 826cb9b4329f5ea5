// The promise of undeclared_function.h, at the level of the machine's calling convention: a
// function without parameters may be called as any entry of a table.
#include "catch2/catch_test_macros.hpp"
#include "umd/ddi/d3d11_1_ddi.h"

#ifdef __clang__
#define WARD_CALLS_ANOTHER_TYPE __attribute__((no_sanitize("function")))
#else
#define WARD_CALLS_ANOTHER_TYPE
#endif

namespace ward::umd {
namespace {

int g_calls = 0;

HRESULT APIENTRY RefuseEntry() {
  ++g_calls;
  return E_NOTIMPL;
}

SIZE_T APIENTRY RefuseSizeEntry() {
  ++g_calls;
  return static_cast<SIZE_T>(-1);
}

struct State {
  void* pDrvPrivate;
};
using ManyArguments = HRESULT(APIENTRY*)(State, UINT, UINT, UINT, const void*, FLOAT, RECT, UINT64,
                                         UINT64, UINT64, const RECT*);
using NoResult = void(APIENTRY*)(State, RECT, FLOAT, FLOAT);
using SizeOfState = SIZE_T(APIENTRY*)(State, const void*);

template <typename To, typename From>
To As(From from) {
  return reinterpret_cast<To>(reinterpret_cast<void*>(from));
}

WARD_CALLS_ANOTHER_TYPE HRESULT CallWithManyArguments(ManyArguments entry) {
  const RECT rect = {1, 2, 3, 4};
  const State state = {nullptr};
  return entry(state, 1, 2, 3, &rect, 0.5f, rect, 4, 5, 6, &rect);
}

WARD_CALLS_ANOTHER_TYPE void CallWithoutResult(NoResult entry) {
  entry(State{nullptr}, RECT{1, 2, 3, 4}, 0.25f, 0.75f);
}

WARD_CALLS_ANOTHER_TYPE SIZE_T CallForSize(SizeOfState entry) {
  return entry(State{nullptr}, nullptr);
}

TEST_CASE("a stub without parameters answers an entry with register and stack arguments") {
  D3D11_1DDI_DEVICEFUNCS table = {};
  table.pfnDraw = RefuseEntry;
  g_calls = 0;
  CHECK(CallWithManyArguments(As<ManyArguments>(table.pfnDraw)) == E_NOTIMPL);
  CallWithoutResult(As<NoResult>(table.pfnDraw));
  CHECK(g_calls == 2);
}

TEST_CASE("a size stub returns all 64 bits of its refusal") {
  D3D11_1DDI_DEVICEFUNCS table = {};
  table.pfnCalcPrivateShaderSize = RefuseSizeEntry;
  CHECK(CallForSize(As<SizeOfState>(table.pfnCalcPrivateShaderSize)) == ~SIZE_T{0});
}

}  // namespace
}  // namespace ward::umd
