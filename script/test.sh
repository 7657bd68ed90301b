#!/bin/bash
# test.sh: builds the extension, starts a throw-away server that has it
# preloaded, runs all tests and ends with the line "N passed, N failed".
#
#   ONLY="pgtap/foo sql"   only what is named: KIND, KIND/NAME or a pattern; the
#                          kinds are layers, unit, sql, specs, pgtap and t
#                          (arguments of test.sh say the same)
#   SKIP="pgtap"           all others; names as for ONLY
#   ACCEPT=1               copy the results of sql and specs to expected/
#   TEST_JOBS=2            how many files of t, and of pgtap, run at the same time
#   TEST_TIMEOUT=300       seconds that one file, or pg_regress as a whole, may take
#
# Each assertion of a TAP file counts as a test, and so does each file of
# pg_regress and of the isolation tester.  Logs of failures stay in build/log.
set -euo pipefail
# shellcheck source=script/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$root"
exec </dev/null
shopt -s nullglob
read -ra only <<<"${ONLY:-} $*"
read -ra skip <<<"${SKIP:-}"
export TEST_TIMEOUT=${TEST_TIMEOUT:-300}

passed=0 failed=0 skipped=0 # tests so far
log_seen=0                  # lines of the server's log that were looked at
complete=                   # set when all was run

# wanted KIND/NAME: whether ONLY and SKIP choose it.
wanted() {
	[ ${#skip[@]} = 0 ] || ! matches "$1" "${skip[@]}" || return 1
	[ ${#only[@]} = 0 ] || matches "$1" "${only[@]}"
}

matches() {
	local name=$1 word
	shift
	for word; do
		word=${word#test/}
		# shellcheck disable=SC2053
		[[ ${name%%/*} == $word || $name == $word || $name == ${word%.*} ]] && return
	done
	return 1
}

# choose KIND FILE...: leaves the wanted files in $chosen, and says so.
choose() {
	local kind=$1 file name
	shift
	chosen=()
	for file; do
		name=$(basename "$file")
		! wanted "$kind/${name%.*}" || chosen+=("$file")
	done
	[ ${#chosen[@]} -gt 0 ] || return 1
	say "" "== $kind: $# file(s), ${#chosen[@]} chosen"
	started=$SECONDS
}

# add PASSED FAILED SKIPPED: counts what a suite came to.
add() {
	local crash=
	if [ -e "${WFO_LOG:-}" ]; then
		crash=$(tail -n +$((log_seen + 1)) "$WFO_LOG" | grep -E 'was terminated by signal|TRAP: |PANIC: ' || true)
		log_seen=$(wc -l <"$WFO_LOG")
	fi
	[ -z "$crash" ] || { failed=$((failed + 1)); say "The server crashed:" "$crash"; }
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
	say "-- $1 ok, $2 not ok, $3 skipped, $((SECONDS - started)) s"
}

# tap FILE...: runs TAP files, as the server's user and in $tmp/tree.
tap() {
	rm -f "$tmp/counts"
	run "${as_server[@]}" env -C "$tmp/tree" perl script/tap.pl "$tmp/counts" script/tap-one.sh "$@" || true
	# shellcheck disable=SC2046
	add $(grep . "$tmp/counts" || echo 0 1 0)
}

# regress PROGRAM DATABASE FILE...: runs pg_regress or the isolation tester.
regress() {
	local program=$1 database=$2 folder=$tmp/$2 good bad name status=0
	shift 2
	set -- "${@##*/}"
	set -- "${@%.*}"
	cp -r "$tmp/tree" "$folder"
	# A test without a result to compare with shows all that it printed.
	for name; do : >>"$folder/expected/$name.out"; done
	[ ${#as_server[@]} = 0 ] || chown -R --reference="$tmp" "$folder"
	run "${as_server[@]}" env -C "$folder" timeout -k 10 "$TEST_TIMEOUT" "$program" --inputdir=test --outputdir=. \
		--bindir="$tmp$bindir" --dbname="$database" --load-extension=workflow_orch "$@" >"$folder/output" 2>&1 || status=$?
	grep -vE '^(==.*|\(using .*|([A-Z]+ )?[A-Z]+|)$' "$folder/output" || true
	good=$(grep -cE '^(test )? *[^ ]+ +\.\.\. ok|^ok ' "$folder/output" || true)
	bad=$(($# - good))
	[ "$status" = 0 ] || [ "$bad" -gt 0 ] || bad=1
	[ ! -s "$folder/regression.diffs" ] || cat "$folder/regression.diffs"
	if [ -n "${ACCEPT:-}" ]; then
		mkdir -p expected
		for name; do cp "$folder/results/$name.out" expected/ || true; done
	fi
	add "$good" "$bad" 0
}

# The closing line stands at the end, whatever happened before.
finish() {
	local status=$?
	trap '' INT TERM HUP
	set +e
	[ -n "$complete" ] || failed=$((failed + 1))
	if [ -n "$tmp" ] && [ "$failed" -gt 0 ]; then
		rm -rf build/log
		mkdir -p build/log && cp -r "$tmp"/*.log "$tmp"/*regression/*.diffs "$tmp"/tree/tmp_check/log build/log/
		[ "$(id -u)" != 0 ] || chown -R --reference=. build
		say "" "Logs are in build/log."
	fi 2>/dev/null
	cleanup
	say "$passed passed, $failed failed"
	[ "$status" -le 128 ] || exit "$status"
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ] && exit 0
	exit 1
}

trap finish EXIT
"$root/script/setup.sh"
find_postgres
make_tmp
trap finish EXIT
say "Tests with $("$PG_CONFIG" --version)"

mkdir "$tmp/tree" "$tmp/tree/test" "$tmp/tree/expected"
cp -r src sql script demo doc ./*.md LICENSE META.json workflow_orch.control "$tmp/tree/"
cp -r test expected "$tmp/tree/"
chmod -R a+rX "$tmp/tree"
[ ${#as_server[@]} = 0 ] || chown -R --reference="$tmp" "$tmp/tree"

! choose layers script/check-layers.sh script/check-docs.sh || tap "${chosen[@]}"

if [ "${only[*]}" != layers ]; then
	say "" "== build and start of the server"
	build || die "could not build the extension"
	make_installation
	start_server fsync=off

	units=()
	for file in test/unit/*.c; do [ "$file" = test/unit/unit.c ] || units+=("$file"); done
	! choose unit "${units[@]}" || tap "${chosen[@]}"
	! choose sql test/sql/*.sql || regress "$pgxs/src/test/regress/pg_regress" contrib_regression "${chosen[@]}"
	! choose specs test/specs/*.spec ||
		regress "$pgxs/src/test/isolation/pg_isolation_regress" isolation_regression "${chosen[@]}"
	if choose pgtap test/pgtap/*.sql; then
		psql -XAtqc 'CREATE DATABASE pgtap_template' && psql -XAtqd pgtap_template -c 'CREATE EXTENSION pgtap'
		# Files that use the background workers share them, so they run one by one, as does a file that says so.
		alone=() others=()
		for file in "${chosen[@]}"; do
			if grep -qE 'include/(workers|max_workers)\.sql|worker_status|^-- Runs alone' "$file"; then alone+=("$file"); else others+=("$file"); fi
		done
		[ ${#others[@]} = 0 ] || TAP_JOBS=${TEST_JOBS:-2} tap "${others[@]}"
		[ ${#alone[@]} = 0 ] || tap "${alone[@]}"
	fi
	if choose t test/t/*.pl; then
		export WFO_PGXS=$pgxs PG_REGRESS=$pgxs/src/test/regress/pg_regress
		export TESTDIR=$tmp/tree TESTDATADIR=$tmp/tree/tmp_check TESTLOGDIR=$tmp/tree/tmp_check/log
		# Each has servers of its own, and mostly waits.
		TAP_JOBS=${TEST_JOBS:-2} tap "${chosen[@]}"
	fi
fi
complete=yes
