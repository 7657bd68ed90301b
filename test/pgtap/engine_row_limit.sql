-- The limit on rows that a call has: of its tool, then and now, and of its approvals.
\set file engine_row_limit
\ir include/fixture.sql
SET LOCAL client_min_messages = error;

CREATE TABLE app.item (n int);
GRANT INSERT ON app.item TO :"tool_role";
CREATE FUNCTION app.add(k int) RETURNS int LANGUAGE sql AS 'INSERT INTO app.item SELECT generate_series(1, k); SELECT k';
CALL tool('add(int)');
SELECT workflow_orch.register_tool('add10', 'add(int)', :'tool_role', max_rows => 10);
SELECT workflow_orch.register_actor('dee', 'Manager') AS dee, workflow_orch.register_actor('eve', 'DBA') AS eve \gset

CREATE FUNCTION t.add(k int, tool text DEFAULT 'add') RETURNS bigint LANGUAGE sql AS $$ SELECT propose(tool, jsonb_build_object('k', k)) $$;
-- Decides and returns the call as it then stands.
CREATE FUNCTION t.decide(proposal bigint, reviewer bigint, decision text, max_rows bigint DEFAULT NULL, edits jsonb DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
  SELECT final_tool_call FROM workflow_orch.review_action(proposal, reviewer, decision, edits => edits, max_rows => max_rows,
    expected_revision => (SELECT p.revision FROM workflow_orch.proposal p WHERE p.proposal_id = $1))
$$;
-- The limit that the progress shows.
CREATE FUNCTION t.limit_of(proposal bigint) RETURNS bigint LANGUAGE sql AS $$
  SELECT p.max_rows FROM workflow_orch.proposal_progress p WHERE p.proposal_id = $1
$$;
-- What an execution, which is undone, comes to: its number of rows, or its error.
CREATE FUNCTION t.outcome(proposal bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  r jsonb;
BEGIN
  BEGIN
    r := execute(proposal);
    RAISE SQLSTATE 'UNDO0';
  EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
  END;
  RETURN coalesce(r ->> 'rows_changed', r -> 'error' ->> 'detail');
END
$$;
CREATE FUNCTION t.too_many(rows int, max_rows int) RETURNS text LANGUAGE sql AS $$ SELECT format('It has changed %s rows, and its limit is %s.', rows, max_rows) $$;

-- A limit that comes with an approval.
SELECT t.add(6) AS p, t.add(6) AS free, t.add(6, 'add10') AS q \gset
SELECT is(limit_of(:p), NULL, 'a call of a tool without a limit has none');
SELECT is(limit_of(:q), 10::bigint, 'one of a tool with a limit has that');
SELECT is(decide(:free, :bob, 'approve'), '{"tool": "add", "params": {"k": 6}}', 'without a limit the call says nothing of one');
SELECT is(decide(:p, :bob, 'approve', 5), '{"tool": "add", "params": {"k": 6}, "max_rows": 5}', 'an approval may set a limit, which is part of the call');
SELECT is(limit_of(:p), 5::bigint, 'the progress shows it');
SELECT is(outcome(:p), too_many(6, 5), 'and the call is held to it');
SELECT is(outcome(:free), '6', 'others are not');
SELECT is((SELECT max_rows FROM workflow_orch.review WHERE proposal_id = :p), 5::bigint, 'it is kept with the review');
SELECT is((SELECT max_rows FROM workflow_orch.review_history WHERE proposal_id = :p), 5::bigint, 'the history shows it');
SELECT is((SELECT details -> 'max_rows' FROM workflow_orch.audit_log WHERE proposal_id = :p AND action = 'review_action'), '5', 'and the audit log');
SELECT is((SELECT details ? 'max_rows' FROM workflow_orch.audit_log WHERE proposal_id = :free AND action = 'review_action'), false, 'which says nothing where there is none');
SELECT is(decide(:q, :bob, 'approve', 11), '{"tool": "add10", "params": {"k": 6}, "max_rows": 10}', 'a limit above the tool''s changes nothing');
SELECT decide(t.add(1), :bob, 'approve', 0) -> 'max_rows' AS zero, decide(t.add(1), :bob, 'approve', 9223372036854775807) -> 'max_rows' AS largest \gset
SELECT is(array[:'zero', :'largest'], '{0,9223372036854775807}', 'a limit may be 0, and as large as a bigint');

-- Several approvals: the smallest counts.
SELECT workflow_orch.register_tool(tool, 'add(int)', :'tool_role', max_rows => max_rows) FROM (VALUES ('two', NULL), ('two10', 10)) v (tool, max_rows);
SELECT workflow_orch.add_approval_rule('DBA', 2, tool => 'two'), workflow_orch.add_approval_rule('Manager', tool => 'two', stage => 2) \g /dev/null
SELECT t.add(6, 'two') AS p \gset
SELECT is(decide(:p, :bob, 'approve', 7) -> 'max_rows', '7', 'the first approval sets a limit');
SELECT is(decide(:p, :eve, 'approve') -> 'max_rows', '7', 'one without a limit leaves it');
SELECT is(decide(:p, :cyd, 'approve', 5) -> 'max_rows', '5', 'a smaller one counts');
SELECT is(status(:p), 'approved', 'and the call is approved');
SELECT is(outcome(:p), too_many(6, 5), 'under the smallest limit');
SELECT workflow_orch.revoke_approval(:p, :cyd) \g /dev/null
SELECT is(limit_of(:p), 7::bigint, 'a revoked approval''s limit goes');
SELECT is(decide(:p, :dee, 'approve', 6) -> 'max_rows', '6', 'another one takes its place');
SELECT is(outcome(:p), '6', 'under which the call runs');
SELECT workflow_orch.revoke_approval(:p, :bob) \g /dev/null
SELECT is(limit_of(:p), NULL, 'with a revoked approval go those of later stages, and their limits');
SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'the tables agree with the audit log');

-- Edits.
SELECT t.add(6) AS p \gset
SELECT is(decide(:p, :bob, 'edit', 4, '{"k": 4}'), '{"tool": "add", "params": {"k": 4}, "max_rows": 4}', 'an edit may set a limit');
SELECT is(outcome(:p), '4', 'under which the call runs');
SELECT is(decide(:p, :eve, 'edit', NULL, '{"k": 5}'), '{"tool": "add", "params": {"k": 5}}', 'the next edit makes a revision without it');
SELECT is(outcome(:p), '5', 'which has no limit');
SELECT is(decide(:p, :bob, 'edit', 3, '{"k": 4}') -> 'max_rows', '3', 'nor do limits of earlier revisions come back');
SELECT is(outcome(:p), too_many(4, 3), 'the edit''s own counts');
SELECT workflow_orch.revoke_approval(:p, :bob) \g /dev/null
SELECT is(limit_of(:p), NULL, 'and goes when the edit''s approval is revoked');
SELECT t.add(6) AS p \gset
SELECT workflow_orch.set_policy(edit_needs_approval => true) \g /dev/null
SELECT decide(:p, :bob, 'edit', 4, '{"k": 5}') \g /dev/null
SELECT is(limit_of(:p), 4::bigint, 'the limit of an edit that is no approval counts');
SELECT is(decide(:p, :cyd, 'approve', 9) -> 'max_rows', '4', 'beside that of the approval');
SELECT workflow_orch.revoke_approval(:p, :cyd) \g /dev/null
SELECT is(limit_of(:p), 4::bigint, 'and stays as long as the revision');
SELECT workflow_orch.set_policy(edit_needs_approval => false) \g /dev/null
SELECT workflow_orch.revise_proposal(:p, :ann, '{"k": 8}') \g /dev/null
SELECT is(limit_of(:p), NULL, 'a revision has none');

-- The tool's limit of then and now.
SELECT t.add(6, 'add10') AS p, t.add(6, 'add10') AS fresh, t.add(6) AS free \gset
SELECT decide(p, :bob, 'approve') FROM unnest(ARRAY[:p, :free]::bigint[]) p \g /dev/null
SELECT workflow_orch.update_tool('add10', max_rows => 5), workflow_orch.update_tool('add', max_rows => 5);
SELECT is(array_agg(limit_of(p)), '{5,5,5}', 'a limit that is lowered holds for open proposals') FROM unnest(ARRAY[:p, :fresh, :free]::bigint[]) p;
SELECT is(array_agg(outcome(p)), array[too_many(6, 5), too_many(6, 5)], 'which stay approved under it') FROM unnest(ARRAY[:p, :free]::bigint[]) p;
SELECT is(array_agg(tool_changed), '{f,f,f}', 'since the tool is the same') FROM workflow_orch.proposal_progress WHERE proposal_id = ANY (ARRAY[:p, :fresh, :free]::bigint[]);
SELECT t.add(6, 'add10') AS low \gset
SELECT workflow_orch.update_tool('add10', max_rows => 20), workflow_orch.update_tool('add', max_rows => -1);
SELECT is(array[limit_of(:p), limit_of(:free), limit_of(:low)], '{10,NULL,5}', 'one that is raised or lifted leaves what was pinned');
SELECT is(decide(:low, :bob, 'approve') -> 'max_rows', '5', 'which an approval says');
SELECT is(decide(:low, :bob, 'edit', NULL, '{}') -> 'max_rows', '20', 'until an edit pins the tool as it is');
SELECT workflow_orch.update_tool('add10', max_rows => -1);
SELECT is(decide(:low, :eve, 'edit', NULL, '{}') ? 'max_rows', false, 'or without a limit');
SELECT is(limit_of(:p), 10::bigint, 'which no other proposal is');
ALTER FUNCTION app.add RENAME TO gone;
SELECT is(limit_of(:p), 10::bigint, 'a tool whose function is gone has the pinned limit');
ALTER FUNCTION app.gone RENAME TO add;
SELECT is(workflow_orch.tool_max_rows('nothing', '\x00'), NULL, 'and one that does not exist has none');
SELECT workflow_orch.update_tool('add10', max_rows => 10);

-- Without its approvals, and again after a failure.
SELECT t.add(6, 'two') AS p \gset
SELECT decide(:p, :bob, 'approve', 5) \g /dev/null
SELECT is(r.result -> 'error' ->> 'detail', too_many(6, 5), 'a break glass is held to the limits of the approvals so far') FROM workflow_orch.break_glass_execute(:p, :dee, 'urgent') r;
SELECT t.add(6) AS p \gset
SELECT decide(:p, :bob, 'approve', 5) \g /dev/null
SELECT execute(:p) \g /dev/null
SELECT is(array[status(:p), limit_of(:p)::text], '{failed,NULL}', 'a call that failed shows no limit');
SELECT workflow_orch.retry_action(:p, :ann) \g /dev/null
SELECT is(limit_of(:p), 5::bigint, 'until it is to be tried again, under the same one');
SELECT is(outcome(:p), too_many(6, 5), 'as it is');

-- The inbox.
SELECT t.add(6) AS p, t.add(6, 'add10') AS q \gset
SELECT workflow_orch.add_approval_rule('DBA', 2, tool => 'two10') \g /dev/null
SELECT t.add(6, 'two10') AS r \gset
SELECT decide(:r, :bob, 'approve', 4) \g /dev/null
SELECT is((SELECT array_agg(w.max_rows ORDER BY w.proposal_id) FROM workflow_orch.pending_review w WHERE w.proposal_id = ANY (ARRAY[:p, :q, :r]::bigint[])), '{NULL,10,4}', 'the inbox shows the limit so far');

-- Many decisions at once.
SELECT t.add(6) AS p, t.add(6) AS q, t.add(6) AS r \gset
SELECT workflow_orch.review_actions(jsonb_build_array(
  jsonb_build_object('proposal_id', :p, 'reviewer_id', :bob, 'decision', 'approve', 'max_rows', 3),
  jsonb_build_object('proposal_id', :q, 'reviewer_id', :bob, 'decision', 'edit', 'edits', '{"k": 2}'::jsonb, 'max_rows', '2'),
  jsonb_build_object('proposal_id', :r, 'reviewer_id', :bob, 'decision', 'approve', 'max_rows', NULL))) AS results \gset
SELECT is(jsonb_path_query_array(:'results', '$[*].final_tool_call'),
  '[{"tool": "add", "params": {"k": 6}, "max_rows": 3}, {"tool": "add", "params": {"k": 2}, "max_rows": 2}, {"tool": "add", "params": {"k": 6}}]', 'many decisions may each set a limit');
SELECT is(array[outcome(:p), outcome(:q), outcome(:r)], array[too_many(6, 3), '2', '6'], 'to which the calls are held');

-- What is refused, and writes nothing.
SELECT t.add(6) AS p \gset
SELECT is_error(attempt(format('SELECT workflow_orch.review_action(%s, %s, %L, %s comment => ''c'', max_rows => %s)', :p, :bob, decision, edits, max_rows)),
    jsonb_build_object('sqlstate', '22023', 'reason', 'wfo_argument_invalid', 'message', message, 'detail', detail), format('%s with max_rows %s is refused', decision, max_rows))
  FROM (VALUES ('reject', '', '1', 'max_rows can be given only with the decisions "approve" and "edit"', 'The decision is reject.'),
               ('request_changes', '', '1', 'max_rows can be given only %', 'The decision is request_changes.'),
               ('approve', '', '-1', 'max_rows must not be negative', 'It is -1.'),
               ('edit', '''{"k": 1}'',', '-9223372036854775808', 'max_rows must not be negative', 'It is -9223372036854775808.')) v (decision, edits, max_rows, message, detail);
SELECT is_error(attempt(format('SELECT workflow_orch.review_actions(%L)', jsonb_build_array(jsonb_build_object('proposal_id', :p, 'reviewer_id', :bob, 'decision', 'approve'),
      jsonb_build_object('proposal_id', :p, 'reviewer_id', :eve) || decision))), jsonb_build_object('sqlstate', '22023', 'message', message), format('a batch with %s is refused', decision))
  FROM (VALUES ('{"decision": "reject", "max_rows": 1}'::jsonb, 'max_rows can be given only %'), ('{"decision": "approve", "max_rows": -1}', 'max_rows must not be negative'),
               ('{"decision": "approve", "max_rows": 1.5}', '%"max_rows"%whole number%'), ('{"decision": "approve", "max_rows": 9223372036854775808}', '%"max_rows"%whole number%'),
               ('{"decision": "approve", "max_rows": [1]}', '%"max_rows"%'), ('{"decision": "approve", "max_rows": "many"}', '%"max_rows"%')) v (decision, message);
SELECT is(status(:p), 'pending', 'and decides nothing');

-- What somebody has changed round the triggers is found.
SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'the tables agree with the audit log');
SELECT decide(:p, :bob, 'approve', 5) \g /dev/null
ALTER TABLE workflow_orch.proposal DISABLE TRIGGER ALL;
UPDATE workflow_orch.proposal SET max_rows = 1000 WHERE proposal_id = :p;
SELECT is((SELECT array_agg(finding) FROM workflow_orch.verify_audit_log()), '{its limit on rows is not that of the approvals}', 'a limit that was raised in the table is found');
UPDATE workflow_orch.proposal SET max_rows = NULL WHERE proposal_id = :p;
SELECT is((SELECT array_agg(finding) FROM workflow_orch.verify_audit_log()), '{its limit on rows is not that of the approvals}', 'as is one that was lifted');

\ir include/finish.sql
