-- Fills the extension's tables for the part of the benchmark about large ones:
-- :finished finished and :pending pending proposals with their rows, by plain
-- INSERTs as a restore makes them, all copies of two that the calls made.  Of each thousand proposals one is volume_proposer's, who may only
-- propose.  Workflow :large has a twentieth of the finished ones and one
-- pending proposal, the others have a hundred each.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'volume_proposer') AS first \gset
\if :first
CREATE ROLE volume_proposer LOGIN;
CREATE ROLE volume_reviewer LOGIN;
CREATE ROLE volume_admin LOGIN;
\endif
SELECT workflow_orch.grant_capability('volume_proposer', 'propose'), workflow_orch.grant_capability('volume_reviewer', 'review'),
       workflow_orch.grant_capability('volume_reviewer', 'execute'), workflow_orch.grant_capability('volume_admin', 'administer');
SELECT workflow_orch.register_actor('Volume ' || r, 'DBA', ('volume_' || r)::regrole)
  FROM unnest(ARRAY['reviewer', 'admin', 'proposer']) AS r;
SELECT actor_id AS proposer FROM workflow_orch.actor WHERE name = 'Volume proposer' \gset
SELECT workflow_orch.register_actor('volume agent ' || g, 'Agent', kind => 'agent') FROM generate_series(1, 1000) g;
SELECT min(actor_id) AS agent FROM workflow_orch.actor WHERE name LIKE 'volume agent %' \gset
SELECT workflow_id AS large FROM workflow_orch.start_workflow('Large', :proposer) AS w(workflow_id) \gset
SELECT max(workflow_orch.start_workflow('Volume ' || g, :agent)) AS last_workflow FROM generate_series(1, greatest(10, :finished / 100)) g \gset

-- The two models.
SELECT proposal_id AS done FROM workflow_orch.propose_action(:large, :agent, 'echo', '{"a": {"n": 1}}', 'bench') \gset
SELECT workflow_orch.review_action(:done, (SELECT actor_id FROM workflow_orch.actor WHERE name = 'human1'), 'approve');
SELECT workflow_orch.execute_action(:done, :agent);
SELECT proposal_id AS wait FROM workflow_orch.propose_action(:large, :agent, 'echo', '{"a": {"n": 1}}', 'bench') \gset

-- The copies, and what they have of their own.
CREATE TEMP TABLE made AS
SELECT :wait + g AS id, g, CASE WHEN g <= :finished THEN :done ELSE :wait END AS model,
       CASE WHEN g % 20 = 0 AND g <= :finished THEN :large ELSE :large + 1 + g / 100 % (:last_workflow - :large) END AS workflow_id,
       CASE WHEN g % 1000 = 0 THEN :proposer ELSE :agent + g % 1000 END AS actor_id,
       jsonb_build_object('a', jsonb_build_object('n', g)) AS params,
       now() - (:finished + :pending - g) * interval '20 s' AS at
  FROM generate_series(1, :finished + :pending) g;
SELECT min(audit_id) AS first_audit, max(audit_id) AS last_audit FROM workflow_orch.audit_log WHERE proposal_id IN (:done, :wait) \gset
SELECT format('INSERT INTO workflow_orch.%1$I OVERRIDING SYSTEM VALUE SELECT %2$s FROM workflow_orch.%1$I t JOIN made m ON m.model = t.proposal_id ORDER BY m.id',
              c.relname, string_agg(coalesce(own.value, 't.' || quote_ident(a.attname)), ', ' ORDER BY a.attnum))
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN (VALUES ('proposal_id', 'm.id'), ('review_id', 'm.id'), ('execution_id', 'CASE WHEN t.execution_id IS NOT NULL THEN m.id END'),
               ('audit_id', format('t.audit_id + 10 * (m.g + %s)', :last_audit - :first_audit)), ('workflow_id', 'm.workflow_id'),
               ('proposed_by', 'm.actor_id'), ('actor_id', 'CASE WHEN t.actor_id = '||:agent||' THEN m.actor_id ELSE t.actor_id END'), ('params', 'm.params'), ('proposed_at', 'm.at'), ('created_at', 'm.at'),
               ('revised_at', 'm.at'), ('reviewed_at', 'm.at'), ('started_at', 'm.at'), ('finished_at', 'm.at'),
               ('status_at', 'm.at'), ('occurred_at', 'm.at')) AS own(name, value)
    ON own.name = a.attname
 WHERE c.relnamespace = 'workflow_orch'::regnamespace AND c.relkind = 'r'
   AND c.relname IN ('proposal', 'proposal_revision', 'review', 'execution', 'audit_log')
 GROUP BY c.relname \gexec
SELECT setval(pg_get_serial_sequence('workflow_orch.' || t, c), :last_audit + 11 * (:finished + :pending + :last_audit))
  FROM (VALUES ('proposal', 'proposal_id'), ('review', 'review_id'), ('execution', 'execution_id'),
               ('audit_log', 'audit_id')) v(t, c);
CREATE TABLE bench.volume AS
  SELECT :large::bigint AS large, (SELECT max(proposal_id) FROM workflow_orch.proposal WHERE actor_id = :proposer) AS own, :agent::bigint AS agent;
-- A workflow with :n pending proposals of its own.
CREATE FUNCTION bench.gather(n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  w bigint := workflow_orch.start_workflow('Gathered');
BEGIN
  PERFORM workflow_orch.propose_action(w, (SELECT agent FROM bench.volume), 'echo', jsonb_build_object('a', jsonb_build_object('n', g)), 'bench')
     FROM generate_series(1, n) g;
  RETURN w;
END $$;
GRANT USAGE ON SCHEMA bench TO volume_proposer, volume_reviewer, volume_admin;
GRANT SELECT ON bench.volume TO volume_proposer, volume_reviewer, volume_admin;
VACUUM ANALYZE;
CHECKPOINT;
