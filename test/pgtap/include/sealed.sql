-- The first row of the audit log as a leaf of a tree that has moved, by INSERT as a restore does:
-- a file's transaction cannot seal what it has not committed.
INSERT INTO workflow_orch.audit_tree (size, settled_id, seen_id, sealed_at, home_system, home_database, timeline)
  SELECT 1, 1, 1, now(), s.system_identifier, d.oid, 1
    FROM pg_control_system() s, pg_database d WHERE d.datname = current_database();
INSERT INTO workflow_orch.audit_origin (origin_id, origin, from_size, since, home_system, home_database)
  SELECT 1, 'example.com/log', 0, now(), home_system, home_database FROM workflow_orch.audit_tree;
INSERT INTO workflow_orch.audit_origin (origin_id, origin, from_size, since, home_system, home_database)
  SELECT 2, 'example.com/log/moved', 0, now(), home_system, home_database FROM workflow_orch.audit_tree;
INSERT INTO workflow_orch.audit_leaf (leaf_index, audit_id, flags, hash, salts)
  SELECT 0, min(audit_id), 1, sha256('leaf'), sha256('salt') || substr(sha256('salt'), 1, 16) FROM workflow_orch.audit_log;
