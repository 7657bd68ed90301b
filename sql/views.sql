-- Views for reports.  They show what the reader of their tables may see.

CREATE VIEW worker_status WITH (security_invoker = true) AS
SELECT w.pid::integer AS pid, d.datname AS database, r.rolname AS role, w.execution_id, w.since, w.state, w.tool
  FROM list_workers() w
  LEFT JOIN pg_catalog.pg_database d ON d.oid = w.database_oid
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = w.role_oid;

COMMENT ON VIEW worker_status IS 'Background workers of all databases, with the calls that they run';
COMMENT ON COLUMN worker_status.pid IS 'Process; null: it is being started';
COMMENT ON COLUMN worker_status.database IS 'Database that it is connected to';
COMMENT ON COLUMN worker_status.role IS 'Role that it is connected as; its tools run as this role';
COMMENT ON COLUMN worker_status.state IS 'starting, idle or busy';
COMMENT ON COLUMN worker_status.execution_id IS 'Execution that it runs, of its database';
COMMENT ON COLUMN worker_status.tool IS 'Tool that it calls; null for another database';
COMMENT ON COLUMN worker_status.since IS 'When the state began';

CREATE VIEW queue_status WITH (security_invoker = true) AS
SELECT q.tool,
       count(*) FILTER (WHERE NOT q.held AND NOT q.runs AND q.due_at <= now.t) AS due,
       count(*) FILTER (WHERE NOT q.held AND NOT q.runs AND q.due_at > now.t) AS scheduled,
       count(*) FILTER (WHERE q.runs) AS running,
       count(*) FILTER (WHERE q.held) AS held,
       max(now.t - q.due_at) FILTER (WHERE NOT q.held AND NOT q.runs AND q.due_at <= now.t) AS oldest_age
  FROM (SELECT u.tool, u.due_at, h.held,
               NOT h.held AND u.execution_id IN
                 (SELECT w.execution_id FROM list_workers() w
                   WHERE w.execution_id IS NOT NULL
                     AND w.database_oid = (SELECT d.oid FROM pg_catalog.pg_database d
                                            WHERE d.datname = pg_catalog.current_database())) AS runs
          FROM queue u
         CROSS JOIN LATERAL (SELECT u.home_system <> (SELECT s.system_identifier FROM pg_catalog.pg_control_system() s)
                                 OR u.home_database <> (SELECT d.oid FROM pg_catalog.pg_database d
                                                         WHERE d.datname = pg_catalog.current_database()) AS held) h) q
 CROSS JOIN LATERAL (SELECT pg_catalog.clock_timestamp() AS t) now
 GROUP BY q.tool;

COMMENT ON VIEW queue_status IS 'Calls that wait for the background workers, for each tool';
COMMENT ON COLUMN queue_status.tool IS 'Tool';
COMMENT ON COLUMN queue_status.due IS 'Calls that may start now';
COMMENT ON COLUMN queue_status.scheduled IS 'Calls that are due later, also for another attempt';
COMMENT ON COLUMN queue_status.running IS 'Calls of this database that a worker runs';
COMMENT ON COLUMN queue_status.held IS 'Calls of the original of this database, held until resume_queue()';
COMMENT ON COLUMN queue_status.oldest_age IS 'How long the oldest due call has been due';

-- CASE and not coalesce: row security would let the index on finished_at not be used.
CREATE FUNCTION list_execution_stats(since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, OUT tool text, OUT count bigint,
                                     OUT failures bigint, OUT duration_p50 interval, OUT duration_p95 interval,
                                     OUT duration_p99 interval, OUT wait_p50 interval, OUT wait_p95 interval, OUT wait_p99 interval)
RETURNS SETOF record LANGUAGE sql STABLE COST 1000 ROWS 100
BEGIN ATOMIC
SELECT p.tool,
       count(*) AS count,
       count(*) FILTER (WHERE e.status = 'failed') AS failures,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY e.finished_at - e.started_at) AS duration_p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY e.finished_at - e.started_at) AS duration_p95,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY e.finished_at - e.started_at) AS duration_p99,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY e.started_at - e.queued_at) AS wait_p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY e.started_at - e.queued_at) AS wait_p95,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY e.started_at - e.queued_at) AS wait_p99
  FROM execution e
  JOIN proposal p USING (proposal_id)
 WHERE e.status IN ('succeeded', 'failed') AND NOT e.dry_run
   AND e.finished_at >= CASE WHEN since IS NULL THEN '-infinity' ELSE since END
   AND e.finished_at < CASE WHEN until IS NULL THEN 'infinity' ELSE until END
 GROUP BY p.tool;
END;
COMMENT ON FUNCTION list_execution_stats IS
  'Counts the executions that ended in a window of time, for each tool: not before since (NULL: no limit), and before until (NULL: no limit). The columns are those of the view execution_stats, which has all executions.';

CREATE VIEW execution_stats WITH (security_invoker = true) AS
SELECT * FROM list_execution_stats();

COMMENT ON VIEW execution_stats IS 'Executions that have ended, for each tool; dry runs do not count';
COMMENT ON COLUMN execution_stats.tool IS 'Tool';
COMMENT ON COLUMN execution_stats.count IS 'How many have ended';
COMMENT ON COLUMN execution_stats.duration_p95 IS '95 of 100 run times were shorter';
COMMENT ON COLUMN execution_stats.duration_p99 IS '99 of 100 run times were shorter';
COMMENT ON COLUMN execution_stats.wait_p95 IS '95 of 100 of those times were shorter';
COMMENT ON COLUMN execution_stats.wait_p99 IS '99 of 100 of those times were shorter';
COMMENT ON COLUMN execution_stats.failures IS 'Those that failed, including refused ones';
COMMENT ON COLUMN execution_stats.duration_p50 IS 'Median of the run times';
COMMENT ON COLUMN execution_stats.wait_p50 IS 'Median of the times between due and start, of queued calls';

-- Each branch is in the order of waiting_since, which an index has: the first few
-- of many are found without the rest.
CREATE VIEW pending_review WITH (security_invoker = true) AS
(SELECT w.reviewer_id, 'review' AS kind, p.proposal_id, p.workflow_id, p.actor_id, p.tool, p.params, p.reason, p.revision,
        w.stage, w.role, w.on_behalf_of, describe_needs(p.proposal_id) AS needs, w.approvable,
        p.revised_at AS waiting_since, p.expires_at, NULL::bigint AS execution_id, w.tool_changed,
        LEAST(p.max_rows, tool_max_rows(p.tool, p.definition)) AS max_rows
   FROM proposal p
  CROSS JOIN LATERAL find_review_slot(p.proposal_id) w
  WHERE p.open AND p.status = 'pending' AND w.approvable IS NOT NULL
  ORDER BY p.revised_at)
UNION ALL
(SELECT w.reviewer_id, 'break_glass', p.proposal_id, p.workflow_id, p.actor_id, p.tool, p.params, p.reason, p.revision,
        w.stage, w.role, w.on_behalf_of, describe_needs(p.proposal_id), w.approvable,
        b.broken_at, NULL, b.execution_id, w.tool_changed, NULL
   FROM break_glass b
   JOIN proposal p USING (proposal_id)
  CROSS JOIN LATERAL find_review_slot(b.proposal_id, b.execution_id) w
  WHERE b.reviewed_at IS NULL AND w.approvable IS NOT NULL
  ORDER BY b.broken_at);

COMMENT ON VIEW pending_review IS 'Reviews that wait for the caller''s actor; without a particular actor, as for a superuser, all reviews that wait';
COMMENT ON COLUMN pending_review.proposal_id IS 'Proposal that waits';
COMMENT ON COLUMN pending_review.workflow_id IS 'Workflow of the proposal';
COMMENT ON COLUMN pending_review.tool IS 'Tool to call';
COMMENT ON COLUMN pending_review.params IS 'Arguments of the call, in this revision';
COMMENT ON COLUMN pending_review.reason IS 'Why, in the words of the proposer';
COMMENT ON COLUMN pending_review.revision IS 'Number of the current revision';
COMMENT ON COLUMN pending_review.reviewer_id IS 'Actor for whom the review waits; null: no particular actor';
COMMENT ON COLUMN pending_review.kind IS 'review: to be decided on with review_action; break_glass: it ran without approvals, and is to be looked at with review_break_glass';
COMMENT ON COLUMN pending_review.actor_id IS 'Actor that proposed the call';
COMMENT ON COLUMN pending_review.stage IS 'Stage in which the reviewer''s approval would count; null: in none';
COMMENT ON COLUMN pending_review.role IS 'Role in which it would count';
COMMENT ON COLUMN pending_review.on_behalf_of IS 'Actor whose role that is, by a delegation; null: it is the reviewer''s own';
COMMENT ON COLUMN pending_review.needs IS 'All approvals that are missing';
COMMENT ON COLUMN pending_review.approvable IS 'false: the active actors for whom somebody can act are too few to approve it, so that another one must be registered or the call proposed again; or tool_changed is true';
COMMENT ON COLUMN pending_review.waiting_since IS 'When the revision began to wait, or when the call ran without approvals';
COMMENT ON COLUMN pending_review.expires_at IS 'When the proposal expires; null: never';
COMMENT ON COLUMN pending_review.execution_id IS 'Execution to look at, of kind break_glass';
COMMENT ON COLUMN pending_review.tool_changed IS 'The tool is not the one that the revision is pinned to: edit the proposal, if only with {}, or have the tool accepted with accept_tool_definition';

COMMENT ON COLUMN pending_review.max_rows IS 'Most rows that the call may change, as the tool and the approvals so far have it; null: no limit, or of kind break_glass';

CREATE VIEW proposal_progress WITH (security_invoker = true) AS
SELECT p.proposal_id, p.workflow_id, p.actor_id, p.tool, p.revision, s.status, p.approvals, p.required_approvals,
       CASE WHEN s.status = 'pending' THEN p.stage END AS stage,
       CASE WHEN s.status = 'pending' THEN describe_needs(p.proposal_id) END AS needs,
       p.status_at, p.status_reason, CASE WHEN p.open THEN p.expires_at END AS expires_at,
       b.proposal_id IS NOT NULL AS break_glass,
       s.status IN ('pending', 'approved') AND tool_change(p.tool, p.definition) IS NOT NULL AS tool_changed,
       CASE WHEN s.status IN ('pending', 'approved') THEN tool_change(p.tool, p.definition) END AS what_changed,
       CASE WHEN p.open THEN count_rebound_approvals(p.proposal_id) ELSE 0 END AS rebound_approvals,
       CASE WHEN s.status IN ('pending', 'approved') THEN LEAST(p.max_rows, tool_max_rows(p.tool, p.definition)) END AS max_rows
  FROM proposal p
 CROSS JOIN LATERAL (SELECT CASE WHEN p.open AND p.expires_at <= pg_catalog.clock_timestamp()
                                 THEN 'expired' ELSE p.status END AS status) s
  LEFT JOIN (SELECT DISTINCT g.proposal_id FROM break_glass g) b ON b.proposal_id = p.proposal_id;

COMMENT ON VIEW proposal_progress IS 'Status of each proposal by the clock, and the approvals that it still needs';
COMMENT ON COLUMN proposal_progress.proposal_id IS 'Proposal';
COMMENT ON COLUMN proposal_progress.workflow_id IS 'Workflow of the proposal';
COMMENT ON COLUMN proposal_progress.actor_id IS 'Actor that proposed the call';
COMMENT ON COLUMN proposal_progress.tool IS 'Tool to call';
COMMENT ON COLUMN proposal_progress.revision IS 'Number of the current revision';
COMMENT ON COLUMN proposal_progress.approvals IS 'People who have approved the current revision';
COMMENT ON COLUMN proposal_progress.required_approvals IS 'People who must approve it, in all its stages';
COMMENT ON COLUMN proposal_progress.status_at IS 'When the status last changed in the table';
COMMENT ON COLUMN proposal_progress.status_reason IS 'Reason given for that change, if any';
COMMENT ON COLUMN proposal_progress.expires_at IS 'When the open proposal, or its approval, expires; null: never';
COMMENT ON COLUMN proposal_progress.status IS 'Status, where an open proposal past its time is expired';
COMMENT ON COLUMN proposal_progress.stage IS 'Stage that is open for approvals';
COMMENT ON COLUMN proposal_progress.needs IS 'The approvals that are missing, such as: needs 1 DBA, then 1 Manager';
COMMENT ON COLUMN proposal_progress.break_glass IS 'The call was executed without the approvals';
COMMENT ON COLUMN proposal_progress.tool_changed IS 'The proposal is pending or approved, and its tool is not the one that the revision is pinned to';
COMMENT ON COLUMN proposal_progress.rebound_approvals IS 'Approvals of a pending or approved proposal whose reviewers are bound to another database role now; review_history has the role of the approval';
COMMENT ON COLUMN proposal_progress.what_changed IS 'What has changed in the tool, such as: body, owner';
COMMENT ON COLUMN proposal_progress.max_rows IS 'Most rows that the call of a pending or approved proposal may change; null: no limit';

CREATE VIEW standing_approval_status WITH (security_invoker = true) AS
SELECT s.standing_id, s.tool, s.actor_id, s.approved_by, s.proposal_id, s.uses, s.uses - u.used AS uses_left, s.started_at,
       s.ends_at, s.condition, s.max_rows, s.description,
       CASE WHEN s.ended_at IS NOT NULL THEN 'ended'
            WHEN s.ends_at <= pg_catalog.clock_timestamp() THEN 'expired'
            WHEN u.used >= s.uses THEN 'used up'
            WHEN tool_change(s.tool, s.definition) IS NOT NULL THEN 'stale'
            ELSE 'standing' END AS status,
       s.ended_at, s.ended_by, s.end_reason
  FROM standing_approval s JOIN standing_use u USING (standing_id);

COMMENT ON VIEW standing_approval_status IS 'Standing approvals and what is left of them';
COMMENT ON COLUMN standing_approval_status.standing_id IS 'Id';
COMMENT ON COLUMN standing_approval_status.tool IS 'Tool whose calls are approved';
COMMENT ON COLUMN standing_approval_status.actor_id IS 'Holder: the actor whose proposals are approved';
COMMENT ON COLUMN standing_approval_status.approved_by IS 'Actors that approved it';
COMMENT ON COLUMN standing_approval_status.proposal_id IS 'Proposal that was approved';
COMMENT ON COLUMN standing_approval_status.uses IS 'How many proposals it approves';
COMMENT ON COLUMN standing_approval_status.uses_left IS 'How many of them are left';
COMMENT ON COLUMN standing_approval_status.started_at IS 'When it began';
COMMENT ON COLUMN standing_approval_status.ends_at IS 'Until when it stands';
COMMENT ON COLUMN standing_approval_status.condition IS 'Condition on the params; null: all calls';
COMMENT ON COLUMN standing_approval_status.max_rows IS 'Most rows that each call may change; null: no limit of its own';
COMMENT ON COLUMN standing_approval_status.description IS 'What it is for';
COMMENT ON COLUMN standing_approval_status.status IS 'standing; ended early; expired; used up; stale: the tool has changed since';
COMMENT ON COLUMN standing_approval_status.ended_at IS 'When it was ended early';
COMMENT ON COLUMN standing_approval_status.ended_by IS 'Actor that ended it';
COMMENT ON COLUMN standing_approval_status.end_reason IS 'Why it was ended';

CREATE VIEW tool_status WITH (security_invoker = true) AS
SELECT t.tool, t.enabled, t.function, t.run_as, c.status, c.problem,
       coalesce(o.open_proposals, 0) AS open_proposals, coalesce(o.stale_proposals, 0) AS stale_proposals
  FROM tool t
 CROSS JOIN LATERAL tool_check(t.tool) c
  LEFT JOIN (SELECT p.tool, count(*) AS open_proposals,
                    count(*) FILTER (WHERE tool_change(p.tool, p.definition) IS NOT NULL) AS stale_proposals
               FROM proposal p
              WHERE p.open AND (p.expires_at IS NULL OR p.expires_at > pg_catalog.clock_timestamp())
              GROUP BY p.tool) o ON o.tool = t.tool
 WHERE NOT t.built_in;

COMMENT ON VIEW tool_status IS 'Tools but the built-in ones, whether they can be called, and how many proposals a change of them has made stale';
COMMENT ON COLUMN tool_status.tool IS 'Tool';
COMMENT ON COLUMN tool_status.enabled IS 'A disabled tool is neither proposed nor executed';
COMMENT ON COLUMN tool_status.function IS 'Qualified signature of the function';
COMMENT ON COLUMN tool_status.run_as IS 'Role the tool runs as';
COMMENT ON COLUMN tool_status.status IS 'callable; gone: the function does not exist; refused: it may not run as its role';
COMMENT ON COLUMN tool_status.problem IS 'Why it cannot be called; null: it can';
COMMENT ON COLUMN tool_status.open_proposals IS 'Pending and approved proposals of the tool';
COMMENT ON COLUMN tool_status.stale_proposals IS 'Those of them that are pinned to another definition: edit them, or use accept_tool_definition';

CREATE VIEW workflow_summary WITH (security_invoker = true) AS
SELECT w.workflow_id, w.title, w.status, w.actor_id, w.dry_run, w.started_at, w.ended_at, p.*,
       EXISTS (SELECT FROM workflow_hold h WHERE h.workflow_id = w.workflow_id AND h.released_at IS NULL) AS held
  FROM workflow w
 CROSS JOIN LATERAL (
       SELECT count(*) AS proposals,
              count(*) FILTER (WHERE p.status = 'pending' AND NOT s.expired) AS pending,
              count(*) FILTER (WHERE p.status = 'approved' AND NOT s.expired) AS approved,
              count(*) FILTER (WHERE p.status = 'executed') AS executed,
              count(*) FILTER (WHERE p.status = 'failed') AS failed,
              count(*) FILTER (WHERE p.status = 'rejected') AS rejected,
              count(*) FILTER (WHERE p.status = 'withdrawn') AS withdrawn,
              count(*) FILTER (WHERE p.status = 'expired' OR s.expired) AS expired,
              count(*) FILTER (WHERE p.status = 'cancelled') AS cancelled,
              (SELECT count(DISTINCT b.proposal_id) FROM break_glass b WHERE b.workflow_id = w.workflow_id) AS break_glass,
              max(p.status_at) AS last_change_at
         FROM proposal p
        CROSS JOIN LATERAL (SELECT p.open AND p.expires_at IS NOT NULL
                                   AND p.expires_at <= pg_catalog.clock_timestamp() AS expired) s
        WHERE p.workflow_id = w.workflow_id) p;

COMMENT ON VIEW workflow_summary IS 'Workflows with the numbers of their proposals by status, as it is by the clock';
COMMENT ON COLUMN workflow_summary.workflow_id IS 'Workflow';
COMMENT ON COLUMN workflow_summary.title IS 'What the work is about';
COMMENT ON COLUMN workflow_summary.status IS 'active, completed or cancelled';
COMMENT ON COLUMN workflow_summary.actor_id IS 'Actor that started the workflow; null: no particular actor';
COMMENT ON COLUMN workflow_summary.dry_run IS 'Executions in this workflow are dry runs';
COMMENT ON COLUMN workflow_summary.started_at IS 'When the workflow was started';
COMMENT ON COLUMN workflow_summary.ended_at IS 'When the workflow was completed or cancelled; null: it is active';
COMMENT ON COLUMN workflow_summary.proposals IS 'How many proposals it has';
COMMENT ON COLUMN workflow_summary.pending IS 'Proposals that are pending';
COMMENT ON COLUMN workflow_summary.approved IS 'Proposals that are approved';
COMMENT ON COLUMN workflow_summary.executed IS 'Proposals that are executed';
COMMENT ON COLUMN workflow_summary.failed IS 'Proposals that are failed';
COMMENT ON COLUMN workflow_summary.rejected IS 'Proposals that are rejected';
COMMENT ON COLUMN workflow_summary.withdrawn IS 'Proposals that are withdrawn';
COMMENT ON COLUMN workflow_summary.expired IS 'Proposals that are expired';
COMMENT ON COLUMN workflow_summary.cancelled IS 'Proposals that are cancelled';
COMMENT ON COLUMN workflow_summary.break_glass IS 'Proposals that were executed without the approvals';
COMMENT ON COLUMN workflow_summary.last_change_at IS 'When a proposal''s status last changed';
COMMENT ON COLUMN workflow_summary.held IS 'A legal hold stands on the workflow, as far as the reader may see';

CREATE VIEW review_history WITH (security_invoker = true) AS
SELECT r.review_id, r.proposal_id, r.workflow_id, p.tool, r.revision, r.reviewer_id, a.name AS reviewer, r.role,
       r.on_behalf_of, r.decision, r.status, r.counts, r.stage, r.reviewed_at, r.comment, r.edits, r.preview_id,
       v.revoked_at, v.reason AS revoke_reason, r.db_role, r.login, r.max_rows,
       r.db_role IS DISTINCT FROM a.db_role::text AND NOT coalesce(r.db_role = ANY (a.former_db_roles), false)
         AND a.actor_id IS NOT NULL AS rebound
  FROM review r
  JOIN proposal p USING (proposal_id)
  LEFT JOIN actor a ON a.actor_id = r.reviewer_id
  LEFT JOIN revocation v USING (review_id);

COMMENT ON VIEW review_history IS 'Decisions of reviewers, including those that were taken back';
COMMENT ON COLUMN review_history.review_id IS 'Id of the decision';
COMMENT ON COLUMN review_history.proposal_id IS 'Proposal decided on';
COMMENT ON COLUMN review_history.workflow_id IS 'Workflow of the proposal';
COMMENT ON COLUMN review_history.tool IS 'Tool of the proposal';
COMMENT ON COLUMN review_history.revision IS 'Revision the decision is about; an edit''s is the one it made';
COMMENT ON COLUMN review_history.reviewer_id IS 'Actor that decided';
COMMENT ON COLUMN review_history.role IS 'The reviewer''s role at that time, or that of on_behalf_of';
COMMENT ON COLUMN review_history.on_behalf_of IS 'Actor whose role the reviewer decided in; null: their own';
COMMENT ON COLUMN review_history.decision IS 'What the reviewer decided';
COMMENT ON COLUMN review_history.stage IS 'Stage that an approval counts in; null: no approval, or an edit';
COMMENT ON COLUMN review_history.reviewed_at IS 'When the decision was made';
COMMENT ON COLUMN review_history.comment IS 'Comment of the reviewer';
COMMENT ON COLUMN review_history.edits IS 'JSON Merge Patch (RFC 7396) that an edit applied to the params';
COMMENT ON COLUMN review_history.preview_id IS 'Preview that the reviewer attached; null: none';
COMMENT ON COLUMN review_history.reviewer IS 'Name of the reviewer; null: the reader may not see it';
COMMENT ON COLUMN review_history.status IS 'Status of the proposal after the decision';
COMMENT ON COLUMN review_history.counts IS 'The decision counted as an approval of the revision';
COMMENT ON COLUMN review_history.revoked_at IS 'When the approval was taken back, or voided by one that was; null: it stands';
COMMENT ON COLUMN review_history.db_role IS 'Database role that the reviewer was bound to then; null: none';
COMMENT ON COLUMN review_history.login IS 'Login the decision came through; null: a gateway';
COMMENT ON COLUMN review_history.rebound IS 'The reviewer is bound to another role now; db_role is the role of the decision';
COMMENT ON COLUMN review_history.max_rows IS 'Most rows that the call may change, which the approval or edit was given with; null: no limit';
COMMENT ON COLUMN review_history.revoke_reason IS 'Reason given for the revocation';

-- The log is read once, whatever there is of roles and actors.
CREATE VIEW access WITH (security_invoker = true) AS
WITH capability AS (
  SELECT c.capability, p.oid AS function,
         ARRAY(SELECT pg_catalog.unnest(c.calls)
               EXCEPT SELECT pg_catalog.unnest(o.calls) FROM list_capabilities() o WHERE o.capability <> c.capability) AS own_calls
    FROM list_capabilities() c
    JOIN pg_catalog.pg_namespace n ON n.nspname = 'workflow_orch'
    JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid AND p.proname = c.calls[1]
), held AS (
  SELECT r.oid, r.rolname, r.rolsuper, r.rolcanlogin, c.capability
    FROM pg_catalog.pg_roles r
    JOIN capability c ON pg_catalog.has_function_privilege(r.oid, c.function, 'EXECUTE')
   WHERE r.rolname !~ '^pg_'
), bound AS (
  -- A role that was renamed here is the same role, as for the calls.
  SELECT b.actor_id, b.name, r.oid
    FROM actor b
    JOIN pg_catalog.pg_roles r ON r.oid = b.db_role_oid
   WHERE b.active
     AND (r.rolname = b.db_role
          OR b.home_system = (SELECT s.system_identifier FROM pg_catalog.pg_control_system() s)
             AND b.home_database = (SELECT d.oid FROM pg_catalog.pg_database d
                                     WHERE d.datname = pg_catalog.current_database()))
), latest AS (
  SELECT l.db_role, l.actor_id, l.action, max(l.occurred_at) AS last_at
    FROM audit_log l
   GROUP BY l.db_role, l.actor_id, l.action
), used AS (
  -- actor_id 0: as anybody; -1: as nobody in particular.
  SELECT l.db_role, c.capability, max(l.last_at) AS last_at,
         CASE WHEN GROUPING(l.actor_id) = 1 THEN 0 ELSE coalesce(l.actor_id, -1) END AS actor_id
    FROM latest l
    JOIN (SELECT k.capability, pg_catalog.unnest(k.own_calls) AS call FROM capability k) c ON c.call = l.action
   GROUP BY GROUPING SETS ((l.db_role, c.capability, l.actor_id), (l.db_role, c.capability))
)
SELECT h.rolname AS role, a.actor_id, a.name AS actor, h.capability, h.rolcanlogin AS can_login, u.last_at AS last_used_at
  FROM held h
  LEFT JOIN bound a ON a.oid = h.oid
                    OR NOT h.rolsuper AND pg_catalog.pg_has_role(h.oid, a.oid,
                         CASE WHEN pg_catalog.current_setting('server_version_num')::int < 160000
                              THEN 'MEMBER' ELSE 'SET' END)
  LEFT JOIN used u ON u.db_role = h.rolname::text AND u.capability = h.capability AND u.actor_id = coalesce(a.actor_id, 0);

COMMENT ON VIEW access IS 'Roles that have a capability, by a grant or as a member, and the actors that they act as';
COMMENT ON COLUMN access.role IS 'Database role';
COMMENT ON COLUMN access.actor_id IS 'Active actor that a session of the role acts as; null: none. With the capability gateway the role acts for any actor, otherwise for none';
COMMENT ON COLUMN access.actor IS 'Name of the actor';
COMMENT ON COLUMN access.capability IS 'Capability that the role has, as grant_capability names it';
COMMENT ON COLUMN access.can_login IS 'The role can log in; if not, its members take it on with SET ROLE';
COMMENT ON COLUMN access.last_used_at IS 'When a role of this name, as the actor, last made a call that only this capability permits; null: never, and always for gateway';

CREATE VIEW audit_status WITH (security_invoker = true) AS
SELECT o.origin, t.size, t.sealed_at AS last_round_at, u.audit_id AS oldest_unsealed,
       u.occurred_at AS oldest_unsealed_at, pg_catalog.clock_timestamp() - u.occurred_at AS lag,
       a.size AS anchored_size, a.recorded_at AS last_anchor_at
  FROM find_unsealed() u
  LEFT JOIN LATERAL (SELECT a.size, a.recorded_at FROM audit_anchor a ORDER BY a.anchor_id DESC LIMIT 1) a ON true
  LEFT JOIN audit_tree t ON true
  LEFT JOIN LATERAL (SELECT o.origin FROM audit_origin o ORDER BY o.origin_id DESC LIMIT 1) o ON true;

COMMENT ON VIEW audit_status IS 'The tree over the audit log as it stands: always one row';
COMMENT ON COLUMN audit_status.origin IS 'Name of the tree, the first line of its checkpoints; null: nothing was sealed yet';
COMMENT ON COLUMN audit_status.size IS 'Number of sealed rows';
COMMENT ON COLUMN audit_status.last_round_at IS 'When rows were last sealed';
COMMENT ON COLUMN audit_status.oldest_unsealed IS 'Lowest audit_id of a committed row that is not sealed; null: none waits';
COMMENT ON COLUMN audit_status.oldest_unsealed_at IS 'When that row was written';
COMMENT ON COLUMN audit_status.lag IS 'How long ago that was';
COMMENT ON COLUMN audit_status.anchored_size IS 'Size of the checkpoint that was last anchored with record_anchor; null: none was';
COMMENT ON COLUMN audit_status.last_anchor_at IS 'When that was';
