-- verify_audit_log finds what got round the triggers.  Only the owner of the
-- tables can switch them off, as the file does here.
\set file engine_verify
\ir include/fixture.sql

CREATE FUNCTION app.work() RETURNS int LANGUAGE sql RETURN 1;
CREATE FUNCTION app.fail() RETURNS int LANGUAGE sql RETURN 1 / 0;
CALL tool('work()');
CALL tool('fail()');
SELECT propose('work') AS pending, approved('work') AS approved, approved('work') AS executed, approved('fail') AS failed,
       propose('work') AS edited \gset
SELECT execute(:executed), execute(:failed) \g /dev/null
SELECT workflow_orch.review_action(:edited, :bob, 'edit', '{}') \g /dev/null
SELECT propose('work') AS broken, propose('fail') AS failed_broken \gset
SELECT execution_id AS g FROM workflow_orch.break_glass_execute(:broken, :bob, 'urgent') \gset
SELECT workflow_orch.review_break_glass(:g, :cyd, 'so it was') \g /dev/null
SELECT execution_id AS h FROM workflow_orch.break_glass_execute(:failed_broken, :bob, 'urgent too') \gset
SELECT dry_run FROM workflow_orch.set_policy(dry_run => true) \g /dev/null
SELECT execute(:approved) \g /dev/null
SELECT propose('work') AS withdrawn, propose('work') AS expired \gset
SELECT workflow_orch.withdraw_proposal(:withdrawn, :ann) \g /dev/null
SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'tables that only the extension has written agree with the log');
SELECT is_empty(format('SELECT * FROM workflow_orch.verify_audit_log(%s)', :workflow), 'so do those of one workflow');
SELECT raises('SELECT * FROM workflow_orch.verify_audit_log(404)', '{"sqlstate": "42704"}', 'an unknown workflow is not verified');
SELECT execution_id AS e FROM workflow_orch.execution WHERE proposal_id = :executed \gset
SELECT execution_id AS f FROM workflow_orch.execution WHERE proposal_id = :failed \gset

ALTER TABLE workflow_orch.proposal DISABLE TRIGGER ALL;
ALTER TABLE workflow_orch.proposal_revision DISABLE TRIGGER ALL;
ALTER TABLE workflow_orch.review DISABLE TRIGGER ALL;
ALTER TABLE workflow_orch.revocation DISABLE TRIGGER ALL;
ALTER TABLE workflow_orch.execution DISABLE TRIGGER ALL;
ALTER TABLE workflow_orch.break_glass DISABLE TRIGGER ALL;
ALTER TABLE workflow_orch.audit_log DISABLE TRIGGER ALL;

-- What the verification finds after a statement, which is undone.
CREATE FUNCTION t.findings(statement text, workflow bigint DEFAULT NULL) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  findings text[];
BEGIN
  EXECUTE statement;
  findings := ARRAY(SELECT concat_ws(' ', f.proposal_id, f.execution_id) || ': ' || f.finding FROM workflow_orch.verify_audit_log(workflow) f);
  RAISE EXCEPTION USING ERRCODE = 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
  RETURN findings;
END
$$;
SELECT is(findings(format($$UPDATE workflow_orch.proposal SET status = 'approved' WHERE proposal_id = %s$$, :pending)),
  ARRAY[:pending || ': the status is approved, by the audit log it is pending'], 'a status that was set is found');
SELECT is(findings(format($$DELETE FROM workflow_orch.audit_log WHERE proposal_id = %s$$, :pending)),
  ARRAY[:pending || ': no audit row tells of proposal ' || :pending, :pending || ': no audit row tells of proposal_revision ' || :pending || '/1',
        :pending || ': the proposal has not exactly one audit row of its making', :pending || ': the status is pending, by the audit log it is unknown'],
  'a proposal whose audit rows are gone is found');
SELECT is(findings(format($$DELETE FROM workflow_orch.review WHERE proposal_id = %s$$, :approved)),
  ARRAY[:approved || ': there are 0 reviews, by the audit log 1',
        :approved || ': the approvals are 0 and leave stage 1 open, the proposal has 1 and stage 0'], 'a review that is gone is found');
SELECT is(findings(format($$UPDATE workflow_orch.proposal SET stage = NULL WHERE proposal_id = %s$$, :pending)),
  ARRAY[:pending || ': the approvals are 0 and leave stage 1 open, the proposal has 0 and stage 0'], 'a stage that was closed is found');
SELECT is(findings(format($$UPDATE workflow_orch.proposal SET requirements = '[]' WHERE proposal_id = %s$$, :pending)),
  ARRAY[:pending || ': column "requirements" of proposal ' || :pending || ' is not what revision 1 says',
        :pending || ': the approvals are 0 and leave stage 0 open, the proposal has 0 and stage 1'], 'requirements that were changed are found');
SELECT is(findings(format($$INSERT INTO workflow_orch.revocation SELECT review_id, proposal_id, workflow_id, revision, NULL, reviewer_id, 'pending', now() FROM workflow_orch.review WHERE proposal_id = %s$$, :approved)),
  ARRAY[:approved || ': no audit row tells of revocation ' || (SELECT review_id FROM workflow_orch.review WHERE proposal_id = :approved), :approved || ': there are 1 revocations, by the audit log 0', :approved || ': the approvals are 0 and leave stage 1 open, the proposal has 1 and stage 0'],
  'a revocation that was made up is found');
SELECT is(findings(format($$INSERT INTO workflow_orch.review OVERRIDING SYSTEM VALUE
    SELECT (jsonb_populate_record(r, '{"review_id": 4040, "proposal_id": %s}')).* FROM workflow_orch.review r LIMIT 1$$, :pending)),
  ARRAY[:pending || ': no audit row tells of review 4040', :pending || ': there are 1 reviews, by the audit log 0',
        :pending || ': the approvals are 1 and leave stage 0 open, the proposal has 0 and stage 1'], 'a review that was made up is found');
SELECT is(findings(format($$UPDATE workflow_orch.execution SET result = jsonb_set(result, '{output}', '2') WHERE execution_id = %s$$, :e)),
  ARRAY[:executed || ' ' || :e || ': the output is not the one that was recorded'], 'an output that was changed is found');
SELECT is(findings(format($$UPDATE workflow_orch.execution SET result = result - 'output' WHERE execution_id = %s$$, :e)),
  ARRAY[:executed || ' ' || :e || ': the output is not the one that was recorded'], 'an output that is gone is found');
SELECT is(findings(format($$UPDATE workflow_orch.execution SET result = result || '{"output": 1}' WHERE execution_id = %s$$, :f)),
  ARRAY[:failed || ' ' || :f || ': the output is not the one that was recorded'], 'an output that was made up is found');
SELECT is(findings(format($$DELETE FROM workflow_orch.audit_log WHERE execution_id = %s AND action = 'execute_action'$$, :e)),
  ARRAY[:executed || ' ' || :e || ': no audit row tells of execution ' || :e, :executed || ': the status is executed, by the audit log it is approved', :executed || ' ' || :e || ': the execution has no audit row'],
  'an execution whose audit row is gone is found');
SELECT ok(EXISTS (SELECT FROM unnest(findings(format(statement, id))) f WHERE starts_with(f, expected)), what || ' is found')
FROM (VALUES
  ('UPDATE workflow_orch.execution SET result = NULL WHERE execution_id = %s', :e, concat_ws(' ', :executed, :e) || ':', 'a result that is gone'),
  ('UPDATE workflow_orch.execution SET result = ''[1]'' WHERE execution_id = %s', :e, concat_ws(' ', :executed, :e) || ':', 'a result that is an array'),
  ('UPDATE workflow_orch.execution SET result = ''"x"'' WHERE execution_id = %s', :e, concat_ws(' ', :executed, :e) || ':', 'a result that is a string'),
  ('UPDATE workflow_orch.execution SET result = NULL WHERE execution_id = %s', :f, concat_ws(' ', :failed, :f) || ':', 'a failure''s result that is gone'),
  ('UPDATE workflow_orch.audit_log SET details = (SELECT jsonb_agg(repeat(''z'', 10)) FROM generate_series(1, 3000)) WHERE proposal_id = %s', :executed,
   :executed || ':', 'an audit row whose details are a large array'),
  ('UPDATE workflow_orch.audit_log SET details = ''[]'' WHERE proposal_id = %s', :executed, :executed || ':', 'one whose details are an empty array'),
  ('UPDATE workflow_orch.audit_log SET details = ''7'' WHERE proposal_id = %s', :executed, :executed || ':', 'one whose details are a number'))
  AS v (statement, id, expected, what);
SELECT is(ARRAY(SELECT f FROM unnest(findings(format(statement, execution))) f WHERE f NOT LIKE '%: column %'),
  ARRAY[proposal || ': it ran while stage 1 was open, and no break glass is on record'], what || ' is found')
FROM (VALUES
  ('DELETE FROM workflow_orch.break_glass WHERE execution_id = %s', :g, :broken, 'a break glass that is gone'),
  ('DELETE FROM workflow_orch.break_glass WHERE execution_id = %s', :h, :failed_broken, 'that of a call which failed'),
  ('DELETE FROM workflow_orch.audit_log WHERE execution_id = %s AND action = ''break_glass_execute''', :g, :broken, 'one whose audit row is gone'))
  AS v (statement, execution, proposal, what);
-- What no code has written: nothing of it ends the server, or keeps other findings back.
SELECT is(findings(format('UPDATE workflow_orch.proposal SET requirements = %L WHERE proposal_id = %s', value, :pending)),
  ARRAY[:pending || ': column "requirements" of proposal ' || :pending || ' is not what revision 1 says', :pending || ': its requirements are malformed'],
  'requirements that are ' || value || ' are found')
FROM (VALUES ('{}'), ('{"a": 1}'), ('null'), ('7'), ('"x"'), ('[null]'), ('[7]'), ('[[1]]'), ('[{}]'), ('[{"role": "DBA", "stage": 1}]'),
  ('[{"role": 7, "stage": 1, "approvals": 1}]'), ('[{"role": null, "stage": "1", "approvals": 1}]'), ('[{"role": null, "stage": 1, "approvals": 1e400}]'),
  ('[{"role": null, "stage": 0, "approvals": 1}]'), ('[{"role": null, "stage": 1.5, "approvals": 1}]'),
  ('[{"role": null, "stage": 1, "approvals": [1]}]'), ('[{"role": null, "stage": 1, "approvals": 9223372036854775808}]')) v (value);
SELECT ok(EXISTS (SELECT FROM unnest(findings(format('UPDATE workflow_orch.execution SET result = result || %L WHERE execution_id = %s', value, :e))) f
   WHERE f = :executed || ' ' || :e || ': the changes are not those that were recorded'), 'changes of rows that are ' || value || ' are found')
FROM (VALUES ('{"tables": 7}'), ('{"tables": "x"}'), ('{"tables": {}}'), ('{"tables": {"rows": [1]}}'), ('{"tables": [7]}'), ('{"tables": [[1]]}'), ('{"tables": [{"rows": 7}]}'),
  ('{"rows_changed": {"a": 1}}')) v (value);
SELECT ok(EXISTS (SELECT FROM unnest(findings(format('ALTER TABLE workflow_orch.%1$I ALTER %2$I DROP NOT NULL; UPDATE workflow_orch.%1$I SET %2$I = NULL WHERE proposal_id = %3$s', tab, col, :executed))) f
   WHERE f ~ format('^%s: the proposal cannot be compared: column (%s of a row|"%s" of %s \d+) is null$', :executed,
                    (SELECT attnum FROM pg_attribute WHERE attrelid = ('workflow_orch.' || tab)::regclass AND attname = col), col, tab)), format('a null in %s.%s is found', tab, col))
FROM (VALUES ('proposal', 'requirements'), ('proposal', 'params'), ('proposal', 'tool'), ('proposal', 'definition'), ('proposal', 'revision'), ('review', 'role'), ('review', 'decision'),
  ('audit_log', 'details'), ('audit_log', 'action'), ('execution', 'status')) v (tab, col);
SELECT ok(EXISTS (SELECT FROM unnest(findings(format('ALTER TABLE workflow_orch.proposal ALTER event DROP NOT NULL; UPDATE workflow_orch.proposal SET event = NULL WHERE proposal_id = %s', :executed))) f
  WHERE f LIKE '%column "event" of proposal%'), 'a null in proposal.event is found');
SELECT is(findings(format('ALTER TABLE workflow_orch.proposal ALTER params DROP NOT NULL; UPDATE workflow_orch.proposal SET params = NULL WHERE proposal_id IN (%s, %s)', :executed, :failed)),
  ARRAY[:executed || ': the proposal cannot be compared: column 24 of a row is null', :failed || ': the proposal cannot be compared: column 24 of a row is null'], 'one that cannot be compared hides no other');
SELECT ok(EXISTS (SELECT FROM unnest(findings(format('UPDATE workflow_orch.proposal SET approval_ttl = %L WHERE proposal_id = %s', '170000000 years', :approved))) f
  WHERE starts_with(f, :approved || ': ')), 'an interval that leads beyond all time is found');
-- What the row of a proposal has of its own.
SELECT is(findings(format('UPDATE workflow_orch.proposal SET %I = %s WHERE proposal_id = %s', col, value, id)),
  ARRAY[format('%s: column "%s" of proposal %s is not what %s', id, col, id, source)], col || ' that was changed is found')
FROM (VALUES
  ('params', $$params || '{"x": 1}'$$, :edited, 'revision 2 says'),
  ('revised_at', $$revised_at + interval '1 us'$$, :pending, 'revision 1 says'),
  ('rule_id', '7', :pending, 'revision 1 says'),
  ('expires_at', $$now() + interval '1 day'$$, :pending, 'follows from its approval'),
  ('expires_at', $$now() + interval '1 day'$$, :approved, 'follows from its approval'),
  ('proposer_may_review', 'true', :pending, 'follows from its edits'),
  ('requested_since', '1', :pending, 'the audit log says'),
  ('open', 'false', :pending, 'follows from its status')) AS v (col, value, id, source);
SELECT ok(array_to_string(findings(format($$UPDATE workflow_orch.proposal SET %I = %s WHERE proposal_id = %s$$, col, value, :withdrawn)), '; ')
  ~ format('^%s: column "%s" of proposal %s is not what audit row \d+ says$', :withdrawn, col, :withdrawn), col || ' that was changed is found')
FROM (VALUES ('status_at', $$status_at - interval '1 hour'$$), ('status_by', '77'), ('status_reason', $$'so'$$), ('event', $$'expire'$$)) AS v (col, value);
SELECT is(findings(format($$UPDATE workflow_orch.proposal SET revision = 2 WHERE proposal_id = %s$$, :withdrawn)),
  ARRAY[:withdrawn || ': the proposal is at revision 2 of 1, by the audit log there are 1'], 'a revision that was not made is found');
SELECT is(findings(format($$DELETE FROM workflow_orch.proposal_revision WHERE proposal_id = %s AND revision = 1$$, :edited)),
  ARRAY[:edited || ': the proposal is at revision 2 of 1, by the audit log there are 2'], 'as is one that is gone');
SELECT workflow_orch.start_workflow('Other') AS other \gset
SELECT is(findings(format($$UPDATE workflow_orch.proposal SET status = 'approved' WHERE proposal_id = %s$$, :pending), :other), '{}',
  'another workflow''s verification does not find it');
SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'undone again, all agrees');

\ir include/finish.sql
