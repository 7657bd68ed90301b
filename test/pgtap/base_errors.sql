-- Every error has a reason beside its SQLSTATE, where clients find it.
\set file base_errors
\ir include/fixture.sql

CREATE FUNCTION app.pay(amount bigint) RETURNS bigint LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION app.duty() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'no' USING CONSTRAINT = 'duty_check';
END
$$;
CALL tool('pay(bigint)');
CALL tool('duty()');
SELECT propose('pay', '{"amount": 1}') AS pending \gset
SELECT approved('pay', '{"amount": 2}') AS approved \gset
SELECT approved('pay', '{"amount": 3}') AS executed \gset
SELECT execute(:executed) AS r \gset

SELECT raises(statement, jsonb_build_object('sqlstate', sqlstate, 'reason', reason), reason || ' is the reason of: ' || statement)
  FROM (VALUES
    ('22023', 'wfo_argument_null', 'SELECT workflow_orch.start_workflow(NULL)'),
    ('22023', 'wfo_argument_empty', 'SELECT workflow_orch.start_workflow('''')'),
    ('22023', 'wfo_argument_invalid', 'SELECT workflow_orch.set_policy(default_approvals => 0)'),
    ('22023', 'wfo_unknown_label', format('SELECT workflow_orch.review_action(%s, bob(), ''like'')', :pending)),
    ('22023', 'wfo_params_unfit', 'SELECT propose(''pay'', ''{"amount": "x"}'')'),
    ('54000', 'wfo_params_too_large', format('SELECT propose(''pay'', %L)', jsonb_build_object('amount', repeat('1', 1100000)))),
    ('42704', 'wfo_unknown_proposal', 'SELECT workflow_orch.review_action(0, bob(), ''approve'')'),
    ('42704', 'wfo_unknown_actor', format('SELECT workflow_orch.review_action(%s, 0, ''approve'')', :pending)),
    ('55000', 'wfo_not_approved', format('SELECT execute(%s)', :pending)),
    ('55000', 'wfo_not_approved', format('SELECT execute(%s)', :executed)),
    ('55000', 'wfo_not_pending', format('SELECT workflow_orch.review_action(%s, bob(), ''approve'')', :executed)),
    ('55000', 'wfo_revision_moved', format('SELECT workflow_orch.review_action(%s, bob(), ''approve'', expected_revision => 2)', :pending)),
    ('42501', 'wfo_own_proposal', format('SELECT workflow_orch.review_action(%s, ann(), ''approve'')', :pending)),
    ('42710', 'wfo_actor_exists', 'SELECT workflow_orch.register_actor(''bob'', ''Manager'')'),
    ('42501', 'wfo_outside_write', 'DELETE FROM workflow_orch.audit_log'))
  AS v(sqlstate, reason, statement);

-- Other calls answer with errors in a document: there it is a member.
SELECT is(workflow_orch.review_actions(jsonb_build_array(jsonb_build_object('proposal_id', :pending, 'reviewer_id', ann(), 'decision', 'approve')))
  #>> '{0,error,reason}', 'wfo_own_proposal', 'an element of review_actions has the reason');
SELECT is(run('duty') #> '{error,reason}', NULL, 'the constraint that a tool names is no reason of ours');

\ir include/finish.sql
