-- The built-in tool for ad-hoc SQL.
\set file engine_run_sql
\ir include/fixture.sql
\ir include/roles.sql

CREATE TABLE app.account (id int PRIMARY KEY, credit int);
CREATE TABLE app.secret (word text);
INSERT INTO app.account SELECT n, 100 FROM generate_series(1, 250) n;
INSERT INTO app.secret VALUES ('needle');
GRANT ALL ON app.account TO :"tool_role";
GRANT CREATE ON SCHEMA app TO :"tool_role";

-- Only an administrator makes a tool of it.
SELECT is_empty('SELECT * FROM workflow_orch.tool WHERE NOT built_in', 'run_sql is no tool by itself');
CREATE ROLE engine_run_sql_user LOGIN;
SELECT workflow_orch.grant_capability('engine_run_sql_user', c) FROM unnest(ARRAY['propose', 'review', 'execute', 'audit']) AS c;
SELECT refused_as('engine_run_sql_user', 'SELECT workflow_orch.run_sql(''SELECT 1'')', '{"sqlstate": "42501", "message": "permission denied%"}', 'nobody calls it by hand');
SELECT raises('SELECT workflow_orch.run_sql(''SELECT 1'')', '{"sqlstate": "55000", "message": "run_sql can run only as a tool", "hint": "%register_tool%"}', 'not even a superuser');
SELECT workflow_orch.register_tool('sql', 'workflow_orch.run_sql(text)', tool_role(), preview => true);
SELECT is(has_function_privilege(:'tool_role', 'workflow_orch.run_sql(text)', 'EXECUTE'), true, 'register_tool lets the tool''s role execute it');
SELECT refused_as(:'tool_role', 'SELECT workflow_orch.run_sql(''SELECT 1'')', '{"sqlstate": "42501"}', 'which is no way to call it by hand');
GRANT USAGE ON SCHEMA workflow_orch TO :"tool_role";
SELECT refused_as(:'tool_role', 'SELECT workflow_orch.run_sql(''SELECT 1'')', '{"sqlstate": "55000", "message": "run_sql can run only as a tool"}', 'nor is the right to use the schema');
SELECT raises(format('SELECT workflow_orch.register_tool(''x'', %L, tool_role())', f), '{"sqlstate": "42501", "message": "%belongs to the extension%"}', f || ' is still no tool')
  FROM unnest(ARRAY['workflow_orch.whoami()', 'workflow_orch.set_policy', 'workflow_orch.execute_action(bigint,bigint)']) AS f WHERE f LIKE '%)';

CREATE FUNCTION t.sql(statement text) RETURNS jsonb LANGUAGE sql AS $$ SELECT output('sql', jsonb_build_object('statement', statement)) $$;

-- What it returns.
SELECT is(sql('SELECT id, credit AS money FROM account WHERE id < 3 ORDER BY id'),
  '{"command_tag": "SELECT", "row_count": 2, "rows": [{"id": 1, "money": 100}, {"id": 2, "money": 100}], "truncated": false}', 'a query returns its rows, by the names of the result');
SELECT is(sql('SELECT * FROM account WHERE false'), '{"command_tag": "SELECT", "row_count": 0, "rows": [], "truncated": false}', 'or none');
SELECT is(sql('UPDATE account SET credit = 1 WHERE id <= 7'), '{"command_tag": "UPDATE", "row_count": 7, "rows": null, "truncated": false}', 'an UPDATE returns how many rows it changed');
SELECT is((SELECT count(*) FROM app.account WHERE credit = 1), 7::bigint, 'which it did');
SELECT is(sql('DELETE FROM account WHERE id > 248 RETURNING id'), '{"command_tag": "DELETE", "row_count": 2, "rows": [{"id": 249}, {"id": 250}], "truncated": false}', 'RETURNING returns rows');
SELECT is(sql('SELECT id FROM account') - 'rows', '{"command_tag": "SELECT", "row_count": 248, "truncated": true}', 'of many rows all are counted');
SELECT is(jsonb_array_length(sql('SELECT id FROM account') -> 'rows'), 100, 'and the first 100 returned');
SET LOCAL workflow_orch.run_sql_max_rows = 3;
SELECT is(jsonb_array_length(sql('UPDATE account SET credit = 2 RETURNING id') -> 'rows'), 3, 'workflow_orch.run_sql_max_rows says how many');
SELECT is((SELECT count(*) FROM app.account WHERE credit = 2), 248::bigint, 'and does not say how many are changed');
RESET workflow_orch.run_sql_max_rows;
SET LOCAL workflow_orch.max_result_size = '10kB';
SELECT is(sql('SELECT repeat(''x'', 200000) FROM generate_series(1, 50)') ->> 'sqlstate', '54000', 'a result that is too large fails the call');
RESET workflow_orch.max_result_size;
SELECT is(sql('CREATE TABLE app.fresh (n int)'), '{"command_tag": "CREATE TABLE", "row_count": 0, "rows": null, "truncated": false}', 'DDL runs');
SELECT is(sql('CREATE TABLE app.copy AS SELECT * FROM account') #- '{rows}', '{"command_tag": "CREATE TABLE AS", "row_count": 248, "truncated": false}', 'and counts what it writes');
SELECT is(sql('EXPLAIN (COSTS OFF) SELECT 1') -> 'rows', '[{"QUERY PLAN": "Result"}]', 'EXPLAIN returns its plan');
SELECT is(sql('DO $x$ BEGIN INSERT INTO account VALUES (1000, 0); DELETE FROM account WHERE id = 1000; END $x$') ->> 'command_tag', 'DO', 'a DO block is one statement');
SELECT is(sql('WITH gone AS (DELETE FROM account WHERE id = 240 RETURNING *) SELECT count(*) FROM gone') -> 'rows', '[{"count": 1}]', 'so is a query that changes data');
SELECT is(sql('CREATE FUNCTION app.two() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END') ->> 'command_tag', 'CREATE FUNCTION', 'so is a function with statements in it');
SELECT is(sql('SELECT '';'' AS a /* ; COMMIT; */ -- ; ROLLBACK') -> 'rows', '[{"a": ";"}]', 'what stands in quotes and comments is no statement');
SELECT is(sql('SELECT current_user AS u, current_setting(''workflow_orch.actor'') AS a') -> 'rows', jsonb_build_array(jsonb_build_object('u', :'tool_role', 'a', 'ann')), 'it runs as the tool''s role');

-- Errors of the statement.
SELECT is(sql('SELECT * FROM secret') ->> 'sqlstate', '42501', 'with that role''s rights and no others');
SELECT is(sql('SELECT * FROM nowhere') ->> 'sqlstate', '42P01', 'an error of the statement fails the call');
SELECT is(sql('UPDATE account SET credit = 1 / (id - 5)') ->> 'sqlstate', '22012', 'whatever it is');
SELECT is((SELECT count(*) FROM app.account WHERE credit = 2), 247::bigint, 'and undoes it');
SELECT is(sql('SELECT workflow_orch.run_sql(''SELECT 1'')') ->> 'sqlstate', '42501', 'it does not call itself');
SELECT is(sql('SELECT workflow_orch.expire_proposals()') ->> 'sqlstate', '42501', 'nor other functions of the extension');
SELECT is(sql('DO $x$ BEGIN COMMIT; END $x$') ->> 'sqlstate', '2D000', 'a DO block cannot commit');
SELECT is(sql(statement) ->> 'sqlstate', '42501', 'confined as every tool: ' || statement)
  FROM unnest(ARRAY['CREATE TEMP TABLE x ()', 'DO $x$ BEGIN RESET ROLE; END $x$', 'DO $x$ BEGIN EXECUTE ''LISTEN x''; END $x$', 'COPY account TO PROGRAM ''cat''', 'COPY account TO ''/tmp/engine_run_sql''']) AS statement;
CREATE FUNCTION app.wrapped() RETURNS jsonb LANGUAGE plpgsql AS $$BEGIN RETURN workflow_orch.run_sql('SELECT 1'); END$$;
CALL tool('wrapped()');
SELECT is(output('wrapped') ->> 'sqlstate', '42501', 'another tool does not call it');
SELECT workflow_orch.update_tool('sql', timeout => '50 ms');
SELECT is(sql('SELECT pg_sleep(10)') ->> 'sqlstate', '57014', 'it runs under the tool''s timeout');
SELECT workflow_orch.update_tool('sql', timeout => '0');

-- What it does not run is refused when it is proposed.
CREATE FUNCTION t.refused(statement text, expected jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT raises(format('SELECT propose(''sql'', %L)', jsonb_build_object('statement', statement)), expected, 'not proposed: ' || to_json(left(statement, 70)))
$$;
SELECT refused(statement, '{"sqlstate": "22023", "message": "run_sql runs exactly one statement", "detail": "The text has %", "hint": "_%"}')
  FROM unnest(ARRAY['SELECT 1; SELECT 2', 'SELECT 1; COMMIT', 'UPDATE account SET credit = 0; -- x' || E'\nDROP TABLE account', '-- nothing', ';;', '/* SELECT 1 */',
                    'SELECT 1; /**/ SELECT 2 --', 'COMMIT; BEGIN; SELECT 1']) AS statement;
SELECT refused(statement, '{"sqlstate": "22023", "message": "run_sql does not run %", "detail": "_%", "hint": "_%"}')
  FROM unnest(ARRAY['COMMIT', 'bEgIn', 'START TRANSACTION', 'ROLLBACK', 'SAVEPOINT s', 'RELEASE s', 'ROLLBACK TO s', 'PREPARE TRANSACTION ''x''', 'COMMIT PREPARED ''x''', 'END', 'ABORT',
                    'VACUUM account', 'VACUUM', 'CREATE INDEX CONCURRENTLY ON account (credit)', 'DROP INDEX CONCURRENTLY account_pkey', 'REINDEX TABLE CONCURRENTLY account',
                    'REINDEX SCHEMA app', 'REINDEX DATABASE x', 'ALTER TABLE a DETACH PARTITION b CONCURRENTLY', 'CLUSTER', 'CREATE DATABASE x', 'DROP DATABASE x',
                    'CREATE TABLESPACE x LOCATION ''/x''', 'DROP TABLESPACE x', 'ALTER SYSTEM SET work_mem = 1', 'COPY account TO STDOUT', 'COPY account FROM STDIN',
                    'SET ROLE postgres', 'SET SESSION AUTHORIZATION DEFAULT', 'RESET ALL', 'SET CONSTRAINTS ALL DEFERRED', 'PREPARE p AS SELECT 1', 'EXECUTE p', 'DEALLOCATE ALL',
                    'DECLARE c CURSOR WITH HOLD FOR SELECT 1', 'FETCH c', 'CLOSE ALL', 'LISTEN x', 'UNLISTEN *', 'DISCARD ALL', 'LOAD ''x''',
                    'EXPLAIN ANALYZE EXECUTE p', 'EXPLAIN (ANALYZE, VERBOSE) EXECUTE p(1)', 'CREATE TABLE x AS EXECUTE p', 'CREATE TEMP TABLE x AS EXECUTE p WITH NO DATA',
                    'EXPLAIN ANALYZE CREATE TABLE x AS EXECUTE p', 'EXPLAIN ANALYZE DECLARE c CURSOR FOR SELECT 1', 'REINDEX (CONCURRENTLY true) TABLE account',
                    'UPDATE account SET credit = 0 WHERE CURRENT OF c', 'DELETE FROM account WHERE CURRENT OF c', 'EXPLAIN ANALYZE DELETE FROM account WHERE CURRENT OF c',
                    'WITH x AS (UPDATE account SET credit = 0 WHERE CURRENT OF c RETURNING id) SELECT id FROM x', 'CREATE TABLE x AS WITH y AS (DELETE FROM account WHERE CURRENT OF c RETURNING id) SELECT id FROM y',
                    'WITH x AS (DELETE FROM account WHERE CURRENT OF c RETURNING *) INSERT INTO account SELECT * FROM x',
                    'COPY (DELETE FROM account WHERE CURRENT OF c RETURNING id) TO ''/tmp/engine_run_sql''',
                    E'/* c */ -- d\n COMMIT;']) AS statement;
SELECT refused('SELEC 1', '{"sqlstate": "42601", "message": "syntax error at or near \"SELEC\""}');
SELECT refused('SELECT ''open', '{"sqlstate": "42601"}');
SELECT raises('SELECT propose(''sql'', ''{"statement": null}'')', '{"sqlstate": "22023", "message": "%\"statement\"%"}', 'no statement is none');
SELECT raises('SELECT propose(''sql'', ''{}'')', '{"sqlstate": "22023"}', 'nor is a missing one');
SELECT is(status(propose('sql', '{"statement": "ANALYZE app.account"}')), 'pending', 'ANALYZE can be proposed');
SELECT is(status(propose('sql', jsonb_build_object('statement', statement))), 'pending', 'so can ' || statement)
  FROM unnest(ARRAY['REINDEX TABLE app.account', 'REINDEX (CONCURRENTLY false) TABLE app.account', 'EXPLAIN ANALYZE DELETE FROM account', 'CREATE TABLE x AS WITH a AS (SELECT 1) SELECT * FROM a',
                    'MERGE INTO account a USING account b ON a.id = b.id WHEN MATCHED THEN DELETE', 'SELECT ''WHERE CURRENT OF c''', 'CREATE VIEW v AS SELECT 1']) AS statement;
SELECT propose('sql', '{"statement": "SELECT 1"}') AS p \gset
SELECT raises(format('SELECT workflow_orch.review_action(%s, bob(), ''edit'', ''{"statement": "SELECT 1; COMMIT"}'')', :p), '{"sqlstate": "22023"}', 'an edit is held to the same');
SET LOCAL standard_conforming_strings = off;
SELECT refused(E'SELECT ''\\''; COMMIT; --''', '{"sqlstate": "22023"}');
RESET standard_conforming_strings;
SELECT refused(E'SELECT ''\\''; COMMIT; --''', '{"sqlstate": "22023"}');

-- With a preview it is change control for SQL.
SELECT propose('sql', '{"statement": "DELETE FROM account WHERE id > 200 RETURNING id"}') AS p \gset
SELECT workflow_orch.preview_action(:p, :bob) AS seen \gset
SELECT is(:'seen'::jsonb #>> '{tables,0,deleted}' || ' ' || (:'seen'::jsonb #>> '{output,row_count}'), '47 47', 'a reviewer sees what the statement would change');
SELECT is((SELECT count(*) FROM app.account WHERE id > 200), 47::bigint, 'before it does');
SELECT is(workflow_orch.preview_action(propose('sql', jsonb_build_object('statement', statement)), :bob) #>> '{error,sqlstate}', '55000', 'what a rollback does not undo is not previewed: ' || statement)
  FROM unnest(ARRAY['COPY account TO PROGRAM ''cat''', 'COPY account FROM PROGRAM ''cat''', 'COPY (SELECT 1) TO ''/tmp/engine_run_sql''', 'SELECT pg_advisory_lock(1)']) AS statement;

\ir include/finish.sql
