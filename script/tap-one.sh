#!/bin/bash
# tap-one.sh FILE: runs one test file and prints TAP.  script/test.sh runs it,
# in the environment that script/with-server.sh describes.
#
#   test/unit/NAME.c      calls unit_NAME() of the unit tests' module
#   test/pgtap/NAME.sql   runs in a database of its own that has pgtap and the
#                         extension; the file removes the roles that it creates
#   test/t/NAME.pl        runs with PostgreSQL's test modules
#   NAME.sh               prints TAP by itself
#
# A file that takes longer than TEST_TIMEOUT seconds (300) is ended.
set -euo pipefail
file=$1
name=$(basename "${file%.*}")
limit=(timeout -k 10 "${TEST_TIMEOUT:-300}")
psql=(psql -XAtq -v ON_ERROR_STOP=1)
export PGOPTIONS='-c client_min_messages=warning'

# The file before may have crashed the server.
[[ $file != test/@(unit|pgtap)/* ]] || for _ in {1..100}; do
	! pg_isready -q || break
	sleep 0.1
done

case $file in
	test/unit/*)
		exec "${limit[@]}" "${psql[@]}" -c "CREATE FUNCTION pg_temp.unit() RETURNS text LANGUAGE c
			AS 'workflow_orch_unit', 'unit_$name'" -c "SELECT pg_temp.unit()"
		;;
	test/pgtap/*)
		# The extension is created afresh and does not come with the template:
		# a copied database would hold its queue.
		database=pgtap_$name
		"${psql[@]}" -c "CREATE DATABASE \"$database\" TEMPLATE pgtap_template" >&2
		"${psql[@]}" -d "$database" -c "CREATE EXTENSION workflow_orch" >&2
		status=0
		"${limit[@]}" "${psql[@]}" -d "$database" -f "$file" || status=$?
		"${psql[@]}" -c "DROP DATABASE \"$database\" WITH (FORCE)" >&2
		exit "$status"
		;;
	test/t/*)
		exec "${limit[@]}" perl -I "$WFO_PGXS/src/test/perl" -I test/t "$file"
		;;
	*)
		exec "${limit[@]}" bash "$file"
		;;
esac
