# Refused attempts: they are in the audit log though their transactions roll back,
# and neither fill it nor hide one another.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use Workers;

my $node = new_node('main', settings => "max_prepared_transactions = 5\nmax_worker_processes = 16\nworkflow_orch.poll_interval = 1h\nlog_min_messages = warning\n", allows_streaming => 1);
install($node, 'postgres');
my $proposal = propose($node, 'postgres', 'add', 1);
$node->safe_psql('postgres', q{
	CREATE ROLE mallory LOGIN; CREATE ROLE eve LOGIN; CREATE ROLE oscar LOGIN;
	SELECT workflow_orch.grant_capability(r, c) FROM unnest('{mallory,eve,oscar}'::regrole[]) r, unnest('{propose,review}'::text[]) c;
	CREATE FUNCTION app.try(call text, times int) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE n bigint := 0;
	BEGIN
		FOR i IN 1..times LOOP
			BEGIN EXECUTE replace(call, '%i', i::text); EXCEPTION WHEN insufficient_privilege OR object_not_in_prerequisite_state OR undefined_object THEN n := n + 1; END;
		END LOOP;
		RETURN n;
	END $$});

# The rows of a login, written by now: the sealer is asked.
sub rows
{
	my ($login, $columns, %param) = @_;
	my $order = $columns =~ /sum|count/ ? '' : ' ORDER BY audit_id';
	my $database = $param{database} // 'postgres';
	my $rows = $node->safe_psql($database, "SELECT workflow_orch.seal_audit_log() IS NULL; SELECT $columns FROM workflow_orch.refused_attempt WHERE login = '$login' AND " . ($param{where} // 'true') . $order);
	return $rows =~ s/^f\n?//r;
}

# What a login tries, in a session of its own.
sub try_as
{
	my ($login, $sql, %param) = @_;
	my ($rc, $out, $err) = $node->psql($param{database} // 'postgres', $sql, connstr => $node->connstr($param{database} // 'postgres') . " user=$login application_name=app_of_$login");
	return $err =~ s/psql:\S+ //gr;
}

# One attempt, of each way.
my $offset = -s $node->logfile;
like(try_as('mallory', "SELECT workflow_orch.review_action($proposal, 2, 'approve')"), qr/ERROR/, 'an attempt is refused');
is(rows('mallory', 'call, sqlstate, reason, proposal_id, actor_id, workflow_id, attempts, db_role, application_name, authenticated_login, client_addr IS NULL'),
	"review_action|42501|wfo_not_that_actor|$proposal|2||1|mallory|app_of_mallory|mallory|t", 'and has a row');
is($node->safe_psql('postgres', q{SELECT workflow_id, proposal_id, execution_id IS NULL, actor_id IS NULL, query IS NULL, details ? 'params', abs(extract(epoch FROM occurred_at - clock_timestamp())) < 60 FROM workflow_orch.audit_log WHERE action = 'refused'}),
	"1|$proposal|t|t|t|f|t", 'with the ids of what exists, without the query');
my $lines = () = substr(slurp_file($node->logfile), $offset) =~ /LOG:  role "mallory"/g;
is($lines, 1, 'the log has a line');
is($node->safe_psql('postgres', 'SELECT count(*) FROM workflow_orch.verify_audit_log()'), '0', 'verify_audit_log has nothing against it');
try_as('mallory', "SELECT workflow_orch.withdraw_proposal($_, 2)") foreach '9223372036854775807', 0, $proposal;
try_as('mallory', q{BEGIN; SELECT app.try('SELECT workflow_orch.complete_workflow(1, 2)', 1); ROLLBACK});
try_as('mallory', q{PREPARE p AS SELECT workflow_orch.cancel_workflow(1, 2); EXECUTE p});
is(rows('mallory', 'call, reason, workflow_id, proposal_id', where => "call <> 'review_action'"),
	"withdraw_proposal|wfo_not_that_actor||$proposal\ncomplete_workflow|wfo_open_proposals|1|\ncancel_workflow|wfo_not_that_actor|1|", 'caught, rolled back or prepared: each has a row, but not where the id is unknown');
$node->psql('postgres', 'DELETE FROM workflow_orch.review; UPDATE workflow_orch.audit_log SET login = $$x$$');
$node->psql('postgres', 'TRUNCATE workflow_orch.audit_log');
like(rows('postgres', 'call, "table", reason'), qr/^UPDATE\|audit_log\|wfo_outside_write\nTRUNCATE\|audit_log\|wfo_outside_write$/m, 'writes to the tables are attempts, too');

# Repeats: one row now, one when the minute is over.
is($node->safe_psql('postgres', "SET SESSION AUTHORIZATION eve; SELECT app.try('SELECT workflow_orch.withdraw_proposal($proposal, 2)', 300)"), '300', 'many attempts of one kind');
try_as('eve', "SELECT workflow_orch.withdraw_proposal($proposal, 2)") foreach 1 .. 5;
is(rows('eve', 'call, attempts'), 'withdraw_proposal|1', 'have one row at first, however often the login connects');

# A flood: 100,000 attempts of a thousand kinds, and somebody else's.
my @floods = map { session($node, 'postgres') } 1 .. 2;
$offset = -s $node->logfile;
$node->safe_psql('postgres', 'SELECT count(workflow_orch.propose_action(1, 1, $$add$$, $${"n": 1}$$, $$reason$$)) FROM generate_series(1, 1000)');
start_query($_, q{SET SESSION AUTHORIZATION oscar; SELECT app.try('SELECT workflow_orch.withdraw_proposal(%i % 1000 + 1, 2)', 50000)}) foreach @floods;
$node->safe_psql('postgres', q{SELECT pg_sleep(0.5)});
$node->safe_psql('postgres', 'CREATE ROLE trudy LOGIN; SELECT workflow_orch.grant_capability($$trudy$$, $$propose$$)');
try_as('trudy', "SELECT workflow_orch.withdraw_proposal($proposal, 2)");
is(rows('trudy', 'call, proposal_id, attempts'), "withdraw_proposal|$proposal|1", 'beside a flood, the attempt of somebody else has its row');
is(answer($_), '50000', 'the flood is over') foreach @floods;
end_session($_) foreach @floods;
my $few = scalar(split /\n/, rows('oscar', 'audit_id'));
cmp_ok($few, '>=', 20, 'it has its rows');
cmp_ok($few, '<=', 60, 'and no more');
my $log = substr(slurp_file($node->logfile), $offset);
$log = join '', grep { !/LOG:  statement/ } split /^/, $log;
$lines = () = $log =~ /LOG:  [^\n]*/g;
cmp_ok($lines, '<=', 100, 'and few lines in the log');
cmp_ok(length($log), '<', 100_000, 'which are short') or diag substr($log, 0, 2000);

# A name of a role is what it was.
try_as('trudy', 'SELECT workflow_orch.complete_workflow(1, 2)');
$node->safe_psql('postgres', 'ALTER ROLE trudy RENAME TO gertrude');
is(rows('trudy', 'call', where => "call = 'complete_workflow'"), 'complete_workflow', 'a role that was renamed meanwhile');

# Many databases: each has its own, and one that is gone takes them with it.
foreach my $database ('one', 'two', 'gone')
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	install_workers($node, $database);
	$node->safe_psql($database, q{SELECT workflow_orch.grant_capability('eve', 'propose')});
}
try_as('eve', 'SELECT workflow_orch.complete_workflow(1, 2)', database => $_) foreach 'one', 'two', 'gone';
$node->safe_psql('postgres', 'DROP DATABASE gone');
is(rows('eve', 'call, attempts', database => $_), 'complete_workflow|1', "in the database $_") foreach 'one', 'two';

# What the counters have, after a minute.
wait_for($node, 'postgres', q{SELECT sum(attempts) = 100000 FROM workflow_orch.refused_attempt WHERE login = 'oscar'});
is(rows('eve', 'sum(attempts), count(*)', where => "call = 'withdraw_proposal'"), '305|2', 'after a minute the repeats of a kind have a row of their own') or diag rows('eve', '*');
is($node->safe_psql('postgres', q{SELECT sum(attempts), count(*) < 60, count(*) FILTER (WHERE call IS NULL) BETWEEN 1 AND 3 FROM workflow_orch.refused_attempt WHERE login = 'oscar'}), '100000|t|t', 'a flood is counted to the last attempt');
like(slurp_file($node->logfile), qr/LOG:  left \d+ refused attempts of role "oscar" out of the log/, 'the log says so, too');
is($node->safe_psql('postgres', 'SELECT count(*) FROM workflow_orch.verify_audit_log()'), '0', 'and verify_audit_log is content');

# A crash: the next start says that some may be lost, and a clean stop does not.
my $missing = qr/LOG:  refused attempts may be missing from the audit log/;
$node->append_conf('postgresql.conf', "restart_after_crash = on\n");
$node->reload;
$node->safe_psql('postgres', q{CREATE ROLE walter LOGIN; SELECT workflow_orch.grant_capability('walter', 'propose')});
try_as('walter', 'SELECT workflow_orch.complete_workflow(1, 2)');
is(rows('walter', 'attempts'), '1', 'an attempt is written');
try_as('walter', 'SELECT workflow_orch.complete_workflow(1, 2)');
$offset = -s $node->logfile;
crash($node, $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'workflow_orch launcher'}));
wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'workflow_orch launcher' AND wait_event IS NOT NULL});
like(substr(slurp_file($node->logfile), $offset), $missing, 'after a crash the log says that attempts may be missing');
is(rows('walter', 'attempts'), '1', 'what was written is there');
try_as('walter', 'SELECT workflow_orch.complete_workflow(1, 2)');
is(rows('walter', 'count(*)'), '2', 'and attempts are written again');
# What was counted in a database goes with the database.
$node->safe_psql('postgres', 'CREATE DATABASE gone');
install_workers($node, 'gone');
$node->safe_psql('gone', q{SELECT workflow_orch.grant_capability('eve', 'propose')});
try_as('eve', q{DO $$ BEGIN FOR i IN 1 .. 40 LOOP
	BEGIN PERFORM workflow_orch.withdraw_proposal(i, 2); EXCEPTION WHEN OTHERS THEN END; END LOOP; END $$}, database => 'gone');
$node->safe_psql('postgres', 'DROP DATABASE gone');
$offset = -s $node->logfile;
$node->restart;
wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'workflow_orch launcher' AND wait_event IS NOT NULL});
unlike(substr(slurp_file($node->logfile), $offset), $missing, 'it says nothing after a clean stop');

# On a standby, and without preloading, the server's log has them.
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
my $reads = 'SELECT workflow_orch.get_audit_log(1)';
foreach my $server ($standby, $node)
{
	if ($server == $node)
	{
		$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
		$node->restart;
	}
	$offset = -s $server->logfile;
	my $before = $node->safe_psql('postgres', 'SELECT count(*) FROM workflow_orch.refused_attempt');
	$server->psql('postgres', $reads, connstr => $server->connstr('postgres') . ' user=eve') foreach 1 .. 3;
	like(substr(slurp_file($server->logfile), $offset), qr/LOG:  the audit log of workflow 1 is not yours/, $server->name . ': the log has it');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM workflow_orch.refused_attempt'), $before, 'and the table has not');
}
$standby->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal (?!9)/, 'no process crashed');
done_testing();
