# The extension works without shared_preload_libraries; the settings, and what
# nobody can set.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

my $node = new_node('main', preload => 0);
is($node->safe_psql('postgres', 'SHOW shared_preload_libraries'), '', 'the library is not preloaded');
install($node, 'postgres');
my $id = approved($node, 'postgres', 'add', 5);
is(execute($node, 'postgres', $id), '2', 'a call is proposed, approved and executed');
is(execute($node, 'postgres', approved($node, 'postgres', 'add', 0)), '22012', 'and one fails');
is($node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(dry_run => true)}) ne '', 1, 'the policy is set');
is($node->safe_psql('postgres', 'SELECT * FROM workflow_orch.verify_audit_log()'), '', 'the audit log agrees with the tables');
my $found = q{SELECT severity, object FROM workflow_orch.check_setup() WHERE finding = 'not_preloaded'};
is($node->safe_psql('postgres', $found), 'warning|shared_preload_libraries', 'check_setup finds that it is not preloaded');
my $settings = q{SELECT name, boot_val, unit, context FROM pg_settings WHERE name LIKE 'workflow_orch.%' ORDER BY name};
is($node->safe_psql('postgres', $settings), '', 'a session that has not used the extension does not have its settings');
my $loaded = $node->safe_psql('postgres', "LOAD 'workflow_orch'; $settings");
like($loaded, qr/^workflow_orch\.max_open_proposals\|100000\|\|superuser$/m, 'a session that has loaded the library has them');
$node->safe_psql('postgres', 'ALTER ROLE tool_runner SET workflow_orch.proposal_id = 1; ALTER DATABASE postgres SET workflow_orch.actor = $$x$$');
is($node->safe_psql('postgres', q{SELECT login, current_setting('workflow_orch.proposal_id', true), current_setting('workflow_orch.actor', true) FROM workflow_orch.whoami()}, extra_params => [ '-U', 'postgres' ]),
	'postgres||', 'what was set before the library was loaded does not count');
$node->safe_psql('postgres', 'ALTER ROLE tool_runner RESET ALL; ALTER DATABASE postgres RESET ALL');
$node->safe_psql('postgres', 'CREATE DATABASE other');
is($node->safe_psql('other', 'SELECT 1'), '1', 'a database without the extension is left alone');

# Preloaded.
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'workflow_orch'\nworkflow_orch.max_open_proposals = 7\n");
$node->restart;
is($node->safe_psql('postgres', $settings), $loaded,
	'preloaded, the same settings are there from the start');
is($node->safe_psql('postgres', $found), '', 'and check_setup finds so');
is($node->safe_psql('postgres', 'SHOW workflow_orch.max_open_proposals'), '7', 'with the value of the configuration file');
$node->safe_psql('postgres', q{SELECT workflow_orch.set_policy(dry_run => false); GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA workflow_orch TO tool_runner; GRANT USAGE ON SCHEMA workflow_orch TO tool_runner});
is(execute($node, 'postgres', approved($node, 'postgres', 'add', 5)), '2', 'and the calls work');
foreach my $name ('proposal_id', 'execution_id', 'actor')
{
	foreach my $user ('postgres', 'tool_runner')
	{
		like(error_of($node, 'postgres', $_, '-U', $user), qr/^55P02 parameter "workflow_orch\.$name" cannot be (changed|set)/, "$user cannot: $_")
		  foreach "SET workflow_orch.$name = '1'", "SET LOCAL workflow_orch.$name = '1'", "SELECT set_config('workflow_orch.$name', '1', false)";
	}
	like(error_of($node, 'postgres', "ALTER SYSTEM SET workflow_orch.$name = '1'"), qr/^55P02/, "ALTER SYSTEM cannot set $name");
	like(error_of($node, 'postgres', "ALTER DATABASE postgres SET workflow_orch.$name = '1'"), qr/^55P02/, "ALTER DATABASE cannot set $name");
}
like(error_of($node, 'postgres', "SET workflow_orch.$_ = 1", '-U', 'tool_runner'), qr/^42501/, "an ordinary user cannot set $_")
  foreach 'allow_superuser_tools', 'max_params_size', 'max_result_size', 'max_open_proposals';
like(error_of($node, 'postgres', 'SET workflow_orch.typo = 1'), qr/^(42602|22023)/, 'a setting that there is not is refused');
like(error_of($node, 'postgres', 'SET workflow_orch.max_params_size = 0'), qr/^22023/, 'a size of 0 is refused');

# What a tool reads of the call that is running.
$node->safe_psql('postgres', q{
	CREATE FUNCTION app.seen() RETURNS text LANGUAGE sql AS $$
		SELECT concat_ws('|', current_setting('workflow_orch.proposal_id', true), current_setting('workflow_orch.execution_id', true),
		                 current_setting('workflow_orch.actor', true)) $$;
	CREATE FUNCTION app.sets() RETURNS void LANGUAGE plpgsql AS $$ BEGIN SET workflow_orch.proposal_id = '1'; END $$;
	SELECT workflow_orch.register_tool('seen', 'app.seen()', 'tool_runner'), workflow_orch.register_tool('sets', 'app.sets()', 'tool_runner')});
my ($p, $q) = map {
	my $id = $node->safe_psql('postgres', "SELECT proposal_id FROM workflow_orch.propose_action(1, 1, '$_', '{}', 'r')");
	$node->safe_psql('postgres', "SELECT workflow_orch.review_action($id, 2, 'approve')");
	$id
} 'seen', 'sets';
my ($execution, $output) = split /,/, $node->safe_psql('postgres', "SELECT concat_ws(',', execution_id, result->>'output') FROM workflow_orch.execute_action($p, 3)");
is($output, "$p|$execution|ops", 'a tool reads the proposal, the execution and the actor of its call');
is($node->safe_psql('postgres', 'SELECT app.seen()'), '||', 'nobody else does');
is(execute($node, 'postgres', $q), '55P02', 'a tool cannot set them either');

done_testing();
