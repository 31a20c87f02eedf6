# Shared by ./demo and ./test: finds or installs what they need, and says clearly what cannot be had.
#
# In: the repository as current folder. Out: functions; the project's own tools in .cache/, nothing outside of it
# except Debian packages when root.
# shellcheck shell=bash

CACHE="$PWD/.cache"
DEBS="$CACHE/debian"
TOOLS="$CACHE/tools"
VENV="$CACHE/venv"

say() { printf '\n\033[1m==> %s\033[0m\n' "$*"; }
note() { printf '    %s\n' "$*"; }
fail() { printf '\nerror: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# first_of PATH...: prints the first that exists.
first_of() {
    local path
    for path in "$@"; do
        if [ -e "$path" ]; then printf '%s\n' "$path"; return; fi
    done
}

# Runs a command as root: as root, or by a sudo that does not ask.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

# debian_install PACKAGE...: for the whole machine, as root.
debian_install() {
    have apt-get || return 1
    as_root true || return 1
    note "installing Debian packages: $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# debian_unpack PACKAGE...: into .cache/debian, without root, together with the packages it needs that are not installed.
debian_unpack() {
    have apt-get && have dpkg || return 1
    note "unpacking Debian packages into .cache/debian: $*"
    local state="$CACHE/apt" deb packages
    mkdir -p "$state/state/lists/partial" "$state/cache/archives/partial" "$DEBS"
    [ -e "$state/status" ] || cp /var/lib/dpkg/status "$state/status" 2>/dev/null || : >"$state/status"
    local options=(-qq -o "Dir::State=$state/state" -o "Dir::State::status=$state/status" -o "Dir::Cache=$state/cache")
    apt-get "${options[@]}" update || return 1
    packages=$(apt-get "${options[@]}" --simulate --no-install-recommends install "$@" | sed -n 's/^Inst \([^ ]*\).*/\1/p') &&
        [ -n "$packages" ] || packages=$*
    # shellcheck disable=SC2086
    (cd "$state" && apt-get "${options[@]}" download $packages) || return 1
    for deb in "$state"/*.deb; do
        dpkg -x "$deb" "$DEBS" || return 1
        rm -f "$deb"
    done
}

# A Rust toolchain as new as Cargo.toml asks, and a linker.
need_rust() {
    local wanted found
    have cargo || PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
    have cargo || fail "no Rust found. Install it with rustup, then run this again."
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    found=$(rustc --version 2>/dev/null | cut -d' ' -f2) || true
    [ -n "$found" ] || fail "rustc does not run; 'rustup toolchain install stable' may help."
    if [ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n1)" != "$wanted" ]; then
        fail "Rust $wanted or newer is needed, $found was found: 'rustup update stable'."
    fi
    have cc || debian_install gcc libc6-dev ||
        fail "no C compiler (cc), which Rust needs as its linker, and no right to install one: ask for the package gcc."
}

# A virtual environment in .cache/venv with what the tests need; $PYTHON chooses the interpreter.
need_python() {
    local python=${PYTHON:-python3}
    have "$python" || debian_install python3 python3-venv ||
        fail "no $python found, and no right to install it: ask for the packages python3 and python3-venv."
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        fail "Python 3.10 or newer is needed, found $("$python" --version 2>&1)."
    "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || make_venv "$python"
    local wanted
    wanted=$(cat scripts/requirements.txt)
    if [ "$(cat "$VENV/installed.txt" 2>/dev/null)" != "$wanted" ]; then
        note "installing into .cache/venv: $(grep -v '^#' scripts/requirements.txt | cut -d' ' -f1 | tr '\n' ' ')"
        "$VENV/bin/python" -m pip install -q --disable-pip-version-check -r scripts/requirements.txt ||
            fail "the Python packages of scripts/requirements.txt could not be installed."
        printf '%s' "$wanted" >"$VENV/installed.txt"
    fi
}

# Debian's Python has no venv of its own until a package is installed, or pip's wheel is unpacked.
make_venv() {
    local python=$1 wheel
    rm -rf "$VENV"
    "$python" -m venv "$VENV" >/dev/null 2>&1 && return
    if debian_install python3-venv && "$python" -m venv "$VENV" >/dev/null 2>&1; then return; fi
    rm -rf "$VENV"
    "$python" -m venv --without-pip "$VENV" >/dev/null 2>&1 || fail "$python cannot make a virtual environment."
    debian_unpack python3-pip-whl || note "the package python3-pip-whl could not be unpacked"
    wheel=$(find "$DEBS" -name 'pip-*.whl' 2>/dev/null | head -n1)
    [ -n "$wheel" ] || fail "no virtual environment can be made: ask for the package python3-venv."
    "$VENV/bin/python" "$wheel/pip" install -q --no-index "$wheel"
}

# memcached and redis-server, which the tests start and stop themselves, on loopback. Exports where they are.
need_servers() {
    export HAIDEN_MEMCACHED HAIDEN_REDIS_SERVER HAIDEN_TEST_SERVERS_REQUIRED=1
    command -v openssl >/dev/null || debian_install openssl || note "no openssl: the tests of TLS make certificates with it"
    find_servers && return
    debian_install memcached redis-server && find_servers && return
    debian_unpack memcached redis-server && wrap_servers && find_servers && return
    fail "no memcached or no redis-server, and no way to get them: ask for the packages memcached and redis-server."
}

find_servers() {
    local path="$CACHE/servers:$PATH:/usr/bin:/usr/sbin"
    HAIDEN_MEMCACHED=$(PATH=$path command -v memcached) && HAIDEN_REDIS_SERVER=$(PATH=$path command -v redis-server)
}

# An unpacked program has to be told where its libraries are.
wrap_servers() {
    local name libraries
    libraries=$(find "$DEBS" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)
    mkdir -p "$CACHE/servers"
    for name in memcached redis-server; do
        [ -e "$DEBS/usr/bin/$name" ] || return 1
        printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' "$libraries" "$DEBS/usr/bin/$name" >"$CACHE/servers/$name"
        chmod +x "$CACHE/servers/$name"
        "$CACHE/servers/$name" --version >/dev/null || return 1
    done
}

# cargo-deny, from source (a few minutes, once); its absence fails nothing.
want_cargo_deny() {
    have cargo-deny || [ -x "$TOOLS/bin/cargo-deny" ] && return
    note "building cargo-deny into .cache/tools (a few minutes, once)"
    cargo install --quiet --locked --root "$TOOLS" --target-dir "$TOOLS/target" 'cargo-deny@^0.20' ||
        note "cargo-deny could not be built: its step will be skipped"
    rm -rf "$TOOLS/target"
}
