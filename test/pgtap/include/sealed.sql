-- The first row of the audit log as a leaf of a tree that has moved, by INSERT as a restore does:
-- a file's transaction cannot seal what it has not committed.
-- A file that adds leaves of its own sets tree_size.
\if :{?tree_size}
\else
\set tree_size 1
\endif
INSERT INTO workflow_orch.audit_tree (size, settled_id, seen_id, sealed_at, home_system, home_database, timeline, earlier_id)
  SELECT :tree_size, 1, 1, now(), s.system_identifier, d.oid, 1, 0
    FROM pg_control_system() s, pg_database d WHERE d.datname = current_database();
INSERT INTO workflow_orch.audit_origin (origin_id, origin, from_size, since, home_system, home_database)
  SELECT 1, 'example.com/log', 0, now(), home_system, home_database FROM workflow_orch.audit_tree;
INSERT INTO workflow_orch.audit_origin (origin_id, origin, from_size, since, home_system, home_database)
  SELECT 2, 'example.com/log/moved', 0, now(), home_system, home_database FROM workflow_orch.audit_tree;
-- The hash of the leaf is that of its entry, which a leaf with any hash shows.
SELECT min(audit_id) AS sealed_id FROM workflow_orch.audit_log \gset
SAVEPOINT sealed;
INSERT INTO workflow_orch.audit_leaf (leaf_index, audit_id, flags, hash, salts)
  VALUES (0, :sealed_id, 1, sha256('leaf'), sha256('salt') || substr(sha256('salt'), 1, 16));
SELECT sha256('\x00' || workflow_orch.audit_entry(:sealed_id)) AS leaf_hash \gset
ROLLBACK TO sealed;
INSERT INTO workflow_orch.audit_leaf (leaf_index, audit_id, flags, hash, salts)
  VALUES (0, :sealed_id, 1, :'leaf_hash', sha256('salt') || substr(sha256('salt'), 1, 16));
