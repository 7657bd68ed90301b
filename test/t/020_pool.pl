# The pool of workers: started on demand, warm, limited, and gone when idle.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use WorkerPool;

my $node = pool_node('main');
$node->safe_psql('postgres', 'CREATE ROLE r1 LOGIN; CREATE ROLE r2 LOGIN; CREATE ROLE r3 LOGIN');
$node->safe_psql('postgres', 'CREATE DATABASE one');
$node->safe_psql('postgres', 'CREATE DATABASE two');
prepare($node, 'one', qw(r1 r2 r3));
prepare($node, 'two', 'r1');
is($node->safe_psql('one', 'SELECT count(*) FROM workflow_orch.worker_status'), '0', 'there is no worker before there is a call');
gone($node, 'one');

# Warm, and gone when idle.
my ($first) = enqueue($node, 'one', calls($node, 'one', 'note_r1', '{"n": 1}'));
my $pid = $node->safe_psql('one', "SELECT workflow_orch.wait_execution($first)->>'output'");
is(join(',', workers($node, 'one')), $pid, 'a call starts a worker, which stays');
is($node->safe_psql('one', outcomes(calls($node, 'one', 'note_r1', '{"n": 2}'))), $pid, 'the next call runs in it');
my ($other) = enqueue($node, 'one', calls($node, 'one', 'note_r2', '{"n": 3}'));
$node->safe_psql('one', "SELECT workflow_orch.wait_execution($other)");
is($node->safe_psql('one', q{SELECT string_agg(database || ' ' || role || ' ' || state || ' ' || (execution_id IS NULL) || ' ' || (since <= clock_timestamp()), ',' ORDER BY role)
	FROM workflow_orch.worker_status}), 'one r1 idle true true,one r2 idle true true', 'another role has a worker of its own');
wait_for($node, 'postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'two' AND backend_type LIKE 'workflow_orch %'});
pass('a database without calls has no connection');
set_settings($node, 'workflow_orch.worker_idle_timeout' => '100ms');
gone($node, 'one');
pass('idle workers end after worker_idle_timeout, which a reload changes');
set_settings($node, 'workflow_orch.worker_idle_timeout' => '1min');

# max_workers.
my $gate = session($node, 'one');
hold($gate, $_) foreach 1, 3;
set_settings($node, 'workflow_orch.max_workers' => 2);
enqueue($node, 'one', calls($node, 'one', 'gate_r1', '{"key": 1}', 6));
busy($node, 'one', 2);
is($node->safe_psql('one', 'SELECT tool, due, running FROM workflow_orch.queue_status'), 'gate_r1|4|2', 'no more calls run at the same time than max_workers');
is($node->safe_psql('one', 'SELECT count(*) FROM workflow_orch.worker_status'), '2', 'in as many workers');
set_settings($node, 'workflow_orch.max_workers' => 4);
busy($node, 'one', 4);
pass('a reload raises the limit');
enqueue($node, 'one', calls($node, 'one', 'nap_r1', '{"ms": 100}', 200));
set_settings($node, 'workflow_orch.max_workers' => 1);
release($gate, 1);
wait_for($node, 'one', q{SELECT count(*) = 1 AND (SELECT count(*) > 0 FROM workflow_orch.queue) FROM workflow_orch.worker_status});
pass('a reload lowers it under load: workers end after their calls');
set_settings($node, 'workflow_orch.max_workers' => 8);
drained($node, 'one');

# max_workers_per_database.
my $gate_two = session($node, 'two');
hold($gate_two, 3);
set_settings($node, 'workflow_orch.max_workers' => 5, 'workflow_orch.max_workers_per_database' => 3);
enqueue($node, 'one', calls($node, 'one', 'gate_r1', '{"key": 3}', 6));
busy($node, 'one', 3);
enqueue($node, 'two', calls($node, 'two', 'gate_r1', '{"key": 3}', 6));
busy($node, 'two', 2);
is($node->safe_psql('one', q{SELECT string_agg(database || ' ' || n, ',' ORDER BY database) FROM (SELECT database, count(*) AS n FROM workflow_orch.worker_status GROUP BY 1) w}),
	'one 3,two 2', 'a database has no more workers than max_workers_per_database, all together no more than max_workers');
set_settings($node, 'workflow_orch.max_workers' => 8);
busy($node, 'two', 3);
set_settings($node, 'workflow_orch.max_workers_per_database' => 0);
wait_for($node, 'one', 'SELECT count(*) = 8 FROM workflow_orch.worker_status WHERE execution_id IS NOT NULL');
pass('without that limit a database may use what is left');
release($gate, 3);
release($gate_two, 3);
drained($node, $_) foreach 'one', 'two';

# Roles take turns.
set_settings($node, 'workflow_orch.max_workers' => 1);
$node->safe_psql('one', 'TRUNCATE app.effect');
my @backlogs = map { [ calls($node, 'one', "nap_$_", '{"ms": 20}', 50) ] } qw(r1 r2 r3);
hold($gate, 1);
enqueue($node, 'one', calls($node, 'one', 'gate_r1', '{"key": 1}'));
busy($node, 'one', 1);
enqueue($node, 'one', @$_) foreach @backlogs;
release($gate, 1);
drained($node, 'one');
is($node->safe_psql('one', 'SELECT count(*) FROM app.effect WHERE n = 20'), '150', 'calls of more roles than workers all run');
is($node->safe_psql('one', q{SELECT count(*) FROM (SELECT min(id) AS first, max(id) AS last FROM app.effect WHERE n = 20 GROUP BY role) a, (SELECT min(id) AS first, max(id) AS last FROM app.effect WHERE n = 20 GROUP BY role) b
	WHERE a.last < b.first}), '0', 'and in turns: no role is done before another begins');
my @long = calls($node, 'one', 'nap_r1', '{"ms": 5}', 300);
my ($short) = calls($node, 'one', 'note_r3', '{"n": 7}');
enqueue($node, 'one', @long);
($other) = enqueue($node, 'one', $short);
$node->safe_psql('one', "SELECT workflow_orch.wait_execution($other)");
cmp_ok($node->safe_psql('one', q{SELECT count(*) FROM workflow_orch.queue WHERE tool = 'nap_r1'}), '>', 0, 'a long backlog of one role does not keep another waiting');
is($node->safe_psql('one', outcomes(calls($node, 'one', 'note_r2', '{"n": 7}'))) =~ /^\d+$/, 1, 'nor a batch');
cmp_ok($node->safe_psql('one', q{SELECT count(*) FROM workflow_orch.queue WHERE tool = 'nap_r1'}), '>', 0, 'while the backlog is still there');
drained($node, 'one');

@long = calls($node, 'one', 'nap_r1', '{"ms": 5}', 300);
($short) = calls($node, 'one', 'note_r1', '{"n": 7}');
enqueue($node, 'one', @long);
$node->safe_psql('one', outcomes($short));
cmp_ok($node->safe_psql('one', q{SELECT count(*) FROM workflow_orch.queue WHERE tool = 'nap_r1'}), '>', 0, 'a backlog keeps no batch of its own role waiting');
drained($node, 'one');

# An idle worker of another role makes room for a second call.
$node->safe_psql('one', outcomes(calls($node, 'one', 'note_r2', '{"n": 7}')));
set_settings($node, 'workflow_orch.max_workers' => 2);
hold($gate, 1);
enqueue($node, 'one', calls($node, 'one', 'gate_r1', '{"key": 1}', 2));
wait_for($node, 'one', q{SELECT count(*) = 2 FROM workflow_orch.worker_status WHERE role = 'r1' AND execution_id IS NOT NULL});
pass('an idle worker of another role does not keep a free place for itself');
release($gate, 1);
drained($node, 'one');

# One worker has a long call, the other a backlog: that one makes room.
set_settings($node, 'workflow_orch.max_workers' => 2);
hold($gate, 1);
enqueue($node, 'one', calls($node, 'one', 'gate_r1', '{"key": 1}'));
busy($node, 'one', 1);
@long = calls($node, 'one', 'nap_r1', '{"ms": 20}', 120);
($short) = calls($node, 'one', 'note_r3', '{"n": 8}');
enqueue($node, 'one', @long);
wait_for($node, 'one', q{SELECT count(*) = 2 FROM workflow_orch.worker_status WHERE role = 'r1' AND execution_id IS NOT NULL});
($other) = enqueue($node, 'one', $short);
is($node->safe_psql('one', "SELECT workflow_orch.wait_execution($other, '60 s')->>'success'"), 'true', 'a long call is not waited for where another worker of its role takes many short ones');
release($gate, 1);
drained($node, 'one');

# Calls of a batch that wait for their next attempt keep no other batch waiting.
set_settings($node, 'workflow_orch.max_workers' => 1, 'workflow_orch.retry_delay' => '10min', 'workflow_orch.retry_max_delay' => '10min');
$node->safe_psql('one', q{
	CREATE FUNCTION app.serial(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE '40001'; END $$;
	SELECT workflow_orch.register_tool('serial', 'app.serial(int)', run_as => 'r1', max_attempts => 2)});
my $waiting = session($node, 'one');
start_query($waiting, outcomes(calls($node, 'one', 'serial', '{"n": 1}')));
wait_for($node, 'postgres', 'SELECT true') until slurp_file($node->logfile) =~ /failed in attempt 1 and will be tried again/;
is($node->safe_psql('one', "SET statement_timeout = '60 s'; " . outcomes(calls($node, 'one', 'note_r1', '{"n": 9}'))) =~ /^\d+$/, 1, 'a batch runs while another one waits for its next attempt');
is($node->safe_psql('one', "SET statement_timeout = '60 s'; " . outcomes(calls($node, 'one', 'note_r2', '{"n": 9}'))) =~ /^\d+$/, 1, 'so does one of another role, with a single worker');
is($node->safe_psql('postgres', q{SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE query LIKE '%execute_parallel%' AND pid <> pg_backend_pid()}), '1', 'its caller ends');
end_session($waiting);
set_settings($node, 'workflow_orch.max_workers' => 8, 'workflow_orch.retry_delay' => '1s');

# worker_max_calls.
set_settings($node, 'workflow_orch.max_workers' => 1, 'workflow_orch.worker_max_calls' => 3);
$node->safe_psql('one', 'TRUNCATE app.effect');
enqueue($node, 'one', calls($node, 'one', 'note_r1', '{"n": 1}', 12));
drained($node, 'one');
is($node->safe_psql('one', 'SELECT count(*), max(n) FROM (SELECT count(*) AS n FROM app.effect GROUP BY pid) p'), '4|3', 'a worker is replaced after worker_max_calls');
set_settings($node, 'workflow_orch.worker_max_calls' => 10000);

# No workers allowed.
hold($gate, 1);
set_settings($node, 'workflow_orch.max_workers' => 1);
enqueue($node, 'one', calls($node, 'one', 'gate_r1', '{"key": 1}'));
busy($node, 'one', 1);
start_query($waiting = session($node, 'one'), outcomes(calls($node, 'one', 'note_r2', '{"n": 1}')));
wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE '%execute_parallel%' AND wait_event_type = 'Extension' AND pid <> pg_backend_pid()});
my ($queued) = enqueue($node, 'one', calls($node, 'one', 'note_r1', '{"n": 11}'));
my ($refused) = calls($node, 'one', 'note_r1', '{"n": 12}');
set_settings($node, 'workflow_orch.max_workers' => 0);
is(answer($waiting), '55000', 'a batch that waits for a worker is told when there are to be none');
release($gate, 1);
gone($node, 'one');
pass('with max_workers 0 the workers end');
like(error_of($node, 'one', 'SELECT ' . parallel($refused)), qr/^55000 background workers are not available/, 'execute_parallel is refused');
like(error_of($node, 'one', "SELECT workflow_orch.enqueue_action($refused)"), qr/^55000 background workers are not available/, 'so is enqueue_action');
my ($rc, $out, $err) = $node->psql('one', 'SELECT ' . parallel($refused));
like($err, qr/HINT:  Set workflow_orch.max_workers/, 'with a hint');
is($node->safe_psql('one', "SELECT status FROM workflow_orch.proposal WHERE proposal_id = $refused"), 'approved', 'and nothing has changed');
$node->safe_psql('one', 'SELECT workflow_orch.set_policy(dry_run => true)');
is($node->safe_psql('one', 'SELECT r->>$$dry_run$$ FROM jsonb_array_elements(' . parallel($refused) . ') r'), 'true', 'a dry run needs no workers');
$node->safe_psql('one', 'SELECT workflow_orch.set_policy(dry_run => false)');
is($node->safe_psql('one', "SELECT workflow_orch.wait_execution($queued, '100 ms') IS NULL"), 't', 'what was queued before waits');
set_settings($node, 'workflow_orch.max_workers' => 8);
is($node->safe_psql('one', "SELECT workflow_orch.wait_execution($queued)->>'success'"), 'true', 'and runs when there may be workers again');

is($node->safe_psql('one', 'SELECT * FROM workflow_orch.verify_audit_log()'), '', 'the audit log agrees with the tables');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal/, 'no process crashed');
end_session($_) for $gate, $gate_two, $waiting;
done_testing();
