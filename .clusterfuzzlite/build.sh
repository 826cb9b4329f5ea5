#!/usr/bin/env bash
# The build is OSS-Fuzz's.
exec bash packaging/oss-fuzz/build.sh
