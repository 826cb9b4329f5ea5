#!/usr/bin/env bash
# What build.sh needs beyond OSS-Fuzz's base-builder image of Ubuntu 24.04, which brings the compiler.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.."
source tools/dev/packages.sh
apt-get update
apt-get install -y --no-install-recommends cmake ninja-build pkg-config python3 "${packages_libraries[@]}"
