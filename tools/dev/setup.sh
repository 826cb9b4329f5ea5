# shellcheck shell=bash
# ./dev setup: installs what is missing. A warm run asks dpkg once and needs no network.
source tools/dev/packages.sh

run_setup() {
  local start
  start=$(now_us)
  if ensure_packages; then
    say "setup: everything is installed (${#packages[@]} packages, $(seconds_since "$start") s)"
  fi
}

# Installs the missing packages, if any. Every command that builds calls it first.
ensure_packages() {
  command -v dpkg-query >/dev/null ||
    fail "this is no Debian (dpkg-query is missing); install by hand what tools/dev/packages.sh lists"
  local missing=() catch2_missing=
  mapfile -t missing < <(list_missing_packages)
  [ ${#missing[@]} -gt 0 ] || return 0

  choose_root_prefix "${missing[@]}"
  say "installing ${#missing[@]} missing packages: ${missing[*]}"
  run_step "package lists" apt_update apt_get update ||
    warn "the package lists are not all fresh; going on with those there are"
  for i in "${!missing[@]}"; do
    [ "${missing[$i]}" = catch2 ] || continue
    if ! candidate_is_catch2_v3; then
      catch2_missing=1
      unset "missing[$i]"
    fi
  done
  if [ ${#missing[@]} -gt 0 ]; then
    run_step "install packages" apt_install apt_get install -y --no-install-recommends "${missing[@]}" ||
      fail "packages could not be installed; look at $log_dir/apt_install.log, then run: ./dev setup"
  fi
  [ -z "$catch2_missing" ] || install_catch2_from_backports
  mapfile -t missing < <(list_missing_packages)
  [ ${#missing[@]} -eq 0 ] || fail "still missing after setup: ${missing[*]}"
}

# Sets root_prefix to what runs a command as root.
choose_root_prefix() {
  root_prefix=()
  [ "$(id -u)" -ne 0 ] || return 0
  if ! command -v sudo >/dev/null; then
    fail "packages are missing ($*), and there is neither root nor sudo here; install them with: su -c './dev setup'"
  elif [ -t 0 ]; then
    # Asks for the password here, where the person sees it, not inside a logged step.
    { sudo -v && sudo -n true; } || fail "sudo was refused; run as root: ./dev setup"
    root_prefix=(sudo -n)
  else
    sudo -n true 2>/dev/null || fail "sudo wants a password and there is no terminal; run as root: ./dev setup"
    root_prefix=(sudo -n)
  fi
}

apt_get() {
  # A machine that has just booted may be at its own upgrades: wait for its lock.
  "${root_prefix[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Options::=--force-confold "$@"
}

candidate_is_catch2_v3() {
  local candidate
  candidate=$(apt-cache policy catch2 | sed -n 's/^ *Candidate: //p')
  [ -n "$candidate" ] && [ "$candidate" != "(none)" ] && dpkg --compare-versions "$candidate" ge 3
}

# Debian 12 has Catch2 3 only in its backports. A private sources file with lists of its own leaves
# the system's apt configuration as it was.
install_catch2_from_backports() {
  local codename mirror dir code=0
  codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  [ "$codename" = bookworm ] ||
    fail "catch2 3 or newer is not to be had from this system's packages ($codename); setup knows Debian 12 (backports) and 13"
  # Both the .list and the .sources format answer here, with the mirror that the system uses.
  mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    sed -n "s/^$codename //p" | head -n 1)
  [ -n "$mirror" ] || fail "no apt source of this system names the suite $codename; mend its apt sources, then run: ./dev setup"
  dir=$(mktemp -d) && chmod 755 "$dir" && mkdir -p "$dir/lists/partial"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s-backports main\n' \
    "$mirror" "$codename" >"$dir/backports.list"
  run_step "catch2 from backports" apt_catch2 install_from_private_list "$dir" catch2 || code=$?
  "${root_prefix[@]}" rm -rf "$dir"
  [ "$code" -eq 0 ] || fail "catch2 could not be installed; look at $log_dir/apt_catch2.log, then run: ./dev setup"
}

install_from_private_list() {
  local dir=$1 options
  shift
  options=(-o "Dir::Etc::sourcelist=$dir/backports.list" -o Dir::Etc::sourceparts=-
    -o "Dir::State::lists=$dir/lists")
  apt_get "${options[@]}" update && apt_get "${options[@]}" install -y --no-install-recommends "$@"
}
