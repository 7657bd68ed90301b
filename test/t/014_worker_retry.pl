# What is tried again and what is not: errors of the retryable kind, timeouts
# of both kinds, workers and launchers that somebody terminates.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use Workers;

my $node = new_node('main', settings => "max_worker_processes = 16\nworkflow_orch.poll_interval = 1s\nworkflow_orch.retry_delay = 200ms\nworkflow_orch.timeout_grace = 300ms\n");
install_workers($node, 'postgres');
$node->safe_psql('postgres', q{
	-- Fails with a SQLSTATE as long as it was not called often enough: nothing undoes nextval.
	CREATE SEQUENCE app.calls;
	GRANT USAGE ON SEQUENCE app.calls TO tool_runner;
	CREATE FUNCTION app.fails(n int, sqlstate text, times int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM app.note(n);
		IF nextval('app.calls') <= times THEN
			RAISE 'failed on purpose' USING errcode = sqlstate;
		END IF;
		RETURN n;
	END $$;
	-- A constraint that is checked at the commit.
	CREATE TABLE app.later (n int UNIQUE DEFERRABLE INITIALLY DEFERRED);
	GRANT SELECT, INSERT ON app.later TO tool_runner;
	CREATE FUNCTION app.defers(n int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM app.note(n);
		INSERT INTO app.later VALUES (1);
		RETURN n;
	END $$;
	-- And one whose trigger raises a retryable error, and defers in its turn.
	CREATE FUNCTION app.conflict() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF nextval('app.calls') <= 1 THEN
			RAISE SQLSTATE '40001';
		END IF;
		RETURN NULL;
	END $$;
	CREATE TABLE app.conflicting (n int);
	GRANT INSERT ON app.conflicting TO tool_runner;
	CREATE CONSTRAINT TRIGGER conflict AFTER INSERT ON app.conflicting DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.conflict();
	CREATE FUNCTION app.conflicts(n int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM app.note(n);
		INSERT INTO app.conflicting VALUES (n);
		RETURN n;
	END $$;
	CREATE FUNCTION app.kills_itself(n int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM app.note(n);
		PERFORM pg_terminate_backend(pg_backend_pid());
		PERFORM pg_sleep(600);
		RETURN n;
	END $$;
	SELECT workflow_orch.register_tool('stays', 'app.sleeps(int)', 'tool_runner');
	SELECT workflow_orch.register_tool('fails', 'app.fails(int, text, int)', 'tool_runner', max_attempts => 3),
	       workflow_orch.register_tool('fails_once', 'app.fails(int, text, int)', 'tool_runner'),
	       workflow_orch.register_tool('defers', 'app.defers(int)', 'tool_runner', max_attempts => 3),
	       workflow_orch.register_tool('conflicts', 'app.conflicts(int)', 'tool_runner', max_attempts => 3),
	       workflow_orch.register_tool('sleeps', 'app.sleeps(int)', 'tool_runner', timeout => '200 ms', max_attempts => 3),
	       workflow_orch.register_tool('swallows', 'app.swallows(int)', 'tool_runner', timeout => '200 ms', max_attempts => 3),
	       workflow_orch.register_tool('kills_itself', 'app.kills_itself(int)', 'tool_runner', max_attempts => 3);
});
my $n = 1;

sub fails
{
	my ($tool, $sqlstate, $times) = @_;
	my $params = sprintf '{"n": %d, "sqlstate": "%s", "times": %d}', $n++, $sqlstate, $times;
	$node->safe_psql('postgres', q{SELECT setval('app.calls', 1, false)});
	return $node->safe_psql('postgres', "SELECT app.enqueue('$tool', '$params')");
}

# The audit rows of an execution: how often of each action, by the first.
sub audited
{
	my ($execution) = @_;
	return $node->safe_psql('postgres', qq{
		SELECT string_agg(action || ' ' || count, ', ' ORDER BY first)
		  FROM (SELECT action, count(*), min(audit_id) AS first FROM workflow_orch.audit_log WHERE execution_id = $execution GROUP BY action) x});
}

# Attempts

foreach my $sqlstate ('40001', '40P01', '08006', '53100')
{
	my $execution = fails('fails', $sqlstate, 2);
	is(result_of($node, 'postgres', $execution), 'succeeded 3', "$sqlstate is tried again until the call succeeds");
	is(audited($execution), 'enqueue_action 1, retry_execution 2, execute_action 1', "$sqlstate: each attempt is in the audit log");
	is($node->safe_psql('postgres', "SELECT count(*) FROM app.ran WHERE execution_id = $execution"), 1, "$sqlstate: one attempt has left a trace");
}
my $exhausted = fails('fails', '40001', 9);
like(result_of($node, 'postgres', $exhausted), qr/^failed 3 40001 failed on purpose/, 'after max_attempts the call has failed');
is(audited($exhausted), 'enqueue_action 1, retry_execution 2, execute_action 1', 'and the log has three attempts');
is(state_of($node, 'postgres', $exhausted), 'failed', 'and its proposal has failed');
# The delays: 200 ms and then 400, up to half of each less.
is($node->safe_psql('postgres', qq{
	SELECT bool_and(extract(milliseconds FROM gap) >= CASE i WHEN 1 THEN 100 ELSE 200 END)
	  FROM (SELECT row_number() OVER (ORDER BY audit_id) - 1 AS i, occurred_at - lag(occurred_at) OVER (ORDER BY audit_id) AS gap
	          FROM workflow_orch.audit_log WHERE execution_id = $exhausted AND action <> 'enqueue_action') x WHERE i > 0}), 't', 'the delay grows from attempt to attempt');
foreach my $sqlstate ('22012', '23505', 'P0001', '57014')
{
	my $execution = fails('fails', $sqlstate, 9);
	like(result_of($node, 'postgres', $execution), qr/^failed 1 $sqlstate failed on purpose/, "$sqlstate fails at once");
	is(audited($execution), 'enqueue_action 1, execute_action 1', "$sqlstate: and is not tried again");
}
like(result_of($node, 'postgres', fails('fails_once', '40001', 9)), qr/^failed 1 40001/, 'with max_attempts 1 nothing is tried again');

# A failed call gets its attempts anew when it is retried.
my $proposal = $node->safe_psql('postgres', "SELECT proposal_id FROM workflow_orch.execution WHERE execution_id = $exhausted");
$node->safe_psql('postgres', "SELECT workflow_orch.retry_action($proposal); SELECT setval('app.calls', 1, false)");
my $again = $node->safe_psql('postgres', "SELECT workflow_orch.enqueue_action($proposal, 1)");
like(result_of($node, 'postgres', $again), qr/^failed 3 40001/, 'a retried call has as many attempts again');

# The list is a setting.
$node->append_conf('postgresql.conf', q{workflow_orch.retry_sqlstates = '22, P0001'});
$node->reload;
wait_for($node, 'postgres', q{SELECT current_setting('workflow_orch.retry_sqlstates') = '22, P0001'});
is(result_of($node, 'postgres', fails('fails', '22012', 1)), 'succeeded 2', 'a class in the setting is tried again');
is(result_of($node, 'postgres', fails('fails', 'P0001', 1)), 'succeeded 2', 'so is a SQLSTATE');
like(result_of($node, 'postgres', fails('fails', '40001', 1)), qr/^failed 1 40001/, 'what the setting does not have is not');
$node->append_conf('postgresql.conf', q{workflow_orch.retry_sqlstates = '40001'});
$node->reload;

# No attempt begins after the approval's time.
$node->append_conf('postgresql.conf', 'workflow_orch.retry_delay = 20s');
$node->reload;
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(approval_ttl => '9 s')});
wait_for($node, 'postgres', q{SELECT current_setting('workflow_orch.retry_delay') = '20s'});
my $expiring = fails('fails', '40001', 9);
like(result_of($node, 'postgres', $expiring), qr/^failed 1 40001/, 'a retry beyond the validity of the approval is not made');
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(approval_ttl => '0')});
$node->append_conf('postgresql.conf', 'workflow_orch.retry_delay = 50ms');
$node->reload;

# Deferred constraints

$node->safe_psql('postgres', 'INSERT INTO app.later VALUES (1)');
my $deferred = enqueue($node, 'postgres', 'defers', $n++);
like(result_of($node, 'postgres', $deferred), qr/^failed 1 23505 duplicate key value violates unique constraint "later_n_key"/, 'a deferred constraint that fails is the failure of the tool');
is(state_of($node, 'postgres', $deferred), 'failed', 'its proposal has failed');
is($node->safe_psql('postgres', "SELECT count(*) FROM app.ran WHERE execution_id = $deferred"), 0, 'and it has left nothing');
$node->safe_psql('postgres', q{SELECT setval('app.calls', 1, false)});
$node->safe_psql('postgres', 'GRANT USAGE ON SEQUENCE app.calls TO tool_runner');
is(result_of($node, 'postgres', enqueue($node, 'postgres', 'conflicts', $n++)), 'succeeded 2', 'a deferred trigger that raises a retryable error is tried again');

# Timeouts

foreach my $tool ('sleeps', 'swallows')
{
	my @executions = map { enqueue($node, 'postgres', $tool, $n++) } 1 .. 3;
	my $neighbour = enqueue($node, 'postgres', 'quick', $n++);
	like(result_of($node, 'postgres', $_), qr/^failed 1 57014/, "$tool: a timeout is recorded") for @executions;
	is(state_of($node, 'postgres', $_), 'failed', "$tool: the proposal has failed") for @executions;
	is(starts_of($node, $_), 1, "$tool: it was started once") for @executions;
	is(audited($executions[0]), 'enqueue_action 1, execute_action 1', "$tool: the log has one attempt");
	is(result_of($node, 'postgres', $neighbour), 'succeeded 1', "$tool: a neighbour runs");
	my $ids = join ', ', map { approved_call($node, 'postgres', $tool, $n++) } 1 .. 2;
	is($node->safe_psql('postgres', qq{
		SELECT string_agg(r->'error'->>'sqlstate', ' ') FROM jsonb_array_elements(workflow_orch.execute_parallel((SELECT jsonb_agg(jsonb_build_object('proposal_id', p)) FROM unnest(ARRAY[$ids]) p), 1)) r}),
		'57014 57014', "$tool: the same in a batch");
}

# A tool that ends its own worker.
my $suicide = enqueue($node, 'postgres', 'kills_itself', $n++);
like(result_of($node, 'postgres', $suicide), qr/^failed 1 57P01 the worker was terminated 2 times while the call ran It ended with: terminating .* due to administrator command\. It had sent the signal to itself\. The limit is the setting workflow_orch\.max_crashes\.$/,
	'a tool that terminates its worker has failed after max_crashes, and the result says what ended it');
is($node->safe_psql('postgres', "SELECT result->'error'->>'reason' FROM workflow_orch.execution WHERE execution_id = $suicide AND status = 'failed'"), 'wfo_worker_ended', 'and has a reason code');
is(state_of($node, 'postgres', $suicide), 'failed', 'and so does its proposal');
is(starts_of($node, $suicide), 2, 'after as many tries as it says');

# Somebody else ends its workers, or a setting of its own.
my $ended = enqueue($node, 'postgres', 'stays', $n++);
foreach (1, 2)
{
	my $worker = worker_of($node, 'postgres', $ended);
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($worker, 60000)");
}
like(result_of($node, 'postgres', $ended), qr/^failed 1 57P01 .* Process \d+ had sent the signal\./, 'so has one whose workers somebody else terminates');

# Terminations from outside, workers and launcher, under load.
$node->append_conf('postgresql.conf', 'workflow_orch.max_crashes = 20');
$node->reload;
my $from = $n;
$n += 400;
foreach my $i (0 .. 9)
{
	enqueue_many($node, 'postgres', $i % 2 ? 'quick' : 'gate', $from + 40 * $i, $from + 40 * $i + 39);
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'workflow_orch worker' AND random() < 0.5});
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type IN ('workflow_orch launcher', 'workflow_orch keeper')}) if $i % 3 == 0;
}
queue_is_empty($node, 'postgres', 'after terminations');
is($node->safe_psql('postgres', "SELECT count(*) FROM app.ran WHERE n >= $from"), 400, 'after terminations: every call has run once');
is($node->safe_psql('postgres', q{SELECT max(attempt) FROM workflow_orch.execution e JOIN workflow_orch.proposal p USING (proposal_id) WHERE tool IN ('quick', 'gate')}), 1, 'at its first attempt');

# The launcher is gone for a second: what has a worker goes on, and the rest is
# not forgotten.
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE backend_type LIKE 'workflow_orch%'});
is(result_of($node, 'postgres', enqueue($node, 'postgres', 'quick', $n++)), 'succeeded 1', 'a new launcher takes up what was enqueued without one');

done_testing();
