# A protected policy: nobody alone changes what a review means, whatever role they
# take on.  Each person has a login, since only sessions of one's own count.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

my $node = new_node('main', settings => "log_min_messages = warning\n");
install($node, 'postgres');
acts_on($node);
$node->safe_psql('postgres', q{
	CREATE ROLE alice LOGIN; CREATE ROLE bea LOGIN; CREATE ROLE carl LOGIN; CREATE ROLE mallory LOGIN; CREATE ROLE clerk LOGIN; CREATE ROLE app LOGIN;
	SELECT workflow_orch.grant_capability(r::regrole, c)
	  FROM unnest('{alice,bea,carl,mallory}'::text[]) AS r, unnest('{propose,review,administer,execute}'::text[]) AS c
	 WHERE r <> 'mallory' OR c <> 'review';
	SELECT workflow_orch.grant_capability('clerk', c) FROM unnest('{propose,review}'::text[]) AS c;
	SELECT workflow_orch.grant_capability('app', c) FROM unnest('{propose,review,gateway}'::text[]) AS c;
	GRANT tool_runner TO alice, bea, mallory;
	SELECT workflow_orch.register_actor('alice', 'Manager', db_role => 'alice');   -- 4
	SELECT workflow_orch.register_actor('mallory', 'Clerk', db_role => 'mallory');  -- 5
	SELECT workflow_orch.register_actor('clerk', 'Clerk', db_role => 'clerk');      -- 6
	SELECT workflow_orch.register_actor('robot', 'Clerk', db_role => 'clerk', kind => 'agent');  -- 7
	SELECT workflow_orch.start_workflow('Administration', 4);                      -- 2
	SELECT workflow_orch.start_workflow('Rehearsal', 4, true)});                   # 3

# Turning it on.
is(as('alice', 'SELECT workflow_orch.set_policy(protected => true)'), '55000 wfo_lock_out', 'one person who may propose and approve is too few');
sql(q{SELECT workflow_orch.register_actor('bea', 'DBA', db_role => 'bea')});       # 8
is(as('alice', 'SELECT workflow_orch.set_policy(protected => true, default_approvals => 2)'), '55000 wfo_lock_out', 'two are too few where two must approve');
is(as('alice', "SELECT workflow_orch.set_policy(protected => true, proposal_ttl => '1 ms')"), '55000 wfo_lock_out', 'a millisecond is too short to approve anything');
my $unfilled = sql(q{SELECT workflow_orch.add_approval_rule('Manager', tool => 'workflow_orch.remove_approval_rule') FROM workflow_orch.register_actor('carl', 'Manager', db_role => 'carl')});
sql(q{SELECT workflow_orch.update_actor(actor_id, active => false) FROM workflow_orch.actor WHERE name = 'carl'});
is(as('alice', 'SELECT workflow_orch.set_policy(protected => true)'), '55000 wfo_lock_out', 'with a rule that one person too few could fill, a call of its tool could not be approved');
sql("SELECT workflow_orch.remove_approval_rule($unfilled)");
my ($rc, $out, $err) = $node->psql('postgres', 'SELECT protected FROM workflow_orch.set_policy(protected => true)');
is($out, 't', 'two are enough');
like($err, qr/WARNING.*last 30 days.*actor 8 \("bea"\).*"administer" to role "bea"/s, 'new actors and grants are named');

# The calls are refused when made directly.
sql(q{INSERT INTO workflow_orch.actor (actor_id, name, role, kind, active, registered_at) OVERRIDING SYSTEM VALUE VALUES (99, 'ninetynine', 'r', 'human', false, now())});
my %direct = (
	'set_policy(dry_run => false)' => 'set_policy', 'set_policy(protected => false)' => 'set_policy',
	"add_approval_rule('DBA')" => 'add_approval_rule', 'remove_approval_rule(1)' => 'remove_approval_rule',
	"register_tool('again', 'app.add(int)', run_as => 'tool_runner')" => 'register_tool',
	"update_tool('add', timeout => '1 s')" => 'update_tool', "set_tool_enabled('add', true)" => 'set_tool_enabled',
	"register_actor('eve', 'DBA')" => 'register_actor', "update_actor(2, active => true)" => 'update_actor', "update_actor(2, person => 'x', active => false)" => 'update_actor',
	"grant_capability('mallory', 'review')" => 'grant_capability', "revoke_capability('mallory', 'audit')" => 'revoke_capability',
	'remove_freeze(1)' => 'remove_freeze', "delegate_review(4, 8, '2099-01-01')" => 'delegate_review', 'resume_queue()' => 'resume_queue', "purge_workflows('2001-01-01', NULL, 'r')" => 'purge_workflows', "release_hold(1, NULL, 'r')" => 'release_hold', "redact_actor(99, NULL, 'r')" => 'redact_actor', "new_origin('r')" => 'new_origin', "adopt_origin('r')" => 'adopt_origin');
for my $call (sort keys %direct)
{
	for my $role ('mallory', 'postgres')
	{
		is(as($role, "SELECT workflow_orch.$call"), '42501 wfo_protected', "$role may not call $call");
	}
	my (undef, undef, $error) = $node->psql('postgres', "SELECT workflow_orch.$call");
	like($error, qr/HINT:.*"workflow_orch\.$direct{$call}"/, 'the hint names the tool');
}
is(as('mallory', 'SELECT protected FROM workflow_orch.set_policy()'), 't', 'set_policy without arguments reads');
is(as('mallory', "SELECT workflow_orch.add_freeze('Audit', now(), 'infinity')"), '1', 'a freeze tightens');
is(as('mallory', "SELECT workflow_orch.set_tool_enabled('slow', false)"), '', 'so does disabling a tool');
is(as('mallory', 'SELECT workflow_orch.update_actor(3, active => false)'), '', 'and deactivating an actor');
is(as('postgres', "SELECT workflow_orch.revoke_capability('app', 'gateway')"), '', 'and revoking a capability');

# The way from a proposal to the change: two people, in sessions of their own.
my $rule = proposed('alice', 'add_approval_rule', '{"role": "DBA", "tool": "add", "description": "for the till"}');
like($rule, qr/^\d+$/, 'an administrator proposes a rule');
is(sql("SELECT requirements FROM workflow_orch.proposal WHERE proposal_id = $rule"),
	'[{"role": null, "rules": [], "stage": 1, "approvals": 1, "administer": true}]', 'which a reviewer who may administer must approve');
is(reviewed('clerk', $rule, 'approve', ', expected_revision => 1'), '22023 wfo_argument_null', 'two actors of one login must say which one they are');
is(as('clerk', "SELECT status FROM workflow_orch.review_action($rule, 6, 'approve')"), '42501 wfo_no_slot', 'a reviewer without administer fills no slot');
is(as('clerk', "SELECT status FROM workflow_orch.review_action($rule, 7, 'approve')"), '42501 wfo_kind_not_human', 'an agent reviews no such call');
is(reviewed('alice', $rule, 'approve'), '42501 wfo_own_proposal', 'the proposer does not approve it');
is(reviewed('postgres', $rule, 'approve'), '22023 wfo_argument_null', 'a superuser is no actor');
is(as('postgres', "SELECT status FROM workflow_orch.review_action($rule, 8, 'approve')"), '42501 wfo_not_own_session', 'nor another one');
is(as('postgres', "SET ROLE bea; SELECT status FROM workflow_orch.review_action($rule, 8, 'approve')"), '42501 wfo_not_own_session', 'not by SET ROLE');
is(as('postgres', "SET SESSION AUTHORIZATION bea; SELECT status FROM workflow_orch.review_action($rule, 8, 'approve')"), '42501 wfo_not_own_session', 'not by SET SESSION AUTHORIZATION');
sql('CREATE ROLE bea_too LOGIN IN ROLE bea');
is(as('bea_too', "SELECT status FROM workflow_orch.review_action($rule, 8, 'approve')"), '42501 wfo_not_own_session', 'not by a role that is in the role');
is(as('app', "SELECT status FROM workflow_orch.review_action($rule, 8, 'approve')"), '42501 wfo_not_that_actor', 'not through an application');
sql(q{CREATE FUNCTION public.wrapped(bigint) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$SELECT status::text FROM workflow_orch.review_action($1, 8, 'approve')$$;
      GRANT EXECUTE ON FUNCTION public.wrapped TO PUBLIC; GRANT CREATE ON SCHEMA public TO alice});
is(as('bea', "SELECT public.wrapped($rule)"), '42501 wfo_not_own_session', 'not inside a SECURITY DEFINER function');
is(executed('alice', $rule), '55000 wfo_not_approved', 'it does not run before');
is(reviewed('bea', $rule, 'approve'), 'approved', 'somebody else who may administer approves it');
is(as('alice', "SELECT workflow_orch.enqueue_action($rule)"), '55000 wfo_only_in_session', 'it is not queued');
is(as('alice', "SELECT workflow_orch.execute_parallel('[{\"proposal_id\": $rule}]')"), '55000 wfo_only_in_session', 'nor run in a batch');
is(executed('carl', $rule), sql('SELECT max(rule_id) FROM workflow_orch.approval_rule'), 'it runs in a freeze of everything, and gives what the call gives');
is(sql(q{SELECT added_by || ' ' || role || ' ' || approvals FROM workflow_orch.approval_rule WHERE removed_at IS NULL}), '4 DBA 1', 'the rule is there, added by the proposer');
is(sql("SELECT actor_id || ' ' || login || ' ' || db_role || ' ' || authenticated_login || ' ' || (details -> 'authority') FROM workflow_orch.audit_log WHERE action = 'add_approval_rule' AND proposal_id = $rule AND execution_id IS NOT NULL"),
	'4 carl alice carl {"approved_by": [8], "proposed_by": 4}', 'the audit row names proposer, approvers and the session that executed it');
is(executed('carl', $rule), '55000 wfo_not_approved', 'it runs once');

# A purge, which changes no row that people review.
my $purge = proposed('alice', 'purge_workflows', '{"ended_before": "2001-01-01", "actor_id": null, "reason": "retention is over"}');
is(reviewed('bea', $purge, 'approve'), 'approved', 'a purge is approved');
is(executed('carl', $purge), '0', 'and made');

# Whoever proposes may administer, in a session of their own.
is(as('clerk', q{SELECT workflow_orch.propose_action(2, 6, 'workflow_orch.set_policy', '{"dry_run": true}', 'x')}), '42501 wfo_capability_missing', 'a proposer must hold administer');
is(as('clerk', q{SELECT workflow_orch.propose_action(2, 7, 'workflow_orch.set_policy', '{"dry_run": true}', 'x')}), '42501 wfo_kind_not_human', 'and be human');
is(as('postgres', q{SELECT workflow_orch.propose_action(2, 4, 'workflow_orch.set_policy', '{"dry_run": true}', 'x')}), '42501 wfo_not_own_session', 'and be themselves');
is(as('alice', q{SELECT workflow_orch.propose_action(3, 4, 'workflow_orch.set_policy', '{"dry_run": true}', 'x')}), '55000 wfo_dry_run', 'a rehearsal changes no policy');
is(as('alice', q{SELECT workflow_orch.propose_action(2, 4, 'workflow_orch.set_policy', '{"dry_run": true}', 'x', execute_on_approval => true)}), '55000 wfo_only_in_session', 'and is not queued by its approval');

# What the call would be refused with is refused when it is proposed.
my %refused = (
	'set_policy {"dry_run": "perhaps"}' => '22023 wfo_params_unfit', 'set_policy {"unknown": 1}' => '22023 wfo_params_unfit', 'set_policy {"default_approvals": 0}' => '22023 wfo_argument_invalid',
	'set_policy {"default_approvals": 3}' => '55000 wfo_lock_out', 'set_policy {"old": 1}' => '22023 wfo_params_unfit',
	'remove_approval_rule {"rule_id": 404}' => '42704 wfo_unknown_rule', 'remove_approval_rule {"rule_id": 9223372036854775807}' => '42704 wfo_unknown_rule', 'remove_approval_rule {"rule_id": null}' => '22023 wfo_argument_null', 'remove_approval_rule {}' => '22023 wfo_params_unfit',
	'add_approval_rule {"tool": "workflow_orch.set_policy", "approvals": 0}' => '22023 wfo_argument_invalid',
	'add_approval_rule {"tool": "workflow_orch.set_policy", "role": "Manager"}' => '55000 wfo_lock_out', 'add_approval_rule {"condition": "$ +"}' => '22023 wfo_params_unfit',
	'register_tool {"tool": "add", "function": "app.add(int)", "run_as": "tool_runner"}' => '42710 wfo_tool_exists',
	'register_tool {"tool": "workflow_orch.set_policy", "function": "app.add(int)", "run_as": "tool_runner"}' => '42710 wfo_tool_exists',
	'register_tool {"tool": "workflow_orch.mine", "function": "app.add(int)", "run_as": "tool_runner"}' => '22023 wfo_argument_invalid',
	'register_tool {"tool": "b", "function": "app.add(int)", "run_as": "postgres"}' => '42501 wfo_cannot_set_role',
	'register_tool {"tool": "b", "function": "app.none(int)"}' => '22023 wfo_params_unfit',
	'update_tool {"tool": "none"}' => '42704 wfo_unknown_tool', 'update_tool {"tool": "workflow_orch.set_policy", "timeout": "1 s"}' => '42501 wfo_built_in',
	'set_tool_enabled {"tool": "workflow_orch.set_policy", "enabled": false}' => '42501 wfo_built_in',
	'register_actor {"name": "bea", "role": "DBA"}' => '42710 wfo_actor_exists', 'register_actor {"name": "x", "role": "DBA", "kind": "ghost"}' => '22023 wfo_unknown_label',
	'update_actor {"actor_id": -9223372036854775808, "role": "x"}' => '42704 wfo_unknown_actor',
	'grant_capability {"db_role": "clerk", "capability": "fly"}' => '22023 wfo_unknown_label', 'grant_capability {"db_role": "clerk", "capability": "administer"}' => '42501 wfo_capability_restricted',
	'purge_workflows {"ended_before": "2099-01-01", "actor_id": null, "reason": "r"}' => '22023 wfo_not_past', 'purge_workflows {"ended_before": "2001-01-01", "actor_id": 8, "reason": "r"}' => '42501 wfo_not_that_actor',
	'remove_freeze {"freeze_id": 404}' => '42704 wfo_unknown_freeze', 'delegate_review {"from_actor": 4, "to_actor": 4, "ends_at": "2099-01-01"}' => '22023 wfo_argument_invalid');
for my $case (sort keys %refused)
{
	my ($tool, $params) = split ' ', $case, 2;
	is(proposed('alice', $tool, $params), $refused{$case}, "$tool with $params is refused");
}
is(sql('SELECT count(*) FROM workflow_orch.proposal WHERE proposal_id > ' . $purge), '0', 'nothing of these was written');

# An edit is nobody's approval: somebody other than the editor approves, and the proposer may.
my $policy = proposed('alice', 'set_policy', '{"proposal_ttl": "30 days"}');
is(as('clerk', "SELECT status FROM workflow_orch.review_action($policy, 6, 'edit', '{\"proposal_ttl\": \"3 days\"}')"), '42501 wfo_no_slot', 'nobody edits who may not administer');
is(reviewed('bea', $policy, 'edit', q(, edits => '{"proposal_ttl": "2 days"}')), 'pending', 'an edit leaves it pending');
is(reviewed('bea', $policy, 'approve', ', expected_revision => 2'), '42501 wfo_own_revision', 'the editor does not approve their own wording');
is(executed('bea', $policy), '55000 wfo_not_approved', 'and does not execute it alone');
is(as('alice', "SELECT status FROM workflow_orch.revise_proposal($policy, 4, '{\"proposal_ttl\": \"5 days\"}')"), 'pending', 'the proposer words it anew');
is(reviewed('alice', $policy, 'approve', ', expected_revision => 3'), '42501 wfo_own_proposal', 'and does not approve that');
is(reviewed('bea', $policy, 'edit', q(, edits => '{"proposal_ttl": "6 days"}', expected_revision => 3)), 'pending', 'after another edit');
is(reviewed('alice', $policy, 'approve', ', expected_revision => 4'), 'approved', 'the proposer may approve the editor\'s wording');
like(executed('bea', $policy), qr/"proposal_ttl": "6 days"/, 'and it runs, with the policy as it then is');
is(sql('SELECT proposal_ttl FROM workflow_orch.policy'), '6 days', 'the policy is what was approved');

# What a call rests on must not change before it runs.
my $freeze = proposed('alice', 'remove_freeze', '{"freeze_id": 1}');
is(sql("SELECT params -> 'old' ->> 'title' FROM workflow_orch.proposal WHERE proposal_id = $freeze"), 'Audit', 'the reviewers see the freeze that ends');
my $actor = proposed('alice', 'update_actor', '{"actor_id": 6, "role": "Manager"}');
my $again = proposed('bea', 'update_actor', '{"actor_id": 6, "role": "DBA"}');
is(reviewed('bea', $actor, 'approve'), 'approved', 'a change of an actor is approved');
is(reviewed('alice', $again, 'approve'), 'approved', 'and another one of the same actor');
is(executed('alice', $actor), 'null', 'the first one runs');
is(executed('alice', $again), '55000 wfo_basis_changed', 'the second one was approved for the actor as it was');
is(reviewed('alice', $again, 'edit', q(, edits => '{}', expected_revision => 1)), 'pending', 'an empty edit fills in what the actor is now');
is(sql("SELECT params -> 'old' ->> 'role' FROM workflow_orch.proposal WHERE proposal_id = $again"), 'Manager', 'for all to see');
is(reviewed('bea', $again, 'approve', ', expected_revision => 2'), '42501 wfo_own_proposal', 'the wording is still the proposer\'s');
is(reviewed('alice', $again, 'approve', ', expected_revision => 2'), '42501 wfo_own_revision', 'and the editor made the revision');
is(as('bea', "SELECT workflow_orch.withdraw_proposal($again, 8)"), 'withdrawn', 'it is withdrawn');
my $disabled = proposed('alice', 'set_tool_enabled', '{"tool": "slow", "enabled": true}');
like($disabled, qr/^\d+$/, 'enabling a tool is proposed') or diag $disabled;
is(reviewed('bea', $disabled, 'approve'), 'approved', 'and approved');
is(as('mallory', q{BEGIN; SELECT workflow_orch.set_tool_enabled('add', false); ROLLBACK}), '', 'a direct change that is undone');
sql(q{ALTER FUNCTION app.slow(int) STRICT});
is(executed('alice', $disabled), '55000 wfo_basis_changed', 'a function that is another one than was approved is not enabled');
sql(q{ALTER FUNCTION app.slow(int) CALLED ON NULL INPUT});
is(executed('alice', $disabled), 'null', 'the function that was approved is');

# Tools: the path, the function and the role are what the reviewers saw.
sql(q{CREATE SCHEMA was; CREATE SCHEMA evil; GRANT USAGE ON SCHEMA was, evil TO PUBLIC;
      CREATE FUNCTION was.f(n int) RETURNS int LANGUAGE sql RETURN n; CREATE FUNCTION public.f(n int) RETURNS int LANGUAGE sql RETURN -n});
my $tool = as('alice', q{SET search_path = was, app; SELECT proposal_id FROM workflow_orch.propose_action(2, NULL, 'workflow_orch.register_tool', '{"tool": "f", "function": "f(int)", "run_as": "tool_runner"}', 'x')});
is(sql("SELECT params ->> 'function' || ' ' || (params ->> 'search_path') || ' ' || (params ->> 'run_as') || ' ' || ((params ->> 'run_as_oid')::oid = 'tool_runner'::regrole) || ' ' || (SELECT count(*) FROM workflow_orch.tool_definition WHERE encode(sha256, 'hex') = params ->> 'definition') FROM workflow_orch.proposal WHERE proposal_id = $tool"),
	'was.f(integer) was, app, pg_temp tool_runner true 1', 'function, path, role and definition are filled in');
is(reviewed('bea', $tool, 'approve'), 'approved', 'the tool is approved');
sql(q{ALTER SCHEMA was RENAME TO is_gone; ALTER SCHEMA evil RENAME TO was; CREATE FUNCTION was.f(n int) RETURNS int LANGUAGE sql RETURN n * 1000});
is(as('alice', "SET search_path = public; SELECT result FROM workflow_orch.execute_action($tool)"), '55000 wfo_basis_changed', 'another function of that name is not registered');
sql(q{DROP SCHEMA was CASCADE; ALTER SCHEMA is_gone RENAME TO was});
is(executed('alice', $tool), 'null', 'the one that was approved is');
is(sql(q{SELECT function || ' ' || search_path || ' ' || run_as || ' ' || changed_by FROM workflow_orch.tool WHERE tool = 'f'}), 'was.f(integer) was, app, pg_temp tool_runner 4', 'as it was approved');
is(as('alice', q{SELECT (workflow_orch.propose_action(1, NULL, 'f', '{"n": 1}', 'x')).status}), 'pending', 'a tool with the definition that was set is proposed');
sql(q{CREATE OR REPLACE FUNCTION was.f(n int) RETURNS int LANGUAGE sql RETURN n + 1});
is(as('alice', q{SELECT workflow_orch.propose_action(1, NULL, 'f', '{"n": 1}', 'x')}), '55000 wfo_tool_unconfirmed', 'a replaced function is not');
my $f = sql(q{SELECT max(proposal_id) FROM workflow_orch.proposal WHERE tool = 'f'});
is(reviewed('bea', $f, 'edit', q(, edits => '{}')), '55000 wfo_tool_unconfirmed', 'nor edited, not even to accept it');
is(as('mallory', q{SELECT workflow_orch.accept_tool_definition('f')}), '55000 wfo_tool_unconfirmed', 'nor accepted');
my $confirm = proposed('bea', 'update_tool', '{"tool": "f"}');
is(reviewed('alice', $confirm, 'approve'), 'approved', 'two people confirm the new definition');
is(executed('alice', $confirm), 'null', 'by an update that changes nothing else');
is(reviewed('bea', $f, 'edit', q(, edits => '{}')), 'approved', 'then it is accepted');

# Break glass, freezes and accepted definitions do not reach built-in tools.
my $grant = proposed('alice', 'grant_capability', '{"db_role": "clerk", "capability": "audit"}');
is(as('postgres', "SELECT workflow_orch.break_glass_execute($grant, 2, 'x')"), '42501 wfo_built_in', 'nobody breaks the glass for a built-in tool');
is(as('mallory', q{SELECT workflow_orch.add_freeze('x', now(), 'infinity', 'workflow_orch.set_policy')}), '42501 wfo_built_in', 'it is not frozen by name');
is(as('mallory', q{SELECT workflow_orch.set_tool_enabled('workflow_orch.set_policy', false)}), '42501 wfo_built_in', 'nor disabled');
is(as('mallory', q{SELECT workflow_orch.update_tool('workflow_orch.set_policy', timeout => '1 s')}), '42501 wfo_built_in', 'nor changed');
is(as('mallory', q{SELECT workflow_orch.accept_tool_definition('workflow_orch.set_policy')}), '42501 wfo_built_in', 'nor accepted anew');
is(as('mallory', q{SELECT workflow_orch.cancel_workflow(2)}), '42501 wfo_built_in_open', 'nor canceled with its workflow by somebody else');
is(as('mallory', q{SELECT workflow_orch.register_tool('workflow_orch.set_policy', 'app.add(int)')}), '42501 wfo_protected', 'nor replaced');

# Capabilities by which one alone could do anything need two approvers; a superuser is an actor like others.
sql(q{CREATE ROLE root LOGIN SUPERUSER});
my $root = proposed('alice', 'register_actor', '{"name": "root", "role": "DBA", "db_role": "root"}');
is(reviewed('bea', $root, 'approve'), 'approved', 'a superuser becomes an actor');
is(executed('alice', $root) =~ /^\d+$/, 1, 'by two people');
my $gateway = proposed('root', 'grant_capability', '{"db_role": "app", "capability": "gateway"}');
is(reviewed('alice', $gateway, 'approve'), 'pending', 'one approver is too few for a gateway');
is(reviewed('bea', $gateway, 'approve'), 'approved', 'two are enough');
is(executed('root', $gateway), 'null', 'the gateway is granted');
is(as('app', "SELECT workflow_orch.propose_action(2, 4, 'workflow_orch.set_policy', '{\"dry_run\": true}', 'x')"), '42501 wfo_not_own_session', 'a gateway proposes no such call');

# A dry run of everything does not keep its own end from running.
my $dry = proposed('alice', 'set_policy', '{"dry_run": true}');
reviewed('bea', $dry, 'approve');
executed('alice', $dry);
my $wet = proposed('alice', 'set_policy', '{"dry_run": false}');
reviewed('bea', $wet, 'approve');
like(executed('alice', $wet), qr/"dry_run": false|^\{/, 'it ends');
is(sql('SELECT dry_run FROM workflow_orch.policy'), 'f', 'by an approved call');

# What people wrote is redacted by two people as well.
sql('SELECT workflow_orch.seal_audit_log()');
is(as('mallory', "SELECT workflow_orch.redact_proposal($dry, NULL, 'r')"), '42501 wfo_protected', 'nobody redacts alone');
my $redaction = proposed('alice', 'redact_proposal', qq({"proposal_id": $dry, "actor_id": null, "reason": "it was a mistake"}));
reviewed('bea', $redaction, 'approve');
is(executed('alice', $redaction), 'null', 'a redaction is an approved call');
is(sql("SELECT params FROM workflow_orch.proposal WHERE proposal_id = $dry"), '{}', 'which redacts');
is(sql("SELECT details -> 'authority' ->> 'approved_by' FROM workflow_orch.audit_log WHERE action = 'redact_proposal' AND workflow_id IS NOT NULL"), '[8]', 'and whose audit row says who approved it');

# A general rule by accident, and a proposer who has lost administer.
my $general = proposed('alice', 'add_approval_rule', '{"role": "Nobody"}');
reviewed('bea', $general, 'approve');
executed('alice', $general);
my $remove = proposed('alice', 'set_policy', '{"notify": false}');
is(sql("SELECT required_approvals FROM workflow_orch.proposal WHERE proposal_id = $remove"), '1', 'a rule for all tools does not hold for built-in ones');
is(reviewed('bea', $remove, 'approve'), 'approved', 'which are approved as before');
is(as('mallory', q{SELECT workflow_orch.revoke_capability('alice', 'administer')}), '42501 wfo_capability_restricted', 'only a superuser revokes administer');
sql(q{SELECT workflow_orch.revoke_capability('alice', 'administer')});
is(executed('bea', $remove), '42501 wfo_capability_missing', 'the proposer must still hold administer when the call runs');
is(proposed('alice', 'set_policy', '{"notify": false}'), '42501 wfo_capability_missing', 'and when it is proposed');

# Settings of the server are the way out, and the log has it.
is(as('postgres', q{SET workflow_orch.allow_direct_administration = on}), '55P02 -', 'no session turns protection off');
$node->append_conf('postgresql.conf', "workflow_orch.allow_direct_administration = on\n");
$node->reload;
wait_for($node, 'postgres', q{SELECT current_setting('workflow_orch.allow_direct_administration') = 'on'});
is(as('mallory', q{SELECT workflow_orch.register_actor('eve', 'DBA')}), '42501 wfo_protected', 'it is for superusers only');
is(as('postgres', q{SELECT workflow_orch.grant_capability('alice', 'administer')}), '', 'who may then administer directly');
is(sql(q{SELECT details ->> 'direct' FROM workflow_orch.audit_log WHERE action = 'grant_capability' ORDER BY audit_id DESC LIMIT 1}), 'true', 'which the audit row says');
sql(q{CREATE ROLE sue SUPERUSER LOGIN; SELECT workflow_orch.register_actor('sue', 'Manager', db_role => 'sue')});
like(slurp_file($node->logfile), qr/WARNING:  role "postgres" calls grant_capability directly although the policy is protected/, 'and the log');
my $found = q{SELECT severity FROM workflow_orch.check_setup() WHERE finding = 'unsafe_setting' AND object = 'workflow_orch.allow_direct_administration'};
is(sql($found), 'critical', 'check_setup finds it');
$node->append_conf('postgresql.conf', "workflow_orch.allow_direct_administration = off\n");
$node->reload;
wait_for($node, 'postgres', q{SELECT current_setting('workflow_orch.allow_direct_administration') = 'off'});
is(sql($found), '', 'and no more when it is off');

# What makes an administrator takes two, and the call changes its own row of pg_proc.
for my $call ('grant_capability', 'revoke_capability')
{
	my $capability = proposed('sue', $call, '{"db_role": "clerk", "capability": "administer"}');
	is(reviewed('bea', $capability, 'approve'), $call eq 'grant_capability' ? 'pending' : 'approved', "$call of administer is approved by a second person");
	is(reviewed('alice', $capability, 'approve'), 'approved', 'and by a third') if $call eq 'grant_capability';
	is(executed('carl', $capability), 'null', "then $call works");
	is(sql(q{SELECT has_function_privilege('clerk', 'workflow_orch.grant_capability(regrole, text)', 'EXECUTE')}), $call eq 'grant_capability' ? 't' : 'f', 'as it says');
}

# What built-in tools did is proved as all else is.
sql('SELECT workflow_orch.seal_audit_log()');
sub is_proved
{
	my ($proposal, $name) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/evidence';
	open(my $out, '>', $file) or die "could not write $file: $!";
	print $out sql("SELECT workflow_orch.evidence($proposal)");
	close $out;
	command_like([ 'python3', 'script/verify_evidence.py', 'evidence', $file ], qr/^OK: /m, $name);
	return;
}

for my $line (split /\n/, sql(q{SELECT max(proposal_id) || ' ' || tool FROM workflow_orch.proposal WHERE status = 'executed' GROUP BY tool}))
{
	my ($proposal, $tool) = split ' ', $line;
	is_proved($proposal, "the evidence of a call of $tool is proved");
}

# The row of a call that registered an actor belongs to no workflow, and so does that of the redaction which reaches it.
my ($registering, $registered) = split ' ', sql(q{SELECT proposal_id || ' ' || (e.result ->> 'output') FROM workflow_orch.proposal p JOIN workflow_orch.execution e USING (proposal_id)
	WHERE p.tool = 'workflow_orch.register_actor' AND p.status = 'executed' ORDER BY 1 LIMIT 1});
sql("SELECT workflow_orch.update_actor($registered, active => false)");
sql('SELECT workflow_orch.seal_audit_log()');
my $forget = proposed('alice', 'redact_actor', qq({"actor_id": $registered, "by_actor_id": 4, "reason": "on request"}));
is(reviewed('bea', $forget, 'approve'), 'approved', 'the redaction of an actor is approved');
is(executed('carl', $forget), 'null', 'and made');
sql('SELECT workflow_orch.seal_audit_log()');
is_proved($registering, 'the evidence of the call that registered the actor is proved as before');

done_testing();
