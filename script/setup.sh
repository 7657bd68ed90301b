#!/bin/bash
# setup.sh [lint]: installs the Debian packages that the tests need (with "lint":
# those that the lint needs as well) and that are missing.
#
# It asks no questions and installs nothing that is there already.  PG_CONFIG
# chooses a server; if there is none at all, PG_MAJOR (15) is installed.  No
# cluster is created or started, and the settings of the machine stay as they
# are.  An ordinary user is told what to install.
set -euo pipefail

if [ -n "${PG_CONFIG:-}" ] && [ ! -x "$(command -v "$PG_CONFIG")" ]; then
	[[ $PG_CONFIG =~ ^/usr/lib/postgresql/([0-9]+)/bin/pg_config$ ]] ||
		{ echo "setup.sh: there is no program $PG_CONFIG (PG_CONFIG)" >&2; exit 1; }
	PG_MAJOR=${BASH_REMATCH[1]}
fi

# Collects in $missing the packages whose command fails.
look() {
	local pg_config bin share include major=${PG_MAJOR:-15}
	missing=()
	hash -r
	pg_config=$(command -v "${PG_CONFIG:-pg_config}" || true)
	bin=/usr/lib/postgresql/$major/bin
	if [ -n "$pg_config" ] && { [ -n "${PG_CONFIG:-}" ] || [ -f "$("$pg_config" --includedir-server)/postgres.h" ]; }; then
		bin=$("$pg_config" --bindir)
		major=$("$pg_config" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
	fi
	share=$("$bin/pg_config" --sharedir 2>/dev/null || true)
	include=$("$bin/pg_config" --includedir-server 2>/dev/null || true)
	need build-essential eval "command -v make && echo '#include <stdio.h>' | cc -E -"
	need perl perl -MTAP::Harness -MTest::More -MTime::HiRes -e1
	need libipc-run-perl perl -MIPC::Run -e1
	need python3 python3 --version
	need openssl openssl version
	need "postgresql-$major" test -x "$bin/postgres"
	# The makefiles of PGXS come with the client on Debian, the headers do not.
	need "postgresql-server-dev-$major" test -f "$include/postgres.h"
	need "postgresql-$major-pgtap" test -f "$share/extension/pgtap.control"
	if [ "${1:-}" = lint ]; then
		need clang-format command -v clang-format
		need clang-tidy command -v clang-tidy
	fi
}

need() {
	"${@:2}" >/dev/null 2>&1 || missing+=("$1")
}

look "$@"
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "setup.sh: please install what is missing, as root: apt-get install ${missing[*]}" >&2
	exit 1
fi

# For the time of the installation: packages create no cluster and start no
# service (the server's package would start every cluster that there is).
settings=/etc/postgresql-common/createcluster.d
undo=()
restore() {
	local path
	for path in "${undo[@]}"; do
		if [ -d "$path" ]; then rmdir --ignore-fail-on-non-empty "$path"; else rm -f "$path"; fi
	done
}
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for path in /etc/postgresql-common "$settings"; do
	[ -d "$path" ] || { mkdir "$path"; undo=("$path" "${undo[@]}"); }
done
undo=("$settings/workflow_orch-setup.conf" "${undo[@]}")
echo 'create_main_cluster = false' >"$settings/workflow_orch-setup.conf"
if [ ! -e /usr/sbin/policy-rc.d ]; then
	undo+=(/usr/sbin/policy-rc.d)
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
	chmod 755 /usr/sbin/policy-rc.d
fi

echo "setup.sh: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
apt=(apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
log=$(mktemp)
undo+=("$log")
{ "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${missing[@]}"; } </dev/null >"$log" 2>&1 ||
	{ tail -n 40 "$log" >&2; echo "setup.sh: could not install ${missing[*]} (PG_MAJOR chooses another server)" >&2; exit 1; }
look "$@"
[ ${#missing[@]} = 0 ] || { echo "setup.sh: still missing after the installation: ${missing[*]}" >&2; exit 1; }
