-- Tables.  The C code reads and writes them by column number: src/store/ has
-- one file per table, whose enum of columns follows the order here (a test
-- compares the two).  Keys that are text use the collation "C".
--
-- What a column refers to stands at the end of its comment and not in a foreign
-- key.  The calls have read and locked what a row refers to, and rows are deleted
-- only with their whole workflow (the guard sees to that).  Foreign keys would
-- cost a fifth of a cycle and locks on the workflows' and the actors' rows, miss
-- rows that are newer than the snapshot of a REPEATABLE READ transaction, and
-- stop a parallel pg_restore, which loads an extension's tables in any order;
-- declared and not checked they would be a promise that nobody keeps.
--
-- A role is kept as name and OID.  Where the two disagree the role was renamed,
-- and the name follows, if that is in the database where the role was given;
-- after a restore elsewhere calls that rest on the role are refused until an
-- administrator names the role again.

CREATE TABLE actor (
  actor_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name          text COLLATE "C" NOT NULL UNIQUE CHECK (name <> ''),
  role          text COLLATE "C" NOT NULL CHECK (role <> ''),
  kind          actor_kind NOT NULL,
  active        boolean NOT NULL,
  db_role       name,
  db_role_oid   oid,
  person        text,
  registered_at timestamptz NOT NULL,
  changed_by    bigint,
  home_system   bigint,
  home_database oid,
  former_db_roles text[],
  CHECK ((db_role IS NULL) = (db_role_oid IS NULL))
);
CREATE INDEX actor_db_role_idx ON actor (db_role);
CREATE INDEX actor_db_role_oid_idx ON actor (db_role_oid);
CREATE INDEX actor_role_idx ON actor (role);

COMMENT ON TABLE actor IS 'People, services and agents that propose, review and execute';
COMMENT ON COLUMN actor.actor_id IS 'Id';
COMMENT ON COLUMN actor.name IS 'Unique name';
COMMENT ON COLUMN actor.role IS 'Role in the business, such as DBA or Manager, as approval rules name it';
COMMENT ON COLUMN actor.kind IS 'human, agent or service';
COMMENT ON COLUMN actor.active IS 'An inactive actor can do nothing new; what it did stands';
COMMENT ON COLUMN actor.db_role IS 'Database role the actor is bound to: only sessions of that role, or of a member, act as the actor';
COMMENT ON COLUMN actor.db_role_oid IS 'OID of db_role when it was given';
COMMENT ON COLUMN actor.person IS 'Person behind the actor; actors with the same person count once';
COMMENT ON COLUMN actor.registered_at IS 'When the actor was registered';
COMMENT ON COLUMN actor.changed_by IS 'Actor that registered or last changed this one, where known (refers to actor)';
COMMENT ON COLUMN actor.home_system IS 'System identifier of the server where db_role was given';
COMMENT ON COLUMN actor.home_database IS 'OID of the database where db_role was given; in it a renamed role is recognized by its OID';
COMMENT ON COLUMN actor.former_db_roles IS 'Names that the role had before it was renamed, the last one first';

CREATE TABLE workflow (
  workflow_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  actor_id    bigint,
  status      workflow_status NOT NULL,
  dry_run     boolean NOT NULL,
  title       text NOT NULL CHECK (title <> ''),
  metadata    jsonb NOT NULL CHECK (jsonb_typeof(metadata) = 'object'),
  started_at  timestamptz NOT NULL,
  ended_at    timestamptz,
  ended_by    bigint,
  end_reason  text,
  CHECK ((status = 'active') = (ended_at IS NULL))
);
CREATE INDEX workflow_ended_at_idx ON workflow (ended_at) WHERE ended_at IS NOT NULL;

COMMENT ON TABLE workflow IS 'Workflows: pieces of work that proposals belong to';
COMMENT ON COLUMN workflow.workflow_id IS 'Id';
COMMENT ON COLUMN workflow.actor_id IS 'Actor that started the workflow; null: no particular actor (refers to actor)';
COMMENT ON COLUMN workflow.status IS 'active, completed or cancelled';
COMMENT ON COLUMN workflow.dry_run IS 'Executions in this workflow are dry runs';
COMMENT ON COLUMN workflow.title IS 'What the work is about, in the words of the person who started it';
COMMENT ON COLUMN workflow.metadata IS 'JSON object for the application''s own use';
COMMENT ON COLUMN workflow.started_at IS 'When the workflow was started';
COMMENT ON COLUMN workflow.ended_at IS 'When the workflow was completed or cancelled';
COMMENT ON COLUMN workflow.ended_by IS 'Actor that completed or cancelled the workflow (refers to actor)';
COMMENT ON COLUMN workflow.end_reason IS 'Reason given when the workflow was cancelled';

CREATE TABLE tool (
  tool          text COLLATE "C" PRIMARY KEY CHECK (tool <> ''),
  enabled       boolean NOT NULL,
  in_session    boolean NOT NULL,
  preview       boolean NOT NULL,
  dry_run_mode  dry_run_mode NOT NULL,
  max_attempts  bigint NOT NULL CHECK (max_attempts >= 1),
  timeout       interval CHECK (timeout >= interval '0'),
  rerun         boolean NOT NULL,
  max_rows      bigint CHECK (max_rows >= 0),
  preview_rows  bigint NOT NULL CHECK (preview_rows BETWEEN 0 AND 1000),
  group_size    bigint NOT NULL CHECK (group_size BETWEEN 1 AND 1000),
  function      text NOT NULL,
  run_as        name,
  run_as_oid    oid,
  search_path   text NOT NULL,
  description   text,
  registered_at timestamptz NOT NULL,
  changed_by    bigint,
  home_system   bigint,
  home_database oid,
  former_run_as text[],
  built_in      boolean NOT NULL DEFAULT false,
  definition    bytea CHECK (length(definition) = 32),
  CHECK ((run_as IS NULL) = (run_as_oid IS NULL)),
  CHECK (built_in = (run_as IS NULL)),
  CHECK (preview OR dry_run_mode = 'describe'),
  CHECK (rerun OR (NOT in_session AND max_attempts = 1 AND group_size = 1))
);

COMMENT ON TABLE tool IS 'Functions of the database that may be proposed';
COMMENT ON COLUMN tool.tool IS 'Unique name';
COMMENT ON COLUMN tool.enabled IS 'A disabled tool is neither proposed nor executed';
COMMENT ON COLUMN tool.in_session IS 'Whether execute_action may run the tool in the caller''s session';
COMMENT ON COLUMN tool.preview IS 'Whether a call may be run and rolled back, by preview_action';
COMMENT ON COLUMN tool.dry_run_mode IS 'Whether a dry run describes the call, or runs it and rolls it back';
COMMENT ON COLUMN tool.max_attempts IS 'How often a background worker tries a call that fails with a passing error';
COMMENT ON COLUMN tool.timeout IS 'Longest run time; null: the policy''s default_timeout, zero: no limit';
COMMENT ON COLUMN tool.rerun IS 'False: a call that was started never runs again, whatever its end';
COMMENT ON COLUMN tool.max_rows IS 'Most rows that a call may insert, update and delete in all; null: no limit';
COMMENT ON COLUMN tool.preview_rows IS 'How many changed rows of each table a preview shows, of tables that run_as may read';
COMMENT ON COLUMN tool.group_size IS 'How many queued calls of the tool may share a transaction of a background worker';
COMMENT ON COLUMN tool.function IS 'Qualified signature of the function';
COMMENT ON COLUMN tool.run_as IS 'Role the tool runs as; null: a built-in tool, which runs as its proposer';
COMMENT ON COLUMN tool.run_as_oid IS 'OID of run_as when it was given';
COMMENT ON COLUMN tool.search_path IS 'search_path the tool sees, in force at its registration';
COMMENT ON COLUMN tool.description IS 'What the tool does, for people who propose and review';
COMMENT ON COLUMN tool.registered_at IS 'When the tool was registered';
COMMENT ON COLUMN tool.changed_by IS 'Actor that registered or last changed the tool, where known (refers to actor)';
COMMENT ON COLUMN tool.home_system IS 'System identifier of the server where run_as was given';
COMMENT ON COLUMN tool.home_database IS 'OID of the database where run_as was given; in it a renamed role is recognized by its OID';
COMMENT ON COLUMN tool.former_run_as IS 'Names that the role had before it was renamed, the last one first; definitions pinned under these names are the same';
COMMENT ON COLUMN tool.built_in IS 'A call of the extension itself, which changes what a review means';
COMMENT ON COLUMN tool.definition IS 'SHA-256 of the definition that register_tool or update_tool last set; null: a built-in tool (refers to tool_definition)';

CREATE TABLE tool_definition (
  sha256         bytea CHECK (length(sha256) = 32),
  tool           text COLLATE "C" NOT NULL,
  definition     jsonb NOT NULL,
  first_used_at  timestamptz NOT NULL,
  transaction_id xid8,
  PRIMARY KEY (sha256, transaction_id)
);

COMMENT ON TABLE tool_definition IS 'Definitions of tools that proposals were pinned to. Each is stored once, or several times if transactions that ran at the same time used it first';
COMMENT ON COLUMN tool_definition.sha256 IS 'SHA-256 of the definition''s text, as UTF-8';
COMMENT ON COLUMN tool_definition.tool IS 'Tool that had the definition (refers to tool)';
COMMENT ON COLUMN tool_definition.definition IS 'Function, its body and properties, and the tool''s settings, by name';
COMMENT ON COLUMN tool_definition.first_used_at IS 'When a revision was first pinned to this definition';
COMMENT ON COLUMN tool_definition.transaction_id IS 'Transaction that stored it';

CREATE TABLE policy (
  dry_run             boolean NOT NULL,
  default_approvals   bigint NOT NULL CHECK (default_approvals >= 1),
  edit_needs_approval boolean NOT NULL,
  agents_may_review   boolean NOT NULL,
  proposal_ttl        interval NOT NULL CHECK (proposal_ttl >= interval '0'),
  approval_ttl        interval NOT NULL CHECK (approval_ttl >= interval '0'),
  default_timeout     interval NOT NULL CHECK (default_timeout >= interval '0'),
  notify              boolean NOT NULL,
  protected           boolean NOT NULL DEFAULT false,
  changed_by          bigint,
  changed_at          timestamptz NOT NULL,
  singleton           boolean PRIMARY KEY DEFAULT true CHECK (singleton)
);

COMMENT ON TABLE policy IS 'Settings made with set_policy: one row, or none while all settings have their defaults';
COMMENT ON COLUMN policy.dry_run IS 'Every execution is a dry run';
COMMENT ON COLUMN policy.default_approvals IS 'How many people must approve a proposal';
COMMENT ON COLUMN policy.edit_needs_approval IS 'An edit does not count as the editor''s approval';
COMMENT ON COLUMN policy.agents_may_review IS 'Actors of kind agent and service may review';
COMMENT ON COLUMN policy.proposal_ttl IS 'How long a proposal may wait for its approvals; zero: no limit';
COMMENT ON COLUMN policy.approval_ttl IS 'How long an approval is valid; zero: no limit';
COMMENT ON COLUMN policy.default_timeout IS 'Longest run time of tools that have none of their own; zero: no limit';
COMMENT ON COLUMN policy.notify IS 'Changes of status are sent to the channel workflow_orch';
COMMENT ON COLUMN policy.protected IS 'What a review means is changed only by approved calls of the built-in tools';
COMMENT ON COLUMN policy.changed_by IS 'Actor that last changed the policy, where known (refers to actor)';
COMMENT ON COLUMN policy.changed_at IS 'When the policy was last changed';
COMMENT ON COLUMN policy.singleton IS 'Keeps the table at one row';

CREATE TABLE freeze_window (
  freeze_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  title      text NOT NULL CHECK (title <> ''),
  starts_at  timestamptz NOT NULL,
  ends_at    timestamptz NOT NULL CHECK (ends_at > starts_at),
  tool       text COLLATE "C",
  added_at   timestamptz NOT NULL,
  added_by   bigint,
  removed_at timestamptz,
  removed_by bigint
);
CREATE INDEX freeze_window_standing_idx ON freeze_window (ends_at) WHERE removed_at IS NULL;

COMMENT ON TABLE freeze_window IS 'Freezes: times in which nothing executes';
COMMENT ON COLUMN freeze_window.freeze_id IS 'Id';
COMMENT ON COLUMN freeze_window.title IS 'Why, in the words of the person who added it';
COMMENT ON COLUMN freeze_window.starts_at IS 'Start of the freeze';
COMMENT ON COLUMN freeze_window.ends_at IS 'End of the freeze; infinity: until it is removed';
COMMENT ON COLUMN freeze_window.tool IS 'Tool whose calls do not execute; null: all tools (refers to tool)';
COMMENT ON COLUMN freeze_window.added_at IS 'When the freeze was added';
COMMENT ON COLUMN freeze_window.added_by IS 'Actor that added the freeze, where known (refers to actor)';
COMMENT ON COLUMN freeze_window.removed_at IS 'When the freeze was removed; null: it stands';
COMMENT ON COLUMN freeze_window.removed_by IS 'Actor that removed the freeze, where known (refers to actor)';

CREATE TABLE approval_rule (
  rule_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  role        text COLLATE "C" CHECK (role <> ''),
  approvals   bigint NOT NULL CHECK (approvals BETWEEN 0 AND 100),
  stage       bigint NOT NULL CHECK (stage BETWEEN 1 AND 100),
  tool        text COLLATE "C",
  condition   jsonpath,
  description text,
  agents      boolean NOT NULL,
  added_at    timestamptz NOT NULL,
  added_by    bigint,
  removed_at  timestamptz,
  removed_by  bigint,
  definition  jsonb,
  CHECK ((approvals = 0) = (definition IS NOT NULL))
);

COMMENT ON TABLE approval_rule IS 'Rules that say whose approvals a call needs; a removed rule stays here and has no effect';
COMMENT ON COLUMN approval_rule.rule_id IS 'Id';
COMMENT ON COLUMN approval_rule.role IS 'Role whose approval is needed; null: anybody who may review';
COMMENT ON COLUMN approval_rule.approvals IS 'How many people of the role must approve; 0: nobody needs to';
COMMENT ON COLUMN approval_rule.stage IS 'Stage the approvals belong to; a stage opens when the ones below it are complete';
COMMENT ON COLUMN approval_rule.tool IS 'Tool the rule is about; null: all of them (refers to tool)';
COMMENT ON COLUMN approval_rule.condition IS 'Which proposals the rule is about, evaluated in strict mode; null: all of them';
COMMENT ON COLUMN approval_rule.description IS 'What the rule is for, in the words of the person who added it';
COMMENT ON COLUMN approval_rule.agents IS 'A rule with 0 approvals also holds for what actors of kind agent propose or edit';
COMMENT ON COLUMN approval_rule.added_at IS 'When the rule was added';
COMMENT ON COLUMN approval_rule.added_by IS 'Actor that added the rule, where known (refers to actor)';
COMMENT ON COLUMN approval_rule.removed_at IS 'When the rule was removed; null: it is in force';
COMMENT ON COLUMN approval_rule.removed_by IS 'Actor that removed the rule, where known (refers to actor)';
COMMENT ON COLUMN approval_rule.definition IS 'Of a rule with 0 approvals: the SHA-256 of the definition that each tool had when the rule was added, by the tool''s name; the rule holds for no other definition';

CREATE TABLE delegation (
  delegation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  from_actor    bigint NOT NULL,
  to_actor      bigint NOT NULL CHECK (to_actor <> from_actor),
  delegated_at  timestamptz NOT NULL,
  delegated_by  bigint,
  ends_at       timestamptz NOT NULL CHECK (ends_at > delegated_at),
  ended_at      timestamptz,
  ended_by      bigint
);
CREATE INDEX delegation_standing_idx ON delegation (ends_at) WHERE ended_at IS NULL;

COMMENT ON TABLE delegation IS 'Delegations: actors who review in the role of an actor who is away';
COMMENT ON COLUMN delegation.delegation_id IS 'Id';
COMMENT ON COLUMN delegation.from_actor IS 'Actor who is away (refers to actor)';
COMMENT ON COLUMN delegation.to_actor IS 'Actor who reviews on behalf of from_actor (refers to actor)';
COMMENT ON COLUMN delegation.delegated_at IS 'When the delegation was made; it begins then';
COMMENT ON COLUMN delegation.delegated_by IS 'Actor that made it, where known (refers to actor)';
COMMENT ON COLUMN delegation.ends_at IS 'End of the delegation';
COMMENT ON COLUMN delegation.ended_at IS 'When it was ended early; null: it was not';
COMMENT ON COLUMN delegation.ended_by IS 'Actor that ended it, where known (refers to actor)';

CREATE TABLE standing_approval (
  standing_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  proposal_id bigint NOT NULL,
  tool        text COLLATE "C" NOT NULL,
  actor_id    bigint NOT NULL,
  db_role     text NOT NULL,
  uses        bigint NOT NULL CHECK (uses BETWEEN 1 AND 10000),
  ends_at     timestamptz NOT NULL,
  condition   jsonpath,
  max_rows    bigint CHECK (max_rows >= 0),
  description text,
  definition  bytea NOT NULL CHECK (length(definition) = 32),
  requirements jsonb NOT NULL,
  approved_by bigint[] NOT NULL,
  started_at  timestamptz NOT NULL,
  ended_at    timestamptz,
  ended_by    bigint,
  end_reason  text
);
CREATE INDEX standing_approval_proposal_idx ON standing_approval (proposal_id);
CREATE INDEX standing_approval_actor_idx ON standing_approval (actor_id, standing_id) WHERE ended_at IS NULL;

COMMENT ON TABLE standing_approval IS 'Approvals of calls that an actor will propose; made by calls of the built-in tool workflow_orch.standing_approval';
COMMENT ON COLUMN standing_approval.standing_id IS 'Id';
COMMENT ON COLUMN standing_approval.proposal_id IS 'Proposal that was approved; it may have been purged (refers to proposal)';
COMMENT ON COLUMN standing_approval.tool IS 'Tool whose calls are approved (refers to tool)';
COMMENT ON COLUMN standing_approval.actor_id IS 'Holder: the actor whose proposals are approved (refers to actor)';
COMMENT ON COLUMN standing_approval.db_role IS 'Database role of the holder when it was approved';
COMMENT ON COLUMN standing_approval.uses IS 'How many proposals it approves; standing_use has how many it has approved';
COMMENT ON COLUMN standing_approval.ends_at IS 'Until when';
COMMENT ON COLUMN standing_approval.condition IS 'Condition on the params, which must be true for sure, evaluated in strict mode; null: all calls';
COMMENT ON COLUMN standing_approval.max_rows IS 'Most rows that each call may change; null: no limit of its own';
COMMENT ON COLUMN standing_approval.description IS 'What it is for, in the words of the person who proposed it';
COMMENT ON COLUMN standing_approval.definition IS 'SHA-256 of the tool''s definition that was approved (refers to tool_definition)';
COMMENT ON COLUMN standing_approval.requirements IS 'Approvals that it was given, as proposal.requirements; it covers no others';
COMMENT ON COLUMN standing_approval.approved_by IS 'Actors that approved it';
COMMENT ON COLUMN standing_approval.started_at IS 'When it began';
COMMENT ON COLUMN standing_approval.ended_at IS 'When it was ended early; null: it was not';
COMMENT ON COLUMN standing_approval.ended_by IS 'Actor that ended it, where known (refers to actor)';
COMMENT ON COLUMN standing_approval.end_reason IS 'Why, in the words of the person who ended it';

CREATE TABLE standing_use (
  standing_id bigint PRIMARY KEY,
  actor_id    bigint NOT NULL,
  used        bigint NOT NULL CHECK (used BETWEEN 0 AND 10000)
);

COMMENT ON TABLE standing_use IS 'How often each standing approval was used';
COMMENT ON COLUMN standing_use.standing_id IS 'Standing approval (refers to standing_approval)';
COMMENT ON COLUMN standing_use.actor_id IS 'Holder (refers to actor)';
COMMENT ON COLUMN standing_use.used IS 'How many proposals it has approved';

CREATE TABLE proposal (
  proposal_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  workflow_id        bigint NOT NULL,
  actor_id           bigint NOT NULL,
  status             proposal_status NOT NULL,
  open               boolean NOT NULL,
  dry_run            boolean NOT NULL,
  revision           bigint NOT NULL,
  approvals          bigint NOT NULL,
  required_approvals bigint NOT NULL,
  requirements       jsonb NOT NULL,
  stage              bigint,
  rule_id            bigint,
  revised_by         bigint NOT NULL,
  proposer_may_review boolean NOT NULL,
  execute_on_approval boolean NOT NULL DEFAULT false,
  proposed_at        timestamptz NOT NULL,
  status_at          timestamptz NOT NULL,
  status_by          bigint,
  expires_at         timestamptz,
  approval_ttl       interval,
  event              text NOT NULL,
  status_reason      text,
  tool               text COLLATE "C" NOT NULL,
  params             jsonb NOT NULL,
  reason             text NOT NULL,
  idempotency_key    text COLLATE "C",
  definition         bytea NOT NULL,
  person             text,
  db_role            text,
  login              text,
  revised_at         timestamptz NOT NULL DEFAULT pg_catalog.now(),
  requested_since    bigint,
  max_rows           bigint,
  standing_id        bigint
);
CREATE INDEX proposal_workflow_idx ON proposal (workflow_id, open);
CREATE INDEX proposal_actor_idx ON proposal (actor_id, open);
CREATE INDEX proposal_open_idx ON proposal (revised_at) WHERE open;
CREATE INDEX proposal_call_idx ON proposal (tool, pg_catalog.jsonb_hash(params)) WHERE open;
CREATE UNIQUE INDEX proposal_idempotency_idx ON proposal (actor_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

COMMENT ON TABLE proposal IS 'Proposed tool calls, as they now stand';
COMMENT ON COLUMN proposal.proposal_id IS 'Id';
COMMENT ON COLUMN proposal.workflow_id IS 'Workflow it belongs to (refers to workflow)';
COMMENT ON COLUMN proposal.actor_id IS 'Actor that proposed the call (refers to actor)';
COMMENT ON COLUMN proposal.status IS 'Status; an open proposal past expires_at counts as expired at once, whatever the status is';
COMMENT ON COLUMN proposal.open IS 'Pending or approved';
COMMENT ON COLUMN proposal.dry_run IS 'The workflow''s dry_run, which never changes';
COMMENT ON COLUMN proposal.revision IS 'Number of the current revision, from 1';
COMMENT ON COLUMN proposal.approvals IS 'People who have approved the current revision';
COMMENT ON COLUMN proposal.required_approvals IS 'People who must approve the current revision, in all its stages';
COMMENT ON COLUMN proposal.requirements IS 'Approvals that the current revision needs: [{"stage", "role", "approvals", "rules"}], by stage and role; role null: anybody who may review; rules: ids of the rules that ask for them, none: the policy; administer true: only by people who hold administer besides review';
COMMENT ON COLUMN proposal.stage IS 'Stage that is open for approvals; null: all are complete';
COMMENT ON COLUMN proposal.rule_id IS 'Rule with 0 approvals that has approved the current revision (refers to approval_rule)';
COMMENT ON COLUMN proposal.revised_by IS 'Actor that wrote the current revision (refers to actor)';
COMMENT ON COLUMN proposal.proposer_may_review IS 'Somebody else wrote the current revision and the proposer may approve it';
COMMENT ON COLUMN proposal.execute_on_approval IS 'The last approval queues the call';
COMMENT ON COLUMN proposal.proposed_at IS 'When the call was proposed';
COMMENT ON COLUMN proposal.status_at IS 'When the status last changed';
COMMENT ON COLUMN proposal.status_by IS 'Actor that last changed the status; null: the extension itself, or no particular actor (refers to actor)';
COMMENT ON COLUMN proposal.expires_at IS 'When the open proposal, or its approval, expires; null: never';
COMMENT ON COLUMN proposal.approval_ttl IS 'How long an approval of the current revision is valid; null: no limit';
COMMENT ON COLUMN proposal.event IS 'Event that led to the status, as transitions() names it';
COMMENT ON COLUMN proposal.status_reason IS 'Reason given for the last change of status, if any';
COMMENT ON COLUMN proposal.tool IS 'Tool to call (refers to tool)';
COMMENT ON COLUMN proposal.params IS 'Arguments of the call, converted to their types';
COMMENT ON COLUMN proposal.reason IS 'Why, in the words of the proposer';
COMMENT ON COLUMN proposal.idempotency_key IS 'The proposer''s own key; a proposal with the same key and content returns this one';
COMMENT ON COLUMN proposal.definition IS 'SHA-256 of the tool''s definition that the current revision is pinned to (refers to tool_definition)';
COMMENT ON COLUMN proposal.person IS 'The proposer''s person when it was proposed';
COMMENT ON COLUMN proposal.db_role IS 'The proposer''s database role when it was proposed';
COMMENT ON COLUMN proposal.login IS 'Login it was proposed through; null: a gateway';
COMMENT ON COLUMN proposal.revised_at IS 'When the current revision was written';
COMMENT ON COLUMN proposal.requested_since IS 'First revision with the current wording for which a reviewer requested changes; null: nobody did';
COMMENT ON COLUMN proposal.standing_id IS 'Standing approval that has approved the current revision; null: none (refers to standing_approval)';
COMMENT ON COLUMN proposal.max_rows IS 'Smallest max_rows that approvals of the current revision are given with; null: none. The tool has a limit of its own';

CREATE TABLE proposal_revision (
  proposal_id        bigint NOT NULL,
  revision           bigint NOT NULL,
  actor_id           bigint NOT NULL,
  created_at         timestamptz NOT NULL,
  approve_until      timestamptz,
  required_approvals bigint NOT NULL,
  requirements       jsonb NOT NULL,
  rule_id            bigint,
  params             jsonb NOT NULL,
  definition         bytea NOT NULL,
  person             text,
  db_role            text,
  login              text,
  proposed_by        bigint,
  reason             text,
  approval_ttl       interval,
  PRIMARY KEY (proposal_id, revision)
);
CREATE INDEX proposal_revision_proposed_by_idx ON proposal_revision (proposed_by);

COMMENT ON TABLE proposal_revision IS 'Every wording that a proposal has had; rows are never changed';
COMMENT ON COLUMN proposal_revision.proposal_id IS 'Proposal that had the wording (refers to proposal)';
COMMENT ON COLUMN proposal_revision.revision IS 'Number of the revision, from 1';
COMMENT ON COLUMN proposal_revision.actor_id IS 'Actor that wrote the revision (refers to actor)';
COMMENT ON COLUMN proposal_revision.created_at IS 'When the revision was made';
COMMENT ON COLUMN proposal_revision.approve_until IS 'End of the time in which the revision can be approved; null: no limit';
COMMENT ON COLUMN proposal_revision.required_approvals IS 'People who must approve the revision, in all its stages';
COMMENT ON COLUMN proposal_revision.requirements IS 'Approvals that the revision needs, as in proposal.requirements';
COMMENT ON COLUMN proposal_revision.rule_id IS 'Rule with 0 approvals that has approved the revision (refers to approval_rule)';
COMMENT ON COLUMN proposal_revision.params IS 'Arguments of the call in this revision';
COMMENT ON COLUMN proposal_revision.definition IS 'SHA-256 of the tool''s definition that the revision is pinned to (refers to tool_definition)';
COMMENT ON COLUMN proposal_revision.person IS 'The author''s person at that time';
COMMENT ON COLUMN proposal_revision.db_role IS 'The author''s database role at that time';
COMMENT ON COLUMN proposal_revision.login IS 'Login it came through; null: a gateway';
COMMENT ON COLUMN proposal_revision.reason IS 'Why, in the words of the proposer';
COMMENT ON COLUMN proposal_revision.approval_ttl IS 'How long an approval of the revision is valid; null: no limit';
COMMENT ON COLUMN proposal_revision.proposed_by IS 'Actor that proposed the call, who reads the row (refers to actor)';

CREATE TABLE proposal_comment (
  comment_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  proposal_id  bigint NOT NULL,
  workflow_id  bigint NOT NULL,
  revision     bigint NOT NULL,
  actor_id     bigint NOT NULL,
  commented_at timestamptz NOT NULL,
  comment      text NOT NULL CHECK (comment <> ''),
  proposed_by  bigint
);
CREATE INDEX proposal_comment_proposed_by_idx ON proposal_comment (proposed_by);
CREATE INDEX proposal_comment_proposal_idx ON proposal_comment (proposal_id);

COMMENT ON TABLE proposal_comment IS 'Comments on proposals, without a decision; rows are never changed';
COMMENT ON COLUMN proposal_comment.comment_id IS 'Id';
COMMENT ON COLUMN proposal_comment.proposal_id IS 'Proposal it is about (refers to proposal)';
COMMENT ON COLUMN proposal_comment.workflow_id IS 'Workflow of the proposal (refers to workflow)';
COMMENT ON COLUMN proposal_comment.revision IS 'Revision that was the current one then';
COMMENT ON COLUMN proposal_comment.actor_id IS 'Actor that made the comment (refers to actor)';
COMMENT ON COLUMN proposal_comment.commented_at IS 'When the comment was made';
COMMENT ON COLUMN proposal_comment.comment IS 'Text of the comment';
COMMENT ON COLUMN proposal_comment.proposed_by IS 'Actor that proposed the call, who reads the row (refers to actor)';

CREATE TABLE preview (
  preview_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  proposal_id  bigint NOT NULL,
  workflow_id  bigint NOT NULL,
  revision     bigint NOT NULL,
  actor_id     bigint,
  previewed_at timestamptz NOT NULL,
  preview      jsonb NOT NULL
);
CREATE INDEX preview_proposal_idx ON preview (proposal_id);

COMMENT ON TABLE preview IS 'Previews: results of calls that were run for a reviewer and rolled back; rows are never changed';
COMMENT ON COLUMN preview.preview_id IS 'Id';
COMMENT ON COLUMN preview.proposal_id IS 'Proposal it is about (refers to proposal)';
COMMENT ON COLUMN preview.workflow_id IS 'Workflow of the proposal (refers to workflow)';
COMMENT ON COLUMN preview.revision IS 'Revision that was previewed';
COMMENT ON COLUMN preview.actor_id IS 'Actor that asked for the preview; null: no particular actor (refers to actor)';
COMMENT ON COLUMN preview.previewed_at IS 'When the call was run for the preview';
COMMENT ON COLUMN preview.preview IS 'What preview_action returned';

CREATE TABLE review (
  review_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  proposal_id bigint NOT NULL,
  workflow_id bigint NOT NULL,
  revision    bigint NOT NULL,
  reviewer_id bigint NOT NULL,
  decision    review_decision NOT NULL,
  status      proposal_status NOT NULL,
  counts      boolean NOT NULL,
  stage       bigint,
  reviewed_at timestamptz NOT NULL,
  kind        actor_kind NOT NULL,
  role        text NOT NULL,
  on_behalf_of bigint,
  person      text,
  db_role     text,
  login       text,
  comment     text,
  edits       jsonb,
  preview_id  bigint,
  max_rows    bigint,
  proposed_by bigint,
  administers boolean NOT NULL DEFAULT false
);
CREATE INDEX review_proposed_by_idx ON review (proposed_by);
CREATE INDEX review_proposal_idx ON review (proposal_id, revision);

COMMENT ON TABLE review IS 'Decisions of reviewers; rows are never changed';
COMMENT ON COLUMN review.review_id IS 'Id';
COMMENT ON COLUMN review.proposal_id IS 'Proposal decided on (refers to proposal)';
COMMENT ON COLUMN review.workflow_id IS 'Workflow of the proposal (refers to workflow)';
COMMENT ON COLUMN review.revision IS 'Revision the decision is about; an edit''s is the one it made';
COMMENT ON COLUMN review.reviewer_id IS 'Actor that decided (refers to actor)';
COMMENT ON COLUMN review.decision IS 'approve, reject, edit or request_changes';
COMMENT ON COLUMN review.status IS 'Status of the proposal after the decision';
COMMENT ON COLUMN review.counts IS 'The decision counts as an approval of the revision';
COMMENT ON COLUMN review.stage IS 'Stage that an approval counts in; null: no approval, or an edit, which counts in any that it fits';
COMMENT ON COLUMN review.reviewed_at IS 'When the decision was made';
COMMENT ON COLUMN review.role IS 'The reviewer''s role at that time, or that of on_behalf_of';
COMMENT ON COLUMN review.on_behalf_of IS 'Actor whose role the reviewer decided in, by delegate_review; null: their own (refers to actor)';
COMMENT ON COLUMN review.kind IS 'The reviewer''s kind at that time';
COMMENT ON COLUMN review.person IS 'The reviewer''s person at that time';
COMMENT ON COLUMN review.db_role IS 'The reviewer''s database role at that time';
COMMENT ON COLUMN review.login IS 'Login the decision came through; null: a gateway';
COMMENT ON COLUMN review.comment IS 'Comment of the reviewer';
COMMENT ON COLUMN review.edits IS 'JSON Merge Patch (RFC 7396) that an edit applied to the params';
COMMENT ON COLUMN review.preview_id IS 'Preview that the reviewer attached: of the revision decided on, or that an edit started from (refers to preview)';
COMMENT ON COLUMN review.max_rows IS 'Most rows that the call may change, which an approval or an edit is given with; null: no limit of the reviewer';
COMMENT ON COLUMN review.proposed_by IS 'Actor that proposed the call, who reads the row (refers to actor)';
COMMENT ON COLUMN review.administers IS 'The reviewer held administer besides review, in a review of a built-in tool''s call';

CREATE TABLE revocation (
  review_id   bigint PRIMARY KEY,
  proposal_id bigint NOT NULL,
  workflow_id bigint NOT NULL,
  revision    bigint NOT NULL,
  follows     bigint,
  actor_id    bigint NOT NULL,
  status      proposal_status NOT NULL,
  revoked_at  timestamptz NOT NULL,
  reason      text,
  proposed_by bigint
);
CREATE INDEX revocation_proposed_by_idx ON revocation (proposed_by);
CREATE INDEX revocation_proposal_idx ON revocation (proposal_id, revision);

COMMENT ON TABLE revocation IS 'Approvals that were taken back or voided; rows are never changed';
COMMENT ON COLUMN revocation.review_id IS 'Review that was taken back (refers to review)';
COMMENT ON COLUMN revocation.proposal_id IS 'Proposal that was approved (refers to proposal)';
COMMENT ON COLUMN revocation.workflow_id IS 'Workflow of the proposal (refers to workflow)';
COMMENT ON COLUMN revocation.revision IS 'Revision that was approved';
COMMENT ON COLUMN revocation.follows IS 'Review of an earlier stage whose revocation voided this one; null: the reviewer revoked it (refers to review)';
COMMENT ON COLUMN revocation.actor_id IS 'Actor that revoked (refers to actor)';
COMMENT ON COLUMN revocation.status IS 'Status of the proposal afterwards';
COMMENT ON COLUMN revocation.revoked_at IS 'When the approval was revoked';
COMMENT ON COLUMN revocation.reason IS 'Why, in the words of the actor that revoked';
COMMENT ON COLUMN revocation.proposed_by IS 'Actor that proposed the call, who reads the row (refers to actor)';

CREATE TABLE execution (
  execution_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  proposal_id  bigint NOT NULL,
  workflow_id  bigint NOT NULL,
  revision     bigint NOT NULL,
  actor_id     bigint,
  status       execution_status NOT NULL,
  dry_run      boolean NOT NULL,
  attempt      bigint NOT NULL,
  queued_at    timestamptz,
  started_at   timestamptz,
  finished_at  timestamptz,
  ended_by     bigint,
  login        text,
  end_reason   text,
  result       jsonb,
  proposed_by  bigint
);
CREATE INDEX execution_finished_at_idx ON execution USING brin (finished_at) WITH (pages_per_range = 16);
CREATE INDEX execution_proposed_by_idx ON execution (proposed_by);
-- Finds a proposal's executions, and is unique where one succeeded: one index for both.
CREATE UNIQUE INDEX execution_once_idx
 ON execution (proposal_id, (CASE WHEN status = 'succeeded' AND NOT dry_run THEN 0 ELSE execution_id END));

COMMENT ON TABLE execution IS 'Runs of approved calls with their results; a finished execution does not change';
COMMENT ON COLUMN execution.execution_id IS 'Id';
COMMENT ON COLUMN execution.proposal_id IS 'Proposal that runs (refers to proposal)';
COMMENT ON COLUMN execution.workflow_id IS 'Workflow of the proposal (refers to workflow)';
COMMENT ON COLUMN execution.revision IS 'Revision that ran';
COMMENT ON COLUMN execution.actor_id IS 'Actor that asked for the execution, where known (refers to actor)';
COMMENT ON COLUMN execution.status IS 'Status; while a worker runs the execution it stays queued, unless the tool has rerun false; worker_status shows the call';
COMMENT ON COLUMN execution.dry_run IS 'The tool was not called';
COMMENT ON COLUMN execution.attempt IS 'How many times the call was started';
COMMENT ON COLUMN execution.queued_at IS 'From when a worker could start the call; null: it ran at once';
COMMENT ON COLUMN execution.started_at IS 'When the tool was called';
COMMENT ON COLUMN execution.finished_at IS 'When the tool ended';
COMMENT ON COLUMN execution.ended_by IS 'Actor that cancelled the execution, where known; cancel_request has the login (refers to actor)';
COMMENT ON COLUMN execution.login IS 'Login that asked for the execution (session_user)';
COMMENT ON COLUMN execution.end_reason IS 'Reason given when the execution was cancelled';
COMMENT ON COLUMN execution.result IS 'What execute_action returned; while queued, the result of the last attempt';
COMMENT ON COLUMN execution.proposed_by IS 'Actor that proposed the call, who reads the row (refers to actor)';
COMMENT ON INDEX execution_once_idx IS 'A proposal succeeds once';

CREATE TABLE queue (
  proposal_id   bigint PRIMARY KEY,
  execution_id  bigint NOT NULL,
  run_as_oid    oid NOT NULL,
  priority      bigint NOT NULL,
  due_at        timestamptz NOT NULL,
  attempts      bigint NOT NULL,
  crashes       bigint NOT NULL,
  home_system   bigint NOT NULL,
  home_database oid NOT NULL,
  tool          text COLLATE "C" NOT NULL,
  proposed_by   bigint
);
CREATE INDEX queue_proposed_by_idx ON queue (proposed_by);
CREATE INDEX queue_due_idx ON queue (run_as_oid, priority DESC, due_at, execution_id);

COMMENT ON TABLE queue IS 'Calls that wait for a background worker or run in one; a row is deleted when its call is done';
COMMENT ON COLUMN queue.proposal_id IS 'Proposal that runs (refers to proposal)';
COMMENT ON COLUMN queue.execution_id IS 'Execution that it is queued as (refers to execution)';
COMMENT ON COLUMN queue.run_as_oid IS 'Role that the tool, and the worker with it, runs as';
COMMENT ON COLUMN queue.priority IS 'Calls of a higher priority start first';
COMMENT ON COLUMN queue.due_at IS 'When the call may start';
COMMENT ON COLUMN queue.attempts IS 'How many times the call was started and failed with a passing error';
COMMENT ON COLUMN queue.crashes IS 'How many times the server crashed while the call ran';
COMMENT ON COLUMN queue.home_system IS 'System identifier of the server where the call was queued';
COMMENT ON COLUMN queue.home_database IS 'OID of the database where the call was queued; in any other it is held until resume_queue()';
COMMENT ON COLUMN queue.tool IS 'Tool to call (refers to tool)';
COMMENT ON COLUMN queue.proposed_by IS 'Actor that proposed the call, who reads the row (refers to actor)';

CREATE TABLE cancel_request (
  request_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  execution_id bigint NOT NULL,
  proposal_id  bigint NOT NULL,
  workflow_id  bigint NOT NULL,
  requested_at timestamptz NOT NULL,
  actor_id     bigint,
  login        text NOT NULL,
  reason       text,
  proposed_by  bigint
);
CREATE INDEX cancel_request_proposed_by_idx ON cancel_request (proposed_by);
CREATE INDEX cancel_request_execution_idx ON cancel_request (execution_id, request_id);

COMMENT ON TABLE cancel_request IS 'Requests to cancel calls that a worker was running; the first of an execution counts, and rows are never changed';
COMMENT ON COLUMN cancel_request.request_id IS 'Unique id';
COMMENT ON COLUMN cancel_request.execution_id IS 'Execution to cancel (refers to execution)';
COMMENT ON COLUMN cancel_request.proposal_id IS 'Proposal whose call it runs (refers to proposal)';
COMMENT ON COLUMN cancel_request.workflow_id IS 'Workflow of the proposal (refers to workflow)';
COMMENT ON COLUMN cancel_request.requested_at IS 'When cancel_execution was called';
COMMENT ON COLUMN cancel_request.actor_id IS 'Actor that asked; null: no particular actor (refers to actor)';
COMMENT ON COLUMN cancel_request.login IS 'Login that asked (session_user)';
COMMENT ON COLUMN cancel_request.reason IS 'Why, in the words of the actor that asked';
COMMENT ON COLUMN cancel_request.proposed_by IS 'Actor that proposed the call, who reads the row (refers to actor)';

CREATE TABLE break_glass (
  execution_id bigint PRIMARY KEY,
  proposal_id  bigint NOT NULL,
  workflow_id  bigint NOT NULL,
  revision     bigint NOT NULL,
  actor_id     bigint NOT NULL,
  broken_at    timestamptz NOT NULL,
  freeze_id    bigint,
  reason       text NOT NULL CHECK (reason <> ''),
  person       text,
  db_role      text,
  login        text,
  reviewed_at  timestamptz,
  reviewer_id  bigint,
  comment      text,
  proposed_by  bigint,
  CHECK ((reviewed_at IS NULL) = (reviewer_id IS NULL) AND (reviewed_at IS NULL) = (comment IS NULL))
);
CREATE INDEX break_glass_workflow_idx ON break_glass (workflow_id);
CREATE INDEX break_glass_proposal_idx ON break_glass (proposal_id);
CREATE INDEX break_glass_proposed_by_idx ON break_glass (proposed_by);
CREATE INDEX break_glass_open_idx ON break_glass (execution_id) WHERE reviewed_at IS NULL;

COMMENT ON TABLE break_glass IS 'Executions without the approvals, and their later reviews';
COMMENT ON COLUMN break_glass.execution_id IS 'Execution that ran without the approvals (refers to execution)';
COMMENT ON COLUMN break_glass.proposal_id IS 'Proposal that ran (refers to proposal)';
COMMENT ON COLUMN break_glass.workflow_id IS 'Workflow of the proposal (refers to workflow)';
COMMENT ON COLUMN break_glass.revision IS 'Revision that ran';
COMMENT ON COLUMN break_glass.actor_id IS 'Actor that broke the glass (refers to actor)';
COMMENT ON COLUMN break_glass.broken_at IS 'When the glass was broken';
COMMENT ON COLUMN break_glass.freeze_id IS 'Freeze in force at that time, the one that ends last; null: none (refers to freeze_window)';
COMMENT ON COLUMN break_glass.reason IS 'Why, in the words of the actor';
COMMENT ON COLUMN break_glass.person IS 'The actor''s person at that time';
COMMENT ON COLUMN break_glass.db_role IS 'The actor''s database role at that time';
COMMENT ON COLUMN break_glass.login IS 'Login it was done through; null: a gateway';
COMMENT ON COLUMN break_glass.reviewed_at IS 'When another person looked at it; null: nobody has';
COMMENT ON COLUMN break_glass.reviewer_id IS 'Actor that looked at it (refers to actor)';
COMMENT ON COLUMN break_glass.comment IS 'Comment of the reviewer';
COMMENT ON COLUMN break_glass.proposed_by IS 'Actor that proposed the call, who reads the row (refers to actor)';

CREATE TABLE audit_log (
  audit_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  occurred_at      timestamptz NOT NULL,
  action           text NOT NULL,
  actor_id         bigint,
  proposal_id      bigint,
  execution_id     bigint,
  login            text NOT NULL,
  details          jsonb NOT NULL,
  workflow_id      bigint,
  db_role          text NOT NULL,
  application_name text NOT NULL,
  client_addr      inet,
  backend_pid      integer NOT NULL,
  transaction_id   xid8 NOT NULL,
  query            text,
  authenticated_login text
);
CREATE INDEX audit_log_workflow_idx ON audit_log (workflow_id, audit_id);
CREATE INDEX audit_log_proposal_idx ON audit_log (proposal_id);
CREATE INDEX audit_log_actor_idx ON audit_log (actor_id, audit_id);
-- Summaries of ranges of pages, made by VACUUM: an insert pays half of what a B-tree asks for.
CREATE INDEX audit_log_search_idx ON audit_log
 USING brin (occurred_at, action text_bloom_ops) WITH (pages_per_range = 16);
ALTER TABLE audit_log SET (autovacuum_vacuum_insert_scale_factor = 0.02);

COMMENT ON TABLE audit_log IS 'Audit log: every step, written in the transaction that took it; rows are never changed';
COMMENT ON COLUMN audit_log.audit_id IS 'Id, in the order of writing';
COMMENT ON COLUMN audit_log.occurred_at IS 'When it happened, by the real clock';
COMMENT ON COLUMN audit_log.action IS 'Name of the call that took the step';
COMMENT ON COLUMN audit_log.actor_id IS 'Actor that acted; null: the extension itself, or no particular actor (refers to actor)';
COMMENT ON COLUMN audit_log.proposal_id IS 'Proposal it is about; null: none (refers to proposal)';
COMMENT ON COLUMN audit_log.execution_id IS 'Execution it is about; null: none (refers to execution)';
COMMENT ON COLUMN audit_log.login IS 'The session''s login (session_user)';
COMMENT ON COLUMN audit_log.details IS 'Details, which depend on the action';
COMMENT ON COLUMN audit_log.workflow_id IS 'Workflow it belongs to; null: none (refers to workflow)';
COMMENT ON COLUMN audit_log.db_role IS 'Role the session had taken on; while a tool runs, the tool''s';
COMMENT ON COLUMN audit_log.application_name IS 'The session''s application_name';
COMMENT ON COLUMN audit_log.client_addr IS 'Address of the client; null: a local connection';
COMMENT ON COLUMN audit_log.backend_pid IS 'Process that took the step';
COMMENT ON COLUMN audit_log.transaction_id IS 'Transaction that took the step';
COMMENT ON COLUMN audit_log.query IS 'Query the client sent, up to 8 kB of it';
COMMENT ON COLUMN audit_log.authenticated_login IS 'Login that the session authenticated as, whatever SET SESSION AUTHORIZATION made of it';

-- The Merkle tree over audit_log (RFC 6962): see doc/evidence.md.
CREATE TABLE audit_tree (
  size          bigint NOT NULL CHECK (size >= 0),
  settled_id    bigint NOT NULL CHECK (settled_id >= 0),
  seen_id       bigint NOT NULL CHECK (seen_id >= settled_id),
  sealed_at     timestamptz NOT NULL,
  home_system   bigint NOT NULL,
  home_database oid NOT NULL,
  timeline      bigint NOT NULL,
  only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  earlier_id    bigint NOT NULL
);

COMMENT ON TABLE audit_tree IS 'The Merkle tree over the audit log: one row, or none before the first round of the sealer';
COMMENT ON COLUMN audit_tree.size IS 'Number of sealed rows: leaves of the tree';
COMMENT ON COLUMN audit_tree.settled_id IS 'No row with an audit_id up to this one will be sealed any more';
COMMENT ON COLUMN audit_tree.seen_id IS 'Highest audit_id that the sealer has looked for';
COMMENT ON COLUMN audit_tree.sealed_at IS 'When the sealer last made a round';
COMMENT ON COLUMN audit_tree.home_system IS 'System identifier of the server where the last round was made';
COMMENT ON COLUMN audit_tree.home_database IS 'OID of the database where the last round was made';
COMMENT ON COLUMN audit_tree.timeline IS 'Timeline of the server in the last round';
COMMENT ON COLUMN audit_tree.only_row IS 'Keeps the table at one row';
COMMENT ON COLUMN audit_tree.earlier_id IS 'Highest audit_id that was taken before the first round of the sealer';

CREATE TABLE audit_origin (
  origin_id   bigint PRIMARY KEY CHECK (origin_id >= 1),
  origin      text COLLATE "C" NOT NULL CHECK (origin <> ''),
  from_size   bigint NOT NULL CHECK (from_size >= 0),
  since       timestamptz NOT NULL,
  home_system bigint NOT NULL,
  home_database oid NOT NULL,
  reason      text
);

COMMENT ON TABLE audit_origin IS 'Names that the tree has had, the last one being in force; rows are never changed';
COMMENT ON COLUMN audit_origin.origin_id IS 'Number, from 1';
COMMENT ON COLUMN audit_origin.origin IS 'First line of the tree''s checkpoints';
COMMENT ON COLUMN audit_origin.from_size IS 'Size of the tree when it took this name';
COMMENT ON COLUMN audit_origin.since IS 'When it took this name';
COMMENT ON COLUMN audit_origin.home_system IS 'System identifier of the server where it took this name';
COMMENT ON COLUMN audit_origin.home_database IS 'OID of the database where it took this name';
COMMENT ON COLUMN audit_origin.reason IS 'Why, in the words of the administrator who gave the name; null: the sealer gave it';

-- The last leaves, up to the first 255 of a tile.
CREATE TABLE audit_leaf (
  leaf_index bigint PRIMARY KEY CHECK (leaf_index >= 0),
  audit_id   bigint NOT NULL,
  flags      bigint NOT NULL CHECK (flags BETWEEN 0 AND 255),
  hash       bytea NOT NULL CHECK (length(hash) = 32),
  salts      bytea NOT NULL CHECK (length(salts) = 48)
);

COMMENT ON TABLE audit_leaf IS 'The last leaves of the tree, which do not fill a tile yet';
COMMENT ON COLUMN audit_leaf.leaf_index IS 'Number of the leaf, from 0';
COMMENT ON COLUMN audit_leaf.audit_id IS 'Row of the audit log that it seals (refers to audit_log)';
COMMENT ON COLUMN audit_leaf.flags IS 'How the row was found: see doc/evidence.md';
COMMENT ON COLUMN audit_leaf.hash IS 'Hash of the leaf';
COMMENT ON COLUMN audit_leaf.salts IS 'Three random values of 16 bytes, which the hashes of its three groups begin with; zeros: the group was redacted';

CREATE TABLE audit_tile (
  level        bigint NOT NULL CHECK (level BETWEEN 0 AND 7),
  tile         bigint NOT NULL CHECK (tile >= 0),
  root         bytea NOT NULL CHECK (length(root) = 32),
  hashes       bytea NOT NULL CHECK (length(hashes) = 8192),
  min_audit_id bigint,
  max_audit_id bigint,
  audit_ids    bytea CHECK (length(audit_ids) = 2048),
  flags        bytea CHECK (length(flags) = 256),
  salts        bytea CHECK (length(salts) = 12288),
  sealed_at    timestamptz NOT NULL,
  PRIMARY KEY (level, tile)
);
CREATE INDEX audit_tile_max_audit_id_idx ON audit_tile (max_audit_id) WHERE level = 0;
ALTER TABLE audit_tile
  ALTER hashes SET STORAGE EXTERNAL,
  ALTER audit_ids SET STORAGE EXTERNAL,
  ALTER flags SET STORAGE EXTERNAL,
  ALTER salts SET STORAGE EXTERNAL;

COMMENT ON TABLE audit_tile IS 'The tree in tiles of 256 hashes, as C2SP tlog-tiles has them: of leaves on level 0, of whole tiles of the level below on the others';
COMMENT ON COLUMN audit_tile.level IS 'Level of the tile';
COMMENT ON COLUMN audit_tile.tile IS 'Number of the tile on its level, from 0';
COMMENT ON COLUMN audit_tile.root IS 'Root of the tile: its hash on the next level';
COMMENT ON COLUMN audit_tile.hashes IS 'The 256 hashes';
COMMENT ON COLUMN audit_tile.min_audit_id IS 'Lowest of audit_ids';
COMMENT ON COLUMN audit_tile.max_audit_id IS 'Highest of audit_ids';
COMMENT ON COLUMN audit_tile.audit_ids IS 'On level 0: the 256 rows of the audit log, each as 8 bytes, the highest first';
COMMENT ON COLUMN audit_tile.flags IS 'On level 0: how each row was found, a byte each: see doc/evidence.md';
COMMENT ON COLUMN audit_tile.salts IS 'On level 0: the 256 times 48 bytes of salt; zeros: the group was redacted';
COMMENT ON COLUMN audit_tile.sealed_at IS 'When the tile was filled';

CREATE TABLE audit_anchor (
  anchor_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  origin      text COLLATE "C" NOT NULL,
  size        bigint NOT NULL CHECK (size >= 0),
  root        bytea NOT NULL CHECK (length(root) = 32),
  kind        text NOT NULL CHECK (kind <> ''),
  checkpoint  text NOT NULL,
  proof       bytea NOT NULL,
  recorded_at timestamptz NOT NULL,
  actor_id    bigint
);

COMMENT ON TABLE audit_anchor IS 'What witnesses and time-stamp services answered about checkpoints; rows are never changed';
COMMENT ON COLUMN audit_anchor.anchor_id IS 'Id';
COMMENT ON COLUMN audit_anchor.origin IS 'Origin of the checkpoint';
COMMENT ON COLUMN audit_anchor.size IS 'Size of the checkpoint';
COMMENT ON COLUMN audit_anchor.root IS 'Root of the checkpoint';
COMMENT ON COLUMN audit_anchor.kind IS 'What the proof is, such as signature or rfc3161';
COMMENT ON COLUMN audit_anchor.checkpoint IS 'Checkpoint, with the signatures that it came with';
COMMENT ON COLUMN audit_anchor.proof IS 'What was answered';
COMMENT ON COLUMN audit_anchor.recorded_at IS 'When it was recorded';
COMMENT ON COLUMN audit_anchor.actor_id IS 'Actor bound to the role that recorded it; null: none (refers to actor)';
