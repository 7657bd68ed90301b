-- What pg_dump saves: all rows, and the identity sequences.

DO $$
DECLARE
  r record;
BEGIN
  FOR r IN
    SELECT c.oid FROM pg_catalog.pg_class c
     WHERE c.relnamespace = 'workflow_orch'::regnamespace AND c.relkind IN ('r', 'S')
     ORDER BY c.relname
  LOOP
    PERFORM pg_catalog.pg_extension_config_dump(r.oid, '');
  END LOOP;
END
$$;
