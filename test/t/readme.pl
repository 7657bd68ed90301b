# The README's example runs as it stands there: its first two blocks of SQL, in
# a database of their own.
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
print $out @blocks[ 0, 1 ];
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

system('psql', '-XAtqc', "DROP DATABASE $database WITH (FORCE)", '-c', 'DROP ROLE bank');
done_testing();
