-- Tables of what is kept, redacted and purged: legal holds, the hashes that stand
-- for redacted values, and what stays of purged workflows.

CREATE TABLE workflow_hold (
  hold_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  workflow_id    bigint NOT NULL,
  held_at        timestamptz NOT NULL,
  held_by        bigint,
  reason         text NOT NULL CHECK (reason <> ''),
  released_at    timestamptz,
  released_by    bigint,
  release_reason text CHECK (release_reason <> ''),
  CHECK ((released_at IS NULL) = (release_reason IS NULL))
);
CREATE UNIQUE INDEX workflow_hold_standing_idx ON workflow_hold (workflow_id) WHERE released_at IS NULL;
CREATE INDEX workflow_hold_workflow_idx ON workflow_hold (workflow_id);

COMMENT ON TABLE workflow_hold IS 'Legal holds: workflows that are neither redacted nor purged';
COMMENT ON COLUMN workflow_hold.hold_id IS 'Id';
COMMENT ON COLUMN workflow_hold.workflow_id IS 'Workflow that is held (refers to workflow)';
COMMENT ON COLUMN workflow_hold.held_at IS 'When the hold was set';
COMMENT ON COLUMN workflow_hold.held_by IS 'Actor that set it, where known (refers to actor)';
COMMENT ON COLUMN workflow_hold.reason IS 'Why, in the words of the person who set it';
COMMENT ON COLUMN workflow_hold.released_at IS 'When the hold was released; null: it stands';
COMMENT ON COLUMN workflow_hold.released_by IS 'Actor that released it, where known (refers to actor)';
COMMENT ON COLUMN workflow_hold.release_reason IS 'Why it was released, in the words of the person who released it';

CREATE TABLE redaction (
  audit_id    bigint,
  leaf_group  text COLLATE "C" CHECK (leaf_group IN ('who', 'what', 'rows')),
  hash        bytea NOT NULL CHECK (length(hash) = 32),
  object      text COLLATE "C" NOT NULL CHECK (object IN ('proposal', 'actor')),
  object_id   bigint NOT NULL,
  redacted_at timestamptz NOT NULL,
  redacted_by bigint,
  trail       bigint NOT NULL,
  vacuumed_at timestamptz,
  PRIMARY KEY (audit_id, leaf_group)
);
CREATE INDEX redaction_object_idx ON redaction (object, object_id);
CREATE INDEX redaction_trail_idx ON redaction (trail);
CREATE INDEX redaction_vacuum_idx ON redaction (audit_id) WHERE vacuumed_at IS NULL;

COMMENT ON TABLE redaction IS 'Hashes of redacted groups of leaves, which take the place of their values; what they say changes only with reapply_redactions';
COMMENT ON COLUMN redaction.audit_id IS 'Row of the audit log whose leaf has the group (refers to audit_log)';
COMMENT ON COLUMN redaction.leaf_group IS 'who, what or rows: see doc/evidence.md';
COMMENT ON COLUMN redaction.hash IS 'Hash of the group, which the entry of the row has';
COMMENT ON COLUMN redaction.object IS 'What was redacted: proposal or actor';
COMMENT ON COLUMN redaction.object_id IS 'Id of that proposal or actor';
COMMENT ON COLUMN redaction.redacted_at IS 'When it was redacted';
COMMENT ON COLUMN redaction.redacted_by IS 'Actor that redacted it, where known (refers to actor)';
COMMENT ON COLUMN redaction.trail IS 'Row of the audit log that tells of the redaction (refers to audit_log)';
COMMENT ON COLUMN redaction.vacuumed_at IS 'When the values had left the files of the tables; null: they may still be there';

CREATE TABLE audit_purge (
  purge_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  purged_at    timestamptz NOT NULL,
  purged_by    bigint,
  ended_before timestamptz NOT NULL,
  workflows    bigint NOT NULL CHECK (workflows > 0),
  proposals    bigint NOT NULL CHECK (proposals >= 0),
  leaves       bigint NOT NULL CHECK (leaves > 0),
  leaves_sha256 bytea NOT NULL CHECK (length(leaves_sha256) = 32),
  trail        bigint NOT NULL
);

COMMENT ON TABLE audit_purge IS 'Purges of finished workflows; rows are never changed';
COMMENT ON COLUMN audit_purge.purge_id IS 'Id';
COMMENT ON COLUMN audit_purge.purged_at IS 'When the rows were deleted';
COMMENT ON COLUMN audit_purge.purged_by IS 'Actor that asked for it, where known (refers to actor)';
COMMENT ON COLUMN audit_purge.ended_before IS 'The workflows had ended before this time';
COMMENT ON COLUMN audit_purge.workflows IS 'How many workflows were purged';
COMMENT ON COLUMN audit_purge.proposals IS 'How many proposals they had';
COMMENT ON COLUMN audit_purge.leaves IS 'How many rows of the audit log they had; purged_leaf has the numbers of their leaves';
COMMENT ON COLUMN audit_purge.leaves_sha256 IS 'SHA-256 of the hashes of these leaves, in the order of their numbers';
COMMENT ON COLUMN audit_purge.trail IS 'Row of the audit log that tells of the purge (refers to audit_log)';

CREATE TABLE purged_leaf (
  last_leaf  bigint PRIMARY KEY,
  first_leaf bigint NOT NULL CHECK (first_leaf BETWEEN 0 AND last_leaf),
  purge_id   bigint NOT NULL
);
CREATE INDEX purged_leaf_purge_idx ON purged_leaf (purge_id, last_leaf);

COMMENT ON TABLE purged_leaf IS 'Leaves of the tree whose rows were purged, as ranges that do not overlap; rows are never changed';
COMMENT ON COLUMN purged_leaf.last_leaf IS 'Number of the last leaf of the range';
COMMENT ON COLUMN purged_leaf.first_leaf IS 'Number of the first leaf of the range';
COMMENT ON COLUMN purged_leaf.purge_id IS 'Purge that deleted the rows (refers to audit_purge)';

CREATE TABLE purged_key (
  key_sha256 bytea PRIMARY KEY CHECK (length(key_sha256) = 32),
  purge_id   bigint
);

COMMENT ON TABLE purged_key IS 'Idempotency keys of purged and redacted proposals, which are not used again; rows are never changed';
COMMENT ON COLUMN purged_key.key_sha256 IS 'SHA-256 of the proposer''s actor_id, 8 bytes, the highest first, and the key as UTF-8';
COMMENT ON COLUMN purged_key.purge_id IS 'Purge that deleted the proposal; null: it was redacted (refers to audit_purge)';
