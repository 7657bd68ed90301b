# More roles with queued calls than the pool has lists of calls: none waits for a keeper.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use WorkerPool;

# max_worker_processes is 16, which makes 80 lists.
my $roles = 100;
my $node = pool_node('main', "workflow_orch.poll_interval = 1h\nworkflow_orch.max_workers = 4\n");
$node->safe_psql('postgres', "SELECT format('CREATE ROLE s%s LOGIN', g) FROM generate_series(1, $roles) g \\gexec");
prepare($node, 'postgres');
$node->safe_psql('postgres', "SELECT count(workflow_orch.register_tool('t' || g, 'app.note(int)', run_as => ('s' || g)::regrole)) FROM generate_series(1, $roles) g");
$node->safe_psql('postgres', qq{
	CREATE TABLE app.call AS
	SELECT (workflow_orch.propose_action(1, 1, 't' || g, jsonb_build_object('n', n), 'reason')).proposal_id, 't' || g AS tool, n
	  FROM generate_series(1, $roles) g, generate_series(1, 3) n;
	SELECT count(workflow_orch.review_action(proposal_id, 2, 'approve')) FROM app.call});

# A role whose only worker ends with its call, whose history the pool then keeps.
$node->safe_psql('postgres', q{
	CREATE FUNCTION app.doomed(n int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM nextval('app.doom');
		PERFORM pg_terminate_backend(pg_backend_pid());
		PERFORM pg_sleep(60);
	END $$;
	CREATE SEQUENCE app.doom;
	GRANT USAGE ON SEQUENCE app.doom TO PUBLIC;
	SELECT workflow_orch.register_tool('doomed', 'app.doomed(int)', run_as => 's1')});
my ($doomed) = calls($node, 'postgres', 'doomed', '{"n": 1}');

my ($lost) = enqueue($node, 'postgres', $doomed);
$node->safe_psql('postgres', 'SELECT count(workflow_orch.enqueue_action(proposal_id)) FROM app.call');
drained($node, 'postgres');
is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT role) FROM app.effect'), 3 * $roles . "|$roles", 'the calls of all roles run');
is($node->safe_psql('postgres', "SELECT last_value, status FROM app.doom, workflow_orch.execution WHERE execution_id = $lost"), '2|failed',
	'a call that ends its workers is given up after as many as ever');
set_settings($node, 'workflow_orch.worker_idle_timeout' => '100ms');
gone($node, 'postgres');

# A place that a group has left is found again.
$node->safe_psql('postgres', q{
	TRUNCATE app.effect, app.call;
	INSERT INTO app.call SELECT (workflow_orch.propose_action(1, 1, 't' || g, jsonb_build_object('n', g), 'reason')).proposal_id, 't' || g, g FROM generate_series(1, 100) g;
	SELECT count(workflow_orch.review_action(proposal_id, 2, 'approve')) FROM app.call;
	SELECT count(workflow_orch.enqueue_action(proposal_id)) FROM app.call});
drained($node, 'postgres');
is($node->safe_psql('postgres', q{SELECT count(*) FROM app.effect WHERE role = 's' || n}), '100', 'and so do the next ones, when all workers have left');
done_testing();
