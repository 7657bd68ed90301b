# What no longer may run when its turn comes does not, and its execution says why.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use Workers;

my $node = new_node('main', settings => "max_worker_processes = 16\nworkflow_orch.poll_interval = 1s\n");
install_workers($node, 'postgres');
$node->safe_psql('postgres', q{
	CREATE ROLE other LOGIN;
	GRANT SELECT, INSERT ON app.ran TO other;
	GRANT SELECT ON app.doomed TO other;
	SELECT workflow_orch.register_tool('as_other', 'app.quick(int)', 'other')});
my $n = 1;

# Enqueues a call, does something to what it rests on before that is committed,
# and looks what becomes of it: with an idle worker at hand, and, where that makes a
# difference, without any.
sub refused
{
	my ($what, $tool, $change, $undo, $result, $state, @without) = @_;
	foreach my $warm (1, @without)
	{
		my $how = $warm ? 'a warm worker' : 'no worker';
		$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE backend_type = 'workflow_orch worker'}) if !$warm;
		is(result_of($node, 'postgres', enqueue($node, 'postgres', $tool, $n++)), 'succeeded 1', "$what, $how: before") if $warm;
		my $params = sprintf '{"n": %d}', $n++;
		my ($execution) = split /\n/, $node->safe_psql('postgres', "BEGIN; SELECT app.enqueue('$tool', '$params'); $change; COMMIT");
		my $proposal = $node->safe_psql('postgres', "SELECT proposal_id FROM workflow_orch.execution WHERE execution_id = $execution");
		like(result_of($node, 'postgres', $execution), $result, "$what, $how: it does not run and says why");
		is(state_of($node, 'postgres', $execution), $state, "$what, $how: its proposal is $state");
		is($node->safe_psql('postgres', "SELECT count(*) FROM app.ran WHERE execution_id = $execution"), 0, "$what, $how: it has not run");
		is(starts_of($node, $execution), 0, "$what, $how: nor was it started");
		$node->safe_psql('postgres', $undo);
		if ($state eq 'approved')
		{
			my $again = $node->safe_psql('postgres', "SELECT workflow_orch.enqueue_action($proposal, 1)");
			is(result_of($node, 'postgres', $again), 'succeeded 1', "$what, $how: it runs when that is undone");
		}
	}
	agrees($node, 'postgres', $what);
	return;
}

refused('function replaced', 'quick',
	q{CREATE OR REPLACE FUNCTION app.quick(n int) RETURNS int LANGUAGE sql AS $$ SELECT app.note(n) + 0 $$},
	q{CREATE OR REPLACE FUNCTION app.quick(n int) RETURNS int LANGUAGE sql AS $$ SELECT app.note(n) $$},
	qr/^failed 0 55000 tool "quick" /, 'approved');
refused('tool disabled', 'quick', q{SELECT workflow_orch.set_tool_enabled('quick', false)}, q{SELECT workflow_orch.set_tool_enabled('quick', true)},
	qr/^failed 0 55000 tool "quick" is disabled/, 'approved');
refused('another role', 'quick', q{SELECT workflow_orch.update_tool('quick', run_as => 'other')}, q{SELECT workflow_orch.update_tool('quick', run_as => 'tool_runner')},
	qr/^failed 0 55000 /, 'approved', 0);
refused('no EXECUTE', 'quick', 'REVOKE EXECUTE ON FUNCTION app.quick(int) FROM PUBLIC', 'GRANT EXECUTE ON FUNCTION app.quick(int) TO PUBLIC',
	qr/^failed 0 42501 role "tool_runner" may not execute function/, 'approved');
refused('no LOGIN', 'quick', 'ALTER ROLE tool_runner NOLOGIN', 'ALTER ROLE tool_runner LOGIN',
	qr/^failed 0 55000 no background worker can .*log in/, 'approved', 0) if $node->safe_psql('postgres', 'SHOW server_version_num') < 170000;
refused('no CONNECT', 'quick', 'REVOKE CONNECT ON DATABASE postgres FROM PUBLIC', 'GRANT CONNECT ON DATABASE postgres TO PUBLIC',
	qr/^failed 0 55000 no background worker can .*CONNECT/, 'approved', 0);
refused('superuser', 'quick', 'ALTER ROLE tool_runner SUPERUSER', 'ALTER ROLE tool_runner NOSUPERUSER',
	qr/^failed 0 42501 a tool cannot run as a superuser/, 'approved', 0);
refused('withdrawn', 'quick', q{SELECT workflow_orch.withdraw_proposal(proposal_id, 1, 'no need') FROM workflow_orch.queue}, '',
	qr/^cancelled 0 57014 canceled before it started/, 'withdrawn');
refused('edited', 'quick', q{SELECT workflow_orch.review_action(proposal_id, 2, 'edit', jsonb_build_object('n', -proposal_id)) FROM workflow_orch.queue}, '',
	qr/^cancelled 0 57014 canceled before it started/, 'approved');
refused('cancelled', 'quick', q{SELECT workflow_orch.cancel_execution(execution_id, 1, 'not now') FROM workflow_orch.queue}, '',
	qr/^cancelled 0 57014 canceled before it started Actor 1, through login "postgres", canceled it: not now$/, 'approved');

# A role that is renamed while a call of it waits is the same role.
{
	my ($execution) = split /\n/, $node->safe_psql('postgres', sprintf q{BEGIN; SELECT app.enqueue('as_other', '{"n": %d}'); ALTER ROLE other RENAME TO another; COMMIT}, $n++);
	is(result_of($node, 'postgres', $execution), 'succeeded 1', 'a call of a role that was renamed runs');
	is($node->safe_psql('postgres', q{SELECT run_as, former_run_as FROM workflow_orch.tool WHERE tool = 'as_other'}), 'another|{other}', 'and the tool has the new name');
	is(result_of($node, 'postgres', enqueue($node, 'postgres', 'as_other', $n++)), 'succeeded 1', 'so do the next ones');
	$node->safe_psql('postgres', 'ALTER ROLE another RENAME TO other');
	is(result_of($node, 'postgres', enqueue($node, 'postgres', 'as_other', $n++)), 'succeeded 1', 'also under the first name again');
	agrees($node, 'postgres', 'role renamed');
}

# An approval that ends before the call is due.
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(approval_ttl => '500 ms')});
my $expired = enqueue($node, 'postgres', 'quick', $n++, '1 s');
like(result_of($node, 'postgres', $expired), qr/^cancelled 0 57014 canceled before it started/, 'expired: it does not run and says why');
is($node->safe_psql('postgres', "SELECT count(*) FROM app.ran WHERE execution_id = $expired"), 0, 'expired: it has not run');
wait_for($node, 'postgres', "SELECT p.status = 'expired' FROM workflow_orch.proposal p JOIN workflow_orch.execution e USING (proposal_id) WHERE execution_id = $expired");
agrees($node, 'postgres', 'expired');
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(approval_ttl => '0')});

# A frozen call waits, and runs after the freeze.
my $frozen_params = sprintf '{"n": %d}', $n++;
my ($frozen) = split /\n/, $node->safe_psql('postgres', qq{
	BEGIN;
	SELECT app.enqueue('quick', '$frozen_params');
	SELECT workflow_orch.add_freeze('quarter end', now() - interval '1 h', now() + interval '2 s');
	COMMIT});
is(result_of($node, 'postgres', $frozen), 'succeeded 1', 'a frozen call runs after the freeze');
is($node->safe_psql('postgres', qq{
	SELECT e.started_at >= f.ends_at FROM workflow_orch.execution e, workflow_orch.freeze_window f WHERE execution_id = $frozen}), 't', 'and not before');

# The workflow is cancelled.
my $of_workflow = enqueue($node, 'postgres', 'quick', $n++, '1 h');
$node->safe_psql('postgres', q{SELECT workflow_orch.cancel_workflow(1, 1, 'over')});
like(result_of($node, 'postgres', $of_workflow), qr/^cancelled 0 57014/, 'a queued call of a cancelled workflow is cancelled');
is(state_of($node, 'postgres', $of_workflow), 'cancelled', 'with its proposal');
$node->safe_psql('postgres', q{SELECT workflow_orch.start_workflow('More', 1)});

# The role is dropped, with and without a worker of it.
foreach my $warm (1, 0)
{
	my $how = $warm ? 'a warm worker' : 'no worker';
	$node->safe_psql('postgres', q{
		CREATE ROLE temporary LOGIN;
		GRANT SELECT, INSERT ON app.ran TO temporary;
		SELECT workflow_orch.register_tool('} . "dropped_$warm" . q{', 'app.quick(int)', 'temporary')});
	my $before = $warm ? enqueue($node, 'postgres', "dropped_$warm", $n++) : 0;
	is(result_of($node, 'postgres', $before), 'succeeded 1', "role dropped, $how: before") if $warm;
	my $last = $n + 2;
	my @executions = split /\n/, $node->safe_psql('postgres', qq{
		BEGIN;
		SELECT app.enqueue('dropped_$warm', jsonb_build_object('n', n)) FROM generate_series($n, $last) n;
		DROP OWNED BY temporary;
		DROP ROLE temporary;
		COMMIT});
	$n += 3;
	foreach my $execution (@executions)
	{
		like(result_of($node, 'postgres', $execution), qr/^failed 0 55000 /, "role dropped, $how: it does not run and says why");
		is(state_of($node, 'postgres', $execution), 'approved', "role dropped, $how: its proposal is approved");
	}
	agrees($node, 'postgres', "role dropped, $how");
}
is(result_of($node, 'postgres', enqueue($node, 'postgres', 'quick', $n++)), 'succeeded 1', 'calls of other roles run');

# The worker of a dropped role leaves, even if it has a call.
sub workers_of
{
	my ($role) = @_;
	return "FROM pg_stat_activity WHERE backend_type = 'workflow_orch worker' AND usename IS NOT DISTINCT FROM " . (defined $role ? "'$role'" : 'NULL');
}
$node->safe_psql('postgres', q{
	CREATE ROLE leaver LOGIN;
	GRANT SELECT, INSERT ON app.ran TO leaver;
	GRANT SELECT ON app.doomed TO leaver;
	SELECT workflow_orch.register_tool('leaves', 'app.gate(int)', 'leaver', max_attempts => 3)});
is(result_of($node, 'postgres', enqueue($node, 'postgres', 'leaves', $n++)), 'succeeded 1', 'a role that will be dropped: before');
my $logged = -s $node->logfile;
my $gone = qr/^failed 0 55000 no background worker can run tool "leaves" as role "leaver" The role does not exist\./;
{
	my $holder = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
	my $running = enqueue($node, 'postgres', 'leaves', $n++);
	my $later = enqueue($node, 'postgres', 'leaves', $n++, '2 s');
	wait_busy($node, 1);
	$node->safe_psql('postgres', 'DROP OWNED BY leaver; DROP ROLE leaver');
	end_session($holder);
	like(result_of($node, 'postgres', $running), $gone, 'a role that was dropped while its call ran: the call has failed, and says why');
	is(state_of($node, 'postgres', $running), 'approved', 'and its proposal stays approved');
	wait_for($node, 'postgres', 'SELECT count(*) = 0 ' . workers_of(undef));
	pass('its worker has left');
	like(result_of($node, 'postgres', $later), $gone, 'what comes due later has failed, too');
	is($node->safe_psql('postgres', "SELECT count(*) FROM app.ran WHERE execution_id IN ($running, $later)"), 0, 'nothing of them has run');
	agrees($node, 'postgres', 'role dropped under its worker');
}
$node->safe_psql('postgres', q{
	CREATE ROLE leaver LOGIN;
	GRANT SELECT, INSERT ON app.ran TO leaver;
	GRANT SELECT ON app.doomed TO leaver;
	SELECT workflow_orch.update_tool('leaves', run_as => 'leaver')});
is(result_of($node, 'postgres', enqueue($node, 'postgres', 'leaves', $n++)), 'succeeded 1', 'a role that comes again: before');
$node->safe_psql('postgres', 'DROP OWNED BY leaver; DROP ROLE leaver');
wait_for($node, 'postgres', 'SELECT count(*) = 0 ' . workers_of(undef));
pass('an idle worker leaves when its role is dropped');
unlike(substr(slurp_file($node->logfile), $logged), qr/FATAL:  role .* does not exist/, 'and none is started as a role that is no more');

# A role that cannot connect for a moment.
foreach my $case ([ 'LOGIN', 'ALTER ROLE other NOLOGIN', 'ALTER ROLE other LOGIN' ], [ 'CONNECT', 'REVOKE CONNECT ON DATABASE postgres FROM PUBLIC', 'GRANT CONNECT ON DATABASE postgres TO PUBLIC' ])
{
	my ($what, $take, $give) = @$case;
	next if $what eq 'LOGIN' && $node->safe_psql('postgres', 'SHOW server_version_num') >= 170000;
	$node->safe_psql('postgres', q{SELECT workflow_orch.update_tool('as_other', max_attempts => 20)});
	is(result_of($node, 'postgres', enqueue($node, 'postgres', 'as_other', $n++)), 'succeeded 1', "no $what for a moment: before");
	my $params = sprintf '{"n": %d}', $n++;
	my ($execution) = split /\n/, $node->safe_psql('postgres', "BEGIN; SELECT app.enqueue('as_other', '$params'); $take; COMMIT");
	wait_for($node, 'postgres', 'SELECT count(*) = 0 ' . workers_of('other'));
	wait_for($node, 'postgres', "SELECT attempts > 0 FROM workflow_orch.queue WHERE execution_id = $execution");
	pass("no $what for a moment: the worker has left, and the call has lost an attempt");
	like($node->safe_psql('postgres', "SELECT result->'error'->>'message' FROM workflow_orch.execution WHERE execution_id = $execution"), qr/^no background worker can run tool "as_other" as role "other"/, 'it says why');
	$node->safe_psql('postgres', $give);
	like(result_of($node, 'postgres', $execution), qr/^succeeded [2-9]/, 'when the role can connect again it runs');
}

# What cannot even be recorded is not tried again every second.
$node->safe_psql('postgres', q{ALTER TABLE workflow_orch.execution ADD CONSTRAINT broken CHECK (finished_at IS NULL) NOT VALID});
my $broken = enqueue($node, 'postgres', 'quick', $n++);
$node->safe_psql('postgres', 'SELECT pg_sleep(4.5)');
cmp_ok(starts_of($node, $broken), '<=', 3, 'a call that cannot be recorded is tried again later and later');
$node->safe_psql('postgres', 'ALTER TABLE workflow_orch.execution DROP CONSTRAINT broken');
is(result_of($node, 'postgres', $broken), 'succeeded 1', 'and runs when it can be');

# Changed before a batch comes to it.
my $blocker = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
$node->append_conf('postgresql.conf', 'workflow_orch.max_workers = 1');
$node->restart;
end_session($blocker);
$blocker = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
my @ids = map { approved_call($node, 'postgres', $_, $n++) } 'gate', 'quick', 'quick', 'gate';
my $caller = session($node, 'postgres');
my $calls = join ', ', map { qq({"proposal_id": $_}) } @ids;
start_query($caller, qq{SELECT string_agg(coalesce(r->'error'->>'sqlstate', 'ok'), ' ' ORDER BY i) FROM jsonb_array_elements(workflow_orch.execute_parallel('[$calls]', 1)) WITH ORDINALITY x(r, i)});
wait_busy($node, 1);
$node->safe_psql('postgres', qq{SELECT workflow_orch.set_tool_enabled('quick', false); SELECT workflow_orch.withdraw_proposal($ids[3], 1)});
end_session($blocker);
is(answer($caller), 'ok 55000 55000 55000', 'calls of a batch that may not run any more do not, and say why');
is($node->safe_psql('postgres', 'SELECT array_agg(status ORDER BY proposal_id) FROM workflow_orch.proposal WHERE proposal_id IN (' . join(', ', @ids) . ')'),
	'{executed,approved,approved,withdrawn}', 'and their proposals stay as they are');
agrees($node, 'postgres', 'the batch');

done_testing();
