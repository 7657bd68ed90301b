# redact_proposal: what people wrote goes from the tables and their files, and
# the audit log verifies as before.
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Workers;
use WorkflowOrch;

my $script = "$FindBin::RealBin/../../script/verify_evidence.py";
my $folder = PostgreSQL::Test::Utils::tempdir('redact');
my $node = new_node('redact', preload => 0, settings => "restart_after_crash = on\n");
install($node, 'postgres');
acts_on($node);

# A word that stands nowhere else, in each text of a call.
my $secret = 'Quitzdorf';

sub seal { return sql('SELECT workflow_orch.seal_audit_log()') }
sub findings { return sql(q{SELECT concat_ws(' ', audit_id, finding) FROM workflow_orch.verify_audit_log()}) }
sub redact { my ($proposal) = @_; return error_of($node, 'postgres', "SELECT workflow_orch.redact_proposal($proposal, 3, 'erasure is due')") }

# "SQLSTATE reason" of what a statement is refused with.
sub refusal { my ($statement) = @_; return as('postgres', $statement) }

# The exit status of script/verify_evidence.py, and what it prints.
sub verify
{
	my @arguments = @_;
	my $out = '';
	IPC::Run::run([ 'python3', $script, @arguments ], '>', \$out, '2>&1');
	return ($? >> 8, $out);
}

sub proposed_in
{
	my ($workflow, $tool, $params, $more) = @_;
	return sql("SELECT proposal_id FROM workflow_orch.propose_action($workflow, 1, '$tool', '$params', '$secret because'" . ($more // '') . ')');
}

# A call with everything that is written down of one.
sql(qq{
	CREATE FUNCTION app.tell(word text) RETURNS text LANGUAGE sql AS 'SELECT word';
	CREATE FUNCTION app.fail(word text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''%'', word; END';
	SELECT workflow_orch.register_tool(t, format('app.%s(text)', t)::regprocedure, run_as => 'tool_runner', preview => true) FROM unnest(ARRAY['tell', 'fail']) t;
	SELECT workflow_orch.start_workflow('Other', 1), workflow_orch.start_workflow('Failed', 1);
});
my $p = proposed_in(1, 'tell', qq({"word": "$secret"}), ", idempotency_key => '$secret key'");
sql(qq{
	SELECT workflow_orch.comment_proposal($p, 2, '$secret comment');
	SELECT workflow_orch.preview_action($p, 2);
	SELECT workflow_orch.review_action($p, 2, 'request_changes', comment => '$secret request');
	SELECT workflow_orch.revise_proposal($p, 1, '{"word": "$secret 2"}', '$secret again');
	SELECT workflow_orch.review_action($p, 2, 'approve', comment => '$secret fine', expected_revision => 2);
	SELECT workflow_orch.revoke_approval($p, 2, '$secret doubt');
	SELECT workflow_orch.review_action($p, 2, 'edit', '{"word": "$secret 3"}', '$secret edit', expected_revision => 2);
});
sql("SELECT workflow_orch.execute_action($p, 3)");
my $failed = proposed_in(3, 'fail', qq({"word": "$secret"}));
sql("SELECT workflow_orch.review_action($failed, 2, 'approve'); SELECT workflow_orch.execute_action($failed, 3)");
my $broken = proposed_in(1, 'tell', qq({"word": "$secret"}));
sql("SELECT workflow_orch.break_glass_execute($broken, 2, '$secret fire')");
my $rejected = proposed_in(1, 'tell', qq({"word": "$secret"}));
sql("SELECT workflow_orch.review_action($rejected, 2, 'reject', comment => '$secret never')");
my $withdrawn = proposed_in(1, 'tell', qq({"word": "$secret"}));
sql("SELECT workflow_orch.withdraw_proposal($withdrawn, 1, '$secret mistake')");
my $open = sql(q{SELECT proposal_id FROM workflow_orch.propose_action(1, 1, 'tell', '{"word": "open"}', 'r')});
# Two calls of one statement, of two workflows.
my ($first, $second) = split /\|/, sql(qq{SELECT (workflow_orch.propose_action(1, 1, 'tell', '{"word": "$secret"}', 'r')).proposal_id,
	(workflow_orch.propose_action(2, 1, 'tell', '{"word": "second"}', 'the second')).proposal_id});
sql("SELECT workflow_orch.withdraw_proposal($first, 1)");

# What is refused.
is(refusal("SELECT workflow_orch.redact_proposal($p, 3, 'r')"), '55000 wfo_not_sealed', 'what is not sealed is not redacted');
seal();
sql(q{SELECT workflow_orch.start_workflow('More', 1) FROM generate_series(1, 300)});
seal();
my $tree = sql('SELECT workflow_orch.audit_checkpoint()') . "\n";
my $kept = "$folder/kept.txt";
open my $out, '>', $kept or die;
print $out $tree;
close $out;
my $before = evidence_of($p);
for (
	[ "$open, 3, 'r'", '55000 wfo_not_finished', 'a pending proposal' ],
	[ "$failed, 3, 'r'", '55000 wfo_not_finished', 'a failed one in an active workflow' ],
	[ "$broken, 3, 'r'", '55000 wfo_not_finished', 'one with a break glass that nobody looked at' ],
	[ "NULL, 3, 'r'", '22023 wfo_argument_null', 'NULL for the proposal' ],
	[ "$p, 3, NULL", '22023 wfo_argument_null', 'NULL for the reason' ],
	[ "$p, 3, ' '", '22023 wfo_argument_empty', 'a blank reason' ],
	[ "-1, 3, 'r'", '42704 wfo_unknown_proposal', 'an unknown proposal' ],
	[ "9223372036854775807, 3, 'r'", '42704 wfo_unknown_proposal', 'the last id' ],
	[ "$p, -1, 'r'", '42704 wfo_unknown_actor', 'an unknown actor' ],
	)
{
	my ($arguments, $error, $what) = @$_;
	is(refusal("SELECT workflow_orch.redact_proposal($arguments)"), $error, "$what is refused");
}
sql("SELECT workflow_orch.hold_workflow(1, NULL, 'a court')");
is(refusal("SELECT workflow_orch.redact_proposal($p, 3, 'r')"), '55000 wfo_held', 'one of a held workflow is refused');
sql("SELECT workflow_orch.release_hold(1, NULL, 'closed'); SELECT workflow_orch.hold_workflow(2, NULL, 'a court')");
is(refusal("SELECT workflow_orch.redact_proposal($first, 3, 'r')"), '55000 wfo_held', 'and one whose statement reached a held workflow');
sql("SELECT workflow_orch.release_hold(2, NULL, 'closed')");
sql("SELECT workflow_orch.review_break_glass(execution_id, 3, '$secret seen') FROM workflow_orch.break_glass; SELECT workflow_orch.complete_workflow(3, 1)");
seal();

# A leaf that is not as it was sealed.
sql('ALTER TABLE workflow_orch.proposal_comment DISABLE TRIGGER ALL; UPDATE workflow_orch.proposal_comment SET comment = comment || $$!$$');
is(refusal("SELECT workflow_orch.redact_proposal($p, 3, 'r')"), '55000 wfo_not_as_sealed', 'what was changed is not redacted');
sql('UPDATE workflow_orch.proposal_comment SET comment = rtrim(comment, $$!$$); ALTER TABLE workflow_orch.proposal_comment ENABLE TRIGGER ALL;
	ALTER TABLE workflow_orch.proposal_comment ENABLE ALWAYS TRIGGER guard_row; ALTER TABLE workflow_orch.proposal_comment ENABLE ALWAYS TRIGGER record_row');
is(sql('SELECT count(*) FROM workflow_orch.redaction'), '0', 'what is refused writes nothing');

# A crash in the middle.
my $psql = session($node, 'postgres');
start_query($psql, "BEGIN; SELECT workflow_orch.redact_proposal($p, 3, 'r');");
answer($psql);
sql('CHECKPOINT');
$node->stop('immediate');
$node->start;
is(findings(), '', 'after a crash in the middle there is nothing to be found');
is(sql("SELECT count(*) FROM workflow_orch.proposal_revision WHERE proposal_id = $p AND params::text ~ '$secret'"), '3', 'nothing of it was done');

for my $table (qw(purged_key audit_log redaction audit_tile proposal proposal_revision review execution))
{
	crash_at($node, $table, "SELECT workflow_orch.redact_proposal($p, 3, 'r')");
	is(findings() . sql("SELECT count(*) FROM workflow_orch.proposal_revision WHERE proposal_id = $p AND params::text ~ '$secret'"), '3', "nor when it was killed as it wrote to $table");
}
is(sql("SELECT count(*) FROM workflow_orch.verify_audit_log(checkpoint => '$tree')"), 0, 'the checkpoint from before holds');

# Redacted.
is(redact($_), '', "proposal $_ is redacted") for $p, $failed, $broken, $rejected, $withdrawn, $first;
is(findings(), '', 'verify_audit_log finds nothing');
seal();
is(findings(), '', 'nor when the redaction is sealed');
is(sql(q{SELECT string_agg(DISTINCT leaf_group, ' ' ORDER BY leaf_group) FROM workflow_orch.redaction}), 'rows what', 'who did it is not redacted');
is(sql("SELECT params::text || reason || coalesce(idempotency_key, '-') FROM workflow_orch.proposal WHERE proposal_id = $p"), '{}redacted-', 'the proposal is empty');
is(sql("SELECT result - '{executed_at,duration_ms}'::text[] FROM workflow_orch.execution WHERE proposal_id = $p"), '{"tool": "tell", "dry_run": false, "success": true, "redacted": true, "rows_changed": 0}', 'of a result the facts stay');
is(sql("SELECT result -> 'error' FROM workflow_orch.execution WHERE proposal_id = $failed"), '{"sqlstate": "P0001"}', 'and of an error its code');
is(sql("SELECT details FROM workflow_orch.audit_log WHERE proposal_id = $p AND action = 'comment_proposal'"), '{"revision": 1, "comment_id": 1}', 'of details as well');
is(sql("SELECT reason || ' ' || (query IS NULL) FROM workflow_orch.proposal p JOIN workflow_orch.audit_log a USING (proposal_id) WHERE proposal_id = $second"), 'the second true', 'of another call in the same statement its text alone is gone');
is(sql("SELECT bool_and(a.workflow_id = t.workflow_id) FROM workflow_orch.redaction r JOIN workflow_orch.audit_log a USING (audit_id) JOIN workflow_orch.audit_log t ON t.audit_id = r.trail WHERE r.object_id = $first"), 't', 'each workflow that a redaction reaches has its audit row of it');
my @tables = split /\n/, sql(q{SELECT c.oid::regclass FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'workflow_orch'::regnamespace ORDER BY 1});
is(sql("SELECT count(*) FROM workflow_orch.$_ x WHERE x::text ~ '$secret'"), '0', "$_ has nothing of it") for map { s/.*\.//r } @tables;
is(refusal("SELECT workflow_orch.redact_proposal($p, 3, 'r')"), '55000 wfo_redacted', 'nothing is redacted twice');
is(refusal("SELECT workflow_orch.propose_action(1, 1, 'tell', '{\"word\": \"$secret\"}', '$secret because', '$secret key')"), '42710 wfo_key_spent', 'its key is not used again');
sql("SELECT workflow_orch.comment_proposal($p, 2, 'one more'); SELECT workflow_orch.withdraw_proposal($second, 1)");
seal();
is(redact($p), '', 'what was written since can be redacted');
is(sql("SELECT comment FROM workflow_orch.proposal_comment WHERE comment_id = 2"), 'redacted', 'it is');
is(redact($second), '', 'and so can the other call of the statement');
is(sql("SELECT string_agg(details::text, ' ') FROM workflow_orch.audit_log WHERE proposal_id = $second AND action = 'propose_action'"), '{"tool": "tell", "status": "pending", "revision": 1, "required_approvals": 1}', 'whose details are facts now');
seal();
is(findings(), '', 'verify_audit_log finds nothing');
isnt(sql('SELECT workflow_orch.workflow_report(1)'), '', 'the report is made');

# What a superuser does.
sql(q{ALTER TABLE workflow_orch.redaction DISABLE TRIGGER ALL});
like(sql(q{BEGIN; INSERT INTO workflow_orch.redaction SELECT 1, 'who', sha256('x'), 'proposal', 1, now(), NULL, min(trail) FROM workflow_orch.redaction;
	SELECT string_agg(finding, '; ') FROM workflow_orch.verify_audit_log(); ROLLBACK}), qr/the group who of audit row 1 is redacted, and audit row \d+ does not tell of it/, 'a redaction that no row tells of is found');
like(sql(q{BEGIN; DELETE FROM workflow_orch.redaction WHERE audit_id = (SELECT min(audit_id) FROM workflow_orch.redaction);
	SELECT string_agg(finding, '; ') FROM workflow_orch.verify_audit_log(); ROLLBACK}), qr/audit row \d+ or one of the rows .* is not what was sealed/, 'so is a hash that is gone');
like(sql("BEGIN; UPDATE workflow_orch.redaction SET $_ WHERE object_id = $p; SELECT string_agg(finding, '; ') FROM workflow_orch.verify_audit_log(); ROLLBACK"),
	qr/^the group \w+ of audit row \d+ is redacted, and audit row \d+ does not tell of it/, "$_ is found")
	for 'object_id = 1000', q{object = 'actor'}, q{redacted_at = redacted_at - interval '2 hours'}, q{redacted_at = redacted_at + interval '2 minutes'}, 'redacted_by = 1', 'redacted_by = NULL';
# A comment is changed, and a redaction made up with an audit row that fits, so that nobody compares it.
sql("SELECT workflow_orch.comment_proposal($open, 2, 'I doubt it')");
seal();
my $doubt = sql(q{SELECT max(audit_id) FROM workflow_orch.audit_log WHERE action = 'comment_proposal'});
sub made_up
{
	my ($object, $comment) = @_;
	return sql(qq{
		BEGIN;
		ALTER TABLE workflow_orch.audit_log DISABLE TRIGGER ALL; ALTER TABLE workflow_orch.audit_leaf DISABLE TRIGGER ALL; ALTER TABLE workflow_orch.proposal_comment DISABLE TRIGGER ALL;
		CREATE TEMP TABLE taken AS SELECT sha256(decode(workflow_orch.evidence_leaf($doubt, size) ->> 'rows', 'base64')) AS hash FROM workflow_orch.audit_tree;
		UPDATE workflow_orch.proposal_comment SET comment = '$comment' WHERE proposal_id = $open;
		UPDATE workflow_orch.audit_leaf SET salts = overlay(salts PLACING decode(repeat('00', 16), 'hex') FROM 33) WHERE audit_id = $doubt;
		WITH trail AS (
		  INSERT INTO workflow_orch.audit_log (occurred_at, action, workflow_id, proposal_id, login, details, db_role, application_name, backend_pid, transaction_id)
		  SELECT clock_timestamp(), 'redact_$object', 1, CASE '$object' WHEN 'proposal' THEN $open END, 'x', jsonb_build_object('count', 1, 'redacted_sha256', encode(sha256(int8send($doubt) || '\\x02' || hash), 'hex'))
		         || CASE '$object' WHEN 'actor' THEN '{"actor_id": 2}' ELSE '{}' END::jsonb, 'x', '', pg_backend_pid(), pg_current_xact_id() FROM taken RETURNING audit_id)
		INSERT INTO workflow_orch.redaction SELECT $doubt, 'rows', hash, '$object', CASE '$object' WHEN 'actor' THEN 2 ELSE $open END, clock_timestamp(), NULL, audit_id, clock_timestamp() FROM taken, trail;
		SELECT string_agg(finding, '; ') FROM workflow_orch.verify_audit_log();
		ROLLBACK});
}
is(made_up('proposal', 'It is fine'), "the group rows of audit row $doubt is redacted, and its values are still there", 'a redaction that was made up to hide a change is found');
is(made_up('actor', 'It is fine'), "the group rows of audit row $doubt is redacted, and its values are still there", 'and one of an actor who is not redacted');
is(made_up('proposal', 'redacted'), '', 'one that takes the values away is one');
sql(q{ALTER TABLE workflow_orch.redaction ENABLE TRIGGER ALL; ALTER TABLE workflow_orch.redaction ENABLE ALWAYS TRIGGER guard_row; ALTER TABLE workflow_orch.redaction ENABLE ALWAYS TRIGGER guard_truncate});

# Proofs.
SKIP:
{
	skip 'python3 is missing', 10 if system('python3 --version >/dev/null 2>&1') != 0;
	my ($status, $said) = verify('evidence', $before);
	is($status, 0, 'what was exported before is still proved') or diag $said;
	my ($size) = $tree =~ /\n(\d+)\n/;
	my $consistency = "$folder/consistency.json";
	open my $file, '>', $consistency or die;
	print $file sql("SELECT workflow_orch.audit_consistency($size)");
	close $file;
	my $after = evidence_of($p);
	($status, $said) = verify('evidence', $after, '--checkpoint', $kept, '--consistency', $consistency);
	is($status, 0, 'and so is what is left, beside a checkpoint from before') or diag $said;
	like($said, qr/redacted: audit row \d+ \('propose_action'\): what, rows/, 'which says what is redacted');
	like($said, qr/proved: redaction by audit row \d+/, 'and by which row');
	($status, $said) = verify('evidence', evidence_of($second));
	is($status, 0, 'evidence of the other call is proved') or diag $said;
	my $json = JSON::PP->new->canonical->allow_bignum;
	for ([ 'without the redactions', sub { $_[0]{redactions} = [] } ], [ 'with another hash', sub { $_[0]{redactions}[0]{hash} =~ s/.$/0/; $_[0]{redactions}[0]{hash} =~ s/^..(.)/'\\x' . ($1 eq '1' ? 2 : 1)/e } ],
		[ 'without one of them', sub { shift @{ $_[0]{redactions} } } ])
	{
		my ($what, $change) = @$_;
		my $data = $json->decode(PostgreSQL::Test::Utils::slurp_file($after));
		$change->($data);
		open my $changed, '>', "$folder/changed.json" or die;
		print $changed $json->encode($data);
		close $changed;
		($status, $said) = verify('evidence', "$folder/changed.json");
		is($status, 1, "$what nothing is proved");
	}
	my $data = $json->decode(PostgreSQL::Test::Utils::slurp_file($after));
	$_->{trail} = 999999 for @{ $data->{redactions} };
	$data->{proposal}{person} = 'Somebody';
	open my $changed, '>', "$folder/changed.json" or die;
	print $changed $json->encode($data);
	close $changed;
	($status, $said) = verify('evidence', "$folder/changed.json");
	like($said, qr/not proved: the rows of audit row \d+ are redacted, and no row of the file tells of it/, 'rows are not redacted by a row that is not in the file');
	is($status, 1, 'so that is not proved');
}

# Dump and restore.
is(restored_findings(), '', 'a restored database has no findings');

# The files, once they are vacuumed as doc/administrator.md says.
isnt(scalar(files_with($secret)), 0, 'before that they still have it');
sql($_) for map { "VACUUM (FULL, ANALYZE) $_" } @tables;
sql('VACUUM FULL pg_catalog.pg_statistic');
is(join(' ', files_with($secret)), '', 'and then no longer');
$node->stop;
done_testing();
