-- Freezes: times in which nothing executes.
\set file engine_freeze
\ir include/fixture.sql
\ir include/roles.sql

CREATE FUNCTION app.work(n int DEFAULT 1) RETURNS int LANGUAGE sql RETURN n;
CALL tool('work(int)');
CALL tool('work(int)', 'other');
SELECT approved('work') AS p, approved('other') AS o \gset

-- What a call is refused with; null: it runs.  Undone each time.
CREATE FUNCTION t.attempt(proposal bigint) RETURNS jsonb LANGUAGE sql AS $$
  SELECT attempt(format('SELECT workflow_orch.execute_action(%s)', proposal))
$$;

SELECT is(attempt(:p), NULL::jsonb, 'without a freeze an approved call runs');
SELECT workflow_orch.add_freeze('Year end', clock_timestamp() - interval '1 min', '2099-12-31 12:00+00') AS f \gset
SELECT is((SELECT to_jsonb(x) - '{starts_at,added_at}'::text[] FROM workflow_orch.freeze_window x),
  jsonb_build_object('freeze_id', :f, 'title', 'Year end', 'ends_at', '2099-12-31T12:00:00+00:00'::timestamptz, 'tool', NULL,
                     'added_by', NULL, 'removed_at', NULL, 'removed_by', NULL), 'add_freeze fills the columns of freeze_window');
SELECT is_error(attempt(:p), format('{"sqlstate": "55000", "message": "tool \"work\" is frozen",
    "detail": "Freeze %s, \"Year end\", lasts until 2099-12-31 %%", "hint": "%%remove_freeze%%"}', :f)::jsonb,
  'in a freeze nothing executes, and the detail says until when');
SELECT is_error(attempt(:o), '{"sqlstate": "55000"}', 'whatever the tool');
SELECT dry_run FROM workflow_orch.set_policy(dry_run => true) \gset
SELECT is_error(attempt(:p), '{"sqlstate": "55000"}', 'dry or not');
SELECT dry_run FROM workflow_orch.set_policy(dry_run => false) \gset
SELECT is(status(approved('work')), 'approved', 'calls are proposed and approved all the same');
SELECT is((SELECT count(*) FROM workflow_orch.execution), 0::bigint, 'and nothing was written');
SELECT is((SELECT jsonb_build_object('action', action, 'details', details - 'starts_at') FROM workflow_orch.audit_log ORDER BY audit_id DESC OFFSET 4 LIMIT 1),
  jsonb_build_object('action', 'add_freeze', 'details', jsonb_build_object('freeze_id', :f, 'title', 'Year end', 'tool', NULL,
    'ends_at', '2099-12-31T12:00:00+00:00'::timestamptz)), 'add_freeze is recorded with the freeze');

SELECT workflow_orch.remove_freeze(:f);
SELECT is(attempt(:p), NULL::jsonb, 'once it is removed calls run again');
SELECT isnt((SELECT removed_at FROM workflow_orch.freeze_window WHERE freeze_id = :f), NULL, 'its row stays, and says when that was');
SELECT is((SELECT action || (details ->> 'title') FROM workflow_orch.audit_log ORDER BY audit_id DESC LIMIT 1), 'remove_freezeYear end', 'remove_freeze is recorded');
SELECT raises(format('SELECT workflow_orch.remove_freeze(%s)', :f), format('{"sqlstate": "55000", "message": "freeze %s has already been removed"}', :f)::jsonb,
  'a freeze is removed once');
SELECT raises('UPDATE workflow_orch.freeze_window SET removed_at = NULL', '{"sqlstate": "55000", "message": "row % has ended and cannot be changed"}', 'and does not come back');
SELECT raises('UPDATE workflow_orch.freeze_window SET ends_at = ''infinity''', '{"sqlstate": "55000", "message": "column \"ends_at\"%cannot be changed"}', 'nor does its span change');

-- One tool.
SELECT workflow_orch.add_freeze('Work only', '-infinity', 'infinity', 'work') AS f \gset
SELECT is_error(attempt(:p), '{"sqlstate": "55000", "detail": "%lasts until infinity."}', 'a freeze of a tool holds for its calls');
SELECT is(attempt(:o), NULL::jsonb, 'and for no others');
SELECT workflow_orch.add_freeze('Short', clock_timestamp(), clock_timestamp() + interval '1 hour');
SELECT is_error(attempt(:p), '{"detail": "%Work only%"}', 'of several the one that ends last is named');
SELECT workflow_orch.remove_freeze(:f);
SELECT is_error(attempt(:p), '{"detail": "%Short%"}', 'and when that is gone the other');
SELECT workflow_orch.remove_freeze(max(freeze_id)) FROM workflow_orch.freeze_window;

-- The clock is the real one, not the transaction's.
SELECT workflow_orch.add_freeze('Later', clock_timestamp() + interval '1 hour', clock_timestamp() + interval '2 hours');
SELECT is(attempt(:p), NULL::jsonb, 'a freeze that has not begun stops nothing');
SELECT workflow_orch.add_freeze('Soon over', clock_timestamp(), clock_timestamp() + interval '300 ms');
SELECT is_error(attempt(:p), '{"sqlstate": "55000"}', 'a freeze holds at once, inside a transaction');
SELECT pg_sleep(0.35);
SELECT is(attempt(:p), NULL::jsonb, 'and ends in it too');
SELECT workflow_orch.add_freeze('Begins in a moment', clock_timestamp() + interval '200 ms', 'infinity', 'work') AS f \gset
SELECT is(attempt(:p), NULL::jsonb, 'until it begins a call runs');
SELECT pg_sleep(0.25);
SELECT is_error(attempt(:p), '{"sqlstate": "55000"}', 'and then it does not');
SAVEPOINT here;
SELECT workflow_orch.remove_freeze(:f);
ROLLBACK TO here;
SELECT is_error(attempt(:p), '{"sqlstate": "55000"}', 'a removal that is rolled back has removed nothing');
SELECT workflow_orch.remove_freeze(:f);

-- Bad input.
SELECT raises(call, expected, what) FROM (VALUES
  ('SELECT workflow_orch.add_freeze(''x'', ''2030-01-02'', ''2030-01-01'')', '{"sqlstate": "22023", "message": "a freeze must end after it begins", "hint": "%ends_at%"}'::jsonb,
   'a freeze that ends before it begins is refused'),
  ('SELECT workflow_orch.add_freeze(''x'', ''2030-01-01'', ''2030-01-01'')', '{"sqlstate": "22023"}', 'so is one of no length'),
  ('SELECT workflow_orch.add_freeze(''x'', ''2030-01-02'', ''2030-01-01'', ''no such'')', '{"sqlstate": "22023"}', 'before its tool is looked for'),
  ('SELECT workflow_orch.add_freeze(''x'', ''2030-01-01'', ''2030-01-02'', ''no such'')', '{"sqlstate": "42704", "message": "tool \"no such\" does not exist"}', 'a freeze of an unknown tool is refused'),
  ('SELECT workflow_orch.remove_freeze(0)', '{"sqlstate": "42704", "message": "freeze 0 does not exist"}', 'a freeze that does not exist is not removed')) AS v(call, expected, what);

-- Who may.
CREATE ROLE engine_freeze_admin LOGIN;
CREATE ROLE engine_freeze_other LOGIN;
SELECT workflow_orch.grant_capability('engine_freeze_admin', 'administer');
SELECT workflow_orch.grant_capability('engine_freeze_other', c) FROM unnest(ARRAY['propose', 'review', 'execute', 'audit']) AS c;
SELECT workflow_orch.register_actor('admin', 'Admin', 'engine_freeze_admin') AS admin \gset
SELECT works_as('engine_freeze_admin', 'SELECT workflow_orch.add_freeze(''Mine'', now(), ''infinity'')', 'an administrator adds a freeze');
SELECT is((SELECT added_by FROM workflow_orch.freeze_window WHERE title = 'Mine'), :admin::bigint, 'which says who added it');
SELECT refused_as('engine_freeze_other', format('SELECT workflow_orch.%s', call), '{"sqlstate": "42501"}', 'nobody else calls ' || call)
  FROM unnest(ARRAY['add_freeze(''x'', now(), ''infinity'')', 'remove_freeze(1)']) AS call;
SELECT works_as('engine_freeze_admin', 'SELECT workflow_orch.remove_freeze(freeze_id) FROM workflow_orch.freeze_window WHERE title = ''Mine''', 'and an administrator removes it');
SELECT is((SELECT removed_by FROM workflow_orch.freeze_window WHERE title = 'Mine'), :admin::bigint, 'which it says as well');

\ir include/finish.sql
