# A dump of a database with live workflows, restored beside it and in another
# cluster: every row is back, no audit row is added, and work goes on.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

my $node = new_node('one');
install($node, 'postgres');
my $dump = PostgreSQL::Test::Utils::tempdir();

# A proposal in each state, a bound actor, a capability, a policy, odd texts.
$node->safe_psql('postgres', q{
	CREATE ROLE person LOGIN;
	SELECT workflow_orch.grant_capability('person', 'propose');
	SELECT workflow_orch.register_actor('bound', 'Developer', 'person');
	SELECT workflow_orch.set_policy(default_timeout => '1 h', approval_ttl => '1 year');
	SELECT workflow_orch.start_workflow('Done', 1), workflow_orch.complete_workflow(2, 1);
});
propose($node, 'postgres', 'add', $_) for 1 .. 3;                           # 1 to 3
my $approved = approved($node, 'postgres', 'add', 4);
my $edited = propose($node, 'postgres', 'add', 5);
my $executed = approved($node, 'postgres', 'add', 5);
my $failed = approved($node, 'postgres', 'add', 0);
execute($node, 'postgres', $_) for $executed, $failed;
$node->safe_psql('postgres', qq{
	SELECT workflow_orch.review_action($edited, 2, 'edit', '{"n": 2}', E'it''s \\\\ "quoted"\\n\\tünï');
	SELECT workflow_orch.review_action(1, 2, 'reject');
	SELECT workflow_orch.withdraw_proposal(2, 1, 'no');
	SELECT workflow_orch.propose_action(1, 4, 'add', '{"n": 9}', E'line\\nbreak', 'the key');
});

# A rule in force, one that was removed, an approval that was revoked, a delegation.
my $revoked = approved($node, 'postgres', 'add', 6);
$node->safe_psql('postgres', qq{
	SELECT workflow_orch.revoke_approval($revoked, 2, 'no');
	SELECT workflow_orch.add_approval_rule('Nobody', 2, 3, 'add', '\$.params.n == 77 && \$.reason like_regex "^x" flag "i"', 'odd');
	SELECT workflow_orch.add_approval_rule('Nobody', condition => '\$.params ? (\@.n == 78)'), workflow_orch.remove_approval_rule(2);
	SELECT workflow_orch.delegate_review(2, 3, '2099-01-01');
});

# A tool whose body and argument the server writes otherwise once it has read them again.
$node->safe_psql('postgres', q{
	CREATE DOMAIN app.word AS varchar CHECK (VALUE IN ('a', 'b'));
	CREATE FUNCTION app.listed(n int, w app.word DEFAULT 'a') RETURNS SETOF text BEGIN ATOMIC
		INSERT INTO app.effect SELECT 5 WHERE false;
		SELECT listed.n::text UNION SELECT 'x' ORDER BY 1;
	END;
	SELECT workflow_orch.register_tool('listed', 'app.listed(int,app.word)', run_as => 'tool_runner');
});
my $listed = propose($node, 'postgres', 'listed', 1);

my @tables = split /\n/, $node->safe_psql('postgres', q{
	SELECT relname FROM pg_class WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r' ORDER BY 1});
my @sequences = split /\n/, $node->safe_psql('postgres', q{
	SELECT relname FROM pg_class WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'S' ORDER BY 1});
ok(@tables >= 10 && @sequences >= 6, 'there are tables and sequences to dump');

# All rows but the built-in tools, which the extension brings along, and what the
# sealer adds where it finds the log in another place (034_seal.pl has that).
my %condition = (tool => 'WHERE NOT built_in', audit_log => q{WHERE action <> 'continue_audit_log'});
sub contents
{
	my ($server, $database) = @_;
	return join "\n", (map { "$_: " . $server->safe_psql($database, "SELECT x FROM workflow_orch.$_ x " . ($condition{$_} // '') . ' ORDER BY x::text') }
	    grep { !/^audit_(tree|origin|leaf|tile)$/ } @tables),
	  map { "$_: " . $server->safe_psql($database, "SELECT last_value, is_called FROM workflow_orch.$_") } grep { $_ ne 'audit_log_audit_id_seq' } @sequences;
}
my $before = contents($node, 'postgres');

my $socket = $node->host;
my %ways = (
	plain => [ [], sub { ('psql', '-XAqt', '-v', 'ON_ERROR_STOP=1', '-f', $_[0]) } ],
	inserts => [ ['--inserts'], sub { ('psql', '-XAqt', '-v', 'ON_ERROR_STOP=1', '-f', $_[0]) } ],
	column_inserts => [ ['--column-inserts', '--rows-per-insert=3'], sub { ('psql', '-XAqt', '-v', 'ON_ERROR_STOP=1', '-f', $_[0]) } ],
	custom => [ ['-Fc'], sub { ('pg_restore', '--exit-on-error', '-d', $_[1], $_[0]) } ],
	parallel => [ [ '-Fd', '-j2' ], sub { ('pg_restore', '--exit-on-error', '-j2', '-d', $_[1], $_[0]) } ],
);

# Goes on where the original stopped.
sub goes_on
{
	my ($server, $database, $what) = @_;
	is(execute($server, $database, $approved), '2', "$what: an approved call runs");
	is(execute($server, $database, $edited), '5', "$what: an edited one runs as edited");
	is($server->safe_psql($database, qq{BEGIN; SELECT status FROM workflow_orch.review_action($listed, 2, 'approve');
		SELECT count(*) FROM pg_locks WHERE relation = 'app.effect'::regclass AND mode <> 'AccessShareLock' AND pid = pg_backend_pid(); COMMIT}),
		"approved\n0", "$what: SQL that is written otherwise now is the same tool, and comparing it leaves no lock");
	is(execute($server, $database, $listed), '["1", "x"]', "$what: it runs");
	like(error_of($server, $database, "SELECT workflow_orch.execute_action($executed)"), qr/^55000/, "$what: what has run does not run again");
	is($server->safe_psql($database, "SELECT workflow_orch.retry_action($failed)"), 'approved', "$what: a failed call can be retried");
	is($server->safe_psql($database, q{SELECT workflow_orch.propose_action(1, 4, 'add', '{"n": 9}', E'line\nbreak', 'the key')}), '(8,pending)',
		"$what: the idempotency key answers with the proposal that is there");
	is($server->safe_psql($database, q{SELECT workflow_orch.start_workflow('Next'), workflow_orch.register_actor('Next', 'r'),
		(workflow_orch.propose_action(1, 1, 'add', '{"n": 1}', 'r')).proposal_id}), '3|5|11', "$what: ids continue");
	$server->safe_psql($database, q{SELECT workflow_orch.propose_action(1, 1, 'add', '{"n": 77}', 'x')});
	like($server->safe_psql($database, q{SELECT requirements FROM workflow_orch.proposal WHERE proposal_id = 12}), qr/"Nobody".*"approvals": 2/, "$what: rules and their conditions hold");
	is($server->safe_psql($database, "SELECT status FROM workflow_orch.review_action($revoked, 2, 'approve')"), 'approved', "$what: who has revoked decides again");
	is($server->safe_psql($database, 'SELECT count(*) FROM app.effect'), '3', "$what: the effects of the calls are those of the runs");
	is($server->safe_psql($database, 'SELECT * FROM workflow_orch.verify_audit_log()'), '', "$what: the audit log agrees with the tables");
	like(error_of($server, $database, "UPDATE workflow_orch.proposal SET status = 'approved' WHERE status = 'pending'"), qr/^42501/, "$what: the guard is there");
}

foreach my $way (sort keys %ways)
{
	my ($options, $restore) = @{ $ways{$way} };
	my $file = "$dump/$way";
	$node->command_ok([ 'pg_dump', @$options, '-f', $file, 'postgres' ], "$way: the database is dumped");
	$node->safe_psql('postgres', "CREATE DATABASE $way");
	{
		local $ENV{PGDATABASE} = $way;
		$node->command_ok([ $restore->($file, $way) ], "$way: it is restored beside it without an error");
	}
	is(contents($node, $way), $before, "$way: every row and sequence is back, and no row more");
}
goes_on($node, 'custom', 'beside it');
is($node->safe_psql('plain', q{SELECT capabilities FROM workflow_orch.whoami()}, extra_params => [ '-U', 'person' ]), '{propose}',
	'capabilities are restored with the database');

# Another cluster: there the roles have other OIDs, or are missing.
my $other = new_node('two');
$other->safe_psql('postgres', 'CREATE ROLE before_them; CREATE ROLE and_them; CREATE ROLE person LOGIN; CREATE ROLE tool_runner LOGIN;');
$other->safe_psql('postgres', 'CREATE DATABASE with_roles');
{
	local $ENV{PGDATABASE} = 'with_roles';
	$other->command_ok([ 'psql', '-XAqt', '-v', 'ON_ERROR_STOP=1', '-f', "$dump/plain" ], 'it is restored in a cluster where the roles have other OIDs');
}
is(contents($other, 'with_roles'), $before, 'every row and sequence is back there too');
like(error_of($other, 'with_roles', "SELECT workflow_orch.execute_action($approved)"), qr/^55000 role "tool_runner" is no longer the role that tool "add" was registered with/,
	'a call whose role is another is refused');
like(error_of($other, 'with_roles', q{SELECT workflow_orch.propose_action(1, 4, 'add', '{"n": 1}', 'r')}, '-U', 'person'), qr/^42501 actor 4 is bound to another role "person"/,
	'an actor whose role is another is refused');
is($other->safe_psql('with_roles', 'SELECT count(*) FROM app.effect'), '1', 'and nothing has run');
like(error_of($other, 'with_roles', "SELECT workflow_orch.review_action($listed, 2, 'approve')"), qr/^55000 tool "listed" has changed/,
	'a tool is not compared by its meaning as a role that nobody has confirmed');
$other->safe_psql('with_roles', q{SELECT workflow_orch.update_tool('add', run_as => 'tool_runner'), workflow_orch.update_tool('listed', run_as => 'tool_runner'), workflow_orch.update_actor(4, db_role => 'person')});
goes_on($other, 'with_roles', 'confirmed by an administrator');
is(error_of($other, 'with_roles', q{SELECT workflow_orch.propose_action(1, NULL, 'add', '{"n": 1}', 'r')}, '-U', 'person'), '', 'the actor proposes again');

my $third = new_node('three');
$third->safe_psql('postgres', 'CREATE DATABASE without_roles');
$third->command_fails_like([ 'pg_restore', '-d', 'without_roles', "$dump/custom" ], qr/role "(tool_runner|person)" does not exist/,
	'where roles are missing the restore says so of the grants');
is(contents($third, 'without_roles'), $before, 'and every row and sequence is back all the same');
like(error_of($third, 'without_roles', "SELECT workflow_orch.execute_action($approved)"), qr/^55000 role "tool_runner" is no longer the role that tool "add" was registered with/,
	'a call whose role is missing is refused');
like(error_of($third, 'without_roles', q{SELECT workflow_orch.update_tool('add', description => 'd')}), qr/^$/, 'its tool can be changed all the same');
$third->safe_psql('without_roles', q{
	CREATE ROLE tool_runner LOGIN; GRANT SELECT, INSERT ON app.effect TO tool_runner;
	SELECT workflow_orch.update_tool('add', run_as => 'tool_runner'), workflow_orch.update_tool('listed', run_as => 'tool_runner')});
goes_on($third, 'without_roles', 'with the role made and confirmed');

# Another superuser restores what belongs to the first.
$third->safe_psql('postgres', q{CREATE ROLE person LOGIN; CREATE ROLE admin SUPERUSER LOGIN; CREATE DATABASE by_another OWNER admin});
$third->command_ok([ 'pg_restore', '-U', 'admin', '--exit-on-error', '-d', 'by_another', "$dump/custom" ], 'another superuser restores it');
is(contents($third, 'by_another'), $before, 'with every row and sequence');

# From a database of one encoding into one of another: hashes are of the same texts.
local $ENV{PGCLIENTENCODING} = 'UTF8';
$node->safe_psql('postgres', q{CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'});
$node->safe_psql('postgres', q{CREATE DATABASE unicode ENCODING 'UTF8' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'});
$node->safe_psql('latin', q{
	CREATE EXTENSION workflow_orch;
	CREATE SCHEMA app;
	GRANT USAGE ON SCHEMA app TO PUBLIC;
	CREATE FUNCTION app.sizes("größe" int, gewicht int) RETURNS jsonb LANGUAGE sql AS $$SELECT jsonb_build_object('größe', "größe", 'gewicht', gewicht)$$;
	CREATE FUNCTION app.twice(word text) RETURNS text LANGUAGE sql AS $$SELECT chr(252) || word || word /* ü */$$;
	SELECT workflow_orch.register_actor('änn', 'Developer'), workflow_orch.register_actor('böb', 'DBA');
	SELECT workflow_orch.register_tool('twice', 'app.twice(text)', run_as => 'tool_runner'), workflow_orch.register_tool('sizes', 'app.sizes(int,int)', run_as => 'tool_runner');
	SELECT workflow_orch.start_workflow('Grüße', 1, metadata => '{"größe": {"ü": 1, "ab": [{}, [], "é", {"gewicht": null, "größe": 1.50}]}, "gewicht": true}');
	SELECT workflow_orch.propose_action(1, 1, 'twice', '{"word": "ü"}', 'für', 'schlüssel'), workflow_orch.propose_action(1, 1, 'twice', '{"word": "ö"}', 'für', 'kündigung'),
	       workflow_orch.propose_action(1, 1, 'sizes', '{"größe": 1, "gewicht": 2}', 'für');
	SELECT workflow_orch.review_action(n, 2, 'approve', comment => 'schön') FROM unnest(ARRAY[1, 2, 3]) AS n;
	SELECT workflow_orch.execute_action(1), workflow_orch.execute_action(3)});
is($node->safe_psql('latin', 'SELECT * FROM workflow_orch.verify_audit_log()'), '', 'in LATIN1 the audit log agrees with the tables');
$node->safe_psql('latin', 'SELECT workflow_orch.seal_audit_log()');
for my $proposal (1, 3)
{
	append_to_file("$dump/evidence.$proposal", $node->safe_psql('latin', "SELECT workflow_orch.evidence($proposal)"));
	command_like([ 'python3', 'script/verify_evidence.py', 'evidence', "$dump/evidence.$proposal" ], qr/^OK: /m, "the evidence of proposal $proposal is proved");
}
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dump/latin", 'latin' ], 'it is dumped');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'unicode', "$dump/latin" ], 'and restored as UTF8');
is($node->safe_psql('unicode', 'SELECT * FROM workflow_orch.verify_audit_log()'), '', 'which the audit log agrees with');
like($node->safe_psql('unicode', 'SELECT result FROM workflow_orch.execute_action(2)'), qr/"output": "üöö"/, 'and the tool is the one that was approved');

done_testing();
