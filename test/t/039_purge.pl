# purge_workflows: what it leaves of the tree, of proofs and of redactions, and what
# others do at the same time.  test/pgtap/engine_purge.sql has which workflows go.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Workers;
use WorkflowOrch;

my $script = "$FindBin::RealBin/../../script/verify_evidence.py";
my $folder = PostgreSQL::Test::Utils::tempdir('purge');
my $node = new_node('purge', preload => 0, settings => "workflow_orch.min_retention = 0\nworkflow_orch.lock_wait = '60s'\nrestart_after_crash = on\nmax_prepared_transactions = 2\n");
install($node, 'postgres');
acts_on($node);

my $purge = q{SELECT workflow_orch.purge_workflows(clock_timestamp(), 3, 'retention is over')};
sub seal { return sql('SELECT workflow_orch.seal_audit_log()') }
sub findings { return sql(q{SELECT concat_ws(' ', audit_id, finding) FROM workflow_orch.verify_audit_log()}) }
sub counts { return sql('SELECT (SELECT count(*) FROM workflow_orch.workflow), (SELECT count(*) FROM workflow_orch.proposal), (SELECT count(*) FROM workflow_orch.audit_log), (SELECT count(*) FROM workflow_orch.purged_leaf)') }

sub keep
{
	my ($name, $text) = @_;
	open my $out, '>', "$folder/$name" or die "$name: $!";
	print $out $text;
	close $out;
	return "$folder/$name";
}

# The exit status of script/verify_evidence.py; its output is shown if that is not 0.
sub verify
{
	my @arguments = @_;
	my $out = '';
	IPC::Run::run([ 'python3', $script, @arguments ], '>', \$out, '2>&1');
	diag $out if $? != 0;
	return $? >> 8;
}

# A workflow that has ended, with calls that were executed: its id, and those of the calls.
sub work
{
	my ($calls, $key) = @_;
	my $workflow = sql(q{SELECT workflow_orch.start_workflow('some work', 1)});
	my @calls = map { sql("SELECT proposal_id FROM workflow_orch.propose_action($workflow, 1, 'add', '{\"n\": 1}', 'because'" . ($key ? ", '$key $_')" : ')')) } 1 .. $calls;
	sql(join ';', (map { ("SELECT workflow_orch.review_action($_, 2, 'approve')", "SELECT workflow_orch.execute_action($_, 3)") } @calls), "SELECT workflow_orch.complete_workflow($workflow, 1)");
	return ($workflow, @calls);
}

# Sessions that wait for a lock.
sub waiting { my ($n) = @_; return wait_for($node, 'postgres', "SELECT count(*) = $n FROM pg_stat_activity WHERE wait_event_type = 'Lock'") }

# The tree, and proofs that were exported before.
my ($first, $call, $other) = work(3, 'key');
sql(q{SELECT workflow_orch.start_workflow('goes on', 1) FROM generate_series(1, 300)});
my ($last) = work(1);
sql("SELECT workflow_orch.comment_proposal($call, 2, 'well done')");
seal();
my $checkpoint = keep('before.txt', sql('SELECT workflow_orch.audit_checkpoint()') . "\n");
my ($size) = PostgreSQL::Test::Utils::slurp_file($checkpoint) =~ /\n(\d+)\n/;
my $evidence = keep('evidence.json', sql("SELECT workflow_orch.evidence($call)"));
my $sealed = sql("SELECT min(audit_id) FROM workflow_orch.audit_log WHERE proposal_id = $call");
my $entry = keep('entry.hex', sql("SELECT workflow_orch.audit_entry($sealed)"));
is(findings(), '', 'nothing is found before');
my $before = counts();

# In the middle: another session, a crash of the server, an end of the session.
my $psql = session($node, 'postgres');
start_query($psql, "BEGIN; $purge;");
is(answer($psql), 4, 'a purge that is not committed');
is(findings(), '', 'is not seen by verify_audit_log');
is(sql("SELECT workflow_orch.audit_proof($sealed) ->> 'leaf_index' >= '0'"), 't', 'nor by proofs');
sql('CHECKPOINT');
$node->stop('immediate');
$node->start;
is(counts() . findings(), $before, 'and undone by a crash of the server');
for my $table (qw(purged_leaf audit_log audit_purge purged_key audit_tile audit_leaf))
{
	crash_at($node, $table, $purge);
	is(counts() . findings(), $before, "killed when it wrote to $table");
}
is(sql("SELECT count(*) FROM workflow_orch.verify_audit_log(checkpoint => '" . PostgreSQL::Test::Utils::slurp_file($checkpoint) . "')"), 0, 'the checkpoint from before holds');
is(sql("BEGIN; $purge; ROLLBACK"), 4, 'and by a rollback');
is(counts() . findings(), $before, 'which leaves all as it was');
sql("BEGIN; $purge; PREPARE TRANSACTION 'purge'");
$node->stop('immediate');
$node->start;
is(counts() . findings(), $before, 'one that is prepared is not seen');
sql(q{ROLLBACK PREPARED 'purge'});
is(counts() . findings(), $before, 'nor when it is rolled back');
is(as('postgres', "BEGIN; SELECT workflow_orch.start_workflow('own', 1); $purge; SELECT workflow_orch.hold_workflow($first, NULL, 'too late'); COMMIT"), '42704 wfo_unknown_workflow', 'what is purged is gone for the same transaction');
is(counts() . findings(), $before, 'whose end undoes the purge');
for my $level ('REPEATABLE READ', 'SERIALIZABLE')
{
	my $old = session($node, 'postgres');
	start_query($old, "BEGIN ISOLATION LEVEL $level; SELECT count(*) > 0 FROM workflow_orch.workflow; $purge; ROLLBACK");
	is(answer($old), "t\n4", "it works at $level");
}

# Done.
sql("SELECT workflow_orch.hold_workflow($last, NULL, 'a court')");
my ($rc, $out, $err) = $node->psql('postgres', "SET client_min_messages = notice; $purge");
is($out, 3, 'what is not held is purged');
like($err, qr/NOTICE:  workflows that were not purged: 1\nDETAIL:  A legal hold stands on each of them. The first of them is workflow $last\./, 'and a NOTICE says what was left, and why');
is(findings(), '', 'verify_audit_log finds nothing');
seal();
is(findings(), '', 'nor when the purge is sealed');
is(sql("SELECT count(*) FROM workflow_orch.verify_audit_log(checkpoint => '" . PostgreSQL::Test::Utils::slurp_file($checkpoint) . "')"), 0, 'nor with a checkpoint from before');
is(sql(q{SELECT bool_and((substr(salts, 1 + (leaf % 256)::int * 48, 48) = decode(repeat('00', 48), 'hex')) = (leaf BETWEEN first_leaf AND last_leaf))
	FROM workflow_orch.audit_tile, generate_series(tile * 256, tile * 256 + 255) leaf LEFT JOIN workflow_orch.purged_leaf ON leaf BETWEEN first_leaf AND last_leaf WHERE level = 0 AND first_leaf IS NOT NULL}), 't', 'the salts of its leaves are gone');
is(sql(q{WITH none AS (SELECT decode(repeat('00', 48), 'hex') AS salts)
	SELECT (SELECT count(*) FROM workflow_orch.audit_tile t, none, generate_series(0, 255) leaf WHERE level = 0 AND substr(t.salts, 1 + leaf * 48, 48) = none.salts) + (SELECT count(*) FROM workflow_orch.audit_leaf JOIN none USING (salts))}),
	sql(q{SELECT sum(leaves) FROM workflow_orch.audit_purge}), 'and no others');
SKIP:
{
	skip 'python3 is missing', 3 if system('python3 --version >/dev/null 2>&1') != 0;
	is(verify('evidence', $evidence, '--checkpoint', $checkpoint), 0, 'what was exported before is proved with a checkpoint from before');
	is(verify('consistency', '--proof', keep('consistency.json', sql("SELECT workflow_orch.audit_consistency($size)")), '--old', $checkpoint, '--new', keep('after.txt', sql('SELECT workflow_orch.audit_checkpoint()') . "\n")),
		0, 'which the tree extends');
	is(verify('inclusion', '--proof', keep('proof.json', sql("SELECT workflow_orch.audit_proof($sealed)")), '--entry', $entry, '--checkpoint', "$folder/after.txt"), 0, 'and an entry from before is in the tree of now');
}
is(as('postgres', "SELECT workflow_orch.audit_entry($sealed)"), '42704 wfo_purged', 'which does not have it any more');
is(as('postgres', "SELECT workflow_orch.propose_action(1, 1, 'add', '{\"n\": 1}', 'because', 'key 2')"), '42710 wfo_key_spent', 'its keys are spent');
is(as('postgres', "SELECT workflow_orch.$_"), '42704 wfo_unknown_proposal', "$_: unknown") for "execute_action($call, 3)", "comment_proposal($call, 2, 'c')", "evidence($call)", "redact_proposal($call, NULL, 'r')";
is(as('postgres', "SELECT workflow_orch.$_"), '42704 wfo_unknown_workflow', "$_: unknown") for "workflow_report($first)", "verify_audit_log($first)", "complete_workflow($first, 1)";

# What a superuser does.
sub tampered
{
	my ($tables, $change) = @_;
	return sql("BEGIN; " . join('', map { "ALTER TABLE workflow_orch.$_ DISABLE TRIGGER ALL;" } split ' ', $tables) . "$change; SELECT string_agg(finding, '; ') FROM workflow_orch.verify_audit_log(); ROLLBACK");
}
my $victim = sql('SELECT min(audit_id) FROM workflow_orch.audit_log WHERE workflow_id = 1');
my $leaf = sql("SELECT workflow_orch.audit_proof($victim) ->> 'leaf_index'");
my $delete = "DELETE FROM workflow_orch.audit_log WHERE audit_id = $victim";
like(tampered('audit_log', $delete), qr/audit row $victim, leaf $leaf of the tree, is missing/, 'a row that is deleted beside is missing');
like(tampered('audit_log purged_leaf', "$delete; INSERT INTO workflow_orch.purged_leaf SELECT $leaf, $leaf, purge_id FROM workflow_orch.audit_purge"), qr/audit row \d+ does not tell of purge \d+, or of other leaves$/, 'a row is not added to a purge');
like(tampered('audit_log purged_leaf', "$delete; INSERT INTO workflow_orch.purged_leaf VALUES ($leaf, $leaf, 99)"), qr/leaves $leaf to $leaf of the tree are marked as purged, and purge 99 does not exist$/, 'nor to one that there never was');
like(tampered('audit_log purged_leaf audit_purge', "$delete; INSERT INTO workflow_orch.audit_purge OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(x, '{\"purge_id\": 99}')).* FROM workflow_orch.audit_purge x; INSERT INTO workflow_orch.purged_leaf VALUES ($leaf, $leaf, 99)"),
	qr/audit row \d+ does not tell of purge 99, or of other leaves$/, 'nor to one whose audit row is that of another');
like(tampered('audit_purge', "UPDATE workflow_orch.audit_purge SET $_"), qr/^audit row \d+ does not tell of purge \d+, or of other leaves/, "the row of a purge is compared: $_")
	for 'workflows = workflows + 1', 'proposals = proposals + 1', 'leaves = leaves + 1', q{leaves_sha256 = sha256('')}, q{ended_before = ended_before - interval '1 us'}, q{purged_at = purged_at - interval '2 hours'}, q{purged_at = purged_at + interval '2 minutes'}, 'purged_by = coalesce(purged_by, 0) + 1';
like(tampered('purged_leaf', 'DELETE FROM workflow_orch.purged_leaf'), qr/audit row \d+, leaf \d+ of the tree, is missing.*does not tell of purge \d+/, 'leaves that are not marked are missing');
like(tampered('audit_purge', 'DELETE FROM workflow_orch.audit_purge'), qr/purge \d+ does not exist/, 'a purge that is taken away is missed');
like(tampered('audit_log', q{DELETE FROM workflow_orch.audit_log WHERE action = 'purge_workflows'}), qr/is missing.*does not tell of purge \d+/, 'and so is its audit row');
like(tampered('audit_log', q{UPDATE workflow_orch.audit_log SET details = details || '{"reason": "x"}' WHERE action = 'purge_workflows'}), qr/is not what was sealed/, 'which nobody changes');
like(tampered('audit_log', "INSERT INTO workflow_orch.audit_log OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(x, '{\"audit_id\": $sealed}')).* FROM workflow_orch.audit_log x WHERE action = 'purge_workflows'"), qr/audit row $sealed .*is not what was sealed/, 'a row that comes back is not what was sealed');
is(findings(), '', 'all of which was undone');

# Others at the same time.
sql("SELECT workflow_orch.release_hold($last, NULL, 'closed')");
my ($one) = work(1);
my ($two) = work(1);
seal();
my $holder = session($node, 'postgres');
start_query($holder, "BEGIN; SELECT workflow_orch.hold_workflow($last, NULL, 'another court')");
answer($holder);
my $commenter = session($node, 'postgres');
start_query($commenter, "BEGIN; SELECT comment_id > 0 FROM workflow_orch.comment_proposal((SELECT proposal_id FROM workflow_orch.proposal WHERE workflow_id = $one), 2, 'wait')");
is(answer($commenter), 't', 'a comment that is not committed');
($rc, $out, $err) = $node->psql('postgres', "SET client_min_messages = notice; BEGIN; $purge; ROLLBACK");
is($out, 1, 'what another session holds or comments on is left');
like($err, qr/not purged: 2\nDETAIL:  Another session has a lock on each of them. The first of them is workflow $last\./, 'as locked');
start_query($_, 'ROLLBACK') for $holder, $commenter;
answer($_) for $holder, $commenter;
my $purger = session($node, 'postgres');
start_query($purger, "BEGIN; SELECT workflow_orch.purge_workflows(clock_timestamp(), 3, 'r', 2)");
is(answer($purger), 2, 'two of three are purged');
start_query($holder, "SELECT workflow_orch.hold_workflow($last, NULL, 'too late')");
start_query($commenter, "SELECT workflow_orch.comment_proposal((SELECT proposal_id FROM workflow_orch.proposal WHERE workflow_id = $one), 2, 'too late')");
my $second = session($node, 'postgres');
start_query($second, "SET client_min_messages = notice; $purge");
waiting(3);
start_query($purger, 'COMMIT');
answer($purger);
like(answer($holder), qr/workflow $last does not exist/, 'a hold that waits for the purge comes too late');
like(answer($commenter), qr/workflow $one does not exist/, 'and so does a comment');
like(answer($second), qr/^NOTICE: .*: 2\nDETAIL:  Another session has a lock.*\n1$/, 'a second purge at the same time takes what is left');
is(sql("SELECT count(*) FROM workflow_orch.workflow WHERE workflow_id IN ($last, $one, $two)"), 0, 'so all is purged');
is(sql('SELECT count(*) FROM workflow_orch.audit_purge'), 3, 'once');
is(findings(), '', 'and nothing is found');

# A failed proposal, which could still be withdrawn.
my $failing = sql(q{SELECT workflow_orch.start_workflow('fails', 1)});
my $failed = sql(qq{SELECT proposal_id FROM workflow_orch.propose_action($failing, 1, 'add', '{"n": 0}', 'because')});
sql("SELECT workflow_orch.review_action($failed, 2, 'approve'); SELECT workflow_orch.execute_action($failed, 3); SELECT workflow_orch.complete_workflow($failing, 1)");
seal();
start_query($commenter, "BEGIN; SELECT workflow_orch.withdraw_proposal($failed, 1)");
answer($commenter);
is(sql($purge), 0, 'a workflow whose failed proposal is being withdrawn is left');
start_query($commenter, 'COMMIT');
answer($commenter);
is(sql($purge), 0, 'until that is sealed');
seal();
is(sql($purge), 1, 'and then purged');
is(findings(), '', 'nothing is found');

# Redactions that reach another workflow by a statement, in which each has its audit row.
my %of;
for my $pair ('A B', 'C D')
{
	my ($a, $b) = split ' ', $pair;
	$of{$_} = sql("SELECT workflow_orch.start_workflow('$_', 1)") for $a, $b;
	my @proposals = split /\|/, sql(qq{SELECT (workflow_orch.propose_action($of{$a}, 1, 'add', '{"n": 1}', 'secret')).proposal_id, (workflow_orch.propose_action($of{$b}, 1, 'add', '{"n": 1}', 'not secret')).proposal_id});
	sql("SELECT workflow_orch.withdraw_proposal($_, 1)") for @proposals;
	sql("SELECT workflow_orch.cancel_workflow($_, 1)") for $of{$a}, $of{$b};
	seal();
	sql("SELECT workflow_orch.redact_proposal($proposals[0], NULL, 'erasure')");
}
seal();
my $redactions = sql('SELECT count(*) FROM workflow_orch.redaction');
sql("SELECT workflow_orch.hold_workflow($_, NULL, 'a court')") for $of{B}, $of{C};
seal();
is(sql($purge), 2, 'the redacted workflow goes, and one that a redaction of another one reached');
is(findings(), '', 'nothing is found');
seal();
is(findings(), '', 'nor later');
cmp_ok(sql('SELECT count(*) FROM workflow_orch.redaction'), '<', $redactions, 'the hashes of what is gone are gone');
is(sql('SELECT count(*) FROM workflow_orch.redaction r WHERE NOT EXISTS (SELECT FROM workflow_orch.audit_log a WHERE a.audit_id = r.audit_id) OR NOT EXISTS (SELECT FROM workflow_orch.audit_log a WHERE a.audit_id = r.trail)'), 0, 'and no others');
SKIP:
{
	skip 'python3 is missing', 1 if system('python3 --version >/dev/null 2>&1') != 0;
	my $left = sql("SELECT proposal_id FROM workflow_orch.proposal WHERE workflow_id = $of{B}");
	is(verify('evidence', keep('left.json', sql("SELECT workflow_orch.evidence($left)"))), 0, 'evidence of what is left is proved');
}
sql("SELECT workflow_orch.release_hold($_, NULL, 'closed')") for $of{B}, $of{C};
seal();
is(sql($purge), 2, 'then the others go');
seal();
is(findings(), '', 'and nothing is found');

# What a call of a built-in tool has changed belongs to no workflow, and stays; so does its redaction.
sql(q{CREATE ROLE boss LOGIN; SELECT workflow_orch.grant_capability('boss', 'propose'), workflow_orch.grant_capability('tool_runner', 'propose');
	SELECT workflow_orch.register_actor('boss', 'Manager', 'boss'), workflow_orch.register_actor('holder', 'Developer', 'tool_runner')});
my $standing = sql(q{SELECT workflow_orch.start_workflow('standing', 1)});
my $asked = as('boss', qq{SELECT proposal_id FROM workflow_orch.propose_action($standing, NULL, 'workflow_orch.standing_approval', '{"tool": "add", "actor_id": 5, "uses": 2, "ends_at": "tomorrow", "description": "every day"}', 'secret')});
sql("SELECT workflow_orch.review_action($asked, 2, 'approve')");
my $stands = sql("SELECT result -> 'output' FROM workflow_orch.execute_action($asked)");
my $used = sql(q{SELECT workflow_orch.start_workflow('uses it', 1)});
my $covered = as('tool_runner', qq{SELECT proposal_id FROM workflow_orch.propose_action($used, NULL, 'add', '{"n": 1}', 'as every day')});
sql("SELECT workflow_orch.execute_action($covered, 3); SELECT workflow_orch.end_standing_approval($stands, NULL, 'enough')");
sql("SELECT workflow_orch.complete_workflow($_, 1)") for $standing, $used;
seal();
is(sql("SELECT standing_id FROM workflow_orch.proposal WHERE proposal_id = $covered"), $stands, 'a standing approval has approved a call of another workflow');
sql("SELECT workflow_orch.redact_proposal($asked, NULL, 'erasure'); SELECT workflow_orch.hold_workflow($used, NULL, 'a court')");
seal();
is(sql($purge), 1, 'its proposal is purged');
seal();
is(findings(), '', 'and nothing is found');
is(sql("SELECT string_agg(leaf_group, ' ') FROM workflow_orch.redaction JOIN workflow_orch.audit_log USING (audit_id) WHERE action = 'standing_approval'"), 'what', 'though its audit row is redacted');

# A purge and verify_audit_log at the same time, many times.
sql(q{DO $$
DECLARE
	w bigint;
BEGIN
	FOR i IN 1..60 LOOP
		w := workflow_orch.start_workflow('much work', 1);
		PERFORM workflow_orch.propose_action(w, 1, 'add', '{"n": 1}', 'because') FROM generate_series(1, 5);
		PERFORM workflow_orch.cancel_workflow(w, 1);
	END LOOP;
END $$});
seal();
sql(q{CREATE PROCEDURE app.purge_all() LANGUAGE plpgsql AS $$
BEGIN
	WHILE workflow_orch.purge_workflows(clock_timestamp(), 3, 'r', 1) > 0 LOOP
		COMMIT;
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$});
start_query($purger, 'CALL app.purge_all()');
my $verified = '';
my $looks = 0;
until ($purger->{out} =~ /-- done --/)
{
	$verified .= findings();
	$looks++;
	$purger->{run}->pump_nb;
}
is(answer($purger) . $verified, '', 'while workflows are purged one by one nothing is found');
cmp_ok($looks, '>', 1, 'as often as one looks');

# Dump and restore.
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$folder/dump", '-p', $node->port, '-h', $node->host, 'postgres' ], 'dump');
sql('CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '-p', $node->port, '-h', $node->host, '-d', 'restored', "$folder/dump" ], 'restore');
is($node->safe_psql('restored', 'SELECT string_agg(finding, $$; $$) FROM workflow_orch.verify_audit_log()'), '', 'a restored database has no findings');
is((split / /, error_of($node, 'restored', "SELECT workflow_orch.propose_action(1, 1, 'add', '{\"n\": 1}', 'because', 'key 2')"))[0], '42710', 'and refuses the keys');
$node->safe_psql('restored', 'SELECT workflow_orch.seal_audit_log()');
is($node->safe_psql('restored', $purge), 0, 'there is nothing to be purged');
$node->stop;
done_testing();
