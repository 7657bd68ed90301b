-- A caller who reads only their own rows gets the same answer for the rows of
-- others as for rows that do not exist.
\set file engine_readable
\ir include/fixture.sql
\ir include/roles.sql

CREATE FUNCTION app.one() RETURNS int LANGUAGE sql RETURN 1;
CREATE FUNCTION app.fails() RETURNS int LANGUAGE sql RETURN 1 / length('');
CALL tool('one()');
CALL tool('fails()');
CREATE ROLE engine_readable_eve LOGIN;
CREATE ROLE engine_readable_reviewer LOGIN;
SELECT workflow_orch.grant_capability('engine_readable_eve', 'propose'),
       workflow_orch.grant_capability('engine_readable_reviewer', 'propose'),
       workflow_orch.grant_capability('engine_readable_reviewer', 'review');
SELECT workflow_orch.register_actor('eve', 'Developer', 'engine_readable_eve') AS eve,
       workflow_orch.register_actor('rex', 'Manager', 'engine_readable_reviewer') AS rex,
       workflow_orch.register_actor('old', 'DBA', 'engine_readable_reviewer') AS old \gset
SELECT workflow_orch.update_actor(:old, active => false);

SELECT propose('one') AS pending, approved('one') AS approved, approved('one') AS executed, approved('fails') AS failed,
       propose('one') AS withdrawn,
       workflow_orch.start_workflow('Open', :ann) AS open, workflow_orch.start_workflow('Ended', :ann) AS ended,
       workflow_orch.start_workflow('Nobody''s') AS nobodys \gset
SELECT execute(:executed), execute(:failed), workflow_orch.withdraw_proposal(:withdrawn, :ann), workflow_orch.cancel_workflow(:ended) \g /dev/null
SELECT propose('one') AS later \gset
SELECT workflow_orch.propose_action(:open, :ann, 'one', '{}', 'r') \g /dev/null

-- The distinct errors of calls for many ids, with each id taken out of them.
CREATE FUNCTION t.answers(login text, call text, ids bigint[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  id bigint;
  answers text[] := '{}';
BEGIN
  FOREACH id IN ARRAY ids LOOP
    answers := answers || coalesce(regexp_replace(error_as(login, format('SELECT workflow_orch.' || call, id))::text, format('(proposal|workflow) %s\M|(actor) \d+', id), '\1\2 N'), 'none');
  END LOOP;
  RETURN (SELECT string_agg(DISTINCT a, E'\n') FROM unnest(answers) a);
END
$$;
CREATE FUNCTION t.one_answer(call text, message text, ids bigint[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  answer text := answers('engine_readable_eve', call, ids);
BEGIN
  RETURN is_error(CASE WHEN answer LIKE '{%' AND answer NOT LIKE E'%\n%' THEN answer::jsonb ELSE jsonb_build_object('message', answer) END,
    jsonb_build_object('sqlstate', '42501', 'message', message, 'detail', ''), 'a stranger gets one answer: ' || call);
END
$$;

SELECT one_answer(call, message, ARRAY[:pending, :approved, :executed, :failed, :withdrawn, :later, 404040, 0, -1])
FROM (VALUES
  ('withdraw_proposal(%s, NULL)', 'proposal N is not yours to withdraw'),
  ('comment_proposal(%s, NULL, ''x'')', 'proposal N is not yours to comment on'),
  (format('withdraw_proposal(%%s, %s)', :ann), 'role "engine_readable_eve" may not act for actor N'),
  (format('comment_proposal(%%s, %s, ''x'')', :old), 'role "engine_readable_eve" may not act for actor N')) AS v (call, message);
SELECT one_answer(call, message, ARRAY[:workflow, :open, :ended, :nobodys, 404040, 0, -1])
FROM (VALUES
  ('complete_workflow(%s)', 'workflow N is not yours to end'),
  ('cancel_workflow(%s)', 'workflow N is not yours to end'),
  (format('cancel_workflow(%%s, %s)', :ann), 'role "engine_readable_eve" may not act for actor N'),
  ('get_audit_log(%s)', 'the audit log of workflow N is not yours to read')) AS v (call, message);
SELECT is(value_as('engine_readable_eve', format('SELECT workflow_orch.describe_needs(%s)', id)), NULL, 'nor is a stranger told what a proposal needs')
FROM unnest(ARRAY[:pending, :executed, 404040]) id;

-- Nor of which role or state another actor is.
SELECT one_answer('propose_action(' || :workflow || ', %s, ''one'', ''{}'', ''r'')', 'role "engine_readable_eve" may not act for actor N', ARRAY[:ann, :rex, :old]);

-- Who may read all is told what is the matter.
SELECT refused_as('engine_readable_reviewer', format('SELECT workflow_orch.withdraw_proposal(%s, %s)', :executed, :rex), '{"sqlstate": "55000", "detail": "Its status is executed%"}', 'a reader of a proposal is told its status');
SELECT refused_as('engine_readable_reviewer', format('SELECT workflow_orch.withdraw_proposal(%s, %s)', :pending, :rex), '{"sqlstate": "42501", "detail": "Actor % proposed it."}', 'or whose it is');
SELECT refused_as('engine_readable_reviewer', format('SELECT workflow_orch.withdraw_proposal(404040, %s)', :rex), '{"sqlstate": "42704"}', 'or that there is none');
SELECT refused_as('engine_readable_reviewer', format('SELECT workflow_orch.complete_workflow(%s, %s)', :ended, :rex), '{"sqlstate": "55000", "detail": "Its status is cancelled."}', 'and so with workflows');
SELECT refused_as('engine_readable_reviewer', format('SELECT workflow_orch.propose_action(%s, %s, ''one'', ''{}'', ''r'')', :workflow, :old), '{"sqlstate": "42501", "message": "actor % is not active"}', 'and actors');

-- One's own is one's own, by whichever of one's actors.
SELECT value_as('engine_readable_eve', format('SELECT proposal_id FROM workflow_orch.propose_action(%s, NULL, ''one'', ''{}'', ''r'')', :workflow)) AS mine \gset
SELECT works_as('engine_readable_eve', format('SELECT workflow_orch.comment_proposal(%s, NULL, ''mine'')', :mine), 'one''s own proposal is commented on');
SELECT works_as('engine_readable_eve', format('SELECT workflow_orch.withdraw_proposal(%s, NULL)', :mine), 'and withdrawn');
SELECT refused_as('engine_readable_eve', format('SELECT workflow_orch.withdraw_proposal(%s, NULL)', :mine), '{"sqlstate": "55000", "detail": "Its status is withdrawn%"}', 'with its status in the error');

\ir include/finish.sql
