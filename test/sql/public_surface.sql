-- What others rely on: functions, types, tables and settings.  A difference here
-- is a change of the interface: something appended may be taken over, anything
-- else breaks callers.
\pset format unaligned
\pset tuples_only on
\pset null '-'
SET search_path = workflow_orch, pg_catalog;

-- Functions with arguments, defaults and results.
SELECT p.proname || '(' || pg_get_function_arguments(p.oid) || ') -> ' || coalesce(pg_get_function_result(p.oid), 'nothing')
  FROM pg_proc p WHERE p.pronamespace = 'workflow_orch'::regnamespace ORDER BY p.proname COLLATE "C";

-- Capabilities: the functions and the tables that each one grants.
CREATE ROLE public_surface_user;
CREATE FUNCTION pg_temp.granted(capability text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  tables text;
BEGIN
  PERFORM workflow_orch.grant_capability('public_surface_user', capability);
  SELECT string_agg(relname, ', ' ORDER BY relname COLLATE "C") INTO tables FROM pg_class
   WHERE relnamespace = 'workflow_orch'::regnamespace AND EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = 'public_surface_user'::regrole);
  PERFORM workflow_orch.revoke_capability('public_surface_user', capability);
  RETURN coalesce(tables, 'no table');
END
$$;
SELECT capability || CASE WHEN restricted THEN ' (restricted)' ELSE '' END,
       (SELECT string_agg(call, ', ' ORDER BY call COLLATE "C") FROM unnest(calls) call), pg_temp.granted(capability)
  FROM list_capabilities();
DROP ROLE public_surface_user;

-- Types with their labels.
SELECT t.typname || ': ' || string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder)
  FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid
 WHERE t.typnamespace = 'workflow_orch'::regnamespace GROUP BY t.typname ORDER BY t.typname COLLATE "C";

-- Tables with their columns; * cannot be null.
SELECT c.relname || ': ' || string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN '*' ELSE '' END, ', ' ORDER BY a.attnum)
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 'workflow_orch'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped
 GROUP BY c.relname ORDER BY c.relname COLLATE "C";

-- Other members of the extension; none is left out above.
SELECT c.relkind::text || ' ' || c.relname FROM pg_class c
 WHERE c.relnamespace = 'workflow_orch'::regnamespace AND c.relkind NOT IN ('r', 'v', 'i', 't', 'c') ORDER BY c.relname COLLATE "C";
SELECT classid::regclass, count(*) FROM pg_depend
 WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'workflow_orch')
   AND deptype = 'e' AND classid NOT IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass)
 GROUP BY classid ORDER BY classid::regclass::text COLLATE "C";

-- Settings.
SELECT 1 FROM workflow_orch.whoami();
SELECT name || ' = ' || boot_val || coalesce(' ' || unit, '') || ' [' || vartype || coalesce(' ' || min_val || '..' || max_val, '') || ', ' || context || '] ' || short_desc
  FROM pg_settings WHERE name LIKE 'workflow_orch.%' ORDER BY name COLLATE "C";

-- The state machine.
SELECT object || ': ' || from_status || ' -' || event || '-> ' || to_status FROM transitions();

-- The extension.
SELECT extname, extversion, extrelocatable, extnamespace::regnamespace FROM pg_extension WHERE extname = 'workflow_orch';
SELECT name || '(' || superuser || ', ' || trusted || ', ' || relocatable || ', ' || coalesce(schema, '-') || ')' FROM pg_available_extension_versions
 WHERE name = 'workflow_orch';
