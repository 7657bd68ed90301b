-- The calls.  All are C, volatile and not strict: a NULL where a value is
-- needed is an error that names the argument.

CREATE FUNCTION register_actor(name text, role text, db_role regrole DEFAULT NULL,
                               kind text DEFAULT 'human', person text DEFAULT NULL, OUT actor_id bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_register_actor';
COMMENT ON FUNCTION register_actor IS
  'Registers an actor and returns its id. role is the actor''s role in the business, kind is human, agent or service. db_role binds the actor to a database role. person names the person behind the actor. Errors: 22023, 42710 the name is taken, 42501 the policy is protected.';

CREATE FUNCTION update_actor(actor_id bigint, role text DEFAULT NULL, db_role regrole DEFAULT NULL,
                             active boolean DEFAULT NULL, person text DEFAULT NULL, name text DEFAULT NULL)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_update_actor';
COMMENT ON FUNCTION update_actor IS
  'Changes an actor. NULL leaves an attribute as it is; db_role ''-'' binds the actor to no role, and an empty person clears the person. What the actor has done stands. Errors: 22023, 42704, 42710 the name is taken, 42501 the policy is protected.';

CREATE FUNCTION start_workflow(title text, actor_id bigint DEFAULT NULL, dry_run boolean DEFAULT NULL,
                               metadata jsonb DEFAULT '{}', OUT workflow_id bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_start_workflow';
COMMENT ON FUNCTION start_workflow IS
  'Starts a workflow and returns its id. actor_id NULL means the actor bound to the session''s role, if there is one. With dry_run its executions only describe what they would do. metadata is a JSON object for the application''s own use. Errors: 22023, 42704, 42501.';

CREATE FUNCTION complete_workflow(workflow_id bigint, actor_id bigint DEFAULT NULL, OUT status workflow_status)
RETURNS workflow_status LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_complete_workflow';
COMMENT ON FUNCTION complete_workflow IS
  'Completes a workflow that has no pending and no approved proposals. Errors: 42704, 55000 the workflow is not active or has open proposals, 55P03, 42501 the actor did not start it and the role lacks administer.';

CREATE FUNCTION cancel_workflow(workflow_id bigint, actor_id bigint DEFAULT NULL, reason text DEFAULT NULL,
                                OUT status workflow_status)
RETURNS workflow_status LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_cancel_workflow';
COMMENT ON FUNCTION cancel_workflow IS
  'Cancels a workflow together with its pending, approved and failed proposals. Errors: 42704, 55000 the workflow is not active, 55P03 a proposal is being executed or changed, 42501 the actor did not start it and the role lacks administer.';

CREATE FUNCTION propose_action(workflow_id bigint, actor_id bigint, tool text, params jsonb, reason text,
                               idempotency_key text DEFAULT NULL,
                               execute_on_approval boolean DEFAULT false,
                               OUT proposal_id bigint, OUT status proposal_status)
RETURNS record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_propose_action';
COMMENT ON FUNCTION propose_action IS
  'Proposes a call of a tool. params is a JSON object whose keys are the names of the function''s arguments; reason says why. If the actor has used the idempotency_key before with the same content, the existing proposal is returned. With execute_on_approval, which requires the capability execute, the last approval queues the call for the background workers in its own transaction. Errors: 22023 the params do not fit, 42704, 55000 the workflow is not active or the tool is disabled, 42501, 42710 the key was used for other content, or for a call that has been redacted or purged, 54000 too large or too many.';

CREATE FUNCTION review_action(proposal_id bigint, reviewer_id bigint, decision text, edits jsonb DEFAULT NULL,
                              comment text DEFAULT NULL, expected_revision bigint DEFAULT NULL,
                              preview_id bigint DEFAULT NULL, max_rows bigint DEFAULT NULL,
                              OUT status proposal_status, OUT final_tool_call jsonb)
RETURNS record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_review_action';
COMMENT ON FUNCTION review_action IS
  'Approves, rejects or edits a proposal, or requests changes of it. edits is for edit alone: a JSON Merge Patch (RFC 7396) on the params, which it approves as well. request_changes needs a comment: the proposal stays pending, and nobody else approves it until the proposer has revised it, a reviewer has edited it, or the request is lifted. approve and edit of a revision above 1 need expected_revision. preview_id attaches a preview that the reviewer has made of this revision. max_rows, with approve and edit alone, is the most rows that the call may change; the smallest limit of the tool and of the approvals counts. Returns the status and the call as it then stands, with max_rows if it has a limit. Waits for other reviews of the proposal. Errors: 22023, 42704, 55000 not pending, the tool or the revision has changed, or somebody else has requested changes, 55P03 it is being executed, 42501 the actor''s own proposal or not theirs to review, 42710 already reviewed, 54000 too many requests or revisions.';

CREATE FUNCTION review_actions(reviews jsonb, OUT results jsonb)
RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_review_actions';
COMMENT ON FUNCTION review_actions IS
  'Decides on many proposals, each separately and in the order given. reviews is an array of objects whose members are the arguments of review_action. results has an object for each: index, proposal_id, success, and either status and final_tool_call or error. 40001, 40P01 and a cancel are raised. Errors: 22023 malformed, and then nothing is decided, 54000 too many.';

CREATE FUNCTION comment_proposal(proposal_id bigint, actor_id bigint, comment text, OUT comment_id bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_comment_proposal';
COMMENT ON FUNCTION comment_proposal IS
  'Adds a comment to a proposal, whatever its status, without a decision, and returns the comment''s id. For the proposer and for roles that may read every proposal. Errors: 22023, 42704, 42501, 54000 too long.';

CREATE FUNCTION preview_action(proposal_id bigint, actor_id bigint DEFAULT NULL, OUT preview jsonb)
RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_preview_action';
COMMENT ON FUNCTION preview_action IS
  'Runs the call of a pending or approved proposal as the tool''s role, rolls it back, and returns what it did: output or error, how many rows were inserted, updated and deleted in each table, up to preview_rows of them before and after, and duration in milliseconds. Only for tools registered with preview, because a rollback undoes neither sequences nor what leaves the database. 40001, 40P01 and a cancel are raised. Errors: 42704, 55000 not pending or approved, or the tool has changed, is disabled, frozen, without preview or not for sessions, or the call is made inside a trigger, 42501 the actor''s own proposal or no slot in it.';

CREATE FUNCTION withdraw_proposal(proposal_id bigint, actor_id bigint, reason text DEFAULT NULL,
                                  OUT status proposal_status)
RETURNS proposal_status LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_withdraw_proposal';
COMMENT ON FUNCTION withdraw_proposal IS
  'Withdraws a pending, approved or failed proposal of the actor. Errors: 42704, 55000, 55P03 it is being executed or changed, 42501 the proposal is another actor''s.';

CREATE FUNCTION revise_proposal(proposal_id bigint, actor_id bigint, params jsonb, reason text DEFAULT NULL,
                                expected_revision bigint DEFAULT NULL,
                                OUT status proposal_status, OUT revision bigint)
RETURNS record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_revise_proposal';
COMMENT ON FUNCTION revise_proposal IS
  'Words a pending or approved proposal of the actor anew, and returns its status and the number of the revision. params are all params of the call, and no patch; reason NULL keeps the reason. The revision is decided on like a new proposal: earlier approvals are void, requests for changes are lifted, and the times to live begin anew. Errors: 22023 the params do not fit or nothing changes, 42704, 55000 not pending or approved, queued, another revision, workflow not active or tool disabled, 55P03 it is being executed or changed, 42501 the proposal is another actor''s, 54000 too large or more than 100 revisions.';

CREATE FUNCTION revoke_approval(proposal_id bigint, reviewer_id bigint, reason text DEFAULT NULL,
                                OUT status proposal_status)
RETURNS proposal_status LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_revoke_approval';
COMMENT ON FUNCTION revoke_approval IS
  'Takes back the reviewer''s approval of the current revision of a pending, approved or failed proposal, which is pending afterwards. Approvals of later stages are voided as well, and a queued execution is cancelled. A request for changes is taken back first, where the reviewer has one. Errors: 42704, 55000, 55P03 it is being executed, 42501.';

CREATE FUNCTION delegate_review(from_actor bigint, to_actor bigint, ends_at timestamptz, OUT delegation_id bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_delegate_review';
COMMENT ON FUNCTION delegate_review IS
  'Lets to_actor review in the role of from_actor as well, from now until ends_at, and returns the delegation''s id. A delegation cannot be passed on and does not cover proposals of from_actor; the two actors count as one person. Errors: 22023 to oneself, in a circle or in the past, 42704, 42501 the policy is protected, or from_actor is not the caller''s and the role lacks administer.';

CREATE FUNCTION end_delegation(delegation_id bigint, actor_id bigint DEFAULT NULL)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_end_delegation';
COMMENT ON FUNCTION end_delegation IS
  'Ends a delegation early; decisions made under it stand. Errors: 42704, 55000 it has ended, 42501 neither of its actors is the caller''s and the role lacks administer.';

CREATE FUNCTION standing_approval(tool text, actor_id bigint, uses bigint, ends_at timestamptz,
                                  condition jsonpath DEFAULT NULL, max_rows bigint DEFAULT NULL,
                                  description text DEFAULT NULL, OUT standing_id bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_standing_approval';
COMMENT ON FUNCTION standing_approval IS
  'The built-in tool workflow_orch.standing_approval: approves beforehand the calls of a tool that an actor will propose, and returns the id of the standing approval. Made directly it is 42501. uses is how many proposals it approves, ends_at until when, condition a jsonpath on $.params that must be true for sure, max_rows the most rows that each call may change. Errors: 22023, 42704, 42501.';

CREATE FUNCTION end_standing_approval(standing_id bigint, actor_id bigint DEFAULT NULL, reason text DEFAULT NULL)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_end_standing_approval';
COMMENT ON FUNCTION end_standing_approval IS
  'Ends a standing approval early. The proposals that it has approved and that do not run are pending again, and queued executions are cancelled; what runs goes on, and a NOTICE names it. Errors: 42704, 55000 it has ended, 42501 the actor neither holds nor approved it and the role lacks administer.';

CREATE FUNCTION retry_action(proposal_id bigint, actor_id bigint DEFAULT NULL, OUT status proposal_status)
RETURNS proposal_status LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_retry_action';
COMMENT ON FUNCTION retry_action IS
  'Makes a failed proposal approved again, while its workflow is active, its approval is valid and its tool is unchanged. Errors: 42704, 55000, 55P03, 42501.';

CREATE FUNCTION expire_proposals(OUT count bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_expire_proposals';
COMMENT ON FUNCTION expire_proposals IS
  'Marks the open proposals whose time has passed as expired, and returns how many there were. They count as expired before that, too.';

CREATE FUNCTION execute_action(proposal_id bigint, actor_id bigint DEFAULT NULL,
                               OUT execution_id bigint, OUT result jsonb)
RETURNS record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_execute_action';
COMMENT ON FUNCTION execute_action IS
  'Executes an approved proposal in this session and transaction, as the tool''s role. An error in the tool undoes its effects and is part of the result; 40001, 40P01 and a cancel are raised. A tool that catches a cancel and goes on is ended with its session and has failed. Errors: 42704, 55000 not approved, or the tool has changed, is disabled, frozen or not for sessions, or the call is made inside a trigger, 55P03 it is being executed or changed, 42501.';

CREATE FUNCTION execute_parallel(calls jsonb, actor_id bigint DEFAULT NULL, timeout interval DEFAULT NULL,
                                 OUT results jsonb)
RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_execute_parallel';
COMMENT ON FUNCTION execute_parallel IS
  'Executes approved calls at the same time in background workers, each in a transaction of its own, and returns all results in the order of calls. calls is an array of {"proposal_id": n} or {"tool": t, "params": {...}, "workflow_id": n}, where workflow_id is optional. timeout NULL or zero means no limit; after the timeout, calls that have not started do not start and the others are cancelled. Errors, before anything runs: 22023 malformed, 42704, 55000 a call has no approval or workers are not available, 42501, 54000 too many calls.';

CREATE FUNCTION enqueue_action(proposal_id bigint, actor_id bigint DEFAULT NULL, run_at timestamptz DEFAULT NULL,
                               priority bigint DEFAULT 0, OUT execution_id bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_enqueue_action';
COMMENT ON FUNCTION enqueue_action IS
  'Hands an approved call to the background workers when the transaction commits, and returns the execution''s id. The call does not start before run_at. Calls of a higher priority start first. Errors: 22023, 42704, 55000 not approved, already queued, the tool has changed or workers are not available, 55P03 it is being executed or changed, 42501.';

CREATE FUNCTION wait_execution(execution_id bigint, timeout interval DEFAULT NULL, OUT result jsonb)
RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_wait_execution';
COMMENT ON FUNCTION wait_execution IS
  'Waits until an execution has ended and returns its result, or NULL if the timeout ends first. timeout NULL or zero means no limit. Errors: 22023, 42704, 55000 queued by the same transaction, or called inside a tool, 40P01 the call cannot start before a transaction ends that waits for this one.';

CREATE FUNCTION wait_proposal(proposal_id bigint, timeout interval DEFAULT NULL, OUT status proposal_status)
RETURNS proposal_status LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_wait_proposal';
COMMENT ON FUNCTION wait_proposal IS
  'Waits until the status of a pending or approved proposal changes, and returns the new status; returns at once if the proposal is neither. Returns NULL if the timeout ends first. timeout NULL or zero means no limit. Errors: 22023, 42704, 42501 the role may not read the proposal, 55000 changed by the same transaction, or called inside a tool.';

CREATE FUNCTION cancel_execution(execution_id bigint, actor_id bigint DEFAULT NULL, reason text DEFAULT NULL,
                                 OUT status execution_status)
RETURNS execution_status LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_cancel_execution';
COMMENT ON FUNCTION cancel_execution IS
  'Cancels a queued or running execution; the proposal stays approved. Returns cancelled, or running if a worker has the call: it is ended after this transaction has committed. The first request counts. Errors: 42704, also for a call of a batch or in a session, whose statement must be canceled instead, 55000 it has ended, 55P03 it is being changed, 42501.';

CREATE FUNCTION resume_queue(OUT count bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_resume_queue';
COMMENT ON FUNCTION resume_queue IS
  'Releases the queue of a restored or cloned database and returns the number of calls. The queue is held so that nothing runs twice because it was copied. Errors: 55000 workers are not available, 42501 the policy is protected.';

CREATE FUNCTION list_workers(OUT pid bigint, OUT database_oid oid, OUT role_oid oid, OUT state text,
                              OUT execution_id bigint, OUT since timestamptz, OUT tool text)
RETURNS SETOF record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_list_workers';
COMMENT ON FUNCTION list_workers IS
  'Lists the background workers of all databases by OIDs. The view worker_status shows them with names.';

CREATE FUNCTION break_glass_execute(proposal_id bigint, actor_id bigint, reason text,
                                    OUT execution_id bigint, OUT result jsonb)
RETURNS record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_break_glass_execute';
COMMENT ON FUNCTION break_glass_execute IS
  'Executes a pending proposal in this session without its approvals, even in a freeze and even if the actor proposed it. EXECUTE on this function is the capability break_glass. Another person must review the execution with review_break_glass; until then the same person cannot call this function again. The result and the errors raised are those of execute_action. Errors: 22023, 42704, 55000 not pending, an earlier break glass is not reviewed, a dry run, or the tool has changed, is disabled or not for sessions, 55P03, 42501.';

CREATE FUNCTION review_break_glass(execution_id bigint, reviewer_id bigint, comment text)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_review_break_glass';
COMMENT ON FUNCTION review_break_glass IS
  'Records that a person has looked at an execution that ran without approvals. That person must be neither the one who broke the glass nor the proposer. Errors: 22023, 42704 no such break glass, 55000 already reviewed, 42501.';

CREATE FUNCTION register_tool(tool text, function regprocedure, run_as regrole DEFAULT NULL,
                              description text DEFAULT NULL, timeout interval DEFAULT NULL,
                              max_attempts bigint DEFAULT 1, in_session boolean DEFAULT true,
                              preview boolean DEFAULT false, dry_run_mode text DEFAULT 'describe',
                              max_rows bigint DEFAULT NULL, preview_rows bigint DEFAULT 0,
                              rerun boolean DEFAULT true, group_size bigint DEFAULT 1)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_register_tool';
COMMENT ON FUNCTION register_tool IS
  'Registers a function as a tool. It runs as run_as (default: the registering role), under the search_path in force at registration. timeout: zero means no limit, NULL the policy''s default_timeout. max_attempts counts in background workers. in_session false refuses the tool to execute_action. preview true says that a rollback undoes what the tool does, so that preview_action may run it. dry_run_mode rollback runs the call in a dry run and rolls it back; describe does not run it. rerun false is for tools with effects outside the transaction: a call that was started never runs again; it requires in_session false, max_attempts 1 and group_size 1. max_rows is the most rows that a call may change, NULL: any number. preview_rows is how many changed rows of each table a preview shows, of tables that run_as may read, at most 1000. group_size is how many queued calls of the tool may share a transaction of a background worker, at most 1000: it is for short calls that hold no lock for which others wait. Errors: 22023 the function cannot be a tool, 42710 the name is taken, 42501 not allowed, or the policy is protected.';

CREATE FUNCTION update_tool(tool text, function regprocedure DEFAULT NULL, run_as regrole DEFAULT NULL,
                            description text DEFAULT NULL, timeout interval DEFAULT NULL,
                            max_attempts bigint DEFAULT NULL, in_session boolean DEFAULT NULL,
                            preview boolean DEFAULT NULL, dry_run_mode text DEFAULT NULL,
                            max_rows bigint DEFAULT NULL, preview_rows bigint DEFAULT NULL,
                            rerun boolean DEFAULT NULL, group_size bigint DEFAULT NULL)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_update_tool';
COMMENT ON FUNCTION update_tool IS
  'Changes a tool; NULL leaves an attribute as it is, and max_rows -1 lifts the limit. A new function takes the search_path in force at the change. Proposals pinned to the old definition are refused until they are edited; for max_rows alone they are not, and the smaller limit of then and now counts. The definition that the function has now is then the one that the tool is meant to have, even if nothing else is given. Errors: 22023, 42704, 42501 not allowed, or the policy is protected.';

CREATE FUNCTION set_tool_enabled(tool text, enabled boolean)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_set_tool_enabled';
COMMENT ON FUNCTION set_tool_enabled IS
  'Enables or disables a tool. A disabled tool can be neither proposed nor executed. Errors: 22023, 42704, 42501 not allowed, or the policy is protected.';

CREATE FUNCTION accept_tool_definition(tool text, actor_id bigint DEFAULT NULL, reason text DEFAULT NULL,
                                       OUT count bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_accept_tool_definition';
COMMENT ON FUNCTION accept_tool_definition IS
  'Pins all open proposals of a tool to its present definition, and returns how many were pinned to another one. Each gets a new revision with the same params, its approvals are void, and a queued execution is cancelled. If one proposal fails, none is changed. Errors: 22023 the params of a proposal no longer fit, 42704, 55000 the function does not exist, 55P03 a proposal is being executed or changed, 42501.';

CREATE FUNCTION tool_check(tool text, OUT status text, OUT problem text)
RETURNS record LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wfo_tool_check';
COMMENT ON FUNCTION tool_check IS
  'Says whether a tool can be called: callable, gone (its function does not exist) or refused (it may not run as its role), with the reason. The view tool_status shows this for all tools. Errors: 22023, 42704.';

CREATE FUNCTION tool_change(tool text, definition bytea)
RETURNS text LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wfo_tool_change';
COMMENT ON FUNCTION tool_change IS
  'Says what has changed since a definition of a tool was pinned (proposal.definition), such as: body, owner. NULL means that nothing has. The view proposal_progress shows this. Errors: 22023, 42704.';

CREATE FUNCTION tool_max_rows(tool text, definition bytea)
RETURNS bigint LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wfo_tool_max_rows';
COMMENT ON FUNCTION tool_max_rows IS
  'Returns the most rows that a call of a tool may change, of the tool as it is now and of the definition that was pinned (proposal.definition) the smaller number; NULL means no limit. The views pending_review and proposal_progress show this together with the limits of the approvals. Errors: 22023.';

CREATE FUNCTION set_policy(dry_run boolean DEFAULT NULL, default_approvals bigint DEFAULT NULL,
                           edit_needs_approval boolean DEFAULT NULL, agents_may_review boolean DEFAULT NULL,
                           proposal_ttl interval DEFAULT NULL, approval_ttl interval DEFAULT NULL,
                           default_timeout interval DEFAULT NULL, notify boolean DEFAULT NULL,
                           protected boolean DEFAULT NULL,
                           OUT dry_run boolean, OUT default_approvals bigint,
                           OUT edit_needs_approval boolean, OUT agents_may_review boolean,
                           OUT proposal_ttl interval, OUT approval_ttl interval,
                           OUT default_timeout interval, OUT notify boolean, OUT protected boolean)
RETURNS record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_set_policy';
COMMENT ON FUNCTION set_policy IS
  'Changes the policy and returns all of it. NULL leaves a setting as it is, and a zero interval means no limit. With protected on, what a review means is changed only by approved calls of the built-in tools. Errors: 22023, 42501 the policy is protected, 55000 too few people could change it once it is protected, or have too little time.';

CREATE FUNCTION add_freeze(title text, starts_at timestamptz, ends_at timestamptz, tool text DEFAULT NULL,
                           OUT freeze_id bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_add_freeze';
COMMENT ON FUNCTION add_freeze IS
  'Stops all executions from starts_at until ends_at, by the real clock, and returns the freeze''s id. tool limits the freeze to calls of one tool. With ends_at infinity it lasts until it is removed. Errors: 22023 it would end before it begins, 42704.';

CREATE FUNCTION remove_freeze(freeze_id bigint)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_remove_freeze';
COMMENT ON FUNCTION remove_freeze IS
  'Ends a freeze, or cancels one that has not begun; its row stays. Errors: 42704, 55000 already removed, 42501 the policy is protected.';

CREATE FUNCTION add_approval_rule(role text DEFAULT NULL, approvals bigint DEFAULT 1, stage bigint DEFAULT 1,
                                  tool text DEFAULT NULL, condition jsonpath DEFAULT NULL,
                                  description text DEFAULT NULL, agents boolean DEFAULT false, OUT rule_id bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_add_approval_rule';
COMMENT ON FUNCTION add_approval_rule IS
  'Adds a rule for calls that are proposed or edited from now on, and returns its id: this many people of the role (NULL: anybody who may review) must approve, in this stage, calls of the tool (NULL: all tools) for which the condition is not false. condition is a jsonpath over {tool, params, reason, actor, workflow}, evaluated in strict mode. A rule with 0 approvals approves what no other rule asks anybody to approve; agents extends it to proposals of agents. A warning tells of a role that no active actor has, and of a member of params that is no argument of the tool. Errors: 22023 also a condition that looks at a member that proposals do not have, 42704 no such tool, 54000 the condition is too long, 42501 the policy is protected.';

CREATE FUNCTION remove_approval_rule(rule_id bigint)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_remove_approval_rule';
COMMENT ON FUNCTION remove_approval_rule IS
  'Removes a rule; proposals made under it still need what it asked for. Errors: 22023, 42704, 55000 already removed, 42501 the policy is protected.';

CREATE FUNCTION check_approval_rule(role text, approvals bigint, stage bigint, tool text, condition jsonpath, agents boolean)
RETURNS boolean LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_check_approval_rule';
COMMENT ON FUNCTION check_approval_rule IS
  'Checks the arguments of a rule and warns as add_approval_rule does, without adding the rule; returns true. agents NULL is an error, and so are approvals and stage. Errors: 22023, 42704, 54000.';

CREATE FUNCTION approval_rule_effect(proposal_id bigint, role text, approvals bigint, stage bigint, tool text,
                                     condition jsonpath, agents boolean, OUT needed text, OUT would_need text)
RETURNS record LANGUAGE c COST 50 AS 'MODULE_PATHNAME', 'wfo_approval_rule_effect';
COMMENT ON FUNCTION approval_rule_effect IS
  'Answers the question that test_approval_rule asks about each proposal: what its current revision needs by the rules in force, and what it would need with one rule more. NULL if that is the same, or if there is no such proposal. Errors: 22023, 42704, 54000.';

-- The first branch checks the rule, even where there is no proposal.  Proposals are
-- found by their audit rows, which have an index on the time; with coalesce in place
-- of CASE, row security would not let it be used.
CREATE FUNCTION test_approval_rule(role text DEFAULT NULL, approvals bigint DEFAULT 1, stage bigint DEFAULT 1,
                                   tool text DEFAULT NULL, condition jsonpath DEFAULT NULL,
                                   agents boolean DEFAULT false, since timestamptz DEFAULT NULL,
                                   OUT proposal_id bigint, OUT needed text, OUT would_need text)
RETURNS SETOF record LANGUAGE sql STABLE ROWS 1000
BEGIN ATOMIC
  SELECT NULL::bigint, NULL::text, NULL::text
   WHERE NOT check_approval_rule(test_approval_rule.role, test_approval_rule.approvals, test_approval_rule.stage,
                                 test_approval_rule.tool, test_approval_rule.condition, test_approval_rule.agents)
  UNION ALL
  SELECT t.proposal_id, (t.effect).needed, (t.effect).would_need
    FROM (SELECT l.proposal_id,
                 approval_rule_effect(l.proposal_id, test_approval_rule.role, test_approval_rule.approvals,
                                      test_approval_rule.stage, test_approval_rule.tool, test_approval_rule.condition,
                                      test_approval_rule.agents) AS effect
            FROM audit_log l
           WHERE l.action = 'propose_action'
             AND l.occurred_at >= CASE WHEN since IS NULL THEN pg_catalog.now() - interval '90 days' ELSE since END) t
   WHERE (t.effect).would_need IS NOT NULL;
END;
COMMENT ON FUNCTION test_approval_rule IS
  'Lists the proposals, proposed since a time (NULL: 90 days ago), whose current revision would need other approvals if this rule were in force besides the present ones: what each needs by the present rules and what it would need with this one, in words. nothing: a rule would approve it. The arguments are those of add_approval_rule, with the same errors and warnings. Nothing is written. Errors: 22023, 42704, 54000.';

CREATE FUNCTION explain_approval(tool text, params jsonb, actor_id bigint DEFAULT NULL, workflow_id bigint DEFAULT NULL,
                                 reason text DEFAULT '', OUT explanation jsonb)
RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_explain_approval';
COMMENT ON FUNCTION explain_approval IS
  'Says what a call would need if it were proposed now, and writes nothing: {"automatic", "rule_id", "standing_id", "requirements": [{"stage", "role", "approvals", "rules", "people"}], "approvable"}. automatic: rule rule_id would approve it. approvable: the registered actors are enough. people: names of actors who could give the approvals of a requirement, at most 100, only for roles that may read every proposal. params are checked and converted as by propose_action. actor_id is the proposer, NULL the one bound to the session''s role; a role that may read every proposal and is bound to no actor can name any. Without a workflow_id, what conditions say about the workflow is unknown. Errors: 22023, 42704, 55000, 42501, 54000 as propose_action.';

CREATE FUNCTION grant_capability(db_role regrole, capability text)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_grant_capability';
COMMENT ON FUNCTION grant_capability IS
  'Grants a role the functions and tables of a capability: propose, review, execute, audit, administer, gateway or break_glass. Errors: 22023, 42501 the policy is protected, or only a superuser and the extension''s owner grant the last three.';

CREATE FUNCTION revoke_capability(db_role regrole, capability text)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_revoke_capability';
COMMENT ON FUNCTION revoke_capability IS
  'Revokes what grant_capability granted, except what another capability of the role needs. Errors: 22023, 42501 not allowed, or the policy is protected.';

CREATE FUNCTION list_capabilities(OUT capability text, OUT restricted boolean, OUT calls text[])
RETURNS SETOF record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_list_capabilities';
COMMENT ON FUNCTION list_capabilities IS
  'Lists the capabilities with their calls. EXECUTE on the first call of a capability is what makes it. restricted means that only a superuser and the extension''s owner grant it. The view access shows which roles have them.';

CREATE FUNCTION is_gateway()
RETURNS boolean LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_is_gateway';
COMMENT ON FUNCTION is_gateway IS
  'Returns true. EXECUTE on this function is the capability gateway: to act for any actor.';

CREATE FUNCTION whoami(OUT db_role name, OUT login name, OUT actor_id bigint, OUT capabilities text[], OUT advice text)
RETURNS record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_whoami';
COMMENT ON FUNCTION whoami IS
  'Describes the session: the role taken on, the login, the one active actor bound to the role, the capabilities, and what to ask an administrator for if something is missing.';

CREATE FUNCTION may_read_support(internal)
RETURNS internal LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'wfo_may_read_support';
COMMENT ON FUNCTION may_read_support IS
  'Replaces may_read in a plan by the condition that holds for the role.';

CREATE FUNCTION may_read(relation oid, actor_id bigint)
RETURNS boolean LANGUAGE c STABLE PARALLEL SAFE SUPPORT may_read_support AS 'MODULE_PATHNAME', 'wfo_may_read';
COMMENT ON FUNCTION may_read IS
  'Says whether the current role reads rows about what an actor has proposed or started; NULL stands for rows that are about no actor. This is the condition of the row security policies. The planner replaces it, so no role needs to execute it.';

CREATE FUNCTION transitions(OUT object text, OUT from_status text, OUT event text, OUT to_status text)
RETURNS SETOF record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_transitions';
COMMENT ON FUNCTION transitions IS
  'Lists the state machine: which event takes a workflow, a proposal or an execution from which status to which.';

-- One arrow for all events that lead from one status to the same other one.  The
-- first transition of an object leads away from the status that it begins in.
CREATE FUNCTION transitions_mermaid(OUT diagram text)
RETURNS text LANGUAGE sql STABLE
BEGIN ATOMIC
  WITH t AS (
    SELECT * FROM transitions() WITH ORDINALITY AS l(object, from_status, event, to_status, n)
  ), state AS (
    SELECT s.object, s.status, min(s.n) AS n, bool_or(s.leads) AS goes_on
      FROM (SELECT object, from_status AS status, n, true AS leads FROM t
            UNION ALL SELECT object, to_status, n, false FROM t) s
     GROUP BY s.object, s.status
  ), line AS (
    SELECT object, 0 AS part, 0::bigint AS n, pg_catalog.format('  state %s {', object) AS text FROM state GROUP BY object
    UNION ALL
    SELECT object, 1, n, pg_catalog.format('    state "%s" as %s_%s', status, object, status) FROM state
    UNION ALL
    SELECT object, 2, n, pg_catalog.format('    [*] --> %s_%s', object, from_status) FROM t
     WHERE n IN (SELECT min(n) FROM t GROUP BY object)
    UNION ALL
    SELECT object, 3, min(n), pg_catalog.format('    %1$s_%2$s --> %1$s_%3$s : %4$s', object, from_status, to_status,
                                                string_agg(event, ', ' ORDER BY n))
      FROM t GROUP BY object, from_status, to_status
    UNION ALL
    SELECT object, 4, n, pg_catalog.format('    %s_%s --> [*]', object, status) FROM state WHERE NOT goes_on
    UNION ALL
    SELECT object, 5, 0, '  }' FROM state GROUP BY object
  )
  SELECT 'stateDiagram-v2' || string_agg(E'\n' || l.text, '' ORDER BY o.n, l.part, l.n, l.text)
    FROM line l JOIN (SELECT object, min(n) AS n FROM state GROUP BY object) o USING (object);
END;
COMMENT ON FUNCTION transitions_mermaid IS
  'Draws what transitions() lists, as the text of a Mermaid state diagram (stateDiagram-v2). A status without a way out is final.';

CREATE FUNCTION audit_log_entries(workflow_id bigint, OUT audit_id bigint, OUT occurred_at timestamptz,
                                  OUT action text, OUT actor_id bigint, OUT proposal_id bigint,
                                  OUT execution_id bigint, OUT login name, OUT details jsonb)
RETURNS SETOF record LANGUAGE c ROWS 1000 AS 'MODULE_PATHNAME', 'wfo_audit_log_entries';
COMMENT ON FUNCTION audit_log_entries IS
  'Supplies the rows of get_audit_log, which is the function to call.';

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
  'Returns the audit log of a workflow, oldest first; NULL: the rows that belong to no workflow (grants, policy, rules, freezes, tools, actors). details have the params of the revision that was proposed, edited or executed. Without the capability audit, only workflows that the caller''s own actor has started. Errors: 42704, 42501.';

CREATE FUNCTION list_pending_reviews(actor_id bigint DEFAULT NULL, OUT reviewer_id bigint, OUT kind text, OUT proposal_id bigint,
                               OUT execution_id bigint, OUT stage bigint, OUT role text, OUT on_behalf_of bigint,
                               OUT approvable boolean, OUT tool_changed boolean)
RETURNS SETOF record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_list_pending_reviews';
COMMENT ON FUNCTION list_pending_reviews IS
  'Lists what waits for an actor (NULL: the one bound to the session''s role): proposals that the actor could approve now, with the slot; proposals that no registered actor could approve; executions without approvals that nobody has reviewed. The view pending_review shows them with details. A gateway that acts for nobody in particular sees all. Errors: 42704, 42501.';

CREATE FUNCTION find_review_slot(proposal_id bigint, execution_id bigint DEFAULT NULL, OUT reviewer_id bigint, OUT stage bigint,
                                 OUT role text, OUT on_behalf_of bigint, OUT approvable boolean, OUT tool_changed boolean)
RETURNS record LANGUAGE c COST 50 AS 'MODULE_PATHNAME', 'wfo_find_review_slot';
COMMENT ON FUNCTION find_review_slot IS
  'Answers the question that the view pending_review asks about each proposal: whether its review, or the review of its execution without approvals, waits for the actor bound to the session''s role, and in which slot. NULL means that it does not.';

CREATE FUNCTION describe_needs(proposal_id bigint, OUT needs text)
RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_describe_needs';
COMMENT ON FUNCTION describe_needs IS
  'Describes the approvals that a pending proposal still needs, in words, stage by stage; NULL if it needs none. The view proposal_progress shows this for all proposals. Errors: 22023, 42704.';

CREATE FUNCTION count_rebound_approvals(proposal_id bigint, OUT count bigint)
RETURNS bigint LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wfo_count_rebound_approvals';
COMMENT ON FUNCTION count_rebound_approvals IS
  'Counts the approvals of a pending or approved proposal whose reviewers are bound to another database role than they were then. The view proposal_progress shows the number, and review_history shows the approvals. Errors: 22023, 42704.';

CREATE FUNCTION verify_audit_log(workflow_id bigint DEFAULT NULL, checkpoint text DEFAULT NULL, OUT proposal_id bigint,
                                 OUT execution_id bigint, OUT finding text, OUT audit_id bigint)
RETURNS SETOF record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_verify_audit_log';
COMMENT ON FUNCTION verify_audit_log IS
  'Compares the audit log with what was sealed, with the tree, and with the tables, and returns a row for each thing that does not agree, with the proposal, the execution and the audit row that it is about where there is one; no row means that everything agrees. With workflow_id it finds changed rows of that workflow only. checkpoint is one that was kept: the tree must extend it; what follows an empty line, such as signatures, is not read. Errors: 22023 not a checkpoint of this tree, or a checkpoint with a workflow, 42704.';

CREATE FUNCTION seal_audit_log(OUT rows bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_seal_audit_log';
COMMENT ON FUNCTION seal_audit_log IS
  'Has the sealer seal what is committed in the audit log, waits for it, and returns how many rows were sealed meanwhile. What the calling transaction itself has written is not committed yet, and is not sealed. The sealer does this by itself about a second after each commit. Without preloading the caller seals. Errors: 55000 the sealer failed or could not be started, or called inside a tool, 25001 inside a transaction block without preloading, 25006 in a read-only transaction or on a standby.';

CREATE FUNCTION audit_checkpoint(OUT checkpoint text)
RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_audit_checkpoint';
COMMENT ON FUNCTION audit_checkpoint IS
  'Returns the newest tree over the sealed rows of the audit log: origin, size and root in base64, each on a line, which is the unsigned text of a C2SP tlog-checkpoint. The tree is on disk, and on a synchronous standby if there is one. Keep it elsewhere: it later proves that nothing before it was changed, added or removed. Errors: 55000 no synchronous standby has confirmed it, or this transaction has changed the tree.';

CREATE FUNCTION audit_entry(audit_id bigint, OUT entry bytea)
RETURNS bytea LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_audit_entry';
COMMENT ON FUNCTION audit_entry IS
  'Returns the canonical bytes of a sealed row, whose SHA-256 after a zero byte is the hash of its leaf. doc/evidence.md has the format. Errors: 22023, 42704, 55000 not sealed.';

CREATE FUNCTION audit_proof(audit_id bigint, size bigint DEFAULT NULL, OUT proof jsonb)
RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_audit_proof';
COMMENT ON FUNCTION audit_proof IS
  'Returns the proof that a sealed row is in the tree of a size (NULL: the newest): {"leaf_index", "size", "leaf", "path"}, hashes in base64, the path as in RFC 6962, section 2.1.1. Errors: 22023 not a size of the tree, or the row is not in the tree of that size, 42704, 55000 not sealed.';

CREATE FUNCTION audit_consistency(from_size bigint, to_size bigint DEFAULT NULL, OUT proof jsonb)
RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_audit_consistency';
COMMENT ON FUNCTION audit_consistency IS
  'Returns the proof that the tree of to_size (NULL: the newest) begins with the tree of from_size: {"from", "to", "path"}, the path as in RFC 6962, section 2.1.2. Errors: 22023 not sizes of the tree, or in the wrong order.';

CREATE FUNCTION record_anchor(checkpoint text, kind text, proof bytea, OUT anchor_id bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_record_anchor';
COMMENT ON FUNCTION record_anchor IS
  'Keeps what a witness or a time-stamp service answered about a checkpoint of this tree (up to 64 kB; kind says what it is, such as signature or rfc3161), and returns the anchor''s id. What the proof says is not checked. Errors: 22023 not a checkpoint, or not one of this tree, 54000.';

CREATE FUNCTION adopt_origin(reason text, OUT origin text)
RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_adopt_origin';
COMMENT ON FUNCTION adopt_origin IS
  'Takes the tree''s former origin back, where a restore or a clone gave it another one and the former place is no more. Returns the origin. Errors: 22023, 55000 the audit log has not moved, 42501 the policy is protected.';

CREATE FUNCTION new_origin(reason text, OUT origin text)
RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_new_origin';
COMMENT ON FUNCTION new_origin IS
  'Gives the tree over the audit log another origin, where another copy has the same one, as after a failover that lost what was sealed. Returns the origin. Errors: 22023, 42501 the policy is protected.';

CREATE FUNCTION hold_workflow(workflow_id bigint, actor_id bigint, reason text, OUT hold_id bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_hold_workflow';
COMMENT ON FUNCTION hold_workflow IS
  'Sets a legal hold on a workflow, active or ended, and returns its id: until release_hold nothing of the workflow is redacted or purged. The hold stops no other call. Errors: 22023, 42704, 55000 it is held already, 55P03, 42501.';

CREATE FUNCTION release_hold(workflow_id bigint, actor_id bigint, reason text)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_release_hold';
COMMENT ON FUNCTION release_hold IS
  'Releases the legal hold that stands on a workflow. Its row stays. Errors: 22023, 42704, 55000 it is not held, 55P03, 42501 also if the policy is protected.';

CREATE FUNCTION redact_proposal(proposal_id bigint, actor_id bigint, reason text)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_redact_proposal';
COMMENT ON FUNCTION redact_proposal IS
  'Redacts what people wrote in a proposal that has ended, or has failed in a workflow that has ended: params, reasons, comments, edits, previews, results, the texts of statements. Who did what stays. Hashes in the table redaction take the place of the values, so the audit log still verifies. Reads the whole audit log. A background worker then takes the values out of the tables'' files. Errors: 22023, 42704, 55000 it is not finished, held, not sealed, not as it was sealed, or redacted already, 55P03, 42501 also if the policy is protected.';

CREATE FUNCTION redact_actor(actor_id bigint, by_actor_id bigint, reason text)
RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_redact_actor';
COMMENT ON FUNCTION redact_actor IS
  'Redacts who an inactive actor without open proposals is: the name becomes redacted and the id, the database role goes, and so do roles, logins, application names and addresses in the actor''s rows and in those that the role alone names. A random token takes the place of the person wherever the person stands, with other actors as well, so that rows of one person can still be told. What others wrote stays. Hashes in the table redaction take the place of the values, so the audit log still verifies. Reads all tables and the whole audit log, twice. A background worker then takes the values out of the tables'' files. Errors: 22023, 42704, 55000 the actor is active, a proposal that has such a row is not finished or held, a row not sealed, or not as it was sealed, or the actor is redacted already, 42710 another actor has the new name, 55P03, 42501 also if the policy is protected.';

CREATE FUNCTION reapply_redactions(OUT count bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_reapply_redactions';
COMMENT ON FUNCTION reapply_redactions IS
  'Repeats the redactions that an older backup has undone, once the rows of the table redaction have been added that are newer than the backup. Returns how many proposals and actors were redacted again. What cannot be redacted now is left with a WARNING, as what is held; rows about what is not there are deleted. Errors: 55P03, and those of redact_proposal and redact_actor but 55000.';

CREATE FUNCTION purge_workflows(ended_before timestamptz, actor_id bigint, reason text, batch bigint DEFAULT 1000, OUT proposals bigint)
RETURNS bigint LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_purge_workflows';
COMMENT ON FUNCTION purge_workflows IS
  'Deletes workflows that ended before a time, the oldest end first, with their proposals and all other rows, and returns how many proposals these were: at most batch in one call, or one workflow with more. 0: nothing is left. Workflows that are held, not sealed, not as they were sealed, locked by another session, or have a queued call, a break glass that nobody has reviewed or a standing approval in force are left, and a NOTICE says so. The leaves of the audit rows stay in the tree, so it verifies as before. Idempotency keys are not used again. Errors: 22023, 42704, 55000 ended_before is younger than workflow_orch.min_retention, 55P03, 42501 also if the policy is protected.';

CREATE FUNCTION find_unsealed(OUT audit_id bigint, OUT occurred_at timestamptz)
RETURNS record LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_find_unsealed';
COMMENT ON FUNCTION find_unsealed IS
  'Finds the committed row of the audit log with the lowest id that is not sealed, for the view audit_status; NULL if there is none.';

CREATE FUNCTION run_sql(statement text)
RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_run_sql';
COMMENT ON FUNCTION run_sql IS
  'Runs one SQL statement as the tool''s role and returns its command tag, row count and first rows. It is a tool once an administrator has registered it, and cannot be called directly. Errors: 22023 not exactly one statement, or one that a function cannot run, 42501 or 55000 it is not the tool of a running call, and those of the statement.';
