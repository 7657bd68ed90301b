# The sealer: where it is and when, and what keeps it away.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes 'time';
use WorkflowOrch;
use Workers;

my $node = new_node('main', settings => "log_min_messages = error\nmax_prepared_transactions = 5\nmax_worker_processes = 16\nworkflow_orch.poll_interval = 1h\n", allows_streaming => 1);
my $sealers = q{FROM pg_stat_activity WHERE backend_type = 'workflow_orch sealer'};
my $write = q{SELECT workflow_orch.register_actor('a' || clock_timestamp(), 'Developer')};
my $limit = q{SET statement_timeout = '60 s'; };

sub wait_sealer
{
	my ($database, $what) = @_;
	wait_for($node, 'postgres', "SELECT count(*) = 1 $sealers AND datname = '$database'");
	pass($what);
	return $node->safe_psql('postgres', "SELECT pid $sealers");
}

sub wait_nowhere
{
	my ($what) = @_;
	wait_for($node, 'postgres', "SELECT count(*) = 0 $sealers");
	pass($what);
	return;
}

# Runs statements: '', or the error with its detail and hint.
sub fails
{
	my ($database, $sql) = @_;
	$node->psql($database, $limit . $sql, stderr => \my $error);
	return $error =~ s/psql:\S+ //gr;
}

install_workers($node, 'postgres');
my $pid = wait_sealer('postgres', 'it comes when something was committed');
$node->safe_psql('postgres', $write);
is($node->safe_psql('postgres', "SELECT pid $sealers"), $pid, 'it stays for what comes soon');
wait_nowhere('it leaves after some time without work');
$node->safe_psql('postgres', 'SELECT * FROM workflow_orch.actor');
is($node->safe_psql('postgres', "SELECT count(*) $sealers"), '0', 'a transaction that writes no audit row does not call it');
$node->safe_psql('postgres', "BEGIN; $write; ROLLBACK");
is($node->safe_psql('postgres', "SELECT count(*) $sealers"), '0', 'nor does one that is rolled back');
like($node->safe_psql('postgres', "$limit SELECT workflow_orch.seal_audit_log()"), qr/^\d+$/, 'seal_audit_log has it come');
wait_sealer('postgres', 'so it is there');
my $begin = time();
like($node->safe_psql('postgres', "$limit SELECT workflow_orch.seal_audit_log() FROM generate_series(1, 20)"), qr/^\d+(\n\d+){19}$/, 'further calls are answered');
cmp_ok(time() - $begin, '<', 10, 'at once');
like($node->safe_psql('postgres', "$limit BEGIN; $write; SELECT workflow_orch.seal_audit_log(); ROLLBACK"), qr/^\d+\n\d+$/, 'also in a transaction that has written');

# Several databases.
foreach my $database ('one', 'two')
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	install_workers($node, $database);
	wait_sealer($database, "it goes to the database $database, which waits");
}
my @sessions = map { session($node, $_) } 'postgres', 'one', 'two';
start_query($_, $limit . 'SELECT count(workflow_orch.seal_audit_log()) FROM generate_series(1, 5)') foreach @sessions;
is(answer($_), '5', 'each database has its turns, whoever else wants them') foreach @sessions;
end_session($_) foreach @sessions;

# Commands that need the database.
$node->safe_psql('one', $write);
wait_sealer('one', 'it is in a database');
is(fails('postgres', 'CREATE DATABASE copy TEMPLATE one'), '', 'which can be copied');
$node->safe_psql('one', $write);
wait_sealer('one', 'it is back');
is(fails('postgres', 'DROP DATABASE one'), '', 'the database can be dropped');
$node->safe_psql('copy', $write);
wait_sealer('copy', 'the sealer is elsewhere');
my $offset = -s $node->logfile;
$begin = time();
is(fails('copy', 'DROP EXTENSION workflow_orch'), '', 'the extension can be dropped where it is');
cmp_ok(time() - $begin, '<', 5, 'at once');
is(fails('copy', 'CREATE EXTENSION workflow_orch; SELECT workflow_orch.seal_audit_log()'), '', 'and created again');
unlike(substr(slurp_file($node->logfile), $offset), qr/deadlock|ERROR/, 'without an error in the log');

# What keeps it from its work.
my $holder = session($node, 'postgres');
start_query($holder, 'BEGIN; LOCK TABLE workflow_orch.proposal');
answer($holder);
$offset = -s $node->logfile;
like(fails('postgres', 'SELECT workflow_orch.seal_audit_log()'), qr/ERROR:  the audit log could not be sealed.*DETAIL:  The last attempt failed: canceling statement due to lock timeout\..*HINT:  See the server log/s,
	'who waits is told of its error');
sleep 5;
my $errors = () = substr(slurp_file($node->logfile), $offset) =~ /lock timeout/g;
cmp_ok($errors, '<=', 4, 'a turn that fails is tried again after growing pauses');
start_query($holder, 'COMMIT');
answer($holder);
end_session($holder);
is(fails('postgres', 'SELECT workflow_orch.seal_audit_log()'), '', 'a request does not wait for the pause');
$pid = wait_sealer('postgres', 'it is there');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 60000)");
is(fails('postgres', 'SELECT workflow_orch.seal_audit_log()'), '', 'one that was ended is replaced');
$pid = wait_sealer('postgres', 'it is there again');
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
is(fails('postgres', 'SELECT workflow_orch.seal_audit_log()'), '', 'a cancel does it no harm');

# The log is warned, once a minute, when rows wait too long, and check_setup finds them.
$node->append_conf('postgresql.conf', "workflow_orch.poll_interval = 1s\nworkflow_orch.max_seal_lag = 2s\nlog_min_messages = warning\n");
$node->restart;
$holder = session($node, 'postgres');
start_query($holder, 'BEGIN; LOCK TABLE workflow_orch.audit_leaf IN SHARE MODE');
answer($holder);
$offset = -s $node->logfile;
my $lag = q{SELECT severity || ' ' || object FROM workflow_orch.check_setup() WHERE finding = 'seal_lag'};
is($node->safe_psql('postgres', $lag), '', 'check_setup finds no lag');
$node->safe_psql('postgres', $write);
ok($node->wait_for_log(qr/WARNING:  the audit log of database "postgres" is not sealed\n.*DETAIL:  Audit row \d+ waits since /, $offset), 'a row that waits too long is logged');
is($node->safe_psql('postgres', $lag), 'critical postgres', 'and found');
sleep 5;
my $warnings = () = substr(slurp_file($node->logfile), $offset) =~ /WARNING:  the audit log of database "postgres"/g;
is($warnings, 1, 'it is logged once a minute');
start_query($holder, 'COMMIT');
answer($holder);
end_session($holder);
is(fails('postgres', 'SELECT workflow_orch.seal_audit_log()'), '', 'then it is sealed');
is($node->safe_psql('postgres', $lag), '', 'and no longer found');
$node->append_conf('postgresql.conf', "workflow_orch.poll_interval = 1h\nworkflow_orch.max_seal_lag = 1min\n");
$node->reload;

# A wait is ended like any other, and holds no snapshot back.
$pid = wait_sealer('postgres', 'it is there once more');
kill 'STOP', $pid;
my $waiting = session($node, 'postgres');
start_query($waiting, 'SELECT workflow_orch.seal_audit_log()');
my $waits = q{FROM pg_stat_activity WHERE query ~ '^SELECT workflow_orch.seal_audit_log' AND state = 'active' AND backend_xmin IS NULL};
wait_for($node, 'postgres', "SELECT count(*) = 1 $waits");
pass('a wait holds no snapshot');
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) $waits");
like(answer($waiting), qr/user request/, 'and can be cancelled');
kill 'CONT', $pid;
end_session($waiting);

# A crash of the server, and its prepared transactions.
$node->append_conf('postgresql.conf', "restart_after_crash = on\n");
$node->reload;
is(fails('postgres', 'SELECT workflow_orch.seal_audit_log()'), '', 'it works');
crash($node, wait_sealer('postgres', 'it is there before the crash'));
is(fails('postgres', 'SELECT workflow_orch.seal_audit_log()'), '', 'and works after it');

# A standby, and no preloading.
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$standby->psql('postgres', 'SELECT workflow_orch.seal_audit_log()', stderr => \my $stderr);
like($stderr, qr/cannot execute workflow_orch.seal_audit_log\(\) during recovery/, 'nothing is sealed on a standby');
is($standby->safe_psql('postgres', "SELECT count(*) $sealers"), '0', 'there is no sealer');
$standby->stop;

# No room for it.
$node->append_conf('postgresql.conf', "max_worker_processes = 2\n");
$node->restart;
like(fails('postgres', 'SELECT workflow_orch.seal_audit_log()'), qr/DETAIL:  The last attempt failed: the server had no background worker slot\..*increase max_worker_processes/s, 'without a free slot the hint says what to set');
$node->append_conf('postgresql.conf', "max_worker_processes = 16\nshared_preload_libraries = ''\n");
$node->restart;
like($node->safe_psql('postgres', 'SELECT workflow_orch.seal_audit_log()'), qr/^\d+$/, 'without preloading the caller seals');
like(fails('postgres', 'BEGIN; SELECT workflow_orch.seal_audit_log()'), qr/ERROR:  seal_audit_log\(\) cannot run inside a transaction block/, 'outside of a transaction block');

unlike(slurp_file($node->logfile), qr/PANIC|TRAP/, 'no process crashed by itself');
done_testing();
