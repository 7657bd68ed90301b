-- The lines in the server's log that no rollback removes.
\set file engine_execute_log
\ir include/fixture.sql

CREATE FUNCTION app.work(secret text) RETURNS text LANGUAGE sql RETURN secret;
CALL tool('work(text)', 'logged tool');
SELECT approved('logged tool', '{"secret": "needle"}') AS p \gset
SAVEPOINT s;
SELECT execution_id AS e FROM workflow_orch.execute_action(:p, :ann) \gset
ROLLBACK TO s;
\set got `grep '"logged tool"' "$WFO_LOG" || true`
SELECT matches(:'got'::text, format('LOG:  execution %s of proposal %s revision 1 starts: tool "logged tool" as role "engine_execute_log_tool" for actor %s in database "%s"$', :e, :p, :ann, current_database()),
  'the start of a call is in the server''s log, with its ids, the tool and the role');
SELECT is(regexp_count(:'got'::text, 'starts'), 1, 'each start is one line');
SELECT unalike(:'got'::text, '%needle%', 'the log does not show the params');
SELECT dry_run FROM workflow_orch.set_policy(dry_run => true) \g /dev/null
SELECT execute(:p) \g /dev/null
\set got `grep '"logged tool"' "$WFO_LOG" | tail -1`
SELECT matches(:'got'::text, 'starts: .* \(dry run\)$', 'a dry run is logged as such');

SELECT raises(format('SELECT workflow_orch.withdraw_proposal(%s, bob())', :p), '{"sqlstate": "42501"}', 'what is not allowed is refused');
SELECT format('proposal %s is not yours to withdraw', :p) AS refused \gset
\setenv REFUSED :refused
\setenv DATABASE :DBNAME
\set got `grep -c "@$DATABASE LOG: .*$REFUSED" "$WFO_LOG" || true`
SELECT is(:got, 1, 'a refusal is in the server''s log, though the caller has caught it');

\ir include/finish.sql
