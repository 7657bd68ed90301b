# While the commit of enqueue_action waits, an idle worker reads what the call is going
# to read.  It takes no call that is not committed, waits for no lock, and outlives errors.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use Workers;

my $node = new_node('warm_up', allows_streaming => 1, settings => "max_worker_processes = 16\nworkflow_orch.poll_interval = '10min'\nfsync = on\n");
install_workers($node, 'postgres');

sub worker { return $node->safe_psql('postgres', q{SELECT string_agg(pid::text, ',') FROM workflow_orch.worker_status}); }

# How often the indexes of a table were scanned.
sub scans
{
	my ($table) = @_;
	return $node->safe_psql('postgres', "SELECT idx_scan FROM pg_stat_user_tables WHERE relid = 'workflow_orch.$table'::regclass");
}

sub wait_for_scan
{
	my ($table, $before) = @_;
	wait_for($node, 'postgres', "SELECT idx_scan > $before FROM pg_stat_user_tables WHERE relid = 'workflow_orch.$table'::regclass");
	return;
}

# From here on commits wait for a standby that is not there, until forget_standby().
sub expect_standby
{
	$node->safe_psql('postgres', q{SELECT workflow_orch.seal_audit_log()});
	$node->safe_psql('postgres', q{ALTER SYSTEM SET synchronous_standby_names = 'nobody'});
	$node->reload;
	wait_for($node, 'postgres', q{SELECT current_setting('synchronous_standby_names') = 'nobody'});
	return;
}

# Begins to queue a call: the session in which its commit waits.
sub begin_to_enqueue
{
	my ($n) = @_;
	my $session = session($node, 'postgres');
	start_query($session, qq{SELECT app.enqueue('quick', '{"n": $n}')});
	wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'client backend' AND wait_event = 'SyncRep'});
	return $session;
}

sub end_enqueuing
{
	my ($session) = @_;
	forget_standby($node, 'postgres');
	$node->reload;
	my $execution = answer($session);
	end_session($session);
	return $execution;
}

$node->safe_psql('postgres', 'SELECT workflow_orch.wait_execution(' . enqueue($node, 'postgres', 'quick', 1) . ')');
my $first = worker();
like($first, qr/^\d+$/, 'one worker is idle');

expect_standby();
my $before = scans('cancel_request');
my $session = begin_to_enqueue(2);
wait_for_scan('cancel_request', $before);
is($node->safe_psql('postgres', 'SELECT count(*) FROM workflow_orch.queue'), 0, 'it reads before the call is committed');
my $execution = end_enqueuing($session);
is($node->safe_psql('postgres', "SELECT workflow_orch.wait_execution($execution, '30 s')->>'output'"), 2, 'and runs the call afterwards');

# A lock that the commit does not need, but the call.
expect_standby();
my $locker = session($node, 'postgres');
start_query($locker, 'BEGIN; LOCK TABLE workflow_orch.cancel_request');
answer($locker);
$before = scans('queue');
$session = begin_to_enqueue(3);
wait_for_scan('queue', $before);
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_locks WHERE NOT granted'), 0, 'it does not wait for a lock');
$execution = end_enqueuing($session);
end_session($locker);
is($node->safe_psql('postgres', "SELECT workflow_orch.wait_execution($execution, '30 s')->>'output'"), 3, 'the call runs when the lock is released');
like(worker(), qr/\b$first\b/, 'and the worker has not ended');

queue_is_empty($node, 'postgres', 'in the end');
done_testing();
