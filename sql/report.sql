-- workflow_report: a workflow as one page of HTML.
--
-- The page is made with SQL's XML functions, which escape what people wrote.  Its
-- text passes report_text, which shows characters that XML forbids or that hide or
-- reorder others, and shortens what is long.  Rows are joined as arrays: xmlagg
-- copies all that it has for each row.  An element that is not void has content,
-- because <td/> opens a cell in HTML.
--
-- Only workflow_report is to be called.
-- Its search_path holds for them.  The planner plans a function anew for each call of
-- another that calls it, so those that are called often call none that it does not put
-- in place.  They are strings, and not BEGIN ATOMIC: a server
-- without libxml refuses XML functions as soon as it parses them.

CREATE FUNCTION report_check(workflow_id bigint)
RETURNS boolean LANGUAGE c AS 'MODULE_PATHNAME', 'wfo_report_check';
COMMENT ON FUNCTION report_check IS
  'Checks for workflow_report that the workflow exists and that the server has XML; returns true. Errors: 22023, 42704, 0A000 the server is built without libxml.';

CREATE FUNCTION report_excerpt(value text, most integer, start integer, quote text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT quote
         || (SELECT string_agg(CASE WHEN c.letter !~ '[\u0001-\u0008\u000b-\u001f\u007f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff\U000e0000-\U000e007f]'
                                    THEN c.letter
                                    ELSE format('[U+%s]', lpad(h.code, greatest(4, length(h.code)), '0')) END, '' ORDER BY c.n)
               FROM string_to_table(replace(substr(value, start, most), E'\r\n', E'\n'), NULL) WITH ORDINALITY AS c(letter, n),
                    LATERAL (SELECT upper(to_hex(ascii(c.letter)))) h(code))
         || quote
         || CASE WHEN length(value) > most OR start > 1
                 THEN format(E'\n[Shortened: characters %s to %s of %s. SHA-256 of the whole: %s]', start,
                             least(start + most - 1, length(value)), length(value),
                             encode(sha256(convert_to(value, 'UTF8')), 'hex')) ELSE '' END
$$;
COMMENT ON FUNCTION report_excerpt IS 'Does for report_text what a text needs that cannot stand on the page of workflow_report as it is.';

-- The planner puts the body in place of the call.
CREATE FUNCTION report_text(value text, most integer DEFAULT 2000, start integer DEFAULT 1, quote text DEFAULT '')
RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN start = 1 AND length(value) <= most
                   AND value !~ '[\u0001-\u0008\u000b-\u001f\u007f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff\U000e0000-\U000e007f]'
              THEN quote || value || quote
              WHEN value IS NOT NULL THEN report_excerpt(value, most, start, quote) END
$$;
COMMENT ON FUNCTION report_text IS
  'Makes a text fit for the page of workflow_report: characters that XML forbids, or that hide or reorder others, are shown by their numbers. Of a long text it shows most characters from start on, with the SHA-256 of the whole.';

CREATE FUNCTION report_time(at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN isfinite(at) THEN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') WHEN at IS NOT NULL THEN 'no end' END
$$;
COMMENT ON FUNCTION report_time IS 'Writes a time for workflow_report, in UTC.';

CREATE FUNCTION report_duration(duration interval) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN s < 1 THEN round(s * 1000, 1) || ' ms'
              WHEN s < 60 THEN round(s, 1) || ' s'
              WHEN s < 3600 THEN div(s, 60) || ' min ' || trunc(mod(s, 60)) || ' s'
              WHEN s < 86400 THEN div(s, 3600) || ' h ' || div(mod(s, 3600), 60) || ' min'
              ELSE div(s, 86400) || ' d ' || div(mod(s, 86400), 3600) || ' h' END
    FROM extract(epoch FROM duration) e(s)
$$;
COMMENT ON FUNCTION report_duration IS 'Writes a length of time for workflow_report.';

CREATE FUNCTION report_actor(id bigint, on_behalf_of bigint DEFAULT NULL) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN id IS NULL THEN 'no particular actor'
              ELSE format('%s (%s)', coalesce((SELECT report_text(a.name, 200) FROM actor a WHERE a.actor_id = id), 'actor'), id) END
         || CASE WHEN on_behalf_of IS NOT NULL THEN ' in the place of ' || report_actor(on_behalf_of) ELSE '' END
$$;
COMMENT ON FUNCTION report_actor IS 'Names an actor for workflow_report, and the actor in whose place they acted.';

CREATE FUNCTION report_ids(ids bigint[]) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT array_to_string(ids[:20], ', ') || CASE WHEN cardinality(ids) > 20 THEN format(' and %s more', cardinality(ids) - 20) ELSE '' END
$$;
COMMENT ON FUNCTION report_ids IS 'Lists ids for workflow_report.';

CREATE FUNCTION report_row(VARIADIC cells text[]) RETURNS xml LANGUAGE sql STABLE AS $$
  SELECT xmlelement(name tr, xmlattributes(CASE WHEN max(length(c.cell)) > 600 THEN 'tall' END AS class), xmlagg(xmlelement(name td, xmlattributes(CASE WHEN c.cell ~ '\S{25}' THEN 'long' END AS class),
                                          coalesce(nullif(c.cell, ''), '-')) ORDER BY c.n))
    FROM unnest(cells) WITH ORDINALITY AS c(cell, n)
$$;
COMMENT ON FUNCTION report_row IS 'Makes a row of a table for workflow_report.';

CREATE FUNCTION report_table(head text[], rows xml[]) RETURNS xml LANGUAGE sql STABLE AS $$
  SELECT xmlelement(name div, xmlattributes('wide' AS class), xmlelement(name table,
           xmlelement(name thead, xmlelement(name tr, (SELECT xmlagg(xmlelement(name th, h.title) ORDER BY h.n)
                                                         FROM unnest(head) WITH ORDINALITY AS h(title, n)))),
           xmlelement(name tbody, xmlparse(CONTENT array_to_string(rows, E'\n')))))
   WHERE cardinality(rows) > 0
$$;
COMMENT ON FUNCTION report_table IS 'Makes a table for workflow_report; NULL if there are no rows.';

CREATE FUNCTION report_facts(VARIADIC facts text[]) RETURNS xml LANGUAGE sql STABLE AS $$
  SELECT xmlelement(name dl, xmlagg(xmlconcat(xmlelement(name dt, facts[n]), xmlelement(name dd, facts[n + 1])) ORDER BY n))
    FROM generate_series(1, cardinality(facts), 2) n
   WHERE facts[n + 1] <> ''
$$;
COMMENT ON FUNCTION report_facts IS 'Makes a list for workflow_report, of labels each followed by its value; those without a value are left out.';

CREATE FUNCTION report_part(title text, content xml) RETURNS xml LANGUAGE sql STABLE AS $$
  SELECT xmlelement(name div, xmlattributes('part' AS class), xmlelement(name h3, title), content) WHERE content IS NOT NULL
$$;
COMMENT ON FUNCTION report_part IS 'Makes a part with a heading for workflow_report; NULL if it has no content.';

CREATE FUNCTION report_needs(requirements jsonb) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce(string_agg(format('stage %s: %s %s (%s)', r.stage, r.approvals,
                                    coalesce(report_text(r.role, 200), 'of anybody who may review') || CASE WHEN r.administer THEN ' who administers' ELSE '' END,
                                    CASE WHEN coalesce(jsonb_array_length(r.rules), 0) = 0 THEN 'policy'
                                         ELSE 'rule ' || (SELECT string_agg(i.id, ', ') FROM jsonb_array_elements_text(r.rules) i(id)) END), '; ' ORDER BY n),
                  'nobody''s approval')
    FROM jsonb_array_elements(requirements) WITH ORDINALITY AS e(value, n),
         jsonb_to_record(e.value) AS r(stage bigint, role text, approvals bigint, rules jsonb, administer boolean)
$$;
COMMENT ON FUNCTION report_needs IS 'Writes for workflow_report which approvals a revision needs.';

CREATE FUNCTION report_common(a text, b text) RETURNS integer LANGUAGE sql STABLE AS $$
  WITH RECURSIVE search(low, high) AS (
    SELECT 0, least(length(a), length(b))
    UNION ALL
    SELECT CASE WHEN same THEN middle ELSE low END, CASE WHEN same THEN high ELSE middle - 1 END
      FROM search,
           LATERAL (SELECT (low + high + 1) / 2) m(middle), LATERAL (SELECT left(a, middle) = left(b, middle)) l(same)
     WHERE high - low > 200
  )
  SELECT max(low) FROM search
$$;
COMMENT ON FUNCTION report_common IS 'Counts for workflow_report the characters that two texts begin with alike, or up to 200 fewer.';

CREATE FUNCTION report_value(value jsonb, start integer DEFAULT 1) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT report_text(value #>> '{}', start => start, quote => CASE jsonb_typeof(value) WHEN 'string' THEN '"' ELSE '' END)
$$;
COMMENT ON FUNCTION report_value IS 'Writes a value of the params for workflow_report.';

CREATE FUNCTION report_result(result jsonb) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT nullif(concat_ws(E'\n',
    CASE WHEN result ->> 'may_have_happened' = 'true' THEN 'The call may have happened: it was started and has no end.' END,
    (SELECT report_text(concat_ws(E'\n', format('Error %s: %s', e ->> 'sqlstate', e ->> 'message'), e ->> 'detail', 'Hint: ' || (e ->> 'hint'),
                                  'Context: ' || (e ->> 'context')), 1500) FROM (SELECT result -> 'error') x(e) WHERE jsonb_typeof(e) = 'object'),
    report_text(result ->> 'message', 1500),
    'Output: ' || report_text((result -> 'output')::text, 1500),
    'Rows changed: ' || (result ->> 'rows_changed'),
    (SELECT string_agg(report_text(t ->> 'table', 200)
                       || CASE WHEN t ->> 'counted' = 'false' THEN ': changed, rows not counted'
                               ELSE format(': %s inserted, %s updated, %s deleted', t ->> 'inserted', t ->> 'updated', t ->> 'deleted') END
                       || CASE WHEN t ->> 'truncated' = 'true' THEN ', truncated' ELSE '' END, E'\n' ORDER BY n)
       FROM jsonb_array_elements(CASE jsonb_typeof(result -> 'tables') WHEN 'array' THEN result -> 'tables' END) WITH ORDINALITY AS x(t, n)),
    CASE WHEN result ->> 'catalogs_changed' = 'true' THEN 'It changed the schema.' END), '')
$$;
COMMENT ON FUNCTION report_result IS 'Writes for workflow_report what came of a preview or an execution.';

CREATE FUNCTION report_revisions(id bigint, OUT proposal_id bigint, OUT part xml) RETURNS SETOF record LANGUAGE sql STABLE AS $$
  WITH r AS MATERIALIZED (
    SELECT v.*, lag(v.params) OVER w AS params_before, lag(v.definition) OVER w AS definition_before, lag(v.reason) OVER w AS reason_before,
           count(*) OVER (PARTITION BY v.proposal_id) AS revisions
      FROM proposal p JOIN proposal_revision v USING (proposal_id)
     WHERE p.workflow_id = id WINDOW w AS (PARTITION BY v.proposal_id ORDER BY v.revision)
  ), member AS (
    SELECT r.proposal_id, r.revision, m.key, m.before, m.after,
           CASE WHEN length(m.before #>> '{}') > 2000 OR length(m.after #>> '{}') > 2000
                THEN greatest(1, report_common(m.before #>> '{}', m.after #>> '{}') - 100) ELSE 1 END AS start
      FROM r, LATERAL (SELECT key, o.value AS before, n.value AS after
                         FROM jsonb_each(r.params_before) o FULL JOIN jsonb_each(r.params) n USING (key)) m
     WHERE r.revision = 1 OR m.before IS DISTINCT FROM m.after
  ), params AS (
    SELECT m.proposal_id, m.revision,
           report_table(CASE WHEN m.revision = 1 THEN ARRAY['Param', 'Value'] ELSE ARRAY['Param', 'Before', 'After'] END,
             array_agg(CASE WHEN m.revision = 1 THEN report_row(report_text(key, 200), report_value(m.after))
                            ELSE report_row(report_text(key, 200), coalesce(report_value(m.before, m.start), 'not given'),
                                            coalesce(report_value(m.after, m.start), 'not given')) END ORDER BY key)) AS content
      FROM member m GROUP BY m.proposal_id, m.revision
  )
  SELECT r.proposal_id, xmlagg(report_part(format('Revision %s, by %s', r.revision, report_actor(r.actor_id)), xmlconcat(
           report_facts(
             'Written', CASE WHEN r.revision > 1 THEN report_time(r.created_at) || coalesce(' through login ' || report_text(r.login, 100), ' through a gateway')
                        || coalesce(', database role ' || report_text(r.db_role, 100), '') END,
             'Reason', CASE WHEN r.reason = r.reason_before THEN 'as before' WHEN r.revisions > 1 THEN report_text(r.reason) END,
             'Needs', report_needs(r.requirements),
             'To be approved by', report_time(r.approve_until),
             'Tool', 'definition ' || encode(substr(r.definition, 1, 8), 'hex')
                     || CASE WHEN r.definition <> r.definition_before THEN ', which has changed since the revision before' ELSE '' END,
             'Params', CASE WHEN r.params = r.params_before THEN 'those of the revision before' WHEN r.params = '{}' THEN 'none' END),
           p.content)) ORDER BY r.revision)
    FROM r LEFT JOIN params p USING (proposal_id, revision)
   GROUP BY r.proposal_id
$$;
COMMENT ON FUNCTION report_revisions IS 'Describes for workflow_report the revisions of each proposal of a workflow, each against the one before.';

CREATE FUNCTION report_decisions(id bigint, OUT proposal_id bigint, OUT part xml) RETURNS SETOF record LANGUAGE sql STABLE AS $$
  SELECT r.proposal_id, report_part('Decisions', report_table('{When,Who,In the role,Through,Decision,Revision,Comment}',
    array_agg(report_row(
      report_time(r.reviewed_at) || format(E'\n%s after the revision', report_duration(r.reviewed_at - w.created_at)),
      report_actor(r.reviewer_id, r.on_behalf_of),
      report_text(r.role, 200),
      concat_ws(', ', coalesce(report_text(r.login, 100), 'a gateway'), 'database role ' || report_text(r.db_role, 100)),
      concat_ws(E'\n', replace(r.decision::text, '_', ' '), 'stage ' || r.stage,
                CASE WHEN r.decision IN ('approve', 'edit') AND NOT r.counts THEN 'counts as no approval' END,
                'for at most ' || r.max_rows || ' rows', 'preview ' || r.preview_id || ' attached'),
      r.revision::text,
      concat_ws(E'\n', report_text(r.comment),
                CASE WHEN v.review_id IS NOT NULL
                     THEN format('%s on %s by %s%s', CASE WHEN v.follows IS NULL THEN 'Taken back' ELSE 'Voided with an approval of an earlier stage' END,
                                 report_time(v.revoked_at), report_actor(v.actor_id), coalesce(': ' || report_text(v.reason), '')) END))
      ORDER BY r.review_id)))
    FROM proposal p
    JOIN review r USING (proposal_id)
    LEFT JOIN revocation v USING (review_id)
    LEFT JOIN proposal_revision w ON w.proposal_id = r.proposal_id
                                 AND w.revision = r.revision - CASE WHEN r.decision = 'edit' THEN 1 ELSE 0 END
   WHERE p.workflow_id = id
   GROUP BY r.proposal_id
$$;
COMMENT ON FUNCTION report_decisions IS 'Lists for workflow_report the decisions on each proposal of a workflow.';

CREATE FUNCTION report_runs(id bigint, OUT proposal_id bigint, OUT n integer, OUT part xml) RETURNS SETOF record LANGUAGE sql STABLE AS $$
  WITH p AS MATERIALIZED (
    SELECT o.proposal_id FROM proposal o WHERE o.workflow_id = id
  )
  SELECT c.proposal_id, 1, report_part('Comments', report_table('{When,Who,Revision,Comment}',
           array_agg(report_row(report_time(c.commented_at), report_actor(c.actor_id), c.revision::text, report_text(c.comment)) ORDER BY c.comment_id)))
    FROM p JOIN proposal_comment c USING (proposal_id) GROUP BY c.proposal_id
  UNION ALL
  SELECT v.proposal_id, 2, report_part('Previews', report_table('{Preview,When,For,Revision,What it would have done}',
           array_agg(report_row(v.preview_id::text, report_time(v.previewed_at), report_actor(v.actor_id), v.revision::text, report_result(v.preview))
                     ORDER BY v.preview_id)))
    FROM p JOIN preview v USING (proposal_id) GROUP BY v.proposal_id
  UNION ALL
  SELECT e.proposal_id, 3, report_part('Executions', report_table('{Execution,Asked for by,Status,Revision,Started,What came of it}',
           array_agg(report_row(e.execution_id::text, report_actor(e.actor_id) || coalesce(', login ' || report_text(e.login, 100), ''),
                       concat_ws(E'\n', e.status::text, CASE WHEN e.dry_run THEN 'dry run' END,
                                 CASE WHEN b.execution_id IS NOT NULL THEN 'break glass' END,
                                 CASE WHEN e.attempt > 1 THEN e.attempt || ' attempts' END),
                       e.revision::text,
                       concat_ws(E'\n', report_time(e.started_at), 'took ' || report_duration(e.finished_at - e.started_at),
                                 'queued for ' || report_time(e.queued_at)),
                       concat_ws(E'\n', report_result(e.result),
                                 CASE WHEN e.status = 'cancelled'
                                      THEN 'Cancelled by ' || report_actor(e.ended_by) || coalesce(': ' || report_text(e.end_reason), '') END))
                     ORDER BY e.execution_id)))
    FROM p JOIN execution e USING (proposal_id)
    LEFT JOIN break_glass b ON b.proposal_id = e.proposal_id AND b.execution_id = e.execution_id GROUP BY e.proposal_id
  UNION ALL
  SELECT b.proposal_id, 4, xmlagg(report_part('Break glass: executed without the approvals', report_facts(
           'By', report_actor(b.actor_id) || coalesce(', login ' || report_text(b.login, 100), ', through a gateway'),
           'When', report_time(b.broken_at), 'Why', report_text(b.reason),
           'Freeze', (SELECT format('%s: %s', f.freeze_id, report_text(f.title, 200)) FROM freeze_window f WHERE f.freeze_id = b.freeze_id),
           'Reviewed', CASE WHEN b.reviewed_at IS NULL THEN 'by nobody yet' ELSE format('%s by %s', report_time(b.reviewed_at), report_actor(b.reviewer_id)) END,
           'Comment', report_text(b.comment))) ORDER BY b.execution_id)
    FROM p JOIN break_glass b USING (proposal_id) GROUP BY b.proposal_id
  UNION ALL
  SELECT e.proposal_id, 5, report_part('Requests to cancel', report_table('{When,Execution,Who,Login,Why}',
           array_agg(report_row(report_time(c.requested_at), c.execution_id::text, report_actor(c.actor_id), report_text(c.login, 100), report_text(c.reason))
                     ORDER BY c.request_id)))
    FROM p JOIN execution e USING (proposal_id) JOIN cancel_request c USING (execution_id) GROUP BY e.proposal_id
$$;
COMMENT ON FUNCTION report_runs IS 'Lists for workflow_report the comments on each proposal of a workflow, its previews and executions, and what was unusual about them.';

CREATE FUNCTION report_proposals(id bigint) RETURNS xml LANGUAGE sql STABLE AS $$
  WITH approver AS (
    SELECT r.proposal_id, string_agg(report_actor(r.reviewer_id, r.on_behalf_of), ', ' ORDER BY r.review_id) AS names
      FROM proposal p JOIN review r ON r.proposal_id = p.proposal_id AND r.revision = p.revision
      LEFT JOIN revocation v USING (review_id)
     WHERE p.workflow_id = id AND r.counts AND v.review_id IS NULL
     GROUP BY r.proposal_id
  ), runs AS (
    SELECT proposal_id, xmlagg(part ORDER BY n) AS parts FROM report_runs(id) GROUP BY proposal_id
  ), standing AS (
    SELECT g.standing_id, format('standing approval %s of proposal %s, approved by %s', g.standing_id, g.proposal_id,
                                 (SELECT string_agg(report_actor(a.id), ', ' ORDER BY a.n) FROM unnest(g.approved_by) WITH ORDINALITY AS a(id, n))) AS name
      FROM standing_approval g WHERE g.standing_id IN (SELECT p.standing_id FROM proposal p WHERE p.workflow_id = id)
  ), section AS (
    SELECT p.proposal_id, xmlelement(name section, xmlattributes('proposal-' || p.proposal_id AS id),
      xmlelement(name h2, format('Proposal %s: %s - %s', p.proposal_id, report_text(p.tool, 200), s.status)),
      report_facts(
        'Proposed by', report_actor(p.actor_id) || coalesce(', login ' || report_text(p.login, 100), ', through a gateway')
                       || coalesce(', database role ' || report_text(p.db_role, 100), ''),
        'Proposed', report_time(p.proposed_at),
        'Why', report_text(p.reason),
        'Status', format('%s since %s', s.status, report_time(p.status_at)) || coalesce(': ' || report_text(p.status_reason), ''),
        'Still needs', CASE WHEN s.status = 'pending' THEN describe_needs(p.proposal_id) END,
        'Approved by', concat_ws(', ', a.names,
                                 'rule ' || u.rule_id || ', which asks for nobody' || coalesce(': ' || report_text(u.description, 500), ''), g.name),
        'Most rows', p.max_rows::text,
        'Runs at once', CASE WHEN p.execute_on_approval THEN 'when it is approved' END),
      v.part, d.part, x.parts) AS content
      FROM proposal p
     CROSS JOIN LATERAL (SELECT CASE WHEN p.open AND p.expires_at <= clock_timestamp() THEN 'expired' ELSE p.status::text END) s(status)
      LEFT JOIN report_revisions(id) v USING (proposal_id)
      LEFT JOIN report_decisions(id) d USING (proposal_id)
      LEFT JOIN runs x USING (proposal_id)
      LEFT JOIN approver a USING (proposal_id)
      LEFT JOIN approval_rule u ON u.rule_id = p.rule_id
      LEFT JOIN standing g ON g.standing_id = p.standing_id
     WHERE p.workflow_id = id
  )
  SELECT xmlparse(CONTENT array_to_string(array_agg(content ORDER BY proposal_id), E'\n')) FROM section
$$;
COMMENT ON FUNCTION report_proposals IS 'Describes for workflow_report each proposal of a workflow.';

-- Marks that can be told apart without colour.
CREATE FUNCTION report_mark(kind text, x numeric, title text) RETURNS xml LANGUAGE sql STABLE AS $$
  SELECT xmlelement(name path, xmlattributes(
           CASE kind
             WHEN 'proposed' THEN format('M%s,8a3,3 0 1,0 6,0a3,3 0 1,0 -6,0', x - 3)
             WHEN 'revised' THEN format('M%s,8a3,3 0 1,0 6,0a3,3 0 1,0 -6,0', x - 3)
             WHEN 'approve' THEN format('M%s,12L%s,3L%s,12Z', x - 4.5, x, x + 4.5)
             WHEN 'edit' THEN format('M%s,12L%s,3L%s,12Z', x - 4.5, x, x + 4.5)
             WHEN 'request_changes' THEN format('M%s,8L%s,3.5L%s,8L%s,12.5Z', x - 4.5, x, x + 4.5, x)
             WHEN 'reject' THEN format('M%1$s,4L%2$s,12M%2$s,4L%1$s,12', x - 4, x + 4)
             WHEN 'revoked' THEN format('M%s,4L%s,13L%s,4Z', x - 4.5, x, x + 4.5)
             WHEN 'succeeded' THEN format('M%s,4h8v8h-8Z', x - 4)
             WHEN 'failed' THEN format('M%s,4h8v8h-8Zl8,8m0,-8l-8,8', x - 4)
             WHEN 'break glass' THEN format('M%s,1l2,5h5l-4,3.5l1.5,5l-4.5,-3l-4.5,3l1.5,-5l-4,-3.5h5Z', x)
             ELSE format('M%s,3v10', x)
           END AS d,
           CASE WHEN kind IN ('proposed', 'approve', 'succeeded', 'break glass') THEN 'black' ELSE 'white' END AS fill,
           'black' AS stroke), xmlelement(name title, title))
$$;
COMMENT ON FUNCTION report_mark IS 'Draws a mark of the time line of workflow_report.';

CREATE FUNCTION report_legend() RETURNS xml LANGUAGE sql STABLE AS $$
  SELECT xmlelement(name p, xmlattributes('legend' AS class),
           xmlagg(xmlelement(name span, xmlelement(name svg, xmlattributes('0 0 16 16' AS "viewBox", 16 AS width, 16 AS height), report_mark(kind, 8, title)),
                             title) ORDER BY n))
    FROM (VALUES (1, 'proposed', 'proposed'), (2, 'revised', 'revised'), (3, 'approve', 'approved'), (4, 'edit', 'edited'),
                 (5, 'request_changes', 'changes requested'), (6, 'reject', 'rejected'), (7, 'revoked', 'approval taken back'), (8, 'succeeded', 'ran'),
                 (9, 'failed', 'ran and failed'), (10, 'break glass', 'break glass'), (11, 'end', 'withdrawn, cancelled or expired')) v(n, kind, title)
$$;
COMMENT ON FUNCTION report_legend IS 'Explains the marks of the time line of workflow_report.';

CREATE FUNCTION report_time_line(id bigint) RETURNS xml LANGUAGE sql STABLE AS $$
  WITH p AS MATERIALIZED (
    SELECT * FROM proposal WHERE workflow_id = id
  ), event(proposal_id, at, kind, n) AS MATERIALIZED (
    SELECT proposal_id, r.created_at, CASE WHEN r.revision = 1 THEN 'proposed' ELSE 'revised' END, 0 FROM p JOIN proposal_revision r USING (proposal_id)
    UNION ALL SELECT proposal_id, r.reviewed_at, r.decision::text, 1 FROM p JOIN review r USING (proposal_id)
    UNION ALL SELECT proposal_id, r.revoked_at, 'revoked', 2 FROM p JOIN revocation r USING (proposal_id)
    UNION ALL SELECT proposal_id, coalesce(e.finished_at, e.started_at), e.status::text, 3 FROM p JOIN execution e USING (proposal_id) WHERE e.started_at IS NOT NULL
    UNION ALL SELECT proposal_id, b.broken_at, 'break glass', 4 FROM p JOIN break_glass b USING (proposal_id)
    UNION ALL SELECT proposal_id, status_at, 'end', 5 FROM p WHERE status IN ('withdrawn', 'cancelled', 'expired')
  ), span AS MATERIALIZED (
    SELECT w.started_at, greatest(w.started_at, w.ended_at, (SELECT max(at) FROM event)) AS ends_at FROM workflow w WHERE w.workflow_id = id
  ), place AS (
    SELECT e.*, round(8 + 304 * coalesce(extract(epoch FROM e.at - s.started_at) / nullif(extract(epoch FROM s.ends_at - s.started_at), 0), 0), 1) AS x
      FROM event e, span s
  ), strip AS (
    SELECT proposal_id, xmlelement(name svg, xmlattributes('0 0 320 16' AS "viewBox", 320 AS width, 16 AS height, 'img' AS role),
             xmlelement(name line, xmlattributes(min(x) AS x1, max(x) AS x2, 8 AS y1, 8 AS y2, 'black' AS stroke)),
             xmlagg(report_mark(kind, x, replace(kind, '_', ' ') || ': ' || report_time(at)) ORDER BY at, n)) AS drawing
      FROM place GROUP BY proposal_id
  ), decider AS (
    SELECT d.proposal_id, string_agg(report_actor(d.reviewer_id), ', ' ORDER BY d.first) AS names
      FROM (SELECT proposal_id, r.reviewer_id, min(r.review_id) AS first FROM p JOIN review r USING (proposal_id) GROUP BY proposal_id, r.reviewer_id) d
     GROUP BY d.proposal_id
  )
  SELECT xmlconcat(report_legend(),
    xmlelement(name div, xmlattributes('wide' AS class), xmlelement(name table, xmlattributes('line' AS class),
      xmlelement(name thead, xmlelement(name tr, (SELECT xmlagg(xmlelement(name th, t) ORDER BY n)
                                                    FROM unnest('{Proposal,Call,Proposed by,Decided by,Status}'::text[]) WITH ORDINALITY AS h(t, n)),
        xmlelement(name th, xmlelement(name span, xmlattributes('from' AS class), report_time(s.started_at)),
                            xmlelement(name span, xmlattributes('to' AS class), report_time(s.ends_at))))),
      xmlelement(name tbody, (SELECT xmlparse(CONTENT array_to_string(array_agg(xmlelement(name tr,
          xmlelement(name td, xmlelement(name a, xmlattributes('#proposal-' || proposal_id AS href), proposal_id)),
          xmlelement(name td, report_text(p.tool, 200)),
          xmlelement(name td, report_actor(p.actor_id)),
          xmlelement(name td, coalesce(d.names, '-')),
          xmlelement(name td, CASE WHEN p.open AND p.expires_at <= clock_timestamp() THEN 'expired' ELSE p.status::text END),
          xmlelement(name td, t.drawing)) ORDER BY proposal_id), E'\n'))
        FROM p JOIN strip t USING (proposal_id) LEFT JOIN decider d USING (proposal_id))))))
    FROM span s
   WHERE EXISTS (SELECT FROM p)
$$;
COMMENT ON FUNCTION report_time_line IS 'Lists for workflow_report the proposals of a workflow, with what happened to each and when as SVG.';

CREATE FUNCTION report_checks(id bigint) RETURNS xml LANGUAGE sql STABLE AS $$
  WITH p AS MATERIALIZED (
    SELECT * FROM proposal WHERE workflow_id = id
  ), given AS MATERIALIZED (
    SELECT r.*, v.review_id IS NOT NULL AS revoked, p.actor_id AS proposer, p.person AS proposer_person, p.db_role AS proposer_role, w.created_at
      FROM p JOIN review r USING (proposal_id)
      LEFT JOIN revocation v USING (review_id)
      LEFT JOIN proposal_revision w ON w.proposal_id = r.proposal_id AND w.revision = r.revision - CASE WHEN r.decision = 'edit' THEN 1 ELSE 0 END
  ), ran AS MATERIALIZED (
    SELECT e.*, b.execution_id IS NOT NULL AS broken, b.reviewed_at AS seen_at, p.standing_id, v.required_approvals, v.params
      FROM p JOIN execution e USING (proposal_id)
      JOIN proposal_revision v ON v.proposal_id = e.proposal_id AND v.revision = e.revision
      LEFT JOIN break_glass b ON b.proposal_id = e.proposal_id AND b.execution_id = e.execution_id
     WHERE e.started_at IS NOT NULL
  ), answer(n, question, ids) AS (
    SELECT 1, 'Ran without the approvals, by break glass', array_agg(DISTINCT proposal_id) FROM ran WHERE broken
    UNION ALL SELECT 2, 'Break glass that nobody has reviewed', array_agg(DISTINCT proposal_id) FROM ran WHERE broken AND seen_at IS NULL
    UNION ALL SELECT 3, 'Ran with fewer approvals than its revision needed, and not by break glass', array_agg(DISTINCT proposal_id) FROM ran
               WHERE NOT broken AND NOT dry_run AND standing_id IS NULL
                 AND required_approvals > (SELECT count(*) FROM review r LEFT JOIN revocation v USING (review_id)
                                            WHERE r.proposal_id = ran.proposal_id AND r.revision = ran.revision AND r.counts AND r.reviewed_at <= ran.started_at
                                              AND (v.review_id IS NULL OR v.revoked_at > ran.started_at))
    UNION ALL SELECT 4, 'Ran with other params than those of its revision', array_agg(DISTINCT proposal_id) FROM ran WHERE result -> 'params' <> params
    UNION ALL SELECT 5, 'Approved by the proposer, or by an actor of the same person or database role', array_agg(DISTINCT proposal_id) FROM given
               WHERE counts AND (reviewer_id = proposer OR person = proposer_person OR db_role = proposer_role)
    UNION ALL SELECT 6, 'Approved by a rule or a standing approval, without a review', array_agg(proposal_id ORDER BY proposal_id) FROM p WHERE rule_id IS NOT NULL OR standing_id IS NOT NULL
    UNION ALL SELECT 7, 'Decided on in somebody else''s place', array_agg(DISTINCT proposal_id) FROM given WHERE on_behalf_of IS NOT NULL
    UNION ALL SELECT 8, 'Decided on less than 5 s after the wording was made', array_agg(DISTINCT proposal_id) FROM given WHERE reviewed_at < created_at + interval '5 s'
    UNION ALL SELECT 9, 'Edited by a reviewer', array_agg(DISTINCT proposal_id) FROM given WHERE decision = 'edit'
    UNION ALL SELECT 10, 'An approval was taken back', array_agg(DISTINCT proposal_id) FROM given WHERE revoked
    UNION ALL SELECT 11, 'Ran and failed', array_agg(DISTINCT proposal_id) FROM ran WHERE status = 'failed'
    UNION ALL SELECT 12, 'Was started and has no end, so it may have happened', array_agg(DISTINCT proposal_id) FROM ran WHERE result ->> 'may_have_happened' = 'true'
    UNION ALL SELECT 13, 'Still open', array_agg(proposal_id ORDER BY proposal_id) FROM p WHERE open AND (expires_at > clock_timestamp()) IS NOT FALSE
  )
  SELECT report_table('{Question,Number,Proposals}', array_agg(report_row(question, coalesce(cardinality(ids), 0)::text, report_ids(ids)) ORDER BY n)) FROM answer
$$;
COMMENT ON FUNCTION report_checks IS 'Answers for workflow_report what is looked at first.';

CREATE FUNCTION report_context(id bigint) RETURNS xml LANGUAGE sql STABLE AS $$
  WITH p AS MATERIALIZED (
    SELECT proposal_id, tool FROM proposal WHERE workflow_id = id
  ), person AS (
    SELECT DISTINCT l.actor_id AS who FROM audit_log l WHERE l.workflow_id = id
    UNION SELECT r.on_behalf_of FROM p JOIN review r USING (proposal_id)
  ), span AS (
    SELECT started_at, coalesce(ended_at, 'infinity') AS ends_at FROM workflow WHERE workflow_id = id
  )
  SELECT xmlconcat(
    (SELECT report_part('People, as they are registered now', report_table('{Id,Name,Kind,Role,Database role,Person,Active}',
              array_agg(report_row(a.actor_id::text, report_text(a.name, 200), a.kind::text, report_text(a.role, 200), report_text(a.db_role, 100),
                                   report_text(a.person, 200), CASE WHEN a.active THEN 'yes' ELSE 'no' END) ORDER BY a.actor_id)))
       FROM person q JOIN actor a ON a.actor_id = q.who),
    (SELECT xmlagg(report_part(format('Tool %s, definition %s', report_text(d.tool, 200), encode(substr(d.sha256, 1, 8), 'hex')), xmlconcat(
              report_facts('Function', report_text(d.definition ->> 'function'), 'Runs as', report_text(d.definition ->> 'run_as'),
                           'Owner', report_text(d.definition ->> 'owner'), 'Language', report_text(d.definition ->> 'language'),
                           'Most rows', d.definition ->> 'max_rows', 'SHA-256', encode(d.sha256, 'hex'),
                           'Proposals', report_ids(d.ids)),
              xmlelement(name pre, coalesce(nullif(report_text(d.definition ->> 'body', 10000), ''), '-')))) ORDER BY d.tool, d.first_used_at)
       FROM (SELECT f.sha256, min(f.tool) AS tool, min(f.first_used_at) AS first_used_at, (array_agg(f.definition))[1] AS definition, u.ids
               FROM (SELECT r.definition AS hash, array_agg(DISTINCT r.proposal_id) AS ids FROM p JOIN proposal_revision r USING (proposal_id) GROUP BY r.definition) u
               JOIN tool_definition f ON f.sha256 = u.hash GROUP BY f.sha256, u.ids) d),
    (SELECT report_part('Changes of policy, rules, tools, actors, capabilities and freezes from its start to its end',
              coalesce(report_table('{When,Row,What,Change,Who,Approved by}',
                array_agg(report_row(report_time(c.occurred_at), c.audit_id::text, concat_ws(' ', c.subject, report_text(c.object, 200)),
                                     c.action || E'\n' || report_text(c.change::text, 500),
                                     report_actor(c.actor_id) || ', login ' || report_text(c.login, 100),
                                     coalesce('proposal ' || c.proposal_id, CASE WHEN c.bypassed THEN 'nobody: past the protection' ELSE 'nobody: made directly' END))
                          ORDER BY c.audit_id)), xmlelement(name p, 'None.')))
       FROM policy_change_log c, span s WHERE c.occurred_at BETWEEN s.started_at AND s.ends_at))
$$;
COMMENT ON FUNCTION report_context IS 'Describes for workflow_report the people, tools and rules of a workflow.';

CREATE FUNCTION report_rules(id bigint) RETURNS xml LANGUAGE sql STABLE AS $$
  WITH p AS MATERIALIZED (
    SELECT proposal_id, rule_id FROM proposal WHERE workflow_id = id
  ), asked AS (
    SELECT n.rule::bigint AS rule_id FROM p JOIN proposal_revision r USING (proposal_id), jsonb_path_query(r.requirements, '$[*].rules[*]') n(rule)
    UNION SELECT rule_id FROM p
  ), lent AS (
    SELECT DISTINCT d.* FROM p JOIN review r USING (proposal_id)
      JOIN delegation d ON d.from_actor = r.on_behalf_of AND d.to_actor = r.reviewer_id
       AND r.reviewed_at BETWEEN d.delegated_at AND least(d.ends_at, d.ended_at)
  )
  SELECT xmlconcat(
    (SELECT report_part('Rules that asked for approvals', report_table('{Rule,Asks for,Of calls of,Under the condition,What for,Added,Removed}',
              array_agg(report_row(u.rule_id::text, format('stage %s: %s %s', u.stage, u.approvals, coalesce(report_text(u.role, 200), 'of anybody who may review')),
                                   coalesce(report_text(u.tool, 200), 'all tools'), report_text(u.condition::text, 1000), report_text(u.description, 1000),
                                   report_time(u.added_at) || ' by ' || report_actor(u.added_by), report_time(u.removed_at) || ' by ' || report_actor(u.removed_by))
                        ORDER BY u.rule_id)))
       FROM asked JOIN approval_rule u USING (rule_id)),
    (SELECT report_part('Delegations that were used', report_table('{Delegation,From,To,Made,Ends,Ended}',
              array_agg(report_row(d.delegation_id::text, report_actor(d.from_actor), report_actor(d.to_actor),
                                   report_time(d.delegated_at) || ' by ' || report_actor(d.delegated_by), report_time(d.ends_at),
                                   report_time(d.ended_at) || ' by ' || report_actor(d.ended_by)) ORDER BY d.delegation_id)))
       FROM lent d))
$$;
COMMENT ON FUNCTION report_rules IS 'Describes for workflow_report the rules and delegations that mattered in a workflow.';

CREATE FUNCTION report_log(id bigint) RETURNS xml LANGUAGE sql STABLE AS $$
  SELECT report_table('{Row,When,Action,Actor,Session,About,Details}',
           array_agg(report_row(
             l.audit_id || E'\ntransaction ' || l.transaction_id,
             to_char(l.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS'),
             l.action, report_actor(l.actor_id),
             concat_ws(E'\n', report_text(l.login, 100), 'as ' || nullif(report_text(l.db_role, 100), l.login::text), host(l.client_addr), report_text(l.application_name, 100)),
             concat_ws(E'\n', 'proposal ' || l.proposal_id, 'execution ' || l.execution_id),
             report_text(l.details::text, 600)) ORDER BY l.audit_id))
    FROM audit_log l WHERE l.workflow_id = id
$$;
COMMENT ON FUNCTION report_log IS 'Lists the audit rows of a workflow for workflow_report.';

CREATE FUNCTION report_proofs(id bigint) RETURNS xml LANGUAGE sql STABLE AS $$
  SELECT xmlconcat(
    (SELECT xmlelement(name p, format('Audit rows: %s, from %s to %s.', count(*), min(audit_id), max(audit_id))) FROM audit_log WHERE workflow_id = id),
    (SELECT CASE WHEN count(*) = 0 THEN xmlelement(name p, 'verify_audit_log compared the tables with these rows when the page was made, and found nothing that does not agree.')
                 ELSE xmlconcat(xmlelement(name p, xmlelement(name strong, 'The tables do not agree with these rows:')),
                                report_table('{Proposal,Execution,Finding}', array_agg(report_row(f.proposal_id::text, f.execution_id::text, report_text(f.finding))))) END
       FROM verify_audit_log(id) f),
    (SELECT xmlelement(name dl, xmlattributes('seal' AS class),
              xmlelement(name dt, 'Sealed'),
              xmlelement(name dd, CASE WHEN s.size IS NULL THEN 'nothing yet: no checkpoint vouches for these rows'
                                       WHEN s.first_open IS NULL THEN 'all of these rows'
                                       ELSE format('those of these rows before row %s; later ones may wait for the sealer', s.first_open) END),
              xmlelement(name dt, 'Newest checkpoint'),
              xmlelement(name dd, CASE WHEN s.size > 0 THEN rtrim(audit_checkpoint(), E'\n') ELSE 'none' END))
       FROM (SELECT a.size, (SELECT min(l.audit_id) FROM audit_log l WHERE l.workflow_id = id AND l.audit_id >= a.oldest_unsealed) AS first_open
               FROM audit_status a) s),
    xmlelement(name p, 'This page is a copy for reading, and whoever has it can change it. It leaves out the rows that previews showed, and the queries that clients sent: they are in the tables preview and audit_log.'))
$$;
COMMENT ON FUNCTION report_proofs IS 'Says for workflow_report what vouches for the audit rows of a workflow.';

CREATE FUNCTION report_style() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT '
:root { color-scheme: light }
body { font: 15px/1.45 system-ui, sans-serif; color: #111; background: #fff; max-width: 75rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.6rem; margin: 0 0 .5rem }
h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; border-bottom: 2px solid #111; padding-bottom: .2rem }
h3 { font-size: 1rem; margin: 1.1rem 0 .3rem }
h1, h2, h3, p, dd, pre, .long { overflow-wrap: anywhere }
dd, td { unicode-bidi: plaintext }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .1rem 1rem; margin: .3rem 0 }
dt { color: #444 }
dd { margin: 0; white-space: pre-wrap }
table { border-collapse: collapse; width: 100%; font-size: .87rem }
th, td { text-align: start; vertical-align: top; border: 1px solid #999; padding: .2rem .45rem }
th { background: #eee; font-weight: 600 }
td { white-space: pre-wrap }
pre { white-space: pre-wrap; border: 1px solid #999; padding: .5rem; font-size: .8rem }
.wide { overflow-x: auto }
.legend { font-size: .85rem }
.legend span { margin-right: .9rem; white-space: nowrap }
.legend svg { vertical-align: -3px; margin-right: .1rem }
.line td { vertical-align: middle; white-space: normal }
.line td:last-child, .line th:last-child { width: 320px }
.line svg { display: block }
.from, .to { font-weight: normal; font-size: .75rem }
.from { float: left }
.to { float: right }
.note { color: #444; font-size: .87rem }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr } dt { margin-top: .3rem; font-weight: 600 } body { padding: .6rem } }
@page { margin: 14mm }
@media print {
  body { font-size: 8.5pt; line-height: 1.3; max-width: none; padding: 0; color: #000 }
  h2 { margin: 1.2rem 0 .3rem; font-size: 11pt }
  h3 { margin: .5rem 0 .2rem; font-size: 8.5pt }
  .wide { overflow: visible }
  table { font-size: 7.5pt }
  td, th { padding: .08rem .3rem }
  th { background: none; border-bottom: 2px solid #000 }
  th, td, pre { border-color: #666 }
  dt, .note { color: #000 }
  a { color: inherit; text-decoration: none }
  thead { display: table-header-group }
  tr:not(.tall) { break-inside: avoid }
  h1, h2, h3, .legend { break-after: avoid }
  dl { break-inside: avoid }
}
'
$$;
COMMENT ON FUNCTION report_style IS 'Returns the style sheet of the page of workflow_report.';

CREATE FUNCTION report_page(id bigint) RETURNS xml LANGUAGE sql STABLE AS $$
  SELECT xmlelement(name html, xmlattributes('en' AS lang),
    xmlelement(name head, xmlelement(name meta, xmlattributes('utf-8' AS charset)),
      xmlelement(name meta, xmlattributes('Content-Security-Policy' AS "http-equiv", 'default-src ''none''; style-src ''unsafe-inline''' AS content)),
      xmlelement(name meta, xmlattributes('viewport' AS name, 'width=device-width, initial-scale=1' AS content)),
      xmlelement(name title, format('Workflow %s: %s', id, report_text(w.title, 200))),
      xmlelement(name style, report_style())),
    xmlelement(name body,
      xmlelement(name h1, format('Workflow %s: %s', id, report_text(w.title))),
      xmlelement(name p, xmlattributes('note' AS class), format('Made by workflow_report at %s, for login %s as %s, from database %s, with workflow_orch %s on PostgreSQL %s. All times are in UTC.',
        report_time(now()), report_text(session_user, 100), report_text(current_user, 100), report_text(current_database(), 100),
        (SELECT x.extversion FROM pg_extension x WHERE x.extname = 'workflow_orch'), current_setting('server_version'))),
      report_facts(
        'Status', w.status::text || CASE WHEN w.dry_run THEN ', executions are dry runs' ELSE '' END,
        'Started', format('%s by %s', report_time(w.started_at), report_actor(w.actor_id)),
        'Ended', CASE WHEN w.ended_at IS NOT NULL
                      THEN format('%s by %s', report_time(w.ended_at), report_actor(w.ended_by)) || coalesce(': ' || report_text(w.end_reason), '') END,
        'Metadata', CASE WHEN w.metadata <> '{}' THEN report_text(w.metadata::text) END,
        'Proposals', (SELECT string_agg(format('%s %s', c.n, c.status), ', ' ORDER BY c.status) FROM (SELECT status, count(*) AS n FROM proposal WHERE workflow_id = id GROUP BY status) c)),
      xmlelement(name h2, 'What to look at'), report_checks(id),
      xmlelement(name h2, 'Time line'), coalesce(report_time_line(id), xmlelement(name p, 'Nothing has been proposed.')),
      report_proposals(id),
      xmlelement(name h2, 'People, tools and rules'), report_context(id), report_rules(id),
      xmlelement(name h2, 'What vouches for it'), report_proofs(id),
      xmlelement(name h2, 'Audit rows'), report_log(id)))
    FROM workflow w WHERE w.workflow_id = id
$$;
COMMENT ON FUNCTION report_page IS 'Makes the page of workflow_report.';

CREATE FUNCTION workflow_report(workflow_id bigint) RETURNS text LANGUAGE sql STABLE
  SET search_path = pg_catalog, workflow_orch, pg_temp SET xmloption = content SET jit = off AS $$
  SELECT E'<!DOCTYPE html>\n' || xmlserialize(CONTENT report_page($1) AS text) WHERE report_check($1)
$$;
COMMENT ON FUNCTION workflow_report IS
  'Returns a page of HTML about a workflow, to read, print or mail: who asked for what and why, each revision against the one before, who decided what, what ran and what came of it, a time line and the audit rows. The page loads nothing and has no script. Long values are shortened, with their SHA-256. Save it from a client with the encoding UTF8. Errors: 22023, 42704, 0A000 the server is built without libxml, 22021 in a database of SQL_ASCII with texts that are not UTF-8, and those of audit_checkpoint.';
