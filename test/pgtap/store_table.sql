-- The tables, types and functions as the catalogs have them, held against what
-- the C code takes for granted and against the house rules.
\set file store_table
\ir include/fixture.sql

CREATE VIEW t.tables AS
  SELECT oid, relname::text AS name FROM pg_class WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r';
CREATE VIEW t.functions AS
  SELECT p.*, oid::regprocedure::text AS signature FROM pg_proc p WHERE pronamespace = 'workflow_orch'::regnamespace;
-- What is in SQL is a report that the planner puts in place of its call.
CREATE VIEW t.calls AS SELECT * FROM functions WHERE prolang <> (SELECT oid FROM pg_language WHERE lanname = 'sql');

-- Columns are read and written by number: a swap of two of the same type would
-- not fail, so every column is filled and looked at by name.  What is not named
-- below is null.
CREATE FUNCTION t.fills(got jsonb, expected jsonb, description text) RETURNS text LANGUAGE sql AS $$
  SELECT is((SELECT jsonb_object_agg(key, value) FROM jsonb_each(got) WHERE value <> 'null'),
            (SELECT jsonb_object_agg(key, value) FROM jsonb_each(expected) WHERE value <> 'null'), description)
$$;
CREATE ROLE store_table_ann;
CREATE FUNCTION app.f(n int DEFAULT 7) RETURNS int LANGUAGE sql RETURN n;
SELECT workflow_orch.register_actor('Full', 'Role', 'store_table_ann', 'service', 'Person') AS full \gset
SELECT fills((SELECT to_jsonb(a) - 'registered_at' FROM workflow_orch.actor a WHERE actor_id = :full),
  jsonb_build_object('actor_id', :full, 'name', 'Full', 'role', 'Role', 'kind', 'service', 'active', true, 'db_role', 'store_table_ann',
                     'db_role_oid', 'store_table_ann'::regrole::oid::text, 'person', 'Person',
                     'home_system', (SELECT system_identifier FROM pg_control_system()), 'home_database', (SELECT oid::text FROM pg_database WHERE datname = current_database())),
  'register_actor fills the columns of actor');
SELECT workflow_orch.register_tool('f', 'app.f(int)', tool_role(), 'Description', '90 s', 3, true, true, 'rollback', max_rows => 7, preview_rows => 5, group_size => 6);
SELECT fills((SELECT to_jsonb(x) - 'registered_at' FROM workflow_orch.tool x WHERE NOT built_in),
  jsonb_build_object('tool', 'f', 'enabled', true, 'in_session', true, 'preview', true, 'dry_run_mode', 'rollback', 'max_attempts', 3, 'group_size', 6, 'rerun', true, 'built_in', false, 'definition', (SELECT sha256::text FROM workflow_orch.tool_definition WHERE tool = 'f'), 'max_rows', 7, 'preview_rows', 5, 'timeout', '00:01:30', 'function', 'app.f(integer)',
                     'run_as', :'tool_role', 'run_as_oid', tool_role()::oid::text, 'search_path', 'app, t, public, pg_temp',
                     'description', 'Description',
                     'home_system', (SELECT system_identifier FROM pg_control_system()), 'home_database', (SELECT oid::text FROM pg_database WHERE datname = current_database())), 'register_tool fills the columns of tool');
SELECT workflow_orch.set_policy(true, 2, true, true, '1 day', '2 days', '3 days', true);
SELECT fills((SELECT to_jsonb(p) - 'changed_at' FROM workflow_orch.policy p),
  '{"dry_run": true, "default_approvals": 2, "edit_needs_approval": true, "agents_may_review": true, "proposal_ttl": "1 day", "approval_ttl": "2 days",
    "default_timeout": "3 days", "notify": true, "protected": false, "singleton": true}', 'set_policy fills the columns of policy');
SELECT workflow_orch.set_policy(false, 1, false, false, '1 day', '2 days', '3 days', false);
SELECT fills((SELECT to_jsonb(p) FROM workflow_orch.set_policy() p),
  '{"dry_run": false, "default_approvals": 1, "edit_needs_approval": false, "agents_may_review": false, "proposal_ttl": "1 day", "approval_ttl": "2 days",
    "default_timeout": "3 days", "notify": false, "protected": false}', 'and returns them as they stand');
SELECT workflow_orch.start_workflow('Title', :full, true, '{"a": 1}') AS dry \gset
SELECT fills((SELECT to_jsonb(w) - 'started_at' FROM workflow_orch.workflow w WHERE workflow_id = :dry),
  jsonb_build_object('workflow_id', :dry, 'actor_id', :full, 'status', 'active', 'dry_run', true, 'title', 'Title', 'metadata', '{"a": 1}'::jsonb), 'start_workflow fills the columns of workflow');
SELECT proposal_id AS p FROM workflow_orch.propose_action(:dry, :full, 'f', '{"n": 1}', 'Reason', 'Key') \gset
SELECT fills((SELECT to_jsonb(p) - '{proposed_at,revised_at,status_at,expires_at,definition}'::text[] FROM workflow_orch.proposal p WHERE proposal_id = :p),
  jsonb_build_object('proposal_id', :p, 'workflow_id', :dry, 'actor_id', :full, 'status', 'pending', 'open', true, 'revision', 1, 'approvals', 0,
                     'required_approvals', 1, 'requirements', '[{"stage": 1, "role": null, "approvals": 1, "rules": []}]'::jsonb, 'stage', 1, 'revised_by', :full, 'proposer_may_review', false, 'execute_on_approval', false, 'status_by', :full, 'approval_ttl', '2 days',
                     'event', 'propose', 'tool', 'f', 'params', '{"n": 1}'::jsonb, 'reason', 'Reason', 'idempotency_key', 'Key',
                     'dry_run', true, 'person', 'Person', 'db_role', 'store_table_ann'), 'propose_action fills the columns of proposal');
SELECT is((SELECT expires_at - proposed_at FROM workflow_orch.proposal WHERE proposal_id = :p) BETWEEN '1 day' AND '1 day 1 min', true,
  'a proposal expires after proposal_ttl');
SELECT status FROM workflow_orch.review_action(:p, :bob, 'edit', '{"n": 2}', 'Comment', max_rows => 9) \gset
SELECT fills((SELECT to_jsonb(r) - '{created_at,approve_until,definition}'::text[] FROM workflow_orch.proposal_revision r WHERE proposal_id = :p AND revision = 2),
  jsonb_build_object('proposal_id', :p, 'reason', 'Reason', 'approval_ttl', '2 days', 'proposed_by', :full, 'revision', 2, 'actor_id', :bob, 'required_approvals', 1, 'requirements', '[{"stage": 1, "role": null, "approvals": 1, "rules": []}]'::jsonb, 'params', '{"n": 2}'::jsonb), 'an edit fills the columns of proposal_revision');
SELECT fills((SELECT to_jsonb(r) - '{review_id,reviewed_at}'::text[] FROM workflow_orch.review r WHERE proposal_id = :p),
  jsonb_build_object('proposal_id', :p, 'proposed_by', :full, 'workflow_id', :dry, 'revision', 2, 'reviewer_id', :bob, 'decision', 'edit', 'status', 'approved', 'counts', true, 'kind', 'human', 'role', 'DBA', 'comment', 'Comment', 'edits', '{"n": 2}'::jsonb, 'max_rows', 9, 'administers', false),
  'and the columns of review');
SELECT is((SELECT max_rows FROM workflow_orch.proposal WHERE proposal_id = :p), 9::bigint, 'and max_rows of proposal');
SELECT is((SELECT expires_at - status_at FROM workflow_orch.proposal WHERE proposal_id = :p) BETWEEN '2 days -1 min' AND '2 days 1 min', true,
  'an approval expires after approval_ttl');
SELECT execution_id AS e FROM workflow_orch.execute_action(:p, :full) \gset
SELECT fills((SELECT to_jsonb(e) - '{started_at,finished_at,result}'::text[] FROM workflow_orch.execution e WHERE execution_id = :e),
  jsonb_build_object('execution_id', :e, 'proposal_id', :p, 'proposed_by', :full, 'workflow_id', :dry, 'revision', 2, 'actor_id', :full, 'status', 'succeeded', 'dry_run', true,
                     'attempt', 1, 'login', session_user), 'execute_action fills the columns of execution');
SELECT is((SELECT started_at <= finished_at AND (result ->> 'executed_at')::timestamptz = started_at FROM workflow_orch.execution WHERE execution_id = :e), true,
  'its times are in order and those of the result');
SELECT workflow_orch.withdraw_proposal(:p, :full, 'Withdrawn');
SELECT is((SELECT row(status, open, status_by, status_reason, event, expires_at IS NULL OR NOT open)::text FROM workflow_orch.proposal WHERE proposal_id = :p),
  format('(withdrawn,f,%s,Withdrawn,withdraw,t)', :full), 'withdraw_proposal fills the columns that say what became of a proposal');
SELECT workflow_orch.cancel_workflow(:dry, :full, 'Ended');
SELECT is((SELECT row(status, ended_by, end_reason, ended_at >= started_at)::text FROM workflow_orch.workflow WHERE workflow_id = :dry),
  format('(cancelled,%s,Ended,t)', :full), 'cancel_workflow fills the columns that say how a workflow ended');
SELECT is((SELECT string_agg(action || ':' || coalesce(actor_id::text, '-') || ':' || (proposal_id IS NOT NULL) || ':' || (execution_id IS NOT NULL), ' ' ORDER BY audit_id)
             FROM workflow_orch.audit_log WHERE workflow_id = :dry),
  format('start_workflow:%1$s:false:false propose_action:%1$s:true:false review_action:%2$s:true:false execute_action:%1$s:true:true withdraw_proposal:%1$s:true:false cancel_workflow:%1$s:false:false', :full, :bob),
  'each call has its audit row, with actor and ids');
SELECT is((SELECT count(*) FROM workflow_orch.audit_log WHERE workflow_id = :dry AND occurred_at BETWEEN transaction_timestamp() AND clock_timestamp()
            AND jsonb_typeof(details) = 'object' AND query LIKE '%' AND application_name = current_setting('application_name')), 6::bigint,
  'and each has its time, details, query and application');
SELECT is((SELECT array_agg(to_jsonb(l) #- '{details,params}') FROM workflow_orch.get_audit_log(:dry) l),
  (SELECT array_agg(to_jsonb(l) - '{workflow_id,db_role,application_name,client_addr,backend_pid,transaction_id,query,authenticated_login}'::text[] ORDER BY audit_id)
     FROM workflow_orch.audit_log l WHERE workflow_id = :dry), 'get_audit_log gives the columns that it names');
SELECT is((SELECT array_agg(pg_typeof(login)::text || pg_typeof(occurred_at) || pg_typeof(audit_id)) FROM workflow_orch.get_audit_log(:dry) LIMIT 1) IS NOT NULL, true,
  'get_audit_log gives values of the types that it names');
SELECT is((SELECT login FROM workflow_orch.get_audit_log(:dry) GROUP BY login), session_user, 'and a login that compares with a name');

-- The labels of the types are those of the C code.
SELECT is_empty($$
  SELECT object, s FROM workflow_orch.transitions(), unnest(ARRAY[from_status, to_status]) s
  EXCEPT SELECT replace(typname, '_status', ''), enumlabel FROM pg_enum JOIN pg_type t ON t.oid = enumtypid
          WHERE typnamespace = 'workflow_orch'::regnamespace$$, 'each status that transitions() names is a label of its type');
SELECT is(error_of(format('SELECT workflow_orch.register_actor(''x'', ''r'', kind => ''?'')')) ->> 'hint',
  format('Kinds are %s.', array_to_string(enum_range(NULL::workflow_orch.actor_kind), ', ')), 'the kinds of actors are those of their type');
SELECT is(error_of(format('SELECT workflow_orch.review_action(%s, %s, ''?'')', :p, :bob)) ->> 'hint',
  format('Decisions are %s.', array_to_string(enum_range(NULL::workflow_orch.review_decision), ', ')), 'the decisions are those of their type');

-- House rules.
SELECT is_empty('SELECT signature FROM functions WHERE obj_description(oid, ''pg_proc'') IS NULL', 'every function has a comment');
SELECT is_empty($$SELECT typname FROM pg_type WHERE typnamespace = 'workflow_orch'::regnamespace AND typtype = 'e' AND obj_description(oid, 'pg_type') IS NULL$$,
  'every type has a comment');
SELECT isnt((SELECT obj_description(oid, 'pg_extension') FROM pg_extension WHERE extname = 'workflow_orch'), NULL, 'the extension has a comment');
SELECT is_empty($$SELECT name FROM pg_settings WHERE name LIKE 'workflow_orch.%' AND (short_desc IS NULL OR short_desc !~ '^(Sets|Shows) .*\.$')$$,
  'every setting says what it sets or shows');
SELECT is_empty($$SELECT signature FROM functions WHERE proisstrict AND prorettype <> 'internal'::regtype$$, 'no function is STRICT: a NULL is an error, not a NULL');
SELECT results_eq($$SELECT signature FROM calls WHERE provolatile <> 'v' ORDER BY 1$$,
  $$VALUES ('workflow_orch.count_rebound_approvals(bigint)'), ('workflow_orch.may_read(oid,bigint)'), ('workflow_orch.tool_change(text,bytea)'), ('workflow_orch.tool_check(text)'), ('workflow_orch.tool_max_rows(text,bytea)')$$, 'every call is volatile, but what policies and views ask of each row');
SELECT is_empty($$SELECT signature FROM functions WHERE proparallel <> 'u' AND signature <> 'workflow_orch.may_read(oid,bigint)'$$, 'every function but that of the policies is parallel unsafe');
SELECT is_empty($$SELECT signature FROM calls WHERE prolang <> (SELECT oid FROM pg_language WHERE lanname = 'c')$$, 'every call is in C');
SELECT is_empty($$SELECT signature FROM functions WHERE prolang <> ALL (SELECT oid FROM pg_language WHERE lanname IN ('c', 'sql')) OR (prosqlbody IS NULL) = (signature IN (SELECT signature FROM functions EXCEPT SELECT signature FROM calls)) AND coalesce(proconfig::text, '') !~ 'search_path' AND signature !~ '\.(report|evidence)_'$$,
  'what is in SQL has a parsed body, which no search_path changes, or a search_path of its own');
SELECT is_empty($$SELECT signature FROM functions WHERE prosecdef$$, 'no function is SECURITY DEFINER');
SELECT is_empty($$SELECT signature FROM calls WHERE probin <> '$libdir/workflow_orch' OR prosrc <> 'wfo_' || proname$$,
  'every call is in the library, under its name');
SELECT is_empty($$SELECT proname FROM functions GROUP BY proname HAVING count(*) > 1$$, 'no name has two functions');
SELECT is_empty($$SELECT relname FROM pg_class WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'v' AND relname IN (SELECT proname FROM functions)$$,
  'no view has the name of a function');
SELECT is_empty($$SELECT signature, a FROM functions, unnest(proargnames) a WHERE a IS NULL OR a = ''$$, 'every argument has a name');
SELECT is_empty($$SELECT signature, t::regtype FROM functions, unnest(coalesce(proallargtypes, proargtypes::oid[])) t
                   WHERE signature !~ '\.report_' AND t::regtype::text IN ('integer', 'smallint', 'json', 'character varying', 'timestamp without time zone', 'workflow_orch.review_decision', 'workflow_orch.actor_kind')$$,
  'numbers are bigint, times timestamptz, documents jsonb, and labels go in as text');
SELECT is_empty($$SELECT name, attname, format_type(atttypid, atttypmod) FROM tables JOIN pg_attribute ON attrelid = oid
                   WHERE attnum > 0 AND atttypid::regtype::text LIKE 'reg%'$$, 'no column has a type that stops pg_upgrade or a restore');
SELECT is_empty($$SELECT name FROM tables WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = tables.oid AND contype = 'p')$$, 'every table has a primary key');
SELECT is_empty($$SELECT c.relname FROM pg_class c WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind IN ('r', 'S')
                   AND c.oid <> ALL ((SELECT extconfig FROM pg_extension WHERE extname = 'workflow_orch')::oid[])$$, 'pg_dump saves every table and sequence');
SELECT is_empty($$SELECT c.relname FROM pg_class c JOIN pg_index ON indexrelid = c.oid WHERE relnamespace = 'workflow_orch'::regnamespace AND NOT indisvalid$$,
  'every index is valid');
SELECT throws_ok('ALTER TABLE workflow_orch.actor DROP COLUMN person CASCADE; SELECT workflow_orch.whoami()',
  '55000', NULL, 'a table that is not of the library''s version is refused and not misread');
SELECT throws_ok('ALTER TABLE workflow_orch.actor DROP COLUMN person CASCADE, ADD COLUMN person text; SELECT workflow_orch.whoami()',
  '55000', NULL, 'nor is one with a column of the same name in another place');

\ir include/finish.sql
