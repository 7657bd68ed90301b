# A worker is killed at every stage of a call: what was committed has happened
# once, and what was not runs afterwards.  A call that crashes the server again
# and again has failed in the end, and its neighbours have not.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use Workers;

my $node = new_node('main', allows_streaming => 1, settings => "restart_after_crash = on\nmax_worker_processes = 16\nworkflow_orch.poll_interval = 1s\n");
install_workers($node, 'postgres');
my $n = 1;

sub ran { return $node->safe_psql('postgres', 'SELECT count(*) FROM app.ran') }

# Idle: the next call has a worker all the same, and what is scheduled comes.
result_of($node, 'postgres', enqueue($node, 'postgres', 'quick', $n++));
enqueue($node, 'postgres', 'quick', $n++, '1 s');
wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM workflow_orch.worker_status WHERE state = 'idle'});
crash($node, $node->safe_psql('postgres', q{SELECT pid FROM workflow_orch.worker_status WHERE state = 'idle'}));
enqueue($node, 'postgres', 'quick', $n++);
queue_is_empty($node, 'postgres', 'killed while idle');
is(crashes_noted($node), 0, 'killed while idle: no call is suspected');

# Nothing starts while the launcher sleeps.
sub launcher
{
	my ($signal) = @_;
	my $pid = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'workflow_orch launcher'});
	kill($signal, $pid) == 1 or die 'there is no launcher';
	return;
}

# On its way to connect: renaming the database keeps it out.
$node->safe_psql('postgres', 'CREATE DATABASE work');
install_workers($node, 'work');
{
	launcher('STOP');
	enqueue_many($node, 'work', 'quick', 1, 5);
	my $holder = hold($node, 'postgres', 'ALTER DATABASE work RENAME TO renamed');
	launcher('CONT');
	wait_for($node, 'postgres', q{SELECT EXISTS (SELECT FROM workflow_orch.list_workers() WHERE state = 'starting' AND pid IS NOT NULL)});
	crash($node, $node->safe_psql('postgres', q{SELECT pid FROM workflow_orch.list_workers() WHERE state = 'starting' LIMIT 1}));
	end_session($holder);
	queue_is_empty($node, 'work', 'killed while it connects');
	is($node->safe_psql('work', 'SELECT count(*) FROM app.ran'), 5, 'killed while it connects: the calls have run');
	is(crashes_noted($node), 0, 'killed while it connects: no call is suspected');
}

# Before the start of the tool: the queue is locked.
{
	launcher('STOP');
	enqueue_many($node, 'postgres', 'quick', $n, $n + 4);
	$n += 5;
	my $holder = hold($node, 'postgres', 'LOCK TABLE workflow_orch.queue');
	launcher('CONT');
	my $blocked = q{FROM pg_stat_activity WHERE backend_type = 'workflow_orch worker' AND wait_event_type = 'Lock'};
	wait_for($node, 'postgres', "SELECT count(*) > 0 $blocked");
	crash($node, $node->safe_psql('postgres', "SELECT pid $blocked LIMIT 1"));
	end_session($holder);
	queue_is_empty($node, 'postgres', 'killed before the tool');
	is(crashes_noted($node), 0, 'killed before the tool: no call is suspected');
}

# In the tool, with neighbours at work.
{
	my $holder = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
	my $victim = enqueue($node, 'postgres', 'gate', $n++);
	enqueue_many($node, 'postgres', 'gate', $n, $n + 2);
	enqueue_many($node, 'postgres', 'quick', $n + 3, $n + 5);
	$n += 6;
	wait_busy($node, 4);
	crash($node, worker_of($node, 'postgres', $victim));
	end_session($holder);
	queue_is_empty($node, 'postgres', 'killed in the tool');
	is(crashes_noted($node), 4, 'killed in the tool: whatever ran is suspected');
	is(result_of($node, 'postgres', $victim), 'succeeded 1', 'killed in the tool: the call runs again, as the first attempt');
}

# After the tool, before the commit: the audit log is locked.
{
	my $before = crashes_noted($node);
	my $ran = ran();
	my $gate = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
	my $execution = enqueue($node, 'postgres', 'gate', $n++);
	wait_busy($node, 1);
	my $holder = hold($node, 'postgres', 'LOCK TABLE workflow_orch.audit_log IN SHARE MODE');
	end_session($gate);
	my $blocked = q{FROM pg_stat_activity WHERE backend_type = 'workflow_orch worker' AND wait_event_type = 'Lock' AND wait_event = 'relation'};
	wait_for($node, 'postgres', "SELECT count(*) > 0 $blocked");
	is(ran(), $ran, 'killed before the commit: nothing is committed');
	crash($node, $node->safe_psql('postgres', "SELECT pid $blocked LIMIT 1"));
	end_session($holder);
	queue_is_empty($node, 'postgres', 'killed before the commit');
	is(result_of($node, 'postgres', $execution), 'succeeded 1', 'killed before the commit: the call has run');
	is(ran(), $ran + 1, 'killed before the commit: once');
	is(crashes_noted($node), $before, 'killed before the commit: the tool had ended, so it is no suspect');
}

# Rows of a call that a superuser changes while it runs, with the guards off.
{
	my $gate = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
	my $execution = enqueue($node, 'postgres', 'gate', $n++);
	wait_busy($node, 1);
	$node->safe_psql('postgres', qq{
		ALTER TABLE workflow_orch.execution DISABLE TRIGGER guard_row;
		ALTER TABLE workflow_orch.queue DISABLE TRIGGER guard_row;
		UPDATE workflow_orch.execution SET end_reason = 'seen' WHERE execution_id = $execution;
		UPDATE workflow_orch.queue SET priority = 7 WHERE execution_id = $execution;
		ALTER TABLE workflow_orch.execution ENABLE ALWAYS TRIGGER guard_row;
		ALTER TABLE workflow_orch.queue ENABLE ALWAYS TRIGGER guard_row});
	end_session($gate);
	is(result_of($node, 'postgres', $execution), 'succeeded 1', 'rows changed under a worker: the call ends as it would have');
	is(starts_of($node, $execution), 1, 'rows changed under a worker: it was started once');
	queue_is_empty($node, 'postgres', 'rows changed under a worker');
}

# After the commit, before anybody hears of it: it waits for a standby that is not there.
foreach my $end ('killed', 'terminated')
{
	my ($execution, $pid) = enqueue_until_committed($node, 'postgres', $n++);
	forget_standby($node, 'postgres');
	if ($end eq 'killed')
	{
		crash($node, $pid);
	}
	else
	{
		# The reload would end the wait.
		$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 60000)");
	}
	$node->reload;
	queue_is_empty($node, 'postgres', "$end after the commit");
	is(result_of($node, 'postgres', $execution), 'succeeded 1', "$end after the commit: the call has run");
	enqueue($node, 'postgres', 'quick', $n++);
	queue_is_empty($node, 'postgres', "$end after the commit, the next");
	is(starts_of($node, $execution), 1, "$end after the commit: it was not started again");
}
is(ran(), $n - 1, 'every call has run');

# Calls that crash the server whenever they run, one in each of two databases.
# No call is tried again after a failure (max_attempts 1).
{
	my $holder = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
	my $holder_2 = hold($node, 'work', 'SELECT pg_advisory_lock(4711)');
	$node->safe_psql($_, 'INSERT INTO app.doomed VALUES (1000)') for 'postgres', 'work';
	enqueue_many($node, $_, 'gate', 1001, 1002) for 'postgres', 'work';
	my %doomed = map { $_ => enqueue($node, $_, 'gate', 1000) } 'postgres', 'work';
	wait_busy($node, 6);
	crash($node, worker_of($node, 'postgres', $doomed{postgres}));
	end_session($_) for $holder, $holder_2;
	enqueue_many($node, $_, 'quick', 1003, 1006) for 'postgres', 'work';

	my $alone = 1;
	foreach my $round (1, 2)
	{
		# One of the two is at it; the other waits until it has ended.
		my $sleeping = q{SELECT pid, datname FROM pg_stat_activity WHERE backend_type = 'workflow_orch worker' AND wait_event = 'PgSleep'};
		wait_for($node, 'postgres', "SELECT count(*) = 1 FROM ($sleeping) x");
		my ($pid, $database) = split /\|/, $node->safe_psql('postgres', $sleeping);
		is($node->safe_psql('postgres', q{SELECT count(*) FROM workflow_orch.list_workers() WHERE state = 'busy'}), 1, "round $round: a suspect runs alone");
		is($node->safe_psql('postgres', q{SELECT pg_sleep(0.3); SELECT count(*) FROM workflow_orch.list_workers() WHERE state = 'busy'}), "\n1", "round $round: and stays alone");
		is($node->safe_psql($database, "SELECT crashes FROM workflow_orch.queue WHERE execution_id = $doomed{$database}"), 1, "round $round: its crash is counted in the row");
		crash($node, $pid);
		like(result_of($node, $database, $doomed{$database}),
			qr/^failed 1 57P02 the server has crashed 2 times while the call ran/, "round $round: it has failed after the second crash");
		is(state_of($node, $database, $doomed{$database}), 'failed', "round $round: and so has its proposal");
	}
	foreach my $database ('postgres', 'work')
	{
		queue_is_empty($node, $database, "crashes in $database");
		is($node->safe_psql($database, 'SELECT count(*), min(n), max(n) FROM app.ran WHERE n >= 1000'), '6|1001|1006', "$database: the neighbours have run");
		is($node->safe_psql($database, q{SELECT max(attempt) FROM workflow_orch.execution WHERE status = 'succeeded'}), 1, "$database: at the first attempt");
		$node->safe_psql($database, 'DELETE FROM app.doomed');
		my $proposal = $node->safe_psql($database, "SELECT proposal_id FROM workflow_orch.execution WHERE execution_id = $doomed{$database}");
		is($node->safe_psql($database, "SELECT workflow_orch.retry_action($proposal)"), 'approved', "$database: the failed call can be approved for another try");
		my $again = $node->safe_psql($database, "SELECT workflow_orch.enqueue_action($proposal, 1)");
		is(result_of($node, $database, $again), 'succeeded 1', "$database: in which it succeeds");
		agrees($node, $database, "$database in the end");
	}
}

done_testing();
