#!/bin/bash
# sanitize.sh [suite] [calls]: runs all tests, and then random calls, on a
# PostgreSQL 15 that checks itself, and ends with the line "N passed, N failed".
#
# The server is built here out of Debian's source package, with assertions,
# AddressSanitizer and UndefinedBehaviorSanitizer; test/sanitize/memdebug.h makes
# palloc and the buffer manager tell the sanitizer which memory must not be touched.
# The server stays in $WFO_SANITIZE_CACHE (/var/cache/workflow_orch-sanitize) and is
# built again when the way of building it changes: 10 minutes, 2 GB.  Everything runs with low
# priority.
#
# "suite" runs only the tests, and "calls" only test/sanitize/random_calls.pl.
# It makes CALLS (20000) calls, drawn from SEED.  ONLY
# and SKIP choose tests as they do for test.sh.
#
# Each place that a server or a client reports is one failure; the reports stay in
# reports/ in the cache folder.
set -euo pipefail
# shellcheck source=script/lib.sh
. "$(dirname "$0")/lib.sh"

major=15
cache=${WFO_SANITIZE_CACHE:-/var/cache/workflow_orch-sanitize}
parts=("$@")
[ $# -gt 0 ] || parts=(suite calls)
for part in "${parts[@]}"; do
	[[ $part = @(suite|calls) ]] || die "\"$part\" is neither suite nor calls"
done
flags="-fsanitize=address,undefined"
# What the tests use of contrib.
contrib=(dblink postgres_fdw)
# Tests that cannot run there, as SKIP names them, each with its reason.
cannot=()

mkdir -p "$cache" || die "could not make $cache; WFO_SANITIZE_CACHE chooses another folder"
cache=$(cd "$cache" && pwd)
exec 8>>"$cache/.lock"
flock -n 8 || die "another run uses $cache"
reports=$cache/reports
unset PG_CONFIG ACCEPT
renice -n 10 $$ >/dev/null
export LC_ALL=C.UTF-8
# A report ends the process but for undefined behaviour, which is reported once
# for each place; an assertion ends by abort(), which is reported, too.
export ASAN_OPTIONS="detect_leaks=0:abort_on_error=1:handle_abort=1:detect_odr_violation=0:allocator_may_return_null=1:log_path=$reports/report"
export UBSAN_OPTIONS="print_stacktrace=1:log_path=$reports/report"

# Names on standard output the packages that the build misses.
missing() {
	local package
	for package in build-essential dpkg-dev libicu-dev libipc-run-perl libxml2-dev pkg-config zlib1g-dev; do
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
	done
}

# get_source FOLDER: unpacks the newest source package that the mirror still has.
# apt itself stays as it is: sources are looked up in a list of our own.
get_source() {
	local folder=$1 version lists=$cache/apt options
	mkdir -p "$lists/partial"
	# shellcheck disable=SC2016
	apt-get indextargets --format 'deb-src $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
		grep -E ' (bookworm|bookworm-\w+) ' | sort -u >"$cache/sources.list"
	options=(-q -o Dir::Etc::SourceList="$cache/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$lists"
		-o APT::Sandbox::User=root -o Acquire::Retries=3)
	apt-get "${options[@]}" update
	for version in $(apt-cache "${options[@]}" showsrc "postgresql-$major" | sed -n 's/^Version: //p' | sort -Vru); do
		rm -rf "$cache/package" && mkdir "$cache/package"
		! (cd "$cache/package" && apt-get "${options[@]}" source --download-only "postgresql-$major=$version") || break
	done
	# As released: Debian's patches are about where its files are.
	dpkg-source --no-check --skip-patches -x "$cache"/package/*.dsc "$folder"
}

# Builds the server in $cache/$major, unless it is there.  It is not to be called
# where a failure is asked for: it relies on the shell to end at its first.
build_server() (
	local key packages folder=$cache/source
	key=$(cat "$root/test/sanitize/memdebug.h"; declare -f build_server get_source; echo "$flags ${contrib[*]}"; cc --version)
	[ "$key" != "$(cat "$cache/$major/.ready" 2>/dev/null)" ] || exit 0
	say "== building PostgreSQL $major"
	exec >"$cache/build.log" 2>&1 8>&-
	# What is said of the extension's own build does not hold for the server's.
	unset COPT PROFILE CFLAGS CPPFLAGS LDFLAGS SHLIB_LINK MAKEFLAGS MFLAGS MAKELEVEL
	mapfile -t packages < <(missing)
	if [ ${#packages[@]} -gt 0 ]; then
		[ "$(id -u)" = 0 ] || { echo "please install as root: ${packages[*]}"; exit 1; }
		apt-get -q update && DEBIAN_FRONTEND=noninteractive \
			apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "${packages[@]}"
	fi
	rm -rf "$folder" "${cache:?}/$major"
	get_source "$folder"
	cd "$folder"
	# Behind the macros, which the header's own functions use.
	sed -i "/^#define VALGRIND_MEMPOOL_CHANGE/{n;r $root/test/sanitize/memdebug.h
		}" src/include/utils/memdebug.h
	grep -q asan_interface src/include/utils/memdebug.h
	./configure -q --prefix="$cache/$major" --enable-cassert --enable-debug --enable-tap-tests --with-icu --with-libxml \
		--without-readline CFLAGS="-O1 -fno-omit-frame-pointer $flags" LDFLAGS="$flags"
	make -s -j2
	make -s install
	for module in "${contrib[@]}"; do make -s -C "contrib/$module" install; done
	cd "$cache"
	rm -rf "$folder" package apt
	printf '%s\n' "$key" >"$cache/$major/.ready"
)

# Runs a command that may fail.
status=0
attempt() {
	"$@" || status=$?
	[ "$status" -le 128 ] || exit "$status"
}

"$root/script/setup.sh"
pgtap=$(find_postgres && echo "$sharedir/extension")
build_server &
wait $! || { tail -n 40 "$cache/build.log" >&2; die "could not build the server; the log is $cache/build.log"; }
export PG_CONFIG=$cache/$major/bin/pg_config
cp "$pgtap"/pgtap* "$("$PG_CONFIG" --sharedir)/extension/"
rm -rf "$reports" && mkdir -m 1777 "$reports"
# A build of its own, so that it does not take turns with that for the usual server.
export WFO_BUILD=sanitize TEST_TIMEOUT=${TEST_TIMEOUT:-1800} PG_TEST_TIMEOUT_DEFAULT=${PG_TEST_TIMEOUT_DEFAULT:-600}

log=$cache/output passed=0 failed=0
for part in "${parts[@]}"; do
	say "== $part"
	started=$SECONDS
	if [ "$part" = suite ]; then
		SKIP="${SKIP:-} ${cannot[*]}" attempt run "$root/script/test.sh" >"$log" 2>&1
	else
		attempt run "$root/script/with-server.sh" -c fsync=off -c log_statement=all -c max_prepared_transactions=10 \
			-c workflow_orch.timeout_grace=200ms -c workflow_orch.poll_interval=1s -c workflow_orch.retry_delay=10ms \
			perl "$root/test/sanitize/random_calls.pl" >"$log" 2>&1
	fi
	cat "$log"
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
	if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
		passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
	else
		failed=$((failed + 1))
	fi
	say "-- $part: $((SECONDS - started)) s"
done

# One line for each place that was reported, and how often: of an abort() the
# function that called it, past those that only raise errors.
# shellcheck disable=SC2016
mapfile -t places < <(find "$reports" -type f -exec perl -ne '
	$abort = /ERROR: AddressSanitizer: ABRT/ if /ERROR: AddressSanitizer/;
	print "abort() in $1\n", $abort = 0
		if $abort && /^\s+#\d+ \S+ in ((?!__|raise|abort|ExceptionalCondition|errfinish).*)/;
	print "$1\n" if /(\S+ runtime error: .*)/ || /^SUMMARY: (?!AddressSanitizer: ABRT)(.*)/' {} + | sort | uniq -c | sort -rn)
[ ${#places[@]} = 0 ] || say "== reported, see $reports" "${places[@]}"
say "$passed passed, $((failed + ${#places[@]})) failed"
[ "$failed" = 0 ] && [ ${#places[@]} = 0 ] && [ "$passed" -gt 0 ]
