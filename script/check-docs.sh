#!/bin/bash
# check-docs.sh: holds the documents to the code, and prints TAP.
#
# What there is to call or set is named in README.md and described in the
# database, and what the documents name is there.  A plain search for words:
# whether a description is true, it cannot tell.
set -euo pipefail
cd "$(dirname "$0")/.."

number=0
failed=0
# report TEXT FOUND: a test that passes when nothing was found.
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

# missing FILE...: those of the words on standard input that are in none.
missing() {
	local word
	while read -r word; do
		grep -qE "(^|[^a-z_])${word//./\\.}([^a-z_]|$)" "$@" || echo "$word"
	done
}

created() { sed -nE "s/^CREATE $1 ([a-z_]+).*/\1/p" sql/*.sql | sort -u; }
commented() { sed -nE "s/^COMMENT ON $1 ([a-z_.]+).*/\1/p" sql/*.sql | sort -u; }
calls() { sed -nE 's/^CREATE FUNCTION ([a-z_]+).*/\1/p' sql/functions.sql | sort -u; }
settings() { grep -ohE '"workflow_orch\.[a-z_]+"' src/base/settings.c | tr -d '"' | sort -u; }
reasons() {
	find src -name '*.[ch]' -exec cat {} + |
		perl -0ne 'print "$1\n" while /(?:\b(?:\w*report_\w+|errreason|write_lost)\(\s*(?:\w+,\s*)?|constraint_name = pstrdup\()"(wfo_\w+)"/g' | sort -u
}
# Each call of a capability that README.md's table does not name in the row of the
# capability, or in the rows of several.
calls_not_in_table() {
	perl -0777 -e '
		my ($code, $text) = map { local @ARGV = $_; <> } @ARGV;
		my ($everybody) = $code =~ /FUNCTIONS_OF_EVERYBODY\b((?:[^\n]*\\\n)*[^\n]*)/;
		my ($shared) = join "", $text =~ /^(\| (?:all|these),? but .*)$/mg;
		while ($code =~ /(\w+)_functions\[\] = \{(.*?)\};/gs) {
			my ($name, $body) = ($1, $2);
			my ($row) = $text =~ /^\| `$name` (.*)$/m;
			$body .= $everybody if $body =~ /FUNCTIONS_OF_EVERYBODY/;
			print "$name: $_\n" foreach grep { "$row$shared" !~ /`$_`/ } $body =~ /"(\w+)"/g;
		}' src/model/capability.c README.md
}
documents=(README.md ARCHITECTURE.md CONTRIBUTING.md CHANGELOG.md doc/*.md)

report 'there are functions, tables and settings to look for' \
	"$([ "$(calls | wc -l)" -gt 10 ] && [ "$(created TABLE | wc -l)" -gt 5 ] && [ "$(settings | wc -l)" -gt 3 ] || echo 'too few were found')"
report 'README.md names every function' "$(calls | missing README.md)"
report 'README.md names every table' "$(created TABLE | missing README.md)"
report 'README.md names every setting' "$(settings | missing README.md)"
report 'README.md names every capability' \
	"$(sed -nE 's/^\s*\[CAPABILITY_[A-Z_]+\] = \{"([a-z_]+)".*/\1/p' src/model/capability.c | missing README.md)"
# shellcheck disable=SC2016
report 'the table of capabilities in README.md names every call' "$(calls_not_in_table)"
# shellcheck disable=SC2016
report 'doc/reference.md lists the reasons of errors, and no others' \
	"$(diff <(reasons) <(sed -nE 's/^\| `(wfo_[a-z_]+)`.*/\1/p' doc/reference.md | sort) | grep '^[<>]' || true)"
report 'every function, table and type has a comment' \
	"$(for kind in FUNCTION TABLE TYPE; do comm -23 <(created "$kind") <(commented "$kind"); done)"
report 'a function that a document calls is there' \
	"$(grep -ohE 'workflow_orch\.[a-z_]+\(' "${documents[@]}" | sed -E 's/.*\.([a-z_]+)\(/\1/' | sort -u | comm -23 - <(calls))"
# The kinds of tests are folders, which may be empty.
report 'a file that a document names is there' \
	"$(grep -ohE '\b(src|sql|test|script|demo|doc)/[a-zA-Z0-9_/.-]*[a-z/]' "${documents[@]}" | sort -u |
		while read -r path; do [ -e "$path" ] || [[ $path =~ ^test/[a-z]+$ ]] || echo "$path"; done)"
version=$(sed -n "s/^default_version *= *'\([^']*\)'.*/\1/p" workflow_orch.control)
report 'META.json and CHANGELOG.md have the version of the control file' \
	"$(for file in META.json CHANGELOG.md; do grep -qE "(\"version\": \"|^## \[)${version//./\\.}[].\"]" "$file" || echo "$file"; done)"
echo "1..$number"
[ "$failed" = 0 ]
