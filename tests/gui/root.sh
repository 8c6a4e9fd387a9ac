#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Build a folder with a whole Blender and a virtual screen in it, out of Debian's packages, so that a machine without a
# screen can open a real Blender window. Nothing is installed on the machine itself.
#
#   tests/gui/root.sh [sid|trixie]     Blender 5.2, or 4.3
#
# Result, kept between runs: $BASE/blender-sid, the folder, and $BASE/blender-run, which starts a program inside it:
#   $BASE/blender-run sid blender --version
# The last line of its output says why when it fails. Building needs root; using a finished one does not.
set -euo pipefail
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

SUITE=${1:-sid} # sid is the only Debian suite with a Blender of the 5.2 series, trixie a stable one with 4.3
BASE=${XDG_CACHE_HOME:-$HOME/.cache}/blender-gui
ROOT=$BASE/blender-$SUITE
DOWNLOADS=$BASE/.blender-debs-$SUITE
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
ARCHITECTURE=amd64
LIBRARIES=$ROOT.new/usr/lib/x86_64-linux-gnu

# What apt does not choose by itself: a bare system, OpenGL (Blender loads it at run time), and the Python modules that
# Blender's own builds bundle and Debian's leaves out.
PACKAGES=(
  base-files base-passwd bash dash coreutils libc-bin sed grep findutils
  blender
  libgl1 libegl1 libglx-mesa0 libegl-mesa0 libgl1-mesa-dri
  python3-requests python3-numpy python3-attr python3-cattr python3-zstandard python3-pil
  xvfb xdotool
)
STAMP="extract $(echo "${PACKAGES[*]}" | sha256sum | cut -c1-16)"

main() {
  check_machine
  mkdir -p "$BASE"
  write_launcher
  if [ "$(cat "$ROOT/.stamp" 2>/dev/null || true)" = "$STAMP" ] && works; then
    return
  fi
  [ "$(id -u)" = 0 ] || give_up "building the window's Blender needs root; run tests/gui/root.sh as root once."
  echo "Building $ROOT: about 310 MB to download, one to two minutes."
  build
}

give_up() {
  echo "$*" >&2
  exit 1
}

check_machine() {
  local tool
  for tool in apt-get dpkg-deb unshare chroot; do
    command -v "$tool" >/dev/null || give_up "this system has no $tool; the window is built from Debian's packages."
  done
  [ -f "$KEYRING" ] || give_up "this is not Debian ($KEYRING is missing); the window is built from Debian's packages."
  [ "$(dpkg --print-architecture)" = "$ARCHITECTURE" ] || give_up "the window is only built for $ARCHITECTURE."
}

works() {
  [ -x "$ROOT/usr/bin/blender" ] && (cd /tmp && "$BASE/blender-run" "$SUITE" blender --background --version) >/dev/null 2>&1
}

build() {
  rm -rf --one-file-system "$ROOT.new"
  download
  unpack
  finish_configuration
  link_alternatives
  mkdir -p "$ROOT.new/var/cache/mesa" && chmod 1777 "$ROOT.new/var/cache/mesa"
  rm -rf --one-file-system "$ROOT"
  mv "$ROOT.new" "$ROOT"
  works || give_up "Blender was unpacked to $ROOT, but does not start."
  echo "$STAMP" >"$ROOT/.stamp"
  rm -rf "$DOWNLOADS"
}

# The mirror that this machine's apt uses, in either style of its configuration
mirror() {
  awk 'tolower($1) == "uris:" { print $2; exit }' /etc/apt/sources.list.d/debian.sources 2>/dev/null ||
    awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^[a-z+]+:/) { print $i; exit } }' /etc/apt/sources.list
}

# apt-get with lists and a state of its own, in which nothing is installed: so it names every package that is needed
apt() {
  apt-get -q \
    -o Dir::Etc::sourcelist="$DOWNLOADS/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::Etc::preferencesparts=/dev/null -o Dir::Etc::preferences=/dev/null \
    -o Dir::State="$DOWNLOADS/state" -o Dir::State::status="$DOWNLOADS/state/status" -o Dir::Cache="$DOWNLOADS/cache" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
    -o APT::Install-Recommends=false -o APT::Architecture="$ARCHITECTURE" -o APT::Sandbox::User=root \
    -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false -o Acquire::Retries=3 \
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
    -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false \
    "$@"
}

download() {
  local uri attempt
  uri=$(mirror)
  [ -n "$uri" ] || give_up "no Debian mirror was found in apt's configuration."
  mkdir -p "$DOWNLOADS"/{state/lists/partial,cache/archives/partial}
  : >"$DOWNLOADS/state/status"
  echo "deb [signed-by=$KEYRING] $uri $SUITE main" >"$DOWNLOADS/sources.list"
  # sid moves: an update of the mirror between the two steps makes the second one fail
  for attempt in 1 2 3; do
    if apt update >"$DOWNLOADS/log" 2>&1 && apt install -y --download-only "${PACKAGES[@]}" >>"$DOWNLOADS/log" 2>&1; then
      return
    fi
    echo "Download attempt $attempt failed."
    sleep 3
  done
  tail -n 20 "$DOWNLOADS/log"
  give_up "Debian's packages could not be downloaded from the mirror of this machine."
}

# Unpack what apt would install, and nothing older that lies beside it. No script of a package runs.
unpack() {
  local name
  mkdir -p "$ROOT.new"/usr/{bin,sbin,lib,lib64} "$ROOT.new"/{proc,sys,dev,tmp,var,etc}
  for name in bin sbin lib lib64; do ln -s "usr/$name" "$ROOT.new/$name"; done
  apt install -y -s "${PACKAGES[@]}" 2>/dev/null |
    awk '/^Inst/ { gsub(/[()]/, ""); version = $3; gsub(/:/, "%3a", version); print $2 "_" version "_" }' |
    while read -r name; do find "$DOWNLOADS/cache/archives" -maxdepth 1 -name "$name*.deb"; done |
    UNPACK_TO=$ROOT.new xargs -P "$(nproc)" -n 1 bash -c '
      # Only the translations of Blender are wanted
      case $0 in */blender*) left_out=/usr/share/NONE ;; *) left_out=/usr/share/locale ;; esac
      dpkg-deb --fsys-tarfile "$0" | tar -x -p --numeric-owner --keep-directory-symlink --warning=no-timestamp \
        --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/info --exclude=".$left_out" \
        -C "$UNPACK_TO" || exit 255
    ' || give_up "Debian's packages could not be unpacked to $ROOT.new."
}

# What the packages' own scripts would have done, as far as Blender needs it
finish_configuration() {
  local root=$ROOT.new
  cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
  cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
  echo '127.0.0.1 localhost' >"$root/etc/hosts"
  mkdir -p "$root/etc/ssl/certs"
  cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
  ln -sfn ../proc/self/mounts "$root/etc/mtab"
  chroot "$root" ldconfig
}

# Libraries that update-alternatives would have linked, such as libblas.so.3; one can bring in the next
link_alternatives() {
  local library found
  for _ in 1 2 3; do
    for library in $(missing_libraries); do
      found=$(cd "$LIBRARIES" && find . -mindepth 2 -name "$library" | sort | head -n 1)
      if [ -n "$found" ]; then ln -sfn "${found#./}" "$LIBRARIES/$library"; fi
    done
  done
  found=$(missing_libraries | tr '\n' ' ')
  [ -z "$found" ] || give_up "Debian's packages lack these libraries: $found"
}

missing_libraries() {
  chroot "$ROOT.new" bash -c '
    for file in /usr/bin/blender /usr/bin/Xvfb $(find /usr/lib/python3/dist-packages -name "*.so"); do
      ldd "$file" 2>/dev/null
    done' | awk '/not found/ { print $1 }' | sort -u
}

# Under a name of its own until it is whole: both suites may be at it at once
write_launcher() {
  cat >"$BASE/blender-run.$$" <<'LAUNCHER'
#!/bin/sh
# blender-run SUITE COMMAND [ARGUMENT...]: run a command inside the folder of that suite.
# Same process id, same /tmp (and so the same X displays), private mounts that vanish with the process. The top folder
# of the working directory is visible, and the folders in BLENDER_RUN_BIND="/a /b".
R=$(dirname "$(readlink -f "$0")")/blender-$1; shift
[ -x "$R/usr/bin/blender" ] || { echo "blender-run: no Blender in $R" >&2; exit 127; }
U=; [ "$(id -u)" = 0 ] || U=--map-root-user
T=/$(echo "$PWD" | cut -d/ -f2)
case $T in /|/usr|/etc|/var|/bin|/sbin|/lib*|/opt|/proc|/sys|/dev|/tmp|/run) T= ;; esac
unset LD_LIBRARY_PATH LD_PRELOAD PYTHONPATH PYTHONHOME PYTHONSTARTUP VIRTUAL_ENV
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
# No graphics card is needed; the compiled shaders are kept, or each start would take ten seconds.
export LIBGL_ALWAYS_SOFTWARE=1 GALLIUM_DRIVER=llvmpipe
export MESA_SHADER_CACHE_DIR="${MESA_SHADER_CACHE_DIR:-/var/cache/mesa}"
exec unshare $U --mount --propagation private sh -c '
R=$1; shift; W=$PWD; N=$1; shift
while [ "$N" -gt 0 ]; do
  N=$((N-1)); d=$1; shift
  [ -d "$d" ] || continue
  mkdir -p "$R$d" && mount --rbind "$d" "$R$d" || exit 125
done
[ -d "$R$W" ] || W=/
exec unshare --root="$R" --wd="$W" "$@"
' blender-run "$R" "$(set -- /proc /sys /dev /tmp $T $BLENDER_RUN_BIND; echo $#)" \
  /proc /sys /dev /tmp $T $BLENDER_RUN_BIND "$@"
LAUNCHER
  chmod +x "$BASE/blender-run.$$"
  mv "$BASE/blender-run.$$" "$BASE/blender-run"
}

main
