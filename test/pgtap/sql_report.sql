-- workflow_report: the page parses, has each thing, and shows what people wrote as text.
\set file sql_report
\ir include/fixture.sql
\ir include/roles.sql
SET LOCAL client_min_messages = error;

CREATE ROLE sql_report_auditor LOGIN;
CREATE ROLE sql_report_admin LOGIN;
CREATE ROLE sql_report_reviewer LOGIN;
SELECT workflow_orch.grant_capability('sql_report_auditor', 'audit'), workflow_orch.grant_capability('sql_report_admin', 'administer'),
       workflow_orch.grant_capability('sql_report_reviewer', 'review') \g /dev/null
CREATE TABLE app.account (id int PRIMARY KEY, credit int);
INSERT INTO app.account VALUES (1, 0);
GRANT SELECT, UPDATE ON app.account TO :"tool_role";
CREATE FUNCTION app.credit(credit int, note text DEFAULT NULL) RETURNS int LANGUAGE sql AS 'UPDATE account SET credit = 100 / $1 RETURNING credit';
SELECT workflow_orch.register_tool('credit', 'app.credit(int,text)', run_as => tool_role(), preview => true, preview_rows => 5);
SELECT workflow_orch.register_actor('Dee', 'Developer') AS dee \gset

CREATE TABLE t.paper (id bigint PRIMARY KEY, page text);
CREATE FUNCTION t.print(id bigint) RETURNS void LANGUAGE sql AS $$
  INSERT INTO paper VALUES (id, workflow_orch.workflow_report(id)) ON CONFLICT ON CONSTRAINT paper_pkey DO UPDATE SET page = EXCLUDED.page
$$;
CREATE FUNCTION t.page(id bigint) RETURNS text LANGUAGE sql AS $$ SELECT p.page FROM paper p WHERE p.id = page.id $$;
-- The texts of the nodes that a path leads to.  The page has no DOCTYPE then: XML wants one element.
CREATE FUNCTION t.nodes(id bigint, path text) RETURNS text[] LANGUAGE sql AS $$
  SELECT array_agg(replace(replace(replace(x::text, '&lt;', '<'), '&gt;', '>'), '&amp;', '&'))
    FROM unnest(xpath(path, xmlparse(DOCUMENT replace(page(id), '<!DOCTYPE html>', '')))) x
$$;
CREATE FUNCTION t.fact(id bigint, proposal bigint, label text) RETURNS text LANGUAGE sql AS $$
  SELECT array_to_string(nodes(id, format('//section[@id="proposal-%s"]//dt[.="%s"]/following-sibling::dd[1]/text()', proposal, label)), '|')
$$;
-- The cells of a row of the table below a heading, in a proposal's section.
CREATE FUNCTION t.cells(id bigint, proposal bigint, heading text, n int) RETURNS text LANGUAGE sql AS $$
  SELECT array_to_string(nodes(id, format('//section[@id="proposal-%s"]//h3[starts-with(., "%s")]/..//tbody/tr[%s]/td/text()', proposal, heading, n)), '|')
$$;
CREATE FUNCTION t.check_of(id bigint, question text) RETURNS text LANGUAGE sql AS $$
  SELECT array_to_string((nodes(id, format('//td[starts-with(., "%s")]/../td/text()', question)))[2:], '|')
$$;

-- A workflow without proposals, and one with all that can happen.
SELECT workflow_orch.start_workflow('Empty', :ann) AS empty \gset
SELECT print(:empty) \g /dev/null
SELECT is(nodes(:empty, '//h1/text()'), ARRAY[format('Workflow %s: Empty', :empty)], 'a workflow without proposals has a page');
SELECT matches(page(:empty), 'Nothing has been proposed', 'which says so');

SELECT workflow_orch.add_approval_rule('DBA', 1, 1, 'credit', '$.params.credit > 50', 'Large ones') AS dba_rule,
       workflow_orch.add_approval_rule('Manager', 1, 2, 'credit', '$.params.credit > 50') AS manager_rule,
       workflow_orch.add_approval_rule(approvals => 0, tool => 'credit', condition => '$.params.credit == 1', description => 'Tiny ones') AS free_rule \gset
SELECT propose('credit', '{"credit": 90, "note": "n"}') AS large \gset
SELECT (workflow_orch.preview_action(:large, :bob) ->> 'preview_id')::bigint AS preview \gset
SELECT workflow_orch.comment_proposal(:large, :bob, 'Which account?') \g /dev/null
SELECT workflow_orch.review_action(:large, :bob, 'request_changes', comment => 'Too much') \g /dev/null
SELECT workflow_orch.revise_proposal(:large, :ann, '{"credit": 80, "note": "n"}', 'less') \g /dev/null
SELECT workflow_orch.delegate_review(:cyd, :dee, '2099-01-01') \g /dev/null
SELECT workflow_orch.review_action(:large, :bob, 'approve', comment => 'Fine', expected_revision => 2),
       workflow_orch.review_action(:large, :dee, 'approve', comment => 'For cyd', expected_revision => 2, max_rows => 7) \g /dev/null
SELECT execution_id AS ran FROM workflow_orch.execute_action(:large, :ann) \gset
SELECT approved('credit', '{"credit": 0}') AS failed, propose('credit', '{"credit": 1}') AS free, propose('credit', '{"credit": 2}') AS broken,
       approved('credit', '{"credit": 3}') AS queued, propose('credit', '{"credit": 4}') AS edited, propose('credit', '{"credit": 5}') AS waits \gset
SELECT execute(:failed) ->> 'success' AS f, execute(:free) ->> 'success' AS t \gset
SELECT workflow_orch.add_freeze('Close', now(), now() + interval '1 h') AS freeze \gset
SELECT execution_id AS broken_execution FROM workflow_orch.break_glass_execute(:broken, :cyd, 'Fire') \gset
SELECT workflow_orch.remove_freeze(:freeze) \g /dev/null
SELECT workflow_orch.review_action(:edited, :bob, 'edit', '{"credit": 6}') \g /dev/null
SELECT workflow_orch.revoke_approval(:edited, :bob, 'In haste') \g /dev/null
SELECT workflow_orch.enqueue_action(:queued, :ann, '2099-01-01') AS queued_execution \gset
SELECT workflow_orch.cancel_execution(:queued_execution, :ann, 'Not today') \g /dev/null
SELECT workflow_orch.withdraw_proposal(:queued, :ann, 'No longer') \g /dev/null
-- As a worker leaves it behind.
INSERT INTO workflow_orch.cancel_request (execution_id, proposal_id, workflow_id, requested_at, actor_id, login, reason)
VALUES (:queued_execution, :queued, :workflow, now(), :ann, 'ann_login', 'Stop it');

SELECT print(:workflow) \g /dev/null

-- The page is one, parses, and loads nothing.
SELECT matches(page(:workflow), '^<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>', 'it is a page of HTML');
SELECT is(nodes(:workflow, '/html/head/title/text()'), ARRAY[format('Workflow %s: Work', :workflow)], 'with a title');
SELECT is(nodes(:workflow, '//script | //link | //iframe | //object | //img | //@src | //@onload | //@style | //form'), NULL::text[], 'it has no script and loads nothing');
SELECT is_empty($$SELECT h FROM unnest(nodes(workflow(), '//@href')) h WHERE h NOT LIKE '#proposal-%'$$, 'its links stay on the page');
SELECT is(nodes(:workflow, '//meta[@http-equiv]/@content'), ARRAY['default-src ''none''; style-src ''unsafe-inline'''], 'and it forbids the browser to load anything');
SELECT unalike(page(:workflow), '%url(%', 'nor does its style sheet');
SELECT doesnt_match(page(:workflow), '<(?!meta|path|line)\w+( [^<>]*)?/>', 'no element is closed at once that HTML would take for open');

-- What it has of a proposal.
SELECT is((SELECT row(fact(:workflow, :large, 'Proposed by'), fact(:workflow, :large, 'Why'), fact(:workflow, :large, 'Approved by'), fact(:workflow, :large, 'Most rows'))::text),
  format('("ann (%s), through a gateway",less,"bob (%s), Dee (%s) in the place of cyd (%s)",7)', :ann, :bob, :dee, :cyd), 'who asked, why, and who approved it in whose place');
SELECT is(fact(:workflow, :large, 'Needs'), format('stage 1: 1 DBA (rule %1$s); stage 2: 1 Manager (rule %2$s)|stage 1: 1 DBA (rule %1$s); stage 2: 1 Manager (rule %2$s)', :dba_rule, :manager_rule), 'what each revision needed');
SELECT is(fact(:workflow, :large, 'Reason'), 'because|less', 'and its reason');
SELECT is(cells(:workflow, :large, 'Revision 1', 1) || '|' || cells(:workflow, :large, 'Revision 1', 2), 'credit|90|note|"n"', 'the params of the first revision');
SELECT is(cells(:workflow, :large, 'Revision 2', 1), 'credit|90|80', 'what the second one changed');
SELECT is(cells(:workflow, :large, 'Revision 2', 2), NULL, 'and nothing else');
SELECT matches(cells(:workflow, :large, 'Decisions', 1), format('bob \(%s\)\|DBA\|a gateway\|request changes\|1\|Too much', :bob), 'a request for changes');
SELECT matches(cells(:workflow, :large, 'Decisions', 3), format(E'after the revision\\|Dee \\(%s\\) in the place of cyd \\(%s\\)\\|Manager\\|a gateway\\|approve\nstage 2\nfor at most 7 rows\\|2\\|For cyd', :dee, :cyd), 'an approval, with how long it took');
SELECT matches(cells(:workflow, :large, 'Comments', 1), format('\|bob \(%s\)\|1\|Which account\?', :bob), 'comments');
SELECT matches(cells(:workflow, :large, 'Previews', 1), E'\\|1\\|Output: 1\nRows changed: 1\napp.account: 0 inserted, 1 updated, 0 deleted', 'previews in short');
SELECT unalike(page(:workflow), '%"old"%', 'without the rows');
SELECT matches(cells(:workflow, :large, 'Executions', 1), E'succeeded\\|2\\|.*\\|Output: 1\nRows changed: 1', 'what ran and what came of it');
SELECT matches(cells(:workflow, :failed, 'Executions', 1), E'failed\\|1\\|.*\\|Error 22012: division by zero\n', 'or its error');
SELECT is(fact(:workflow, :free, 'Approved by'), format('rule %s, which asks for nobody: Tiny ones', :free_rule), 'a rule that approved');
SELECT is((SELECT row(fact(:workflow, :broken, 'By'), fact(:workflow, :broken, 'Freeze'), fact(:workflow, :broken, 'Reviewed'))::text), format('("cyd (%s), through a gateway","%s: Close","by nobody yet")', :cyd, :freeze), 'a break glass');
SELECT matches(cells(:workflow, :edited, 'Decisions', 1), format(E'edit\\|2\\|Taken back on .* by bob \\(%s\\): In haste', :bob), 'an approval that was taken back');
SELECT matches(cells(:workflow, :queued, 'Requests to cancel', 1), format('%s\|ann \(%s\)\|ann_login\|Stop it', :queued_execution, :ann), 'a request to cancel');
SELECT matches(cells(:workflow, :queued, 'Executions', 1), 'Cancelled by ann', 'and who cancelled');
SELECT is(fact(:workflow, :waits, 'Still needs'), 'needs 1 of any role', 'what is missing');

-- What it has of the workflow.
SELECT is(check_of(:workflow, question), answer, question) FROM (VALUES
  ('Ran without the approvals', format('1|%s', :broken)), ('Break glass that nobody', format('1|%s', :broken)), ('Ran with fewer', '0|-'), ('Ran with other params', '0|-'),
  ('Approved by the proposer', '0|-'), ('Approved by a rule', format('1|%s', :free)), ('Decided on in somebody', format('1|%s', :large)), ('Edited', format('1|%s', :edited)),
  ('An approval was taken back', format('1|%s', :edited)), ('Ran and failed', format('1|%s', :failed)), ('Was started', '0|-'), ('Still open', format('2|%s, %s', :edited, :waits))) v(question, answer);
SELECT is(cardinality(nodes(:workflow, '//table[@class="line"]/tbody/tr')), 7, 'the time line has a row for each proposal');
SELECT is(array_to_string(nodes(:workflow, format('//a[@href="#proposal-%s"]/../..//path/title/text()', :large)), ' '),
          (SELECT string_agg(k || ': ' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), ' ' ORDER BY at, n)
             FROM (SELECT created_at, CASE revision WHEN 1 THEN 'proposed' ELSE 'revised' END, 0 FROM workflow_orch.proposal_revision WHERE proposal_id = :large
                   UNION ALL SELECT reviewed_at, replace(decision::text, '_', ' '), 1 FROM workflow_orch.review WHERE proposal_id = :large
                   UNION ALL SELECT finished_at, 'succeeded', 3 FROM workflow_orch.execution WHERE proposal_id = :large) e(at, k, n)), 'with a mark for each thing that happened, in order');
SELECT is(cardinality(nodes(:workflow, '//h2[.="Audit rows"]/following-sibling::div//tbody/tr')), (SELECT count(*)::int FROM workflow_orch.audit_log WHERE workflow_id = :workflow), 'all audit rows');
SELECT is((nodes(:workflow, '//h3[.="Rules that asked for approvals"]/..//tbody/tr[1]/td/text()'))[:5], ARRAY[:'dba_rule', 'stage 1: 1 DBA', 'credit', 'strict ($."params"."credit" > 50)', 'Large ones'], 'the rules');
SELECT is((nodes(:workflow, '//h3[.="Delegations that were used"]/..//tbody/tr[1]/td/text()'))[2:3], ARRAY[format('cyd (%s)', :cyd), format('Dee (%s)', :dee)], 'the delegations');
SELECT matches(array_to_string(nodes(:workflow, '//pre/text()'), ''), 'UPDATE account SET credit = 100 / ', 'what the tool does');
SELECT is(nodes(:workflow, '//h3[starts-with(., "People")]/..//tbody/tr/td[2]/text()'), ARRAY['ann', 'bob', 'cyd', 'Dee'], 'the people');
SELECT matches(array_to_string(nodes(:workflow, '//h3[starts-with(., "Changes of policy")]/..//tbody/tr/td[3]/text()'), '|'), 'delegation \d+\|freeze \d+\|freeze \d+', 'what was changed in the rules meanwhile');
SELECT matches(page(:workflow), 'found nothing that does not agree', 'and that the log agrees with the tables');
SELECT matches((nodes(:workflow, '//dl[@class="seal"]/dd/text()'))[1], '^(nothing yet|those of these rows before row)', 'how far the log is sealed: not these rows, which are not committed');
SELECT is((nodes(:workflow, '//dl[@class="seal"]/dd/text()'))[2] LIKE '%' || E'\n' || (SELECT size FROM workflow_orch.audit_status) || E'\n%', true, 'and the newest checkpoint, if there is one')
 WHERE EXISTS (SELECT FROM workflow_orch.audit_status WHERE size > 0);

-- What people wrote is text.
SELECT workflow_orch.start_workflow(U&'<script>alert(1)</script> & "\202Ename\202C', :ann, metadata => '{"k": "</style><script>"}') AS rude \gset
SELECT proposal_id AS rude_call FROM workflow_orch.propose_action(:rude, :ann, 'credit', jsonb_build_object('credit', 5, 'note', E'a\x01b\x1fc\x7f\r\nd ' || U&'\FEFF\200B\2066x\+0E0041' || repeat('W', 500)), U&'<b>&amp;\FFFE\05D0') \gset
SELECT workflow_orch.review_action(:rude_call, :bob, 'reject', comment => '</td></tr></table><img src=x onerror=alert(1)>') \g /dev/null
SELECT print(:rude) \g /dev/null
SELECT is(nodes(:rude, '//script | //b | //img'), NULL::text[], 'no element comes from what people wrote');
SELECT is((nodes(:rude, '//h1/text()'))[1], format('Workflow %s: <script>alert(1)</script> & "[U+202E]name[U+202C]', :rude), 'a title is text, and its order is not reversed');
SELECT is(fact(:rude, :rude_call, 'Why'), U&'<b>&amp;[U+FFFE]\05D0', 'so is a reason, with the letters of any language');
SELECT is(cells(:rude, :rude_call, 'Revision 1', 2), E'note|"a[U+0001]b[U+001F]c[U+007F]\nd [U+FEFF][U+200B][U+2066]x[U+E0041]' || repeat('W', 500) || '"', 'characters that are forbidden or not seen are shown by their numbers');
SELECT is(nodes(:rude, format('//section[@id="proposal-%s"]//td[contains(., "WWWW")]/@class', :rude_call)), ARRAY['long'], 'a very long word may be broken');
SELECT matches(cells(:rude, :rude_call, 'Decisions', 1), '</td></tr></table><img src=x onerror=alert\(1\)>$', 'a comment is text');

-- What is long is shortened, from where it differs.
SELECT proposal_id AS long_call FROM workflow_orch.propose_action(:rude, :ann, 'credit', jsonb_build_object('credit', 5, 'note', repeat('lorem ipsum ', 80000)), 'long') \gset
SELECT workflow_orch.review_action(:long_call, :bob, 'edit', jsonb_build_object('note', repeat('lorem ipsum ', 60000) || 'HERE' || repeat('lorem ipsum ', 19000))) \g /dev/null
SELECT print(:rude) \g /dev/null
SELECT cmp_ok(length(page(:rude)), '<', 60000, 'params of 1 MB do not make a page of 1 MB');
SELECT matches(cells(:rude, :long_call, 'Revision 1', 2), format(E'^note\\|"lorem ipsum .*"\n\\[Shortened: characters 1 to 2000 of 960000. SHA-256 of the whole: %s\\]$', encode(sha256(convert_to(repeat('lorem ipsum ', 80000), 'UTF8')), 'hex')), 'with how much was left out, and its SHA-256');
SELECT matches(cells(:rude, :long_call, 'Revision 2', 1), E'^note\\|"(.*)"\n\\[Shortened: characters (7199\\d\\d|7198\\d\\d|7197\\d\\d) to \\d+ of 960000.*\\|".*HERE.*"\n\\[Shortened', 'a change is shown where it is');

-- A log that does not agree, as a restore brings it in.
INSERT INTO workflow_orch.review (proposal_id, workflow_id, revision, reviewer_id, decision, status, counts, stage, reviewed_at, kind, role, proposed_by)
VALUES (:waits, :workflow, 1, :ann, 'approve', 'approved', true, 1, now(), 'human', 'Developer', :ann);
SELECT print(:workflow) \g /dev/null
SELECT isnt(nodes(:workflow, '//strong/text()'), NULL::text[], 'findings of verify_audit_log are on the page');
SELECT is(check_of(:workflow, 'Approved by the proposer'), format('1|%s', :waits), 'and an approval of one''s own');

-- Who may have it, and bad input.
SELECT is(error_as('sql_report_auditor', format('SELECT workflow_orch.workflow_report(%s)', :workflow)), NULL::jsonb, 'an auditor gets the page');
SELECT is(md5(regexp_replace(value_as('sql_report_auditor', format('SELECT workflow_orch.workflow_report(%s)', :workflow)), 'Made by.*?</p>|<dl class="seal">.*?</dl>', '', 'g')), md5(regexp_replace(page(:workflow), 'Made by.*?</p>|<dl class="seal">.*?</dl>', '', 'g')), 'the same as everybody who may');
SELECT refused_as(login, format('SELECT workflow_orch.workflow_report(%s)', :workflow), '{"sqlstate": "42501"}', login || ' does not') FROM unnest(ARRAY['sql_report_reviewer', 'sql_report_admin']) login;
SELECT raises('SELECT workflow_orch.workflow_report(NULL)', '{"sqlstate": "22023", "reason": "wfo_argument_null"}', 'NULL');
SELECT raises(format('SELECT workflow_orch.workflow_report(%s)', id), format('{"sqlstate": "42704", "message": "workflow %s does not exist", "hint": "_%%"}', id)::jsonb, 'no workflow ' || id)
  FROM unnest(ARRAY[9223372036854775807, (-9223372036854775808)::bigint, 0, -1]) AS id;

-- Settings of the session do not matter.
SET LOCAL TimeZone = 'Asia/Kolkata';
SET LOCAL DateStyle = 'German';
SET LOCAL IntervalStyle = 'sql_standard';
SET LOCAL xmloption = document;
SET LOCAL extra_float_digits = -15;
SELECT is(regexp_replace(workflow_orch.workflow_report(:workflow), 'Made by.*?</p>|<dl class="seal">.*?</dl>', '', 'g'), regexp_replace(page(:workflow), 'Made by.*?</p>|<dl class="seal">.*?</dl>', '', 'g'), 'whatever the session has set');

\ir include/finish.sql
