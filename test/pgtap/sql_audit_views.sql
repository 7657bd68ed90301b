-- Views for auditors: lead times, reviewers, changes of the rules, break glass.
\set file sql_audit_views
\ir include/fixture.sql
\ir include/roles.sql
SET LOCAL client_min_messages = error;

CREATE ROLE sql_audit_views_auditor LOGIN;
CREATE ROLE sql_audit_views_admin LOGIN;
CREATE ROLE sql_audit_views_reviewer LOGIN;
SELECT workflow_orch.grant_capability('sql_audit_views_auditor', 'audit'), workflow_orch.grant_capability('sql_audit_views_admin', 'administer'),
       workflow_orch.grant_capability('sql_audit_views_reviewer', 'review') \g /dev/null
CREATE FUNCTION app.div(n int DEFAULT 1) RETURNS int LANGUAGE sql RETURN 1 / n;
CALL tool('div(int)');
CALL tool('div(int)', 'other');

-- Copies of one call, as a restore makes them: proposed around midnight of a Sunday,
-- approved g minutes later, started 2 g minutes after that.
SELECT approved('div') AS model \gset
SELECT execute(:model) ->> 'success' AS done \gset
CREATE FUNCTION t.copy(name text, own jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE (SELECT format('INSERT INTO workflow_orch.%1$I OVERRIDING SYSTEM VALUE SELECT %2$s FROM workflow_orch.%1$I t, generate_series(1, 10000) g WHERE t.proposal_id = %3$s',
                         name, string_agg(coalesce(own ->> a.attname, 't.' || quote_ident(a.attname)), ', ' ORDER BY a.attnum), own ->> 'model')
             FROM pg_attribute a WHERE a.attrelid = ('workflow_orch.' || name)::regclass AND a.attnum > 0 AND NOT a.attisdropped);
END
$$;
SELECT jsonb_build_object('model', :model, 'proposal_id', '100000 + g', 'review_id', '100000 + g', 'execution_id', '100000 + g', 'tool', '''old''',
                          'proposed_at', at, 'revised_at', at, 'created_at', at, 'reviewed_at', at || ' + interval ''1 min'' * g', 'started_at', at || ' + interval ''3 min'' * g') AS own
  FROM (VALUES ('(''2026-06-08 00:00+00''::timestamptz - interval ''1 min'' * (g % 2))')) v(at) \gset
SELECT t.copy(name, :'own') FROM unnest(ARRAY['proposal', 'proposal_revision', 'review', 'execution']) name \g /dev/null
ANALYZE workflow_orch.proposal, workflow_orch.proposal_revision, workflow_orch.review, workflow_orch.execution;

SELECT results_eq($$SELECT week, proposals, approved, approval_p50, executed, execution_p50 FROM workflow_orch.approval_lead_time WHERE tool = 'old' ORDER BY week$$,
  $$VALUES ('2026-06-01'::date, 5000::bigint, 5000::bigint, interval '5000 min', 5000::bigint, interval '10000 min'), ('2026-06-08'::date, 5000, 5000, interval '5001 min', 5000, interval '10002 min')$$,
  'lead times by the week of the proposal, in UTC');
SELECT is((SELECT approval_p95 FROM workflow_orch.approval_lead_time WHERE tool = 'old' AND week = '2026-06-01'), interval '9499 min 6 s', 'most are quicker than p95');
SET LOCAL TimeZone = 'Pacific/Kiritimati';
SELECT is((SELECT proposals FROM workflow_orch.approval_lead_time WHERE tool = 'old' AND week = '2026-06-08'), 5000::bigint, 'whatever the time zone of the session');
SET LOCAL TimeZone = 'UTC';

SELECT propose('other') AS waits, approved('other') AS taken_back, propose('other') AS broken, approved('other') AS edited \gset
SELECT workflow_orch.revoke_approval(:taken_back, :bob, 'no') \g /dev/null
SELECT execution_id AS broken_execution FROM workflow_orch.break_glass_execute(:broken, :cyd, 'fire') \gset
SELECT workflow_orch.review_action(:edited, :cyd, 'edit', '{"n": 5}') \g /dev/null
SELECT results_eq($$SELECT proposals, approved, approval_p50 < interval '1 min', executed, execution_p50 FROM workflow_orch.approval_lead_time WHERE tool = 'other'$$,
  $$VALUES (4::bigint, 1::bigint, true, 0::bigint, NULL::interval)$$, 'what waits, was taken back or ran without approvals has no approval');
SELECT workflow_orch.add_approval_rule(tool => 'other', approvals => 0, description => 'free') AS rule \gset
SELECT propose('other', '{"n": 7}') AS by_rule \gset
SELECT is((SELECT approved FROM workflow_orch.approval_lead_time WHERE tool = 'other'), 2::bigint, 'a rule approves at once');

-- bob has approved model, taken_back and edited just now, and the copies.
SELECT propose('div', '{"n": 2}') AS rejected, propose('div', '{"n": 3}') AS asked, propose('div', '{"n": 4}') AS delegated \gset
SELECT workflow_orch.review_action(:rejected, :cyd, 'reject'), workflow_orch.review_action(:asked, :cyd, 'request_changes', comment => 'why') \g /dev/null
SELECT workflow_orch.add_approval_rule(role => 'DBA', tool => 'div') AS dba_rule, workflow_orch.delegate_review(:bob, :cyd, '2099-01-01') AS delegation \gset
SELECT workflow_orch.review_action(propose('div', '{"n": 5}'), :cyd, 'approve') \g /dev/null
SELECT results_eq($$SELECT reviewer, decisions, approvals, edits, rejections, requests, revoked, within_5s, on_behalf, with_preview, last_at > now() FROM workflow_orch.decisions_by_reviewer ORDER BY reviewer$$,
  $$VALUES ('bob' COLLATE "C", 10003::bigint, 10003::bigint, 0::bigint, 0::bigint, 0::bigint, 1::bigint, 3::bigint, 0::bigint, 0::bigint, true), ('cyd', 4, 1, 1, 1, 1, 0, 4, 1, 0, true)$$,
  'decisions are counted by reviewer and kind; an edit is as quick as its editor was');

-- policy_change_log
SELECT workflow_orch.end_delegation(:delegation, :cyd), workflow_orch.remove_approval_rule(:rule), workflow_orch.set_policy(default_approvals => 2),
       workflow_orch.update_tool('other', description => 'new'), workflow_orch.update_actor(:cyd, role => 'Boss') \g /dev/null
SELECT workflow_orch.add_freeze('Christmas', '2098-12-24', '2098-12-27') AS freeze \gset
SELECT workflow_orch.remove_freeze(:freeze);
CREATE TABLE t.log AS SELECT * FROM workflow_orch.policy_change_log;
SELECT results_eq(format($$SELECT subject || ' ' || coalesce(object, '-') || ' ' || action FROM log WHERE audit_id > (SELECT audit_id FROM log WHERE action = 'add_approval_rule' ORDER BY audit_id LIMIT 1) ORDER BY audit_id$$),
  ARRAY['rule ' || :dba_rule || ' add_approval_rule', 'delegation ' || :delegation || ' delegate_review', 'delegation ' || :delegation || ' end_delegation', 'rule ' || :rule || ' remove_approval_rule',
        'policy - set_policy', 'tool other update_tool', 'actor cyd update_actor', 'freeze ' || :freeze || ' add_freeze', 'freeze ' || :freeze || ' remove_freeze'],
  'each change of the rules, with what it is about');
SELECT set_eq('SELECT DISTINCT object FROM log WHERE subject = ''capability''',
  ARRAY['administer sql_audit_views_admin', 'audit sql_audit_views_auditor', 'review sql_audit_views_reviewer'], 'capabilities with the role that got them');
SELECT is((SELECT row(login, proposal_id, proposed_by, approved_by, bypassed)::text FROM log WHERE action = 'set_policy'), format('(%s,,,,f)', session_user), 'made directly');
SELECT is((SELECT change #>> '{to,role}' FROM log WHERE action = 'update_actor'), 'Boss', 'with what was changed');
SELECT is_empty($$SELECT action FROM workflow_orch.audit_log WHERE workflow_id IS NULL AND action NOT IN ('follow_renamed_role', 'refused', 'refused_flood', 'continue_audit_log') EXCEPT SELECT action FROM log$$, 'nothing that belongs to no workflow is left out');

-- By the call of a built-in tool, and past the protection, as a restore brings the rows in.
INSERT INTO workflow_orch.audit_log (occurred_at, action, actor_id, proposal_id, login, details, db_role, application_name, backend_pid, transaction_id)
VALUES (now(), 'set_policy', :ann, :asked, 'ann', jsonb_build_object('authority', jsonb_build_object('proposed_by', :ann, 'approved_by', jsonb_build_array(:bob, :cyd)), 'to', '{}'::jsonb), 'ann', '', 1, '1'),
       (now(), 'set_policy', NULL, NULL, 'root', '{"direct": true, "to": {}}', 'root', '', 1, '1');
SELECT results_eq($$SELECT actor, proposal_id, proposed_by, approved_by, bypassed, change FROM workflow_orch.policy_change_log ORDER BY audit_id DESC LIMIT 2$$,
  format($$VALUES (NULL COLLATE "C", NULL::bigint, NULL::bigint, NULL::bigint[], true, '{"to": {}}'::jsonb), ('ann', %s, %s, ARRAY[%s, %s], false, '{"to": {}}')$$, :asked, :ann, :bob, :cyd),
  'an approved call is named with those who answer for it, and a change past the protection is marked');

-- break_glass_open
SELECT results_eq('SELECT execution_id, tool, params, actor, reason, status::text FROM workflow_orch.break_glass_open',
  format($$VALUES (%s::bigint, 'other' COLLATE "C", '{}'::jsonb, 'cyd' COLLATE "C", 'fire', 'succeeded')$$, :broken_execution), 'a break glass that nobody has reviewed');
SELECT workflow_orch.review_break_glass(:broken_execution, :bob, 'fine') \g /dev/null
SELECT is_empty('SELECT * FROM workflow_orch.break_glass_open', 'until somebody has');

-- Who reads them, and at which cost: no more than each table once or twice.
CREATE TABLE t.view AS SELECT unnest(ARRAY['approval_lead_time', 'decisions_by_reviewer', 'policy_change_log', 'break_glass_open', 'access']) AS name;
SELECT is(error_as(login, 'SELECT * FROM workflow_orch.' || name), NULL::jsonb, format('%s reads %s', login, name)) FROM view, unnest(ARRAY['sql_audit_views_auditor', 'sql_audit_views_admin']) AS login;
SELECT refused_as('sql_audit_views_reviewer', 'SELECT * FROM workflow_orch.' || name, '{"sqlstate": "42501"}', format('a reviewer does not read %s', name)) FROM view;
ANALYZE workflow_orch.audit_log, workflow_orch.break_glass;
SELECT cmp_ok((p ->> 'Shared Hit Blocks')::bigint + (p ->> 'Shared Read Blocks')::bigint, '<', 2 * (SELECT sum(pg_relation_size(c)) / 8192 FROM unnest(ARRAY['proposal', 'proposal_revision', 'review', 'revocation', 'execution', 'break_glass', 'audit_log', 'actor']) n, to_regclass('workflow_orch.' || n) c)::bigint,
  format('%s reads the tables as a whole, not a row at a time', name)) FROM view, plan_as('sql_audit_views_auditor', 'SELECT * FROM workflow_orch.' || name) p WHERE name <> 'access';

\ir include/finish.sql
