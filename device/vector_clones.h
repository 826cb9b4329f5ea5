// Marks loops that compilers turn into vector code: the function is compiled once for each width
// of vectors, and the loader picks what the processor has. Whole numbers only: all give the same
// bytes, so that a recording has one state hash everywhere.
#ifndef WARD_DEVICE_VECTOR_CLONES_H_
#define WARD_DEVICE_VECTOR_CLONES_H_

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WARD_NO_VECTOR_CLONES
#endif
#endif

// The loader picks before a sanitizer has begun. Without optimisation there are no vectors.
#if defined(__x86_64__) && defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__) && !defined(WARD_NO_VECTOR_CLONES)
#define WARD_VECTOR_CLONES \
  __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
// For loops that load by index: sixteen at once take longer than twice eight.
#define WARD_VECTOR_CLONES_256 __attribute__((target_clones("default", "arch=x86-64-v3")))
#else
#define WARD_VECTOR_CLONES
#define WARD_VECTOR_CLONES_256
#endif

#endif  // WARD_DEVICE_VECTOR_CLONES_H_
