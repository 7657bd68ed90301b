-- What reports say of tools that have changed, or are gone.
\set file engine_tool_status
\ir include/fixture.sql
\ir include/roles.sql
SET LOCAL client_min_messages = error;

CREATE ROLE engine_tool_status_dba LOGIN;
CREATE ROLE engine_tool_status_dev LOGIN;
CREATE ROLE engine_tool_status_other;
GRANT USAGE ON SCHEMA app TO engine_tool_status_other;
SELECT workflow_orch.grant_capability('engine_tool_status_dba', 'review'), workflow_orch.grant_capability('engine_tool_status_dev', 'propose');
SELECT workflow_orch.register_actor('dora', 'DBA', 'engine_tool_status_dba') AS dora, workflow_orch.register_actor('dev', 'Developer', 'engine_tool_status_dev') AS dev \gset
CREATE FUNCTION app.add(a int) RETURNS int LANGUAGE sql RETURN a + 1;
CREATE FUNCTION app.plain() RETURNS int LANGUAGE sql RETURN 1;
CALL tool('"add"(int)');
CALL tool('plain()');

CREATE FUNCTION t.tool_state(name text) RETURNS text LANGUAGE sql AS $$
  SELECT format('%s, %s of %s stale', status, stale_proposals, open_proposals) FROM workflow_orch.tool_status WHERE tool = name
$$;
CREATE FUNCTION t.change(proposal bigint) RETURNS text LANGUAGE sql AS $$
  SELECT format('%s %s', tool_changed, what_changed) FROM workflow_orch.proposal_progress WHERE proposal_id = proposal
$$;

SELECT propose('add', '{"a": 1}') AS pending, approved('add', '{"a": 2}') AS approved, propose('plain') AS plain \gset
SELECT approved('add', '{"a": 3}') AS done \gset
SELECT execute(:done) \g /dev/null
SELECT is(tool_state('add'), 'callable, 0 of 2 stale', 'a tool that has not changed has no stale proposals');
SELECT is(change(:pending), 'f ', 'and its proposals say so');
SELECT is((SELECT row(tool_changed, approvable)::text FROM workflow_orch.pending_review WHERE proposal_id = :pending), '(f,t)', 'in the inbox, too');

-- A release.
CREATE OR REPLACE FUNCTION app.add(a int) RETURNS int LANGUAGE sql STRICT RETURN a + 2;
SELECT is(tool_state('add'), 'callable, 2 of 2 stale', 'a release makes the open proposals of its tools stale');
SELECT is(tool_state('plain'), 'callable, 0 of 1 stale', 'and those of others not');
SELECT is(change(p), 't body, strict', 'which the progress tells, with what has changed') FROM unnest(ARRAY[:pending, :approved]) p;
SELECT is(change(:plain), 'f ', 'and not of other tools');
SELECT is(change(:done), 'f ', 'what has run is not stale');
SELECT is((SELECT row(tool_changed, approvable)::text FROM workflow_orch.pending_review WHERE proposal_id = :pending), '(t,f)', 'the inbox has it, as not approvable');
SELECT is(value_as('engine_tool_status_dba', format('SELECT row(tool_changed, approvable, stage, role)::text FROM workflow_orch.pending_review WHERE proposal_id = %s', :pending)), '(t,f,1,DBA)',
  'a reviewer''s, too, with the slot in which they can edit it');
SELECT raises(format('SELECT workflow_orch.review_action(%s, %s, ''approve'')', :pending, :bob), '{"sqlstate": "55000", "hint": "%accept_tool_definition%"}', 'which is what review_action says');
SELECT workflow_orch.review_action(:pending, :bob, 'edit', '{}') \g /dev/null
SELECT is(change(:pending), 'f ', 'an edit with nothing is pinned to the tool of now');
SELECT is(tool_state('add'), 'callable, 1 of 2 stale', 'and counts no more');

-- A change that is taken back is none.
CREATE OR REPLACE FUNCTION app.add(a int) RETURNS int LANGUAGE sql RETURN a + 1;
SELECT is(change(:approved), 'f ', 'a change that is taken back is none');
SELECT is(change(:pending), 't body, strict', 'but for what was pinned to it');

-- Gone, and back.
DROP FUNCTION app.add;
SELECT is(tool_state('add'), 'gone, 2 of 2 stale', 'a function that is dropped is gone');
SELECT is((SELECT problem FROM workflow_orch.tool_status WHERE tool = 'add'), 'Function app.add(integer) does not exist.', 'and which');
SELECT is(change(:approved), 't function app.add(integer) does not exist', 'its proposals say so, without an error');
SELECT is((SELECT tool_changed FROM workflow_orch.pending_review WHERE proposal_id = :plain), false, 'nor for other tools');
CREATE FUNCTION app.add(a int) RETURNS int LANGUAGE sql RETURN a + 1;
SELECT is(change(:approved), 'f ', 'a function that is there again is the same');
DROP FUNCTION app.plain;
ALTER SCHEMA app RENAME TO elsewhere;
SELECT is((SELECT string_agg(status, ' ') FROM workflow_orch.tool_status WHERE tool IN ('add', 'plain')), 'gone gone', 'a schema that is gone takes its tools along');
ALTER SCHEMA elsewhere RENAME TO app;
SELECT is((SELECT status FROM workflow_orch.tool_status WHERE tool = 'add'), 'callable', 'until it is back');

-- There, but not to be called.
REVOKE EXECUTE ON FUNCTION app.add FROM PUBLIC;
SELECT is((SELECT format('%s: %s', status, problem) FROM workflow_orch.tool_status WHERE tool = 'add'), 'refused: Role "engine_tool_status_tool" may not execute the function.', 'a role without EXECUTE is refused');
GRANT EXECUTE ON FUNCTION app.add TO PUBLIC;
SELECT workflow_orch.update_tool('add', run_as => 'engine_tool_status_other');
ALTER ROLE engine_tool_status_other SUPERUSER;
SELECT is((SELECT format('%s: %s', status, problem) FROM workflow_orch.tool_status WHERE tool = 'add'), 'refused: The tool''s role "engine_tool_status_other" is a superuser.', 'and so is a superuser');
DROP OWNED BY engine_tool_status_other;
DROP ROLE engine_tool_status_other;
SELECT is((SELECT format('%s: %s', status, problem) FROM workflow_orch.tool_status WHERE tool = 'add'), 'refused: Role "engine_tool_status_other" is no longer the role that the tool was registered with.', 'or a role that is gone');

-- What readers see.
SELECT is(value_as('engine_tool_status_dev', 'SELECT string_agg(format(''%s %s'', open_proposals, stale_proposals), '', '') FROM workflow_orch.tool_status'), '0 0, 0 0', 'a proposer sees the tools, with their own proposals');
SELECT refused_as('engine_tool_status_dev', 'SELECT workflow_orch.tool_check(''nothing'')', '{"sqlstate": "42704"}', 'an unknown tool has no status');
SELECT is(workflow_orch.tool_change('nothing', '\x00'), 'the tool does not exist', 'but its proposals can be read');
SELECT is(workflow_orch.tool_change('add', '\x00'), 'the pinned definition does not exist in this database', 'as can those of a definition that was not restored');

\ir include/finish.sql
