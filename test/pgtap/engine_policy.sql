-- The policy: what set_policy changes and answers.
\set file engine_policy
\ir include/fixture.sql

CREATE FUNCTION t.policy(changes text DEFAULT '') RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  answer jsonb;
BEGIN
  EXECUTE format('SELECT to_jsonb(p) FROM workflow_orch.set_policy(%s) p', changes) INTO answer;
  RETURN answer;
END
$$;

SELECT is(policy(), '{"dry_run": false, "default_approvals": 1, "edit_needs_approval": false, "agents_may_review": false,
  "proposal_ttl": "00:00:00", "approval_ttl": "00:00:00", "default_timeout": "00:00:00", "notify": false, "protected": false}',
  'by default one approval is needed, nothing expires and calls run for real');
SELECT is((SELECT array_agg(a ORDER BY i) FROM pg_proc, unnest(proargnames, proargmodes) WITH ORDINALITY AS v (a, m, i)
           WHERE oid = 'workflow_orch.set_policy'::regproc AND m = 'o'),
  '{dry_run,default_approvals,edit_needs_approval,agents_may_review,proposal_ttl,approval_ttl,default_timeout,notify,protected}',
  'the answer has one column per setting, dry_run first');
SELECT is_empty($$SELECT * FROM workflow_orch.audit_log WHERE action = 'set_policy'$$, 'asking for the policy writes no audit row');

SELECT is(policy(format('%s => %s', setting, value)) ->> setting, expected, format('%s can be set', setting))
FROM (VALUES ('dry_run', 'true', 'true'), ('default_approvals', '3', '3'), ('edit_needs_approval', 'true', 'true'),
             ('agents_may_review', 'true', 'true'), ('proposal_ttl', '''2 days''', '2 days'), ('approval_ttl', '''90 min''', '01:30:00'),
             ('default_timeout', '''5 s''', '00:00:05'), ('notify', 'true', 'true')) AS v (setting, value, expected);
SELECT is(policy(), '{"dry_run": true, "default_approvals": 3, "edit_needs_approval": true, "agents_may_review": true,
  "proposal_ttl": "2 days", "approval_ttl": "01:30:00", "default_timeout": "00:00:05", "notify": true, "protected": false}',
  'each change has left the other settings as they were');
SELECT is(policy('NULL, 2') ->> 'default_approvals', '2', 'NULL leaves a setting as it is');
SELECT is(policy('dry_run => false, proposal_ttl => ''0''') @> '{"dry_run": false, "proposal_ttl": "00:00:00", "default_approvals": 2}', true,
  'several settings can be changed at once');
SELECT is((SELECT to_jsonb(p) - 'changed_at' - 'changed_by' - 'singleton' FROM workflow_orch.policy p), policy(),
  'the table policy shows what the call answers');

SELECT raises('SELECT workflow_orch.set_policy(' || change || ')', jsonb_build_object('sqlstate', '22023', 'message', '%' || setting || '%'), what)
FROM (VALUES
  ('default_approvals => 0', 'default_approvals', 'a policy of no approval is refused'),
  ('default_approvals => -1', 'default_approvals', 'a negative number of approvals is refused'),
  ('proposal_ttl => ''-1 s''', 'proposal_ttl', 'a negative proposal_ttl is refused'),
  ('approval_ttl => ''-1 day''', 'approval_ttl', 'a negative approval_ttl is refused'),
  ('default_timeout => ''-1 ms''', 'default_timeout', 'a negative default_timeout is refused'),
  ('proposal_ttl => ''200000 years''', 'proposal_ttl', 'a proposal_ttl past the end of time is refused')) AS v (change, setting, what);
SELECT is(policy('dry_run => true, default_timeout => ''0''') ->> 'default_timeout', '00:00:00', 'a change that was refused has kept nothing from changing');

SELECT is((SELECT jsonb_agg(details ORDER BY audit_id) FROM workflow_orch.audit_log WHERE action = 'set_policy') -> -1,
  '{"from": {"dry_run": false, "default_timeout": "00:00:05"}, "to": {"dry_run": true, "default_timeout": "00:00:00"}}',
  'the audit row has the settings before and after');
SELECT is((SELECT details ->> 'dry_run' FROM workflow_orch.audit_log WHERE action = 'set_policy' ORDER BY audit_id LIMIT 1), 'true',
  'the first audit row has the policy as it was made');

\ir include/finish.sql
