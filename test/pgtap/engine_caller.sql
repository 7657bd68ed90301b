-- Who is calling, and for whom: bound and unbound actors, gateways, SET ROLE,
-- wrappers, and one person behind two actors.
\set file engine_caller
\ir include/fixture.sql
\ir include/roles.sql

CREATE ROLE engine_caller_one LOGIN;
CREATE ROLE engine_caller_two LOGIN;
CREATE ROLE engine_caller_three LOGIN;
CREATE ROLE engine_caller_group;
CREATE ROLE engine_caller_member LOGIN NOINHERIT IN ROLE engine_caller_group;
CREATE ROLE engine_caller_gate LOGIN IN ROLE engine_caller_one;
CREATE ROLE engine_caller_behind LOGIN NOINHERIT IN ROLE engine_caller_gate;
SELECT workflow_orch.grant_capability(r::regrole, c)
  FROM unnest(ARRAY['one', 'two', 'three', 'group', 'member', 'gate']) AS n, format('engine_caller_%s', n) AS r,
       unnest(ARRAY['propose', 'review', 'execute']) AS c;
SELECT workflow_orch.grant_capability('engine_caller_gate', 'gateway');

CREATE FUNCTION app.noop() RETURNS int LANGUAGE sql RETURN 1;
CALL tool('noop()');

SELECT workflow_orch.register_actor('One', 'Developer', 'engine_caller_one') AS one,
       workflow_orch.register_actor('Two', 'DBA', 'engine_caller_two') AS two,
       workflow_orch.register_actor('Group', 'DBA', 'engine_caller_group') AS "group" \gset
CREATE FUNCTION t.one() RETURNS bigint LANGUAGE sql RETURN :one;
CREATE FUNCTION t.two() RETURNS bigint LANGUAGE sql RETURN :two;
CREATE FUNCTION t.grp() RETURNS bigint LANGUAGE sql RETURN :group;

-- Proposes as an actor; null: whoever the session is.
CREATE FUNCTION t.propose_as(actor bigint) RETURNS bigint LANGUAGE sql AS $$
  SELECT proposal_id FROM workflow_orch.propose_action(workflow(), actor, 'noop', '{}', 'because')
$$;
CREATE FUNCTION t.review_as(proposal bigint, actor bigint, decision text DEFAULT 'approve') RETURNS text LANGUAGE sql AS $$
  SELECT status FROM workflow_orch.review_action(proposal, actor, decision,
                                                 CASE WHEN decision = 'edit' THEN '{}'::jsonb END)
$$;

-- Bound actors.
SELECT works_as('engine_caller_one', 'SELECT propose_as(one())', 'a role acts as the actor that is bound to it');
SELECT refused_as('engine_caller_two', 'SELECT propose_as(one())',
  format('{"sqlstate": "42501", "message": "role \"engine_caller_two\" may not act for actor %s", "detail": "%%engine_caller_one%%", "hint": "%%gateway%%"}', one())::jsonb,
  'another role does not act as a bound actor');
SELECT works_as('engine_caller_member', 'SELECT propose_as(grp())',
  'a member acts as the actor bound to a role, even one that does not inherit');
SELECT works_as('engine_caller_member', 'SELECT propose_as(grp())',
  'a member that has taken on the role acts as the actor', 'engine_caller_group');
SELECT current_setting('server_version_num')::int >= 160000 AS set_is_an_option \gset
\if :set_is_an_option
GRANT engine_caller_group TO engine_caller_member WITH SET FALSE, ADMIN TRUE;
SELECT refused_as('engine_caller_member', 'SELECT propose_as(grp())', '{"sqlstate": "42501", "hint": "%SET ROLE%"}',
  'a member that may not SET ROLE does not act as the actor');
SELECT workflow_orch.revoke_capability('engine_caller_member', c) FROM unnest(ARRAY['review', 'execute']) AS c;
SELECT is(value_as('engine_caller_member', 'SELECT count(*) FROM workflow_orch.actor WHERE name = ''Group'''), '0', 'nor sees it');
SELECT workflow_orch.grant_capability('engine_caller_member', c) FROM unnest(ARRAY['review', 'execute']) AS c;
GRANT engine_caller_group TO engine_caller_member WITH SET TRUE, ADMIN FALSE;
\endif
SELECT workflow_orch.register_actor('Member', 'DBA', 'engine_caller_member') AS member \gset
SELECT refused_as('engine_caller_member', format('SELECT propose_as(%s)', :member), '{"sqlstate": "42501"}',
  'who has taken on a role does not act as the actor of the login', 'engine_caller_group');
SELECT works_as('engine_caller_member', format('SELECT propose_as(%s)', :member), 'the login itself does');

-- Unbound actors and gateways.
SELECT refused_as('engine_caller_one', 'SELECT propose_as(ann())',
  '{"sqlstate": "42501", "detail": "%not bound%", "hint": "%update_actor%gateway%"}',
  'an unbound actor is not for everybody');
SELECT works_as('engine_caller_gate', 'SELECT propose_as(ann())', 'a gateway acts for an unbound actor');
SELECT works_as('engine_caller_gate', 'SELECT propose_as(two())', 'a gateway acts for an actor bound to another role');
SELECT refused_as('engine_caller_gate', 'SELECT propose_as(ann())', '{"sqlstate": "42501"}',
  'a gateway that has taken on another role is none', 'engine_caller_one');
SELECT works_as('engine_caller_gate', 'SELECT propose_as(one())',
  'a gateway that has taken on another role acts as that role''s actor', 'engine_caller_one');
SELECT refused_as('engine_caller_behind', 'SELECT propose_as(ann())', '{"sqlstate": "42501"}',
  'who could take on a gateway''s role is none yet');
SELECT works_as('engine_caller_behind', 'SELECT propose_as(ann())', 'who has taken on a gateway''s role is one',
  'engine_caller_gate');
SELECT lives_ok('SELECT propose_as(one())', 'a superuser is a gateway');
SELECT refused_as(current_user, 'SELECT propose_as(ann())', '{"sqlstate": "42501"}',
  'a superuser that has taken on another role is not', 'engine_caller_one');
SELECT refused_as('engine_caller_gate', 'SELECT propose_as(9223372036854775807)',
  '{"sqlstate": "42704", "message": "actor 9223372036854775807 does not exist", "hint": "%register_actor%"}',
  'an actor that does not exist is named');

-- whoami.
SELECT is(value_as('engine_caller_one', 'SELECT advice FROM workflow_orch.whoami()'), NULL, 'whoami has no advice for who lacks nothing');
CREATE ROLE engine_caller_unbound LOGIN;
SELECT workflow_orch.grant_capability('engine_caller_unbound', 'propose');
SELECT matches(value_as('engine_caller_unbound', 'SELECT advice FROM workflow_orch.whoami()'),
  'not exactly one active actor bound to role "engine_caller_unbound".*Ask an administrator for register_actor', 'it tells a role without an actor what to ask for');
SELECT is(value_as('engine_caller_one', 'SELECT row(db_role, login, actor_id, capabilities) FROM workflow_orch.whoami()'),
  format('(engine_caller_one,engine_caller_one,%s,"{propose,review,execute}")', one()),
  'whoami tells role, login, actor and capabilities');
SELECT is(value_as('engine_caller_gate', 'SELECT row(db_role, login, actor_id, capabilities) FROM workflow_orch.whoami()', 'engine_caller_one'),
  format('(engine_caller_one,engine_caller_gate,%s,"{propose,review,execute}")', one()),
  'whoami tells the role taken on, and what that can');
SELECT is(value_as('engine_caller_gate', 'SELECT row(actor_id, capabilities) FROM workflow_orch.whoami()'),
  '(,"{propose,review,execute,gateway}")', 'whoami tells that a gateway is nobody in particular');

-- No actor given.
SELECT value_as('engine_caller_one', 'SELECT propose_as(NULL)') AS made \gset
SELECT is((SELECT actor_id FROM workflow_orch.proposal WHERE proposal_id = :made), one(), 'without an actor it is the one bound to the role');
SELECT refused_as('engine_caller_three', 'SELECT propose_as(NULL)',
  '{"sqlstate": "22023", "message": "%actor_id%null%", "detail": "%engine_caller_three%", "hint": "%update_actor%"}',
  'without an actor and none bound to the role a proposal is refused');
SELECT workflow_orch.register_actor('One again', 'Developer', 'engine_caller_one') AS one_again \gset
SELECT refused_as('engine_caller_one', 'SELECT propose_as(NULL)', '{"sqlstate": "22023"}',
  'without an actor and two bound to the role a proposal is refused');
SELECT is(value_as('engine_caller_one', 'SELECT actor_id FROM workflow_orch.whoami()'), NULL,
  'whoami names none of two');
SELECT workflow_orch.update_actor(:one_again, active => false);
SELECT is(value_as('engine_caller_one', 'SELECT actor_id FROM workflow_orch.whoami()'), one()::text,
  'an inactive actor does not count among those bound to the role');
SELECT refused_as('engine_caller_three', 'SELECT review_as(1, NULL)', '{"sqlstate": "22023", "message": "%reviewer_id%"}',
  'a review without a reviewer is refused where none is bound to the role');
SELECT value_as('engine_caller_three', $$SELECT workflow_orch.start_workflow('nobody''s')$$) AS made \gset
SELECT is((SELECT row(w.actor_id, l.actor_id, l.login)::text
             FROM workflow_orch.workflow w JOIN workflow_orch.audit_log l USING (workflow_id) WHERE workflow_id = :made),
  '(,,engine_caller_three)', 'a workflow may be nobody''s in particular; the login is kept');
SELECT value_as('engine_caller_three', format('SELECT execution_id FROM workflow_orch.execute_action(%s)', approved('noop'))) AS made \gset
SELECT is((SELECT row(e.actor_id, l.actor_id, l.login)::text
             FROM workflow_orch.execution e JOIN workflow_orch.audit_log l USING (execution_id) WHERE execution_id = :made),
  '(,,engine_caller_three)', 'so may an execution');

-- Roles that are no longer the ones they were.
CREATE ROLE engine_caller_old LOGIN;
SELECT workflow_orch.grant_capability('engine_caller_old', 'propose');
SELECT workflow_orch.register_actor('Old', 'Developer', 'engine_caller_old') AS old \gset
CREATE FUNCTION t.old() RETURNS bigint LANGUAGE sql RETURN :old;
ALTER ROLE engine_caller_old RENAME TO engine_caller_new;
SELECT works_as('engine_caller_new', 'SELECT propose_as(old())', 'a role that was renamed acts as the actor that was bound to it');
CREATE ROLE engine_caller_old LOGIN;
SELECT workflow_orch.grant_capability('engine_caller_old', 'propose');
SELECT refused_as('engine_caller_old', 'SELECT propose_as(old())', '{"sqlstate": "42501", "detail": ""}',
  'another role that has taken the name does not act as the actor either');
SELECT refused_as('engine_caller_old', 'SELECT propose_as(NULL)', '{"sqlstate": "22023"}',
  'nor is that one found without an actor given');
SELECT workflow_orch.revoke_capability('engine_caller_new', 'propose');
DROP ROLE engine_caller_new;
SELECT refused_as('engine_caller_old', 'SELECT propose_as(old())', '{"sqlstate": "42501"}',
  'the actor of a dropped role is nobody''s');
SELECT lives_ok('SELECT propose_as(old())', 'but a gateway''s');

-- Inactive actors.
SELECT propose_as(one()) AS before, approved('noop') AS approved_before \gset
SELECT workflow_orch.update_actor(one(), active => false), workflow_orch.update_actor(bob(), active => false);
SELECT refused_as('engine_caller_one', 'SELECT propose_as(one())',
  format('{"sqlstate": "42501", "message": "actor %s is not active", "hint": "%%update_actor%%"}', one())::jsonb,
  'an inactive actor proposes nothing');
SELECT raises('SELECT propose_as(one())', '{"sqlstate": "42501"}', 'not through a gateway either');
SELECT raises(format('SELECT review_as(%s, bob())', :before), '{"sqlstate": "42501"}', 'an inactive actor reviews nothing');
SELECT raises(format('SELECT workflow_orch.withdraw_proposal(%s, one())', :before), '{"sqlstate": "42501"}',
  'an inactive actor withdraws nothing');
SELECT raises('SELECT workflow_orch.start_workflow(''w'', one())', '{"sqlstate": "42501"}', 'an inactive actor starts nothing');
SELECT raises(format('SELECT workflow_orch.execute_action(%s, bob())', :approved_before), '{"sqlstate": "42501"}',
  'an inactive actor executes nothing');
SELECT is(execute(:approved_before) -> 'success', 'true', 'the approval of an actor that is inactive since stands');
SELECT is(review_as(:before, cyd()), 'approved', 'the proposal of an actor that is inactive since can be approved');
SELECT workflow_orch.update_actor(one(), active => true), workflow_orch.update_actor(bob(), active => true);
SELECT works_as('engine_caller_one', 'SELECT propose_as(one())', 'an actor that is active again proposes');

-- Agents and services.
SELECT workflow_orch.register_actor('Bot', 'DBA', kind => 'agent') AS bot,
       workflow_orch.register_actor('Job', 'DBA', kind => 'service') AS job \gset
SELECT lives_ok(format('SELECT propose_as(%s)', id), kind || 's propose')
  FROM (VALUES (:bot, 'agent'), (:job, 'service')) AS v(id, kind);
SELECT raises(format('SELECT review_as(propose(''noop''), %s, %L)', id, decision),
  format('{"sqlstate": "42501", "message": "actor %s may not review", "detail": "%%%s%%", "hint": "%%agents_may_review%%"}', id, kind)::jsonb,
  format('actors of kind %s do not %s', kind, decision))
  FROM (VALUES (:bot, 'agent'), (:job, 'service')) AS v(id, kind), unnest(ARRAY['approve', 'reject', 'edit']) AS decision;
SELECT lives_ok(format('SELECT workflow_orch.execute_action(%s, %s)', approved('noop'), :bot), 'agents execute what is approved');
SELECT workflow_orch.set_policy(agents_may_review => true);
SELECT is(review_as(propose('noop'), :bot), 'approved', 'with agents_may_review an agent approves');
SELECT raises(format('SELECT review_as(propose_as(%s), %1$s)', :bot), '{"sqlstate": "42501"}', 'but not its own proposal');
SELECT workflow_orch.set_policy(agents_may_review => false);

-- Nobody reviews what they proposed.
SELECT raises(format('SELECT review_as(propose(''noop''), ann(), %L)', decision),
  '{"sqlstate": "42501", "message": "nobody may review their own proposal %", "hint": "Somebody else%"}',
  format('nobody may %s their own proposal', decision)) FROM unnest(ARRAY['approve', 'reject', 'edit']) AS decision;
SELECT is((SELECT count(*) FROM workflow_orch.review r JOIN workflow_orch.proposal p USING (proposal_id)
            WHERE r.reviewer_id = p.actor_id), 0::bigint, 'and no such review is written');

-- One person, two actors.
SELECT workflow_orch.register_actor('Eve', 'Developer', person => 'eve') AS eve,
       workflow_orch.register_actor('Eve too', 'DBA', person => 'eve') AS eve_too,
       workflow_orch.register_actor('Later Eve', 'DBA') AS later_eve,
       workflow_orch.register_actor('Two too', 'DBA', 'engine_caller_two') AS two_too \gset
SELECT raises(format('SELECT review_as(propose_as(%s), %s)', :eve, :eve_too),
  '{"sqlstate": "42501", "message": "nobody may review their own%", "detail": "%same person%. Both actors have the person \"eve\".", "hint": "Somebody else%update_actor%"}',
  'actors with the same person are one person');
SELECT raises(format('SELECT review_as(propose_as(two()), %s)', :two_too), '{"sqlstate": "42501", "message": "nobody may review their own%", "detail": "%same person%. Both actors are bound to the database role \"engine_caller_two\"."}',
  'actors bound to the same role are one person');
SELECT propose_as(:eve) AS eves \gset
SELECT workflow_orch.update_actor(:later_eve, person => 'eve');
SELECT raises(format('SELECT review_as(%s, %s)', :eves, :later_eve), '{"sqlstate": "42501"}',
  'an actor that has become the same person since may not review');
SELECT propose_as(cyd()) AS cyds \gset
SELECT workflow_orch.update_actor(cyd(), person => 'eve');
SELECT raises(format('SELECT review_as(%s, %s)', :cyds, :eve), '{"sqlstate": "42501"}',
  'nor when it was the proposer that has become the same');

CREATE ROLE engine_caller_left;
CREATE ROLE engine_caller_right;
CREATE ROLE engine_caller_both LOGIN NOINHERIT IN ROLE engine_caller_left, engine_caller_right;
SELECT workflow_orch.grant_capability(r, c) FROM unnest(ARRAY['engine_caller_left', 'engine_caller_right', 'engine_caller_both']::regrole[]) AS r,
       unnest(ARRAY['propose', 'review']) AS c;
SELECT workflow_orch.register_actor('Left', 'Developer', 'engine_caller_left') AS left,
       workflow_orch.register_actor('Right', 'DBA', 'engine_caller_right') AS right \gset
SELECT value_as('engine_caller_both', format('SELECT propose_as(%s)', :left), 'engine_caller_left') AS lefts \gset
SELECT refused_as('engine_caller_both', format('SELECT review_as(%s, %s)', :lefts, :right),
  '{"sqlstate": "42501", "message": "nobody may review their own%", "detail": "%same person%. Both actors act through the login \"engine_caller_both\".", "hint": "%grant_capability(''engine_caller_both'', ''gateway'')%"}',
  'who acts through one login as two actors is one person', 'engine_caller_right');
SELECT workflow_orch.set_policy(default_approvals => 2) \g /dev/null
SELECT propose('noop') AS needs_two \gset
SELECT value_as('engine_caller_both', format('SELECT review_as(%s, %s)', :needs_two, :left), 'engine_caller_left') \g /dev/null
SELECT refused_as('engine_caller_both', format('SELECT review_as(%s, %s)', :needs_two, :right),
  '{"sqlstate": "42501", "message": "an approval % would not count", "detail": "The same person%. Both actors act through the login \"engine_caller_both\".", "hint": "%gateway%"}',
  'nor approves twice', 'engine_caller_right');
SELECT workflow_orch.revoke_capability('engine_caller_both', c) FROM unnest(ARRAY['propose', 'review']) AS c;
SELECT workflow_orch.grant_capability('engine_caller_both', 'gateway');
SELECT value_as('engine_caller_both', format('SELECT propose_as(%s)', :left), 'engine_caller_left') AS pooled \gset
SELECT is(value_as('engine_caller_both', format('SELECT review_as(%s, %s)', :pooled, :right), 'engine_caller_right'), 'pending', 'a pool that is a gateway is no mark');
SELECT workflow_orch.set_policy(default_approvals => 1) \g /dev/null
SELECT is(value_as('engine_caller_gate', format('SELECT review_as(%s, %s)', value_as('engine_caller_gate', 'SELECT propose_as(ann())'), bob())),
  'approved', 'two people behind one gateway are two');

-- A gateway tells the role, a session of one's own the login: that is one mark.
CREATE ROLE engine_caller_dbas;
CREATE ROLE engine_caller_ada LOGIN IN ROLE engine_caller_dbas;
CREATE ROLE engine_caller_bea LOGIN IN ROLE engine_caller_dbas;
SELECT workflow_orch.grant_capability('engine_caller_dbas', c) FROM unnest(ARRAY['propose', 'review']) AS c;
SELECT workflow_orch.register_actor('Ada', 'Developer', 'engine_caller_ada') AS ada,
       workflow_orch.register_actor('DBAs', 'DBA', 'engine_caller_dbas') AS dbas \gset
SELECT value_as('engine_caller_gate', format('SELECT propose_as(%s)', :ada)) AS adas \gset
SELECT refused_as('engine_caller_ada', format('SELECT review_as(%s, %s)', :adas, :dbas),
  '{"sqlstate": "42501", "message": "nobody may review their own%"}',
  'who proposed through a gateway is the same person in a session of their own, as another actor');
SELECT refused_as('engine_caller_ada', format('SELECT review_as(%s, %s)', :adas, :dbas),
  '{"detail": "%One actor is bound to the database role \"engine_caller_ada\", and the other one acts through it as a login.", "hint": "%update_actor%"}', 'and the message says how');
SELECT is(value_as('engine_caller_bea', format('SELECT review_as(%s, %s)', :adas, :dbas)), 'approved',
  'another member of the group is somebody else');
SELECT value_as('engine_caller_ada', format('SELECT propose_as(%s)', :dbas)) AS adas \gset
SELECT refused_as('engine_caller_gate', format('SELECT review_as(%s, %s)', :adas, :ada),
  '{"sqlstate": "42501", "message": "nobody may review their own%"}', 'and the other way round');

SELECT workflow_orch.set_policy(default_approvals => 2);
SELECT propose('noop') AS needs_two \gset
SELECT is(value_as('engine_caller_gate', format('SELECT review_as(%s, %s)', :needs_two, :ada)), 'pending', 'an approval through a gateway');
SELECT refused_as('engine_caller_ada', format('SELECT review_as(%s, %s)', :needs_two, :dbas),
  '{"sqlstate": "42501", "detail": "The same person%"}', 'and one of their own session are one person''s');
SELECT is(value_as('engine_caller_bea', format('SELECT review_as(%s, %s)', :needs_two, :dbas)), 'approved', 'a colleague''s is another');
SELECT propose('noop') AS needs_two \gset
SELECT is(review_as(:needs_two, :eve), 'pending', 'where two must approve, one is not enough');
SELECT raises(format('SELECT review_as(%s, %s)', :needs_two, :eve), '{"sqlstate": "42710"}', 'nor the same actor twice');
SELECT raises(format('SELECT review_as(%s, %s)', :needs_two, :eve_too),
  '{"sqlstate": "42501", "detail": "The same person%", "hint": "Somebody else%"}', 'nor the same person as another actor');
SELECT is(review_as(:needs_two, bob()), 'approved', 'but somebody else');
SELECT is((SELECT array_agg(reviewer_id ORDER BY review_id) FROM workflow_orch.review WHERE proposal_id = :needs_two),
  ARRAY[:eve, bob()]::bigint[], 'and what was refused is not written');
SELECT workflow_orch.set_policy(default_approvals => 1);

-- Somebody's SECURITY DEFINER wrapper lends its right to call, not its owner.
CREATE ROLE engine_caller_owner LOGIN;
CREATE ROLE engine_caller_user LOGIN;
SELECT workflow_orch.grant_capability('engine_caller_owner', c)
  FROM unnest(ARRAY['propose', 'review', 'execute', 'audit', 'administer', 'gateway']) AS c;
SELECT workflow_orch.register_actor('Owner', 'DBA', 'engine_caller_owner') AS owner,
       workflow_orch.register_actor('User', 'Developer', 'engine_caller_user') AS user_actor \gset
CREATE FUNCTION app.wrapped_propose(actor bigint) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$
  SELECT proposal_id FROM workflow_orch.propose_action(1, actor, 'noop', '{}', 'wrapped')
$$;
CREATE FUNCTION app.wrapped(statement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  EXECUTE statement;
END
$$;
ALTER FUNCTION app.wrapped_propose OWNER TO engine_caller_owner;
ALTER FUNCTION app.wrapped OWNER TO engine_caller_owner;
SELECT value_as('engine_caller_user', format('SELECT app.wrapped_propose(%s)', :user_actor)) AS made \gset
SELECT is((SELECT row(p.actor_id, l.db_role, l.login)::text
             FROM workflow_orch.proposal p JOIN workflow_orch.audit_log l USING (proposal_id) WHERE proposal_id = :made),
  format('(%s,engine_caller_user,engine_caller_user)', :user_actor), 'through a wrapper one acts as oneself');
SELECT value_as('engine_caller_user', 'SELECT app.wrapped_propose(NULL)') AS made \gset
SELECT is((SELECT actor_id FROM workflow_orch.proposal WHERE proposal_id = :made), :user_actor::bigint, 'without an actor given too');
SELECT refused_as('engine_caller_user', format('SELECT app.wrapped_propose(%s)', :owner), '{"sqlstate": "42501"}',
  'a wrapper does not make one its owner''s actor');
SELECT refused_as('engine_caller_user', 'SELECT app.wrapped_propose(ann())', '{"sqlstate": "42501"}',
  'a wrapper does not make one a gateway, though its owner is one');
SELECT refused_as('engine_caller_user', format('SELECT app.wrapped(%L)', statement), '{"sqlstate": "42501"}',
  format('a wrapper does not lend: %s', what))
  FROM (VALUES ('the owner''s vote', format('SELECT review_as(propose(''noop''), %s)', :owner)),
               ('the owner''s audit log', 'SELECT workflow_orch.get_audit_log(1)'),
               ('the owner''s way to end any workflow', 'SELECT workflow_orch.cancel_workflow(workflow())'),
               ('the grant of gateway', 'SELECT workflow_orch.grant_capability(''engine_caller_user'', ''gateway'')'),
               ('the owner''s roles for tools', 'SELECT workflow_orch.register_tool(''stolen'', ''noop()'', run_as => ''engine_caller_owner'')')
       ) AS v(what, statement);
CREATE FUNCTION app.wrapped_by_superuser(statement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  EXECUTE statement;
END
$$;
SELECT refused_as('engine_caller_user', format('SELECT app.wrapped_by_superuser(%L)', statement), '{"sqlstate": "42501"}',
  format('nor does a superuser''s: %s', what))
  FROM (VALUES ('a gateway''s actors', 'SELECT propose_as(ann())'),
               ('a vote', 'SELECT review_as(propose_as(NULL), bob())'),
               ('the audit log', 'SELECT workflow_orch.get_audit_log(workflow())'),
               ('the way to end any workflow', 'SELECT workflow_orch.cancel_workflow(workflow())'),
               ('the grant of administer', 'SELECT workflow_orch.grant_capability(''engine_caller_user'', ''administer'')'),
               ('its roles for tools', 'SELECT workflow_orch.register_tool(''stolen'', ''noop()'', run_as => ''engine_caller_owner'')')
       ) AS v(what, statement);
SELECT refused_as('engine_caller_user', 'SELECT workflow_orch.start_workflow(''own'')',
  '{"sqlstate": "42501", "message": "permission denied%"}', 'without the wrapper there is no permission at all');

-- A tool acts as the role it runs as, never as who executes it.
SELECT workflow_orch.register_actor('Tool', 'Robot', tool_role(), kind => 'service') AS tool_actor \gset
SELECT workflow_orch.grant_capability(tool_role(), c) FROM unnest(ARRAY['propose', 'review']) AS c;
CREATE FUNCTION app.chain(actor bigint) RETURNS bigint LANGUAGE sql AS $$
  SELECT proposal_id FROM workflow_orch.propose_action(1, actor, 'noop', '{}', 'chained')
$$;
CALL tool('chain(bigint)');
SELECT output('chain', '{"actor": null}') AS made \gset
SELECT is((SELECT actor_id FROM workflow_orch.proposal WHERE proposal_id = :made), :tool_actor::bigint, 'a tool proposes as the actor of the role that it runs as');
SELECT is(output('chain', jsonb_build_object('actor', ann())) ->> 'sqlstate', '42501',
  'a tool does not propose for who executes it, a gateway''s though the session is');

-- Nor does the code of its arguments' types, which runs when a call is proposed.
SELECT workflow_orch.grant_capability('engine_caller_gate', 'audit'), workflow_orch.grant_capability(tool_role(), 'audit');
CREATE FUNCTION app.spies(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  seen text;
BEGIN
  EXECUTE query INTO seen;
  RAISE 'seen: %', seen;
END
$$;
CREATE DOMAIN app.spying AS text CHECK (app.spies(value));
CREATE FUNCTION app.spied(n app.spying) RETURNS int LANGUAGE sql RETURN 1;
SELECT workflow_orch.register_tool('spied', 'app.spied(app.spying)', run_as => tool_role());
SELECT refused_as('engine_caller_gate', format('SELECT propose(''spied'', %L)', jsonb_build_object('n', query)),
  '{"sqlstate": "22023", "message": "params do not fit tool \"spied\": % while params are converted"}',
  'code of a type cannot call the extension for who proposes: ' || query)
  FROM unnest(ARRAY['SELECT login FROM workflow_orch.whoami()', 'SELECT count(*) FROM workflow_orch.get_audit_log(1)',
                    'SELECT count(*) FROM workflow_orch.verify_audit_log()', 'SELECT workflow_orch.review_action(1, 2, ''approve'')']) AS query;
SELECT refused_as('engine_caller_gate', format('SELECT propose(''spied'', %L)', '{"n": "SELECT workflow_orch.propose_action(1, 1, ''noop'', ''{}'', ''r'')"}'),
  '{"sqlstate": "22023", "message": "%read-only transaction"}', 'nor propose');

-- What the audit log says of the caller.
SELECT propose('noop') AS seen \gset
SELECT is((SELECT row(login, db_role, backend_pid, transaction_id, application_name, client_addr)::text
             FROM workflow_orch.audit_log WHERE proposal_id = :seen),
  row(session_user, current_user, pg_backend_pid(), pg_current_xact_id(), current_setting('application_name'), inet_client_addr())::text,
  'the audit row has login, role, process, transaction, application and client');
SELECT value_as('engine_caller_member', 'SELECT propose_as(grp())', 'engine_caller_group') AS made \gset
SELECT is((SELECT row(login, db_role)::text FROM workflow_orch.audit_log WHERE proposal_id = :made),
  '(engine_caller_member,engine_caller_group)', 'the audit row tells the login from the role taken on');
SELECT alike((SELECT query FROM workflow_orch.audit_log WHERE proposal_id = :seen), '%propose(''noop'') AS seen%',
  'the audit row has the query that the client sent');

\ir include/finish.sql
