# Processes that are terminated, shutdowns and reloads under load, and the
# server in binary upgrade mode.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use WorkerPool;

my $node = pool_node('main', "workflow_orch.poll_interval = 1s\n");
$node->safe_psql('postgres', 'CREATE ROLE r1 LOGIN; CREATE ROLE r2 LOGIN');
prepare($node, 'postgres', 'r1', 'r2');

sub backends
{
	my ($type) = @_;
	return $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'workflow_orch $type'");
}

# What has become of the calls: each that succeeded has left its effect once.
sub once
{
	my ($what) = @_;
	drained($node, 'postgres');
	is($node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM workflow_orch.execution WHERE status <> 'succeeded'), (SELECT count(*) FROM workflow_orch.execution) - (SELECT count(*) FROM app.effect)}),
		'0|0', "$what: each call has run once");
	return;
}

# The launcher.
my $launcher = backends('launcher');
like($launcher, qr/^\d+$/, 'there is one launcher');
enqueue($node, 'postgres', calls($node, 'postgres', 'nap_r1', '{"ms": 10}', 100));
$node->safe_psql('postgres', "SELECT pg_terminate_backend($launcher, 10000)");
my ($execution) = enqueue($node, 'postgres', calls($node, 'postgres', 'note_r2', '{"n": 1}'));
is($node->safe_psql('postgres', "SELECT workflow_orch.wait_execution($execution, '60 s')->>'success'"), 'true', 'a call that needs a worker runs after the launcher was terminated');
isnt(backends('launcher'), $launcher, 'in its place there is another one');
once('launcher terminated');

# Workers, busy and idle.
enqueue($node, 'postgres', calls($node, 'postgres', 'nap_r1', '{"ms": 20}', 100));
foreach (1 .. 5)
{
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid::int) FROM workflow_orch.worker_status WHERE pid IS NOT NULL AND pid % 2 = 0});
	select(undef, undef, undef, 0.1);
}
once('workers terminated');
$node->safe_psql('postgres', 'SELECT pg_terminate_backend(pid::int, 10000) FROM workflow_orch.worker_status WHERE pid IS NOT NULL');
like($node->safe_psql('postgres', outcomes(calls($node, 'postgres', 'note_r1', '{"n": 2}'))), qr/^\d+$/, 'idle ones, too: a batch runs');
$node->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type LIKE 'workflow_orch %'});
like($node->safe_psql('postgres', outcomes(calls($node, 'postgres', 'note_r1', '{"n": 2}'))), qr/^\d+$/, 'a cancel of what is idle does nothing');

# The keeper, which is caught with a lock.
my $locker = session($node, 'postgres');
start_query($locker, 'BEGIN; LOCK TABLE workflow_orch.proposal');
answer($locker);
wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'workflow_orch keeper' AND wait_event_type = 'Lock'});
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE backend_type = 'workflow_orch keeper'});
start_query($locker, 'COMMIT');
answer($locker);
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(proposal_ttl => '100 ms'); SELECT workflow_orch.propose_action(1, 1, 'note_r1', '{"n": 1}', 'reason'); SELECT workflow_orch.set_policy(proposal_ttl => '0')});
wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM workflow_orch.proposal WHERE status = 'expired'});
pass('a keeper that was terminated comes again');
end_session($locker);

# The caller of a batch.
my $gate = session($node, 'postgres');
hold($gate, 1);
my @ids = calls($node, 'postgres', 'gate_r1', '{"key": 1}', 12);
my $caller = session($node, 'postgres');
start_query($caller, outcomes(@ids));
busy($node, 'postgres', 8);
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE query LIKE '%execute_parallel%' AND pid <> pg_backend_pid()});
busy($node, 'postgres', 0);
is($node->safe_psql('postgres', 'SELECT count(*), count(*) FILTER (WHERE status = $$cancelled$$) FROM workflow_orch.execution WHERE proposal_id IN (' . join(',', @ids) . ')'), '8|8',
	'when the caller of a batch is terminated its running calls are cancelled and the others are not started');
end_session($caller);
$node->safe_psql('postgres', 'TRUNCATE app.effect');
release($gate, 1);
end_session($gate);
is($node->safe_psql('postgres', 'SELECT ' . join(' AND ', map { "(SELECT status = 'approved' FROM workflow_orch.proposal WHERE proposal_id = $_)" } @ids)), 't', 'their proposals are still approved');

# Shutdowns and reloads under load.  From here on the effects are counted anew.
foreach my $mode ('fast', 'immediate')
{
	$node->safe_psql('postgres', 'TRUNCATE app.effect');
	my $before = $node->safe_psql('postgres', 'SELECT max(execution_id) FROM workflow_orch.execution');
	enqueue($node, 'postgres', calls($node, 'postgres', "nap_$_", '{"ms": 10}', 100)) foreach 'r1', 'r2';
	wait_for($node, 'postgres', 'SELECT count(*) BETWEEN 1 AND 199 FROM app.effect');
	$node->stop($mode);
	ok(!-e $node->data_dir . '/postmaster.pid', "a $mode shutdown under load comes to an end");
	$node->start;
	drained($node, 'postgres');
	is($node->safe_psql('postgres', "SELECT status, count(*), (SELECT count(*) FROM app.effect) FROM workflow_orch.execution WHERE execution_id > $before GROUP BY 1"), 'succeeded|200|200',
		"and after it each call has run once");
}
is($node->safe_psql('postgres', 'SELECT coalesce(max(attempt), 0) FROM workflow_orch.execution'), '1', 'none of this was an attempt');
$node->safe_psql('postgres', 'TRUNCATE app.effect');
enqueue($node, 'postgres', calls($node, 'postgres', "nap_$_", '{"ms": 5}', 100)) foreach 'r1', 'r2';
foreach my $i (1 .. 10)
{
	$node->reload;
	select(undef, undef, undef, 0.05);
}
drained($node, 'postgres');
is($node->safe_psql('postgres', 'SELECT count(*) FROM app.effect'), '200', 'reloads under load do no harm');
is($node->safe_psql('postgres', 'SELECT * FROM workflow_orch.verify_audit_log()'), '', 'the audit log agrees with the tables');

# Binary upgrade mode: nothing starts, the queue waits.
my ($kept) = calls($node, 'postgres', 'note_r1', '{"n": 3}');
($execution) = split /\n/, $node->safe_psql('postgres', "SELECT workflow_orch.enqueue_action($kept, run_at => now() + interval '1 s')");
$node->stop('immediate');
PostgreSQL::Test::Utils::system_or_bail('pg_ctl', '-w', '-D', $node->data_dir, '-l', $node->logfile, '-o', '-b', 'start');
sleep 2;
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'workflow_orch %'}), '0', 'in binary upgrade mode there is no process of ours');
is($node->safe_psql('postgres', "SELECT status FROM workflow_orch.execution WHERE execution_id = $execution"), 'queued', 'and no call runs');
PostgreSQL::Test::Utils::system_or_bail('pg_ctl', '-w', '-D', $node->data_dir, '-m', 'fast', 'stop');
$node->_update_pid(0);
$node->start;
is($node->safe_psql('postgres', "SELECT workflow_orch.wait_execution($execution, '60 s')->>'success'"), 'true', 'afterwards it does');

unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal 1?1\b/, 'no process crashed');
done_testing();
