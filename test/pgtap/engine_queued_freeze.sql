-- Calls that wait for the end of a freeze are in no other call's way, however many.
\set file queued_freeze
\ir include/fixture.sql
CREATE FUNCTION app.frozen(n int) RETURNS int LANGUAGE sql RETURN n;
CREATE FUNCTION app.free(n int) RETURNS int LANGUAGE sql RETURN n;
CALL tool('frozen(int)');
CALL tool('free(int)');
\ir include/workers.sql

SELECT workflow_orch.add_freeze('no end', now() - interval '1 min', 'infinity', 'frozen') AS freeze \gset
SELECT count(enqueued(approved('frozen', jsonb_build_object('n', n)))) FROM generate_series(1, 600) n \g /dev/null
SELECT enqueued(approved('free', '{"n": 1}')) AS e \gset
SELECT is(outcome(:e) ->> 'success', 'true', 'another tool''s call of the same role runs meanwhile');
SELECT is((SELECT count(*) FROM workflow_orch.queue WHERE tool = 'frozen'), 600::bigint, 'the frozen ones wait');
SELECT workflow_orch.remove_freeze(:freeze) \g /dev/null
CALL wait_for($$SELECT count(*) = 0 FROM workflow_orch.queue$$);
SELECT is((SELECT count(*) FROM workflow_orch.execution WHERE status = 'succeeded'), 601::bigint, 'and run when the freeze is removed');
\ir include/finish_workers.sql
