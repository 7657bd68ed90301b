-- Seals rows of the audit log, by INSERT as in sealed.sql, which is included before.
CREATE PROCEDURE t.seal_rows(condition text) LANGUAGE plpgsql AS $$
DECLARE
  id bigint;
  n bigint;
  entry bytea;
  salts CONSTANT bytea := sha256('salt') || substr(sha256('salt'), 1, 16);
BEGIN
  FOR id IN EXECUTE format('SELECT audit_id FROM workflow_orch.audit_log WHERE (%s) AND audit_id NOT IN (SELECT audit_id FROM workflow_orch.audit_leaf) ORDER BY 1', condition) LOOP
    n := (SELECT max(leaf_index) + 1 FROM workflow_orch.audit_leaf);
    BEGIN
      INSERT INTO workflow_orch.audit_leaf (leaf_index, audit_id, flags, hash, salts) VALUES (n, id, 1, sha256('leaf'), salts);
      entry := workflow_orch.audit_entry(id);
      RAISE EXCEPTION USING ERRCODE = 'UNDO0';
    EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
      INSERT INTO workflow_orch.audit_leaf (leaf_index, audit_id, flags, hash, salts) VALUES (n, id, 1, sha256('\x00' || entry), salts);
    END;
  END LOOP;
END
$$;
