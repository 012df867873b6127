# Words for what runs inside the booted system: sourced by checks.sh and package.sh.

source=/source
results=/results
unit=peppercorn.service
sql=/etc/peppercorn/sql
settings=/etc/peppercorn/peppercorn.env
overrides=/etc/systemd/system/peppercorn.service.d
clients="python3 $source/tests/systemd/clients.py"
# As WatchdogSec=, TimeoutAbortSec= and RestartSec= of the unit together, and as much again.
watchdog_s=50

# Each check runs in a subshell: what it prints is its figure, or why it failed.

check() {
    local said name=${1//_/-}
    # More starts in a few seconds than systemd allows anybody but a test.
    systemctl reset-failed
    if said=$("$1"); then
        echo "ok $name $said"
    else
        echo "not ok $name $said"
        : >"$results/failed"
    fi
}

fail() {
    echo "$*"
    exit 1
}

# await SECONDS WHAT COMMAND...: runs the command until it succeeds.
await() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || fail "waited too long for $what"
        sleep 0.05
    done
}

now_ms() { date +%s%3N; }

since() { echo "ms=$(($(now_ms) - $1))"; }

get() { $clients get "$@"; }

property() { systemctl show --property="$1" --value "${2-$unit}"; }

is_active() { [ "$(property ActiveState)" = active ]; }

must() { "$@" >/tmp/said 2>&1 || fail "$*: $(tail -n 3 /tmp/said | tr '\n' ' ')"; }

# The pids of the workers that serve, one a line.
workers() {
    peppercorn status --json | python3 -c '
import json, sys
[service] = json.load(sys.stdin)
for worker in service["workers"]:
    if worker["state"] == "serving":
        print(worker["pid"])' 2>/dev/null
}

two_workers() { [ "$(workers | wc -l)" = 2 ]; }

# Two workers serve, and of those in $1 no process is left.
replaced_all() {
    local pid
    for pid in $1; do
        [ ! -e "/proc/$pid" ] || return 1
    done
    two_workers
}

# with_load COMMAND...: what the clients saw while the command ran. None may have been refused, or failed.
with_load() {
    local seen=/tmp/load
    : >$seen
    $clients load >$seen &
    load=$!
    trap 'kill $load 2>/dev/null' EXIT
    await 10 "the clients to run" grep -q running $seen
    "$@"
    kill "$load"
    wait "$load"
    grep -q 'refused=0 failed=0' $seen || fail "$(tail -n 1 $seen)"
    tail -n 1 $seen
}

# Endpoints for the checks, beside those of the example.
prepare() {
    mkdir -p $sql
    cat >$sql/checks.sql <<'END'
-- name: one$
-- http: GET /one
select 1;

-- name: who$
-- http: GET /who
select current_user::text;

-- name: break$
-- http: GET /break
-- A GET that writes is an error of the server, where it is not seen before.
select query_to_xml('select nextval(pg_get_serial_sequence(''trades'', ''id''))', true, false, '')::text;

-- name: slow$
-- http: GET /slow
select 'slept' from pg_sleep(:seconds);
END
}

finish() {
    journalctl --no-pager -u peppercorn.service -u peppercorn.socket >"$results/journal"
    : >"$results/done"
}
