#!/bin/bash
# reference.sh: writes the part of doc/reference.md that describes the catalog
# anew, on a server of its own.  What stands above the line that begins with
# "<!-- catalog" is written by hand and left alone.
set -euo pipefail
cd "$(dirname "$0")/.."
page=doc/reference.md
if [ -z "${WFO_TMP:-}" ]; then
	exec script/with-server.sh "script/$(basename "$0")"
fi
psql -XAtqc 'CREATE EXTENSION workflow_orch'
{
	sed '/^<!-- catalog/q' "$page"
	echo
	psql -XAtq -v ON_ERROR_STOP=1 -f script/reference.sql
} >"$WFO_TMP/reference.md"
cat "$WFO_TMP/reference.md" >"$page"
