# Calls in a session that catch every cancel: they end after the time of grace,
# whatever they do, and have failed.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

my $node = new_node('main', settings => "log_statement = none\nworkflow_orch.timeout_grace = 100ms\nmax_prepared_transactions = 2\n");
install($node, 'postgres');

# Each goes on for ever, in its own way.
my %ways = (
	loop => 'LOOP BEGIN PERFORM pg_sleep(1); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP;',
	all_errors => 'LOOP BEGIN PERFORM pg_sleep(1); EXCEPTION WHEN OTHERS OR query_canceled OR assert_failure THEN PERFORM 1; END; END LOOP;',
	nested => 'LOOP BEGIN LOOP BEGIN PERFORM pg_sleep(1); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(1); END; END LOOP;',
	recursion => 'BEGIN PERFORM pg_sleep(1); EXCEPTION WHEN query_canceled THEN PERFORM app.recursion(n); END; PERFORM app.recursion(n);',
	computes => 'LOOP BEGIN LOOP n := n; END LOOP; EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP;',
	other_error => 'LOOP BEGIN BEGIN PERFORM pg_sleep(1); EXCEPTION WHEN query_canceled THEN RAISE division_by_zero; END; EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP;',
	dynamic => q{LOOP BEGIN EXECUTE 'SELECT pg_sleep(1)'; EXCEPTION WHEN SQLSTATE '57014' THEN NULL; END; END LOOP;},
	last_one => 'BEGIN PERFORM pg_sleep(100); EXCEPTION WHEN query_canceled THEN BEGIN PERFORM pg_sleep(100); EXCEPTION WHEN query_canceled THEN BEGIN PERFORM pg_sleep(100); EXCEPTION WHEN query_canceled THEN NULL; END; END; END; RETURN n;');
foreach my $way (sort keys %ways)
{
	$node->safe_psql('postgres', qq{
		CREATE FUNCTION app.$way(n int) RETURNS int LANGUAGE plpgsql AS \$\$ BEGIN INSERT INTO app.effect VALUES (n); $ways{$way} END \$\$;
		SELECT workflow_orch.register_tool('$way', 'app.$way(int)', run_as => 'tool_runner', preview => true, dry_run_mode => 'rollback');
		SELECT workflow_orch.register_tool('short_$way', 'app.$way(int)', run_as => 'tool_runner', timeout => '50 ms', preview => true, dry_run_mode => 'rollback')});
}

sub facts
{
	my ($id) = @_;
	return $node->safe_psql('postgres', "SELECT status, event, (SELECT count(*) FROM app.effect),
			(SELECT string_agg(concat_ws(' ', e.status, dry_run, result #>> '{error,sqlstate}', result #>> '{error,detail}'), ',') FROM workflow_orch.execution e WHERE e.proposal_id = p.proposal_id),
			(SELECT string_agg(concat_ws(' ', details ->> 'status', details #>> '{error,sqlstate}', details #>> '{error,detail}'), ',') FROM workflow_orch.audit_log l WHERE l.proposal_id = p.proposal_id AND action = 'execute_action')
		FROM workflow_orch.proposal p WHERE proposal_id = $id");
}
sub logged_since
{
	my ($offset) = @_;
	return substr(slurp_file($node->logfile), $offset);
}
# What a session said when it was ended.
sub last_words
{
	my ($session) = @_;
	$session->{run}->finish;
	return $session->{out};
}
my $went_on = 'It caught the cancel and went on, and was ended.';
my $with_session = 'It caught the cancel and went on, and was ended with its session.';

# The tool's timeout: the call ends, and nothing else.
foreach my $way (sort keys %ways)
{
	my $id = approved($node, 'postgres', "short_$way", 1);
	my $offset = -s $node->logfile;
	is($node->safe_psql('postgres', "SET statement_timeout = '30 s'; BEGIN; SELECT result #>> '{error,message}' FROM workflow_orch.execute_action($id, 3); SELECT 'goes on'; COMMIT"),
		"canceled after the timeout of 50 ms\ngoes on", "$way: a call past its timeout ends, its session goes on");
	is(facts($id), "failed|fail|0|failed f 57014 $went_on|failed 57014 $went_on", "$way: it has failed, and both execution and audit log say how");
	like(logged_since($offset), qr/LOG:  execution \d+ of proposal $id went on after its timeout and was ended/, "$way: as the server's log does");
}
is($node->safe_psql('postgres', 'SET statement_timeout = 0; SELECT pg_sleep(0.3)'), '', 'no timer is left');

# The caller is canceled: the session ends with the call.
my $running = q{FROM pg_stat_activity WHERE query LIKE '%execute_action%' AND pid <> pg_backend_pid()};
foreach my $way ('last_one', 'nested', 'other_error', 'recursion')
{
	my $id = approved($node, 'postgres', $way, 1);
	my $offset = -s $node->logfile;
	my ($rc, $out, $err) = $node->psql('postgres', "SET statement_timeout = '300 ms'; SELECT workflow_orch.execute_action($id, 3); SELECT 'goes on'");
	like($err, qr/FATAL:  terminating connection because a call went on after it was canceled/, "$way: a call that outlives statement_timeout ends with its session");
	is(facts($id), "failed|fail|0|failed f 57014 $with_session|failed 57014 $with_session", "$way: it has failed all the same, and both execution and audit log say how");
	like(logged_since($offset), qr/LOG:  execution \d+ of proposal $id was ended with its session and has failed.*It caught the cancel and went on for 100 ms after its caller was canceled\./s, "$way: as the server's log does");
	is($node->safe_psql('postgres', "SELECT workflow_orch.retry_action($id, 2)"), 'approved', "$way: it can be retried");
}

my $caller = session($node, 'postgres');
my $id = approved($node, 'postgres', 'loop', 1);
start_query($caller, "CREATE TEMP TABLE mine (n int); BEGIN; INSERT INTO mine VALUES (1); DECLARE c CURSOR WITH HOLD FOR SELECT 1; DECLARE d CURSOR FOR SELECT 1; INSERT INTO app.effect VALUES (7); SAVEPOINT s; SELECT workflow_orch.execute_action($id, 3)");
wait_for($node, 'postgres', "SELECT count(*) = 1 $running AND wait_event = 'PgSleep'");
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) $running");
like(last_words($caller), qr/FATAL:  terminating connection because a call went on/, 'so does one after pg_cancel_backend, in a session with temporary tables and open cursors');
is(facts($id), "failed|fail|0|failed f 57014 $with_session|failed 57014 $with_session", 'what else the transaction did is undone');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_class WHERE relname = 'mine'}), '0', 'the temporary table goes with the session');

# A cancel and a timeout.
$id = approved($node, 'postgres', 'short_loop', 1);
like(error_of($node, 'postgres', "SET statement_timeout = '120 ms'; SELECT workflow_orch.execute_action($id, 3)"), qr/terminating connection/, 'a cancel after the timeout is a cancel');
like(facts($id), qr/^failed\|fail\|0\|failed f 57014 \Q$with_session\E/, 'and the call has failed');

# Code that can go on though it is canceled at every check for interrupts, as that
# of some languages can.
my $dir = PostgreSQL::Test::Utils::tempdir;
append_to_file("$dir/catcher.c", q{
#include "postgres.h"
#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/resowner.h"
PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(catch_all);
Datum
catch_all(PG_FUNCTION_ARGS)
{
	for (;;)
	{
		MemoryContext context = CurrentMemoryContext;
		ResourceOwner owner = CurrentResourceOwner;

		BeginInternalSubTransaction(NULL);
		PG_TRY();
		{
			CHECK_FOR_INTERRUPTS();
			pg_usleep(1000);
			ReleaseCurrentSubTransaction();
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(context);
			FlushErrorState();
			RollbackAndReleaseCurrentSubTransaction();
		}
		PG_END_TRY();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_RETURN_NULL();
}
});
my ($include) = run_command([ $ENV{PG_CONFIG} // 'pg_config', '--includedir-server' ]);
run_log([ $ENV{CC} // 'gcc', '-shared', '-fPIC', "-I$include", '-o', "$dir/catcher.so", "$dir/catcher.c" ]) or die 'could not compile the catcher';
$node->safe_psql('postgres', qq{
	CREATE FUNCTION app.catch_all(n int) RETURNS int LANGUAGE c AS '$dir/catcher';
	SELECT workflow_orch.register_tool('catch_all', 'app.catch_all(int)', run_as => 'tool_runner');
	SELECT workflow_orch.register_tool('short_catch_all', 'app.catch_all(int)', run_as => 'tool_runner', timeout => '50 ms')});
$id = approved($node, 'postgres', 'short_catch_all', 1);
like(error_of($node, 'postgres', "SELECT workflow_orch.execute_action($id, 3)"), qr/FATAL: .*terminating connection due to administrator command/s, 'what cannot be unwound ends with its session at its timeout, too');
is(facts($id), "failed|fail|0|failed f 57014 $with_session|failed 57014 $with_session", 'and has failed');
is($node->safe_psql('postgres', "SELECT result #>> '{error,message}' FROM workflow_orch.execution WHERE proposal_id = $id"), 'canceled after the timeout of 50 ms', 'by its timeout');
$id = approved($node, 'postgres', 'catch_all', 1);
like(error_of($node, 'postgres', "SET statement_timeout = '300 ms'; SELECT workflow_orch.execute_action($id, 3)"), qr/FATAL: .*terminating connection due to administrator command/s, 'and after a cancel');
is(facts($id), "failed|fail|0|failed f 57014 $with_session|failed 57014 $with_session", 'and has failed');

# What cannot be recorded: an approval that is undone with the rest.
$id = propose($node, 'postgres', 'loop', 1);
my $offset = -s $node->logfile;
like(error_of($node, 'postgres', "SET statement_timeout = '300 ms'; BEGIN; SELECT workflow_orch.review_action($id, 2, 'approve'); SELECT workflow_orch.execute_action($id, 3)"), qr/terminating connection/,
	'a call of an approval that is not committed ends as well');
is($node->safe_psql('postgres', "SELECT status, (SELECT count(*) FROM workflow_orch.execution e WHERE e.proposal_id = p.proposal_id) FROM workflow_orch.proposal p WHERE proposal_id = $id"), 'pending|0',
	'its proposal is pending, as before');
like(logged_since($offset), qr/of proposal $id was ended with its session, which could not be recorded/s, 'and the log says that nothing else tells of it');

# Another session holds our tables.
$id = approved($node, 'postgres', 'loop', 1);
my $locker = session($node, 'postgres');
$caller = session($node, 'postgres');
start_query($caller, "SELECT workflow_orch.execute_action($id, 3)");
wait_for($node, 'postgres', "SELECT count(*) = 1 $running AND wait_event = 'PgSleep'");
start_query($locker, 'BEGIN; LOCK TABLE workflow_orch.audit_log');
answer($locker);
$offset = -s $node->logfile;
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) $running");
like(last_words($caller), qr/FATAL/, 'a lock on our tables does not keep the session');
wait_for($node, 'postgres', "SELECT count(*) = 0 $running");
like(logged_since($offset), qr/of proposal $id was ended with its session, which could not be recorded/s, 'the log says that the failure could not be recorded');
start_query($locker, 'ROLLBACK');
answer($locker);
is($node->safe_psql('postgres', "SELECT status FROM workflow_orch.proposal WHERE proposal_id = $id"), 'approved', 'and the proposal is still approved');

# Settings of the caller that are not for the record.
like(error_of($node, 'postgres', "SET statement_timeout = '300 ms'; SET default_transaction_read_only = on; SET default_transaction_isolation = 'serializable'; BEGIN READ WRITE; SELECT workflow_orch.execute_action($id, 3)"),
	qr/terminating connection/, 'a session whose transactions are read only');
is(facts($id), "failed|fail|0|failed f 57014 $with_session|failed 57014 $with_session", 'has its failure recorded, too');

# Another end of the session is no failure.
$id = approved($node, 'postgres', 'loop', 1);
$caller = session($node, 'postgres');
start_query($caller, "SELECT workflow_orch.execute_action($id, 3)");
wait_for($node, 'postgres', "SELECT count(*) = 1 $running AND wait_event = 'PgSleep'");
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) $running");
like(last_words($caller), qr/FATAL:  terminating connection due to administrator command/, 'a session that an administrator ends');
is($node->safe_psql('postgres', "SELECT status, (SELECT count(*) FROM workflow_orch.execution e WHERE e.proposal_id = p.proposal_id) FROM workflow_orch.proposal p WHERE proposal_id = $id"), 'approved|0',
	'leaves the proposal approved: the call was undone, and had not outlived anything');

# Break glass, dry runs, previews, the conversion of params.
$id = propose($node, 'postgres', 'loop', 1);
like(error_of($node, 'postgres', "SET statement_timeout = '300 ms'; SELECT workflow_orch.break_glass_execute($id, 3, 'fire')"), qr/terminating connection/, 'a break glass ends with its session');
is($node->safe_psql('postgres', "SELECT p.status, event, status_reason, b.reason, e.status, result ->> 'break_glass', (SELECT count(*) FROM workflow_orch.audit_log l WHERE l.proposal_id = p.proposal_id AND action = 'break_glass_execute')
	FROM workflow_orch.proposal p JOIN workflow_orch.execution e USING (proposal_id) JOIN workflow_orch.break_glass b USING (execution_id) WHERE p.proposal_id = $id"), 'failed|break_glass|fire|fire|failed|true|1', 'and is marked as one');
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(dry_run => true)});
$id = approved($node, 'postgres', 'loop', 1);
like(error_of($node, 'postgres', "SET statement_timeout = '300 ms'; SELECT workflow_orch.execute_action($id, 3)"), qr/terminating connection/, 'a dry run that runs the call');
like(facts($id), qr/^approved\|approve\|0\|failed t 57014 \Q$with_session\E\|/, 'is recorded, and leaves the proposal approved');
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(dry_run => false)});
$id = propose($node, 'postgres', 'loop', 1);
like(error_of($node, 'postgres', "SET statement_timeout = '300 ms'; SELECT workflow_orch.preview_action($id, 3)"), qr/^57014 canceling statement due to/, 'a preview ends, and its session goes on');
$id = propose($node, 'postgres', 'short_loop', 1);
is($node->safe_psql('postgres', "SELECT workflow_orch.preview_action($id, 3) #>> '{error,detail}'"), $went_on, 'as at its timeout');
$node->safe_psql('postgres', q{
	CREATE FUNCTION app.stuck(n int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN LOOP BEGIN PERFORM pg_sleep(1); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$;
	CREATE DOMAIN app.sticky AS int CHECK (app.stuck(VALUE));
	CREATE FUNCTION app.takes(n app.sticky) RETURNS int LANGUAGE sql RETURN n;
	SELECT workflow_orch.register_tool('takes', 'app.takes(app.sticky)', run_as => 'tool_runner', timeout => '50 ms')});
like(error_of($node, 'postgres', q{SELECT workflow_orch.propose_action(1, 1, 'takes', '{"n": 1}', 'reason')}), qr/canceled after the timeout of 50 ms/, 'so does the conversion of params');
$node->safe_psql('postgres', q{SELECT workflow_orch.update_tool('takes', timeout => '0')});
like(error_of($node, 'postgres', q{SET statement_timeout = '300 ms'; SELECT workflow_orch.propose_action(1, 1, 'takes', '{"n": 1}', 'reason')}), qr/^57014/, 'also after a cancel of the caller');

# A cancel that the call turns into an error of its own is one all the same.
$node->safe_psql('postgres', q{
	CREATE FUNCTION app.turns(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(100); EXCEPTION WHEN query_canceled THEN RAISE division_by_zero; END $$;
	SELECT workflow_orch.register_tool('turns', 'app.turns(int)', run_as => 'tool_runner')});
$id = approved($node, 'postgres', 'turns', 1);
like(error_of($node, 'postgres', "SET statement_timeout = '300 ms'; SELECT workflow_orch.execute_action($id, 3)"), qr/^57014 canceling statement due to user request/, 'a cancel turned into another error is raised as a cancel');
is($node->safe_psql('postgres', "SELECT status FROM workflow_orch.proposal WHERE proposal_id = $id"), 'approved', 'and leaves the proposal approved');

is($node->safe_psql('postgres', 'SELECT * FROM workflow_orch.verify_audit_log()'), '', 'the audit log agrees with the tables');

# Listeners are told, and the extension may go away meanwhile.
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(notify => true)});
my $listener = session($node, 'postgres');
start_query($listener, 'LISTEN workflow_orch');
answer($listener);
$id = approved($node, 'postgres', 'loop', 1);
error_of($node, 'postgres', "SET statement_timeout = '300 ms'; SELECT workflow_orch.execute_action($id, 3)");
start_query($listener, 'SELECT 1');
like(answer($listener), qr/"proposal_id": $id, [^}]*"status": "failed"/, 'listeners are told of the failure');
$id = approved($node, 'postgres', 'loop', 1);
$caller = session($node, 'postgres');
start_query($caller, "SELECT workflow_orch.execute_action($id, 3)");
wait_for($node, 'postgres', "SELECT count(*) = 1 $running AND wait_event = 'PgSleep'");
start_query($locker, 'DROP EXTENSION workflow_orch');
wait_for($node, 'postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE 'DROP%' AND wait_event_type IS NOT NULL");
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) $running");
like(last_words($caller), qr/FATAL/, 'a session ends while the extension is being dropped');
unlike(answer($locker), qr/ERROR/, 'which goes on');
end_session($listener);
unlike(slurp_file($node->logfile), qr/terminated by signal|trying to delete portal/, 'nothing has crashed');
end_session($_) for $locker;
done_testing();
