# shellcheck shell=bash
# What the scripts of this folder need from the machine. Bash; to be sourced, from any working folder.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '\n==> %s\n' "$*"; }
complain() { printf '%s\n' "$*" >&2; }

# Installs those of the named Debian packages that are missing. Returns 1, with a sentence, when it can't.
need_debian_packages() {
  local package missing=()
  if ! { command -v dpkg-query && command -v apt-get; } > /dev/null; then
    complain "These scripts install packages with apt-get, which this machine lacks. Needed are: $*"
    return 1
  fi
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2> /dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo > /dev/null; then
      complain "Missing packages: ${missing[*]}. This is neither root nor is there a sudo; as root run: apt-get install ${missing[*]}"
      return 1
    fi
    as_root=(sudo)
    if ! sudo -n true 2> /dev/null && ! { : < /dev/tty; } 2> /dev/null; then
      complain "Missing packages: ${missing[*]}. sudo asks for a password and there is no terminal; run first: sudo apt-get install ${missing[*]}"
      return 1
    fi
  fi

  say "Installing Debian packages: ${missing[*]}${as_root:+ (with sudo)}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
  # A stale or unreachable extra source makes update fail though what we need can be installed: install decides.
  "${apt[@]}" update < /dev/null || complain 'apt-get update failed; trying with the package lists at hand.'
  if ! "${apt[@]}" install --no-install-recommends "${missing[@]}" < /dev/null; then
    complain "apt-get could not install ${missing[*]}; its message stands above."
    return 1
  fi
}

# Node.js 20.19 or later, with npm.
need_node() {
  if ! command -v node > /dev/null; then
    complain 'Node.js 20.19 or later is needed and there is no "node" in PATH. See https://nodejs.org/en/download'
    return 1
  fi
  if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
    complain "Node.js 20.19 or later is needed; $(command -v node) is $(node --version). See https://nodejs.org/en/download"
    return 1
  fi
  if ! command -v npm > /dev/null; then
    complain 'npm is needed and there is no "npm" in PATH. It comes with Node.js from https://nodejs.org; on Debian: apt-get install npm'
    return 1
  fi
}

# "npm ci", unless node_modules already holds what this lock file and this Node version gave.
need_node_packages() {
  local stamp="$repository/node_modules/.ergon-installed" wanted
  wanted="$(node --version) $(sha256sum < "$repository/package-lock.json")"
  [ "$(cat "$stamp" 2> /dev/null)" != "$wanted" ] || return 0
  say 'Installing Node packages (npm ci)'
  if ! (cd "$repository" && npm ci < /dev/null); then
    complain 'npm ci failed; its message stands above.'
    return 1
  fi
  printf '%s\n' "$wanted" > "$stamp"
}

# Nx without its daemon, its terminal interface, or the network.
export NX_DAEMON=false NX_TUI=false NX_NO_CLOUD=true
