#!/bin/bash
# lint.sh: checks the sources against the project's rules: layers, documents,
# compiler warnings as errors, layout (clang-format), clang-tidy, and shellcheck
# if it is installed.  A check that fails does not stop the others.
#
# lint.sh format: lays out the sources and does nothing else.
#
# The server's headers count as system headers: only our own code is judged.
# clang-tidy takes its time, so a file that passed is checked again only when
# it, a header or a rule has changed (build/tidy remembers).
set -euo pipefail
# shellcheck source=script/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$root"
shopt -s nullglob globstar
"$root/script/setup.sh" lint
find_postgres
make_tmp

headers=(src/**/*.h test/unit/*.h)
sources=(src/**/*.c test/unit/*.c)
# shellcheck disable=SC2207
flags=(-Isrc -Itest/unit -isystem "$("$PG_CONFIG" --includedir-server)" $("$PG_CONFIG" --cppflags))
# shellcheck disable=SC2207
cflags=($("$PG_CONFIG" --cflags) -fPIC -Wall -Wextra -Werror)

compile() {
	"${CC:-gcc}" "${flags[@]}" "${cflags[@]}" -c -o /dev/null "$1"
}

tidy() {
	local key passed=build/tidy/${1//\//_} output
	key=$({ clang-tidy --version; "$PG_CONFIG" --version; cat .clang-tidy "${headers[@]}" "$1"; } | sha256sum)
	[ "$key" != "$(cat "$passed" 2>/dev/null)" ] || return 0
	output=$(clang-tidy --quiet "$1" -- "${flags[@]}" 2>&1) || { say "$output"; return 1; }
	{ mkdir -p build/tidy && echo "$key" >"$passed"; } 2>/dev/null || true
}

# each FUNCTION FILE...: the function for each file, two at a time.
each() {
	local function=$1 file running=0 status=0
	shift
	for file; do
		if [ "$running" = 2 ]; then wait -n || status=1; else running=$((running + 1)); fi
		"$function" "$file" &
	done
	for ((; running > 0; running--)); do wait -n || status=1; done
	return "$status"
}

if [ "${1:-}" = format ]; then
	clang-format -i "${sources[@]}" "${headers[@]}"
	exit
fi

failed=()
# check NAME COMMAND...: runs one check and remembers when it fails.
check() {
	say "== $1"
	"${@:2}" || { failed+=("$1"); say "$1: failed"; }
}

check layers script/check-layers.sh
check documents script/check-docs.sh
check warnings each compile "${sources[@]}"
check layout clang-format --dry-run --Werror "${sources[@]}" "${headers[@]}"
check clang-tidy each tidy "${sources[@]}"
! command -v shellcheck >/dev/null || check shellcheck shellcheck -x script/*.sh .ci/run
[ "$(id -u)" != 0 ] || [ ! -d build ] || chown -R --reference=. build
[ ${#failed[@]} = 0 ] || { say "The lint failed: ${failed[*]}"; exit 1; }
say "The lint passed."
