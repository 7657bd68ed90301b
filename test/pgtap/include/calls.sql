-- Every call of the extension, from the catalog, with arguments to call it
-- with: a new call is tested without being listed.  Included after fixture.sql.
--
-- An argument's example is the one for its call, else the one for its name, else
-- the one for its type.  A file adds its own, which come before these, where a
-- call must work.

-- Functions that nobody calls by hand: run_sql and standing_approval are tools, and
-- two belong to the row security policies; seal_audit_log needs a transaction of its own;
-- report_* and evidence_* are parts of workflow_report and evidence.
CREATE FUNCTION t.is_call(function oid) RETURNS boolean LANGUAGE sql AS $$
  SELECT pronamespace = 'workflow_orch'::regnamespace AND prorettype <> 'trigger'::regtype
         AND proname !~ '^(report|evidence)_'
         AND proname NOT IN ('run_sql', 'standing_approval', 'may_read', 'may_read_support', 'seal_audit_log')
    FROM pg_proc WHERE oid = function
$$;

-- The arguments of all calls.  NULL is an error for those that are needed: those
-- whose default is not NULL.
CREATE VIEW t.argument AS
  SELECT p.oid, p.proname::text AS function, a.position, a.name, a.type::regtype AS type,
         coalesce(pg_get_function_arg_default(p.oid, a.position::int), '') !~ '^NULL::' AS needed
    FROM pg_proc p, unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[]) WITH ORDINALITY AS a (name, type, position)
   WHERE is_call(p.oid) AND a.type IS NOT NULL;

CREATE TABLE t.example (id serial, function text, argument text, type regtype, value text NOT NULL);
INSERT INTO example (type, value) VALUES
  ('bigint', '1'), ('boolean', 'true'), ('text', '''x'''), ('interval', '''1 s'''), ('timestamptz', '''2099-01-01'''), ('jsonb', '''{}'''),
  ('jsonpath', '''$.params.n > 1'''), ('bytea', '''\x00'''), ('regrole', 'tool_role()');
INSERT INTO example (argument, value) VALUES
  ('workflow_id', 'workflow()'), ('actor_id', 'ann()'), ('from_actor', 'bob()'), ('to_actor', 'cyd()'), ('reviewer_id', 'bob()'),
  ('kind', '''human'''), ('decision', '''edit'''), ('capability', '''propose'''), ('dry_run_mode', '''describe'''),
  ('reviews', '''[]'''), ('calls', '''[]'''), ('agents', 'false');

CREATE FUNCTION t.example_of(a t.argument) RETURNS text LANGUAGE sql AS $$
  SELECT value FROM example e
   WHERE CASE WHEN e.argument IS NULL THEN e.type = a.type ELSE e.argument = a.name AND (e.function IS NULL OR e.function = a.function) END
   ORDER BY e.function IS NULL, e.argument IS NULL, id DESC LIMIT 1
$$;

-- A call with its examples, but with another value for one argument.
CREATE FUNCTION t.example_call(call oid, changed text DEFAULT NULL, value text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT format('SELECT * FROM %s(%s)', call::regproc,
                (SELECT string_agg(CASE WHEN a.name = changed THEN value ELSE example_of(a) END || '::' || a.type, ', ' ORDER BY a.position)
                   FROM argument a WHERE a.oid = call))
$$;
CREATE VIEW t.call AS SELECT oid, proname::text AS function FROM pg_proc WHERE is_call(oid);
