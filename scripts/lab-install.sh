#!/bin/sh
# Puts real QEMU releases side by side into one folder, each with its own libraries and firmware; the system stays as it is.
#   sh scripts/lab-install.sh [RELEASE...]      default: 5.2 7.2 10.0 11.1
# QEMU_LAB     where to (default ~/.cache/qemu-lab); afterwards $QEMU_LAB/bin/qemu-RELEASE is there
# QEMU_MIRROR  a Debian mirror (default: the one this system's apt uses)
# Needs apt and the keys of the Debian archive; no root. About 150 MB a release.
set -eu
lab=${QEMU_LAB:-$HOME/.cache/qemu-lab}
mirror=${QEMU_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep /debian | grep -v security | head -n 1)}
if [ -z "$mirror" ]; then
  echo "lab-install: apt names no Debian mirror here; say one with QEMU_MIRROR" >&2
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

suites() {
  case $1 in
    5.2) echo bullseye ;;
    7.2) echo bookworm ;;
    10.0) echo trixie ;;
    11.1) echo trixie trixie-backports ;;
    *) echo "lab-install: no Debian release with QEMU $1 is known here; there are 5.2 7.2 10.0 11.1" >&2; return 1 ;;
  esac
}

# An apt that knows one Debian release only, with an empty list of installed packages: it resolves the whole closure.
apt_of() {
  root=$work/apt-$1
  mkdir -p "$root/lists/partial" "$root/archives/partial"
  : > "$root/status"
  : > "$root/preferences"
  for suite in $(suites "$1"); do
    echo "deb ${mirror%/} $suite main" >> "$root/sources"
    case $suite in
      *-backports) printf 'Package: qemu-* seabios ipxe-qemu\nPin: release n=%s\nPin-Priority: 900\n' "$suite" > "$root/preferences" ;;
    esac
  done
  cat > "$root/conf" <<CONF
Dir::State "$root";
Dir::State::lists "$root/lists";
Dir::State::status "$root/status";
Dir::Cache "$root";
Dir::Cache::archives "$root/archives";
Dir::Etc::sourcelist "$root/sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "$root/preferences";
Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Install-Recommends "0";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Check-Valid-Until "0";
Acquire::Retries "3";
Debug::NoLocking "1";
CONF
  echo "$root/conf"
}

install_one() {
  release=$1
  target=$lab/$release
  if [ -x "$lab/bin/qemu-$release" ] && "$lab/bin/qemu-$release" -version > /dev/null 2>&1; then
    echo "QEMU $release is there"
    return
  fi
  suites "$release" > /dev/null
  conf=$(apt_of "$release")
  echo "QEMU $release: reading package lists of $(suites "$release")"
  APT_CONFIG=$conf apt-get -qq update
  echo "QEMU $release: fetching packages"
  APT_CONFIG=$conf apt-get -qq -y --download-only install qemu-system-x86 qemu-system-data seabios ipxe-qemu > "$work/log" 2>&1 ||
    { cat "$work/log" >&2; return 1; }
  rm -rf "$target"
  mkdir -p "$target/root" "$lab/bin"
  for deb in "$work/apt-$release"/archives/*.deb; do
    dpkg-deb -x "$deb" "$target/root"
    dpkg-deb -W --showformat='${Package} ${Version}\n' "$deb" >> "$target/packages.txt"
  done
  rm -rf "$work/apt-$release/archives"
  r=$target/root
  rm -rf "$r/usr/share/doc" "$r/usr/share/man" "$r/usr/share/locale" "$r/usr/share/icons" "$r/etc" "$r/var"
  # The binary looks for modules in the system's folder too, and stops at those of another build: the path is made to name nothing.
  LC_ALL=C sed -i 's#/usr/lib/x86_64-linux-gnu/qemu\x00#/usr/lib/x86_64-linux-gnu/none\x00#g' "$r/usr/bin/qemu-system-x86_64"
  loader=$(find "$r" \( -name 'ld-linux-x86-64.so.2' -o -name 'ld-2.*.so' \) -type f | head -n 1)
  [ -n "$loader" ] || loader=$(find "$r" -name 'ld-linux-x86-64.so.2' | head -n 1)
  libraries=
  for folder in lib/x86_64-linux-gnu usr/lib/x86_64-linux-gnu usr/lib/x86_64-linux-gnu/pulseaudio usr/lib/x86_64-linux-gnu/ceph; do
    [ ! -d "$r/$folder" ] || libraries=$libraries:$r/$folder
  done
  data=
  for folder in usr/share/qemu usr/share/seabios usr/lib/ipxe/qemu; do
    [ ! -d "$r/$folder" ] || data="$data -L '$r/$folder'"
  done
  cat > "$lab/bin/qemu-$release" <<WRAPPER
#!/bin/sh
QEMU_MODULE_DIR='$r/usr/lib/x86_64-linux-gnu/qemu' && export QEMU_MODULE_DIR
unset LD_LIBRARY_PATH LD_PRELOAD
exec '$loader' --inhibit-cache --library-path '${libraries#:}' '$r/usr/bin/qemu-system-x86_64'$data "\$@"
WRAPPER
  chmod +x "$lab/bin/qemu-$release"
  "$lab/bin/qemu-$release" -version | head -n 1
}

for release in ${*:-5.2 7.2 10.0 11.1}; do install_one "$release"; done
