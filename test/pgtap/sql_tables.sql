-- What a reader of the catalogs learns of the tables: what each column says, and
-- what it refers to, which no foreign key does.
\set file sql_tables
\ir include/fixture.sql

CREATE VIEW t.columns AS
  SELECT c.oid AS relid, c.relname::text AS relation, c.relkind, a.attname::text AS name, a.atttypid, col_description(c.oid, a.attnum) AS comment,
         substring(col_description(c.oid, a.attnum) FROM '\(refers to (\w+)\)$') AS refers_to
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
   WHERE c.relnamespace = 'workflow_orch'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped;
CREATE VIEW t.keys AS
  SELECT con.conrelid, con.conrelid::regclass::text AS relation, a.attname::text AS name, a.atttypid
    FROM pg_constraint con JOIN pg_attribute a ON a.attrelid = con.conrelid AND con.conkey[1] = a.attnum
   WHERE con.connamespace = 'workflow_orch'::regnamespace AND con.contype = 'p';

SELECT is_empty('SELECT relation, name FROM columns WHERE comment IS NULL', 'every column of the tables and views has a comment');
SELECT is_empty($$SELECT oid::regclass FROM pg_class WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind IN ('r', 'v') AND obj_description(oid, 'pg_class') IS NULL$$,
  'so has every table and view');
SELECT is_empty($$SELECT conrelid::regclass, conname FROM pg_constraint WHERE connamespace = 'workflow_orch'::regnamespace AND contype = 'f'$$, 'no foreign key is declared');
SELECT is_empty($$SELECT tgrelid::regclass, tgname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = 'workflow_orch'::regnamespace AND (tgisinternal OR tgenabled <> 'A')$$,
  'no trigger is there that does nothing, and psql lists none as disabled');

-- What is referred to: the first column of a primary key.
SELECT cmp_ok((SELECT count(*) FROM columns WHERE refers_to IS NOT NULL), '>', 60::bigint, 'columns say what they refer to');
SELECT is_empty($$SELECT c.relation, c.name, c.refers_to FROM columns c LEFT JOIN keys k ON k.relation = 'workflow_orch.' || c.refers_to AND k.atttypid = c.atttypid
                   WHERE c.refers_to IS NOT NULL AND k.relation IS NULL$$, 'which is a table whose key has the same type');
SELECT is_empty($$SELECT c.relation, c.name FROM columns c JOIN keys k ON k.name = c.name AND k.conrelid <> c.relid WHERE c.relkind = 'r' AND c.refers_to IS NULL
                   AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.relid AND attname = c.name AND attidentity = 'a')$$,
  'a column with the name of another table''s key refers to one');

-- One of everything, and nothing refers to what is not there.
CREATE FUNCTION app.f(n int) RETURNS int LANGUAGE sql RETURN n;
CALL tool('app.f(int)');
SELECT workflow_orch.update_tool('f', preview => true);
SELECT workflow_orch.add_approval_rule('DBA', 1, 1, 'f') AS rule, workflow_orch.add_approval_rule(approvals => 0, tool => 'f', condition => '$.params.n == 7') AS free,
       workflow_orch.add_freeze('f', now() + '1 day', 'infinity') AS frozen, workflow_orch.delegate_review(:cyd, :bob, now() + '1 day') AS delegation,
       workflow_orch.set_policy(dry_run => false) \gset
SELECT propose('f', '{"n": 1}') AS p, propose('f', '{"n": 2}') AS q, propose('f', '{"n": 3}') AS r, propose('f', '{"n": 4}') AS s \gset
SELECT preview ->> 'preview_id' AS preview FROM workflow_orch.preview_action(:p, :bob) \gset
SELECT workflow_orch.comment_proposal(:p, :bob, 'Hm'), workflow_orch.review_action(:p, :bob, 'approve', preview_id => :'preview'), workflow_orch.revoke_approval(:p, :bob) \g /dev/null
SELECT workflow_orch.review_action(:q, :bob, 'edit', '{"n": 5}'), execute(:q), workflow_orch.review_action(:r, :bob, 'approve') \g /dev/null
SELECT workflow_orch.enqueue_action(:r, :ann, '2100-01-01') AS queued \gset
SET LOCAL client_min_messages = error;
SELECT workflow_orch.break_glass_execute(:s, :ann, 'r') \g /dev/null
RESET client_min_messages;
CREATE FUNCTION t.dangling() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  ref record;
BEGIN
  FOR ref IN SELECT c.*, k.name AS key FROM columns c JOIN keys k ON k.relation = 'workflow_orch.' || c.refers_to LOOP
    RETURN QUERY EXECUTE format('SELECT DISTINCT %L FROM workflow_orch.%I t WHERE %I IS NOT NULL AND NOT EXISTS (SELECT FROM workflow_orch.%I r WHERE r.%I = t.%I)',
                                ref.relation || '.' || ref.name, ref.relation, ref.name, ref.refers_to, ref.key, ref.name);
  END LOOP;
END $$;
SELECT is_empty('SELECT * FROM dangling()', 'nothing refers to a row that is not there');

\ir include/finish.sql
