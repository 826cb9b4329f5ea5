// For programs without an engine in a build that counts for one, and without a sanitizer, whose
// runtime would have these: nobody counts. An engine's own come before them.
#include <cstdint>

extern "C" {

// Names that the compiler makes up.
[[gnu::weak]] thread_local uintptr_t __sancov_lowest_stack = 0;
[[gnu::weak]] void __sanitizer_cov_8bit_counters_init(char*, char*) {}
[[gnu::weak]] void __sanitizer_cov_pcs_init(const uintptr_t*, const uintptr_t*) {}
[[gnu::weak]] void __sanitizer_cov_trace_pc_indir(uintptr_t) {}

}  // extern "C"
