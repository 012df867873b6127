#!/usr/bin/env bash
# What ../systemd.sh runs inside the booted system: installs peppercorn as the README says, and checks what systemd and
# peppercorn make of each other. Prints `ok NAME figure` or `not ok NAME why`.
set -u

. /source/tests/systemd/words.sh

# --- The checks, in this order.

start() {
    local begin ready
    # Only the commands of the README's section.
    sed -n '/^## Under systemd$/,/^## /p' $source/README.md | sed -n '/^```sh$/,/^```$/p' | sed '/^```/d' >/tmp/readme.sh
    (cd $source && must bash -e /tmp/readme.sh) || exit 1
    is_active || fail "$(property ActiveState)"
    # The start returned, so it answers.
    [ "$(get /ping)" = "200 pong" ] || fail "$(get /ping)"
    [[ $(get '/events?limit=1') == 200* ]] || fail "$(get '/events?limit=1')"
    two_workers || fail "$(peppercorn status --json)"
    [ "$(property NRestarts)" = 0 ] || fail "restarts: $(property NRestarts)"
    begin=$(property ExecMainStartTimestampMonotonic) ready=$(property ActiveEnterTimestampMonotonic)
    echo "ready_ms=$(((ready - begin) / 1000))"
}

reload() {
    reload_and_see() {
        local before number
        printf '%s\n' '-- name: two$' '-- http: GET /two' 'select 2;' >$sql/two.sql
        for number in 1 2 3; do
            before=$(workers)
            must systemctl reload $unit
            await 20 "new workers" replaced_all "$before"
        done
    }
    with_load reload_and_see || exit 1
    [ "$(get /two)" = "200 2" ] || fail "$(get /two)"
}

new_binary() {
    local main program=/usr/local/bin/peppercorn
    main=$(property MainPID)
    upgrade_and_see() {
        local before
        before=$(workers)
        cp $program $program.new && mv $program.new $program
        must systemctl reload $unit
        await 20 "new workers" replaced_all "$before"
        # The kernel marks a file that is gone.
        runs_it() { [ "$(readlink "/proc/$main/exe")" = $program ]; }
        await 10 "the supervisor to execute it" runs_it
    }
    with_load upgrade_and_see || exit 1
    [ "$(property MainPID) $(property ActiveState)" = "$main active" ] || fail "the supervisor is another process"
}

restart_by_socket() {
    local before
    before=$(property MainPID)
    with_load must systemctl restart $unit || exit 1
    [ "$(property MainPID)" != "$before" ] || fail "it is the same process"
}

stuck_worker() {
    local main worker begin
    main=$(property MainPID)
    worker=$(workers | head -n 1)
    begin=$(now_ms)
    must kill -STOP "${worker:-none}"
    await 15 "another worker" replaced_all "$worker"
    [ "$(property MainPID) $(property NRestarts)" = "$main 0" ] || fail "the service was restarted"
    is_active || fail "$(property ActiveState)"
    since "$begin"
}

stuck_supervisor() {
    local main begin restarted
    main=$(property MainPID)
    begin=$(now_ms)
    ((main > 1)) || fail "it does not run"
    must kill -STOP "$main"
    restarted() { [ "$(property NRestarts)" = 1 ] && is_active; }
    await $watchdog_s "another supervisor" restarted
    journalctl -u $unit -o cat | grep -q 'Watchdog timeout' || fail "it was not the watchdog"
    [ "$(get /one)" = "200 1" ] || fail "$(get /one)"
    since "$begin"
}

credential() {
    must su postgres -c "psql -q -d peppercorn -c \"create role app login password 'se-cret'\""
    install -m 600 /dev/stdin /etc/peppercorn/database-url <<<'postgresql://app:se-cret@127.0.0.1/peppercorn'
    must systemctl restart $unit
    [ "$(get /who)" = '200 "app"' ] || fail "$(get /who)"
    # Not where other processes find it.
    grep -l se-cret /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null && fail "shows the password"
    rm /etc/peppercorn/database-url
    must systemctl restart $unit
    [ "$(get /who)" = '200 "peppercorn"' ] || fail "without it: $(get /who)"
    echo "role=app"
}

# The priorities of journal lines with this text.
priorities() {
    journalctl -u $unit -o json | python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin]
found = {line["PRIORITY"] for line in lines if sys.argv[1] in str(line["MESSAGE"])}
print(*sorted(found))' "$1"
}

journal_priority() {
    [[ $(get /break) == 500* ]] || fail "$(get /break)"
    logged() { [ -n "$(priorities 'read-only transaction')" ]; }
    await 5 "the line" logged
    [ "$(priorities 'read-only transaction')" = 3 ] || fail "an error has priority $(priorities 'read-only transaction')"
    [ "$(priorities 'listening on')" = 6 ] || fail "a notice has priority $(priorities 'listening on')"
    echo "priority=3"
}

# refuses CODE: a start that ends with this code is not repeated.
refuses() {
    systemctl restart $unit >/dev/null 2>&1 && fail "it starts"
    # `failed`, where `activating (auto-restart)` would announce another start.
    local state
    state="$(property ActiveState) $(property SubState) $(property ExecMainStatus) $(property NRestarts)"
    [ "$state" = "failed failed $1 0" ] || fail "$state"
    echo "exit=$1"
}

bad_setting() {
    echo PEPPERCORN_TIMEOUT=never >>$settings
    local said
    said=$(refuses 78) || fail "$said"
    sed -i '$d' $settings
    must systemctl start $unit
    [ "$(priorities PEPPERCORN_TIMEOUT)" = 3 ] || fail "its message has priority $(priorities PEPPERCORN_TIMEOUT)"
    echo "$said"
}

# A connection that waits starts the service again: a few times, until systemd gives the socket up.
bad_setting_with_clients() {
    local starts
    echo PEPPERCORN_TIMEOUT=never >>$settings
    must systemctl stop $unit
    starts=$(exits_with_78)
    get /ping >/dev/null
    given_up() { [ "$(property ActiveState peppercorn.socket)" = failed ]; }
    await 5 "the end" given_up
    starts=$(($(exits_with_78) - starts))
    ((starts <= 5)) || fail "starts=$starts"
    sed -i '$d' $settings
    systemctl reset-failed
    must systemctl start $unit
    [ "$(property ActiveState peppercorn.socket)" = active ] || fail "the socket does not come back"
    echo "starts=$starts"
}

exits_with_78() { journalctl -u $unit -o cat | grep -c 'status=78/CONFIG'; }

bad_sql_file() {
    echo 'select' >$sql/bad.sql
    refuses 65 || exit 1
    rm $sql/bad.sql
    must systemctl start $unit
}

database_comes_later() {
    local begin
    must systemctl stop postgresql
    systemctl restart $unit >/dev/null 2>&1 && fail "it starts"
    must systemctl start postgresql
    begin=$(now_ms)
    await 10 "the service" is_active
    [ "$(get /one)" = "200 1" ] || fail "$(get /one)"
    since "$begin"
}

admin_socket() {
    must systemctl stop $unit
    must systemctl start peppercorn-admin.socket $unit
    [[ $(get --port 8081 /readyz) == 200* ]] || fail "8081: $(get --port 8081 /readyz)"
    [[ $(get /readyz) == 404* ]] || fail "8080: $(get /readyz)"
    [ "$(get --port 8081 /ping) $(get /ping)" = "200 pong 200 pong" ] || fail "$(get /ping)"
    must systemctl stop peppercorn-admin.socket
    must systemctl restart $unit
    echo "sockets=2"
}

private_network() {
    local network
    must install -D -m 644 -t $overrides $source/systemd/peppercorn.service.d/private-network.conf
    must systemctl daemon-reload
    must systemctl restart $unit
    network=$(readlink "/proc/$(property MainPID)/ns/net")
    [ "$network" != "$(readlink /proc/self/ns/net)" ] || fail "the network is shared"
    [ "$(get /one)" = "200 1" ] || fail "$(get /one)"
    rm -r $overrides
    must systemctl daemon-reload
    must systemctl restart $unit
    echo "network=$network"
}

without_the_socket() {
    must systemctl disable --now peppercorn.socket
    must systemctl stop $unit
    must systemctl start $unit
    [ "$(get /one)" = "200 1" ] || fail "$(get /one)"
    echo "listens=itself"
}

stop() {
    local begin
    get '/slow?seconds=1' >/tmp/slow &
    asleep() { su postgres -c "psql -At -c \"select 1 from pg_stat_activity where query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()\"" | grep -q 1; }
    await 5 "the request" asleep
    begin=$(now_ms)
    must systemctl stop $unit
    wait
    [ "$(cat /tmp/slow)" = '200 "slept"' ] || fail "the request in flight: $(cat /tmp/slow)"
    [ "$(property ActiveState) $(property Result)" = "inactive success" ] || fail "$(property ActiveState) $(property Result)"
    since "$begin"
}

prepare
for one in start reload new_binary restart_by_socket stuck_worker stuck_supervisor credential journal_priority \
    bad_setting bad_setting_with_clients bad_sql_file database_comes_later admin_socket private_network \
    without_the_socket stop; do
    check $one
    # Nothing can be said of what does not start.
    [ ! -e "$results/failed" ] || is_active || break
done
finish
