# redact_actor: who an actor was goes from the tables and their files, and the audit
# log verifies as before.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use WorkflowOrch;

my $script = "$FindBin::RealBin/../../script/verify_evidence.py";
my $node = new_node('redact_actor', preload => 0);
install($node, 'postgres');
acts_on($node);

# A word that stands in each name, and nowhere else.
my $secret = 'uitzdorf';

sub seal { return sql('SELECT workflow_orch.seal_audit_log()') }
# What is found, but for the rows below that no call has made.
my $made_up = q{finding NOT IN ('no audit row tells of standing_approval 99', 'no audit row tells of cancel_request 1')};
sub findings { return sql("SELECT concat_ws(' ', audit_id, finding) FROM workflow_orch.verify_audit_log() WHERE $made_up") }
sub redact { my ($arguments) = @_; return as('postgres', "SELECT workflow_orch.redact_actor($arguments)") }

sub verified
{
	my ($file, $what) = @_;
	my $out = '';
	IPC::Run::run([ 'python3', $script, 'evidence', $file ], '>', \$out, '2>&1');
	is($? >> 8, 0, $what) or diag $out;
	return $out;
}

sub proposed_by { my ($role, $actor, $more) = @_; return as($role, "SELECT proposal_id FROM workflow_orch.propose_action(1, $actor, 'tell', '{\"word\": \"w\"}', 'because'" . ($more // '') . ')') }

# Ada: actor 4, bound to a role of her own, and actor 5, her former account.  Actor 6
# is bound to a role together with actor 7, who stays.
sql(qq{
	CREATE FUNCTION app.tell(word text) RETURNS text LANGUAGE sql AS 'SELECT word';
	SELECT workflow_orch.register_tool('tell', 'app.tell(text)', run_as => 'tool_runner', preview => true);
	CREATE ROLE quitzdorf LOGIN;
	CREATE ROLE shared_q$secret LOGIN;
	CREATE ROLE gone LOGIN;
	SELECT workflow_orch.grant_capability(r::regrole, c) FROM unnest('{propose,review,execute,break_glass}'::text[]) c, unnest('{quitzdorf,shared_q$secret}'::text[]) r;
	SELECT workflow_orch.register_actor('Ada', 'DBA', person => 'Ada Mueller'), workflow_orch.register_actor('other', 'Clerk');
});
sql(qq{SELECT workflow_orch.update_actor(4, name => 'Ada Quitzdorf', db_role => 'quitzdorf', person => 'Quitzdorf, Ada'), workflow_orch.update_actor(5, name => 'Q$secret', person => 'Quitzdorf, Ada')});
sql(qq{SELECT workflow_orch.register_actor('six', 'DBA', 'shared_q$secret'), workflow_orch.register_actor('seven', 'DBA', 'shared_q$secret')});
sql(q{ALTER ROLE quitzdorf RENAME TO quitzdorf_now});
$ENV{PGAPPNAME} = 'quitzdorf console';
my $p = proposed_by('quitzdorf_now', 4, ", 'key'");
as('quitzdorf_now', "SELECT workflow_orch.revise_proposal($p, 4, '{\"word\": \"x\"}', 'again')");
as('quitzdorf_now', "SELECT workflow_orch.comment_proposal($p, 4, 'fine')");
delete $ENV{PGAPPNAME};
sql("SELECT workflow_orch.review_action($p, 2, 'approve', expected_revision => 2)");
as('quitzdorf_now', "SELECT workflow_orch.execute_action($p, 4)");
sql(q{SELECT workflow_orch.grant_capability('quitzdorf_now', 'gateway')});
# By her gateway: what another actor did through her login.
my $through = proposed_by('quitzdorf_now', 1);
sql("SELECT workflow_orch.withdraw_proposal($through, 1)");
# What she reviewed, and the glass that she broke.
my $reviewed = proposed_by('postgres', 1);
as('quitzdorf_now', "SELECT workflow_orch.preview_action($reviewed, 4); SELECT workflow_orch.review_action($reviewed, 4, 'approve')");
as('quitzdorf_now', "SELECT workflow_orch.revoke_approval($reviewed, 4, 'doubt'); SELECT workflow_orch.review_action($reviewed, 4, 'edit', '{\"word\": \"y\"}')");
my $broken = proposed_by('postgres', 1);
as('quitzdorf_now', "SELECT workflow_orch.break_glass_execute($broken, 4, 'fire')");
sql('SELECT workflow_orch.review_break_glass(execution_id, 3, $$seen$$) FROM workflow_orch.break_glass');
my $former = proposed_by('postgres', 5);
# A standing approval that she holds, and a request to cancel, as a restore writes it.
my $standing = as("shared_q$secret", q{SELECT proposal_id FROM workflow_orch.propose_action(1, 7, 'workflow_orch.standing_approval', jsonb_build_object('tool', 'tell', 'actor_id', 4, 'uses', 2, 'ends_at', now() + interval '1 day'), 'daily')});
sql("SELECT workflow_orch.review_action($standing, 2, 'approve'); SELECT workflow_orch.execute_action($standing, 3)");
sql(qq{INSERT INTO workflow_orch.cancel_request (execution_id, proposal_id, workflow_id, requested_at, actor_id, login) SELECT execution_id, $through, workflow_id, now(), 4, 'quitzdorf' FROM workflow_orch.execution WHERE proposal_id = $p});
is(sql('SELECT db_role FROM workflow_orch.standing_approval'), 'quitzdorf_now', 'she holds a standing approval');
seal();

# What is refused.
is(redact("4, 3, 'she asks'"), '55000 wfo_actor_active', 'an active actor is not redacted');
sql('SELECT workflow_orch.update_actor(4, active => false)');
seal();
is(redact("4, 3, 'she asks'"), '55000 wfo_not_finished', 'nor one whose review of an open proposal still counts');
sql("SELECT workflow_orch.execute_action($reviewed, 3)");
seal();
is(redact("4, 3, 'she asks'"), '55000 wfo_not_finished', 'nor one who has another account with an open proposal');
is(redact("5, 3, 'r'"), '55000 wfo_actor_active', 'which is active');
sql("SELECT workflow_orch.update_actor(5, active => false)");
is(redact("5, 3, 'r'"), '55000 wfo_not_finished', 'and its own proposal is open');
sql("SELECT workflow_orch.review_action($former, 2, 'reject'); SELECT workflow_orch.revoke_capability('quitzdorf_now', 'review')");
is(redact("4, 3, 'she asks'"), '55000 wfo_not_sealed', 'nor is one redacted of whom there are rows that are not sealed');
seal();
sql("SELECT workflow_orch.hold_workflow(1, NULL, 'a court')");
is(redact("4, 3, 'she asks'"), '55000 wfo_held', 'nor one with rows of a held workflow');
sql("SELECT workflow_orch.release_hold(1, NULL, 'closed'); SELECT workflow_orch.register_actor('redacted 4', 'Clerk')");
is(redact("4, 3, 'she asks'"), '42710 wfo_actor_exists', 'nor one whose new name is taken');
sql("SELECT workflow_orch.update_actor(8, name => 'eight')");
for ([ "NULL, 3, 'r'", '22023 wfo_argument_null' ], [ "4, 3, NULL", '22023 wfo_argument_null' ], [ "4, 3, ''", '22023 wfo_argument_empty' ], [ "-1, 3, 'r'", '42704 wfo_unknown_actor' ],
	[ "9223372036854775807, 3, 'r'", '42704 wfo_unknown_actor' ], [ "4, 0, 'r'", '42704 wfo_unknown_actor' ], [ "4, 5, 'r'", '42501 wfo_actor_inactive' ])
{
	is(redact($_->[0]), $_->[1], "redact_actor($_->[0]) is refused");
}
is(as('quitzdorf_now', "SELECT workflow_orch.redact_actor(4, NULL, 'r')"), '42501 -', 'it needs administer');
seal();
is(sql('SELECT count(*) FROM workflow_orch.redaction'), '0', 'what is refused writes nothing');
my %before = map { $_ => evidence_of($_) } $p, $reviewed, $broken, $former;

# A crash in the middle.
my $psql = session($node, 'postgres');
start_query($psql, "BEGIN; SELECT workflow_orch.redact_actor(4, 3, 'she asks');");
answer($psql);
sql('CHECKPOINT');
$node->stop('immediate');
$node->start;
is(findings(), '', 'after a crash in the middle there is nothing to be found');
is(sql('SELECT name FROM workflow_orch.actor WHERE actor_id = 4'), 'Ada Quitzdorf', 'nothing of it was done');

# Two at once.
my @sessions = map { session($node, 'postgres', '-v', 'VERBOSITY=verbose') } 1, 2;
start_query($sessions[0], "BEGIN; SELECT workflow_orch.redact_actor(4, 3, 'she asks');");
unlike(answer($sessions[0]), qr/ERROR/, 'she is redacted');
start_query($sessions[1], "SELECT workflow_orch.redact_actor(4, 3, 'she asks');");
wait_for($node, 'postgres', q{SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'redact_actor'});
start_query($sessions[0], 'COMMIT;');
answer($sessions[0]);
like(answer($sessions[1]), qr/55000.*redacted already/s, 'another one waits, and finds that done');
end_session($_) for @sessions;

# Redacted.
is(findings(), '', 'verify_audit_log finds nothing');
seal();
is(findings(), '', 'nor when the redaction is sealed');
is(sql('SELECT name, role, active, db_role, db_role_oid, former_db_roles FROM workflow_orch.actor WHERE actor_id = 4'), 'redacted 4|DBA|f|||', 'the actor has a name without meaning, and no role');
is(sql(q{SELECT count(DISTINCT person), bool_and(person ~ '^redacted [0-9a-f]{32}$') FROM workflow_orch.actor WHERE actor_id IN (4, 5)}), '1|t', 'one token stands for the person, with the other account as well');
is(sql("SELECT count(*) FROM workflow_orch.$_ x JOIN workflow_orch.actor a ON a.actor_id = 4 WHERE x.person = a.person"), $_ eq 'proposal_revision' ? '4' : $_ eq 'break_glass' ? '1' : '2', "and in $_")
	for 'proposal', 'proposal_revision', 'review', 'break_glass';
is(sql("SELECT DISTINCT db_role, login FROM workflow_orch.proposal WHERE proposal_id = $p"), 'redacted 4|redacted 4', 'role and login are the new name');
is(sql("SELECT login FROM workflow_orch.proposal WHERE proposal_id = $through"), '', 'a gateway has left no login');
is(sql("SELECT DISTINCT login || ' ' || db_role || ' ' || application_name FROM workflow_orch.audit_log WHERE proposal_id = $through AND action = 'propose_action'"), 'redacted 4 redacted 4 ', 'but the audit row of what another one did through her role had her login');
is(sql(q{SELECT details FROM workflow_orch.audit_log WHERE action = 'update_actor' AND details ->> 'actor_id' = '5' AND details ? 'to' AND details -> 'to' ? 'person'}) =~ s/"redacted [0-9a-f]{32}"/"token"/r,
	qq({"to": {"name": "Q$secret", "person": "token"}, "from": {"name": "other", "person": null}, "name": "Q$secret", "actor_id": 5}), 'of another account the person is gone');
is(sql(q{SELECT details FROM workflow_orch.audit_log WHERE action = 'grant_capability' AND details ->> 'capability' = 'gateway'}), '{"db_role": "redacted 4", "capability": "gateway"}', 'of a grant the role');
is(sql("SELECT params ->> 'word' || ' ' || reason FROM workflow_orch.proposal WHERE proposal_id = $p"), 'x again', 'what she wrote stays');
is(sql("SELECT string_agg(DISTINCT action || ' ' || coalesce(workflow_id::text, '-') || ' ' || (details ->> 'actor_id') || ' ' || (details ->> 'reason'), '; ') FROM workflow_orch.audit_log WHERE action = 'redact_actor'"),
	'redact_actor - 4 she asks; redact_actor 1 4 she asks', 'audit rows tell of it, in each workflow and outside');
is(redact("4, 3, 'r'"), '55000 wfo_redacted', 'nobody is redacted twice');
is(as('postgres', "SELECT workflow_orch.update_actor(4, active => true)"), '55000 wfo_redacted', 'nor does the actor come back');
is(redact("5, 3, 'r'"), '', 'the other account is redacted');
is(sql('SELECT count(DISTINCT person) FROM workflow_orch.actor WHERE actor_id IN (4, 5)'), '1', 'and has the same token');
seal();
is(findings(), '', 'verify_audit_log finds nothing');
for ([ 'name', "'Ada'" ], [ 'person', "'Ada'" ], [ 'db_role', "'postgres'" ], [ 'db_role_oid', '10' ], [ 'former_db_roles', "'{quitzdorf}'" ])
{
	my ($column, $value) = @$_;
	like(sql("BEGIN; ALTER TABLE workflow_orch.actor DISABLE TRIGGER ALL; ALTER TABLE workflow_orch.actor DROP CONSTRAINT actor_check; UPDATE workflow_orch.actor SET $column = $value WHERE actor_id = 4; SELECT string_agg(finding, '; ') FROM workflow_orch.verify_audit_log(); ROLLBACK"),
		qr/column "$column" of actor 4 is not what audit row \d+ says/, "a redacted actor who gets $column back is found");
}

# A role that two actors have stays in the rows of the other one.
my $six = proposed_by("shared_q$secret", 6);
my $seven = proposed_by("shared_q$secret", 7);
sql("SELECT workflow_orch.withdraw_proposal(proposal_id, actor_id) FROM workflow_orch.proposal WHERE proposal_id IN ($six, $seven); SELECT workflow_orch.update_actor(6, active => false)");
seal();
is(redact("6, NULL, 'r'"), '', 'an actor is redacted by nobody in particular');
is(sql("SELECT string_agg(login, ' ' ORDER BY proposal_id) FROM workflow_orch.proposal WHERE proposal_id IN ($six, $seven)"), "redacted 6 shared_q$secret", 'a shared role stays with the other actor');
sql('SELECT workflow_orch.update_actor(7, active => false)');
seal();
is(redact("7, NULL, 'r'"), '', 'and goes with the last one');
seal();
is(findings(), '', 'verify_audit_log finds nothing');

# Beside a redaction of what she wrote.
is(as('postgres', "SELECT workflow_orch.redact_proposal($p, 3, 'r')"), '', 'what she wrote is redacted as well');
is(sql("SELECT params::text || reason FROM workflow_orch.proposal WHERE proposal_id = $p"), '{}redacted', 'all of it');
is(findings(), '', 'verify_audit_log finds nothing');
seal();
is(as('postgres', "SELECT workflow_orch.redact_proposal($former, 3, 'r'); SELECT workflow_orch.register_actor('Ada Quitz', 'DBA', person => 'A. Quitz'); SELECT 'ok'"), "\n9\nok", 'a new actor');
my $nine = proposed_by('postgres', 9);
sql("SELECT workflow_orch.withdraw_proposal($nine, 9); SELECT workflow_orch.update_actor(9, active => false)");
seal();
is(as('postgres', "SELECT workflow_orch.redact_proposal($nine, 3, 'r'); SELECT workflow_orch.redact_actor(9, 3, 'r')"), "\n", 'in the other order, too');
is(sql("SELECT params::text || (person ~ '^redacted') FROM workflow_orch.proposal WHERE proposal_id = $nine"), '{}true', 'both are done');
seal();
is(findings(), '', 'verify_audit_log finds nothing');

# The call of a built-in tool has the row of the actor in its params.
is(as('postgres', "SELECT workflow_orch.redact_proposal($standing, 3, 'r')"), '', 'the call that gave her the standing approval is redacted');
seal();
is(findings(), '', 'verify_audit_log finds nothing');
my @tables = map { s/.*\.//r } split /\n/, sql(q{SELECT c.oid::regclass FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'workflow_orch'::regnamespace ORDER BY 1});
# A column of such a name that comes later must be in its table's descriptor.
is(sql(q{SELECT string_agg(table_name || '.' || column_name, ' ' ORDER BY table_name, column_name) FROM information_schema.columns NATURAL JOIN information_schema.tables
	WHERE table_schema = 'workflow_orch' AND table_type = 'BASE TABLE' AND column_name ~ 'login|person|^db_role|former_db|application_name|client_addr'}),
	'actor.db_role actor.db_role_oid actor.former_db_roles actor.person audit_log.application_name audit_log.authenticated_login audit_log.client_addr audit_log.db_role audit_log.login'
	. ' break_glass.db_role break_glass.login break_glass.person cancel_request.login execution.login proposal.db_role proposal.login proposal.person'
	. ' proposal_revision.db_role proposal_revision.login proposal_revision.person review.db_role review.login review.person standing_approval.db_role', 'these columns say who somebody is');
is(sql("SELECT count(*) FROM workflow_orch.$_ x WHERE x::text ~ '$secret'"), '0', "$_ has no name") for @tables;
is(sql(q{SELECT count(*) FROM workflow_orch.audit_log WHERE details::text ~ 'Mueller' OR query ~ 'Mueller'}), '0', 'nor a former one');

# Proofs.
SKIP:
{
	skip 'python3 is missing', 8 if system('python3 --version >/dev/null 2>&1') != 0;
	verified($before{$_}, "what was exported of proposal $_ is still proved") for sort keys %before;
	for my $proposal (sort keys %before)
	{
		my $said = verified(evidence_of($proposal), "and what is left of it, too");
		like($said, qr/redacted: audit row \d+ \('.*'\): who/, 'who did it is not') if $proposal != $former;
		like($said, qr/proved: redaction by audit row \d+/, 'which a row tells');
	}
}

# Dump and restore.
is(restored_findings(" WHERE $made_up"), '', 'a restored database has no findings');

# The files, once they are vacuumed as doc/administrator.md says.
isnt(scalar(files_with($secret)), 0, 'before that they still have names');
sql($_) for map { "VACUUM (FULL, ANALYZE) workflow_orch.$_" } @tables;
sql('VACUUM FULL pg_catalog.pg_statistic');
is(join(' ', files_with($secret)), '', 'and then no longer');
$node->stop;
done_testing();
