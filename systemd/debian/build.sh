#!/bin/sh
# Makes the Debian package: target/debian/peppercorn_VERSION_ARCHITECTURE.deb. Needs `cargo install cargo-deb`.
#
#     systemd/debian/build.sh [options of cargo build]
#
# The program says itself what its manual page and its completions are; the licences of the crates that are in it are
# where cargo has their sources.
set -eu

cd "$(dirname "$0")/../.."
cargo build --release "$@"
target=${CARGO_TARGET_DIR-target}
made=target/package
program=$target/release/peppercorn
mkdir -p "$made"

"$program" man | gzip -9n >"$made/peppercorn.1.gz"
for shell in bash zsh fish; do
    "$program" completions "$shell" >"$made/completions.$shell"
done

# Each crate in a line, then each text once, under the names of all that ask for it.
crates() {
    cargo tree --locked --edges normal --prefix none --no-dedupe --format '{p}|{l}' |
        sed 's/ ([^|]*)|/|/' | sort -u | grep -v '^peppercorn v'
}
sources=${CARGO_HOME-$HOME/.cargo}/registry/src
{
    crates | sed 's/|/: /'
    crates | while IFS='| ' read -r name version _; do
        find "$sources"/*/"$name-${version#v}" -maxdepth 1 -type f \
            \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'notice*' \) \
            -exec sha256sum {} +
    done | sort | awk '
        function end() { if (file != "") { print "\n---\n" names "\n"; while ((getline line <file) > 0) print line } }
        { count = split($2, part, "/"); crate = part[count - 1] }
        $1 == digest { names = names ", " crate; next }
        { end(); digest = $1; file = $2; names = crate }
        END { end() }'
} | gzip -9n >"$made/crates.gz"

# --no-strip: see lintian-overrides.
cargo deb --no-build --no-strip
