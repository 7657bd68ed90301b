-- Columns that somebody has added to the tables, and dropped again: the calls
-- leave them alone.
\set file store_table_columns
\ir include/fixture.sql

CREATE VIEW t.tables AS
  SELECT oid, relname::text AS name FROM pg_class WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r';
CREATE PROCEDURE t.alter_all(command text) LANGUAGE plpgsql AS $$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT t.name FROM tables t LOOP
    EXECUTE format('ALTER TABLE workflow_orch.%I %s', name, command);
  END LOOP;
END $$;

CREATE FUNCTION app.f(n int) RETURNS int LANGUAGE sql RETURN n;
CALL tool('app.f(int)');

-- Most of what is inserted and updated, in one round; what does not go right is an error.
CREATE FUNCTION t.round() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  name text := 'round ' || clock_timestamp();
  person bigint := workflow_orch.register_actor(name, 'DBA');
  rule bigint := workflow_orch.add_approval_rule('DBA', 1, 1, 'f');
  frozen bigint := workflow_orch.add_freeze('f', now() + '1 day', 'infinity');
  delegation bigint := workflow_orch.delegate_review(cyd(), person, now() + '1 day');
  edited bigint := propose('f', '{"n": 1}');
  revoked bigint := propose('f', '{"n": 2}');
  output text;
  withdrawn bigint := propose('f', '{"n": 3}');
BEGIN
  PERFORM workflow_orch.update_actor(person, role => 'Lead'), workflow_orch.set_policy(notify => false),
          workflow_orch.update_tool('f', description => name), workflow_orch.remove_approval_rule(rule),
          workflow_orch.remove_freeze(frozen), workflow_orch.end_delegation(delegation),
          workflow_orch.comment_proposal(edited, bob(), 'Hm');
  PERFORM workflow_orch.review_action(edited, bob(), 'edit', '{"n": 5}'), workflow_orch.review_action(revoked, bob(), 'approve');
  PERFORM workflow_orch.revoke_approval(revoked, bob()), workflow_orch.withdraw_proposal(withdrawn, ann());
  output := execute(edited) ->> 'output';
  RETURN concat_ws(' ', output,
                   (SELECT string_agg(status::text, ' ' ORDER BY proposal_id) FROM workflow_orch.proposal WHERE proposal_id IN (edited, revoked, withdrawn)),
                   (SELECT count(*) FROM workflow_orch.verify_audit_log()));
END $$;
SELECT is(round(), '5 executed pending withdrawn 0', 'the tables as they come');

CALL alter_all('ADD COLUMN extra int');
SELECT is(round(), '5 executed pending withdrawn 0', 'with a column added to each table');
SELECT is((SELECT count(*) FROM workflow_orch.proposal WHERE extra IS NOT NULL), 0::bigint, 'which stays null');
CALL alter_all('DROP COLUMN extra');
SELECT is(round(), '5 executed pending withdrawn 0', 'with the column dropped again');

CALL alter_all('ADD COLUMN made timestamptz NOT NULL DEFAULT clock_timestamp(), ADD COLUMN seen boolean DEFAULT false, ADD COLUMN ours int GENERATED ALWAYS AS (1 + 1) STORED');
SELECT is(round(), '5 executed pending withdrawn 0', 'with columns that have defaults');
SELECT is((SELECT count(*) FROM workflow_orch.proposal WHERE made > transaction_timestamp() AND NOT seen AND ours = 2), (SELECT count(*) FROM workflow_orch.proposal),
  'which get them');
SELECT is((SELECT count(*) FROM workflow_orch.audit_log WHERE made > transaction_timestamp() AND NOT seen AND ours = 2), (SELECT count(*) FROM workflow_orch.audit_log),
  'in the audit log too');
-- An update leaves what stands in them.
ALTER TABLE workflow_orch.actor ALTER COLUMN seen SET DEFAULT true;
SELECT workflow_orch.update_actor(ann(), person => 'Ann');
SELECT is((SELECT seen FROM workflow_orch.actor WHERE actor_id = ann()), false, 'an update leaves a column that it does not know as it is');
SELECT workflow_orch.register_actor('later', 'DBA') AS later \gset
SELECT is((SELECT seen FROM workflow_orch.actor WHERE actor_id = :later), true, 'an insert takes the default of now');

-- The code of a default is not ours, and may not write as ours does.
CREATE FUNCTION app.forge() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  UPDATE workflow_orch.actor SET role = 'Boss';
  RETURN 1;
END $$;
SELECT throws_ok('ALTER TABLE workflow_orch.audit_log ADD COLUMN forged int; ALTER TABLE workflow_orch.audit_log ALTER COLUMN forged SET DEFAULT app.forge();
                  SELECT workflow_orch.register_actor(''forged'', ''DBA'')', '42501', NULL, 'a default that writes to the tables is refused as any other writer');

-- Many of them.
DO $$
BEGIN
  FOR i IN 1 .. 40 LOOP
    CALL alter_all(format('ADD COLUMN more_%s text', i));
  END LOOP;
END $$;
SELECT is(round(), '5 executed pending withdrawn 0', 'with more columns than the library has of its own');
SELECT lives_ok('SELECT workflow_orch.cancel_workflow(workflow(), ann(), ''end'')', 'a workflow with them is cancelled');
SELECT is((SELECT count(*) FROM workflow_orch.proposal WHERE status = 'pending'), 0::bigint, 'with its proposals');

-- One that needs a value which nobody gives.
ALTER TABLE workflow_orch.actor ADD COLUMN needed int NOT NULL DEFAULT 1;
ALTER TABLE workflow_orch.actor ALTER COLUMN needed DROP DEFAULT;
SELECT raises('SELECT workflow_orch.register_actor(''new'', ''DBA'')',
  '{"sqlstate": "55000", "reason": "wfo_version_mismatch", "message": "column \"needed\" of table \"workflow_orch.actor\" needs a value and has no default",
    "detail": "The extension does not know the column.", "hint": "Allow nulls in the column, or give it a default."}', 'a column that needs a value is named');
ALTER TABLE workflow_orch.actor ALTER COLUMN needed SET DEFAULT 3;
SELECT workflow_orch.register_actor('new', 'DBA') AS new \gset
SELECT is((SELECT needed FROM workflow_orch.actor WHERE actor_id = :new), 3, 'a default is the way out');

\ir include/finish.sql
