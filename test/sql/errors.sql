-- The texts of the errors: message, detail and hint of those that people meet.
-- VERBOSITY verbose would show source lines, so the SQLSTATE is printed apart.
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
\set code '\\echo SQLSTATE :LAST_ERROR_SQLSTATE'
SET client_min_messages = warning;
CREATE ROLE errors_tool;
CREATE ROLE errors_person LOGIN;
CREATE ROLE errors_other;
CREATE SCHEMA errors;
CREATE FUNCTION errors.add_column(name text, size int DEFAULT 8) RETURNS text LANGUAGE sql RETURN name || size;
CREATE FUNCTION errors.strict(n int) RETURNS int LANGUAGE sql STRICT RETURN 1 / n;
CREATE FUNCTION errors.unnamed(int) RETURNS int LANGUAGE sql RETURN $1;
CREATE FUNCTION errors.any(a anyelement) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE errors.proc(a int) LANGUAGE sql AS 'SELECT 1';
GRANT USAGE ON SCHEMA errors TO PUBLIC;
SELECT workflow_orch.register_actor('dev', 'Developer') AS dev, workflow_orch.register_actor('dba', 'DBA') AS dba,
       workflow_orch.register_actor('bot', 'Agent', kind => 'agent') AS bot,
       workflow_orch.register_actor('person', 'Developer', 'errors_person') AS person \gset
SELECT workflow_orch.register_tool('add_column', 'errors.add_column(text,int)', 'errors_tool'), workflow_orch.register_tool('strict', 'errors.strict(int)', 'errors_tool');
SELECT workflow_orch.start_workflow('Work', :dev) AS work, workflow_orch.start_workflow('Done', :dev) AS done \gset
SELECT workflow_orch.complete_workflow(:done, :dev);
SELECT proposal_id AS p FROM workflow_orch.propose_action(:work, :dev, 'add_column', '{"name": "a"}', 'why', 'key') \gset
SELECT proposal_id AS q FROM workflow_orch.propose_action(:work, :dev, 'strict', '{"n": 0}', 'why') \gset
SELECT workflow_orch.grant_capability(r::regrole, c) FROM unnest(ARRAY['errors_person', 'errors_other']) r, unnest(ARRAY['propose', 'review', 'execute']) c;

\echo === 22023
SELECT workflow_orch.start_workflow(NULL);
:code
SELECT workflow_orch.start_workflow('  ');
SELECT workflow_orch.start_workflow('t', metadata => '[1]');
SELECT workflow_orch.register_actor('x', 'r', kind => 'robot');
SELECT workflow_orch.review_action(:p, :dba, 'maybe');
SELECT workflow_orch.review_action(:p, :dba, 'approve', '{}');
SELECT workflow_orch.review_action(:p, :dba, 'edit');
SELECT workflow_orch.review_action(:p, :dba, 'edit', '{"name": "a"}');
SELECT workflow_orch.propose_action(:work, :dev, 'add_column', '{}', 'why');
SELECT workflow_orch.propose_action(:work, :dev, 'add_column', '{"name": "a", "sise": 1}', 'why');
SELECT workflow_orch.propose_action(:work, :dev, 'add_column', '{"name": "a", "size": "big"}', 'why');
SELECT workflow_orch.propose_action(:work, :dev, 'strict', '{"n": null}', 'why');
SELECT workflow_orch.propose_action(:work, NULL, 'strict', '{"n": 1}', 'why');
SELECT workflow_orch.register_tool('x', 'errors.unnamed(int)', 'errors_tool');
SELECT workflow_orch.register_tool('x', 'errors.any(anyelement)', 'errors_tool');
SELECT workflow_orch.register_tool('x', 'errors.proc(int)', 'errors_tool');
SELECT workflow_orch.register_tool('x', 'pg_catalog.count("any")', 'errors_tool');
SELECT workflow_orch.register_tool('x', 'errors.strict(int)', 'errors_tool', max_attempts => 0);
SELECT workflow_orch.set_policy(default_approvals => 0);
SELECT workflow_orch.set_policy(proposal_ttl => '-1 s');
SELECT workflow_orch.set_policy(proposal_ttl => '1001 years');
SELECT workflow_orch.grant_capability('errors_tool', 'fly');

\echo === 42704
SELECT workflow_orch.start_workflow('t', 4711);
:code
SELECT workflow_orch.propose_action(4711, :dev, 'strict', '{"n": 1}', 'why');
SELECT workflow_orch.propose_action(:work, :dev, 'no such', '{}', 'why');
SELECT workflow_orch.review_action(4711, :dba, 'approve');
SELECT workflow_orch.execute_action(4711);

\echo === 55000
SELECT workflow_orch.execute_action(:p);
:code
SELECT workflow_orch.retry_action(:p);
SELECT workflow_orch.review_action(:p, :dba, 'approve', expected_revision => 3);
SELECT workflow_orch.complete_workflow(:work, :dev);
SELECT workflow_orch.propose_action(:done, :dev, 'strict', '{"n": 1}', 'why');
SELECT workflow_orch.cancel_workflow(:done, :dev);
SELECT status FROM workflow_orch.review_action(:p, :dba, 'approve');
SELECT workflow_orch.review_action(:p, :dba, 'approve');
SELECT workflow_orch.set_tool_enabled('add_column', false);
SELECT workflow_orch.execute_action(:p);
SELECT workflow_orch.set_tool_enabled('add_column', true);
SELECT workflow_orch.update_tool('add_column', in_session => false);
SELECT workflow_orch.execute_action(:p);
SELECT workflow_orch.update_tool('add_column', in_session => true, timeout => '1 s');
SELECT workflow_orch.execute_action(:p);
CREATE OR REPLACE FUNCTION errors.strict(n int) RETURNS int LANGUAGE sql RETURN 2 / n;
SELECT workflow_orch.review_action(:q, :dba, 'approve');
SELECT status FROM workflow_orch.review_action(:q, :dba, 'edit', '{}');
SELECT result -> 'success' FROM workflow_orch.execute_action(:q);
SELECT workflow_orch.execute_action(:q);
SELECT workflow_orch.review_action(:q, :dba, 'edit', '{}');
SELECT status FROM workflow_orch.withdraw_proposal(:q, :dev) status;
SELECT workflow_orch.withdraw_proposal(:q, :dev);
SELECT workflow_orch.execute_action(:q);
ALTER FUNCTION errors.add_column RENAME TO was_add_column;
SELECT workflow_orch.execute_action(:p);
UPDATE workflow_orch.proposal SET status = 'executed' WHERE proposal_id = :q;
UPDATE workflow_orch.proposal SET status = 'rejected' WHERE proposal_id = :p;
UPDATE workflow_orch.proposal SET params = '{}' WHERE proposal_id = :p;
ALTER FUNCTION errors.was_add_column RENAME TO add_column;

\echo === 42501
SELECT proposal_id AS r FROM workflow_orch.propose_action(:work, :dev, 'strict', '{"n": 1}', 'why') \gset
SELECT workflow_orch.review_action(:r, :dev, 'approve');
:code
SELECT workflow_orch.review_action(:r, :bot, 'approve');
SELECT workflow_orch.withdraw_proposal(:r, :dba);
SELECT workflow_orch.register_tool('x', 'errors.strict(int)');
SELECT workflow_orch.register_tool('x', 'workflow_orch.whoami()', 'errors_tool');
UPDATE workflow_orch.audit_log SET action = 'nothing';
DELETE FROM workflow_orch.review;
TRUNCATE workflow_orch.audit_log;
UPDATE workflow_orch.proposal SET status = 'executed' WHERE proposal_id = :p;
SELECT workflow_orch.update_actor(:bot, active => false);
SELECT workflow_orch.start_workflow('t', :bot);
SET ROLE errors_other;
SELECT workflow_orch.start_workflow('t', :person);
SELECT workflow_orch.start_workflow('t', :dev);
SELECT workflow_orch.get_audit_log(:work);
SELECT workflow_orch.cancel_workflow(:work);
SELECT workflow_orch.set_policy(dry_run => true);
RESET ROLE;
SELECT workflow_orch.grant_capability('errors_other', 'administer');
SET ROLE errors_other;
SELECT workflow_orch.grant_capability('errors_other', 'gateway');
SELECT workflow_orch.register_tool('x', 'errors.strict(int)', 'errors_tool');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION errors.strict FROM PUBLIC;
SELECT workflow_orch.register_tool('x', 'errors.strict(int)', 'errors_tool');

\echo === 42710
SELECT workflow_orch.register_actor('dev', 'r');
:code
GRANT EXECUTE ON FUNCTION errors.strict TO PUBLIC;
SELECT workflow_orch.register_tool('strict', 'errors.strict(int)', 'errors_tool');
SELECT workflow_orch.propose_action(:work, :dev, 'add_column', '{"name": "b"}', 'why', 'key');
SELECT default_approvals FROM workflow_orch.set_policy(default_approvals => 2);
SELECT proposal_id AS s FROM workflow_orch.propose_action(:work, :dev, 'strict', '{"n": 1}', 'why') \gset
SELECT status FROM workflow_orch.review_action(:s, :dba, 'approve');
SELECT workflow_orch.review_action(:s, :dba, 'reject');

\echo === 54000
SELECT workflow_orch.propose_action(:work, :dev, 'add_column', jsonb_build_object('name', repeat('x', 1100000)), 'why');
:code
SELECT workflow_orch.register_actor(repeat('x', 2000), 'r');
SET workflow_orch.max_open_proposals = 1;
SELECT workflow_orch.propose_action(:work, :dev, 'strict', '{"n": 1}', 'why');
RESET workflow_orch.max_open_proposals;

\echo === 25006
BEGIN READ ONLY;
SELECT workflow_orch.execute_action(:p);
:code
ROLLBACK;

\echo === In a result
SELECT default_approvals FROM workflow_orch.set_policy(default_approvals => 1);
SELECT proposal_id AS t FROM workflow_orch.propose_action(:work, :dev, 'strict', '{"n": 0}', 'why') \gset
SELECT status, final_tool_call FROM workflow_orch.review_action(:t, :dba, 'approve');
SELECT result - 'executed_at' - 'duration_ms' FROM workflow_orch.execute_action(:t);
SELECT dry_run FROM workflow_orch.set_policy(dry_run => true);
SELECT workflow_orch.retry_action(:t);
SELECT result - 'executed_at' - 'duration_ms' FROM workflow_orch.execute_action(:t);

DROP EXTENSION workflow_orch;
DROP SCHEMA errors CASCADE;
DROP ROLE errors_tool, errors_person, errors_other;
CREATE EXTENSION workflow_orch;
