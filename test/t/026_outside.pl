# What can be seen of the workers from outside: processes, views and the log.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use WorkerPool;

my $node = pool_node('main', "workflow_orch.poll_interval = 1s\nlog_statement = none\n");
$node->safe_psql('postgres', 'CREATE ROLE r1 LOGIN; CREATE ROLE r2 LOGIN; CREATE ROLE auditor LOGIN');
prepare($node, 'postgres', 'r1', 'r2');
$node->safe_psql('postgres', q{
	CREATE FUNCTION app.secret(words text, key int) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM pg_advisory_xact_lock_shared(key);
		IF words LIKE '%fail%' THEN RAISE SQLSTATE '40001' USING MESSAGE = 'no luck'; END IF;
		RETURN words;
	END $$;
	SELECT workflow_orch.register_tool('secret', 'app.secret(text, int)', run_as => 'r1', max_attempts => 2)});

my $gate = session($node, 'postgres');
hold($gate, 1);
my $offset = -s $node->logfile;
my @ids = map { calls($node, 'postgres', 'secret', qq({"words": "hidden $_", "key": 1})) } 'good', 'fail';
my @executions = enqueue($node, 'postgres', @ids);
busy($node, 'postgres', 2);

# Processes.
is($node->safe_psql('postgres', q{SELECT count(*), min(datname) FROM pg_stat_activity WHERE backend_type = 'workflow_orch launcher'}), '1|', 'there is one launcher, in no database');
is($node->safe_psql('postgres', q{SELECT string_agg(concat_ws(' ', datname, usename, application_name, state, query), ',' ORDER BY query) FROM pg_stat_activity WHERE backend_type = 'workflow_orch worker' AND state = 'active'}),
	join(',', map { "postgres r1 workflow_orch worker active execution $_: secret" } @executions), 'a worker shows its execution and tool');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'workflow_orch worker' AND query_start IS NOT NULL AND xact_start IS NOT NULL AND wait_event = 'advisory'}), '2', 'since when, and what it waits for');
like($node->safe_psql('postgres', q{SELECT string_agg(wait_event_type || ' ' || wait_event, ',') FROM pg_stat_activity WHERE backend_type = 'workflow_orch launcher'}),
	$node->pg_version >= 17 ? qr/^Extension WorkflowOrchLauncher$/ : qr/^Extension Extension$/, 'the launcher\'s wait has a name, from 17 on');
my $waiter = session($node, 'postgres');
start_query($waiter, "SELECT r->>'output' FROM workflow_orch.wait_execution($executions[0]) r");
my $caller = session($node, 'postgres');
start_query($caller, outcomes(calls($node, 'postgres', 'gate_r2', '{"key": 1}')));
my %event = (wait_execution => 'WorkflowOrchExecution', execute_parallel => 'WorkflowOrchBatch');
foreach my $call (sort keys %event)
{
	my $event = $node->pg_version >= 17 ? $event{$call} : 'Extension';
	wait_for($node, 'postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE '%$call%' AND wait_event_type = 'Extension' AND wait_event = '$event' AND pid <> pg_backend_pid()");
	pass("$call waits as $event");
}

# Views.
busy($node, 'postgres', 3);
is($node->safe_psql('postgres', q{SELECT string_agg(concat_ws(' ', database, role, state, execution_id), ',' ORDER BY execution_id) FROM workflow_orch.worker_status WHERE role = 'r1' AND state = 'busy'}),
	join(',', map { "postgres r1 busy $_" } @executions), 'worker_status has database, role, state and execution');
is($node->safe_psql('postgres', q{SELECT count(*) FROM workflow_orch.worker_status w JOIN pg_stat_activity a USING (pid) WHERE a.backend_type = 'workflow_orch worker' AND a.datname = w.database AND a.usename = w.role
	AND w.since BETWEEN a.backend_start AND clock_timestamp() AND w.state = 'busy'}), '3', 'with the process, and since when');
my ($later) = calls($node, 'postgres', 'secret', '{"words": "later", "key": 2}');
$node->safe_psql('postgres', "SELECT workflow_orch.enqueue_action($later, run_at => now() + interval '1 day')");
set_settings($node, 'workflow_orch.max_workers' => 3);
enqueue($node, 'postgres', calls($node, 'postgres', 'note_r2', '{"n": 1}', 2));
is($node->safe_psql('postgres', q{SELECT string_agg(concat_ws(' ', tool, due, scheduled, running, held, oldest_age > interval '0'), ',' ORDER BY tool) FROM workflow_orch.queue_status}),
	'note_r2 2 0 0 0 t,secret 0 1 2 0', 'queue_status has what is due, scheduled and running, and how old the oldest is');
is($node->safe_psql('postgres', "SELECT status FROM workflow_orch.execution WHERE execution_id = $executions[0]"), 'queued', 'the row of a running execution says queued');
release($gate, 1);
is(answer($waiter), 'hidden good', 'the calls end');
answer($caller);
is($node->safe_psql('postgres', "SELECT workflow_orch.wait_execution($executions[1])->'error'->>'sqlstate'"), '40001', 'one fails in its second attempt');
is($node->safe_psql('postgres', q{SELECT count, failures, duration_p50 <= duration_p95 AND duration_p95 <= duration_p99, wait_p50 >= interval '0' AND wait_p50 <= wait_p99 FROM workflow_orch.execution_stats WHERE tool = 'secret'}),
	'2|1|t|t', 'execution_stats has number, failures, run times and waits');
set_settings($node, 'workflow_orch.max_workers' => 8);
wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM workflow_orch.queue});
wait_for($node, 'postgres', q{SELECT bool_and(state = 'idle') FROM pg_stat_activity WHERE backend_type = 'workflow_orch worker'});
is($node->safe_psql('postgres', q{SELECT bool_and(state = 'idle' AND execution_id IS NULL AND database = 'postgres') FROM workflow_orch.worker_status}), 't', 'idle workers are shown as such');
like($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT wait_event_type || ' ' || wait_event, ',') FROM pg_stat_activity WHERE backend_type = 'workflow_orch worker'}),
	$node->pg_version >= 17 ? qr/^Extension WorkflowOrchIdle$/ : qr/^Extension Extension$/, 'and wait as such');

# The keeper, caught at a lock.
my $locker = session($node, 'postgres');
start_query($locker, 'BEGIN; LOCK TABLE workflow_orch.proposal');
answer($locker);
wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'workflow_orch keeper' AND wait_event_type = 'Lock' AND application_name = 'workflow_orch keeper'
	AND query IN ('marking what has expired', 'looking through the queue') AND datname = 'postgres'});
pass('a keeper shows what it does');
start_query($locker, 'COMMIT');
answer($locker);

# The log.
my $log = substr(slurp_file($node->logfile), $offset);
like($log, qr/LOG:  execution $executions[0] of proposal $ids[0] revision 1 starts: tool "secret" as role "r1"/, 'the start of a call is in the log');
my @starts = $log =~ /LOG:  execution $executions[1] of proposal $ids[1] revision 1 starts/g;
is(scalar(@starts), 2, 'each attempt is');
like($log, qr/LOG:  execution $executions[1] of proposal $ids[1] failed in attempt 1 and will be tried again/, 'so is what is tried again');
unlike($log, qr/hidden/, 'the log has no params');
unlike($log, qr/WARNING|ERROR:|FATAL/, 'and nothing that is worse than it was') or diag join "\n", grep { /WARNING|ERROR:|FATAL/ } split /\n/, $log;
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%hidden%' AND backend_type LIKE 'workflow_orch %'}), '0', 'nor has pg_stat_activity');

# Who may read them.
like(error_of($node, 'postgres', 'SELECT * FROM workflow_orch.worker_status', '-U', 'auditor'), qr/^42501/, 'worker_status is not for everybody');
$node->safe_psql('postgres', q{SELECT workflow_orch.grant_capability('auditor', 'audit')});
foreach my $view (qw(worker_status queue_status execution_stats))
{
	is(error_of($node, 'postgres', "SELECT * FROM workflow_orch.$view", '-U', 'auditor'), '', "$view is for who has the capability audit");
}
end_session($_) foreach $gate, $waiter, $caller, $locker;
done_testing();
