# Prepared transactions.  Calls that they have enqueued run at COMMIT PREPARED,
# wherever that is made, and not without it.  Workflows that they have proposed in
# are not ended, and nobody waits for that.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

my $node = new_node('prepared', settings => "max_prepared_transactions = 5\nmax_worker_processes = 16\nworkflow_orch.poll_interval = '10min'\n");
install($node, 'postgres');
$node->safe_psql('postgres', 'GRANT SELECT ON app.effect TO PUBLIC');

sub outcome
{
	my ($id, $timeout) = @_;
	return $node->safe_psql('postgres', "SELECT coalesce(workflow_orch.wait_execution(e.execution_id, '$timeout')->>'output', 'none') FROM workflow_orch.execution e WHERE e.proposal_id = $id");
}

sub effects
{
	my ($n) = @_;
	return $node->safe_psql('postgres', "SELECT count(*) FROM app.effect WHERE n = $n");
}

my ($kept, $undone, $restarted, $inner) = map { approved($node, 'postgres', 'add', $_) } 1, 2, 5, 10;
$node->safe_psql('postgres', "BEGIN; SELECT workflow_orch.enqueue_action($kept); PREPARE TRANSACTION 'kept'");
$node->safe_psql('postgres', "BEGIN; SELECT workflow_orch.enqueue_action($undone); PREPARE TRANSACTION 'undone'");
$node->safe_psql('postgres', "BEGIN; SELECT workflow_orch.enqueue_action($restarted); PREPARE TRANSACTION 'restarted'");
$node->safe_psql('postgres', 'SELECT pg_sleep(0.2)');
is(effects(1) + effects(2) + effects(5), 0, 'what is prepared does not run');
like(error_of($node, 'postgres', "SELECT workflow_orch.enqueue_action($kept)"), qr/^55P03/, 'its proposal is taken');
$node->safe_psql('postgres', q{COMMIT PREPARED 'kept'});
is(outcome($kept, '30 s'), '10', 'at COMMIT PREPARED, in another session, it runs');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'undone'});
$node->safe_psql('postgres', 'SELECT pg_sleep(0.2)');
is(effects(2), 0, 'at ROLLBACK PREPARED it does not');
is($node->safe_psql('postgres', "SELECT status FROM workflow_orch.proposal WHERE proposal_id = $undone"), 'approved', 'and its proposal is as it was');
$node->safe_psql('postgres', "BEGIN; SAVEPOINT s; SELECT workflow_orch.enqueue_action($undone); ROLLBACK TO s; SELECT workflow_orch.enqueue_action($inner); PREPARE TRANSACTION 'inner'; COMMIT PREPARED 'inner'");
is(outcome($inner, '30 s'), '1', 'prepared and committed in one session, it runs as well');
is(effects(2), 0, 'but not what a savepoint undid');

# What the transaction had enqueued is not told at the end of the next one.
$node->safe_psql('postgres', "BEGIN; SELECT workflow_orch.enqueue_action($undone); PREPARE TRANSACTION 'later'; SELECT 1; BEGIN; SELECT 2; COMMIT");
is(effects(2), 0, 'the next transaction of the session starts nothing');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'later'});

$node->restart;
$node->safe_psql('postgres', 'SELECT pg_sleep(0.2)');
is(effects(5), 0, 'after a restart a prepared transaction is still prepared');
$node->safe_psql('postgres', q{COMMIT PREPARED 'restarted'});
is(outcome($restarted, '30 s'), '2', 'and its call runs at its commit');

# A workflow in which something is proposed and prepared.
my $propose = q{SELECT FROM workflow_orch.propose_action(2, 1, 'add', '{"n": 7}', 'reason')};
my $cancel = 'SET statement_timeout = 1500; SELECT workflow_orch.cancel_workflow(2)';
$node->safe_psql('postgres', "SELECT workflow_orch.start_workflow('Other', 1)");
$node->safe_psql('postgres', "BEGIN; $propose; PREPARE TRANSACTION 'proposed'");
like(error_of($node, 'postgres', $cancel), qr/^55P03 workflow 2 is locked by a prepared transaction/, 'a prepared proposal keeps its workflow from being ended, and nobody waiting');
$node->restart;
like(error_of($node, 'postgres', $cancel), qr/^55P03/, 'after a restart as well');
$node->safe_psql('postgres', "SET statement_timeout = 1500; $propose");
$node->safe_psql('postgres', q{COMMIT PREPARED 'proposed'});
my $proposer = session($node, 'postgres');
start_query($proposer, "BEGIN; $propose");
answer($proposer);
is($node->safe_psql('postgres', 'SELECT workflow_orch.cancel_workflow(2)'), 'cancelled', 'an open transaction does not keep a workflow from being cancelled');
start_query($proposer, "PREPARE TRANSACTION 'late'");
like(answer($proposer), qr/workflow 2 has ended/, 'but it can no longer be prepared');
end_session($proposer);
is($node->safe_psql('postgres', 'SELECT string_agg(status::text, $$ $$) FROM workflow_orch.proposal WHERE workflow_id = 2'), 'cancelled cancelled', 'nothing is left open');
is($node->safe_psql('postgres', 'SELECT string_agg(v::text, $$; $$) FROM workflow_orch.verify_audit_log() v'), '', 'the audit log agrees with the tables');
done_testing();
