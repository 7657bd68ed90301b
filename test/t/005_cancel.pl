# Cancels and timeouts while a tool is at work, and the lines of the server's
# log that no rollback removes.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

my $node = new_node('main', settings => "log_statement = none\n");
install($node, 'postgres');
$node->safe_psql('postgres', q{
	CREATE FUNCTION app.stubborn(n int) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO app.effect VALUES (n);
		BEGIN
			PERFORM pg_sleep(600);
		EXCEPTION WHEN query_canceled THEN
			RETURN 'went on';
		END;
	END $$;
	CREATE FUNCTION app.patient(n int) RETURNS text LANGUAGE plpgsql SET lock_timeout = '50ms' AS $$
	BEGIN
		PERFORM pg_advisory_xact_lock(4711);
		RETURN 'locked';
	EXCEPTION WHEN lock_not_available THEN
		RETURN 'busy';
	END $$;
	SELECT workflow_orch.register_tool('patient', 'app.patient(int)', run_as => 'tool_runner');
	SELECT workflow_orch.register_tool('stubborn', 'app.stubborn(int)', run_as => 'tool_runner');
	SELECT workflow_orch.register_tool('short', 'app.slow(int)', run_as => 'tool_runner', timeout => '50 ms');
	SELECT workflow_orch.register_tool('short_stubborn', 'app.stubborn(int)', run_as => 'tool_runner', timeout => '50 ms')});

my $gate = session($node, 'postgres');
start_query($gate, 'SELECT pg_advisory_lock(4711)');
answer($gate);

# What the proposal, the effects and the records of it amount to.
sub state_of
{
	my ($id) = @_;
	return $node->safe_psql('postgres', "SELECT status, (SELECT count(*) FROM workflow_orch.execution e WHERE e.proposal_id = p.proposal_id),
		(SELECT count(*) FROM workflow_orch.audit_log l WHERE l.proposal_id = p.proposal_id AND action = 'execute_action'), (SELECT count(*) FROM app.effect)
		FROM workflow_orch.proposal p WHERE proposal_id = $id");
}

# The caller is cancelled.
my $id = approved($node, 'postgres', 'slow', 3);
my $caller = session($node, 'postgres');
start_query($caller, "SELECT workflow_orch.execute_action($id, 3)");
my $waits = q{FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted};
wait_for($node, 'postgres', "SELECT count(*) = 1 $waits");
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) $waits");
like(answer($caller), qr/ERROR:  canceling statement due to user request/, 'a cancel of the caller is the caller\'s error');
is(state_of($id), 'approved|0|0|0', 'it leaves the proposal approved, and no trace but in the log');
start_query($caller, "BEGIN; SAVEPOINT s; SELECT workflow_orch.execute_action($id, 3)");
wait_for($node, 'postgres', "SELECT count(*) = 1 $waits");
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) $waits");
answer($caller);
start_query($caller, 'ROLLBACK TO s; SELECT session_user, current_user, current_setting($$workflow_orch.proposal_id$$); COMMIT');
is(answer($caller), 'postgres|postgres|', 'after a cancel the session is the caller\'s again');
like(error_of($node, 'postgres', "SET statement_timeout = '50ms'; SELECT workflow_orch.execute_action($id, 3)"), qr/^57014 canceling statement due to statement timeout/,
	'a statement_timeout of the caller ends the call');
is(state_of($id), 'approved|0|0|0', 'and leaves the proposal approved');
like(error_of($node, 'postgres', "SET statement_timeout = '50ms'; SELECT workflow_orch.execute_action(" . approved($node, 'postgres', 'slow', 3) . ', 3)'),
	qr/^57014/, 'so it does of another');
my $after = session($node, 'postgres');
start_query($after, "SELECT workflow_orch.execute_action($id, 3)");
wait_for($node, 'postgres', "SELECT count(*) = 1 $waits");
start_query($gate, 'SELECT pg_advisory_unlock(4711)');
answer($gate);
like(answer($after), qr/""success"": true/, 'a cancelled call can be executed afterwards');
is(state_of($id), 'executed|1|1|1', 'and has run once');

# The tool's own time is up.
start_query($gate, 'SELECT pg_advisory_lock(4711)');
answer($gate);
is($node->safe_psql('postgres', "SELECT result->>'output' FROM workflow_orch.execute_action(" . approved($node, 'postgres', 'patient', 1) . ', 3)'),
	'busy', 'a lock_timeout that the tool sets and catches is no cancel of the caller');
my $short = approved($node, 'postgres', 'short', 1);
is(execute($node, 'postgres', $short), '57014', 'a tool past its timeout is a result');
is(state_of($short), 'failed|1|1|1', 'that is a recorded failure without effects');
my $stubborn = approved($node, 'postgres', 'short_stubborn', 1);
is(execute($node, 'postgres', $stubborn), '57014', 'a tool that swallows the cancel has timed out all the same');
is(state_of($stubborn), 'failed|1|1|1', 'and its effects are undone');
is($node->safe_psql('postgres', "SELECT workflow_orch.retry_action($short)"), 'approved', 'a call that timed out can be retried');
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(default_timeout => '40 ms')});
is(execute($node, 'postgres', approved($node, 'postgres', 'slow', 1)), '57014', 'the policy\'s timeout holds for tools without their own');
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(default_timeout => '0')});
is($node->safe_psql('postgres', qq{SET statement_timeout = '20s'; SELECT result->'error'->>'message' FROM workflow_orch.execute_action($short)}),
	'canceled after the timeout of 50 ms', 'the message has the timeout');
is($node->safe_psql('postgres', qq{BEGIN; SELECT result->'success' FROM workflow_orch.execute_action(} . approved($node, 'postgres', 'add', 5) . q{); SELECT pg_sleep(0.1); COMMIT}),
	"true\n", 'after a call no timer of the tool\'s remains');
start_query($gate, 'SELECT pg_advisory_unlock(4711)');
answer($gate);

# The log.  secret stands for what must not be there; the statements
# themselves are not ours to hide, so the client sends them as parameters.
$node->safe_psql('postgres', q{
	CREATE ROLE outsider LOGIN;
	SELECT workflow_orch.grant_capability('outsider', c) FROM unnest(ARRAY['propose', 'review', 'execute']) c;
	CREATE FUNCTION app.echo(words text) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		IF words LIKE '%fail%' THEN RAISE 'could not do it'; END IF;
		RETURN words;
	END $$;
	SELECT workflow_orch.register_tool('echo', 'app.echo(text)', run_as => 'tool_runner')});
sub logged
{
	my ($offset) = @_;
	return substr(slurp_file($node->logfile), $offset);
}
sub echo
{
	my ($words) = @_;
	my $new = $node->safe_psql('postgres', qq{SELECT proposal_id FROM workflow_orch.propose_action(1, 1, 'echo', '{"words": "$words"}', 'reason')});
	$node->safe_psql('postgres', "SELECT workflow_orch.review_action($new, 2, 'approve')");
	return $new;
}
my ($good, $bad, $undone) = map { echo($_) } 'secret', 'secret fail', 'secret undone';
my $dry = echo('secret dry');
my $offset = -s $node->logfile;
execute($node, 'postgres', $good);
execute($node, 'postgres', $bad);
$node->safe_psql('postgres', "BEGIN; SELECT workflow_orch.execute_action($undone, 3); ROLLBACK");
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(dry_run => true)});
$node->safe_psql('postgres', "SELECT workflow_orch.execute_action($dry, 3)");
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(dry_run => false)});
my $log = logged($offset);
foreach ([ $good, 'that succeeds' ], [ $bad, 'that fails' ], [ $undone, 'that is rolled back' ])
{
	my ($proposal, $which) = @$_;
	my @lines = $log =~ /LOG:  (execution \d+ of proposal $proposal revision 1 starts: .*)/g;
	is(scalar(@lines), 1, "the start of a call $which is in the log, once");
	like($lines[0], qr/tool "echo" as role "tool_runner" for actor 3 in database "postgres"$/, 'with the tool, its role and the actor');
}
like($log, qr/LOG:  execution \d+ of proposal $dry .*\(dry run\)/, 'the start of a dry run is in the log as such');
unlike($log, qr/secret/, 'what is logged of calls has no params');

my $open = echo('secret open');
$offset = -s $node->logfile;
foreach (
	[ "SELECT workflow_orch.withdraw_proposal($open, 2)", 'postgres', qr/proposal $open is not yours to withdraw/ ],
	[ "SELECT workflow_orch.execute_action($open, 3)", 'outsider', qr/role "outsider" may not act for actor 3/ ],
	[ q{SELECT workflow_orch.propose_action(1, 1, 'echo', '{"words": "secret"}', 'r')}, 'outsider', qr/role "outsider" may not act for actor 1/ ],
	[ q{SELECT workflow_orch.get_audit_log(1)}, 'outsider', qr/audit log of workflow 1 is not yours/ ],
	[ q{UPDATE workflow_orch.audit_log SET action = 'x'}, 'postgres', qr/UPDATE on table "workflow_orch\.audit_log" is refused/ ],
	[ q{DELETE FROM workflow_orch.review}, 'postgres', qr/DELETE on table "workflow_orch\.review" is refused/ ],
	[ q{TRUNCATE workflow_orch.audit_log}, 'postgres', qr/TRUNCATE on table "workflow_orch\.audit_log" is refused/ ],
	[ q{SELECT workflow_orch.register_tool('x', 'workflow_orch.whoami()')}, 'postgres', qr/cannot be a tool/ ])
{
	my ($call, $user, $message) = @$_;
	$offset = -s $node->logfile;
	my ($rc, $out) = $node->psql('postgres', "DO \$x\$ BEGIN EXECUTE \$y\$$call\$y\$; EXCEPTION WHEN insufficient_privilege THEN RAISE NOTICE 'caught'; END \$x\$; SELECT 'on'",
		extra_params => [ '-U', $user ]);
	is($out, 'on', "the refusal can be caught: $call");
	like(logged($offset), qr/LOG:  .*$message/, 'and is in the log all the same');
	unlike(logged($offset), qr/secret/, 'without params');
}
my $fresh = echo('secret fresh');
$offset = -s $node->logfile;
$node->psql('postgres', "BEGIN; SELECT workflow_orch.withdraw_proposal($fresh, 2); ROLLBACK");
my @lines = logged($offset) =~ /LOG:  .*not yours to withdraw/g;
is(scalar(@lines), 1, 'a refusal that is not caught is logged once as such');

# What is refused, or started and undone, in a loop does not fill the log.
sub in_a_loop
{
	my ($call, $pattern) = @_;
	$offset = -s $node->logfile;
	$node->safe_psql('postgres', "DO \$x\$ BEGIN FOR i IN 1..500 LOOP BEGIN PERFORM $call; RAISE 'undo'; EXCEPTION WHEN insufficient_privilege OR raise_exception THEN END; END LOOP; END \$x\$");
	wait_for_log($offset, $pattern);
	return logged($offset);
}
sub wait_for_log
{
	my ($from, $pattern) = @_;
	foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return if logged($from) =~ $pattern;
		select undef, undef, undef, 0.1;
	}
	return;
}
my $looped = in_a_loop('workflow_orch.withdraw_proposal(' . echo('secret loop') . ', 2)', qr/not yours to withdraw/);
is(scalar(() = $looped =~ /LOG:  .*not yours to withdraw/g), 1, 'of many refusals of a kind the log has the first');
my $again = approved($node, 'postgres', 'add', 3);
$looped = in_a_loop("workflow_orch.execute_action($again, 3)", qr/left 480 lines/);
is(scalar(() = $looped =~ /of proposal $again revision 1 starts/g), 20, 'of many starts of a proposal, too');
like($looped, qr/LOG:  left 480 lines of the kind "execution starts" out of the log/, 'with their number');

# What a tool raises as a notice is the caller's to read.
$node->safe_psql('postgres', q{
	CREATE FUNCTION app.tells(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'told %', n; RETURN n; END $$;
	SELECT workflow_orch.register_tool('tells', 'app.tells(int)', run_as => 'tool_runner')});
my (undef, undef, $notice) = $node->psql('postgres', 'SET client_min_messages = notice; SELECT workflow_orch.execute_action(' . approved($node, 'postgres', 'tells', 7) . ', 3)');
like($notice, qr/NOTICE:  told 7/, 'a notice of the tool reaches the caller');

# NOTIFY and pg_stat_activity.
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(notify => true)});
my $listener = session($node, 'postgres');
start_query($listener, 'LISTEN workflow_orch');
answer($listener);
my $told = echo('secret told');
execute($node, 'postgres', $told);
start_query($listener, 'SELECT 1');
my $notified = answer($listener);
is(join(' ', $notified =~ /"proposal_id": $told, "workflow_id": 1, "status": "(\w+)"/g), 'pending approved succeeded executed',
	'with notify each status is told to listeners, that of the execution among them');
unlike($notified, qr/secret/, 'without params');

end_session($_) for $gate, $caller, $after, $listener;
done_testing();
