#!/bin/bash
# check-layers.sh: holds src/ to the layers of ARCHITECTURE.md and to the rules
# that a search can hold, and prints TAP.
#
# It reads the code without its comments.  A rule is one line below.
set -euo pipefail
cd "$(dirname "$0")/.."
shopt -s nullglob globstar

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
files=(src/**/*.[ch])
dirname -z -- "${files[@]/#/$copy/}" | sort -zu | xargs -0 mkdir -p
perl -0 -e 'my $copy = shift;
	for my $file (@ARGV) {
		open my $in, "<", $file or die "$file: $!";
		my $code = <$in>;
		$code =~ s{/\*.*?\*/}{$& =~ tr/\n//cdr}gse;
		$code =~ s{//[^\n]*}{}g;
		open my $out, ">", "$copy/$file" or die "$copy/$file: $!";
		print $out $code;
	}' "$copy" "${files[@]}"
checks=$PWD/script
functions() { (cd "$copy" && perl "$checks/check-functions.pl" "$@"); }

number=0
failed=0
# rule TEXT PATTERN FILE...: none of the files matches the pattern.
rule() {
	local text=$1 pattern=$2 found=
	shift 2
	if [ $# -gt 0 ]; then
		found=$(cd "$copy" && { grep -nHP "$pattern" "$@" || true; })
	fi
	report "$text" "$found"
}

report() {
	number=$((number + 1))
	if [ -z "$2" ]; then
		echo "ok $number - $1"
	else
		failed=$((failed + 1))
		echo "not ok $number - $1"
		printf '#   %s\n' "${2//$'\n'/$'\n'#   }"
	fi
}

# except PATTERN: leaves in $rest the files whose names do not match.
except() {
	local file
	rest=()
	for file in "${files[@]}"; do
		[[ $file =~ $1 ]] || rest+=("$file")
	done
}
include='^\s*#\s*include\s*"'

rule 'an include names its file from src/ on' "${include}[^\"]*\.\.?/" "${files[@]}"
rule 'base includes base only' "${include}(api|worker|engine|store|model)/" src/base/*.[ch]
rule 'model includes base only' "${include}(api|worker|engine|store)/" src/model/*.[ch]
rule 'store includes model and base only' "${include}(api|worker|engine)/" src/store/*.[ch]
rule 'engine includes store, model and base only' "${include}(api|worker)/" src/engine/**/*.[ch]
# The rooms of the engine, top down: each may include those below it.
above=
for room in verbs run audit approval tool sandbox identity; do
	[ -z "$above" ] ||
		rule "engine/$room includes no room above it" "${include}engine/(${above#|})/" src/engine/$room/*.[ch]
	above+="|$room"
done
rule 'what lies in engine itself includes no room' "${include}engine/\w+/" src/engine/*.[ch]
report 'every room of the engine has its place' \
	"$(for room in src/engine/*/; do [[ "$above|" == *"|$(basename "$room")|"* ]] || echo "$room"; done)"
# The rooms of the workers: processes and clients meet in the pool only.
rule 'worker/pool includes no other room of worker' "${include}worker/(process|client)/" src/worker/pool/*.[ch]
rule 'worker/process does not include worker/client' "${include}worker/client/" src/worker/process/*.[ch]
rule 'worker/client does not include worker/process' "${include}worker/process/" src/worker/client/*.[ch]
rule 'worker does not include api' "${include}api/" src/worker/**/*.[ch]
rule 'api and worker do not include store' "${include}store/" src/{api,worker}/**/*.[ch]
rule 'model knows no SPI, shared memory, setting or clock' \
	'\bSPI_|executor/spi\.h|"storage/|utils/guc\.h|base/settings\.h|\bGetCurrent\w*Timestamp|\bgettimeofday\b|\btime\(NULL\)' \
	src/model/*.[ch]
except '^src/base/compat\.h$'
rule 'PG_VERSION_NUM stands in base/compat.h only' '\bPG_VERSION_NUM\b' "${rest[@]}"
# run_sql is there to run somebody's SQL text.
except '^src/(store/|engine/tool/(invoke|run_sql)\.c$)'
rule 'SPI is used in store, engine/tool/invoke.c and engine/tool/run_sql.c only' '\bSPI_|executor/spi\.h' "${rest[@]}"
except '^src/api/'
rule 'entry points stand in api only' '\bPG_FUNCTION_INFO_V1\b' "${rest[@]}"
report 'every error has a reason code' \
	"$(cd "$copy" && perl -0ne 'while (/ereport\(\s*(ERROR|FATAL)\b(.*?);/gs) {
		my $rest = $2; print "$ARGV: ", substr($rest, 0, 60) =~ s/\s+/ /gr, "\n"
			unless $rest =~ /errreason|canceling statement/ }' "${files[@]}")"
report 'no file is longer than 600 lines' \
	"$([ ${#files[@]} = 0 ] || awk 'FNR == 601 { print FILENAME }' "${files[@]}")"
report 'no function has 80 lines' "$(functions length "${files[@]}")"
report 'no two static functions have the same name' "$(functions statics "${files[@]}")"
report 'no call of our own has two bare booleans side by side' "$(functions booleans "${files[@]}")"
echo "1..$number"
[ "$failed" = 0 ]
