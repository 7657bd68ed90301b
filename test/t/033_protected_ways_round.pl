# Ways round a protected policy: one person, a superuser without postgresql.conf
# among them, gets no unreviewed change through, and nobody is locked out by mistake.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

my $node = new_node('main', settings => "log_min_messages = warning\nmax_prepared_transactions = 2\n");
my $people = 'CREATE ROLE alice LOGIN; CREATE ROLE bea LOGIN; CREATE ROLE mark LOGIN; CREATE ROLE mallory LOGIN; CREATE ROLE target;';
install($node, 'postgres');
acts_on($node);
$node->safe_psql('postgres', qq{
	$people
	GRANT CREATE ON SCHEMA public TO mallory;
	SELECT workflow_orch.grant_capability(r::regrole, c)
	  FROM unnest('{alice,bea,mallory}'::text[]) AS r, unnest('{propose,review,administer,execute}'::text[]) AS c WHERE r <> 'mallory' OR c <> 'review';
	SELECT workflow_orch.grant_capability('mark', c) FROM unnest('{propose,review}'::text[]) AS c;
	GRANT tool_runner TO alice, bea, mallory;
	SELECT workflow_orch.register_actor('alice', 'Manager', db_role => 'alice');    -- 4
	SELECT workflow_orch.register_actor('mallory', 'Clerk', db_role => 'mallory');  -- 5
	SELECT workflow_orch.register_actor('mark', 'Manager', db_role => 'mark');      -- 6
	SELECT workflow_orch.register_actor('bea', 'DBA', db_role => 'bea');            -- 7
	SELECT workflow_orch.start_workflow('Administration', 4);                       -- 2
	CREATE FUNCTION app.sly(n bigint) RETURNS text LANGUAGE sql AS \$\$SELECT workflow_orch.propose_action(2, 7, 'workflow_orch.set_policy', '{"protected": false}', 'x')::text\$\$;
	SELECT workflow_orch.register_tool('sly', 'app.sly(bigint)', run_as => 'bea');
	GRANT CREATE ON SCHEMA app TO mallory;
	ALTER FUNCTION app.add(int) OWNER TO mallory;
	SELECT workflow_orch.update_tool('add')});

# What Alice proposes and Bea approves.
sub agreed
{
	my ($tool, $params) = @_;
	my $id = proposed('alice', $tool, $params);
	return $id =~ /^\d+$/ && reviewed('bea', $id, 'approve') eq 'approved' ? $id : die "$tool with $params: $id";
}

sub wait_for_lock
{
	wait_for($node, 'postgres', q{SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)});
	return;
}

# Protection begins between two calls: after one that has not committed, and for all that come later.
my $direct = session($node, 'postgres');
my $protects = session($node, 'postgres');
my $earlier = session($node, 'postgres');
start_query($earlier, q{BEGIN ISOLATION LEVEL REPEATABLE READ; DECLARE c CURSOR FOR SELECT workflow_orch.register_actor('late', 'DBA'); SELECT count(*) FROM workflow_orch.actor});
is(answer($earlier), '7', 'a transaction has its snapshot');
start_query($direct, q{BEGIN; SELECT workflow_orch.register_actor('first', 'DBA')});
is(answer($direct), '8', 'a direct call has not committed');
start_query($protects, 'SELECT protected FROM workflow_orch.set_policy(protected => true)');
wait_for_lock();
start_query($direct, 'COMMIT');
answer($direct);
like(answer($protects), qr/^t$/m, 'protection waits for it');
start_query($earlier, 'FETCH c');
like(answer($earlier), qr/register_actor cannot be called directly/, 'an earlier snapshot and cursor know that the policy is protected');
end_session($_) for $protects, $earlier;

# A superuser is nobody else by taking on a role, and sets nothing without the server's file.
is(as('postgres', qq{$_ alice; SELECT workflow_orch.delegate_review(4, 6, '2099-01-01')}), '42501 wfo_protected', "$_ makes no delegation one's own") for 'SET ROLE', 'SET SESSION AUTHORIZATION';
is(as('alice', q{BEGIN; SELECT workflow_orch.delegate_review(4, 6, '2099-01-01') > 0; ROLLBACK}), 't', 'who is away delegates their reviews');
is(as('postgres', 'ALTER SYSTEM SET workflow_orch.allow_direct_administration = on'), '55P02 -', 'ALTER SYSTEM does not turn protection off');
is(as('postgres', 'ALTER DATABASE postgres SET workflow_orch.allow_direct_administration = on'), '55P02 -', 'nor does a setting of the database');
is(as('postgres', q{BEGIN; SELECT workflow_orch.update_actor(actor_id, active => false) FROM workflow_orch.actor; SELECT workflow_orch.update_tool('add', run_as => 'tool_runner')}),
	'42501 wfo_protected', 'deactivating everybody is no restore');
for my $role ('mallory', 'postgres')
{
	is(as($role, q{SELECT workflow_orch.update_actor(7, db_role => 'mallory')}), '42501 wfo_protected', "$role does not take over an approver");
	is(as($role, q{SELECT workflow_orch.update_actor(5, person => 'somebody')}), '42501 wfo_protected', "nor a mark of a person");
}

# Nobody decides for somebody else without their knowing.
my $policy = proposed('alice', 'set_policy', '{"notify": true}');
as('mallory', qq{CREATE TABLE public.diary (line text); GRANT INSERT ON public.diary TO PUBLIC;
	CREATE FUNCTION public.sly() RETURNS trigger LANGUAGE plpgsql AS \$\$BEGIN PERFORM workflow_orch.review_action($policy, NULL, 'approve'); RETURN NEW; END\$\$;
	CREATE TRIGGER sly BEFORE INSERT ON public.diary FOR EACH ROW EXECUTE FUNCTION public.sly()});
is(as('bea', q{INSERT INTO public.diary VALUES ('dear diary')}), '42501 wfo_not_own_session', 'a trigger does not approve');
my $sly = as('alice', q{SELECT proposal_id FROM workflow_orch.propose_action(1, 4, 'sly', '{"n": 1}', 'x')});
is(reviewed('mark', $sly, 'approve'), 'approved', 'a tool that runs as an administrator is approved');
is(executed('alice', $sly), '42501', 'and does not propose in her name');
is(reviewed('bea', $policy, 'request_changes', q(, comment => 'why?')), 'pending', 'a reviewer asks for changes');
is(as('postgres', "SELECT workflow_orch.revoke_approval($policy, 7)"), '42501 wfo_not_own_session', 'and nobody else takes that back');
is(as('bea', "SELECT workflow_orch.revoke_approval($policy, 7)"), 'pending', 'but themselves');
is(sql("SELECT status || ' ' || revision FROM workflow_orch.proposal WHERE proposal_id = $policy"), 'pending 1', 'nothing was decided');

# Members that are filled in are nobody's to edit.
is(reviewed('bea', $policy, 'edit', qq(, edits => '$_')), '22023 wfo_params_unfit', "edit $_") for '{"old": {"notify": true}}', '{"search_path": "evil"}', '{"definition": "00"}', '{"run_as_oid": 10}';
is(reviewed('bea', $policy, 'edit', q(, edits => '{"old": null}')), '22023 wfo_nothing_changed', 'nor to delete');
is(proposed('alice', 'update_actor', qq({"actor_id": $_, "role": "X"})), '22023 wfo_params_unfit', "actor_id $_") for '6.0', '6.4', '1e30', '[6]', '"six"', '"6e0"';
is(proposed('alice', 'update_actor', qq({"actor_id": $_, "role": "Manager"}), ", 'key'"), $policy + 2, "actor_id $_ is 6, under one key") for '6e0', '" 6 "', '6';

# Rules add to the approvals of built-in tools, and ask for nobody who is not there.
is(proposed('alice', 'add_approval_rule', '{"tool": "workflow_orch.register_actor", "approvals": 3}'), '55000 wfo_lock_out', 'three reviewers do not approve what one of them proposes');
is(executed('bea', agreed('add_approval_rule', '{"tool": "workflow_orch.register_actor", "role": "Manager"}')) =~ /^\d+$/, 1, 'a rule asks for a manager');
my $actor = proposed('bea', 'register_actor', '{"name": "carl", "role": "DBA"}');
is(reviewed('mark', $actor, 'edit', q(, edits => '{"kind": "human"}')), '42501 wfo_no_slot', 'who may not administer edits no such call');
is(reviewed('mark', $actor, 'approve'), 'pending', 'and approves it for the rule');
is(reviewed('alice', $actor, 'approve'), 'approved', 'beside an administrator');
is(executed('bea', $actor) =~ /^\d+$/, 1, 'it runs');

# What was approved is what becomes of it.
my $grant = agreed('grant_capability', '{"db_role": "target", "capability": "audit"}');
sql('DROP ROLE target; CREATE ROLE target');
is(executed('bea', $grant), '55000 wfo_basis_changed', 'another role of that name gets nothing');
sql('ALTER ROLE target RENAME TO other; CREATE ROLE target');
is(executed('bea', $grant), '55000 wfo_basis_changed', 'nor does one that has taken it');
my $automatic = agreed('add_approval_rule', '{"tool": "add", "approvals": 0}');
is(sql("SELECT params ->> 'definition' FROM workflow_orch.proposal WHERE proposal_id = $automatic"), sql(q{SELECT encode(definition, 'hex') FROM workflow_orch.tool WHERE tool = 'add'}), 'a rule shows for which definition it would hold');
as('mallory', 'CREATE OR REPLACE FUNCTION app.add(n int) RETURNS int LANGUAGE sql RETURN 666');
is(executed('bea', $automatic), '55000', 'no rule asks for nobody for a function that nobody has confirmed');
my $general = executed('bea', agreed('add_approval_rule', '{"approvals": 0}'));
is(sql("SELECT string_agg(k, ' ' ORDER BY k) FROM workflow_orch.approval_rule, jsonb_object_keys(definition) k WHERE rule_id = $general"), 'slow sly', 'nor does one for all tools');
is(executed('bea', agreed('remove_approval_rule', qq({"rule_id": $general}))), 'null', 'that one is removed');
is(executed('bea', agreed('update_tool', '{"tool": "add"}')), 'null', 'two people confirm the function');
is(as('bea', "SELECT workflow_orch.retry_action($automatic)"), 'approved', 'the rule is tried again');
is(executed('bea', $automatic), '55000 wfo_basis_changed', 'but was approved for the function before');
my $first = agreed('update_tool', '{"tool": "slow", "description": "one"}');
is(as('mallory', q{SELECT workflow_orch.set_tool_enabled('slow', false)}), '', 'a direct change comes in between');
is(executed('bea', $first), '55000 wfo_basis_changed', 'then what was approved does not run');
is(reviewed('bea', $first, 'edit', q(, edits => '{}', expected_revision => 1)), 'pending', 'until it is edited');
is(reviewed('bea', $first, 'approve', ', expected_revision => 2'), '42501 wfo_own_revision', 'and approved by another person');

# Where a built-in tool runs, and that its hints say so.
my $call = agreed('set_policy', '{"proposal_ttl": "40 days"}');
is(as('bea', "SELECT workflow_orch.enqueue_action($call)"), '55000 wfo_only_in_session', 'not in the queue');
is(as('bea', qq{SELECT workflow_orch.execute_parallel('[$_]')}), '55000 wfo_only_in_session', "nor in a batch: $_") for qq({"proposal_id": $call}), '{"tool": "workflow_orch.set_policy", "params": {"proposal_ttl": "40 days"}}';
is(as('bea', "SELECT workflow_orch.preview_action($call)"), '55000 wfo_no_preview', 'nor in a preview');

# Once, whatever the transaction around it does.
is(as('bea', qq{BEGIN; SAVEPOINT s; SELECT status FROM workflow_orch.proposal, workflow_orch.execute_action($call) WHERE proposal_id = $call; ROLLBACK TO s;
	DO \$\$BEGIN PERFORM workflow_orch.execute_action($call); RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN END\$\$; COMMIT; SELECT proposal_ttl FROM workflow_orch.policy}), "approved\n00:00:00", 'an execution that is undone has changed nothing');
like(as('bea', qq{BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT result -> 'success' FROM workflow_orch.execute_action($call); PREPARE TRANSACTION 'p'}), qr/^true$/, 'an execution is prepared');
my $other = agreed('delegate_review', '{"from_actor": 6, "to_actor": 7, "ends_at": "2099-01-01"}');
is(executed('alice', $other), '55P03 wfo_busy', 'another one does not wait for it');
is(as('bea', q{COMMIT PREPARED 'p'; SELECT proposal_ttl FROM workflow_orch.policy}), '40 days', 'it commits');
is(executed('alice', $call), '55000 wfo_not_approved', 'and is not executed again');

# Two sessions: executions exclude each other, and direct changes.
my $runs = session($node, 'postgres', '-U', 'bea');
start_query($runs, "BEGIN; SELECT result -> 'success' FROM workflow_orch.execute_action($other)");
is(answer($runs), 'true', 'an execution has not committed');
is(executed('alice', agreed('set_policy', '{"approval_ttl": "30 days"}')), '55P03 wfo_busy', 'another one is refused');
start_query($direct, 'BEGIN; SELECT workflow_orch.update_actor(3, active => false)');
wait_for_lock();
start_query($runs, 'COMMIT');
answer($runs);
is(answer($direct), '', 'a deactivation waits for it');
my $ttl = agreed('set_policy', '{"approval_ttl": "31 days"}');
is(executed('alice', $ttl), '55P03 wfo_busy', 'an execution does not wait for the deactivation');
is(sql("SELECT status FROM workflow_orch.proposal WHERE proposal_id = $ttl"), 'approved', 'and has not failed');
start_query($direct, 'COMMIT');
answer($direct);
like(executed('alice', $ttl), qr/"approval_ttl": "31 days"/, 'it runs afterwards');
end_session($_) for $runs, $direct;

# A call that fails is retried in the world as it is then.
my @twice = map { my $id = proposed('alice', 'register_tool', '{"tool": "again", "function": "app.slow(int)", "run_as": "tool_runner"}'); reviewed('bea', $id, 'approve'); $id } 1 .. 2;
is(executed('bea', $twice[0]), 'null', 'a tool is registered');
is(executed('bea', $twice[1]), '42710', 'a second one of its name is not');
is(as('mallory', "SELECT workflow_orch.retry_action($twice[1], 5)"), 'approved', 'the call is retried');
sql('ALTER FUNCTION app.slow(int) STRICT');
is(executed('bea', $twice[1]), '42710', 'and fails again');
sql('ALTER FUNCTION app.slow(int) CALLED ON NULL INPUT');
is(sql('SELECT * FROM workflow_orch.verify_audit_log()'), '', 'the audit log agrees with the tables');

# A policy that leaves no time to change it again.
is(proposed('alice', 'set_policy', qq({"$_": "59 s"})), '55000 wfo_lock_out', "nothing could be approved and executed with a $_ of seconds") for 'proposal_ttl', 'approval_ttl';
like(executed('bea', agreed('set_policy', '{"protected": false, "proposal_ttl": "1 min"}')), qr/"protected": false/, 'two people end protection');
sql(q{SELECT workflow_orch.set_policy(default_timeout => '1 ms'); DO $$BEGIN FOR i IN 1..2000 LOOP PERFORM workflow_orch.set_policy(notify => i % 2 = 0); END LOOP; END$$});
like(executed('bea', agreed('set_policy', '{"protected": true}')), qr/"protected": true/, 'the timeout of the policy is not for built-in tools: looking for new people takes longer');
like(executed('bea', agreed('set_policy', '{"default_timeout": "0", "proposal_ttl": "0"}')), qr/"default_timeout": "00:00:00"/, 'one of which may have to change it');

# Restored where the roles have other OIDs: a superuser confirms them, in one transaction and to the same names.
my $built_in = 'SELECT count(*) FROM workflow_orch.tool WHERE built_in';
my $tools = sql($built_in);
my $last = agreed('set_policy', '{"approval_ttl": "32 days"}');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, 'postgres' ], 'the database is dumped');
$node = new_node('two', settings => "log_min_messages = warning\n");
acts_on($node);
$node->safe_psql('postgres', "CREATE ROLE before_them; CREATE ROLE tool_runner LOGIN; $people CREATE ROLE other");
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'postgres', $dump ], 'and restored, with its built-in tools');
is(sql($built_in), $tools, 'they are there once');
is(as('alice', q{SELECT workflow_orch.propose_action(2, 4, 'workflow_orch.set_policy', '{"notify": false}', 'x')}), '42501 wfo_role_changed', 'nobody is who they were');
is(executed('bea', $last), '42501 wfo_capability_missing', 'and nothing runs for them');
is(as('postgres', 'SELECT workflow_orch.set_policy(protected => false)'), '42501 wfo_protected', 'the policy is protected there, too');
is(as('alice', q{SELECT workflow_orch.update_actor(4, db_role => 'alice')}), '42501 wfo_protected', 'who administers does not confirm a role');
is(as('postgres', qq{SELECT workflow_orch.update_actor(4, $_)}), '42501 wfo_protected', "nor does a superuser with $_") for q{db_role => 'mallory'}, q{db_role => '-'}, q{db_role => 'alice', active => true}, q{db_role => 'alice', person => 'x'};
is(as('postgres', q{BEGIN; SELECT workflow_orch.update_actor(4, db_role => 'alice'); ROLLBACK; SELECT workflow_orch.update_tool('add', run_as => 'tool_runner', timeout => '1 s')}), '42501 wfo_protected', 'nor more than a role');
is(as('postgres', q{BEGIN;
	SELECT count(workflow_orch.update_actor(actor_id, db_role => db_role::text::regrole)) FROM workflow_orch.actor WHERE db_role IS NOT NULL;
	SELECT count(workflow_orch.update_tool(tool, run_as => run_as::text::regrole)) FROM workflow_orch.tool WHERE run_as IS NOT NULL;
	COMMIT}), "4\n4", 'a superuser confirms all of them');
is(as('postgres', q{SELECT workflow_orch.update_actor(4, db_role => 'alice')}), '42501 wfo_protected', 'and then no more');
like(executed('bea', $last), qr/"approval_ttl": "32 days"/, 'what was approved runs');
like(executed('alice', agreed('set_policy', '{"notify": false}')), qr/"notify": false/, 'and work goes on');

done_testing();
