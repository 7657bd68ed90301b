-- The canonical form: rows with values of each type, and the bytes that they become,
-- which test/vectors/canonical.json has.  test/t/037_evidence.pl has verify_evidence.py
-- read the same vectors; they were written from doc/evidence.md, by neither.
\set file engine_canonical
\set without_sealer
\ir include/fixture.sql
\set vectors `cat test/vectors/canonical.json`

CREATE TABLE t.vector AS SELECT n, v FROM jsonb_array_elements(:'vectors') WITH ORDINALITY AS e (v, n);
SELECT cmp_ok((SELECT count(*) FROM t.vector), '>=', 7::bigint, 'there are vectors');

-- What a superuser inserts as a restore does: the rows that the vectors tell of, the audit
-- rows, and a tree of the leaves with the salts of the vectors.
INSERT INTO workflow_orch.workflow OVERRIDING SYSTEM VALUE
  SELECT r.* FROM t.vector, jsonb_populate_record(NULL::workflow_orch.workflow, v #> '{tells,workflow}') r WHERE v -> 'tells' ? 'workflow';
INSERT INTO workflow_orch.standing_approval OVERRIDING SYSTEM VALUE
  SELECT r.* FROM t.vector, jsonb_populate_record(NULL::workflow_orch.standing_approval, v #> '{tells,standing_approvals}') r WHERE v -> 'tells' ? 'standing_approvals';
INSERT INTO workflow_orch.audit_log OVERRIDING SYSTEM VALUE
  SELECT r.* FROM t.vector, jsonb_populate_record(NULL::workflow_orch.audit_log, v -> 'row') r;
INSERT INTO workflow_orch.audit_tree (size, settled_id, seen_id, sealed_at, home_system, home_database, timeline, earlier_id)
  SELECT (SELECT count(*) FROM t.vector), 1, 1, now(), s.system_identifier, d.oid, 1, 0
    FROM pg_control_system() s, pg_database d WHERE d.datname = current_database();
INSERT INTO workflow_orch.audit_origin (origin_id, origin, from_size, since, home_system, home_database)
  SELECT 1, 'example.com/vectors', 0, now(), home_system, home_database FROM workflow_orch.audit_tree;
INSERT INTO workflow_orch.audit_leaf (leaf_index, audit_id, flags, hash, salts)
  SELECT n - 1, (v #>> '{row,audit_id}')::bigint, (v ->> 'flags')::bigint, decode(v ->> 'leaf', 'hex'), decode(v ->> 'salts', 'hex') FROM t.vector;

-- The settings of a session change nothing.
SET LOCAL TimeZone = 'Asia/Kathmandu';
SET LOCAL DateStyle = 'German';
SET LOCAL bytea_output = 'escape';
SET LOCAL extra_float_digits = -5;
SELECT is(encode(workflow_orch.audit_entry((v #>> '{row,audit_id}')::bigint), 'hex'), v ->> 'entry', format('the entry: %s', v ->> 'name'))
  FROM t.vector ORDER BY n;
SELECT is(encode(sha256('\x00' || workflow_orch.audit_entry((v #>> '{row,audit_id}')::bigint)), 'hex'), v ->> 'leaf', format('the leaf: %s', v ->> 'name'))
  FROM t.vector ORDER BY n;
SELECT is(encode(decode(workflow_orch.evidence_leaf((v #>> '{row,audit_id}')::bigint, (SELECT count(*) FROM t.vector)) ->> part, 'base64'), 'hex'), v ->> part,
          format('%s: %s', part, v ->> 'name'))
  FROM t.vector, unnest('{who,what,rows}'::text[]) AS part ORDER BY n, part;
\ir include/finish.sql
