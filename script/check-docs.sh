#!/bin/bash
# check-docs.sh: holds the documents to the code, and prints TAP.
#
# What there is to call or set is described in doc/ and in the database, and what
# the documents name is there.  A plain search for words: whether a description
# is true, it cannot tell.  test/t/docs.pl runs the examples, and compares
# doc/reference.md with the catalog.
set -euo pipefail
shopt -s extglob
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
calls() { sed -nE 's/^CREATE FUNCTION ([a-z_]+).*/\1/p' sql/functions.sql sql/views.sql sql/check_setup.sql sql/report.sql sql/evidence.sql | grep -vE '^(report|evidence)_' | sort -u; }
settings() { grep -ohE '"workflow_orch\.[a-z_]+"' src/base/settings.c | tr -d '"' | sort -u; }
reasons() {
	find src -name '*.[ch]' -exec cat {} + |
		perl -0ne 'print "$1\n" while /(?:\b(?:\w*report_\w+|errreason|write_lost)\(\s*(?:\w+,\s*)?|constraint_name = pstrdup\()"(wfo_\w+)"/g' | sort -u
}
# Where the table of capabilities in reference.md and the code differ: a call that
# the row of a capability, or a row of several, does not name, or names in vain.  The
# parts of workflow_report and evidence are no calls.
differences_of_capabilities() {
	perl -0777 -e '
		my ($code, $text) = map { local @ARGV = $_; <> } @ARGV;
		my %macro = $code =~ /#define (FUNCTIONS_OF_\w+)\b((?:[^\n]*\\\n)*[^\n]*)/g;
		my ($shared) = join "", $text =~ /^\| (?:all|these),? but [^|]*\|([^|]*)/mg;
		while ($code =~ /(\w+)_functions\[\] = \{(.*?)\};/gs) {
			my ($name, $body) = ($1, $2);
			my ($row) = $text =~ /^\| `$name` \|([^|]*)/m;
			$body =~ s/(FUNCTIONS_OF_\w+)/$macro{$1}/g;
			my %calls = map { $_ => 1 } grep { !/^(?:report|evidence)_/ } $body =~ /"(\w+)"/g;
			print "$name: $_ is missing\n" foreach grep { "$row$shared" !~ /`$_`/ } sort keys %calls;
			print "$name: $_ is no call of it\n" foreach grep { !$calls{$_} } ($row // "") =~ /`(\w+)`/g;
			my ($first) = $body =~ /"(\w+)"/;
			print "$name: $first must stand first\n" unless ($row // "") =~ /^ `$first`/;
		}' src/model/capability.c doc/reference.md
}
# What check_setup() can find, and what a page lists under that heading.
findings() {
	perl -0ne 's/.*?found \(severity//s; print "$1\n" while /\bSELECT\s+(?:\x27\w+\x27|CASE\b.*?\bEND),\s*\x27([a-z_]+)\x27,/gs' sql/check_setup.sql | sort -u
}
# shellcheck disable=SC2016
findings_in() { sed -n '/^## Checking the setup/,$p' "$1" | sed -nE 's/^\| `([a-z_]+)` \|.*/\1/p' | sort -u; }
# Each SQLSTATE that a reason is raised with, by the macros of base/errors.h, and
# that its row in reference.md does not have.
sqlstates_not_in_table() {
	find src -name '*.[ch]' -exec cat {} + | perl -0777 -e '
		my %sqlstate = (invalid => "22023", unknown => "42704", wrong_state => "55000", state => "55000", duplicate => "42710",
			busy => "55P03", limit => "54000", denied => "42501", corrupted => "XX001");
		my ($code, $text) = (scalar <STDIN>, do { local @ARGV = "doc/reference.md"; scalar <> });
		my %row = $text =~ /^\| `(wfo_\w+)` \| ([^|]*) \|/mg;
		my %used;
		$used{$2}{ $sqlstate{$1} // "?" } = 1 while $code =~ /\b(?:proposal_)?report_(\w+)\(\s*(?:\w+,\s*)?"(wfo_\w+)"/g;
		foreach my $reason (sort keys %used) {
			print "$reason: $_\n" foreach grep { ($row{$reason} // "") !~ /\Q$_\E/ } sort keys %{ $used{$reason} };
		}
		print "too few reasons\n" if keys %used < 50;'
}
# first_words FILE: what stands first, and in backticks, in the rows of its tables.
# shellcheck disable=SC2016
first_words() { sed -nE 's/^\| `([a-z_.]+)` \|.*/\1/p' "$1" | sort -u; }
# compare WANTED FOUND: lines that are in one only.
compare() { diff <(echo "$1") <(echo "$2") | grep '^[<>]' || true; }
documents=(README.md ARCHITECTURE.md CONTRIBUTING.md SECURITY.md CHANGELOG.md doc/*.md)
pages=(README.md ARCHITECTURE.md CONTRIBUTING.md SECURITY.md doc/*.md)
readers=(doc/!(reference).md)

report 'there are functions, tables and settings to look for' \
	"$([ "$(calls | wc -l)" -gt 10 ] && [ "$(created TABLE | wc -l)" -gt 5 ] && [ "$(settings | wc -l)" -gt 3 ] || echo 'too few were found')"
report 'README.md has at most 250 lines' "$([ "$(wc -l <README.md)" -le 250 ] || wc -l README.md)"
report 'a page for a reader names every call' "$(calls | missing "${readers[@]}")"
report 'doc/reference.md lists the settings, and no others' "$(compare "$(settings)" "$(first_words doc/reference.md | grep '^workflow_orch\.')")"
report 'doc/reference.md lists the reasons of errors, and no others' "$(compare "$(reasons)" "$(first_words doc/reference.md | grep '^wfo_')")"
# shellcheck disable=SC2016
report 'doc/administrator.md lists the findings of check_setup, and no others' "$(compare "$(findings)" "$(findings_in doc/administrator.md)")"
report 'each finding has a test' "$(findings | missing test/pgtap/sql_check_setup.sql test/pgtap/engine_resume.sql test/t/004_not_preloaded.pl test/t/021_slots.pl test/t/034_sealer.pl)"
report 'doc/reference.md has the SQLSTATE of each reason' "$(sqlstates_not_in_table)"
report 'doc/reference.md lists the capabilities with their calls, and no others' "$(differences_of_capabilities)"
report 'every function, table, view and type has a comment' \
	"$(for kind in FUNCTION TABLE VIEW TYPE; do comm -23 <(created "$kind") <(commented "$kind"); done)"
report 'a function that a document calls is there' \
	"$(grep -ohE 'workflow_orch\.[a-z_]+\(' "${documents[@]}" | sed -E 's/.*\.([a-z_]+)\(/\1/' | sort -u | comm -23 - <(calls))"
report 'what a page names in code is there' "$(perl script/check-pages.pl names "${pages[@]}")"
report 'where a page links to is there' "$(perl script/check-pages.pl links "${documents[@]}")"
report 'every block of code says what it is' "$(perl script/check-pages.pl fences README.md doc/*.md)"
# The kinds of tests are folders, which may be empty.
report 'a file that a document names is there' \
	"$(grep -ohE '\b(src|sql|test|script|demo|doc)/[a-zA-Z0-9_/.-]*[a-z/]' "${documents[@]}" | sort -u |
		while read -r path; do [ -e "$path" ] || [[ $path =~ ^test/[a-z]+$ ]] || echo "$path"; done)"
report 'each promise in SECURITY.md names its tests' \
	"$(sed -n '/^## What is promised/,/^## What is not/p' SECURITY.md | grep '^| [A-Z]' | grep -vE '\| `test/[^|]* \|$' || true)"
version=$(sed -n "s/^default_version *= *'\([^']*\)'.*/\1/p" workflow_orch.control)
report 'META.json and CHANGELOG.md have the version of the control file' \
	"$(for file in META.json CHANGELOG.md; do grep -qE "(\"version\": \"|^## \[)${version//./\\.}[].\"]" "$file" || echo "$file"; done)"
echo "1..$number"
[ "$failed" = 0 ]
