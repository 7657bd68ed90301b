#!/bin/bash
# majors.sh [MAJOR...]: runs all tests on each of the PostgreSQL majors that
# Debian's suites have, and ends with the line "N passed, N failed".
#
# The major of this machine's own suite is tested here, by test.sh.  The others
# are tested in a small chroot of their suite, made from the mirror that apt
# uses already (about a minute and 700 MB each), which stays in
# $WFO_MAJORS_CACHE (/var/cache/workflow_orch-majors); remove that folder to
# have them made anew.  What runs in a chroot has its own mounts, processes and
# IPC: nothing of it reaches the machine, and nothing of it is left running.
#
# A major that gates counts in the closing line and in the status.  A major whose
# suite is not released yet is printed and does not count, unless it is named.  A
# chroot that cannot be made here is a failure; if there is no other, the status
# is 75.  ONLY and SKIP choose tests as they do for test.sh.  The whole output is
# in log/ in the cache folder.
set -euo pipefail
# shellcheck source=script/lib.sh
. "$(dirname "$0")/lib.sh"

majors=(15:bookworm:gates 17:trixie:gates 18:forky:tells)
cache=${WFO_MAJORS_CACHE:-/var/cache/workflow_orch-majors}

if [ "$(id -u)" != 0 ]; then
	say "only root can make and enter a chroot; make test tests with this machine's own PostgreSQL"
	exit 75
fi
mkdir -p "$cache/log"
cache=$(cd "$cache" && pwd)
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
for major; do
	[[ " ${majors[*]}" == *" $major:"* ]] || die "$major is not one of ${majors[*]%%:*}"
done
exec 8>>"$cache/.lock"
flock -n 8 || die "another run uses $cache"
unset ACCEPT TMPDIR PG_CONFIG PG_MAJOR
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# Runs a command and ends it, with all that it started, when this script ends.
child=
watched() {
	env --default-signal=INT,QUIT "$@" 8>&- <&0 &
	child=$!
	local status=0
	wait "$child" || status=$?
	child=
	return "$status"
}

# unshare heeds KILL only, and takes its namespace with it.
end_child() {
	trap '' INT TERM HUP
	[ -n "$child" ] || return 0
	kill -TERM "$child" 2>/dev/null || true
	for _ in {1..50}; do
		kill -0 "$child" 2>/dev/null || return 0
		sleep 0.1
	done
	kill -KILL "$child" 2>/dev/null || true
}
trap end_child EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs a command on this machine's files, its mounts and processes its own.
apart() {
	watched unshare --mount --pid --ipc --fork --kill-child --propagation private --mount-proc "$@"
}

# inside CHROOT COMMAND...: the same, in a chroot.
inside() {
	# shellcheck disable=SC2016
	apart bash -c 'set -e
		root=$1; shift
		mount -t proc proc "$root/proc"
		mount --rbind /dev "$root/dev"
		mount -t tmpfs tmpfs "$root/dev/shm"
		status=0
		chroot "$root" "$@" || status=$?
		exit $status' - "$@"
}

packages() {
	echo make gcc libc6-dev perl libipc-run-perl libpq-dev python3 openssl "postgresql-$1" "postgresql-$1-pgtap"
}

# make_chroot FOLDER SUITE MAJOR: a chroot that has what test.sh needs.
make_chroot() {
	local chroot=$1 suite=$2 major=$3 script=/usr/share/debootstrap/scripts mirror
	[ "$(packages "$major")" != "$(cat "$chroot/.ready" 2>/dev/null)" ] || return 0
	say "== making the chroot"
	# shellcheck disable=SC2016
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $codename" | sort -u | head -n 1)
	[ -n "$mirror" ] || { echo "apt has no mirror of $codename"; return 1; }
	command -v debootstrap >/dev/null ||
		{ apt-get -q -y update && apt-get -q -y install --no-install-recommends debootstrap; } || return 1
	# A suite that debootstrap does not know yet is made as sid is.
	[ -e "$script/$suite" ] && script=$script/$suite || script=$script/sid
	rm -rf "$chroot"
	apart debootstrap --variant=minbase "$suite" "$chroot" "$mirror" "$script" || return 1
	apt-config dump | grep -E '^Acquire::(http|https|Retries|Check-Valid-Until)\b.*".+"' \
		>"$chroot/etc/apt/apt.conf.d/90host" || true
	cp /etc/resolv.conf /etc/hosts "$chroot/etc/" || return 1
	printf '%s\n' force-unsafe-io 'path-exclude=/usr/share/doc/*' 'path-exclude=/usr/share/man/*' \
		'path-exclude=/usr/share/locale/*' >"$chroot/etc/dpkg/dpkg.cfg.d/workflow_orch"
	printf '#!/bin/sh\nexit 101\n' >"$chroot/usr/sbin/policy-rc.d"
	chmod 755 "$chroot/usr/sbin/policy-rc.d"
	mkdir -p "$chroot/etc/postgresql-common/createcluster.d"
	echo 'create_main_cluster = false' >"$chroot/etc/postgresql-common/createcluster.d/workflow_orch.conf"
	# The server's headers come without the 1 GB of clang and llvm that their
	# package depends on: the tests build without bitcode.
	# shellcheck disable=SC2046,SC2016
	inside "$chroot" apt-get -q update &&
		inside "$chroot" apt-get -q -y install --no-install-recommends $(packages "$major") &&
		inside "$chroot" sh -ec 'cd /tmp
			apt-get -q download "postgresql-server-dev-$1"
			dpkg-deb -x postgresql-server-dev-*.deb /
			rm -f postgresql-server-dev-*.deb
			apt-get clean' - "$major" || return 1
	packages "$major" >"$chroot/.ready"
}

# Copies the sources into a chroot; what was built there stays.
copy_sources() {
	mkdir -p "$1/src" && rm -rf "$1"/tmp/wfo.* &&
		find "$1/src" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} + &&
		tar -C "$root" --exclude=./build --exclude=./.git -cf - . | tar -C "$1/src" -xf -
}

# suite MAJOR SUITE: prepares a suite and runs its tests.
suite() {
	local chroot=$cache/$2 test=(env "PG_CONFIG=/usr/lib/postgresql/$1/bin/pg_config" bash)
	if [ "$2" = "$codename" ]; then
		watched "${test[@]}" "$root/script/test.sh"
		return
	fi
	make_chroot "$chroot" "$2" "$1" && copy_sources "$chroot" || return 75
	inside "$chroot" "${test[@]}" /src/script/test.sh
}

passed=0 failed=0 unmade=0
for entry in "${majors[@]}"; do
	IFS=: read -r major name role <<<"$entry"
	if [ $# -gt 0 ]; then
		[[ " $* " == *" $major "* ]] || continue
		role=gates
	fi
	started=$SECONDS status=0 log=$cache/log/$major.log
	say "== PostgreSQL $major ($name), which $role"
	suite "$major" "$name" >"$log" 2>&1 || status=$?
	[ "$status" -le 128 ] || exit "$status"
	line=$(tail -n 1 "$log")
	if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
		good=${BASH_REMATCH[1]} bad=${BASH_REMATCH[2]}
	else
		good=0 bad=1 line="it did not get to the tests"
	fi
	[ "$status" = 0 ] || [ "$bad" -gt 0 ] || bad=1
	[ "$bad" = 0 ] || { say "-- $log"; tail -n 200 "$log"; say "--"; }
	say "PostgreSQL $major: $line ($((SECONDS - started)) s)"
	[ "$role" = tells ] && continue
	[ "$status" != 75 ] || unmade=$((unmade + 1))
	passed=$((passed + good)) failed=$((failed + bad))
done
say "$passed passed, $failed failed"
[ "$unmade" = 0 ] || [ "$failed" -gt "$unmade" ] || exit 75
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
