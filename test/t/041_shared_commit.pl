# Calls that share the transaction of a worker: that each ends as it would by itself,
# and runs once, whatever becomes of the others.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use Workers;

my $node = new_node('main', settings => "log_min_messages = warning\nrestart_after_crash = on\nmax_worker_processes = 16\nworkflow_orch.max_workers = 1\nworkflow_orch.poll_interval = 1h\nworkflow_orch.group_time = 10s\nworkflow_orch.timeout_grace = 400ms\nworkflow_orch.retry_delay = 100ms\n");
install_workers($node, 'postgres');
acts_on($node);

# A library that lets a transaction commit only once it has been called once in it.
my $dir = PostgreSQL::Test::Utils::tempdir;
append_to_file("$dir/unsociable.c", q{
#include "postgres.h"
#include "access/xact.h"
#include "fmgr.h"
PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(unsociable);
static int calls = 0;
static void
at_end(XactEvent event, void *arg)
{
	bool too_many = calls > 1;

	calls = 0;
	if (event == XACT_EVENT_PRE_COMMIT && too_many)
		elog(ERROR, "not with others");
}
Datum
unsociable(PG_FUNCTION_ARGS)
{
	static bool registered = false;

	if (!registered)
		RegisterXactCallback(at_end, NULL);
	registered = true;
	calls++;
	PG_RETURN_VOID();
}
});
my ($include) = run_command([ $ENV{PG_CONFIG} // 'pg_config', '--includedir-server' ]);
run_log([ $ENV{CC} // 'gcc', '-shared', '-fPIC', "-I$include", '-o', "$dir/unsociable.so", "$dir/unsociable.c" ]) or die 'could not compile the library';
chmod 0755, $dir;
$node->safe_psql('postgres', "CREATE FUNCTION app.unsociable() RETURNS void LANGUAGE c AS '$dir/unsociable'");
$node->safe_psql('postgres', q{
	CREATE TABLE app.distinct_n (n int UNIQUE DEFERRABLE INITIALLY DEFERRED);
	GRANT INSERT, SELECT, DELETE ON app.distinct_n TO tool_runner;
	-- Fails, sleeps, leaves things in the session, breaks a rule for a while, ends the worker,
	-- or keeps others from committing with it.
	CREATE FUNCTION app.work(n int) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		left_behind text := to_regclass('pg_temp.left_behind');
	BEGIN
		PERFORM app.note(n);
		CASE n % 10
			WHEN 3 THEN RAISE 'three';
			WHEN 4 THEN PERFORM pg_sleep(600);
			WHEN 5 THEN CREATE TEMPORARY TABLE left_behind (n int); PERFORM lo_open(lo_create(0), 131072); PERFORM pg_advisory_lock(5), set_config('work_mem', '77kB', false);
			WHEN 6 THEN PERFORM pg_advisory_xact_lock_shared(4711);
			WHEN 7 THEN INSERT INTO app.distinct_n VALUES (1), (1); DELETE FROM app.distinct_n;
			WHEN 8 THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1);
			WHEN 9 THEN PERFORM app.unsociable();
			WHEN 2 THEN
				BEGIN
					PERFORM lo_close(0);
					RETURN 'has a descriptor';
				EXCEPTION WHEN undefined_object THEN
				END;
			ELSE NULL;
		END CASE;
		RETURN concat_ws(' ', n, left_behind, current_setting('work_mem'), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 5 AND pid = pg_backend_pid()));
	END $$;
	GRANT TEMPORARY ON DATABASE postgres TO tool_runner;
	SELECT workflow_orch.register_tool('work', 'app.work(int)', 'tool_runner', timeout => '300 ms', group_size => 100)});

# Enqueues calls in one transaction: their executions.
sub together
{
	my (@n) = @_;
	return split /\n/, sql('SELECT app.enqueue(' . q{'work', jsonb_build_object('n', n)) FROM unnest(ARRAY[} . join(',', @n) . ']) WITH ORDINALITY u (n, at) ORDER BY at');
}

# What became of executions, when all have ended: output or error.
sub ended
{
	my ($list) = join ',', @_;
	wait_for($node, 'postgres', "SELECT NOT EXISTS (SELECT FROM workflow_orch.queue WHERE execution_id IN ($list))");
	return sql(qq{
		SELECT string_agg(coalesce(result ->> 'output', concat_ws(' ', status, result -> 'error' ->> 'sqlstate', result -> 'error' ->> 'message', result -> 'error' ->> 'detail')), ', ' ORDER BY execution_id)
		  FROM workflow_orch.execution WHERE execution_id IN ($list)});
}

# How many transactions wrote the ends of executions.
sub transactions
{
	my (@executions) = @_;
	return sql(q{SELECT count(DISTINCT transaction_id) FROM workflow_orch.audit_log WHERE action = 'execute_action' AND execution_id IN (} . join(',', @executions) . ')');
}

sub traces { return sql('SELECT count(*) FROM app.ran WHERE execution_id IN (' . join(',', @_) . ')'); }

my @all = together(10, 11, 12);
is(ended(@all), '10 4MB 0, 11 4MB 0, 12 4MB 0', 'calls of a tool');
is(transactions(@all), 1, 'share a transaction');
is(traces(@all), 3, 'and each leaves its trace');
is(sql(q{SELECT count(*) FROM workflow_orch.audit_log WHERE action = 'execute_action' AND execution_id IN (} . join(',', @all) . q{) AND details ->> 'success' = 'true'}), 3, 'and its audit row');

@all = together(20, 24, 21);
is(ended(@all), '20 4MB 0, failed 57014 canceled after the timeout of 300 ms, 21 4MB 0', 'a call that times out leaves the others alone');
is(transactions(@all), 3, 'in a transaction of its own, as it may have waited because of them');
is(traces(@all), 2, 'without its own trace');

@all = together(22, 23, 25);
is(ended(@all), '22 4MB 0, failed P0001 three, 25 77kB 1', 'so does a call that fails');
is(transactions(@all), 3, 'in a transaction of its own, as it may have failed because of them');
is(traces(@all), 2, 'without its own trace');
is(sql('SELECT attempt FROM workflow_orch.execution WHERE execution_id = ' . $all[1]), 1, 'which counts as one attempt');

@all = together(27, 37);
is(ended(@all), '27 4MB 0, 37 4MB 0', 'a deferred constraint is checked at the end of a call');
is(transactions(@all), 2, 'which then runs by itself');

@all = together(35, 31, 32);
is(ended(@all), '35 77kB 1, 31 4MB 0, 32 4MB 0', 'what a call leaves in the session is gone before the next call');
is(transactions(@all), 1, 'of the same transaction');

# A commit that fails.
@all = together(40, 49, 59, 41);
is(ended(@all), '40 4MB 0, 49 4MB 0, 59 4MB 0, 41 4MB 0', 'after a commit that fails each call has its own end');
is(transactions(@all), 4, 'in a transaction of its own');
is(traces(@all), 4, 'and has left one trace');

# A worker that ends.
@all = together(60, 68, 61);
is(ended(@all[ 0, 2 ]), '60 4MB 0, 61 4MB 0', 'calls whose worker ends run again');
like(ended($all[1]), qr/^failed 57P01 the worker was terminated 2 times while the call ran/, 'the one that has ended it counts its losses');
is(transactions(@all), 3, 'each by itself');
is(traces(@all), 2, 'once');

# A cancel of a call that runs, and of one that only waits for the commit.
my $holder = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
sql(q{SELECT workflow_orch.update_tool('work', timeout => '1 min')});
@all = together(70, 76, 71);
worker_of($node, 'postgres', $all[1]);
is(sql("SELECT workflow_orch.cancel_execution($all[0], 2, 'too late')"), 'running', 'a cancel of a call that has run');
is(sql("SELECT workflow_orch.wait_execution($all[1], '300 ms') IS NULL"), 't', 'does not reach the call that runs');
is(sql("SELECT workflow_orch.cancel_execution($all[1], 2, 'stop')"), 'running', 'a cancel of that one');
is(ended(@all), '70 4MB 0, cancelled 57014 canceled while it ran Actor 2, through login "postgres", canceled it: stop, 71 4MB 0', 'leaves the others alone') or diag(ended(@all));
is(transactions(@all), 1, 'in their transaction');

# A call that waits for a transaction that waits for a call which has run.
@all = together(80, 86, 81);
worker_of($node, 'postgres', $all[1]);
end_session($holder);
is(ended(@all), '80 4MB 0, 86 4MB 0, 81 4MB 0', 'without the cancel they run');
$holder = session($node, 'postgres');
start_query($holder, 'BEGIN; SELECT pg_advisory_xact_lock(4711)');
answer($holder);
@all = together(82, 96, 92);
worker_of($node, 'postgres', $all[1]);
start_query($holder, "SELECT workflow_orch.wait_execution($all[0], '1 min') ->> 'output'; COMMIT");
like(answer($holder), qr/82 4MB 0/, 'who holds the lock that a call needs can wait for another call of its transaction');
is(ended(@all), '82 4MB 0, 96 4MB 0, 92 4MB 0', 'and all of them run');

# A crash of the server.
$holder = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
@all = together(90, 106, 91);
crash($node, worker_of($node, 'postgres', $all[1]));
is(ended(@all), '90 4MB 0, 106 4MB 0, 91 4MB 0', 'after a crash all run') or diag(ended(@all));
is(traces(@all), 3, 'once');
is(transactions(@all), 3, 'each by itself');
is(starts_of($node, $all[1]), 2, 'the one that ran, again');

# A commit that fails while the worker's list is full of calls that run first.
$holder = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
@all = together(130, 139, 149, 136);
worker_of($node, 'postgres', $all[3]);
sql(q{SELECT workflow_orch.enqueue_action(app.approved('work', '{"n": 10}'), 1, NULL, 5) FROM generate_series(1, 512)});
end_session($holder);
is(ended(@all), '130 4MB 0, 139 4MB 0, 149 4MB 0, 136 4MB 0', 'calls that have no room in the list run later');
is(transactions(@all), 4, 'each by itself');
is(starts_of($node, $all[1]), 2, 'and are not put together a second time');

# More calls than the pool has room for, of several priorities.
sql(q{SELECT workflow_orch.update_tool('work', group_size => 1000)});
$holder = hold($node, 'postgres', 'SELECT pg_advisory_lock(4711)');
my ($first) = together(146);
worker_of($node, 'postgres', $first);
@all = split /\n/, sql(q{SELECT workflow_orch.enqueue_action(app.approved('work', jsonb_build_object('n', 1000 + 10 * i)), 1, NULL, -(i % 3)) FROM generate_series(1, 600) i});
end_session($holder);
is(scalar(() = ended(@all) =~ /\d0 4MB 0/g), 600, 'calls that the pool has no room for');
is(transactions($first, @all), 1, 'run in the transaction of those before them');
is(sql('SELECT array_agg(execution_id ORDER BY started_at) = array_agg(execution_id ORDER BY (details ->> \'priority\')::int DESC, execution_id) FROM workflow_orch.execution JOIN workflow_orch.audit_log USING (execution_id) WHERE action = \'enqueue_action\' AND execution_id IN (' . join(',', @all) . ')'), 't', 'in the order of their priorities');
queue_is_empty($node, 'postgres', 'after them');
sql(q{SELECT workflow_orch.update_tool('work', group_size => 100)});

# A row that cannot be written, after others of the same table.
sql(q{
	CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.result ->> 'output' LIKE '210 %' THEN RAISE 'not this one'; END IF; RETURN NEW; END $$;
	CREATE TRIGGER refuse AFTER UPDATE ON workflow_orch.execution FOR EACH ROW EXECUTE FUNCTION app.refuse()});
@all = together(200, 210, 220);
is(ended(@all), '200 4MB 0, failed P0001 not this one, 220 4MB 0', 'a call whose result cannot be written leaves the others alone');
is(transactions(@all), 3, 'in a transaction of its own');
is(traces(@all), 2, 'without its own trace');
sql(q{DROP TRIGGER refuse ON workflow_orch.execution});

# A call that changes a table which the transaction keeps open.
sql(q{ALTER SYSTEM SET workflow_orch.allow_superuser_tools = on});
sql(q{SELECT pg_reload_conf()});
sql(q{
	CREATE ROLE table_owner SUPERUSER LOGIN;
	CREATE FUNCTION app.change_table(n int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		IF n = 2 THEN CREATE INDEX made_by_call ON workflow_orch.execution (attempt); END IF;
		IF n = 5 THEN DROP INDEX workflow_orch.made_by_call; END IF;
		RETURN n;
	END $$});
wait_for($node, 'postgres', q{SELECT current_setting('workflow_orch.allow_superuser_tools')::bool});
sql(q{SELECT workflow_orch.register_tool('change_table', 'app.change_table(int)', 'table_owner', group_size => 100)});
@all = split /\n/, sql(q{SELECT app.enqueue('change_table', jsonb_build_object('n', n)) FROM generate_series(1, 4) n});
is(ended(@all), '1, 2, 3, 4', 'a call can make an index for a table that is open');
is(transactions(@all), 3, 'in a transaction of its own');
SKIP:
{
	skip 'amcheck is missing', 1 if sql(q{SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'}) eq '0';
	sql('CREATE EXTENSION amcheck');
	is(sql(q{SELECT bt_index_check('workflow_orch.made_by_call', true)}), '', 'and the calls after it write its entries');
}
@all = split /\n/, sql(q{SELECT app.enqueue('change_table', jsonb_build_object('n', n)) FROM generate_series(4, 6) n});
is(ended(@all), '4, 5, 6', 'another one can drop it');

# A call of higher priority, and one of another tool.
sql(q{SELECT workflow_orch.register_tool('single', 'app.work(int)', 'tool_runner')});
my @ids = split /\n/, sql(q{SELECT workflow_orch.enqueue_action(app.approved(tool, jsonb_build_object('n', n)), 1) FROM (VALUES ('work', 100), ('work', 101), ('single', 102), ('work', 110)) v (tool, n)});
is(ended(@ids), '100 4MB 0, 101 4MB 0, 102 4MB 0, 110 4MB 0', 'calls of two tools');
is(transactions(@ids), 3, 'share no transaction');

# Without a wait for it nothing is grouped.
sql(q{ALTER SYSTEM SET workflow_orch.group_time = 0});
sql(q{SELECT pg_reload_conf()});
select(undef, undef, undef, 0.5);
@all = together(120, 121);
is(ended(@all), '120 4MB 0, 121 4MB 0', 'with group_time 0');
is(transactions(@all), 2, 'each call has a transaction');

queue_is_empty($node, 'postgres', 'after all this');
unlike(slurp_file($node->logfile), qr/WARNING:.*(leak|not closed)/, 'and nothing was left open');
done_testing();
