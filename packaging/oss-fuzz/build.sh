#!/usr/bin/env bash
# Builds all fuzz targets as OSS-Fuzz and ClusterFuzzLite want them: with $CC, $CXX, $CFLAGS, $CXXFLAGS and
# $LIB_FUZZING_ENGINE, into $OUT, each with its first inputs, dictionary and options. Starts in the source tree.
# tools/fuzz/try_oss_fuzz.py does the same here.
set -euo pipefail

# The flags bring sanitizers and instrumentation: nothing of the tree's own is added to them. Headers of fmt alone, as
# these images' C++ library is not the one that their packages are built with; older Boosts do not know that it has
# invoke_result alone. Shared libraries go along.
cmake -S . -B "$WORK/build" -G Ninja -DCMAKE_BUILD_TYPE=None \
  -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" \
  -DCMAKE_C_FLAGS="$CFLAGS" -DCMAKE_CXX_FLAGS="$CXXFLAGS -DFMT_HEADER_ONLY -DBOOST_ASIO_HAS_STD_INVOKE_RESULT" \
  -DCMAKE_EXE_LINKER_FLAGS="-Wl,--as-needed -Wl,--disable-new-dtags" -DCMAKE_BUILD_RPATH='$ORIGIN/lib' \
  -DWARD_TESTS=OFF -DWARD_FUZZ=ON -DWARD_SANITIZE=OFF \
  -DWARD_FUZZ_ENGINE="$LIB_FUZZING_ENGINE" -DWARD_FUZZ_INSTRUMENTATION=
cmake --build "$WORK/build" --target fuzz_targets --parallel "${WARD_BUILD_JOBS:-$(nproc)}"

names=$(python3 tools/fuzz/targets.py names)
mkdir -p "$OUT/lib" "$OUT/tests/vectors"
# The published key that test devices have.
cp tests/vectors/rsa_oaep_2048_sha512_mgf1sha512_test.json "$OUT/tests/vectors/"
for name in $names; do
  program=$WORK/build/tests/fuzz/${name}_fuzz
  cp "$program" "$OUT/"
  python3 tools/fuzz/targets.py options "$name" >"$OUT/${name}_fuzz.options"
  dictionary=$(python3 tools/fuzz/targets.py dictionary "$name")
  [ -z "$dictionary" ] || cp "$dictionary" "$OUT/${name}_fuzz.dict"
  rm -f "$OUT/${name}_fuzz_seed_corpus.zip"
  python3 -m zipfile -c "$OUT/${name}_fuzz_seed_corpus.zip" "tests/fuzz/${name}_corpus"/*
  # The images that run them have the C library, and no package of ours.
  ldd "$program" |
    awk '/=> \// && $3 !~ /\/(ld-linux[^\/]*|lib(c|m|dl|rt|pthread|resolv|gcc_s))\.so[^\/]*$/ { print $3 }' |
    xargs -r cp -Lt "$OUT/lib"
done
