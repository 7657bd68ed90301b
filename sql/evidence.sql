-- evidence: all that the database knows of a proposal, with what proves it.
--
-- The file is to be checked without the database, by script/verify_evidence.py or
-- by a program that somebody else has written: doc/evidence.md says how.  What it
-- shows must not depend on the session, hence the settings.  A row that a leaf tells
-- of does not change any more, so the leaves, which are read after the rows, fit them;
-- a leaf that came after the checkpoint is left out.
--
-- Only evidence is to be called.

CREATE FUNCTION evidence_check(proposal_id bigint)
RETURNS boolean LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_evidence_check';
COMMENT ON FUNCTION evidence_check IS 'Checks for evidence that the proposal exists; returns true. Errors: 22023, 42704.';

CREATE FUNCTION evidence_leaf(audit_id bigint, size bigint, OUT leaf jsonb)
RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_evidence_leaf';
COMMENT ON FUNCTION evidence_leaf IS
  'Returns for evidence the leaf of a row of the audit log in the tree of a size: its number, its hash, its path, its entry and the bytes of its groups, in base64; NULL if it is not there. Errors: 22023.';

CREATE FUNCTION evidence_audit(proposal bigint, workflow bigint, size bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_agg(jsonb_build_object('row', to_jsonb(a))
                   || coalesce(evidence_leaf(a.audit_id, size),
                               '{"leaf_index": null, "leaf": null, "path": null, "entry": null, "who": null, "what": null, "rows": null}')
                   ORDER BY a.audit_id)
    FROM (SELECT * FROM audit_log WHERE proposal_id = proposal
          UNION ALL
          SELECT * FROM audit_log WHERE workflow_id = workflow AND proposal_id IS NULL
          UNION ALL
          SELECT * FROM audit_log t
           WHERE t.audit_id IN (SELECT r.trail FROM redaction r JOIN audit_log x USING (audit_id) WHERE x.proposal_id = proposal)
             AND t.proposal_id IS DISTINCT FROM proposal AND (t.workflow_id = workflow AND t.proposal_id IS NULL) IS NOT TRUE) a
$$;
COMMENT ON FUNCTION evidence_audit IS 'Returns for evidence the rows of the audit log that tell of a proposal, of its workflow, and of redactions that reached rows of the proposal, with their leaves.';

CREATE FUNCTION evidence_definitions(proposal bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_object_agg(encode(d.sha256, 'hex'), d.definition)
    FROM tool_definition d
   WHERE d.sha256 IN (SELECT definition FROM proposal_revision WHERE proposal_id = proposal
                      UNION SELECT definition FROM standing_approval WHERE proposal_id = proposal)
$$;
COMMENT ON FUNCTION evidence_definitions IS 'Returns for evidence the definitions of tools that a proposal was pinned to, by their SHA-256 in hexadecimal.';

CREATE FUNCTION evidence_anchors(leaves bigint, size bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_agg(jsonb_build_object('anchor_id', a.anchor_id, 'kind', a.kind, 'size', a.size, 'recorded_at', a.recorded_at,
                                      'checkpoint', a.checkpoint, 'proof', translate(encode(a.proof, 'base64'), E'\n', ''),
                                      'path', audit_consistency(a.size, $2)->'path') ORDER BY a.anchor_id)
    FROM (SELECT DISTINCT ON (x.kind, x.actor_id) x.*
            FROM audit_anchor x
           WHERE x.size >= leaves AND x.size <= $2
           ORDER BY x.kind, x.actor_id, x.size, x.anchor_id) a
$$;
COMMENT ON FUNCTION evidence_anchors IS
  'Returns for evidence, of each kind and actor, the first anchor of at least so many leaves, with the path that proves that the tree of a size extends its checkpoint. Errors: 22023.';

CREATE FUNCTION evidence_redactions(proposal bigint, workflow bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_agg(to_jsonb(r) ORDER BY r.audit_id, r.leaf_group)
    FROM redaction r
   WHERE r.trail IN (SELECT x.trail FROM redaction x JOIN audit_log a ON a.audit_id = x.audit_id
                      WHERE a.proposal_id = proposal OR (a.workflow_id = workflow AND a.proposal_id IS NULL))
$$;
COMMENT ON FUNCTION evidence_redactions IS 'Returns for evidence the redactions that reached audit rows of a proposal or of its workflow, each with all that it took.';

CREATE FUNCTION evidence(proposal_id bigint, OUT evidence jsonb) RETURNS jsonb LANGUAGE sql STABLE
  SET search_path = pg_catalog, workflow_orch, pg_temp
  SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD' SET IntervalStyle = 'iso_8601' SET bytea_output = 'hex' AS $$
  WITH tree AS MATERIALIZED (SELECT audit_checkpoint() AS checkpoint WHERE evidence_check($1))
  SELECT jsonb_build_object(
    'format', 1,
    'checkpoint', t.checkpoint,
    'proposal', to_jsonb(p),
    'workflow', (SELECT to_jsonb(w) FROM workflow w WHERE w.workflow_id = p.workflow_id),
    'revisions', coalesce((SELECT jsonb_agg(to_jsonb(r) - 'proposed_by' ORDER BY r.revision) FROM proposal_revision r WHERE r.proposal_id = $1), '[]'),
    'definitions', coalesce(evidence_definitions($1), '{}'),
    'reviews', coalesce((SELECT jsonb_agg(to_jsonb(r) - 'proposed_by' ORDER BY r.review_id) FROM review r WHERE r.proposal_id = $1), '[]'),
    'revocations', coalesce((SELECT jsonb_agg(to_jsonb(r) - 'proposed_by' ORDER BY r.review_id) FROM revocation r WHERE r.proposal_id = $1), '[]'),
    'comments', coalesce((SELECT jsonb_agg(to_jsonb(c) - 'proposed_by' ORDER BY c.comment_id) FROM proposal_comment c WHERE c.proposal_id = $1), '[]'),
    'previews', coalesce((SELECT jsonb_agg(to_jsonb(v) ORDER BY v.preview_id) FROM preview v WHERE v.proposal_id = $1), '[]'),
    'executions', coalesce((SELECT jsonb_agg(to_jsonb(e) - 'proposed_by' ORDER BY e.execution_id) FROM execution e WHERE e.proposal_id = $1), '[]'),
    'cancel_requests', coalesce((SELECT jsonb_agg(to_jsonb(c) - 'proposed_by' ORDER BY c.request_id) FROM cancel_request c WHERE c.proposal_id = $1), '[]'),
    'break_glass', coalesce((SELECT jsonb_agg(to_jsonb(b) - 'proposed_by' ORDER BY b.execution_id) FROM break_glass b WHERE b.proposal_id = $1), '[]'),
    'standing_approvals', coalesce((SELECT jsonb_agg(to_jsonb(s) ORDER BY s.standing_id) FROM standing_approval s WHERE s.proposal_id = $1), '[]'),
    'redactions', coalesce(evidence_redactions($1, p.workflow_id), '[]'),
    'audit', l.audit,
    'anchors', coalesce(evidence_anchors((SELECT max((row->>'leaf_index')::bigint) + 1 FROM jsonb_array_elements(l.audit) row), t.size), '[]'))
    FROM (SELECT checkpoint, split_part(checkpoint, E'\n', 2)::bigint AS size FROM tree) t
   CROSS JOIN proposal p
   CROSS JOIN LATERAL (SELECT coalesce(evidence_audit($1, p.workflow_id, t.size), '[]') AS audit) l
   WHERE p.proposal_id = $1
$$;
COMMENT ON FUNCTION evidence IS
  'Returns all that is known of a proposal, with what proves it: the proposal, its workflow, revisions, definitions of tools, reviews, revocations, comments, previews, executions, requests to cancel, break glass, standing approvals and redactions, and its rows of the audit log, each with its leaf of the tree, the path to the root of the checkpoint, and the bytes that the hashes are of; and the first anchors that cover these leaves. script/verify_evidence.py checks it without the database; doc/evidence.md has the format. Errors: 22023, 42704.';
