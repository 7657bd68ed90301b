# What the tests of the background workers share: a database whose tools leave
# exactly one trace for each call that ran, and ways to end processes.
package Workers;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

our @EXPORT = qw(install_workers approved_call enqueue enqueue_many enqueue_until_committed forget_standby agrees queue_is_empty hold wait_busy worker_of crash crash_at start_again crashes_noted starts_of result_of state_of);

# The extension with actors 1 (proposes) and 2 (reviews), workflow 1 and tools
# that run as tool_runner.  Each call that ran has left a row in app.ran, and
# app.starts counts how often one was started, whatever became of it.
sub install_workers
{
	my ($node, $database) = @_;
	$node->safe_psql($database, q{
		CREATE EXTENSION workflow_orch;
		DO $$ BEGIN CREATE ROLE tool_runner LOGIN; EXCEPTION WHEN duplicate_object THEN END $$;
		CREATE SCHEMA app;
		GRANT USAGE ON SCHEMA app TO PUBLIC;
		CREATE TABLE app.ran (n int PRIMARY KEY, execution_id bigint NOT NULL UNIQUE);
		CREATE TABLE app.doomed (n int);
		GRANT SELECT, INSERT ON app.ran TO tool_runner;
		GRANT SELECT ON app.doomed TO tool_runner;
		CREATE FUNCTION app.note(n int) RETURNS int LANGUAGE sql SET search_path = pg_catalog AS $$
			INSERT INTO app.ran SELECT note.n, current_setting('workflow_orch.execution_id')::bigint RETURNING n $$;
		-- Runs.
		CREATE FUNCTION app.quick(n int) RETURNS int LANGUAGE sql AS $$ SELECT app.note(n) $$;
		-- Runs when nobody holds the advisory lock 4711; stays for ever where the call is doomed.
		CREATE FUNCTION app.gate(n int) RETURNS int LANGUAGE plpgsql AS $$
		BEGIN
			PERFORM app.note(n);
			PERFORM pg_advisory_xact_lock_shared(4711);
			IF EXISTS (SELECT FROM app.doomed d WHERE d.n = gate.n) THEN
				PERFORM pg_sleep(600);
			END IF;
			RETURN n;
		END $$;
		-- Stays until it is cancelled; the other one, whatever asks it to end.  Each test registers them as it needs them.
		CREATE FUNCTION app.sleeps(n int) RETURNS int LANGUAGE plpgsql AS $$
		BEGIN
			PERFORM app.note(n);
			PERFORM pg_sleep(600);
			RETURN n;
		END $$;
		CREATE FUNCTION app.swallows(n int) RETURNS int LANGUAGE plpgsql AS $$
		BEGIN
			PERFORM app.note(n);
			LOOP
				BEGIN
					PERFORM pg_sleep(600);
				EXCEPTION WHEN query_canceled THEN
				END;
			END LOOP;
		END $$;
		SELECT workflow_orch.register_actor('dev', 'Developer');
		SELECT workflow_orch.register_actor('dba', 'DBA');
		SELECT workflow_orch.register_tool('quick', 'app.quick(int)', run_as => 'tool_runner');
		SELECT workflow_orch.register_tool('gate', 'app.gate(int)', run_as => 'tool_runner');
		SELECT workflow_orch.start_workflow('Work', 1);
		CREATE FUNCTION app.approved(tool text, params jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
		DECLARE id bigint;
		BEGIN
			SELECT proposal_id INTO id
			  FROM workflow_orch.propose_action((SELECT max(workflow_id) FROM workflow_orch.workflow WHERE status = 'active'), 1, tool, params, 'reason');
			PERFORM workflow_orch.review_action(id, 2, 'approve');
			RETURN id;
		END $$;
		CREATE FUNCTION app.enqueue(tool text, params jsonb, run_at timestamptz DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
			SELECT workflow_orch.enqueue_action(app.approved(tool, params), 1, run_at) $$;
	});
	return;
}

# A proposal that is approved.
sub approved_call
{
	my ($node, $database, $tool, $n) = @_;
	return $node->safe_psql($database, qq{SELECT app.approved('$tool', '{"n": $n}')});
}

# Enqueues a call: its execution.
sub enqueue
{
	my ($node, $database, $tool, $n, $run_at) = @_;
	$run_at = defined $run_at ? ", now() + '$run_at'" : '';
	return $node->safe_psql($database, qq{SELECT app.enqueue('$tool', '{"n": $n}'$run_at)});
}

sub enqueue_many
{
	my ($node, $database, $tool, $from, $to, $run_at) = @_;
	$run_at = defined $run_at ? ", now() + '$run_at'" : '';
	$node->safe_psql($database, qq{SELECT app.enqueue('$tool', jsonb_build_object('n', n)$run_at) FROM generate_series($from, $to) n});
	return;
}

# Enqueues a quick call that commits and then waits for a standby that is not
# there, so that nobody has heard of the commit: its execution and its process.
sub enqueue_until_committed
{
	my ($node, $database, $n) = @_;
	$node->safe_psql($database, q{ALTER SYSTEM SET synchronous_standby_names = 'nobody'});
	$node->reload;
	my $execution = $node->safe_psql($database, qq{SET synchronous_commit = local; SELECT app.enqueue('quick', '{"n": $n}')});
	my $waits = q{FROM pg_stat_activity WHERE backend_type = 'workflow_orch worker' AND wait_event = 'SyncRep'};
	wait_for($node, $database, "SELECT count(*) = 1 $waits");
	return ($execution, $node->safe_psql($database, "SELECT pid $waits"));
}

# Takes the standby out of the configuration: the wait ends with the next reload.
sub forget_standby
{
	my ($node, $database) = @_;
	$node->safe_psql($database, q{SET synchronous_commit = local; ALTER SYSTEM RESET synchronous_standby_names});
	return;
}

# Every call has run once or not at all, and rows, statuses and audit log agree.
sub agrees
{
	my ($node, $database, $what) = @_;
	is($node->safe_psql($database, q{
		SELECT 'ran but has not succeeded', n FROM app.ran r
		 WHERE NOT EXISTS (SELECT FROM workflow_orch.execution e JOIN workflow_orch.proposal p USING (proposal_id)
		                    WHERE e.execution_id = r.execution_id AND e.status = 'succeeded' AND p.status = 'executed')
		UNION ALL
		SELECT 'succeeded but has not run', e.execution_id FROM workflow_orch.execution e JOIN workflow_orch.proposal p USING (proposal_id)
		 WHERE e.status = 'succeeded' AND p.tool IN ('quick', 'gate') AND NOT EXISTS (SELECT FROM app.ran r WHERE r.execution_id = e.execution_id)
		UNION ALL
		SELECT 'is queued but not in the queue', execution_id FROM workflow_orch.execution e
		 WHERE status IN ('queued', 'running') AND NOT EXISTS (SELECT FROM workflow_orch.queue q WHERE q.execution_id = e.execution_id)
		UNION ALL
		SELECT 'is in the queue but not queued', execution_id FROM workflow_orch.queue q
		 WHERE NOT EXISTS (SELECT FROM workflow_orch.execution e WHERE e.execution_id = q.execution_id AND e.status = 'queued')
		UNION ALL
		SELECT 'was executed more than once', proposal_id FROM workflow_orch.execution WHERE status = 'succeeded' GROUP BY proposal_id HAVING count(*) > 1
		UNION ALL
		SELECT finding, coalesce(execution_id, proposal_id) FROM workflow_orch.verify_audit_log()}), '', "$what: rows, statuses and audit log agree");
	return;
}

# Waits until all enqueued calls have ended, and holds everything against each other.
sub queue_is_empty
{
	my ($node, $database, $what) = @_;
	wait_for($node, $database, 'SELECT NOT EXISTS (SELECT FROM workflow_orch.queue)');
	agrees($node, $database, $what);
	return;
}

# A session that holds something in an open transaction.
sub hold
{
	my ($node, $database, $statement) = @_;
	my $session = session($node, $database);
	start_query($session, "BEGIN; $statement");
	my $answer = answer($session);
	die $answer if $answer =~ /ERROR/;
	return $session;
}

sub wait_busy
{
	my ($node, $count) = @_;
	wait_for($node, 'postgres', "SELECT count(*) = $count FROM workflow_orch.list_workers() WHERE state = 'busy' AND execution_id IS NOT NULL");
	return;
}

# The process that runs an execution of the database, when one does.
sub worker_of
{
	my ($node, $database, $execution) = @_;
	my $query = "SELECT pid FROM workflow_orch.worker_status WHERE execution_id = $execution AND database = '$database'";
	wait_for($node, 'postgres', "SELECT count(*) = 1 FROM ($query) x");
	return $node->safe_psql('postgres', $query);
}

# kill -9: waits until the server has started again.
sub crash
{
	my ($node, $pid) = @_;
	my $ready = sub { my $count = () = slurp_file($node->logfile) =~ /ready to accept connections/g; $count };
	my $before = $ready->();
	kill('KILL', $pid) == 1 or die "process $pid is gone";
	foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return if $ready->() > $before && $node->psql('postgres', 'SELECT 1', stderr => \my $ignored) == 0;
		select(undef, undef, undef, 0.1);
	}
	die 'the server has not started again';
}

# Kills the session that runs a statement when it first writes a row of a table, and waits for the restart.
sub crash_at
{
	my ($node, $table, $statement) = @_;
	my ($holder, $writer) = map { session($node, 'postgres') } 1, 2;
	$node->safe_psql('postgres', qq{
		CREATE OR REPLACE FUNCTION public.wait_for_crash() RETURNS boolean LANGUAGE plpgsql AS \$\$ BEGIN PERFORM pg_advisory_lock(4712); RETURN true; END \$\$;
		ALTER TABLE workflow_orch.$table ADD CONSTRAINT waits CHECK (public.wait_for_crash()) NOT VALID});
	start_query($holder, 'SELECT pg_advisory_lock(4712)');
	answer($holder);
	start_query($writer, $statement);
	wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4712 AND NOT granted});
	crash($node, $node->safe_psql('postgres', q{SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 4712 AND NOT granted}));
	end_session($_) for $holder, $writer;
	$node->safe_psql('postgres', "ALTER TABLE workflow_orch.$table DROP CONSTRAINT waits");
	return;
}

# Starts a server that was ended: after kill -9 its children take a moment to notice.
sub start_again
{
	my ($node) = @_;
	foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return if $node->start(fail_ok => 1);
		$node->{_pid} = undef;
		select(undef, undef, undef, 0.1);
	}
	die 'the server does not start';
}

# How many crashes were counted against calls so far.
sub crashes_noted
{
	my ($node) = @_;
	my $count = () = slurp_file($node->logfile) =~ /the server crashed while execution/g;
	return $count;
}

# How often an execution was started, whatever became of it.
sub starts_of
{
	my ($node, $execution) = @_;
	my $count = () = slurp_file($node->logfile) =~ /execution $execution of proposal \d+ revision \d+ starts/g;
	return $count;
}

# "status attempt SQLSTATE message detail" of an execution that has ended.
sub result_of
{
	my ($node, $database, $execution) = @_;
	wait_for($node, $database, "SELECT NOT EXISTS (SELECT FROM workflow_orch.queue WHERE execution_id = $execution)");
	return $node->safe_psql($database, qq{
		SELECT concat_ws(' ', status, attempt, result->'error'->>'sqlstate', result->'error'->>'message', result->'error'->>'detail')
		  FROM workflow_orch.execution WHERE execution_id = $execution});
}

# The status of an execution's proposal.
sub state_of
{
	my ($node, $database, $execution) = @_;
	return $node->safe_psql($database, qq{
		SELECT p.status FROM workflow_orch.proposal p JOIN workflow_orch.execution e USING (proposal_id) WHERE e.execution_id = $execution});
}

1;
