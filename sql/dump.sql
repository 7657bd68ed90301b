-- What pg_dump saves: all rows but the built-in tools, and the identity sequences.

DO $$
DECLARE
  r record;
BEGIN
  FOR r IN
    SELECT c.oid, c.relname FROM pg_catalog.pg_class c
     WHERE c.relnamespace = 'workflow_orch'::regnamespace AND c.relkind IN ('r', 'S')
     ORDER BY c.relname
  LOOP
    PERFORM pg_catalog.pg_extension_config_dump(r.oid, CASE WHEN r.relname = 'tool' THEN 'WHERE NOT built_in' ELSE '' END);
  END LOOP;
END
$$;
