#!/usr/bin/env bash
# Boots a Debian of its own, installs peppercorn and its units there as the README says, and checks what systemd makes of
# them: start, reload, restart, watchdog, credentials, journal. Of a Debian package: installation, start, upgrade, removal,
# purge. As root, on Debian or Ubuntu; takes a minute or two, and the first time as long as 150 MB of packages take.
#
#     cargo build --release && tests/systemd.sh [BINARY]
#     systemd/debian/build.sh && tests/systemd.sh PACKAGE.deb
#
# Prints `ok NAME figure` or `not ok NAME why` for each check. Where no container can be booted it prints `skipped: …`
# and exits with 0. What it leaves is the Debian, in $TMPDIR, for the next time.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
binary=${1-${CARGO_TARGET_DIR-$here/target}/release/peppercorn}
suite=${SUITE-bookworm}
mirror=${MIRROR-http://deb.debian.org/debian}
# libnss-systemd: PostgreSQL learns from it which user a dynamic one is. python3: the clients.
packages=dbus,libnss-systemd,postgresql,python3,systemd,systemd-sysv
# Of the checks together; each has limits of its own.
patience_s=600

skip() {
    echo "skipped: systemd-nspawn cannot run here because $*"
    exit 0
}

[ "$(id -u)" = 0 ] || skip "it must be run by root"
for program in systemd-nspawn:systemd-container debootstrap:debootstrap; do
    command -v "${program%:*}" >/dev/null || skip "${program%:*} is missing: apt-get install ${program#*:}"
done
if [ ! -e "$binary" ]; then
    echo "there is no $binary: cargo build --release" >&2
    exit 1
fi

# --- What is made here is gone in the end, however that comes.

work=$(mktemp -d "${TMPDIR-/tmp}/peppercorn-systemd.XXXXXX")
container= reader=

clean_up() {
    kill $container $reader 2>/dev/null || true
    wait
    for cgroup in "${cgroups[@]}"; do
        find "$cgroup" -depth -type d -exec rmdir {} +
    done
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# nspawn makes control groups below the one it runs in, and leaves them. It gets one that is removed with them.
cgroups=()

make_cgroups() {
    local hierarchy path
    while IFS=: read -r _ hierarchy path; do
        case $hierarchy in
        "") hierarchy=$(findmnt -n -o TARGET -t cgroup2 | head -n 1) ;;
        name=systemd) hierarchy=/sys/fs/cgroup/systemd ;;
        *) continue ;;
        esac
        path=$hierarchy${path%/}/${work##*/}
        mkdir "$path" 2>/dev/null && cgroups+=("$path")
    done </proc/self/cgroup
}

# --- The Debian, made once.

key=$(echo "$suite $packages $(dpkg --print-architecture)" | sha256sum | cut -c 1-12)
root=${TMPDIR-/tmp}/peppercorn-systemd-root-$key
if [ ! -d "$root" ]; then
    echo "making $root"
    debootstrap --variant=minbase --include="$packages" "$suite" "$work/root" "$mirror" >"$work/debootstrap" 2>&1 ||
        skip "debootstrap fails: $(tail -n 1 "$work/debootstrap")"
    rm -f "$work"/root/var/cache/apt/archives/*.deb
    mv -T "$work/root" "$root"
fi

# boot UNIT [OPTION...]: boots the Debian with this unit, which ends it. What it writes there is not kept.
boot() {
    local unit=$1
    shift
    (
        for cgroup in "${cgroups[@]}"; do
            echo $BASHPID >"$cgroup/cgroup.procs"
        done
        exec systemd-nspawn --quiet --directory="$root" --volatile=overlay --boot --register=no --keep-unit \
            --private-network --console=pipe --bind-ro="$work/$unit:/etc/systemd/system/$unit" "$@" \
            "systemd.wants=$unit" systemd.show_status=no </dev/null >"$work/console" 2>&1
    ) &
    container=$!
}

# unit NAME COMMAND
unit() {
    cat >"$work/$1" <<END
[Unit]
After=postgresql.service
SuccessAction=poweroff
FailureAction=poweroff

[Service]
Type=oneshot
TimeoutStartSec=$patience_s
ExecStart=$2
END
}

make_cgroups

# Without peppercorn: what fails here is not its fault.
mkdir "$work/results"
unit probe.service '/bin/sh -c "systemctl is-active postgresql && touch /results/booted"'
boot probe.service --bind="$work/results:/results"
for _ in $(seq 600); do
    kill -0 "$container" 2>/dev/null || break
    sleep 0.1
done
kill "$container" 2>/dev/null || true
status=0
wait "$container" || status=$?
container=
[ -e "$work/results/booted" ] || skip "a Debian does not boot: status $status $(tail -n 1 "$work/console")"

# --- The checks.

mkdir -p "$work/source/target/release"
case $binary in
*.deb)
    checks=package.sh
    cp "$binary" "$work/source/peppercorn.deb"
    ;;
*)
    checks=checks.sh
    cp "$binary" "$work/source/target/release/peppercorn"
    ;;
esac
cp -r "$here/README.md" "$here/systemd" "$here/examples" "$work/source"
mkdir "$work/source/tests"
cp -r "$here/tests/systemd" "$work/source/tests"

unit checks.service "/bin/bash /source/tests/systemd/$checks"
cat >>"$work/checks.service" <<'END'
StandardOutput=append:/results/output
END
touch "$work/results/output"
boot checks.service --bind-ro="$work/source:/source" --bind="$work/results:/results"
# In the background, as a signal is only heeded between commands, and in `wait`.
tail -n +1 -f --sleep-interval=0.1 --pid="$container" "$work/results/output" &
reader=$!
wait "$reader" || true
reader=
wait "$container" || true
container=

if [ ! -e "$work/results/done" ]; then
    echo "not ok checks they did not come to their end"
    tail -n 20 "$work/console"
elif [ ! -e "$work/results/failed" ]; then
    exit 0
fi
[ ! -e "$work/results/journal" ] || tail -n 60 "$work/results/journal"
exit 1
