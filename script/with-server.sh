#!/bin/bash
# with-server.sh [-c SETTING=VALUE]... COMMAND [ARGUMENT]...
#
# Builds the extension, starts a throw-away server that has it preloaded, runs
# the command and removes everything again.  The command finds the server by
# PGHOST, PGPORT, PGUSER (a superuser) and PGDATABASE, and the server's own
# programs (psql, pgbench, pg_dump, ...) first in PATH.  It also gets PGDATA,
# WFO_LOG (the server's log), WFO_TMP (a folder that goes with the server) and
# WFO_AS (a prefix that makes a command run as the server's user; it is empty
# unless root asked).  Exits with the command's status.
set -euo pipefail
# shellcheck source=script/lib.sh
. "$(dirname "$0")/lib.sh"

settings=()
while getopts c: option; do
	case $option in
		c) settings+=("$OPTARG") ;;
		*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || die "usage: $0 [-c SETTING=VALUE]... COMMAND [ARGUMENT]..."

"$root/script/setup.sh"
find_postgres
make_tmp
build || die "could not build the extension"
make_installation
start_server "${settings[@]}"
run "$@"
