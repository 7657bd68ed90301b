-- Every text and document that a call is given has a limit, 54000 beyond it.
\set file base_args
\ir include/fixture.sql

CREATE FUNCTION app.one() RETURNS int LANGUAGE sql RETURN 1;
CALL tool('one()');
SELECT propose('one') AS pending, approved('one') AS approved, workflow_orch.start_workflow('Other', :ann) AS other \gset
SELECT workflow_orch.enqueue_action(approved('one')) AS queued \gset
CREATE FUNCTION t.long() RETURNS text LANGUAGE sql RETURN repeat('x', 1025);
CREATE FUNCTION t.fits() RETURNS text LANGUAGE sql RETURN repeat('x', 1024);

SET LOCAL workflow_orch.max_params_size = '1kB';
SELECT raises('SELECT workflow_orch.' || replace(call, 'TEXT', 'long()'), '{"sqlstate": "54000", "detail": "%1 kB%", "hint": "%workflow_orch.max_params_size%"}',
  'a text that is too long is refused: ' || call)
FROM unnest(ARRAY[
  'start_workflow(TEXT)',
  'start_workflow(''t'', metadata => jsonb_build_object(''m'', TEXT))',
  'propose_action(workflow(), ann(), ''one'', jsonb_build_object(''m'', TEXT), ''r'')',
  'propose_action(workflow(), ann(), ''one'', ''{}'', TEXT)',
  format('review_action(%s, bob(), ''approve'', comment => TEXT)', :pending),
  format('review_action(%s, bob(), ''edit'', jsonb_build_object(''m'', TEXT))', :pending),
  format('review_actions(jsonb_build_array(jsonb_build_object(''proposal_id'', %s, ''reviewer_id'', bob(), ''decision'', ''approve'', ''comment'', TEXT)))', :pending),
  format('comment_proposal(%s, bob(), TEXT)', :pending),
  format('revoke_approval(%s, bob(), TEXT)', :approved),
  format('withdraw_proposal(%s, ann(), TEXT)', :pending),
  format('cancel_workflow(%s, reason => TEXT)', :other),
  format('cancel_execution(%s, reason => TEXT)', :queued),
  format('break_glass_execute(%s, cyd(), TEXT)', :pending),
  'accept_tool_definition(''one'', reason => TEXT)',
  'register_tool(''another'', ''one()'', run_as => tool_role(), description => TEXT)',
  'update_tool(''one'', description => TEXT)',
  'add_approval_rule(description => TEXT)',
  'add_approval_rule(condition => (''$.params.m == "'' || TEXT || ''"'')::jsonpath)',
  'add_freeze(TEXT, now(), ''infinity'')']) call;

-- Every argument that is a text, a jsonb or a jsonpath is tried above, is a key, or is one of a few labels.
SELECT is_empty($$
  SELECT p.proname || '.' || a.name
  FROM pg_proc p
  CROSS JOIN LATERAL unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[]) AS a (name, type)
  WHERE p.pronamespace = 'workflow_orch'::regnamespace AND a.type IN ('text'::regtype, 'jsonb'::regtype, 'jsonpath'::regtype)
    AND a.name NOT IN ('title', 'metadata', 'params', 'reason', 'comment', 'edits', 'reviews', 'description', 'condition',
                       'tool', 'name', 'role', 'person', 'idempotency_key',
                       'decision', 'kind', 'capability', 'dry_run_mode', 'calls')
    AND p.proname <> 'run_sql'$$, 'there are no other texts and documents');

-- Up to the limit all is taken, and keys have one of their own.
SELECT lives_ok(format('SELECT workflow_orch.comment_proposal(%s, bob(), fits())', :pending), 'a text of the limit is taken');
SELECT lives_ok('SELECT workflow_orch.start_workflow(fits())', 'as a title, too');
SELECT raises('SELECT workflow_orch.propose_action(workflow(), ann(), ''one'', ''{}'', ''r'', long())', '{"sqlstate": "54000", "message": "%idempotency_key%"}', 'a key has at most 1,024 bytes');
RESET workflow_orch.max_params_size;
SELECT raises('SELECT workflow_orch.propose_action(workflow(), ann(), ''one'', ''{}'', ''r'', long())', '{"sqlstate": "54000", "message": "%idempotency_key%"}', 'whatever the setting is');

-- The length is known before the text is read into memory.
CREATE TEMPORARY TABLE large AS SELECT repeat('x', 50000000) AS words;
SELECT raises('SELECT workflow_orch.start_workflow(words) FROM large', '{"sqlstate": "54000", "detail": "It has 50000000 bytes%"}', 'a text that is stored compressed is judged by its length');

\ir include/finish.sql
