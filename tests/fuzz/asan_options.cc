// The sanitizer's own defaults, for speed: no frames that are kept after their return, and no
// stacks of allocations. ASAN_OPTIONS has the last word.
extern "C" const char* __asan_default_options() {
  return "detect_stack_use_after_return=0:malloc_context_size=0:quarantine_size_mb=8";
}
