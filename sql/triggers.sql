-- Triggers on every table, ENABLE ALWAYS so that session_replication_role does
-- not switch them off: the guard before a write, the audit row after it.

CREATE FUNCTION guard() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_guard';
COMMENT ON FUNCTION guard IS 'Trigger: refuses what the state machine or the extension''s own code does not do';

CREATE FUNCTION record() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_record';
COMMENT ON FUNCTION record IS 'Trigger: writes the audit row of a change';

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['actor', 'workflow', 'tool', 'tool_definition', 'policy', 'freeze_window',
                           'approval_rule', 'delegation', 'proposal', 'proposal_revision', 'proposal_comment',
                           'preview', 'review', 'revocation', 'execution', 'queue',
                           'cancel_request', 'break_glass', 'audit_log'] LOOP
    EXECUTE format('CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE OR DELETE ON %I
                      FOR EACH ROW EXECUTE FUNCTION guard()', t);
    EXECUTE format('CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON %I
                      FOR EACH STATEMENT EXECUTE FUNCTION guard()', t);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER guard_row', t);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER guard_truncate', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['actor', 'workflow', 'tool', 'policy', 'freeze_window', 'approval_rule', 'delegation',
                           'proposal', 'execution', 'break_glass'] LOOP
    EXECUTE format('CREATE TRIGGER record_row AFTER INSERT OR UPDATE ON %I
                      FOR EACH ROW EXECUTE FUNCTION record()', t);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER record_row', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['proposal_comment', 'preview', 'review', 'revocation', 'cancel_request'] LOOP
    EXECUTE format('CREATE TRIGGER record_row AFTER INSERT ON %I
                      FOR EACH ROW EXECUTE FUNCTION record()', t);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER record_row', t);
  END LOOP;
END
$$;
