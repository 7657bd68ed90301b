-- The texts of an error of the tool are recorded up to 8 kB each.
\set file engine_result
\ir include/fixture.sql

CREATE FUNCTION app.shout() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', repeat('é', 20000000) USING DETAIL = repeat('d', 9000), HINT = repeat('h', 9000);
END
$$;
CALL tool('shout()');
SELECT approved('shout') AS p \gset
SELECT execution_id AS e, result AS r FROM workflow_orch.execute_action(:p) \gset
SELECT is(status(:p), 'failed', 'a tool that fails with 40 MB of message has failed');
CREATE TEMP TABLE recorded AS
  SELECT 'the result' AS place, key, value FROM jsonb_each_text(:'r'::jsonb -> 'error')
  UNION ALL
  SELECT 'the execution', key, value FROM workflow_orch.execution, jsonb_each_text(result -> 'error') WHERE execution_id = :e
  UNION ALL
  SELECT 'the audit log', key, value FROM workflow_orch.audit_log, jsonb_each_text(details -> 'error') WHERE execution_id = :e;
SELECT is(octet_length(value) BETWEEN 8100 AND 8192, true, format('%s has the %s, cut', place, key))
  FROM recorded WHERE key IN ('message', 'detail', 'hint');
SELECT is((SELECT count(*) FROM recorded WHERE key IN ('message', 'detail', 'hint')), 9::bigint, 'each text stands in each place');
SELECT is_empty($$SELECT place, key FROM recorded WHERE octet_length(value) > 8192$$, 'no text is longer');
SELECT is((SELECT count(*) FROM recorded WHERE key = 'message' AND value LIKE 'ééé%'), 3::bigint, 'what is kept is the beginning');
SELECT is_empty('SELECT * FROM workflow_orch.verify_audit_log()', 'the log agrees with what was cut');

\ir include/finish.sql
