# shellcheck shell=bash disable=SC2034
# lib.sh: what the other scripts share: a build outside the source folders, a
# private copy of the PostgreSQL installation with the extension in it, and a
# throw-away server that runs from that copy.
#
# Sourced, not run.  It owns one temporary folder ($tmp), which cleanup removes
# together with every process that was started out of it.  Nothing is
# installed into the system's PostgreSQL and no existing cluster is touched.

{ : <&0; } 2>/dev/null || exec </dev/null

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tmp=

say() { printf '%s\n' "$@"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Sets PG_CONFIG and the folders of the PostgreSQL to build and test with.
find_postgres() {
	PG_CONFIG=${PG_CONFIG:-$(command -v pg_config)} || die "there is no pg_config; run script/setup.sh"
	PG_CONFIG=$("$PG_CONFIG" --bindir)/pg_config
	bindir=$("$PG_CONFIG" --bindir)
	sharedir=$("$PG_CONFIG" --sharedir)
	pkglibdir=$("$PG_CONFIG" --pkglibdir)
	pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")/../..
	export PG_CONFIG
}

# Makes the temporary folder and arranges for its removal, however the script
# ends.  Its path is short: a socket's address has at most 107 bytes.  initdb
# refuses to run as root, so root hands the folder to an ordinary user.
make_tmp() {
	local base=${TMPDIR:-/tmp}
	[ ${#base} -le 40 ] && [[ $base != *[[:space:]]* ]] || base=/tmp
	tmp=$(mktemp -d "$base/wfo.XXXXXX")
	trap cleanup EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	as_server=()
	if [ "$(id -u)" = 0 ]; then
		local user=nobody
		! id postgres >/dev/null 2>&1 || user=postgres
		as_server=(env -C "$tmp" "HOME=$tmp" setpriv "--reuid=$user" "--regid=$(id -g "$user")" --init-groups --)
		chown "$user:" "$tmp"
	fi
	export WFO_TMP=$tmp TMPDIR=$tmp LC_ALL=C.UTF-8
}

# Prints the processes that belong to $tmp: their program is in it (servers
# and clients) or they inherited WFO_TMP (everything else that we started).
processes() {
	local dir pid
	for dir in /proc/[0-9]*; do
		pid=${dir#/proc/}
		case $pid in "$$" | "$BASHPID") continue ;; esac
		if [[ $(readlink "$dir/exe" 2>/dev/null) == "$tmp"/* ]] ||
			grep -qzxF "WFO_TMP=$tmp" "$dir/environ" 2>/dev/null; then
			printf '%s ' "$pid"
		fi
	done
}

cleanup() {
	local pids signal i
	trap '' INT TERM HUP
	set +e
	[ -n "$tmp" ] || return
	[ ! -e "$tmp/data/postmaster.pid" ] ||
		"${as_server[@]}" "$tmp$bindir/pg_ctl" -D "$tmp/data" -m immediate -s stop >/dev/null 2>&1
	for i in {1..50}; do
		pids=$(processes)
		[ -n "$pids" ] || break
		# What does not end when asked, a server that waits for its clients
		# among them, ends at once; the rest gets no choice.
		signal=TERM
		[ "$i" -le 10 ] || signal=QUIT
		[ "$i" -le 40 ] || signal=KILL
		# shellcheck disable=SC2086
		kill "-$signal" $pids 2>/dev/null
		sleep 0.1
	done
	rm -rf "$tmp"
}

# Runs a command so that a signal to this script ends both: bash would put the
# signal off until a command in the foreground is done.
run() {
	env --default-signal=INT,QUIT "$@" <&0 &
	wait $!
}

# Builds the extension and the unit tests' module in build/MAJOR, out of a
# copy of the sources.  A file is copied when its content differs, so the next
# build compiles only what changed.
build() {
	local key list file stale
	build_dir=$root/build/${WFO_BUILD:-$("$PG_CONFIG" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')}
	{ mkdir -p "$build_dir" && : >>"$build_dir/.lock"; } 2>/dev/null || build_dir=$tmp/build
	mkdir -p "$build_dir"
	exec 9>>"$build_dir/.lock"
	flock 9
	key=$("$PG_CONFIG" --version --configure; "${CC:-cc}" --version; echo "${COPT:-} ${SHLIB_LINK:-} ${CFLAGS:-}")
	if [ "$key" != "$(cat "$build_dir/.key" 2>/dev/null)" ]; then
		rm -rf "${build_dir:?}"/*
		printf '%s\n' "$key" >"$build_dir/.key"
	fi
	list=$(cd "$root" && find Makefile workflow_orch.control src sql test/unit -type f \
		\( -name '*.[ch]' -o -name '*.sql' -o -name Makefile -o -name '*.control' -o -name exports.txt \) | sort)
	if [ "$list" != "$(cat "$build_dir/.list" 2>/dev/null)" ]; then
		stale=$(cd "$build_dir" && find . -name '*.[cho]' -o -name '*.sql' -o -name '*.so' | sed 's,^\./,,')
		stale=$(comm -23 <(sort <<<"$stale") <(sed -n 'p; s/\.c$/.o/p' <<<"$list" | sort))
		while read -r file; do [ -z "$file" ] || rm -f "$build_dir/$file"; done <<<"$stale"
		printf '%s\n' "$list" >"$build_dir/.list"
	fi
	while read -r file; do
		cmp -s "$root/$file" "$build_dir/$file" || install -D -m 644 "$root/$file" "$build_dir/$file"
	done <<<"$list"
	make_in_build all && { [ ! -d "$build_dir/test/unit" ] || make_in_build -C test/unit all; }
}

# Runs make in the build folder, untouched by the make that called us.
make_in_build() {
	run env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -j2 -C "$build_dir" PG_CONFIG="$PG_CONFIG" "$@"
}

# Makes the private installation: programs find share and lib by their own real
# path, so they are copied; the rest are links; our files are installed on top.
make_installation() {
	mkdir -p "$tmp$bindir" "$tmp$sharedir/extension" "$tmp$pkglibdir"
	cp -aL "$bindir/." "$tmp$bindir/"
	link_into "$pkglibdir" "$tmp$pkglibdir"
	link_into "$sharedir" "$tmp$sharedir"
	link_into "$sharedir/extension" "$tmp$sharedir/extension"
	make_in_build install DESTDIR="$tmp" >/dev/null
	[ ! -d "$build_dir/test/unit" ] || make_in_build -C test/unit install DESTDIR="$tmp" >/dev/null
	flock -u 9
	exec 9>&-
	[ "$(id -u)" != 0 ] || [ ! -d "$root/build" ] || chown -R --reference="$root" "$root/build"
}

# link_into FROM TO: links to what FROM holds, our own files excepted.
link_into() {
	find "$1" -mindepth 1 -maxdepth 1 ! -name 'workflow_orch*' ! -name extension -exec ln -s -t "$2" {} +
}

# start_server [SETTING=VALUE ...]: a new cluster, reached by a socket in $tmp.
start_server() {
	local setting shared
	export PATH="$tmp$bindir:$PATH" PGHOST=$tmp PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
	export PGDATA=$tmp/data WFO_LOG=$tmp/server.log WFO_AS="${as_server[*]}"
	"${as_server[@]}" initdb -D "$tmp/data" -U postgres -A trust -E UTF8 --no-locale --no-sync >"$tmp/initdb.log" 2>&1 ||
		{ cat "$tmp/initdb.log"; die "could not create a cluster"; }
	for setting in listen_addresses= unix_socket_directories="$tmp" port=5432 max_worker_processes=16 \
		shared_preload_libraries=workflow_orch workflow_orch.max_refusals_per_minute=0 \
		log_line_prefix='%m [%p] %q%a %u@%d ' "$@"; do
		printf "%s = '%s'\n" "${setting%%=*}" "${setting#*=}"
	done >"$tmp/settings"
	cat "$tmp/settings" >>"$tmp/data/postgresql.conf"
	"${as_server[@]}" "$tmp$bindir/pg_ctl" -D "$tmp/data" -l "$WFO_LOG" -s -w start ||
		{ cat "$WFO_LOG"; die "could not start the server"; }
	shared=$(psql -XAtc "SELECT count(*) FROM pg_config() WHERE name IN ('SHAREDIR', 'PKGLIBDIR') AND starts_with(setting, '$tmp/')")
	[ "$shared" = 2 ] || die "the server does not run from its private installation"
}
