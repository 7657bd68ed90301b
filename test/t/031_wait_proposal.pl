# Waiting for what becomes of a proposal.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

my $node = new_node('wait');
install($node, 'postgres');
my ($first, $second) = map { session($node, 'postgres') } 1, 2;
my $waiting = q{SELECT count(*) = %d FROM pg_stat_activity WHERE query LIKE '%%wait_proposal(%%' AND state = 'active' AND pid <> pg_backend_pid() AND wait_event IS NOT NULL%s};

my $id = propose($node, 'postgres', 'add', 1);
my $wait = "SELECT workflow_orch.wait_proposal($id)";
start_query($_, $wait) foreach $first, $second;
wait_for($node, 'postgres', sprintf($waiting, 2, " AND backend_xmin IS NULL"));
pass('two sessions wait, and neither holds a snapshot back');
$node->safe_psql('postgres', 'VACUUM FULL workflow_orch.proposal');
pass('nor a lock on the table');
$node->safe_psql('postgres', "SELECT workflow_orch.review_action($id, 2, 'approve')");
is(answer($_), 'approved', 'a decision ends the wait') foreach $first, $second;

start_query($first, "SELECT coalesce(workflow_orch.wait_proposal($id, '50 ms')::text, 'none')");
is(answer($first), 'none', 'the timeout does, too');
start_query($first, $wait);
wait_for($node, 'postgres', sprintf($waiting, 1, ''));
$node->safe_psql('postgres', "SELECT workflow_orch.execute_action($id)");
is(answer($first), 'executed', 'what is approved is waited for until it has run');
is($node->safe_psql('postgres', $wait), 'executed', 'what has ended is not waited for');

my $short = $node->safe_psql('postgres', "SELECT proposal_ttl FROM workflow_orch.set_policy(proposal_ttl => '300 ms')");
my $late = propose($node, 'postgres', 'add', 2);
is($node->safe_psql('postgres', "SELECT workflow_orch.wait_proposal($late)"), 'expired', 'a proposal that expires meanwhile ends the wait');
$node->safe_psql('postgres', "SELECT proposal_ttl FROM workflow_orch.set_policy(proposal_ttl => '0')");

like(error_of($node, 'postgres', q{SELECT workflow_orch.wait_proposal((workflow_orch.propose_action(1, 1, 'add', '{"n": 3}', 'reason')).proposal_id)}),
	qr/^55000/, 'what this transaction has proposed is not waited for');
like(error_of($node, 'postgres', 'SELECT workflow_orch.wait_proposal(4711)'), qr/^42704/, 'nor what does not exist');
$node->safe_psql('postgres', q{CREATE ROLE stranger LOGIN; SELECT workflow_orch.grant_capability('stranger', 'propose')});
my $open = propose($node, 'postgres', 'add', 4);
like(error_of($node, 'postgres', "SET SESSION AUTHORIZATION stranger; SELECT workflow_orch.wait_proposal($_)"), qr/^42501 proposal $_ is not yours to wait for/,
	'a caller who cannot read a proposal learns nothing about it') foreach $open, 4711;

# A function that reads only shares the snapshot of its statement, which goes on after a caught cancel.
$node->safe_psql('postgres', q{
	CREATE FUNCTION app.impatient(id bigint) RETURNS text STABLE LANGUAGE plpgsql AS $$
	BEGIN
		RETURN workflow_orch.wait_proposal(id);
	EXCEPTION WHEN query_canceled THEN
		RETURN 'gave up';
	END $$});
is($node->safe_psql('postgres', "BEGIN; SET statement_timeout = '200ms'; DECLARE c CURSOR FOR SELECT app.impatient($open) UNION ALL SELECT 'went on'; FETCH c; FETCH c; COMMIT"),
	"gave up\nwent on", 'a cursor whose query has caught the end of a wait goes on');

end_session($_) foreach $first, $second;
done_testing();
