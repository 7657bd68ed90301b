-- reference.sql: prints the part of doc/reference.md that describes the catalog:
-- calls, types, tables and views with their columns, in the words of their
-- comments.  script/reference.sh writes it there, and test/t/docs.pl compares.
-- Needs the extension; psql -XAtqf script/reference.sql.
\pset format unaligned
\pset tuples_only on
SET search_path = workflow_orch, pg_catalog;

CREATE FUNCTION pg_temp.type_name(type oid) RETURNS text LANGUAGE sql AS
  $$ SELECT replace(replace(format_type(type, NULL), 'timestamp with time zone', 'timestamptz'), 'workflow_orch.', '') $$;

-- The arguments of a function with their defaults, or its result columns.
CREATE FUNCTION pg_temp.arguments(function oid, output boolean) RETURNS text[] LANGUAGE sql AS $$
  SELECT coalesce(array_agg(concat_ws(' ', a.name, pg_temp.type_name(a.type),
                                      'DEFAULT ' || regexp_replace(pg_get_function_arg_default(p.oid, a.n::integer), '::[a-z ]+$', ''))
                            ORDER BY a.n), '{}')
    FROM pg_proc p,
         unnest(p.proargnames, coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes) WITH ORDINALITY AS a(name, type, mode, n)
   WHERE p.oid = function AND (coalesce(a.mode, 'i') = 'o') = output AND a.type IS NOT NULL
$$;

CREATE FUNCTION pg_temp.signature(function oid) RETURNS text LANGUAGE sql AS $$
  SELECT p.proname || '(' ||
         CASE WHEN length(array_to_string(i, ', ')) > 90 THEN E'\n    ' || array_to_string(i, E',\n    ') || E'\n' ELSE array_to_string(i, ', ') END ||
         ') → ' || CASE WHEN p.proretset THEN 'SETOF ' ELSE '' END ||
         CASE WHEN o = '{}' THEN pg_temp.type_name(p.prorettype)
              WHEN cardinality(o) = 1 THEN o[1]
              WHEN length(array_to_string(o, ', ')) <= 90 THEN '(' || array_to_string(o, ', ') || ')'
              ELSE E'(\n    ' || array_to_string(o, E',\n    ') || E'\n)' END
    FROM pg_proc p, pg_temp.arguments(p.oid, false) AS i, pg_temp.arguments(p.oid, true) AS o
   WHERE p.oid = function
$$;

-- What is called by name: not the triggers, nor the planner's own, nor the parts of
-- workflow_report and evidence.
CREATE FUNCTION pg_temp.calls() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(format(E'### %s\n\n```text\n%s\n```\n\n%s\n', proname, pg_temp.signature(oid),
                           regexp_replace(obj_description(oid, 'pg_proc'), ' (Errors[:,])', E'\n\n\\1')),
                    E'\n' ORDER BY proname COLLATE "C")
    FROM pg_proc
   WHERE pronamespace = 'workflow_orch'::regnamespace AND prorettype NOT IN ('trigger'::regtype, 'internal'::regtype)
     AND proname !~ '^(report|evidence)_'
$$;

CREATE FUNCTION pg_temp.types() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(format('| `%s` | %s | %s |', t.typname, l.labels, obj_description(t.oid, 'pg_type')), E'\n' ORDER BY t.typname COLLATE "C")
    FROM pg_type t,
         LATERAL (SELECT string_agg('`' || enumlabel || '`', ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid) AS l(labels)
   WHERE t.typnamespace = 'workflow_orch'::regnamespace AND t.typtype = 'e'
$$;

CREATE FUNCTION pg_temp.relations(kind "char") RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(format(E'### %s\n\n%s.\n\n| column | type | |\n| --- | --- | --- |\n%s\n', c.relname, obj_description(c.oid, 'pg_class'), l.lines),
                    E'\n' ORDER BY c.relname COLLATE "C")
    FROM pg_class c,
         LATERAL (SELECT string_agg(format('| `%s` | %s | %s |', a.attname, pg_temp.type_name(a.atttypid),
                                           replace(col_description(c.oid, a.attnum), '|', '\|')), E'\n' ORDER BY a.attnum)
                    FROM pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS l(lines)
   WHERE c.relnamespace = 'workflow_orch'::regnamespace AND c.relkind = kind
$$;

\qecho '## Calls'
\qecho
SELECT pg_temp.calls();
\qecho '## Types'
\qecho
\qecho '| type | labels | |'
\qecho '| --- | --- | --- |'
SELECT pg_temp.types();
\qecho
\qecho '## Tables'
\qecho
SELECT pg_temp.relations('r');
\qecho '## Views'
\qecho
SELECT pg_temp.relations('v');
