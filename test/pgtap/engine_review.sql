-- Approving, rejecting and editing.
\set file engine_review
\ir include/fixture.sql

CREATE FUNCTION app.pay(amount int, note text DEFAULT NULL, tags text[] DEFAULT NULL, more jsonb DEFAULT NULL) RETURNS text
  LANGUAGE sql RETURN coalesce(note, '') || amount;
CREATE FUNCTION app.whole(params jsonb) RETURNS jsonb LANGUAGE sql RETURN params;
CALL tool('pay(int,text,text[],jsonb)');
CALL tool('whole(jsonb)');
CREATE FUNCTION t.review(proposal bigint, reviewer bigint, decision text, edits jsonb DEFAULT NULL, revision bigint DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
  SELECT status::text FROM workflow_orch.review_action(proposal, reviewer, decision, edits, expected_revision => coalesce(revision,
    (SELECT p.revision FROM workflow_orch.proposal p WHERE p.proposal_id = review.proposal)))
$$;
CREATE FUNCTION t.revision(proposal bigint) RETURNS bigint LANGUAGE sql AS $$
  SELECT p.revision FROM workflow_orch.proposal p WHERE p.proposal_id = proposal
$$;

-- Approve and reject.
SELECT propose('pay', '{"amount": "5"}') AS p \gset
SELECT is(status(:p), 'pending', 'what is proposed waits for a review');
SELECT row_eq(format($$SELECT status::text, final_tool_call FROM workflow_orch.review_action(%s, bob(), 'approve', comment => 'fine')$$, :p),
  ROW('approved'::text, '{"tool": "pay", "params": {"amount": 5}}'::jsonb), 'an approval answers with the status and the call');
SELECT row_eq(format('SELECT reviewer_id, decision::text, status::text, revision, counts, role, comment, edits FROM workflow_orch.review WHERE proposal_id = %s', :p),
  ROW(:bob::bigint, 'approve'::text, 'approved'::text, 1::bigint, true, 'DBA'::text, 'fine'::text, NULL::jsonb),
  'the review is kept with the role and the comment');
SELECT raises(format($$SELECT review(%s, cyd(), 'approve')$$, :p),
  format('{"sqlstate": "55000", "message": "proposal %s is not pending", "detail": "Its status is approved%%", "hint": "%%Execute it%%"}', :p)::jsonb,
  'what is approved is not approved again');
SELECT raises(format($$SELECT review(%s, cyd(), 'reject')$$, :p), '{"sqlstate": "55000"}', 'what is approved is not rejected');

SELECT propose('pay', '{"amount": 5}') AS p \gset
SELECT row_eq(format($$SELECT status::text, final_tool_call FROM workflow_orch.review_action(%s, bob(), 'reject', comment => 'no')$$, :p),
  ROW('rejected'::text, '{"tool": "pay", "params": {"amount": 5}}'::jsonb), 'a rejection answers with the call as it stood');
SELECT raises(format($$SELECT review(%s, cyd(), '%s')$$, :p, decision), '{"sqlstate": "55000", "detail": "Its status is rejected%"}',
  format('after a rejection %s is refused', decision)) FROM unnest(ARRAY['approve', 'reject']) decision;
SELECT raises(format($$SELECT review(%s, cyd(), 'edit', '{"amount": 6}')$$, :p), '{"sqlstate": "55000", "hint": "%Propose the call again%"}',
  'what is rejected is not edited');

-- Arguments.
SELECT propose('pay', '{"amount": 5}') AS p \gset
SELECT raises(format($$SELECT review(%s, bob(), 'aprove')$$, :p), '{"sqlstate": "22023", "hint": "%approve, reject, edit%"}',
  'an unknown decision is refused, and the hint lists the decisions');
SELECT raises(format($$SELECT review(%s, bob(), '%s', '{}')$$, :p, decision), '{"sqlstate": "22023", "message": "%edits%"}',
  format('edits do not go with %s', decision)) FROM unnest(ARRAY['approve', 'reject']) decision;
SELECT raises(format($$SELECT review(%s, bob(), 'edit', NULL)$$, :p), '{"sqlstate": "22023", "message": "%edits%"}', 'an edit needs edits');
SELECT raises(format($$SELECT review(%s, bob(), 'edit', '%s')$$, :p, edits), '{"sqlstate": "22023", "message": "%edits%"}',
  format('edits that are %s are refused', edits)) FROM unnest(ARRAY['[]', '5', 'null', '"x"']) edits;
SELECT raises($$SELECT review(404, bob(), 'approve')$$, '{"sqlstate": "42704", "message": "%404%"}', 'an unknown proposal is refused');
SELECT raises(format($$SELECT review(%s, 404, 'approve')$$, :p), '{"sqlstate": "42704", "message": "%404%"}', 'an unknown reviewer is refused');
SELECT is(status(:p), 'pending', 'refused reviews have changed nothing');
SELECT is_empty(format('SELECT FROM workflow_orch.review WHERE proposal_id = %s', :p), 'refused reviews are not kept');

-- Edits are JSON Merge Patches (RFC 7396).
SELECT row_eq(format($$SELECT status::text, final_tool_call FROM workflow_orch.review_action(%s, bob(), 'edit', '{"amount": "7", "note": "less"}')$$, :p),
  ROW('approved'::text, '{"tool": "pay", "params": {"amount": 7, "note": "less"}}'::jsonb),
  'an edit approves the changed call, with its params converted');
SELECT is(revision(:p), 2::bigint, 'an edit makes a new revision');
SELECT is(execute(:p) -> 'output', '"less7"', 'what runs is what the edit made');
SELECT results_eq(format('SELECT revision, params, actor_id FROM workflow_orch.proposal_revision WHERE proposal_id = %s ORDER BY 1', :p),
  format($$VALUES (1::bigint, '{"amount": 5}'::jsonb, %s::bigint), (2, '{"amount": 7, "note": "less"}', %s)$$, :ann, :bob),
  'every wording is kept with its author');
SELECT is((SELECT edits FROM workflow_orch.review WHERE proposal_id = :p), '{"amount": "7", "note": "less"}', 'the review keeps the patch');

CREATE FUNCTION t.edited(tool text, params jsonb, edits jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT final_tool_call -> 'params' FROM workflow_orch.review_action(propose(tool, params), bob(), 'edit', edits)
$$;
SELECT is(edited('pay', '{"amount": 1, "note": "x"}', '{"note": null}'), '{"amount": 1}', 'null in an edit takes an argument away');
SELECT is(edited('pay', '{"amount": 1, "tags": ["a", "b"]}', '{"tags": ["c"]}'), '{"amount": 1, "tags": ["c"]}', 'an edit replaces an array whole');
SELECT is(edited('pay', '{"amount": 1, "more": {"a": 1, "b": {"c": 2}}}', '{"more": {"a": null, "b": {"d": 3}}}'),
  '{"amount": 1, "more": {"b": {"c": 2, "d": 3}}}', 'an edit reaches into objects');
SELECT is(edited('whole', '{"a": 1}', '{"b": {"c": null}}'), '{"a": 1, "b": {}}', 'an edit of a whole object takes any keys');
SELECT raises($$SELECT edited('pay', '{"amount": 1}', '{"amount": null}')$$, '{"sqlstate": "22023", "message": "%amount%missing%"}',
  'an edit that takes a needed argument away is refused');
SELECT raises($$SELECT edited('pay', '{"amount": 1}', '{"amuont": 2}')$$, '{"sqlstate": "22023", "message": "%amuont%"}',
  'an edit with an unknown key is refused');
SELECT raises($$SELECT edited('pay', '{"amount": 1}', '{"amount": "x"}')$$, '{"sqlstate": "22023"}', 'an edit whose value does not fit is refused');
SELECT raises($$SELECT edited('pay', '{"amount": 1}', '{"amount": 1}')$$, '{"sqlstate": "22023", "message": "%changes nothing%", "hint": "%approve%"}',
  'an edit that changes nothing is refused');
SELECT raises($$SELECT edited('pay', '{"amount": 1}', '{"note": null}')$$, '{"sqlstate": "22023", "message": "%changes nothing%"}',
  'an edit that takes away what is not there changes nothing');
SELECT is(edited('pay', '{"amount": 1}', '{}'), '{"amount": 1}', 'the empty edit is allowed: it pins the tool afresh');

-- An edit takes an approved proposal back.
SELECT approved('pay', '{"amount": 5}') AS p \gset
SELECT is(review(:p, :cyd, 'edit', '{"amount": 6}'), 'approved', 'an approved proposal can be edited before it runs');
SELECT is((SELECT approvals FROM workflow_orch.proposal WHERE proposal_id = :p), 1::bigint, 'the edit voids the approvals of earlier revisions');
SELECT is(review(:p, :bob, 'edit', '{"amount": 7}'), 'approved', 'who has reviewed one revision may edit the next');
SELECT execute(:p) \g /dev/null
SELECT raises(format($$SELECT review(%s, bob(), 'edit', '{"amount": 8}')$$, :p), '{"sqlstate": "55000", "detail": "Its status is executed%"}',
  'what has run is not edited');
SELECT run('pay', '{"amount": 1}') \g /dev/null

-- expected_revision.
SELECT propose('pay', '{"amount": 5}') AS p \gset
SELECT raises(format($$SELECT review(%s, bob(), 'approve', NULL, 2)$$, :p), '{"sqlstate": "55000", "detail": "%revision 1%", "hint": "%current revision%"}',
  'a review of another revision than the current one is refused');
SELECT is(review(:p, :bob, 'edit', '{"amount": 6}', 1), 'approved', 'a review of the current revision is taken');
SELECT raises(format($$SELECT review(%s, cyd(), 'edit', '{"amount": 7}', 1)$$, :p), '{"sqlstate": "55000", "detail": "%revision 2%"}',
  'after an edit a review of the revision before it is refused');

-- Several approvals.
SELECT default_approvals FROM workflow_orch.set_policy(default_approvals => 2) \g /dev/null
SELECT workflow_orch.register_actor('dee', 'DBA') AS dee \gset
SELECT propose('pay', '{"amount": 5}') AS p, propose('pay', '{"amount": 5}') AS q, propose('pay', '{"amount": 5}') AS r \gset
SELECT is(review(:p, :bob, 'approve'), 'pending', 'the first of two approvals leaves the proposal pending');
SELECT raises(format('SELECT execute(%s)', :p), '{"sqlstate": "55000"}', 'with one of two approvals nothing runs');
SELECT raises(format($$SELECT review(%s, bob(), 'approve')$$, :p), '{"sqlstate": "42710", "message": "%reviewed revision 1%", "detail": "%approve%"}',
  'a reviewer decides once per revision');
SELECT raises(format($$SELECT review(%s, bob(), 'reject')$$, :p), '{"sqlstate": "42710"}', 'a reviewer who has approved does not reject as well');
SELECT is(review(:p, :cyd, 'approve'), 'approved', 'the second approval approves');
SELECT is(execute(:p) -> 'success', 'true', 'with both approvals it runs');
SELECT review(:q, :bob, 'approve') \g /dev/null
SELECT is(review(:q, :cyd, 'reject'), 'rejected', 'one rejection is final, even after approvals');
SELECT review(:r, :bob, 'approve') \g /dev/null
SELECT is(review(:r, :cyd, 'edit', '{"amount": 6}'), 'pending', 'an edit counts as one of two approvals');
SELECT is((SELECT ARRAY[approvals, required_approvals] FROM workflow_orch.proposal WHERE proposal_id = :r), '{1,2}',
  'the approval before the edit is void');
SELECT is(review(:r, :bob, 'approve'), 'approved', 'who approved the earlier revision approves the new one');
SELECT raises(format($$SELECT review(%s, cyd(), 'approve')$$, :r), '{"sqlstate": "55000"}', 'after that no approval is needed');
SELECT propose('pay', '{"amount": 5}') AS p \gset
SELECT review(:p, :bob, 'edit', '{"amount": 6}') \g /dev/null
SELECT raises(format($$SELECT review(%s, bob(), 'approve')$$, :p), '{"sqlstate": "42710", "detail": "%edit%"}',
  'an editor does not approve the edit as well');
SELECT approved('pay', '{"amount": 5}') AS q \gset
SELECT review(:q, :cyd, 'approve') \g /dev/null
SELECT is(review(:q, :dee, 'edit', '{"amount": 9}'), 'pending', 'an edit of an approved proposal takes it back where more approvals are needed');
SELECT raises(format('SELECT execute(%s)', :q), '{"sqlstate": "55000", "detail": "Its status is pending%"}', 'what was taken back does not run');

-- What a revision needs is fixed when it is made.
SELECT propose('pay', '{"amount": 5}') AS p \gset
SELECT default_approvals FROM workflow_orch.set_policy(default_approvals => 1) \g /dev/null
SELECT is(review(:p, :bob, 'approve'), 'pending', 'a policy that is loosened later loosens nothing');
SELECT is(review(:p, :cyd, 'edit', '{"amount": 6}'), 'approved', 'an edit works out afresh what approvals are needed');
SELECT is((SELECT required_approvals FROM workflow_orch.proposal WHERE proposal_id = :p), 1::bigint, 'the proposal says what is needed now');
SELECT is((SELECT array_agg(required_approvals ORDER BY revision) FROM workflow_orch.proposal_revision WHERE proposal_id = :p), '{2,1}',
  'each revision says what it needed');
SELECT propose('pay', '{"amount": 5}') AS p \gset
SELECT default_approvals FROM workflow_orch.set_policy(default_approvals => 2) \g /dev/null
SELECT is(review(:p, :bob, 'approve'), 'approved', 'a policy that is tightened later tightens nothing');
SELECT default_approvals FROM workflow_orch.set_policy(default_approvals => 1) \g /dev/null

-- edit_needs_approval.
SELECT edit_needs_approval FROM workflow_orch.set_policy(edit_needs_approval => true) \g /dev/null
SELECT propose('pay', '{"amount": 5}') AS p, propose('pay', '{"amount": 5}') AS q, approved('pay', '{"amount": 5}') AS r \gset
SELECT is(review(:p, :bob, 'edit', '{"amount": 6}'), 'pending', 'with edit_needs_approval an edit does not approve');
SELECT raises(format($$SELECT review(%s, bob(), 'approve')$$, :p), '{"sqlstate": "42501"}', 'the editor does not approve their own edit');
SELECT is(review(:p, :cyd, 'approve'), 'approved', 'somebody else approves the edit');
SELECT raises(format($$SELECT review(%s, ann(), 'approve')$$, :q), '{"sqlstate": "42501"}', 'the proposer does not approve the first revision');
SELECT raises(format($$SELECT review(%s, ann(), 'edit', '{"amount": 6}')$$, :q), '{"sqlstate": "42501"}', 'nobody edits their own proposal');
SELECT review(:q, :bob, 'edit', '{"amount": 6}') \g /dev/null
SELECT raises(format($$SELECT review(%s, ann(), 'edit', '{"amount": 7}')$$, :q), '{"sqlstate": "42501"}',
  'nobody edits their own proposal after somebody else''s edit either');
SELECT is(review(:q, :ann, 'approve'), 'approved', 'the proposer may approve a revision that somebody else wrote');
SELECT is(review(:r, :bob, 'edit', '{"amount": 6}'), 'pending', 'an edit of an approved proposal takes it back');
SELECT is(review(:r, :cyd, 'edit', '{"amount": 7}'), 'pending', 'an edit of an edit waits as well');
SELECT is(review(:r, :bob, 'approve'), 'approved', 'the editor of an earlier revision may approve another''s');
SELECT propose('pay', '{"amount": 5}') AS p \gset
SELECT review(:p, :bob, 'edit', '{"amount": 6}') \g /dev/null
SELECT is(review(:p, :ann, 'reject'), 'rejected', 'the proposer may reject a revision that somebody else wrote');

-- Nobody approves their own wording, even if somebody else has restored it.
SELECT propose('pay', '{"amount": 5}') AS p, propose('pay', '{"amount": 5}') AS q, propose('pay', '{"amount": 5}') AS r \gset
SELECT review(:p, :bob, 'edit', '{}') \g /dev/null
SELECT raises(format($$SELECT review(%s, ann(), 'approve')$$, :p), '{"sqlstate": "42501", "message": "nobody may review their own proposal%"}',
  'an edit that leaves the wording does not let the proposer approve');
SELECT review(:q, :bob, 'edit', '{"amount": 6}'), review(:q, :cyd, 'edit', '{"amount": 5}') \g /dev/null
SELECT raises(format($$SELECT review(%s, ann(), 'approve')$$, :q), '{"sqlstate": "42501", "message": "nobody may review their own proposal%"}',
  'nor does one that comes back to it');
SELECT is(review(:q, :bob, 'approve'), 'approved', 'somebody else approves it');
SELECT review(:r, :bob, 'edit', '{"amount": 6}'), review(:r, :cyd, 'edit', '{"amount": 7}'), review(:r, :cyd, 'edit', '{"amount": 6}') \g /dev/null
SELECT raises(format($$SELECT review(%s, %s, 'approve')$$, :r, reviewer), '{"sqlstate": "42501", "message": "nobody may approve their own revision 4 of proposal%"}', what)
  FROM (VALUES (bob(), 'an editor does not approve their wording after somebody came back to it'), (cyd(), 'nor does who came back')) AS v(reviewer, what);
SELECT is(review(:r, :ann, 'approve'), 'approved', 'but the proposer, whose wording it never was');
SELECT propose('pay', '{"amount": 5}') AS p \gset
SELECT review(:p, :bob, 'edit', '{"amount": 6}') \g /dev/null
SELECT edit_needs_approval FROM workflow_orch.set_policy(edit_needs_approval => false) \g /dev/null
SELECT raises(format($$SELECT review(%s, bob(), 'approve')$$, :p), '{"sqlstate": "42501"}',
  'an edit made under edit_needs_approval still does not count when the policy has changed');
SELECT review(:p, :bob, 'edit', '{"amount": 7}') \g /dev/null
SELECT is(status(:p), 'approved', 'a new edit counts by the policy of its time');

-- Edits are limited as params are, though little may come of them.
SELECT propose('pay', '{"amount": 5}') AS p \gset
SELECT max(audit_id) AS last FROM workflow_orch.audit_log \gset
SET LOCAL workflow_orch.max_params_size = 1;
SELECT raises(format($$SELECT review(%s, bob(), 'edit', (SELECT jsonb_object_agg('none' || i, NULL) || '{"amount": 6}' FROM generate_series(1, 1000) i))$$, :p),
  '{"sqlstate": "54000", "hint": "%workflow_orch.max_params_size%"}', 'edits that are larger than max_params_size are refused');
RESET workflow_orch.max_params_size;
SELECT is((SELECT row(p.status, revision, params, (SELECT max(audit_id) FROM workflow_orch.audit_log))::text FROM workflow_orch.proposal p WHERE proposal_id = :p),
  format('(pending,1,"{""amount"": 5}",%s)', :last), 'and nothing is written');
SELECT is_empty(format('SELECT FROM workflow_orch.review WHERE proposal_id = %s', :p), 'nor is the review');

-- Dry runs are no matter of reviews; a disabled tool is none either.
SELECT propose('pay', '{"amount": 5}') AS p \gset
SELECT workflow_orch.set_tool_enabled('pay', false);
SELECT is(review(:p, :bob, 'approve'), 'approved', 'a proposal of a disabled tool can be reviewed');
SELECT workflow_orch.set_tool_enabled('pay', true);

\ir include/finish.sql
