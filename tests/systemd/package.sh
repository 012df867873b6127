#!/usr/bin/env bash
# What ../systemd.sh runs inside the booted system when it is given a Debian package: installs it, starts the service,
# installs it again under load, removes and purges it. Prints `ok NAME figure` or `not ok NAME why`.
set -u

. /source/tests/systemd/words.sh
package=/source/peppercorn.deb

# All files that a package may leave behind; dpkg's own records, and what logs and caches hold, are others'.
files() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /source -o -path /results \
        -o -path /var/log -o -path /var/cache -o -path /var/lib/dpkg -o -path /var/lib/postgresql \) -prune -o -print | sort
}

install_package() {
    files >/tmp/before
    must dpkg -i $package
    [ "$(peppercorn --version)" = "$(dpkg-query -W -f 'peppercorn ${Version}' peppercorn | sed 's/-[0-9]*$//')" ] ||
        fail "$(peppercorn --version)"
    # There is nothing to serve yet.
    is_active && fail "it has been started"
    [ "$(systemctl is-enabled $unit)" = disabled ] || fail "$(systemctl is-enabled $unit)"
    [ "$(stat -c %a $settings)" = 600 ] || fail "$settings can be read by others"
    dpkg --verify peppercorn | grep . && fail "$(dpkg --verify peppercorn)"
    echo "installed_kib=$(dpkg-query -W -f '${Installed-Size}' peppercorn)"
}

completions() {
    local offered
    offered=$(bash -c '. /usr/share/bash-completion/completions/peppercorn
        COMP_WORDS=(peppercorn check --for); COMP_CWORD=2; _peppercorn; echo "${COMPREPLY[@]}"')
    [ "$offered" = --format ] || fail "$offered"
    zcat /usr/share/man/man1/peppercorn.1.gz | grep -q '^\.Dt PEPPERCORN 1' || fail "no manual page"
}

start() {
    local begin ready
    must install -D -m 644 -t $sql /usr/share/doc/peppercorn/examples/exchange/*.sql
    must su postgres -c 'createuser peppercorn && createdb -O peppercorn peppercorn'
    su postgres -c 'psql -q -d peppercorn -c "set role peppercorn" -f -' <$sql/schema.sql >/tmp/said 2>&1 ||
        fail "$(tail -n 3 /tmp/said)"
    must systemctl enable --now peppercorn.socket $unit
    [[ $(get /readyz) == 200* ]] || fail "$(get /readyz)"
    [[ $(get '/events?limit=1') == 200* ]] || fail "$(get '/events?limit=1')"
    two_workers || fail "$(peppercorn status --json)"
    begin=$(property ExecMainStartTimestampMonotonic) ready=$(property ActiveEnterTimestampMonotonic)
    echo "ready_ms=$(((ready - begin) / 1000))"
}

serves_one() { [ "$(get /one)" = "200 1" ]; }

upgrade() {
    local main
    await 20 "the endpoints of the checks" serves_one
    main=$(property MainPID)
    upgrade_and_see() {
        local before
        before=$(workers)
        must dpkg -i $package
        await 20 "new workers" replaced_all "$before"
        # The kernel marks a file that is gone.
        runs_it() { [ "$(readlink "/proc/$main/exe")" = /usr/bin/peppercorn ]; }
        await 10 "the supervisor to execute it" runs_it
    }
    with_load upgrade_and_see || exit 1
    [ "$(property MainPID) $(property ActiveState)" = "$main active" ] || fail "the supervisor is another process"
}

# Where nobody has started it, an upgrade does not either.
upgrade_of_what_is_stopped() {
    must systemctl stop peppercorn.socket $unit
    must dpkg -i $package
    is_active && fail "it has been started"
    must systemctl start peppercorn.socket $unit
}

remove() {
    echo '# A change of the operator.' >>$settings
    must dpkg -r peppercorn
    is_active && fail "it runs"
    [[ $(get /ping) == 200* ]] && fail "somebody answers"
    grep -q operator $settings || fail "the settings are gone"
    must dpkg -i $package
    grep -q operator $settings || fail "the settings are the package's"
    [ "$(systemctl is-enabled $unit)" = enabled ] || fail "$(systemctl is-enabled $unit)"
}

purge() {
    local left
    must systemctl start peppercorn.socket $unit
    # What the operator has written is the operator's to remove.
    rm -r $sql
    must dpkg -P peppercorn
    is_active && fail "it runs"
    files >/tmp/after
    left=$(comm -13 /tmp/before /tmp/after)
    [ -z "$left" ] || fail "left: $(echo "$left" | tr '\n' ' ')"
    systemctl list-unit-files 'peppercorn*' --no-legend | grep . && fail "there is a unit"
    echo "left=0"
}

for one in install_package completions start; do
    check $one
done
prepare
systemctl reload $unit
for one in upgrade upgrade_of_what_is_stopped remove purge; do
    [ -e "$results/failed" ] || check $one
done
finish
