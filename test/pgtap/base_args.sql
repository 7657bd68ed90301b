-- Every text and document that a call is given has a limit, 54000 beyond it.
\set file base_args
\ir include/fixture.sql
\ir include/calls.sql

CREATE FUNCTION app.one() RETURNS int LANGUAGE sql RETURN 1;
CALL tool('one()');
SELECT propose('one') AS pending, approved('one') AS approved, workflow_orch.start_workflow('Other', :ann) AS other \gset
SELECT workflow_orch.enqueue_action(approved('one')) AS queued \gset
CREATE FUNCTION t.long() RETURNS text LANGUAGE sql RETURN repeat('x', 1025);
CREATE FUNCTION t.fits() RETURNS text LANGUAGE sql RETURN repeat('x', 1024);

INSERT INTO example (argument, value) VALUES ('proposal_id', :'pending'), ('preview_id', 'NULL'), ('tool', '''one'''), ('function', '''one()''');
INSERT INTO example (function, argument, value) VALUES ('revoke_approval', 'proposal_id', :'approved'), ('cancel_execution', 'execution_id', :'queued');

-- Every text and document that the catalog has, but the keys, which have a limit of their own, and the labels.
SET LOCAL workflow_orch.max_params_size = '1kB';
CREATE TABLE t.tried AS
  SELECT oid, function, name,
         CASE WHEN name = 'reviews' THEN format('jsonb_build_array(jsonb_build_object(''proposal_id'', %s, ''reviewer_id'', bob(), ''decision'', ''approve'', ''comment'', long()))', :pending)
              WHEN type = 'jsonb'::regtype THEN 'jsonb_build_object(''m'', long())'
              WHEN type = 'jsonpath'::regtype THEN '(''$.params.n > 1 || $.params.m == "'' || long() || ''"'')'
              ELSE 'long()' END AS value
    FROM argument WHERE type IN ('text'::regtype, 'jsonb'::regtype, 'jsonpath'::regtype);
SELECT cmp_ok((SELECT count(*) FROM tried), '>', 40::bigint, 'there are texts and documents to try');
SELECT raises(example_call(oid, name, value), '{"sqlstate": "54000", "detail": "%1 kB%", "hint": "%workflow_orch.max_params_size%"}', format('%s refuses a %s that is too long', function, name))
  FROM tried WHERE name NOT IN ('tool', 'name', 'role', 'person', 'idempotency_key', 'decision', 'kind', 'capability', 'dry_run_mode', 'calls') ORDER BY function, name;
SELECT raises(example_call(oid, name, value), jsonb_build_object('sqlstate', '54000', 'message', format('%%"%s"%%', name)), format('%s refuses a %s that is too long for a key', function, name))
  FROM tried WHERE name IN ('tool', 'name', 'role', 'person', 'idempotency_key') ORDER BY function, name;
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
