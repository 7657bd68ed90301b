-- accept_tool_definition: a tool as it is now, for all its open proposals.
\set file engine_accept
\ir include/fixture.sql
\ir include/roles.sql
SET LOCAL client_min_messages = error;

CREATE FUNCTION app.pay(amount int, note text DEFAULT 'none') RETURNS text LANGUAGE sql RETURN amount || note;
CREATE FUNCTION app.other() RETURNS int LANGUAGE sql RETURN 1;
CALL tool('pay(int, text)');
CALL tool('other()');
CREATE ROLE engine_accept_admin LOGIN;
CREATE ROLE engine_accept_reviewer LOGIN;
SELECT workflow_orch.grant_capability('engine_accept_admin', 'administer');
SELECT workflow_orch.grant_capability('engine_accept_reviewer', 'review');
SELECT workflow_orch.register_actor('admin', 'Ops', 'engine_accept_admin') AS admin,
       workflow_orch.register_actor('rev', 'DBA', 'engine_accept_reviewer') AS rev \gset
SELECT workflow_orch.add_approval_rule('DBA', tool => 'pay'), workflow_orch.add_approval_rule('Manager', tool => 'pay');

CREATE FUNCTION t.accept(arguments text) RETURNS text LANGUAGE sql AS $$
  SELECT format('SELECT workflow_orch.accept_tool_definition(%s)', arguments)
$$;
CREATE FUNCTION t.audit(proposal bigint) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(format('%s %s', actor_id, details), '; ' ORDER BY audit_id) FROM workflow_orch.audit_log
   WHERE proposal_id = proposal AND action = 'accept_tool_definition'
$$;
CREATE FUNCTION t.state(proposal bigint) RETURNS text LANGUAGE sql AS $$
  SELECT format('%s revision %s, %s of %s approvals, stage %s', p.status, revision, approvals, required_approvals, stage)
    FROM workflow_orch.proposal p WHERE p.proposal_id = proposal
$$;

SELECT propose('pay', '{"amount": 1}') AS fresh, propose('pay', '{"amount": 2}') AS half, propose('pay', '{"amount": 3}') AS whole,
       propose('pay', '{"amount": 4}') AS rejected, propose('other') AS other \gset
SELECT workflow_orch.review_action(:half, :bob, 'approve'), workflow_orch.review_action(:whole, :bob, 'approve'),
       workflow_orch.review_action(:whole, :cyd, 'approve'), workflow_orch.review_action(:rejected, :bob, 'reject') \g /dev/null
SELECT is(workflow_orch.accept_tool_definition('pay'), 0::bigint, 'what has not changed is pinned already');
SELECT is(state(:whole), 'approved revision 1, 2 of 2 approvals, stage ', 'and stays as it is');

CREATE OR REPLACE FUNCTION app.pay(amount int, note text DEFAULT 'none') RETURNS text LANGUAGE sql RETURN 'v2 ' || amount || note;
SELECT is((SELECT array_agg(p.proposal_id ORDER BY p.proposal_id) FROM workflow_orch.proposal_progress p WHERE tool_changed), ARRAY[:fresh, :half, :whole]::bigint[],
  'after a release the progress has what it made stale');

-- Who may.
SELECT refused_as('engine_accept_reviewer', accept('''pay'''), '{"sqlstate": "42501"}', 'a reviewer may not accept a tool for all');
SELECT refused_as('engine_accept_admin', accept(format('''pay'', %s', :rev)), '{"sqlstate": "42501"}', 'an administrator not as another actor');
SELECT raises(accept('''nothing'''), '{"sqlstate": "42704"}', 'an unknown tool is none');
SELECT raises(accept('NULL'), '{"sqlstate": "22023", "message": "%\"tool\"%"}', 'no tool is an error');
SELECT raises(accept('''pay'', 0'), '{"sqlstate": "42704"}', 'an unknown actor is none');
SELECT is(state(:whole), 'approved revision 1, 2 of 2 approvals, stage ', 'a refused call writes nothing');

-- What it does.
SELECT is(value_as('engine_accept_admin', accept('''pay'', reason => ''release 2''')), '3', 'an administrator accepts it for all open proposals');
SELECT is(state(p), 'pending revision 2, 0 of 2 approvals, stage 1', 'each has a new revision without approvals')
  FROM unnest(ARRAY[:fresh, :half, :whole]) p;
SELECT is(state(:rejected), 'rejected revision 1, 0 of 2 approvals, stage 1', 'what is closed stays');
SELECT is(state(:other), 'pending revision 1, 0 of 1 approvals, stage 1', 'and so do other tools');
SELECT is(audit(:fresh), format('%s {"from": "pending", "reason": "release 2", "status": "pending", "revision": 2}', :admin), 'each has an audit row of its own');
SELECT is(audit(:whole), format('%s {"from": "approved", "reason": "release 2", "status": "pending", "revision": 2}', :admin), 'an approved one, too');
SELECT is((SELECT array_agg(l.details -> 'params') FROM workflow_orch.proposal p, workflow_orch.get_audit_log(p.workflow_id) l
            WHERE p.proposal_id = :half AND l.proposal_id = :half AND l.action = 'accept_tool_definition'),
  ARRAY['{"amount": 2}']::jsonb[], 'and get_audit_log says of what params that revision is');
SELECT is((SELECT count(*) FROM workflow_orch.proposal_progress WHERE tool_changed), 0::bigint, 'nothing is stale after that');
SELECT is((SELECT count(*) FROM workflow_orch.proposal_revision a JOIN workflow_orch.proposal_revision b USING (proposal_id, params, actor_id, requirements)
            WHERE a.revision = 1 AND b.revision = 2 AND a.definition <> b.definition), 3::bigint, 'params and their author are the same, the definition is another');
SELECT is(workflow_orch.accept_tool_definition('pay'), 0::bigint, 'accepting again changes nothing');
SELECT is((SELECT count(*) FROM workflow_orch.verify_audit_log()), 0::bigint, 'the audit log agrees with it');

-- The approvals begin anew.
SELECT is(value_as('engine_accept_reviewer', format('SELECT status FROM workflow_orch.review_action(%s, NULL, ''approve'', expected_revision => 2)', :whole)), 'pending', 'it is approved anew');
SELECT is((SELECT status FROM workflow_orch.review_action(:whole, :cyd, 'approve', expected_revision => 2))::text, 'approved', 'also by who had approved it before');
SELECT is(execute(:whole) -> 'output', '"v2 3none"', 'and what runs is the tool as it is now');
SELECT raises(format('SELECT workflow_orch.review_action(%s, %s, ''approve'', expected_revision => 2)', :fresh, :ann), '{"sqlstate": "42501", "message": "%own proposal%"}', 'it stays the proposer''s own');

-- An editor, whose approval is void with the others, may approve again.
SELECT propose('pay', '{"amount": 5}') AS edited \gset
SELECT workflow_orch.review_action(:edited, :bob, 'edit', '{"amount": 6}') \g /dev/null
CREATE OR REPLACE FUNCTION app.pay(amount int, note text DEFAULT 'none') RETURNS text LANGUAGE sql RETURN 'v3 ' || amount || note;
SELECT is(workflow_orch.accept_tool_definition('pay', :admin), 3::bigint, 'a second release is accepted like the first');
SELECT is(state(:edited), 'pending revision 3, 0 of 2 approvals, stage 1', 'also of what was edited');
SELECT is((SELECT actor_id FROM workflow_orch.proposal_revision WHERE proposal_id = :edited AND revision = 3), :bob::bigint, 'whose editor stays the author');
SELECT is((SELECT status FROM workflow_orch.review_action(:edited, :bob, 'approve', expected_revision => 3))::text, 'pending', 'and may approve it, as before');

-- Under edit_needs_approval the editor may not, though the revision is a later one.
SELECT workflow_orch.set_policy(edit_needs_approval => true) \g /dev/null
SELECT propose('pay', '{"amount": 7}') AS edited \gset
SELECT workflow_orch.review_action(:edited, :bob, 'edit', '{"amount": 8}') \g /dev/null
CREATE OR REPLACE FUNCTION app.pay(amount int, note text DEFAULT 'none') RETURNS text LANGUAGE sql RETURN 'v4 ' || amount || note;
SELECT workflow_orch.accept_tool_definition('pay') \g /dev/null
SELECT raises(format('SELECT workflow_orch.review_action(%s, %s, ''approve'', expected_revision => 3)', :edited, :bob), '{"sqlstate": "42501", "message": "%own revision%"}',
  'where edits need another''s approval, they still do');
SELECT workflow_orch.set_policy(edit_needs_approval => false) \g /dev/null

-- All or none.
DROP FUNCTION app.pay;
SELECT raises(accept('''pay'''), '{"sqlstate": "55000", "message": "%does not exist%"}', 'what is gone cannot be accepted');
CREATE FUNCTION app.pay(amount int, note text DEFAULT 'none', bank text DEFAULT NULL) RETURNS text LANGUAGE sql RETURN amount || note;
SELECT workflow_orch.update_tool('pay', 'app.pay(int, text, text)');
CREATE FUNCTION app.pay(amount int, bank text) RETURNS text LANGUAGE sql RETURN amount || bank;
SELECT propose('pay', '{"amount": 9, "bank": "x"}') AS fits \gset
SELECT workflow_orch.update_tool('pay', 'app.pay(int, text)');
SELECT raises(accept('''pay'''), '{"sqlstate": "22023"}', 'an acceptance is refused if params no longer fit');
SELECT is(state(:fits), 'pending revision 1, 0 of 2 approvals, stage 1', 'none is pinned afresh');

-- What a rule lets through needs people again, since the rule was added for another definition.
SELECT workflow_orch.add_approval_rule(approvals => 0, tool => 'other');
SELECT propose('other') AS automatic \gset
CREATE OR REPLACE FUNCTION app.other() RETURNS int LANGUAGE sql RETURN 2;
SELECT is(workflow_orch.accept_tool_definition('other'), 2::bigint, 'what nobody needs to approve is pinned afresh like the rest');
SELECT is(state(:automatic), 'pending revision 2, 0 of 1 approvals, stage 1', 'but the rule was added for the former definition');
SELECT is((SELECT count(*) FROM workflow_orch.verify_audit_log()), 0::bigint, 'and the audit log agrees');

-- A limit on rows that was raised is something to accept, one that was lowered holds already.
CALL tool('other()', 'few');
SELECT propose('few') AS narrow, approved('few') AS wide \gset
SELECT workflow_orch.update_tool('few', max_rows => 5);
SELECT is(workflow_orch.accept_tool_definition('few'), 0::bigint, 'a limit that is lowered is nothing to accept');
SELECT propose('few') AS pinned \gset
SELECT workflow_orch.update_tool('few', max_rows => 6);
SELECT is(workflow_orch.accept_tool_definition('few'), 1::bigint, 'one that is raised is, where the lower one is pinned');
SELECT is(state(:pinned), 'pending revision 2, 0 of 1 approvals, stage 1', 'which makes a new revision');
SELECT is(state(:wide), 'approved revision 1, 1 of 1 approvals, stage ', 'and of no other proposal');

\ir include/finish.sql
