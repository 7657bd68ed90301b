-- The built-in tools: calls of the extension itself, each under its own name after
-- that of the schema.  A dump leaves these rows out, since they are there wherever
-- the extension is.

INSERT INTO tool (tool, enabled, in_session, preview, dry_run_mode, max_attempts, rerun, preview_rows, group_size, function, search_path,
                  description, registered_at, built_in)
SELECT 'workflow_orch.' || p.proname, true, true, false, 'describe', 1, true, 0, 1, f.identity, 'pg_catalog, pg_temp',
       pg_catalog.obj_description(p.oid, 'pg_proc'), pg_catalog.now(), true
  FROM pg_catalog.pg_proc p
 CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0) f
 WHERE p.pronamespace = 'workflow_orch'::pg_catalog.regnamespace
   AND p.proname IN ('set_policy', 'add_approval_rule', 'remove_approval_rule', 'register_tool', 'update_tool', 'set_tool_enabled',
                     'register_actor', 'update_actor', 'grant_capability', 'revoke_capability', 'remove_freeze', 'delegate_review',
                     'resume_queue', 'release_hold', 'redact_proposal', 'redact_actor', 'purge_workflows', 'adopt_origin', 'new_origin', 'standing_approval')
 ORDER BY p.proname;
