# Deadlocks that the server does not see, since one of those in it waits for a
# worker: each ends with 40P01, and what is only slow is left alone.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use WorkerPool;

my $node = pool_node('main', "deadlock_timeout = 200ms\n");
$node->safe_psql('postgres', 'CREATE ROLE r1 LOGIN; CREATE ROLE r2 LOGIN');
prepare($node, 'postgres', 'r1', 'r2');
my ($a, $b, $c) = map { session($node, 'postgres') } 1 .. 3;

# Sends a query and waits for its answer, for at most 60 s.
sub ask
{
	my ($session, $query) = @_;
	start_query($session, $query);
	return answer($session);
}

sub touching
{
	my ($row, $role, $count) = @_;
	return calls($node, 'postgres', 'touch_' . ($role // 'r1'), qq({"a": $row}), $count);
}

sub lock_row
{
	my ($session, $row) = @_;
	ask($session, "UPDATE app.item SET n = n WHERE id = $row");
	return;
}
ask($_, "SET statement_timeout = '60 s'") foreach $a, $b, $c;

foreach my $level ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')
{
	my @ids = (touching(1), touching(2));
	ask($a, "BEGIN ISOLATION LEVEL $level");
	lock_row($a, 1);
	is(ask($a, outcomes(@ids)), '40P01 2', "$level: a call that waits for its own caller's lock ends with 40P01, the others run");
	ask($a, 'COMMIT');
	is($node->safe_psql('postgres', "SELECT status FROM workflow_orch.proposal WHERE proposal_id = $ids[0]"), 'failed', 'it has failed');

	my ($queued) = touching(3);
	ask($a, "BEGIN ISOLATION LEVEL $level");
	lock_row($a, 3);
	my ($execution) = enqueue($node, 'postgres', $queued);
	is(ask($a, "SELECT r->'error'->>'sqlstate', r->'error'->>'message' FROM workflow_orch.wait_execution($execution) r"), '40P01|deadlock detected',
		"$level: so does a queued call that its waiter blocks");
	is(ask($a, 'SELECT 1'), '1', 'the transaction that waited goes on');
	ask($a, 'COMMIT');
	is($node->safe_psql('postgres', "SELECT status, (SELECT count(*) FROM workflow_orch.execution e WHERE e.proposal_id = p.proposal_id) FROM workflow_orch.proposal p WHERE proposal_id = $queued"),
		'failed|1', 'and the call is recorded');
}
like(slurp_file($node->logfile), qr/LOG:  deadlock between process \d+ and the background workers it waits for/, 'the log has it');

# Two batches that cross.
ask($a, 'BEGIN');
ask($b, 'BEGIN');
lock_row($a, 1);
lock_row($b, 2);
my ($one, $two) = (outcomes(touching(2)), outcomes(touching(1)));
start_query($a, "$one; COMMIT");
start_query($b, "$two; COMMIT");
my @answers = sort map { answer($_) } $a, $b;
like("@answers", qr/40P01/, 'of two batches that cross one call ends with 40P01');
like("@answers", qr/^[12] 40P01$|^40P01 40P01$/, 'and the other runs, or does likewise');
is($node->safe_psql('postgres', 'SELECT count(*) FROM workflow_orch.worker_status WHERE execution_id IS NOT NULL'), '0', 'nothing is left running');

# Two calls that lock each other's rows: the server's own deadlock detector.
my @ids = (calls($node, 'postgres', 'touch_r1', '{"a": 5, "b": 6, "pause": 300}'), calls($node, 'postgres', 'touch_r2', '{"a": 6, "b": 5, "pause": 300}'));
my $answer = ask($a, outcomes(@ids));
like($answer, qr/^(5 40P01|40P01 6)$/, 'two calls of a batch that lock each other: one ends with 40P01, once');

# A pool filled by calls that wait for a session that then waits for a call.
set_settings($node, 'workflow_orch.max_workers' => 2);
ask($a, 'BEGIN');
lock_row($a, 1);
my @executions = enqueue($node, 'postgres', touching(1, 'r1', 2));
busy($node, 'postgres', 2);
my ($free) = touching(9);
is(ask($a, outcomes($free)), '40P01', 'a pool filled by calls that wait for the caller: the batch ends with 40P01');
is(ask($a, outcomes($free)), '40P01', 'again');
is(ask($a, outcomes(touching(9, 'r2'))), '40P01', 'and for another role');
my ($late) = enqueue($node, 'postgres', $free);
like(ask($a, "SELECT workflow_orch.wait_execution($late)"), qr/deadlock detected/, 'waiting for a queued call is an error');
ask($a, 'ROLLBACK');
is($node->safe_psql('postgres', "SELECT string_agg(workflow_orch.wait_execution(e)->>'success', ' ') FROM unnest(ARRAY[" . join(',', @executions, $late) . ']) e'), 'true true true',
	'after the end of that transaction the calls run');

# The same where a limit of the database or of the server's slots is what is full.
set_settings($node, 'workflow_orch.max_workers' => 8, 'workflow_orch.max_workers_per_database' => 1);
ask($a, 'BEGIN');
lock_row($a, 1);
enqueue($node, 'postgres', touching(1));
busy($node, 'postgres', 1);
is(ask($a, outcomes(touching(9))), '40P01', 'so it does where the limit is that of the database');
ask($a, 'ROLLBACK');
drained($node, 'postgres');
set_settings($node, 'workflow_orch.max_workers_per_database' => 0);

# A chain over the lock of a third session: a waits for a call, which waits for
# b, which waits for a.
ask($a, 'BEGIN');
ask($b, 'BEGIN');
lock_row($a, 1);
lock_row($b, 2);
start_query($b, 'UPDATE app.item SET n = n WHERE id = 1');
wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'});
is(ask($a, outcomes(touching(2), touching(10))), '40P01 10', 'a chain over the lock of another session is found');
ask($a, 'COMMIT');
answer($b);
ask($b, 'COMMIT');

# A chain over two waiters and two calls, with a queued call.
ask($_, 'BEGIN') foreach $a, $b, $c;
lock_row($a, 1);
lock_row($b, 2);
lock_row($c, 3);
my ($first, $second, $third) = map { outcomes(touching($_)) } 2, 3, 1;
start_query($a, "$first; COMMIT");
start_query($b, "$second; COMMIT");
start_query($c, "$third; COMMIT");
@answers = map { answer($_) } $a, $b, $c;
cmp_ok(scalar(grep { $_ eq '40P01' } @answers), '>=', 1, "three batches in a circle: one call ends with 40P01 (@answers)");

# An advisory lock, and a lock on the table.
ask($a, "BEGIN; SELECT pg_advisory_xact_lock(77)");
is(ask($a, outcomes(calls($node, 'postgres', 'gate_r1', '{"key": 77}'))), '40P01', 'locks of any kind count');
ask($a, 'COMMIT; BEGIN; LOCK TABLE app.item');
is(ask($a, outcomes(touching(4))), '40P01', 'table locks, too');
ask($a, 'COMMIT');

# The caller has locked a table of the extension: its call cannot even begin.
($free) = touching(4);
ask($a, 'BEGIN; LOCK TABLE workflow_orch.proposal');
is(ask($a, outcomes($free)), '40P01', 'and locks on the tables of the extension');
ask($a, 'COMMIT');
busy($node, 'postgres', 0);
is($node->safe_psql('postgres', "SELECT status FROM workflow_orch.proposal WHERE proposal_id = $free"), 'approved', 'then the call has not run');

# A call that no worker has: whoever waits for it holds what every worker needs,
# or others wait for that in front of the workers.
sub soon
{
	my ($when) = @_;
	my ($id) = touching(15);
	return $node->safe_psql('postgres', "SELECT workflow_orch.enqueue_action($id, 1, clock_timestamp() + '$when')");
}
foreach my $case (
	[ 'VACUUM FULL of the queue', 'SELECT count(*) FROM workflow_orch.queue', 'VACUUM FULL workflow_orch.queue' ],
	[ 'a lock on executions behind its own', 'LOCK TABLE workflow_orch.execution IN ROW EXCLUSIVE MODE', 'LOCK TABLE workflow_orch.execution IN SHARE MODE; SELECT 1' ],
	[ 'its own lock of the queue', 'LOCK TABLE workflow_orch.queue', 'SELECT 1' ],
	[ 'its own lock of the proposal', 'SELECT FROM workflow_orch.proposal WHERE proposal_id = (SELECT max(proposal_id) FROM workflow_orch.proposal) FOR UPDATE', 'SELECT 1' ])
{
	my ($what, $own, $other) = @$case;
	my $execution = soon($what =~ /executions/ ? '5 s' : '500 ms');
	ask($a, "BEGIN; $own");
	start_query($b, $what =~ /executions/ ? "BEGIN; $other; COMMIT" : $other);
	wait_for($node, 'postgres', q{SELECT count(*) >= 1 FROM pg_locks l JOIN pg_class c ON c.oid = relation WHERE relnamespace = 'workflow_orch'::regnamespace AND NOT granted}) if $other ne 'SELECT 1';
	my $before = time;
	like(ask($a, "SELECT workflow_orch.wait_execution($execution, '0')"), qr/deadlock detected/, "$what: waiting for a call that cannot start is an error");
	cmp_ok(time - $before, '<', 20, "$what: soon");
	ask($a, 'ROLLBACK');
	answer($b);
	is($node->safe_psql('postgres', "SELECT workflow_orch.wait_execution($execution, '60 s')->>'output'"), '15', "$what: it runs afterwards");
}

# A call that has run, but cannot write that down.
set_settings($node, 'workflow_orch.timeout_grace' => '300ms');
hold($c, 78);
my ($stuck) = enqueue($node, 'postgres', calls($node, 'postgres', 'gate_r1', '{"key": 78}'));
busy($node, 'postgres', 1);
ask($a, 'BEGIN; LOCK TABLE workflow_orch.execution IN ROW EXCLUSIVE MODE');
start_query($b, 'BEGIN; LOCK TABLE workflow_orch.execution IN SHARE MODE; COMMIT');
wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'relation' AND NOT granted});
release($c, 78);
like(ask($a, "SELECT workflow_orch.wait_execution($stuck, '0')"), qr/deadlock detected/, 'waiting for a call that cannot write its end is an error');
ask($a, 'ROLLBACK');
answer($b);
like($node->safe_psql('postgres', "SELECT workflow_orch.wait_execution($stuck, '60 s')"), qr/"sqlstate": "(40P01|57P01)"|"success": true/, 'the call has an end afterwards');

# Who waits keeps neither locks on the tables nor a snapshot.
my $later = soon('1 h');
my $waiter = q{(SELECT pid FROM pg_stat_activity WHERE query LIKE '%wait_execution%' AND pid <> pg_backend_pid() AND state = 'active')};
foreach my $query ("SELECT workflow_orch.wait_execution($later)", "SELECT r->>'success', r FROM workflow_orch.wait_execution($later, '1 h') r", "SELECT workflow_orch.wait_execution(e) FROM unnest(ARRAY[$later]) e ORDER BY 1")
{
	start_query($b, $query);
	wait_for($node, 'postgres', "SELECT backend_xmin IS NULL AND wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = $waiter");
	is($node->safe_psql('postgres', "SELECT pg_sleep(1.5); SELECT count(*) FROM pg_locks WHERE pid = $waiter AND locktype = 'relation'"), "\n0", "no locks are held: $query");
	is($node->safe_psql('postgres', "SELECT count(*) FROM generate_series(1, 20), pg_sleep(0.01), LATERAL (SELECT backend_xmin FROM pg_stat_activity WHERE pid = $waiter) x WHERE backend_xmin IS NOT NULL"), '0', 'and no snapshot');
	is($node->safe_psql('postgres', "SET statement_timeout = '30 s'; VACUUM FULL workflow_orch.queue; VACUUM FULL workflow_orch.execution; SELECT 'done'"), 'done', 'nobody waits for who waits');
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($waiter)");
	like(answer($b), qr/canceling statement/, 'a cancel ends the wait');
}
start_query($b, "SELECT workflow_orch.wait_execution($later, '700 ms') IS NULL, (SELECT count(*) FROM app.item WHERE id = 101)");
wait_for($node, 'postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = $waiter");
$node->safe_psql('postgres', 'INSERT INTO app.item VALUES (101, 0)');
is(answer($b), 't|0', 'a statement that reads tables keeps its snapshot');
start_query($b, "DO \$\$ BEGIN PERFORM workflow_orch.wait_execution($later, '300 ms'); PERFORM workflow_orch.wait_execution($later, '300 ms') FROM app.item LIMIT 1; END \$\$; SELECT 'goes on'");
is(answer($b), 'goes on', 'so do statements in a function');
is($node->safe_psql('postgres', "SELECT workflow_orch.wait_execution($later, '300 ms') IS NULL, to_regclass('app.item'), (SELECT txid_current() > 0)"), 't|app.item|t', 'a statement goes on after its wait');
$node->safe_psql('postgres', "SELECT workflow_orch.cancel_execution($later)");

# What is slow is no deadlock: the holder commits after some seconds.
my $logged = () = slurp_file($node->logfile) =~ /deadlock between process/g;
ask($b, 'BEGIN');
lock_row($b, 7);
start_query($b, 'SELECT pg_sleep(4)');
start_query($b, 'COMMIT');
my @slow = enqueue($node, 'postgres', touching(7, 'r2', 2));
start_query($c, 'BEGIN');
answer($c);
lock_row($c, 8);
start_query($c, 'SELECT pg_sleep(3)');
start_query($c, 'COMMIT');
start_query($a, outcomes(touching(7, 'r1', 3), touching(8)));
is($node->safe_psql('postgres', "SELECT string_agg(workflow_orch.wait_execution(e)->>'output', ' ') FROM unnest(ARRAY[" . join(',', @slow) . ']) e'), '7 7', 'a queued call that waits for a lock of somebody who is only slow runs');
is(answer($a), '7 7 7 8', 'so does a batch');
answer($_) foreach $b, $b, $c, $c;

# Nor is a busy pool, whose calls hold locks for one another.
set_settings($node, 'workflow_orch.max_workers' => 3);
my @many = calls($node, 'postgres', 'touch_r1', '{"a": 11, "pause": 30}', 40);
start_query($a, outcomes(@many[ 0 .. 19 ]));
start_query($b, outcomes(@many[ 20 .. 39 ]));
my @short = enqueue($node, 'postgres', calls($node, 'postgres', 'touch_r2', '{"a": 11, "pause": 30}', 20));
is($node->safe_psql('postgres', "SELECT count(*) FILTER (WHERE workflow_orch.wait_execution(e)->>'output' = '11') FROM unnest(ARRAY[" . join(',', @short) . ']) e'), '20', 'calls that queue for a row all run');
is(answer($_), join(' ', (11) x 20), 'so do those of a batch') foreach $a, $b;
my $logged_after = () = slurp_file($node->logfile) =~ /deadlock between process/g;
is($logged_after, $logged, 'no deadlock was seen where there was none');

is($node->safe_psql('postgres', 'SELECT * FROM workflow_orch.verify_audit_log()'), '', 'the audit log agrees with the tables');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal/, 'no process crashed');
end_session($_) foreach $a, $b, $c;
done_testing();
