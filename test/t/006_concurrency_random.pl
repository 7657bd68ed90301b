# Many sessions do at random what the calls allow, on the same few proposals:
# each refusal is one of the contract's, and what is left agrees with itself.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

my $node = new_node('main', settings => "log_min_messages = fatal\nmax_connections = 40\ndeadlock_timeout = 50ms\n");
install($node, 'postgres');
$node->safe_psql('postgres', q{
	CREATE TABLE app.refusal (sqlstate text, message text, call text);
	CREATE FUNCTION app.mark(p int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		IF p % 2 = 0 THEN RAISE 'odd ones only'; END IF;
		INSERT INTO app.effect VALUES (current_setting('workflow_orch.proposal_id')::int);
		RETURN p;
	END $$;
	SELECT workflow_orch.register_tool('mark', 'app.mark(int)', run_as => 'tool_runner');
	CREATE PROCEDURE app.step(a int, b int, c int) LANGUAGE plpgsql AS $$
	DECLARE
		last bigint := (SELECT max(proposal_id) FROM workflow_orch.proposal);
		w bigint := (SELECT max(workflow_id) FROM workflow_orch.workflow);
		p bigint := greatest(1, coalesce(last, 1) - b % 6);
		who bigint := 1 + c % 3;
		call text := CASE
			WHEN a < 14 THEN format($c$propose_action(%s, %s, 'mark', '{"p": %s}', 'r', %s)$c$, w, who, c, CASE WHEN b < 300 THEN quote_literal(b % 20) ELSE 'NULL' END)
			WHEN a < 39 THEN format($c$review_action(%s, %s, 'approve', expected_revision => (SELECT max(revision) FROM workflow_orch.proposal WHERE proposal_id = %s))$c$, p, who, p)
			WHEN a < 40 THEN format($c$review_action(%s, %s, 'request_changes', comment => 'c')$c$, p, who)
			WHEN a < 41 THEN format($c$revise_proposal(%s, %s, '{"p": %s}')$c$, p, who, b)
			WHEN a < 45 THEN format($c$revoke_approval(%s, %s)$c$, p, who)
			WHEN a < 50 THEN format($c$review_action(%s, %s, 'reject')$c$, p, who)
			WHEN a < 60 THEN format($c$review_action(%s, %s, 'edit', '{"p": %s}', expected_revision => (SELECT max(revision) FROM workflow_orch.proposal WHERE proposal_id = %s))$c$, p, who, b, p)
			WHEN a < 82 THEN format($c$execute_action(%s, %s)$c$, p, who)
			WHEN a < 86 THEN format($c$withdraw_proposal(%s, %s)$c$, p, who)
			WHEN a < 92 THEN format($c$retry_action(%s, %s)$c$, p, who)
			WHEN a < 94 THEN format($c$complete_workflow(%s, 1)$c$, w)
			WHEN a < 95 THEN format($c$cancel_workflow(%s, 1)$c$, w)
			WHEN a < 97 THEN $c$start_workflow('next', 1)$c$
			WHEN a < 98 THEN CASE b % 8
				WHEN 0 THEN $c$add_approval_rule('DBA')$c$
				WHEN 1 THEN $c$add_approval_rule('Manager', stage => 2, condition => '$.params.p > 20')$c$
				WHEN 2 THEN $c$add_approval_rule(approvals => 2, condition => '$.params.p < 5')$c$
				WHEN 3 THEN $c$add_approval_rule(approvals => 0, condition => '$.params.p == 7')$c$
				WHEN 4 THEN format($c$delegate_review(%s, %s, clock_timestamp() + '1 s')$c$, who, 1 + b % 3)
				WHEN 5 THEN format($c$update_actor(%s, role => %L)$c$, who, (ARRAY['Developer', 'DBA', 'Manager'])[1 + b % 3])
				WHEN 6 THEN $c$expire_proposals()$c$
				ELSE $c$remove_approval_rule(rule_id) FROM workflow_orch.approval_rule WHERE removed_at IS NULL$c$ END
			ELSE format($c$set_policy(default_approvals => %s, edit_needs_approval => %L)$c$, 1 + (b % 4 = 0)::int, b % 3 = 0) END;
	BEGIN
		BEGIN
			EXECUTE 'SELECT workflow_orch.' || call;
			IF b % 10 = 0 THEN RAISE SQLSTATE 'UNDO0'; END IF;
		EXCEPTION
			WHEN SQLSTATE 'UNDO0' THEN
			WHEN OTHERS THEN INSERT INTO app.refusal VALUES (SQLSTATE, SQLERRM, call);
		END;
	END $$});
$node->safe_psql('postgres', q{CALL app.step(1, 500, 1)});
my %scripts = (
	single => "\\set a random(0, 99)\n\\set b random(0, 999)\n\\set c random(0, 50)\nCALL app.step(:a, :b, :c);\n",
	repeatable => "\\set a random(0, 99)\n\\set b random(0, 999)\n\\set c random(0, 50)\nBEGIN ISOLATION LEVEL REPEATABLE READ;\nCALL app.step(:a, :b, :c);\nCALL app.step(:c, :b, :a);\nCOMMIT;\n",
	several => "\\set a random(0, 99)\n\\set b random(0, 999)\n\\set c random(0, 50)\nBEGIN;\nCALL app.step(:a, :b, :c);\nCALL app.step(:b / 10, :a * 10, :c + 1);\nCOMMIT;\n");
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/$_", $scripts{$_}) for keys %scripts;
$node->command_ok([ 'pgbench', '-n', '-c', '12', '-j', '2', '-t', '150', '--random-seed=4711', '--max-tries=20',
	'-f', "$dir/single\@3", '-f', "$dir/several\@2", '-f', "$dir/repeatable\@1", 'postgres' ], 'no session is lost');

sub none
{
	my ($query, $what) = @_;
	return is($node->safe_psql('postgres', $query), '', $what);
}
none(q{SELECT sqlstate, min(message), min(call), count(*) FROM app.refusal
	WHERE sqlstate NOT IN ('22023', '42501', '42704', '42710', '55000', '55P03', '40001', '40P01') GROUP BY 1}, 'every refusal is one of the contract\'s');
is($node->safe_psql('postgres', q{SELECT count(*) FROM (VALUES ('approved'), ('executed'), ('failed')) v(s)
	WHERE EXISTS (SELECT FROM workflow_orch.audit_log WHERE details->>'status' = s)}), '3', 'calls were approved, executed and failed');
none('SELECT * FROM workflow_orch.verify_audit_log()', 'the audit log agrees with the tables');
none(q{SELECT proposal_id FROM workflow_orch.proposal WHERE (status = 'executed') <> (SELECT count(*) = 1 FROM app.effect WHERE n = proposal_id)},
	'what is executed has left its effect once, and nothing else has');
none(q{SELECT proposal_id FROM workflow_orch.execution WHERE status = 'succeeded' GROUP BY 1 HAVING count(*) > 1}, 'nothing has succeeded twice');
none(q{SELECT proposal_id FROM workflow_orch.proposal JOIN workflow_orch.workflow w USING (workflow_id)
	WHERE w.status <> 'active' AND open}, 'nothing is open in a workflow that has ended');
none(q{SELECT e.execution_id FROM workflow_orch.execution e
	WHERE (SELECT count(DISTINCT reviewer_id) FROM workflow_orch.review r WHERE r.proposal_id = e.proposal_id AND r.revision = e.revision AND r.counts
			AND NOT EXISTS (SELECT FROM workflow_orch.revocation v WHERE v.review_id = r.review_id AND v.revoked_at < e.started_at))
	    < (SELECT required_approvals FROM workflow_orch.proposal_revision v WHERE v.proposal_id = e.proposal_id AND v.revision = e.revision)},
	'what ran had the approvals that its revision needs');
none(q{SELECT proposal_id FROM workflow_orch.proposal WHERE stage IS NOT NULL AND status IN ('approved', 'executed', 'failed')}, 'nothing is approved while a stage is open');
none(q{SELECT p.proposal_id, e FROM workflow_orch.proposal p JOIN workflow_orch.proposal_revision v USING (proposal_id, revision), jsonb_array_elements(v.requirements) e
	WHERE p.status IN ('approved', 'executed', 'failed') AND (e->>'approvals')::int >
		(SELECT count(*) FROM workflow_orch.review r WHERE r.proposal_id = p.proposal_id AND r.revision = p.revision AND r.counts
			AND (e->>'role' IS NULL OR r.role = e->>'role') AND (r.stage IS NULL OR r.stage = (e->>'stage')::int)
			AND NOT EXISTS (SELECT FROM workflow_orch.revocation x WHERE x.review_id = r.review_id))},
	'each stage and role of what is approved has as many approvals in that role');
none(q{SELECT review_id FROM workflow_orch.review r JOIN workflow_orch.proposal p USING (proposal_id)
	WHERE r.reviewer_id = p.actor_id AND (r.decision <> 'reject' AND r.decision <> 'approve' AND r.decision <> 'request_changes' OR NOT EXISTS (
		SELECT FROM workflow_orch.proposal_revision v WHERE v.proposal_id = r.proposal_id AND v.revision = r.revision AND v.actor_id <> p.actor_id))},
	'nobody has reviewed their own wording');
none(q{SELECT proposal_id FROM workflow_orch.proposal p WHERE revision <> (SELECT max(v.revision) FROM workflow_orch.proposal_revision v WHERE v.proposal_id = p.proposal_id)
	OR params <> (SELECT v.params FROM workflow_orch.proposal_revision v WHERE v.proposal_id = p.proposal_id AND v.revision = p.revision)},
	'the proposal has the wording of its last revision');
none(q{SELECT e.execution_id FROM workflow_orch.execution e JOIN workflow_orch.proposal_revision v USING (proposal_id, revision) WHERE e.result->'params' <> v.params},
	'what ran is the revision as it was written');
none(q{SELECT actor_id, idempotency_key FROM workflow_orch.proposal WHERE idempotency_key IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1}, 'an idempotency key has one proposal');

done_testing();
