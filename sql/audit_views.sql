-- Views for auditors.  They read the tables, which only audit and administer
-- read as a whole; the view access stands with the views for reports.

-- Each table is read once and joined by hashes, whatever its size.
CREATE VIEW approval_lead_time WITH (security_invoker = true) AS
WITH decided AS (
  SELECT r.proposal_id, r.revision, max(r.reviewed_at) AS approved_at
    FROM review r
    LEFT JOIN revocation v USING (review_id)
   WHERE r.counts AND r.status = 'approved' AND v.review_id IS NULL
   GROUP BY r.proposal_id, r.revision
), ran AS (
  SELECT e.proposal_id, e.revision, min(e.started_at) AS started_at
    FROM execution e
   WHERE NOT e.dry_run AND e.started_at IS NOT NULL
   GROUP BY e.proposal_id, e.revision
), lead AS (
  SELECT p.tool, p.proposed_at, x.started_at,
         coalesce(d.approved_at, CASE WHEN p.rule_id IS NOT NULL OR p.standing_id IS NOT NULL THEN p.revised_at END) AS approved_at
    FROM proposal p
    LEFT JOIN decided d ON d.proposal_id = p.proposal_id AND d.revision = p.revision
    LEFT JOIN ran x ON x.proposal_id = p.proposal_id AND x.revision = p.revision
)
SELECT l.tool, pg_catalog.date_trunc('week', l.proposed_at AT TIME ZONE 'UTC')::date AS week,
       count(*) AS proposals,
       count(l.approved_at) AS approved,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY l.approved_at - l.proposed_at) AS approval_p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY l.approved_at - l.proposed_at) AS approval_p95,
       count(l.approved_at) FILTER (WHERE l.started_at >= l.approved_at) AS executed,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY l.started_at - l.approved_at)
         FILTER (WHERE l.started_at >= l.approved_at) AS execution_p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY l.started_at - l.approved_at)
         FILTER (WHERE l.started_at >= l.approved_at) AS execution_p95
  FROM lead l
 GROUP BY l.tool, week;

COMMENT ON VIEW approval_lead_time IS 'How long approvals and executions take, for each tool and week of the proposal. Only the current revision counts';
COMMENT ON COLUMN approval_lead_time.tool IS 'Tool';
COMMENT ON COLUMN approval_lead_time.week IS 'Monday of the week in which the calls were proposed, in UTC';
COMMENT ON COLUMN approval_lead_time.proposals IS 'Calls that were proposed in the week';
COMMENT ON COLUMN approval_lead_time.approved IS 'Those of them whose approval is complete and not taken back, by people, a rule or a standing approval';
COMMENT ON COLUMN approval_lead_time.approval_p50 IS 'Median of the times from the proposal to its last approval';
COMMENT ON COLUMN approval_lead_time.approval_p95 IS '95 of 100 of those times were shorter';
COMMENT ON COLUMN approval_lead_time.executed IS 'Approved calls that were started after that, whatever came of them; dry runs do not count';
COMMENT ON COLUMN approval_lead_time.execution_p50 IS 'Median of the times from the last approval to the first start';
COMMENT ON COLUMN approval_lead_time.execution_p95 IS '95 of 100 of those times were shorter';

-- An edit is compared with the wording that the editor had read: the revision
-- before the one that it made.
CREATE VIEW decisions_by_reviewer WITH (security_invoker = true) AS
SELECT r.reviewer_id, min(a.name) AS reviewer, count(*) AS decisions,
       count(*) FILTER (WHERE r.decision = 'approve') AS approvals,
       count(*) FILTER (WHERE r.decision = 'edit') AS edits,
       count(*) FILTER (WHERE r.decision = 'reject') AS rejections,
       count(*) FILTER (WHERE r.decision = 'request_changes') AS requests,
       count(v.review_id) AS revoked,
       count(*) FILTER (WHERE r.reviewed_at < w.created_at + interval '5 s') AS within_5s,
       count(r.on_behalf_of) AS on_behalf,
       count(r.preview_id) AS with_preview,
       max(r.reviewed_at) AS last_at
  FROM review r
  LEFT JOIN actor a ON a.actor_id = r.reviewer_id
  LEFT JOIN revocation v USING (review_id)
  LEFT JOIN proposal_revision w ON w.proposal_id = r.proposal_id
                               AND w.revision = r.revision - CASE WHEN r.decision = 'edit' THEN 1 ELSE 0 END
 GROUP BY r.reviewer_id;

COMMENT ON VIEW decisions_by_reviewer IS 'What each reviewer has decided, and how quickly';
COMMENT ON COLUMN decisions_by_reviewer.reviewer_id IS 'Actor that decided';
COMMENT ON COLUMN decisions_by_reviewer.reviewer IS 'Name of the reviewer';
COMMENT ON COLUMN decisions_by_reviewer.decisions IS 'Decisions, of all kinds';
COMMENT ON COLUMN decisions_by_reviewer.approvals IS 'Approvals without an edit';
COMMENT ON COLUMN decisions_by_reviewer.edits IS 'Edits';
COMMENT ON COLUMN decisions_by_reviewer.rejections IS 'Rejections';
COMMENT ON COLUMN decisions_by_reviewer.requests IS 'Requests for changes';
COMMENT ON COLUMN decisions_by_reviewer.revoked IS 'Decisions that were taken back, or voided by one that was';
COMMENT ON COLUMN decisions_by_reviewer.within_5s IS 'Decisions less than 5 s after the wording decided on was made, which is hardly time to read it';
COMMENT ON COLUMN decisions_by_reviewer.on_behalf IS 'Decisions in the role of another actor, by a delegation';
COMMENT ON COLUMN decisions_by_reviewer.with_preview IS 'Decisions with a preview attached';
COMMENT ON COLUMN decisions_by_reviewer.last_at IS 'When the last decision was made';

-- Rows that belong to no workflow are found by the index on workflow_id.
CREATE VIEW policy_change_log WITH (security_invoker = true) AS
SELECT l.audit_id, l.occurred_at, s.subject,
       CASE s.subject
         WHEN 'rule' THEN l.details ->> 'rule_id'
         WHEN 'tool' THEN l.details ->> 'tool'
         WHEN 'actor' THEN l.details ->> 'name'
         WHEN 'capability' THEN pg_catalog.concat_ws(' ', l.details ->> 'capability', l.details ->> 'db_role')
         WHEN 'freeze' THEN l.details ->> 'freeze_id'
         WHEN 'delegation' THEN l.details ->> 'delegation_id'
         WHEN 'standing approval' THEN l.details ->> 'standing_id'
       END AS object,
       l.action, l.actor_id, a.name AS actor, l.login, l.db_role, l.proposal_id,
       (l.details #>> '{authority,proposed_by}')::bigint AS proposed_by,
       CASE WHEN l.details #> '{authority,approved_by}' IS NOT NULL
            THEN ARRAY(SELECT (e.id #>> '{}')::bigint
                         FROM pg_catalog.jsonb_array_elements(l.details #> '{authority,approved_by}') e(id)) END AS approved_by,
       l.details ? 'direct' AS bypassed,
       l.details - ARRAY['authority', 'direct'] AS change
  FROM audit_log l
  JOIN (VALUES ('set_policy', 'policy'), ('add_approval_rule', 'rule'), ('remove_approval_rule', 'rule'),
               ('register_tool', 'tool'), ('update_tool', 'tool'), ('set_tool_enabled', 'tool'),
               ('register_actor', 'actor'), ('update_actor', 'actor'),
               ('grant_capability', 'capability'), ('revoke_capability', 'capability'),
               ('add_freeze', 'freeze'), ('remove_freeze', 'freeze'),
               ('delegate_review', 'delegation'), ('end_delegation', 'delegation'),
               ('standing_approval', 'standing approval'), ('end_standing_approval', 'standing approval')) s(action, subject)
    ON s.action = l.action
  LEFT JOIN actor a ON a.actor_id = l.actor_id
 WHERE l.workflow_id IS NULL;

COMMENT ON VIEW policy_change_log IS 'Changes of what a review means: policy, rules, tools, actors, capabilities, freezes, delegations and standing approvals';
COMMENT ON COLUMN policy_change_log.audit_id IS 'Row of the audit log that tells of the change';
COMMENT ON COLUMN policy_change_log.occurred_at IS 'When it was made';
COMMENT ON COLUMN policy_change_log.subject IS 'policy, rule, tool, actor, capability, freeze, delegation or standing approval';
COMMENT ON COLUMN policy_change_log.object IS 'Name of the tool or actor, capability and role, or id of the object; null: the policy';
COMMENT ON COLUMN policy_change_log.action IS 'Name of the call that made the change';
COMMENT ON COLUMN policy_change_log.actor_id IS 'Actor that made it, or that proposed it; null: no particular actor';
COMMENT ON COLUMN policy_change_log.actor IS 'Name of that actor';
COMMENT ON COLUMN policy_change_log.login IS 'Login of the session that made it';
COMMENT ON COLUMN policy_change_log.db_role IS 'Role that the session had taken on';
COMMENT ON COLUMN policy_change_log.proposal_id IS 'Approved call of a built-in tool that made it; null: it was made directly';
COMMENT ON COLUMN policy_change_log.proposed_by IS 'Actor that proposed that call; null: it was made directly';
COMMENT ON COLUMN policy_change_log.approved_by IS 'Actors that approved that call; null: it was made directly';
COMMENT ON COLUMN policy_change_log.bypassed IS 'A superuser or the extension''s owner made it directly, although the policy was protected';
COMMENT ON COLUMN policy_change_log.change IS 'What was changed: the new row, or its columns with their values before (from) and after (to)';

CREATE VIEW break_glass_open WITH (security_invoker = true) AS
SELECT b.execution_id, b.proposal_id, b.workflow_id, p.tool, r.params, b.actor_id, a.name AS actor, b.login, b.broken_at, b.reason,
       b.freeze_id, e.status
  FROM break_glass b
  JOIN proposal p USING (proposal_id)
  JOIN proposal_revision r ON r.proposal_id = b.proposal_id AND r.revision = b.revision
  JOIN execution e ON e.proposal_id = b.proposal_id AND e.execution_id = b.execution_id
  LEFT JOIN actor a ON a.actor_id = b.actor_id
 WHERE b.reviewed_at IS NULL;

COMMENT ON VIEW break_glass_open IS 'Executions without the approvals that nobody has reviewed yet';
COMMENT ON COLUMN break_glass_open.execution_id IS 'Execution, for review_break_glass';
COMMENT ON COLUMN break_glass_open.proposal_id IS 'Proposal that ran';
COMMENT ON COLUMN break_glass_open.workflow_id IS 'Workflow of the proposal';
COMMENT ON COLUMN break_glass_open.tool IS 'Tool that was called';
COMMENT ON COLUMN break_glass_open.params IS 'Arguments of the call';
COMMENT ON COLUMN break_glass_open.actor_id IS 'Actor that broke the glass';
COMMENT ON COLUMN break_glass_open.actor IS 'Name of that actor';
COMMENT ON COLUMN break_glass_open.login IS 'Login it was done through; null: a gateway';
COMMENT ON COLUMN break_glass_open.broken_at IS 'When it was done';
COMMENT ON COLUMN break_glass_open.reason IS 'Why, in the words of the actor';
COMMENT ON COLUMN break_glass_open.freeze_id IS 'Freeze in force at that time; null: none';
COMMENT ON COLUMN break_glass_open.status IS 'What came of the call: succeeded or failed';

CREATE VIEW refused_attempt WITH (security_invoker = true) AS
SELECT l.audit_id, l.occurred_at, l.login::text AS login, l.authenticated_login, l.db_role, l.application_name,
       l.client_addr, l.backend_pid,
       l.details->>'call' AS call, l.details->>'table' AS "table", l.details->>'sqlstate' AS sqlstate,
       l.details->>'reason' AS reason,
       (l.details->>'workflow_id')::bigint AS workflow_id, (l.details->>'proposal_id')::bigint AS proposal_id,
       (l.details->>'execution_id')::bigint AS execution_id, (l.details->>'actor_id')::bigint AS actor_id,
       coalesce((l.details->>'count')::bigint, 1) AS attempts,
       coalesce((l.details->>'last_at')::timestamptz, l.occurred_at) AS last_at
  FROM audit_log l
 WHERE l.action IN ('refused', 'refused_flood');

COMMENT ON VIEW refused_attempt IS 'Calls and statements that were refused with 42501 or 55000. The first attempt of a kind in a minute has a row, and so have its repeats together; what is above workflow_orch.max_refusals_per_minute is counted in a row without a call';
COMMENT ON COLUMN refused_attempt.audit_id IS 'Row of the audit log (refers to audit_log)';
COMMENT ON COLUMN refused_attempt.occurred_at IS 'When it was refused; of several attempts, the first';
COMMENT ON COLUMN refused_attempt.login IS 'Login of the session that made the attempt, as its name was then';
COMMENT ON COLUMN refused_attempt.authenticated_login IS 'Role that the session was authenticated as; null: no client';
COMMENT ON COLUMN refused_attempt.db_role IS 'Role that the session had taken on';
COMMENT ON COLUMN refused_attempt.application_name IS 'Application name of the session';
COMMENT ON COLUMN refused_attempt.client_addr IS 'Address of the client; null: a local connection';
COMMENT ON COLUMN refused_attempt.backend_pid IS 'Process of the session; of several attempts, of the first';
COMMENT ON COLUMN refused_attempt.call IS 'Call that was refused, or the statement on a table; null: attempts of several kinds';
COMMENT ON COLUMN refused_attempt."table" IS 'Table of the statement; null: it was a call';
COMMENT ON COLUMN refused_attempt.sqlstate IS 'SQLSTATE of the error; null: attempts of several kinds';
COMMENT ON COLUMN refused_attempt.reason IS 'Reason code of the error; null: attempts of several kinds';
COMMENT ON COLUMN refused_attempt.workflow_id IS 'Workflow that the call named, whether or not there is one';
COMMENT ON COLUMN refused_attempt.proposal_id IS 'Proposal that the call named, whether or not there is one';
COMMENT ON COLUMN refused_attempt.execution_id IS 'Execution that the call named, whether or not there is one';
COMMENT ON COLUMN refused_attempt.actor_id IS 'Actor that the call named; who made the attempt is login';
COMMENT ON COLUMN refused_attempt.attempts IS 'How many attempts the row stands for';
COMMENT ON COLUMN refused_attempt.last_at IS 'When the last of them was refused';
