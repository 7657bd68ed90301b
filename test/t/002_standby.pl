# A standby refuses the calls that write and serves those that read; promoted,
# it goes on where the primary stopped.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

my $primary = new_node('primary', allows_streaming => 1);
install($primary, 'postgres');
my $pending = propose($primary, 'postgres', 'add', 1);
my $approved = approved($primary, 'postgres', 'add', 2);
my $executed = approved($primary, 'postgres', 'add', 5);
execute($primary, 'postgres', $executed);
$primary->safe_psql('postgres', q{
	CREATE DOMAIN app.small AS int CHECK (VALUE < 10);
	CREATE FUNCTION app.buy(n app.small) RETURNS int LANGUAGE sql RETURN n;
	SELECT workflow_orch.register_tool('buy', 'app.buy(app.small)', 'tool_runner')});
$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

my $state = 'SELECT proposal_id, status FROM workflow_orch.proposal ORDER BY 1';
is($standby->safe_psql('postgres', $state), $primary->safe_psql('postgres', $state), 'a standby has the proposals');
foreach my $call (
	"register_actor('x', 'r')", "update_actor(1, 'r')", "start_workflow('w')", 'complete_workflow(1, 1)', 'cancel_workflow(1, 1)',
	q{propose_action(1, 1, 'add', '{"n": 1}', 'r')}, "review_action($pending, 2, 'approve')", "withdraw_proposal($pending, 1)",
	"retry_action($pending)", 'expire_proposals()', "execute_action($approved)", "register_tool('x', 'app.add(int)', 'tool_runner')",
	"update_tool('add')", "set_tool_enabled('add', false)", 'set_policy(dry_run => true)', "grant_capability('tool_runner', 'propose')",
	"revoke_capability('tool_runner', 'propose')")
{
	my ($name) = $call =~ /^(\w+)/;
	like(error_of($standby, 'postgres', "SELECT workflow_orch.$call"), qr/^25006 cannot execute workflow_orch\.$name\(\) during recovery/, "a standby refuses $name");
}
is($standby->safe_psql('postgres', 'SELECT login, capabilities FROM workflow_orch.whoami()') =~ /propose/, 1, 'whoami works on a standby');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM workflow_orch.get_audit_log(1)'),
	$primary->safe_psql('postgres', 'SELECT count(*) FROM workflow_orch.get_audit_log(1)'), 'so does get_audit_log');
is($standby->safe_psql('postgres', 'SELECT count(*) > 20 FROM workflow_orch.transitions()'), 't', 'and transitions');
is($standby->safe_psql('postgres', 'SELECT * FROM workflow_orch.verify_audit_log()'), '', 'and verify_audit_log');
foreach my $tool ('add', 'buy')
{
	my $explain = qq{SELECT workflow_orch.explain_approval('$tool', '{"n": "3"}', 1, 1)};
	is($standby->safe_psql('postgres', $explain), $primary->safe_psql('postgres', $explain), "and explain_approval for $tool");
}
is($standby->safe_psql('postgres', q{SELECT count(*) FROM workflow_orch.test_approval_rule(approvals => 2)}), '3', 'and test_approval_rule');
is($standby->safe_psql('postgres', $state), $primary->safe_psql('postgres', $state), 'nothing has changed');

# The primary is lost while a call that nobody has committed is under way.
my $lost = session($primary, 'postgres');
start_query($lost, "BEGIN; SELECT result->'output' FROM workflow_orch.execute_action($approved)");
is(answer($lost), '5', 'a call has run on the primary and is not committed');
$primary->stop('immediate');
end_session($lost);
$standby->promote;
is($standby->safe_psql('postgres', $state), "$pending|pending\n$approved|approved\n$executed|executed", 'promoted, it has what was committed');
is(execute($standby, 'postgres', $approved), '5', 'the call that was not committed runs here');
like(error_of($standby, 'postgres', "SELECT workflow_orch.execute_action($approved)"), qr/^55000/, 'and runs once');
like(error_of($standby, 'postgres', "SELECT workflow_orch.execute_action($executed)"), qr/^55000/, 'what ran on the primary does not run again');
is($standby->safe_psql('postgres', 'SELECT array_agg(n ORDER BY n) FROM app.effect'), '{2,5}', 'each left its effect once');
my $next = approved($standby, 'postgres', 'add', 1);
cmp_ok($next, '>', $executed, 'ids go on above those that were given');
is(execute($standby, 'postgres', $next), '10', 'a new call is proposed, approved and executed');
is($standby->safe_psql('postgres', 'SELECT * FROM workflow_orch.verify_audit_log()'), '', 'the audit log agrees with the tables');

done_testing();
