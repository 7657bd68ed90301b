-- Triggers on every table, ENABLE ALWAYS so that session_replication_role does
-- not switch them off: the guard before a write, the audit row after it.

CREATE FUNCTION guard() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_guard';
COMMENT ON FUNCTION guard IS 'Trigger: refuses what the state machine or the extension''s own code does not do';

CREATE FUNCTION record() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_record';
COMMENT ON FUNCTION record IS 'Trigger: writes the audit row of a change';

-- These tables have no audit rows of their own: another table's row tells of
-- theirs.  All other tables are recorded, so that a new one cannot be forgotten.
DO $$
DECLARE
  unrecorded CONSTANT text[] := ARRAY['tool_definition', 'proposal_revision', 'queue', 'standing_use', 'audit_log', 'audit_tree',
                                 'audit_origin', 'audit_leaf', 'audit_tile', 'redaction', 'audit_purge', 'purged_leaf', 'purged_key'];
  t text;
BEGIN
  FOR t IN
    SELECT c.relname FROM pg_catalog.pg_class c
     WHERE c.relnamespace = 'workflow_orch'::pg_catalog.regnamespace AND c.relkind = 'r'
     ORDER BY c.relname
  LOOP
    EXECUTE pg_catalog.format('CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE OR DELETE ON %I
                                 FOR EACH ROW EXECUTE FUNCTION guard()', t);
    EXECUTE pg_catalog.format('CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON %I
                                 FOR EACH STATEMENT EXECUTE FUNCTION guard()', t);
    EXECUTE pg_catalog.format('ALTER TABLE %I ENABLE ALWAYS TRIGGER guard_row', t);
    EXECUTE pg_catalog.format('ALTER TABLE %I ENABLE ALWAYS TRIGGER guard_truncate', t);
    CONTINUE WHEN t = ANY (unrecorded);
    EXECUTE pg_catalog.format('CREATE TRIGGER record_row AFTER INSERT OR UPDATE ON %I
                                 FOR EACH ROW EXECUTE FUNCTION record()', t);
    EXECUTE pg_catalog.format('ALTER TABLE %I ENABLE ALWAYS TRIGGER record_row', t);
  END LOOP;
END
$$;
