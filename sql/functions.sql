-- The calls.  All are C, volatile and not strict: a NULL where a value is
-- needed is an error that names the argument.

CREATE FUNCTION register_actor(name text, role text, db_role regrole DEFAULT NULL,
                               kind text DEFAULT 'human', person text DEFAULT NULL, OUT actor_id bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_register_actor';
COMMENT ON FUNCTION register_actor IS
  'Registers an actor and returns its id. role is its role in the business; db_role binds it to a database role; kind is human, agent or service; person is who stands behind it. Errors: 22023, 42710 name taken.';

CREATE FUNCTION update_actor(actor_id bigint, role text DEFAULT NULL, db_role regrole DEFAULT NULL,
                             active boolean DEFAULT NULL, person text DEFAULT NULL, name text DEFAULT NULL)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_update_actor';
COMMENT ON FUNCTION update_actor IS
  'Changes an actor; NULL leaves as it is. db_role ''-'' binds it to none, person '''' to nobody. What the actor did before stands. Errors: 22023, 42704, 42710 name taken.';

CREATE FUNCTION start_workflow(title text, actor_id bigint DEFAULT NULL, dry_run boolean DEFAULT NULL,
                               metadata jsonb DEFAULT '{}', OUT workflow_id bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_start_workflow';
COMMENT ON FUNCTION start_workflow IS
  'Starts a workflow and returns its id. actor_id NULL: the actor bound to the session''s role, if any. dry_run true: its executions only describe what they would do. metadata is a JSON object for your own use. Errors: 22023, 42704, 42501.';

CREATE FUNCTION complete_workflow(workflow_id bigint, actor_id bigint DEFAULT NULL, OUT status workflow_status)
RETURNS workflow_status LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_complete_workflow';
COMMENT ON FUNCTION complete_workflow IS
  'Completes a workflow in which nothing is pending or approved any more. Errors: 42704, 55000 not active or proposals open, 55P03, 42501 neither yours nor administer.';

CREATE FUNCTION cancel_workflow(workflow_id bigint, actor_id bigint DEFAULT NULL, reason text DEFAULT NULL,
                                OUT status workflow_status)
RETURNS workflow_status LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_cancel_workflow';
COMMENT ON FUNCTION cancel_workflow IS
  'Cancels a workflow with its pending, approved and failed proposals. Errors: 42704, 55000 not active, 55P03 a proposal is being executed or changed, 42501 neither yours nor administer.';

CREATE FUNCTION propose_action(workflow_id bigint, actor_id bigint, tool text, params jsonb, reason text,
                               idempotency_key text DEFAULT NULL,
                               execute_on_approval boolean DEFAULT false,
                               OUT proposal_id bigint, OUT status proposal_status)
RETURNS record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_propose_action';
COMMENT ON FUNCTION propose_action IS
  'Proposes a call of a tool. params is a JSON object whose keys are the function''s argument names; reason says why. The same idempotency_key of an actor with the same content answers with the proposal that is there. execute_on_approval: the last approval queues the call for the background workers, in its own transaction; it takes the capability execute. Errors: 22023 params do not fit, 42704, 55000 workflow not active or tool disabled, 42501, 42710 key used for other content, 54000 too large or too many.';

CREATE FUNCTION review_action(proposal_id bigint, reviewer_id bigint, decision text, edits jsonb DEFAULT NULL,
                              comment text DEFAULT NULL, expected_revision bigint DEFAULT NULL,
                              preview_id bigint DEFAULT NULL,
                              OUT status proposal_status, OUT final_tool_call jsonb)
RETURNS record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_review_action';
COMMENT ON FUNCTION review_action IS
  'Approves, rejects or edits a proposal. edits goes with edit: a JSON Merge Patch (RFC 7396) on the params, approved with it. preview_id attaches a preview that the reviewer has made of this revision. Returns the status and the call as it now stands. Waits for other reviews of the proposal. Errors: 22023, 42704, 55000 not pending, tool or revision changed, 55P03 being executed, 42501 own proposal or not yours to review, 42710 reviewed already.';

CREATE FUNCTION review_actions(reviews jsonb, OUT results jsonb)
RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_review_actions';
COMMENT ON FUNCTION review_actions IS
  'Decides on many proposals, each by itself and in the order given. reviews is an array of objects whose members are the arguments of review_action; results has one for each: index, proposal_id, success, and status and final_tool_call or error. Errors: 22023 malformed, and nothing is decided; 40001, 40P01 and a cancel are raised.';

CREATE FUNCTION comment_proposal(proposal_id bigint, actor_id bigint, comment text, OUT comment_id bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_comment_proposal';
COMMENT ON FUNCTION comment_proposal IS
  'Says something about a proposal, whatever its status, without deciding on it, and returns the comment''s id. For its proposer and for who reads every proposal. Errors: 22023, 42704, 42501, 54000 too long.';

CREATE FUNCTION preview_action(proposal_id bigint, actor_id bigint DEFAULT NULL, OUT preview jsonb)
RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_preview_action';
COMMENT ON FUNCTION preview_action IS
  'Runs a pending or approved proposal''s call as its role, rolls it back, and returns what it did: output or error, rows inserted, updated and deleted per table, duration in ms. Sequences and what leaves the database are not undone, so only for tools with preview. 40001, 40P01 and a cancel are raised. Errors: 42704, 55000 not pending or approved, tool changed, disabled, frozen, without preview, not for sessions or inside of a trigger, 42501 own proposal or no slot in it.';

CREATE FUNCTION withdraw_proposal(proposal_id bigint, actor_id bigint, reason text DEFAULT NULL,
                                  OUT status proposal_status)
RETURNS proposal_status LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_withdraw_proposal';
COMMENT ON FUNCTION withdraw_proposal IS
  'Withdraws one''s own pending, approved or failed proposal. Errors: 42704, 55000, 55P03 being executed or changed, 42501 not yours.';

CREATE FUNCTION revoke_approval(proposal_id bigint, reviewer_id bigint, reason text DEFAULT NULL,
                                OUT status proposal_status)
RETURNS proposal_status LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_revoke_approval';
COMMENT ON FUNCTION revoke_approval IS
  'Takes back one''s own approval of the current revision of a proposal that is pending, approved or failed, which is pending then; approvals of later stages go with it, and a queued execution is cancelled. Errors: 42704, 55000, 55P03 being executed, 42501.';

CREATE FUNCTION delegate_review(from_actor bigint, to_actor bigint, ends_at timestamptz, OUT delegation_id bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_delegate_review';
COMMENT ON FUNCTION delegate_review IS
  'Lets to_actor review in the role of from_actor, too, from now until ends_at, and returns the delegation''s id. Not passed on, not for from_actor''s own proposals; the two count as one person. Errors: 22023 to oneself, in a circle or in the past, 42704, 42501 neither yours nor administer.';

CREATE FUNCTION end_delegation(delegation_id bigint, actor_id bigint DEFAULT NULL)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_end_delegation';
COMMENT ON FUNCTION end_delegation IS
  'Ends a delegation before its time; what was decided by it stands. Errors: 42704, 55000 has ended, 42501 neither yours nor administer.';

CREATE FUNCTION retry_action(proposal_id bigint, actor_id bigint DEFAULT NULL, OUT status proposal_status)
RETURNS proposal_status LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_retry_action';
COMMENT ON FUNCTION retry_action IS
  'Makes a failed proposal approved again, while its workflow is active, its approval good and its tool unchanged. Errors: 42704, 55000, 55P03, 42501.';

CREATE FUNCTION expire_proposals(OUT count bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_expire_proposals';
COMMENT ON FUNCTION expire_proposals IS
  'Marks the open proposals whose time has passed as expired, and returns how many. They count as expired before, too.';

CREATE FUNCTION execute_action(proposal_id bigint, actor_id bigint DEFAULT NULL,
                               OUT execution_id bigint, OUT result jsonb)
RETURNS record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_execute_action';
COMMENT ON FUNCTION execute_action IS
  'Executes an approved proposal in this session and transaction, as the tool''s role. An error of the tool undoes its effects and is part of the result; 40001, 40P01 and a cancel are raised. A tool that catches a cancel and goes on ends with its session and has failed. Errors: 42704, 55000 not approved, tool changed, disabled, frozen, not for sessions or inside of a trigger, 55P03 being executed or changed, 42501.';

CREATE FUNCTION execute_parallel(calls jsonb, actor_id bigint DEFAULT NULL, timeout interval DEFAULT NULL,
                                 OUT results jsonb)
RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_execute_parallel';
COMMENT ON FUNCTION execute_parallel IS
  'Executes approved calls at the same time in background workers, each in a transaction of its own, and returns all results in the order of calls. calls is an array of {"proposal_id": n} or {"tool": t, "params": {...}, "workflow_id": n}, the last optional. timeout NULL or zero: as long as it takes; when it is over, what has not started does not start and the rest is cancelled. Errors, before anything runs: 22023 malformed, 42704, 55000 a call has no approval or workers are not available, 42501, 54000 too many calls.';

CREATE FUNCTION enqueue_action(proposal_id bigint, actor_id bigint DEFAULT NULL, run_at timestamptz DEFAULT NULL,
                               priority bigint DEFAULT 0, OUT execution_id bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_enqueue_action';
COMMENT ON FUNCTION enqueue_action IS
  'Hands an approved call to the background workers when the transaction commits, and returns the execution''s id. run_at: not before then. Calls of a higher priority start first. Errors: 22023, 42704, 55000 not approved, queued already, tool changed or workers not available, 55P03 being executed or changed, 42501.';

CREATE FUNCTION wait_execution(execution_id bigint, timeout interval DEFAULT NULL, OUT result jsonb)
RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_wait_execution';
COMMENT ON FUNCTION wait_execution IS
  'Waits until an execution has ended and returns its result; NULL when the timeout ended first. timeout NULL or zero: as long as it takes. Errors: 22023, 42704, 55000 queued by this very transaction or inside a tool, 40P01 the call cannot start before a transaction ends that waits for this one.';

CREATE FUNCTION wait_proposal(proposal_id bigint, timeout interval DEFAULT NULL, OUT status proposal_status)
RETURNS proposal_status LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_wait_proposal';
COMMENT ON FUNCTION wait_proposal IS
  'Waits until the status of a pending or approved proposal changes, and returns the new one; at once where it is neither. NULL when the timeout ended first. timeout NULL or zero: as long as it takes. Errors: 22023, 42704, 42501 not the caller''s to read, 55000 changed by this very transaction or inside a tool.';

CREATE FUNCTION cancel_execution(execution_id bigint, actor_id bigint DEFAULT NULL, reason text DEFAULT NULL,
                                 OUT status execution_status)
RETURNS execution_status LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_cancel_execution';
COMMENT ON FUNCTION cancel_execution IS
  'Cancels a queued or running execution; the proposal stays approved. Returns cancelled, or running where a worker has the call, which ends when this transaction has committed; the first request counts. Errors: 42704, also of a call of a batch or in a session: cancel the statement, 55000 has ended, 55P03 being changed, 42501.';

CREATE FUNCTION resume_queue(OUT count bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_resume_queue';
COMMENT ON FUNCTION resume_queue IS
  'Releases the queue of a restored or cloned database, which is held so that nothing runs twice because it was copied; returns how many calls. Errors: 55000 workers not available.';

CREATE FUNCTION list_workers(OUT pid bigint, OUT database_oid oid, OUT role_oid oid, OUT state text,
                              OUT execution_id bigint, OUT since timestamptz, OUT tool text)
RETURNS SETOF record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_list_workers';
COMMENT ON FUNCTION list_workers IS
  'The background workers of all databases by OIDs; the view worker_status has their names.';

CREATE FUNCTION break_glass_execute(proposal_id bigint, actor_id bigint, reason text,
                                    OUT execution_id bigint, OUT result jsonb)
RETURNS record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_break_glass_execute';
COMMENT ON FUNCTION break_glass_execute IS
  'Executes a pending proposal, be it one''s own, in this session without the approvals, in a freeze too. EXECUTE on this function is the capability break_glass. Somebody else must review it afterwards with review_break_glass; until then the same person cannot do it again. Result and raised errors are those of execute_action. Errors: 22023, 42704, 55000 not pending, an earlier one not reviewed, a dry run, tool changed, disabled or not for sessions, 55P03, 42501.';

CREATE FUNCTION review_break_glass(execution_id bigint, reviewer_id bigint, comment text)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_review_break_glass';
COMMENT ON FUNCTION review_break_glass IS
  'Says that somebody has looked at an execution without approvals: somebody else than who made and who proposed it. Errors: 22023, 42704 no such break glass, 55000 reviewed already, 42501.';

CREATE FUNCTION register_tool(tool text, function regprocedure, run_as regrole DEFAULT NULL,
                              description text DEFAULT NULL, timeout interval DEFAULT NULL,
                              max_attempts bigint DEFAULT 1, in_session boolean DEFAULT true,
                              preview boolean DEFAULT false, dry_run_mode text DEFAULT 'describe',
                              rerun boolean DEFAULT true)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_register_tool';
COMMENT ON FUNCTION register_tool IS
  'Registers a function as a tool. It runs as run_as (default: the registering role), under the search_path now in force. timeout: zero for none, NULL for the policy''s. max_attempts counts in background workers. in_session false keeps it out of execute_action. preview true says that a rollback undoes what it does: preview_action may run it. dry_run_mode rollback runs it in dry runs too, and rolls it back; describe does not. rerun false is for tools with effects outside the transaction: a call that was started is never run again; it needs in_session false and max_attempts 1. Errors: 22023 cannot be a tool, 42710 name taken, 42501.';

CREATE FUNCTION update_tool(tool text, function regprocedure DEFAULT NULL, run_as regrole DEFAULT NULL,
                            description text DEFAULT NULL, timeout interval DEFAULT NULL,
                            max_attempts bigint DEFAULT NULL, in_session boolean DEFAULT NULL,
                            preview boolean DEFAULT NULL, dry_run_mode text DEFAULT NULL,
                            rerun boolean DEFAULT NULL)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_update_tool';
COMMENT ON FUNCTION update_tool IS
  'Changes a tool; NULL leaves as it is. A new function takes the search_path now in force. Proposals pinned to the old definition are refused until they are edited. Errors: 22023, 42704, 42501.';

CREATE FUNCTION set_tool_enabled(tool text, enabled boolean)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_set_tool_enabled';
COMMENT ON FUNCTION set_tool_enabled IS
  'Lets a tool be proposed and executed, or not. Errors: 22023, 42704.';

CREATE FUNCTION accept_tool_definition(tool text, actor_id bigint DEFAULT NULL, reason text DEFAULT NULL,
                                       OUT count bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_accept_tool_definition';
COMMENT ON FUNCTION accept_tool_definition IS
  'Pins all open proposals of a tool to its definition as it is now, and returns how many were pinned to another. Each gets a new revision with the same params, its approvals are void, and a queued execution is canceled. All or none. Errors: 22023 params of a proposal do not fit any more, 42704, 55000 the function is gone, 55P03 a proposal is being executed or changed, 42501.';

CREATE FUNCTION tool_check(tool text, OUT status text, OUT problem text)
RETURNS record LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wfo_tool_check';
COMMENT ON FUNCTION tool_check IS
  'Whether a tool can be called: callable, gone (its function does not exist) or refused (it may not run as its role), with the reason. The view tool_status shows it for all. Errors: 22023, 42704.';

CREATE FUNCTION tool_change(tool text, definition bytea)
RETURNS text LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wfo_tool_change';
COMMENT ON FUNCTION tool_change IS
  'What has changed since a definition of a tool was pinned (proposal.definition), such as: body, owner; NULL where nothing has. The view proposal_progress shows it. Errors: 22023, 42704.';

CREATE FUNCTION set_policy(dry_run boolean DEFAULT NULL, default_approvals bigint DEFAULT NULL,
                           edit_needs_approval boolean DEFAULT NULL, agents_may_review boolean DEFAULT NULL,
                           proposal_ttl interval DEFAULT NULL, approval_ttl interval DEFAULT NULL,
                           default_timeout interval DEFAULT NULL, notify boolean DEFAULT NULL,
                           OUT dry_run boolean, OUT default_approvals bigint,
                           OUT edit_needs_approval boolean, OUT agents_may_review boolean,
                           OUT proposal_ttl interval, OUT approval_ttl interval,
                           OUT default_timeout interval, OUT notify boolean)
RETURNS record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_set_policy';
COMMENT ON FUNCTION set_policy IS
  'Changes the policy and returns it whole; NULL leaves a setting as it is, a zero interval means no limit. Errors: 22023.';

CREATE FUNCTION add_freeze(title text, starts_at timestamptz, ends_at timestamptz, tool text DEFAULT NULL,
                           OUT freeze_id bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_add_freeze';
COMMENT ON FUNCTION add_freeze IS
  'Lets nothing execute from starts_at until ends_at, by the real clock, and returns the freeze''s id. tool: calls of that tool only; NULL: of any. ends_at infinity: until it is removed. Errors: 22023 it would end before it begins, 42704.';

CREATE FUNCTION remove_freeze(freeze_id bigint)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_remove_freeze';
COMMENT ON FUNCTION remove_freeze IS
  'Ends a freeze, or calls it off before it begins; its row stays. Errors: 42704, 55000 removed already.';

CREATE FUNCTION add_approval_rule(role text DEFAULT NULL, approvals bigint DEFAULT 1, stage bigint DEFAULT 1,
                                  tool text DEFAULT NULL, condition jsonpath DEFAULT NULL,
                                  description text DEFAULT NULL, agents boolean DEFAULT false, OUT rule_id bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_add_approval_rule';
COMMENT ON FUNCTION add_approval_rule IS
  'Adds a rule for what is proposed or edited from now on, and returns its id: so many people of a role (NULL: anybody who may review) must approve, in this stage, calls of the tool (NULL: all) for which the condition is not false. condition is a jsonpath over {tool, params, reason, actor, workflow}, evaluated in strict mode. With 0 approvals nobody needs to, where no other rule asks for anybody; agents: for what agents propose, too. Errors: 22023, 42704 no such tool, 54000 condition too long.';

CREATE FUNCTION remove_approval_rule(rule_id bigint)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_remove_approval_rule';
COMMENT ON FUNCTION remove_approval_rule IS
  'Removes a rule; what was proposed under it still needs what it asked for. Errors: 22023, 42704, 55000 removed already.';

CREATE FUNCTION grant_capability(db_role regrole, capability text)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_grant_capability';
COMMENT ON FUNCTION grant_capability IS
  'Grants a role the functions and tables of a capability: propose, review, execute, audit, administer, gateway or break_glass. Errors: 22023, 42501 the last three are granted by a superuser or the extension''s owner.';

CREATE FUNCTION revoke_capability(db_role regrole, capability text)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_revoke_capability';
COMMENT ON FUNCTION revoke_capability IS
  'Revokes what grant_capability granted, except what another capability of the role needs. Errors: 22023, 42501.';

CREATE FUNCTION list_capabilities(OUT capability text, OUT restricted boolean, OUT calls text[])
RETURNS SETOF record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_list_capabilities';
COMMENT ON FUNCTION list_capabilities IS
  'The capabilities with their calls: EXECUTE on the first of them is the capability. restricted: only a superuser or the extension''s owner grants it. The view access says who has them.';

CREATE FUNCTION is_gateway()
RETURNS boolean LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_is_gateway';
COMMENT ON FUNCTION is_gateway IS
  'EXECUTE on this function is the capability gateway: to act for any actor. Returns true.';

CREATE FUNCTION whoami(OUT db_role name, OUT login name, OUT actor_id bigint, OUT capabilities text[], OUT advice text)
RETURNS record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_whoami';
COMMENT ON FUNCTION whoami IS
  'Says who the session is for the extension: the role taken on, the login, the one active actor bound to the role, the capabilities, and what to ask an administrator for where something is missing.';

CREATE FUNCTION may_read_support(internal)
RETURNS internal LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'wfo_may_read_support';
COMMENT ON FUNCTION may_read_support IS
  'Replaces may_read in a plan by what it comes to for the role.';

CREATE FUNCTION may_read(relation oid, actor_id bigint)
RETURNS boolean LANGUAGE c STABLE PARALLEL SAFE SUPPORT may_read_support AS 'MODULE_PATHNAME', 'wfo_may_read';
COMMENT ON FUNCTION may_read IS
  'Whether the current role reads rows about what an actor has proposed or started; NULL: rows that are about nobody''s. The condition of the row security policies, which the planner replaces: nobody needs to execute it.';

CREATE FUNCTION transitions(OUT object text, OUT from_status text, OUT event text, OUT to_status text)
RETURNS SETOF record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_transitions';
COMMENT ON FUNCTION transitions IS
  'The state machine: which event takes a workflow, proposal or execution from which status to which.';

CREATE FUNCTION audit_log_entries(workflow_id bigint, OUT audit_id bigint, OUT occurred_at timestamptz,
                                  OUT action text, OUT actor_id bigint, OUT proposal_id bigint,
                                  OUT execution_id bigint, OUT login name, OUT details jsonb)
RETURNS SETOF record LANGUAGE c ROWS 1000 AS 'MODULE_PATHNAME', 'wfo_audit_log_entries';
COMMENT ON FUNCTION audit_log_entries IS
  'What get_audit_log reads from; call that.';

-- The planner puts the body in place of the call, and a function in a select
-- list gives its rows one by one: so a LIMIT ends the reading.
CREATE FUNCTION get_audit_log(workflow_id bigint, OUT audit_id bigint, OUT occurred_at timestamptz,
                              OUT action text, OUT actor_id bigint, OUT proposal_id bigint,
                              OUT execution_id bigint, OUT login name, OUT details jsonb)
RETURNS SETOF record LANGUAGE sql STABLE ROWS 1000
BEGIN ATOMIC
  SELECT (l.entry).audit_id, (l.entry).occurred_at, (l.entry).action, (l.entry).actor_id, (l.entry).proposal_id,
         (l.entry).execution_id, (l.entry).login, (l.entry).details
    FROM (SELECT audit_log_entries(get_audit_log.workflow_id) AS entry) l;
END;
COMMENT ON FUNCTION get_audit_log IS
  'The audit log of a workflow, oldest first; NULL: what belongs to no workflow (grants, policy, rules, tools, actors). details have the params of the revision that was proposed, edited or executed. Without the capability audit only of workflows started by oneself. Errors: 42704, 42501.';

CREATE FUNCTION list_pending_reviews(actor_id bigint DEFAULT NULL, OUT reviewer_id bigint, OUT kind text, OUT proposal_id bigint,
                               OUT execution_id bigint, OUT stage bigint, OUT role text, OUT on_behalf_of bigint,
                               OUT approvable boolean, OUT tool_changed boolean)
RETURNS SETOF record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_list_pending_reviews';
COMMENT ON FUNCTION list_pending_reviews IS
  'What waits for an actor (NULL: the one bound to the session''s role): proposals that they could approve now, with the slot; those that nobody registered could approve; executions without approvals that nobody has reviewed. The view pending_review shows more of them. A gateway that acts for nobody in particular sees all. Errors: 42704, 42501.';

CREATE FUNCTION find_review_slot(proposal_id bigint, execution_id bigint DEFAULT NULL, OUT reviewer_id bigint, OUT stage bigint,
                                 OUT role text, OUT on_behalf_of bigint, OUT approvable boolean, OUT tool_changed boolean)
RETURNS record LANGUAGE c COST 50 AS 'MODULE_PATHNAME', 'wfo_find_review_slot';
COMMENT ON FUNCTION find_review_slot IS
  'What the view pending_review asks of each proposal: whether its review, or that of its execution without approvals, waits for the actor bound to the session''s role, as list_pending_reviews says, and in which slot; NULL: it does not.';

CREATE FUNCTION describe_needs(proposal_id bigint, OUT needs text)
RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_describe_needs';
COMMENT ON FUNCTION describe_needs IS
  'The approvals that a pending proposal still needs, in words, stage by stage; NULL where it needs none. The view proposal_progress shows it for all. Errors: 22023, 42704.';

CREATE FUNCTION count_rebound_approvals(proposal_id bigint, OUT count bigint)
RETURNS bigint LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wfo_count_rebound_approvals';
COMMENT ON FUNCTION count_rebound_approvals IS
  'How many approvals of a pending or approved proposal were given by actors who are bound to another database role now. The view proposal_progress shows it, review_history which they are. Errors: 22023, 42704.';

CREATE FUNCTION verify_audit_log(workflow_id bigint DEFAULT NULL, OUT proposal_id bigint,
                                 OUT execution_id bigint, OUT finding text)
RETURNS SETOF record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_verify_audit_log';
COMMENT ON FUNCTION verify_audit_log IS
  'Holds the tables against the audit log, of one workflow or of all: a row for each thing that does not agree, none when all does. Errors: 42704.';

CREATE FUNCTION run_sql(statement text)
RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_run_sql';
COMMENT ON FUNCTION run_sql IS
  'A tool, once an administrator registers it: runs one SQL statement as the tool''s role and returns its command tag, row count and first rows. Outside of a call it does nothing. Errors: 22023 no statement that a function can run or more than one, 42501 or 55000 not the tool of a running call, and those of the statement.';
