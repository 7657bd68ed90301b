-- Comments: what is said of a proposal without a decision.
\set file engine_comment
\ir include/fixture.sql
\ir include/roles.sql

CREATE FUNCTION app.work() RETURNS int LANGUAGE sql RETURN 1;
CALL tool('work()');
SELECT propose('work') AS p \gset
SELECT workflow_orch.comment_proposal(:p, :bob, 'Why now?') AS c \gset
SELECT is((SELECT to_jsonb(x) - 'commented_at' FROM workflow_orch.proposal_comment x),
  jsonb_build_object('comment_id', :c, 'proposal_id', :p, 'proposed_by', ann(), 'workflow_id', :workflow, 'revision', 1, 'actor_id', :bob, 'comment', 'Why now?'), 'comment_proposal fills the columns of proposal_comment');
SELECT is((SELECT jsonb_build_object('actor', actor_id, 'proposal', proposal_id, 'workflow', workflow_id, 'details', details) FROM workflow_orch.audit_log WHERE action = 'comment_proposal'),
  jsonb_build_object('actor', :bob, 'proposal', :p, 'workflow', :workflow, 'details', jsonb_build_object('comment_id', :c, 'revision', 1, 'comment', 'Why now?')), 'and is audited');
SELECT is(status(:p), 'pending', 'a comment decides nothing');
SELECT lives_ok(format('SELECT workflow_orch.comment_proposal(%s, ann(), ''Year end'')', :p), 'the proposer may answer');
SELECT workflow_orch.review_action(:p, :cyd, 'reject') \g /dev/null
SELECT lives_ok(format('SELECT workflow_orch.comment_proposal(%s, bob(), ''A pity'')', :p), 'what is decided can be commented on');
SELECT raises('UPDATE workflow_orch.proposal_comment SET comment = ''x''', '{"sqlstate": "42501", "detail": "Rows of this table are never changed."}', 'a comment stays as it is');
SELECT raises('DELETE FROM workflow_orch.proposal_comment', '{"sqlstate": "42501"}', 'and stays');

CREATE ROLE engine_comment_one LOGIN;
CREATE ROLE engine_comment_two LOGIN;
SELECT workflow_orch.register_actor('one', 'Developer', 'engine_comment_one') AS one, workflow_orch.register_actor('two', 'Developer', 'engine_comment_two') AS two \gset
SELECT refused_as('engine_comment_one', format('SELECT workflow_orch.comment_proposal(%s, NULL, ''x'')', :p), '{"sqlstate": "42501"}', 'without a capability nobody comments');
SELECT workflow_orch.grant_capability(r, 'propose') FROM unnest(ARRAY['engine_comment_one', 'engine_comment_two']::regrole[]) AS r;
SELECT value_as('engine_comment_one', format('SELECT proposal_id FROM workflow_orch.propose_action(%s, NULL, ''work'', ''{}'', ''r'')', :workflow)) AS q \gset
SELECT works_as('engine_comment_one', format('SELECT workflow_orch.comment_proposal(%s, NULL, ''mine'')', :q), 'a proposer comments on their own');
SELECT refused_as('engine_comment_two', format('SELECT workflow_orch.comment_proposal(%s, NULL, ''not mine'')', :q), '{"sqlstate": "42501", "message": "proposal % is not yours to comment on"}', 'and not on somebody else''s');
SELECT refused_as('engine_comment_two', format('SELECT workflow_orch.comment_proposal(%s, %s, ''as another'')', :q, :one), '{"sqlstate": "42501", "message": "%may not act for actor%"}', 'nor in somebody else''s name');
SELECT is(value_as('engine_comment_one', 'SELECT string_agg(comment, '','') FROM workflow_orch.proposal_comment'), 'mine', 'a proposer reads what was said of their own');
SELECT workflow_orch.grant_capability('engine_comment_two', 'execute');
SELECT works_as('engine_comment_two', format('SELECT workflow_orch.comment_proposal(%s, NULL, ''I will run it'')', :q), 'who executes may comment on all');
SELECT is(value_as('engine_comment_two', 'SELECT count(*) FROM workflow_orch.proposal_comment'), '5', 'and reads all');

SET LOCAL workflow_orch.max_params_size = '1kB';
SELECT raises(format('SELECT workflow_orch.comment_proposal(%s, bob(), repeat(''x'', 1025))', :p), '{"sqlstate": "54000", "message": "%comment%", "hint": "%max_params_size%"}', 'a comment has the limit of params');
SELECT lives_ok(format('SELECT workflow_orch.comment_proposal(%s, bob(), repeat(''x'', 1024))', :p), 'up to which it may be long');
RESET workflow_orch.max_params_size;

\ir include/finish.sql
