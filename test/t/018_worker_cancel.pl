# Cancels of calls that workers run: when they count, and that the call does not
# run again, whatever ends its worker.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use Workers;

my $node = new_node('main', allows_streaming => 1, settings => "restart_after_crash = on\nmax_prepared_transactions = 5\nmax_worker_processes = 16\nworkflow_orch.poll_interval = 1h\nworkflow_orch.timeout_grace = 400ms\nworkflow_orch.retry_delay = 200ms\n");
install_workers($node, 'postgres');
$node->safe_psql('postgres', q{
	-- Makes something else of the cancel.
	CREATE FUNCTION app.translates(n int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM app.note(n);
		PERFORM pg_sleep(600);
		RETURN n;
	EXCEPTION WHEN query_canceled THEN
		RAISE 'no answer' USING errcode = '08006';
	END $$;
	CREATE FUNCTION app.again(n int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM app.note(n);
		PERFORM pg_advisory_xact_lock_shared(4711);
		RAISE 'again' USING errcode = '40001';
	END $$;
	SELECT workflow_orch.register_tool('swallows', 'app.swallows(int)', 'tool_runner', max_attempts => 3),
	       workflow_orch.register_tool('translates', 'app.translates(int)', 'tool_runner', max_attempts => 3),
	       workflow_orch.register_tool('again', 'app.again(int)', 'tool_runner', max_attempts => 3);
	CREATE ROLE canceller LOGIN;
	SELECT workflow_orch.grant_capability('canceller', 'execute');
	SELECT workflow_orch.register_actor('operator', 'Manager', db_role => 'canceller')});
my $n = 1;

sub cancel
{
	my ($execution, $reason) = @_;
	return $node->safe_psql('postgres', "SELECT workflow_orch.cancel_execution($execution, 3, '$reason')", extra_params => [ '-U', 'canceller' ]);
}

# The audit rows of an execution: action, actor and login, and who had it executed.
sub audited
{
	my ($execution) = @_;
	return $node->safe_psql('postgres', qq{
		SELECT string_agg(concat_ws(' ', action, actor_id, login, details ->> 'requested_by'), ', ' ORDER BY audit_id)
		  FROM workflow_orch.audit_log WHERE execution_id = $execution AND action <> 'enqueue_action'});
}

sub cancelled
{
	my ($execution, $reason, $what) = @_;
	like(result_of($node, 'postgres', $execution), qr/^cancelled 1 57014 canceled while it ran Actor 3, through login "canceller", canceled it: $reason$/, "$what: the result says who and why");
	is(state_of($node, 'postgres', $execution), 'approved', "$what: the proposal stays approved");
	is(audited($execution), 'cancel_execution 3 canceller, execute_action 1 tool_runner postgres', "$what: so does the audit log");
	is(starts_of($node, $execution), 1, "$what: it has run once");
	is($node->safe_psql('postgres', "SELECT count(*) FROM app.ran WHERE execution_id = $execution"), 0, "$what: and has left nothing");
	return;
}

# A tool that catches the cancel for ever: the worker is ended after the grace.
my $swallows = enqueue($node, 'postgres', 'swallows', $n++);
worker_of($node, 'postgres', $swallows);
is(cancel($swallows, 'stuck'), 'running', 'a running call is asked to end');
cancelled($swallows, 'stuck', 'a tool that goes on');

# A worker that somebody ends, or the server, after the request.
my $terminated = enqueue($node, 'postgres', 'swallows', $n++);
my $pid = worker_of($node, 'postgres', $terminated);
kill('STOP', $pid);
cancel($terminated, 'enough');
kill('TERM', $pid);
kill('CONT', $pid);
cancelled($terminated, 'enough', 'a worker that is terminated');

my $crashed = enqueue($node, 'postgres', 'swallows', $n++);
$pid = worker_of($node, 'postgres', $crashed);
kill('STOP', $pid);
cancel($crashed, 'crash');
crash($node, $pid);
cancelled($crashed, 'crash', 'a crash of the server');

# An error that comes of the cancel, and of a kind that is tried again.
my $translated = enqueue($node, 'postgres', 'translates', $n++);
worker_of($node, 'postgres', $translated);
cancel($translated, 'late');
cancelled($translated, 'late', 'a tool that fails otherwise');

# A request in a prepared transaction counts from COMMIT PREPARED on.
my $prepared = enqueue($node, 'postgres', 'swallows', $n++);
worker_of($node, 'postgres', $prepared);
$node->safe_psql('postgres', "BEGIN; SELECT workflow_orch.cancel_execution($prepared, 3, 'two phases'); PREPARE TRANSACTION 'cancel'", extra_params => [ '-U', 'canceller' ]);
is($node->safe_psql('postgres', "SELECT workflow_orch.wait_execution($prepared, '500 ms') IS NULL"), 't', 'a prepared request is none yet');
$node->safe_psql('postgres', q{COMMIT PREPARED 'cancel'}, extra_params => [ '-U', 'canceller' ]);
cancelled($prepared, 'two phases', 'a request that was prepared');

# Before another attempt.
my $holder = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
my $again = enqueue($node, 'postgres', 'again', $n++);
$pid = worker_of($node, 'postgres', $again);
wait_for($node, 'postgres', q{SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted)});
kill('STOP', $pid);
cancel($again, 'no more');
end_session($holder);
wait_for($node, 'postgres', q{SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND mode = 'ExclusiveLock'});
kill('CONT', $pid);
cancelled($again, 'no more', 'a call that would be tried again');

# What has committed stays: the worker has not told of it yet.
my ($committed) = enqueue_until_committed($node, 'postgres', $n++);
$node->safe_psql('postgres', "SET synchronous_commit = local; SELECT workflow_orch.cancel_execution($committed, 3, 'too late')", extra_params => [ '-U', 'canceller' ]);
forget_standby($node, 'postgres');
$node->reload;
is(result_of($node, 'postgres', $committed), 'succeeded 1', 'what had committed stays succeeded');
is(state_of($node, 'postgres', $committed), 'executed', 'and executed');

# A cancel that nobody asked for with cancel_execution.
my $stray = enqueue($node, 'postgres', 'swallows', $n++);
$pid = worker_of($node, 'postgres', $stray);
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
is($node->safe_psql('postgres', "SELECT workflow_orch.wait_execution($stray, '1 s') IS NULL"), 't', 'pg_cancel_backend ends no worker');
cancel($stray, 'now');
cancelled($stray, 'now', 'after pg_cancel_backend');

# A call of a batch that goes on is ended with its caller.
my $proposal = approved_call($node, 'postgres', 'swallows', $n++);
my $caller = session($node, 'postgres');
start_query($caller, qq{SELECT workflow_orch.execute_parallel('[{"proposal_id": $proposal}]', 1)});
wait_busy($node, 1);
my $of_batch = $node->safe_psql('postgres', q{SELECT execution_id FROM workflow_orch.worker_status WHERE execution_id IS NOT NULL});
like(error_of($node, 'postgres', "SELECT workflow_orch.cancel_execution($of_batch)"), qr/^42704 execution $of_batch does not exist/, 'a call of a batch is not cancelled by itself');
$node->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%execute_parallel%' AND pid <> pg_backend_pid()});
wait_busy($node, 0);
pass('it ends with the statement of its caller');
is($node->safe_psql('postgres', "SELECT status FROM workflow_orch.proposal WHERE proposal_id = $proposal"), 'approved', 'and its proposal stays approved');

queue_is_empty($node, 'postgres', 'in the end');
end_session($_) for $holder, $caller;
done_testing();
