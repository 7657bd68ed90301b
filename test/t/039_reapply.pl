# reapply_redactions: what was redacted after a backup is redacted again once the
# backup is restored and the newer rows of the table redaction are loaded.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use WorkflowOrch;

my $script = "$FindBin::RealBin/../../script/verify_evidence.py";
my $folder = PostgreSQL::Test::Utils::tempdir('reapply');
my $node = new_node('reapply', preload => 0);
install($node, 'postgres');
acts_on($node);
my $secret = 'Quitzdorf';

sub restored { my ($statement) = @_; return $node->safe_psql('restored', $statement) }
sub findings { return restored(q{SELECT concat_ws(' ', audit_id, finding) FROM workflow_orch.verify_audit_log()}) }

# What reapply_redactions gives in the restored database, and its warnings.
sub reapply
{
	my (undef, $out, $err) = $node->psql('restored', 'SELECT workflow_orch.reapply_redactions()');
	return ($out, join("\n", $err =~ /WARNING:  (.*)/g));
}

sub withdrawn
{
	my ($word, $actor) = @_;
	my $proposal = sql("SELECT proposal_id FROM workflow_orch.propose_action(1, $actor, 'tell', '{\"word\": \"$word\"}', 'r')");
	sql("SELECT workflow_orch.withdraw_proposal($proposal, $actor, '$word is wrong')");
	return $proposal;
}

sql(qq{
	CREATE FUNCTION app.tell(word text) RETURNS text LANGUAGE sql AS 'SELECT word';
	SELECT workflow_orch.register_tool('tell', 'app.tell(text)', run_as => 'tool_runner');
	SELECT workflow_orch.register_actor('Ada $secret', 'DBA', person => '$secret, Ada'), workflow_orch.register_actor('Ben $secret', 'DBA', person => '$secret, Ben');
	SELECT workflow_orch.start_workflow('Other', 1);
});
my $early = withdrawn("early $secret", 1);
my $first = withdrawn("first $secret", 4);
my $second = withdrawn("second $secret", 5);
my $open = sql(qq{SELECT proposal_id FROM workflow_orch.propose_action(1, 1, 'tell', '{"word": "open $secret"}', 'r')});
sql('SELECT workflow_orch.update_actor(4, active => false); SELECT workflow_orch.seal_audit_log()');
is(sql("SELECT workflow_orch.redact_proposal($early, 3, 'before the backup'); SELECT workflow_orch.reapply_redactions()"), "\n0", 'without a restore there is nothing to be repeated');
sql('SELECT workflow_orch.seal_audit_log()');
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$folder/dump", '-p', $node->port, '-h', $node->host, 'postgres' ], 'a backup');

# After the backup.
my $late = withdrawn("late $secret", 1);
sql("SELECT workflow_orch.withdraw_proposal($open, 1); SELECT workflow_orch.update_actor(5, active => false); SELECT workflow_orch.seal_audit_log()");
sql("SELECT workflow_orch.redact_proposal($_, 3, 'after the backup')") for $first, $second, $open, $late;
sql("SELECT workflow_orch.redact_actor($_, 3, 'after the backup')") for 4, 5;
sql('SELECT workflow_orch.seal_audit_log()');
sql("COPY workflow_orch.redaction TO '$folder/redaction'");

# The backup is restored, and work goes on before anybody thinks of the redactions.
sql('CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '-p', $node->port, '-h', $node->host, '-d', 'restored', "$folder/dump" ], 'it is restored');
is(restored("SELECT count(*) FROM workflow_orch.proposal WHERE params::text ~ '$secret'"), '3', 'what was redacted since is there again');
restored(qq{SELECT workflow_orch.propose_action(1, 2, 'tell', '{"word": "another"}', 'keep this')});
restored("SELECT workflow_orch.withdraw_proposal($late, 2)");
restored('SELECT workflow_orch.seal_audit_log()');
is(findings(), '', 'nothing is found');
my $load = qq{CREATE TEMP TABLE redaction (LIKE workflow_orch.redaction); COPY redaction FROM '$folder/redaction';
	INSERT INTO workflow_orch.redaction SELECT * FROM redaction ON CONFLICT DO NOTHING};
restored($load);
like(findings(), qr/the group what of audit row \d+ is redacted, and audit row \d+ does not tell of it/, 'rows of redactions that were not repeated are found');

# What cannot be redacted now.
restored("SELECT workflow_orch.hold_workflow(1, NULL, 'a court')");
my ($count, $warnings) = reapply();
is($count, '0', 'what is held is not redacted');
like($warnings, qr/^proposal $first is not redacted again: workflow 1 is held$/m, 'which a warning says');
like($warnings, qr/^actor 4 is not redacted again: workflow 1 is held$/m, 'of actors as well');
restored("SELECT workflow_orch.release_hold(1, NULL, 'closed'); SELECT workflow_orch.seal_audit_log()");
restored($load);
is($node->psql('restored', 'SELECT workflow_orch.reapply_redactions()', extra_params => [ '-U', 'tool_runner' ]), 3, 'it needs administer');

# A crash in the middle.
my $psql = session($node, 'restored');
start_query($psql, 'BEGIN; SELECT workflow_orch.reapply_redactions();');
answer($psql);
sql('CHECKPOINT');
$node->stop('immediate');
$node->start;
is(restored("SELECT count(*) FROM workflow_orch.proposal WHERE params::text ~ '$secret'"), '3', 'after a crash in the middle nothing of it was done');

($count, $warnings) = reapply();
is($count, '3', 'two proposals and an actor are redacted again');
like($warnings, qr/^proposal $open is not redacted again: proposal $open is not finished$/m, 'one that is pending in the backup is left');
like($warnings, qr/^actor 5 is not redacted again: actor 5 is active$/m, 'and an actor who is active there');
like($warnings, qr/^proposal $late is not redacted again, since no sealed row is one that was redacted$/m, 'and one that came after the backup, whose id another one has');
is(restored("SELECT params::text || reason FROM workflow_orch.proposal WHERE proposal_id = $first"), '{}redacted', 'a proposal is redacted');
is(restored("SELECT params ->> 'word' || ' ' || reason FROM workflow_orch.proposal WHERE proposal_id = $late"), 'another keep this', 'the other one is not');
is(restored(q{SELECT name, person ~ '^redacted [0-9a-f]{32}$' FROM workflow_orch.actor WHERE actor_id = 4}), 'redacted 4|t', 'an actor is');
is(restored("SELECT count(*) FROM workflow_orch.redaction WHERE object = 'proposal' AND object_id = $late"), '0', 'rows about what is not there are gone');
is(restored("SELECT string_agg(DISTINCT a.action, ' ') FROM workflow_orch.redaction r JOIN workflow_orch.audit_log a ON a.audit_id = r.trail WHERE r.object_id = $first AND object = 'proposal'"), 'reapply_redactions', 'an audit row of this database tells of it');
restored("SELECT workflow_orch.withdraw_proposal($open, 1); SELECT workflow_orch.update_actor(5, active => false); SELECT workflow_orch.seal_audit_log()");
($count, $warnings) = reapply();
is($count, '2', 'the rest is redacted when it is finished');
is($warnings, '', 'without a warning');
restored('SELECT workflow_orch.seal_audit_log()');
is(findings(), '', 'verify_audit_log finds nothing');
is((reapply())[0], '0', 'nothing is repeated twice');
my @tables = map { s/.*\.//r } split /\n/, restored(q{SELECT c.oid::regclass FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'workflow_orch'::regnamespace ORDER BY 1});
is(restored("SELECT count(*) FROM workflow_orch.$_ x WHERE x::text ~ '$secret'"), '0', "$_ has nothing of it") for @tables;
is(restored("SELECT bool_or(login ~ 'redacted 4') FROM workflow_orch.audit_log"), 't', 'who acted is redacted');
SKIP:
{
	skip 'python3 is missing', 2 if system('python3 --version >/dev/null 2>&1') != 0;
	open my $out, '>', "$folder/evidence.json" or die;
	print $out restored("SELECT workflow_orch.evidence($first)");
	close $out;
	my $said = '';
	IPC::Run::run([ 'python3', $script, 'evidence', "$folder/evidence.json" ], '>', \$said, '2>&1');
	is($? >> 8, 0, 'evidence is proved') or diag $said;
	like($said, qr/proved: redaction by audit row \d+/, 'and the repeated redaction as well');
}
$node->stop;
done_testing();
