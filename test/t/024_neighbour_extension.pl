# The extension dropped, created again, reindexed and rewritten, and roles
# dropped, while the queue is full and workers run.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use WorkerPool;

my $node = pool_node('main');
$node->safe_psql('postgres', 'CREATE ROLE r1 LOGIN; CREATE ROLE r2 LOGIN');
my $limit = "SET statement_timeout = '60 s'; ";

# Maintenance of the tables.
prepare($node, 'postgres', 'r1', 'r2');
enqueue($node, 'postgres', calls($node, 'postgres', "nap_$_", '{"ms": 2}', 300)) foreach 'r1', 'r2';
foreach my $table (qw(queue execution proposal audit_log proposal_revision tool))
{
	foreach my $command ("REINDEX TABLE workflow_orch.$table", "VACUUM FULL workflow_orch.$table", "CLUSTER workflow_orch.$table USING ${table}_pkey", "ANALYZE workflow_orch.$table")
	{
		my ($rc, $out, $err) = $node->psql('postgres', "$limit $command");
		is($err, '', "$command under load");
	}
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM workflow_orch.execution'), '600', 'the calls are all there');
drained($node, 'postgres');
is($node->safe_psql('postgres', q{SELECT status, count(*), (SELECT count(*) FROM app.effect) FROM workflow_orch.execution GROUP BY 1}), 'succeeded|600|600', 'each has run, once');
is($node->safe_psql('postgres', 'SELECT * FROM workflow_orch.verify_audit_log()'), '', 'the audit log agrees with the tables');
unlike(slurp_file($node->logfile), qr/ERROR|FATAL/, 'nothing failed in between');

# DROP EXTENSION and CREATE EXTENSION again, under load.
foreach my $round (1 .. 4)
{
	enqueue($node, 'postgres', calls($node, 'postgres', "nap_$_", '{"ms": 100}', 60)) foreach 'r1', 'r2';
	my $caller = session($node, 'postgres');
	start_query($caller, outcomes(calls($node, 'postgres', 'nap_r1', '{"ms": 100}', 30)));
	wait_for($node, 'postgres', q{SELECT count(*) >= 2 FROM workflow_orch.worker_status WHERE state = 'busy'});
	my ($rc, $out, $err) = $node->psql('postgres', "$limit DROP EXTENSION workflow_orch");
	is($err, '', "round $round: the extension is dropped without CASCADE while workers run");
	answer($caller);
	end_session($caller);
	$node->safe_psql('postgres', 'DROP SCHEMA app CASCADE');
	prepare($node, 'postgres', 'r1', 'r2');
	is($node->safe_psql('postgres', $limit . outcomes(calls($node, 'postgres', 'touch_r1', '{"a": 1}', 3))), '1 1 1', 'created again, it runs a batch');
	my ($execution) = enqueue($node, 'postgres', calls($node, 'postgres', 'touch_r2', '{"a": 2}'));
	is($node->safe_psql('postgres', $limit . "SELECT workflow_orch.wait_execution($execution)->>'output'"), '2', 'and a queued call');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM app.effect'), '0', 'and nothing of what was queued before');
}
$node->safe_psql('postgres', q{DO $$ BEGIN EXECUTE 'DROP EXTENSION workflow_orch'; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END $$});
is($node->safe_psql('postgres', $limit . outcomes(calls($node, 'postgres', 'touch_r1', '{"a": 1}', 3))), '1 1 1', 'a DROP EXTENSION that was rolled back has no effect');
my $dropper = session($node, 'postgres');
my @queued = enqueue($node, 'postgres', calls($node, 'postgres', 'nap_r1', '{"ms": 5}', 50));
start_query($dropper, 'BEGIN; DROP EXTENSION workflow_orch');
is(answer($dropper), '', 'it is dropped in a transaction');
start_query($dropper, 'SELECT pg_sleep(1); ROLLBACK');
answer($dropper);
drained($node, 'postgres');
is($node->safe_psql('postgres', q{SELECT count(*) FROM workflow_orch.execution WHERE status = 'succeeded'}), '57', 'which is rolled back: the calls run');
end_session($dropper);

# Another extension, and a user without the privilege.
$node->safe_psql('postgres', 'CREATE ROLE nobody LOGIN');
like(error_of($node, 'postgres', 'SET SESSION AUTHORIZATION nobody; DROP EXTENSION workflow_orch'), qr/^42501/, 'a role that does not own it cannot drop it');
is($node->safe_psql('postgres', 'DROP EXTENSION plpgsql CASCADE; CREATE EXTENSION plpgsql; DROP EXTENSION IF EXISTS nothing'), '', 'other extensions come and go');

# The role of a tool, dropped while its workers are idle, and while it has calls.
$node->safe_psql('postgres', 'CREATE ROLE leaver LOGIN');
$node->safe_psql('postgres', q{CREATE OR REPLACE FUNCTION app.touch(a int, b int DEFAULT NULL, pause int DEFAULT 0) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(pause / 1000.0); RETURN a; END $$});
tools($node, 'postgres', 'leaver');
is($node->safe_psql('postgres', $limit . outcomes(calls($node, 'postgres', 'touch_leaver', '{"a": 7}', 2))), '7 7', 'a role has warm workers');
my @left = calls($node, 'postgres', 'touch_leaver', '{"a": 7, "pause": 20}', 200);
my @late = calls($node, 'postgres', 'touch_leaver', '{"a": 7}', 2);
enqueue($node, 'postgres', @left);
my ($rc, $out, $err) = $node->psql('postgres', "$limit DROP OWNED BY leaver; DROP ROLE leaver");
is($err, '', 'DROP OWNED and DROP ROLE work while its calls run');
drained($node, 'postgres');
is($node->safe_psql('postgres', q{SELECT count(*) FROM workflow_orch.execution e JOIN workflow_orch.proposal USING (proposal_id) WHERE tool = 'touch_leaver' AND e.status IN ('succeeded', 'failed')}), '202', 'each of its calls has run, or has failed');
like($node->safe_psql('postgres', q{SELECT DISTINCT e.result->'error'->>'sqlstate' FROM workflow_orch.execution e JOIN workflow_orch.proposal USING (proposal_id) WHERE tool = 'touch_leaver' AND e.status = 'failed'}), qr/^(55000|)$/, 'with 55000');
like(error_of($node, 'postgres', 'SELECT ' . parallel(@late)), qr/^55000/, 'others are refused');
is($node->safe_psql('postgres', 'SELECT * FROM workflow_orch.verify_audit_log()'), '', 'the audit log agrees with the tables');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal|deadlock detected/, 'no process crashed, and nothing was a deadlock');
done_testing();
