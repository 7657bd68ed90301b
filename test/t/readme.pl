# The README's examples run as they stand there, one after the other: all of its
# blocks of SQL, in a database of their own.
use strict;
use warnings;
use Test::More;

open(my $file, '<', 'README.md') or die "could not open README.md: $!";
my $text = do { local $/; <$file> };
close $file;
my @blocks = $text =~ /^```sql\n(.*?)^```$/msg;
my $database = 'readme';
my $sql = "$ENV{TESTDIR}/readme.sql";
open(my $out, '>', $sql) or die "could not open $sql: $!";
print $out @blocks;
close $out;

is(system('psql', '-XAtqc', "CREATE DATABASE $database"), 0, 'a database is created');
my $output = qx(psql -XAt -d $database -v VERBOSITY=sqlstate -f "$sql" 2>&1);
my @errors = $output =~ /ERROR: +(.*)/g;
is_deeply(\@errors, ['42501'], "one line is refused, Ada's approval of her own proposal")
	or diag $output;
like($output, qr/^approved\|.*"credit": 5000/m, 'the edit approves');
like($output, qr/"success": true/, 'the call runs');
like($output, qr/^7\|5000$/m, 'the account has what was approved');
like($output, qr/^execute_action\|/m, 'the audit log tells of it');
like($output, qr/^2\|review\|set_credit\|.*needs 1 Manager, then 1 DBA/m, 'what is proposed later waits as the rules say');
like($output, qr/"preview_id": 1\b/, 'its preview is made');
like($output, qr/^pending\|.*"credit": 2000/m, 'and its approval leaves it to the second stage');
like($output, qr/^3\|pending$/m, 'a statement is proposed');

system('psql', '-XAtqc', "DROP DATABASE $database WITH (FORCE)", '-c', 'DROP ROLE ada, bank');
done_testing();
