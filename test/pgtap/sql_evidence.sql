-- evidence: all that is known of a proposal, whatever the session has set.  What of it
-- is proved is tested in test/t/037_evidence.pl: here nothing can be sealed.
\set file sql_evidence
\ir include/fixture.sql
\ir include/roles.sql
SET LOCAL client_min_messages = error;

CREATE ROLE sql_evidence_auditor LOGIN;
CREATE ROLE sql_evidence_reviewer LOGIN;
SELECT workflow_orch.grant_capability('sql_evidence_auditor', 'audit'), workflow_orch.grant_capability('sql_evidence_reviewer', 'review') \g /dev/null
CREATE FUNCTION app.credit(credit int) RETURNS int LANGUAGE sql AS 'SELECT 100 / $1';
SELECT workflow_orch.register_tool('credit', 'app.credit(int)', run_as => tool_role(), preview => true);

SELECT propose('credit', '{"credit": 90}') AS proposal, propose('credit', '{"credit": 1}') AS broken, propose('credit', '{"credit": 2}') AS other \gset
SELECT workflow_orch.preview_action(:proposal, :bob), workflow_orch.comment_proposal(:proposal, :bob, 'Which account?') \g /dev/null
SELECT workflow_orch.review_action(:proposal, :bob, 'request_changes', comment => 'Too much') \g /dev/null
SELECT workflow_orch.revise_proposal(:proposal, :ann, '{"credit": 80}', 'less') \g /dev/null
SELECT workflow_orch.review_action(:proposal, :bob, 'approve', expected_revision => 2), workflow_orch.revoke_approval(:proposal, :bob, reason => 'wait') \g /dev/null
SELECT workflow_orch.review_action(:proposal, :cyd, 'approve', expected_revision => 2) \g /dev/null
SELECT execute(:proposal) \g /dev/null
SELECT workflow_orch.break_glass_execute(:broken, :bob, 'urgent') \g /dev/null
SELECT workflow_orch.evidence(:proposal) AS evidence, workflow_orch.evidence(:broken) AS of_broken \gset

SELECT is(:'evidence'::jsonb -> 'format', '1', 'the format has a number');
SELECT is(:'evidence'::jsonb ->> 'checkpoint', workflow_orch.audit_checkpoint(), 'the checkpoint is the newest');
SELECT is(:'evidence'::jsonb #>> '{proposal,proposal_id}', :'proposal', 'the proposal is there');
SELECT is(:'evidence'::jsonb #>> '{workflow,workflow_id}', :'workflow', 'and its workflow');
SELECT is(jsonb_array_length(:'evidence'::jsonb -> part), n, format('%s of %s', n, part))
  FROM (VALUES ('revisions', 2), ('reviews', 3), ('revocations', 1), ('comments', 1), ('previews', 1), ('executions', 1), ('cancel_requests', 0), ('break_glass', 0), ('standing_approvals', 0)) x(part, n);
SELECT is(jsonb_array_length(:'of_broken'::jsonb -> 'break_glass'), 1, 'a broken glass');
SELECT is((SELECT array_agg(key) FROM jsonb_each(:'evidence'::jsonb -> 'definitions')),
          (SELECT array_agg(DISTINCT substr(r ->> 'definition', 3)) FROM jsonb_array_elements(:'evidence'::jsonb -> 'revisions') r), 'the definition of the tool, by its hash');
SELECT is((SELECT array_agg(encode(sha256(convert_to(value::text, 'UTF8')), 'hex')) FROM jsonb_each(:'evidence'::jsonb -> 'definitions')),
          (SELECT array_agg(key) FROM jsonb_each(:'evidence'::jsonb -> 'definitions')), 'which is that of its text');
SELECT is((SELECT array_agg((a #>> '{row,audit_id}')::bigint) FROM jsonb_array_elements(:'evidence'::jsonb -> 'audit') a),
          (SELECT array_agg(audit_id ORDER BY audit_id) FROM workflow_orch.audit_log WHERE proposal_id = :proposal OR workflow_id = :workflow AND proposal_id IS NULL),
          'the audit rows of the proposal, and those of its workflow alone');
SELECT is((SELECT count(*) FROM jsonb_array_elements(:'evidence'::jsonb -> 'audit') a WHERE a ? 'leaf' AND a -> 'leaf' = 'null' AND a -> 'path' = 'null' AND a -> 'who' = 'null'),
          jsonb_array_length(:'evidence'::jsonb -> 'audit')::bigint, 'rows that are not sealed have no leaf');
SELECT is_empty(format('SELECT 1 WHERE position(''proposed_by'' in %L) > 0', :'evidence'), 'the copy of the proposer is left out');

SET LOCAL TimeZone = 'Asia/Kolkata';
SET LOCAL DateStyle = 'German';
SET LOCAL IntervalStyle = 'sql_standard';
SET LOCAL bytea_output = 'escape';
SELECT is(workflow_orch.evidence(:proposal), :'evidence'::jsonb, 'the settings of the session change nothing');
SELECT matches(:'evidence'::jsonb #>> '{proposal,proposed_at}', '^\d{4}-\d\d-\d\dT[\d:.]+\+00:00$', 'times are in UTC');
SELECT matches(:'evidence'::jsonb #>> '{proposal,definition}', '^\\x[0-9a-f]{64}$', 'bytes are in hexadecimal');

-- Callers and bad input.
SELECT is(value_as('sql_evidence_auditor', format('SELECT workflow_orch.evidence(%s)', :proposal))::jsonb, :'evidence'::jsonb, 'an auditor gets it');
SELECT refused_as('sql_evidence_reviewer', format('SELECT workflow_orch.evidence(%s)', :proposal), '{"sqlstate": "42501"}', 'a reviewer does not');
SELECT raises('SELECT workflow_orch.evidence(NULL)', '{"sqlstate": "22023", "reason": "wfo_argument_null"}', 'NULL');
SELECT raises(format('SELECT workflow_orch.evidence(%s)', id), format('{"sqlstate": "42704", "message": "proposal %s does not exist"}', id)::jsonb, 'no proposal ' || id)
  FROM (VALUES ('-9223372036854775808'::bigint), (-1), (0), (9223372036854775807)) x(id);
SELECT is(workflow_orch.evidence_leaf(id, size), NULL, format('no leaf of row %s at %s', id, size))
  FROM (VALUES (1::bigint, 0::bigint), (1, -1), (1, 9223372036854775807), ('-9223372036854775808'::bigint, 5), (9223372036854775807, '-9223372036854775808'::bigint)) x(id, size);
SELECT raises('SELECT workflow_orch.evidence_leaf(1, NULL)', '{"sqlstate": "22023", "reason": "wfo_argument_null"}', 'no size');
\ir include/finish.sql
