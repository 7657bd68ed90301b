# Tools with effects outside the transaction: a call that was started is never
# run a second time, whoever ends its worker or the server, and whenever.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use Workers;

my $settings = "restart_after_crash = on\nmax_worker_processes = 16\nworkflow_orch.poll_interval = 500ms\nworkflow_orch.retry_delay = 10ms\nworkflow_orch.timeout_grace = 200ms\n";
my $node = new_node('main', allows_streaming => 1, settings => $settings);
my $file = "$PostgreSQL::Test::Utils::tmp_check/outside";

# The tool outside, whose trace outlives its transaction: a line of a file.
sub install_outside
{
	my ($node) = @_;
	install_workers($node, 'postgres');
	$node->safe_psql('postgres', qq{
		CREATE FUNCTION app.remote(n int) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS \$\$
		BEGIN
			EXECUTE format('COPY (SELECT %s) TO PROGRAM \$c\$cat >>"$file"\$c\$', n);
		END \$\$;
		CREATE FUNCTION app.outside(n int) RETURNS int LANGUAGE plpgsql AS \$\$
		BEGIN
			PERFORM app.remote(n);
			PERFORM app.note(n);
			PERFORM pg_advisory_xact_lock_shared(4711);
			IF n % 10 = 9 THEN RAISE division_by_zero; END IF;
			RETURN n;
		END \$\$;
		CREATE FUNCTION app.stays(n int) RETURNS int LANGUAGE plpgsql AS \$\$
		BEGIN
			PERFORM app.remote(n);
			LOOP
				BEGIN
					PERFORM pg_sleep(600);
				EXCEPTION WHEN query_canceled THEN
				END;
			END LOOP;
		END \$\$;
		SELECT workflow_orch.register_tool('outside', 'app.outside(int)', 'tool_runner', in_session => false, rerun => false),
		       workflow_orch.register_tool('stays', 'app.stays(int)', 'tool_runner', in_session => false, rerun => false, timeout => '200 ms')});
	return;
}

# How often a call has had its effect outside.
sub effects
{
	my ($n) = @_;
	return -e $file ? scalar grep { $_ == $n } split /\n/, slurp_file($file) : 0;
}

sub may_have_happened
{
	my ($execution) = @_;
	return $node->safe_psql('postgres', "SELECT result->'may_have_happened' FROM workflow_orch.execution WHERE execution_id = $execution");
}

# What the tool's call has come to, as "status SQLSTATE proposal's status, effects".
sub outcome
{
	my ($execution, $n) = @_;
	my ($status, $attempt, $rest) = split / /, result_of($node, 'postgres', $execution);
	return join(' ', $status, $rest // '-', state_of($node, 'postgres', $execution)) . ', ' . effects($n);
}

sub is_running
{
	my ($execution) = @_;
	wait_for($node, 'postgres', "SELECT status = 'running' FROM workflow_orch.execution WHERE execution_id = $execution");
	return;
}

install_outside($node);
$node->safe_psql('postgres', 'ALTER ROLE tool_runner SET synchronous_commit = off');
my $n = 1;
my $lost = qr/was started but has not ended, and may have happened/;

{
	my $execution = enqueue($node, 'postgres', 'outside', $n);
	is(outcome($execution, $n), 'succeeded - executed, 1', 'undisturbed: it runs');
	is($node->safe_psql('postgres', qq{SELECT string_agg(action, ' ' ORDER BY audit_id) FROM workflow_orch.audit_log WHERE execution_id = $execution}),
		'enqueue_action start_execution execute_action', 'undisturbed: the log has its start');
	is(may_have_happened($execution), '', 'undisturbed: it has happened');
	$n++;
}

# Ends the worker of a call in its tool, in different ways.
my %ends = (
	'worker killed' => sub { crash($node, worker_of($node, 'postgres', $_[0])) },
	'worker terminated' => sub { $node->safe_psql('postgres', 'SELECT pg_terminate_backend(' . worker_of($node, 'postgres', $_[0]) . ')') },
	'server killed' => sub { $node->kill9; start_again($node) },
	'server stopped' => sub { $node->stop('immediate'); $node->start });
foreach my $end (sort keys %ends)
{
	my $gate = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
	my $execution = enqueue($node, 'postgres', 'outside', $n);
	wait_busy($node, 1);
	is_running($execution);
	wait_for($node, 'postgres', qq{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted});
	$ends{$end}->($execution);
	eval { end_session($gate) };
	like(result_of($node, 'postgres', $execution), $lost, "$end: the result says that it may have happened");
	is(outcome($execution, $n), 'failed 08007 failed, 1', "$end: it has failed, and does not run again");
	is(may_have_happened($execution), 'true', "$end: a member of the result says so, too");
	is($node->safe_psql('postgres', "SELECT count(*) FROM app.ran WHERE n = $n"), 0, "$end: what it did inside is undone");
	agrees($node, 'postgres', $end);
	is($node->safe_psql('postgres', "SELECT result->'error'->>'reason' FROM workflow_orch.execution WHERE execution_id = $execution"), 'wfo_may_have_happened', "$end: the result has its reason");

	# Somebody's word that it did not happen.
	my $proposal = $node->safe_psql('postgres', "SELECT proposal_id FROM workflow_orch.execution WHERE execution_id = $execution");
	$node->safe_psql('postgres', "SELECT workflow_orch.retry_action($proposal, 1)");
	my $again = $node->safe_psql('postgres', "SELECT workflow_orch.enqueue_action($proposal, 1)");
	is(outcome($again, $n), 'succeeded - executed, 2', "$end: after retry_action it runs");
	$n++;
}

# The start is durable before the tool is called, whatever the role has set: it
# waits for a standby that is not there.
{
	$node->safe_psql('postgres', q{ALTER SYSTEM SET synchronous_standby_names = 'nobody'});
	$node->reload;
	my $execution = $node->safe_psql('postgres', qq{SET synchronous_commit = local; SELECT app.enqueue('outside', '{"n": $n}')});
	my $waits = q{FROM pg_stat_activity WHERE backend_type = 'workflow_orch worker' AND wait_event = 'SyncRep'};
	wait_for($node, 'postgres', "SELECT count(*) = 1 $waits");
	is(effects($n), 0, 'killed after the start: the tool was not called');
	my $cancelled = $execution;
	$node->safe_psql('postgres', "SET synchronous_commit = local; SELECT workflow_orch.cancel_execution($cancelled, 1, 'enough')");
	is(outcome($cancelled, $n), 'cancelled 57014 approved, 0', 'cancelled after the start: the tool was not called');
	is(may_have_happened($cancelled), '', 'cancelled after the start: it has not happened');
	$n++;
	$execution = $node->safe_psql('postgres', qq{SET synchronous_commit = local; SELECT app.enqueue('outside', '{"n": $n}')});
	wait_for($node, 'postgres', "SELECT count(*) = 1 $waits");
	crash($node, $node->safe_psql('postgres', "SELECT pid $waits"));
	$node->safe_psql('postgres', 'SET synchronous_commit = local; ALTER SYSTEM RESET synchronous_standby_names');
	$node->reload;
	is(outcome($execution, $n), 'failed 08007 failed, 0', 'killed after the start: it does not run');
	$n++;
}

# After the tool, before the commit.
{
	my $gate = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
	my $execution = enqueue($node, 'postgres', 'outside', $n);
	wait_busy($node, 1);
	is_running($execution);
	my $holder = hold($node, 'postgres', 'LOCK TABLE workflow_orch.audit_log IN SHARE MODE');
	end_session($gate);
	my $blocked = q{FROM pg_stat_activity WHERE backend_type = 'workflow_orch worker' AND wait_event_type = 'Lock' AND wait_event = 'relation'};
	wait_for($node, 'postgres', "SELECT count(*) = 1 $blocked");
	crash($node, $node->safe_psql('postgres', "SELECT pid $blocked LIMIT 1"));
	end_session($holder);
	is(outcome($execution, $n), 'failed 08007 failed, 1', 'killed before the commit: it does not run again');
	$n++;
}

# What is running, or has nobody to note its end yet, is left alone.
{
	my $gate = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
	my $execution = enqueue($node, 'postgres', 'outside', $n);
	is_running($execution);
	my $pid = worker_of($node, 'postgres', $execution);
	my ($proposal, $workflow) = split /\|/, $node->safe_psql('postgres', "SELECT proposal_id, workflow_id FROM workflow_orch.execution WHERE execution_id = $execution");
	my @calls = ("withdraw_proposal($proposal, 1)", "review_action($proposal, 2, 'edit', '{\"n\": 0}')", "revoke_approval($proposal, 2)", "cancel_workflow($workflow)");
	like(error_of($node, 'postgres', "SELECT workflow_orch.$_"), qr/^55P03/, "running: $_ is refused") foreach @calls;
	$node->safe_psql('postgres', 'ALTER SYSTEM SET workflow_orch.max_workers = 0');
	$node->reload;
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
	wait_for($node, 'postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)");
	end_session($gate);
	like(error_of($node, 'postgres', "SELECT workflow_orch.$_"), qr/^55P03/, "without its worker: $_ is refused") foreach @calls;
	like(error_of($node, 'postgres', "SELECT workflow_orch.$_($proposal, 1)"), qr/^55000/, "without its worker: $_ is refused") foreach qw(enqueue_action execute_action);
	is($node->safe_psql('postgres', "SELECT status FROM workflow_orch.execution WHERE execution_id = $execution"), 'running', 'without its worker: it counts as running');
	# Its role can have no worker any more: the keeper finds it.
	$node->safe_psql('postgres', 'ALTER ROLE tool_runner NOLOGIN; ALTER SYSTEM RESET workflow_orch.max_workers');
	$node->reload;
	is(outcome($execution, $n), 'failed 08007 failed, 1', 'without its worker: it has failed, though its role cannot log in');
	$node->safe_psql('postgres', 'ALTER ROLE tool_runner LOGIN');
	$n++;
}

# Cancels, timeouts and errors have an end.
{
	my $gate = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
	my $execution = enqueue($node, 'postgres', 'outside', $n);
	wait_busy($node, 1);
	is_running($execution);
	wait_for($node, 'postgres', qq{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted});
	$node->safe_psql('postgres', "SELECT workflow_orch.cancel_execution($execution, 1, 'enough')");
	is(outcome($execution, $n), 'cancelled 57014 approved, 1', 'cancelled: it stays approved');
	is(may_have_happened($execution), 'true', 'cancelled: the result says that it may have happened');
	end_session($gate);
	$n++;

	$execution = enqueue($node, 'postgres', 'stays', $n);
	is(outcome($execution, $n), 'failed 08007 failed, 1', 'timed out, and its worker ended: it does not run again');
	like(result_of($node, 'postgres', $execution), qr/It went on after its timeout/, 'timed out, and its worker ended: the result says so');
	$n++;

	$node->safe_psql('postgres', q{SELECT workflow_orch.update_tool('outside', timeout => '200 ms')});
	$gate = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
	$execution = enqueue($node, 'postgres', 'outside', $n);
	is(outcome($execution, $n), 'failed 57014 failed, 1', 'timed out: it has failed');
	is(may_have_happened($execution), 'true', 'timed out: the result says that it may have happened');
	end_session($gate);
	$node->safe_psql('postgres', q{SELECT workflow_orch.update_tool('outside', timeout => '0')});

	$n = 109;
	$execution = enqueue($node, 'postgres', 'outside', $n);
	is(outcome($execution, $n), 'failed 22012 failed, 1', 'failed: with the error of the tool');
	is(may_have_happened($execution), 'true', 'failed: the result says that it may have happened');
	$n++;
}

# What is refused has not started, and a dry run does nothing.
{
	my $execution = enqueue($node, 'postgres', 'outside', $n, '1 s');
	$node->safe_psql('postgres', q{SELECT workflow_orch.set_tool_enabled('outside', false)});
	is(outcome($execution, $n), 'failed 55000 approved, 0', 'refused: it has not run, and stays approved');
	is(may_have_happened($execution), '', 'refused: it has not happened');
	$node->safe_psql('postgres', q{SELECT workflow_orch.set_tool_enabled('outside', true), workflow_orch.set_policy(dry_run => true)});
	$execution = enqueue($node, 'postgres', 'outside', ++$n);
	is(outcome($execution, $n), 'succeeded - approved, 0', 'a dry run does nothing');
	is($node->safe_psql('postgres', qq{SELECT count(*) FROM workflow_orch.audit_log WHERE execution_id = $execution AND action = 'start_execution'}), 0, 'a dry run has no start');
	$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(dry_run => false)});
	$n++;
}

# In a batch.
{
	my $batch = sub { my ($proposal) = @_; return qq{SELECT string_agg(concat_ws(' ', r->>'success', r->'error'->>'sqlstate'), ', ')
		FROM jsonb_array_elements(workflow_orch.execute_parallel('[{"proposal_id": $proposal}]', 1)) r} };
	is($node->safe_psql('postgres', $batch->(approved_call($node, 'postgres', 'outside', $n))), 'true', 'in a batch: it runs');
	is(effects($n), 1, 'in a batch: once');
	$n++;
	foreach my $end ('worker terminated', 'worker killed')
	{
		my $gate = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
		my $proposal = approved_call($node, 'postgres', 'outside', $n);
		my $caller = session($node, 'postgres');
		start_query($caller, $batch->($proposal));
		wait_for($node, 'postgres', "SELECT count(*) = 1 FROM workflow_orch.execution WHERE proposal_id = $proposal AND status = 'running'");
		my $execution = $node->safe_psql('postgres', "SELECT execution_id FROM workflow_orch.execution WHERE proposal_id = $proposal");
		wait_for($node, 'postgres', qq{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted});
		$ends{$end}->($execution);
		eval { end_session($gate) };
		like(answer($caller), qr/^false 08007$/m, "in a batch, $end: the caller is told") if $end eq 'worker terminated';
		eval { end_session($caller) };
		is(outcome($execution, $n), 'failed 08007 failed, 1', "in a batch, $end: it does not run again");
		$n++;
	}
}
queue_is_empty($node, 'postgres', 'at the end');

# Failover: the standby has the start, and does not run the call.
{
	$node->backup('copy');
	my $standby = PostgreSQL::Test::Cluster->new('standby');
	$standby->init_from_backup($node, 'copy', has_streaming => 1);
	$standby->start;
	my $gate = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
	my $execution = enqueue($node, 'postgres', 'outside', $n);
	is_running($execution);
	wait_for($node, 'postgres', qq{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted});
	$node->wait_for_catchup($standby, 'replay', $node->lsn('flush'));
	$node->kill9;
	eval { end_session($gate) };
	$standby->promote;
	$node = $standby;
	is(outcome($execution, $n), 'failed 08007 failed, 1', 'failover: it does not run again');
}
done_testing();
