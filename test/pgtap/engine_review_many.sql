-- Many decisions in one call, each by itself.
\set file engine_review_many
\ir include/fixture.sql
\ir include/roles.sql

CREATE FUNCTION app.work(n int DEFAULT 1) RETURNS int LANGUAGE sql RETURN n;
CALL tool('work(int)');
SELECT propose('work') AS a, propose('work') AS b, propose('work') AS c, propose('work') AS d \gset
SELECT workflow_orch.review_actions(format('[
  {"proposal_id": %s, "reviewer_id": %s, "decision": "approve"},
  {"proposal_id": %s, "reviewer_id": %s, "decision": "approve"},
  {"proposal_id": "%s", "reviewer_id": "%s", "decision": "edit", "edits": {"n": 7}, "comment": "seven", "expected_revision": 1},
  {"proposal_id": 0, "reviewer_id": %s, "decision": "reject"},
  {"proposal_id": %s, "reviewer_id": %s, "decision": "reject", "edits": null, "comment": null},
  {"proposal_id": %s, "reviewer_id": %s, "decision": "approve"}]', :a, :bob, :b, :ann, :b, :bob, :bob, :c, :cyd, :a, :bob)::jsonb) AS r \gset
SELECT is((SELECT array_agg(format('%s %s %s', e ->> 'index', e ->> 'proposal_id', coalesce(e ->> 'status', e #>> '{error,sqlstate}')) ORDER BY i) FROM jsonb_array_elements(:'r') WITH ORDINALITY AS x(e, i)),
  ARRAY[format('0 %s approved', :a), format('1 %s 42501', :b), format('2 %s approved', :b), '3 0 42704', format('4 %s rejected', :c), format('5 %s 55000', :a)],
  'each decision has its result, in order: a status or an error');
SELECT is(:'r'::jsonb -> 0, jsonb_build_object('index', 0, 'proposal_id', :a, 'success', true, 'status', 'approved', 'final_tool_call', '{"tool": "work", "params": {}}'::jsonb),
  'a decision that was made says what would run');
SELECT is(:'r'::jsonb -> 3 -> 'error' ->> 'message' || (:'r'::jsonb -> 3 ->> 'success'), 'proposal 0 does not existfalse', 'one that was refused says why');
SELECT is((SELECT array_agg(format('%s %s %s %s', p.proposal_id, p.status, p.params, r.comment) ORDER BY p.proposal_id) FROM workflow_orch.proposal p LEFT JOIN workflow_orch.review r USING (proposal_id)),
  ARRAY[format('%s approved {} ', :a), format('%s approved {"n": 7} seven', :b), format('%s rejected {} ', :c), format('%s pending {} ', :d)], 'those that were not refused stand');
SELECT is((SELECT count(*) FROM workflow_orch.audit_log WHERE action = 'review_action'), 3::bigint, 'each with its audit row');
SELECT is(workflow_orch.review_actions('[]'), '[]', 'of none there is none');
SELECT raises(format('SELECT workflow_orch.review_actions(''[{"proposal_id": %s, "reviewer_id": %s, "decision": "approve"}, {"proposal_id": %1$s, "decision": "perhaps"}]'')', :d, :bob),
  '{"sqlstate": "22023", "message": "unknown decision \"perhaps\""}', 'where one is malformed none is made');
SELECT is(status(:d), 'pending', 'and none was');
SELECT raises(format($$SELECT workflow_orch.review_actions((SELECT jsonb_agg('{"proposal_id": %s, "reviewer_id": %s, "decision": "approve"}'::jsonb) FROM generate_series(1, 100001)))$$, :d, :bob),
  '{"sqlstate": "54000", "message": "argument \"reviews\" has too many elements", "detail": "There are 100001; the limit is 100000."}', 'their number has a limit');

-- Each decision is the session's own.
CREATE ROLE engine_review_many_rev LOGIN;
SELECT workflow_orch.grant_capability('engine_review_many_rev', 'review');
SELECT workflow_orch.register_actor('rev', 'DBA', 'engine_review_many_rev') AS rev \gset
SELECT is(value_as('engine_review_many_rev', format($$SELECT jsonb_path_query_array(workflow_orch.review_actions('[{"proposal_id": %1$s, "reviewer_id": %2$s, "decision": "approve"}, {"proposal_id": %1$s, "decision": "approve"}]'),
  '$[*].status ? (@ != null)')$$, :d, :bob)), '["approved"]', 'a reviewer decides for themselves only');
SELECT is((SELECT array_agg(reviewer_id) FROM workflow_orch.review WHERE proposal_id = :d), ARRAY[:rev]::bigint[], 'as their own actor');
SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'the tables agree with the audit log');

\ir include/finish.sql
