# A keeper ends at most 1,000 calls or proposals in a transaction and a visit, and comes again by itself.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use Workers;

my $node = new_node('main', settings => "log_min_messages = warning\nmax_worker_processes = 16\nmax_prepared_transactions = 5\nworkflow_orch.poll_interval = 1h\n");
install_workers($node, 'postgres');

# How many audit rows of an action there are, and how many at most in one transaction.
sub batches
{
	my ($action) = @_;
	return $node->safe_psql('postgres', "SELECT sum(n), max(n) <= 1000 FROM (SELECT count(*) AS n FROM workflow_orch.audit_log WHERE action = '$action' GROUP BY xmin) a");
}

enqueue_many($node, 'postgres', 'quick', 1, 2500, '12 s');
$node->safe_psql('postgres', 'ALTER ROLE tool_runner NOLOGIN');
queue_is_empty($node, 'postgres', 'calls of a role that cannot log in');
is(batches('execute_action'), '2500|t', 'all of them have failed, some in each visit');
$node->safe_psql('postgres', 'ALTER ROLE tool_runner LOGIN');

# The first ones that have expired are locked.
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(approval_ttl => '1 s')});
my $last = $node->safe_psql('postgres', 'SELECT max(proposal_id) FROM workflow_orch.proposal');
$node->safe_psql('postgres', q{SELECT count(app.approved('quick', jsonb_build_object('n', n))) FROM generate_series(1, 2500) n});
my $holder = hold($node, 'postgres', "SELECT count(*) FROM (SELECT FROM workflow_orch.proposal WHERE proposal_id BETWEEN $last + 1 AND $last + 1200 FOR UPDATE) p");
$node->safe_psql('postgres', 'SELECT pg_sleep(1)');
$node->safe_psql('postgres', q{BEGIN; CREATE TABLE app.nothing (); PREPARE TRANSACTION 'visit'});
$node->safe_psql('postgres', q{COMMIT PREPARED 'visit'});
wait_for($node, 'postgres', "SELECT count(*) = 1300 FROM workflow_orch.proposal WHERE status = 'expired'");
is(batches('expire_proposal'), '1300|t', 'expired proposals are marked in the same way, also behind those that are locked');
end_session($holder);
$node->safe_psql('postgres', 'SELECT workflow_orch.expire_proposals()');
is($node->safe_psql('postgres', q{SELECT count(*) FROM workflow_orch.proposal WHERE status = 'expired'}), '2500', 'expire_proposals marks all that are left');
done_testing();
