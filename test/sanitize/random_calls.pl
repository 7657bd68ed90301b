#!/usr/bin/perl
# Four connections make random calls of all functions of the extension, with
# arguments that are sometimes sensible and often hostile, in transactions,
# savepoints, cursors and prepared transactions.  Beside them one connection
# changes tools, types, roles and the extension's own tables, and one cancels and
# ends backends and workers.  Nothing is expected of a call but that the server
# survives it.
#
# CALLS (20000) is how many statements the four make, SEED what they are drawn
# from; how they meet is chance.  script/sanitize.sh runs it on a server that
# checks itself; "script/with-server.sh perl test/sanitize/random_calls.pl" on
# any other.
use strict;
use warnings;
use File::Basename qw(dirname);
use POSIX qw(_exit);

my $calls = $ENV{CALLS} || 20000;
my $seed = $ENV{SEED} || 1 + int(rand(2**31));
my ($connections, $chunk) = (4, 200);
my $dir = $ENV{WFO_TMP};
my @psql = qw(psql -XAtq -d calls);
$ENV{PGCONNECT_TIMEOUT} = 60;
$| = 1;
print "# CALLS=$calls SEED=$seed\n";

sub pick { return $_[ int rand @_ ]; }
sub chance { my ($percent) = @_; return rand(100) < $percent; }
sub quoted { my ($text) = @_; return 'NULL' if !defined $text; $text =~ s/'/''/g; return "'$text'"; }

# What psql prints for a query; dies where it fails.
sub answer
{
	my ($query) = @_;
	open(my $psql, '-|', @psql, '-v', 'ON_ERROR_STOP=1', '-c', $query) or die "psql: $!";
	my @lines = <$psql>;
	close $psql or die "the server does not answer: $query\n";
	chomp @lines;
	return @lines;
}

# The extension's functions: [name, [[argument, type, has a default], ...]].
my @functions;
# Its tables and settings.
my (@tables, @settings);

my @roles = map { "walker_$_" } 1 .. 4, 'tool', 'other', 'gone';
my @tools = qw(add add add add once once fails nap types lists records refcur ddl temp nested notify big swallows deferred lo ends_itself deep run_sql run_sql);
my @statements = ('SELECT 1', 'INSERT INTO app.effect VALUES (1)', 'SELECT * FROM app.effect', 'DELETE FROM app.effect', 'SELECT pg_sleep(0.1)',
	'FETCH ALL FROM c', 'SELECT 1; SELECT 2', 'COMMIT', 'VACUUM', '', 'SELECT', 'CREATE TABLE app.made_1 (n int)', 'TRUNCATE app.effect', 'SET ROLE walker_1',
	q{SELECT cursor_to_xml('c', 1, true, true, '')}, 'DO $$ BEGIN RAISE division_by_zero; END $$', 'EXECUTE p', 'SELECT * FROM t', 'SELECT repeat(chr(1), 100000)',
	'UPDATE app.effect SET n = n + 1 RETURNING *', 'LISTEN x', 'EXPLAIN ANALYZE DELETE FROM app.effect', 'WITH x AS (DELETE FROM app.effect RETURNING n) SELECT sum(n) FROM x',
	'SELECT * FROM generate_series(1, 100000)', 'REFRESH MATERIALIZED VIEW x', 'LOCK app.effect', 'SELECT lo_create(0)', "SELECT 'a\x{7f}b'", '/* unclosed');
my @conditions = ('$.params.n > 3', '$.actor.kind == "agent"', '$.tool == "add"', 'strict $.params.x.y', '$.reason like_regex "^a"', '$', 'exists($.params ? (@.n > 1))', '$.nonsense', '$.params.*.size()');
my @texts = ('', ' ', 'x', "it's", "\xc3\xa9\xe2\x82\xac", 'null', '%s%n%d', '$$', '{}', '"', "a\nb", 'pg_temp', ('x' x 300), ('y' x 9000), "\t");
my @jsons = ('null', '{}', '[]', '1', '"x"', 'true', '[[[[]]]]', '{"n": null}', '{"n": 1e400}', '{"n": -0}', '{"n": 9007199254740993}', '{"n": [1, 2]}', '{"n": {"n": {}}}', '{"": 1}',
	('[' x 400) . (']' x 400), '{"n": "' . ('z' x 20000) . '"}', '[null, 1, {"proposal_id": null}, {"proposal_id": "x"}]', '{"n": "\u0001"}', '[{"proposal_id": 1}, {"proposal_id": 1}]');

sub number { return chance(90) ? int(rand 40) : pick(qw(0 -1 2147483647 -2147483648 1000 1e3)); }

sub params
{
	my ($tool) = @_;
	return pick(@jsons) if chance(4);
	return '{"statement": ' . (pick(@statements) =~ s/(["\\])/\\$1/gr =~ s/^|$/"/gr) . '}' if $tool eq 'run_sql';
	return '{"n": [' . join(', ', map { number() } 0 .. rand 4) . ']}' if $tool eq 'lists';
	return '{"n": "' . pick('c', 'x', '<unnamed portal 1>') . '"}' if $tool eq 'refcur';
	my @members = ('"n": ' . number());
	if ($tool eq 'types')
	{
		my %more = (m => [ '"ok"', '"happy"', '"none"', 'null' ], s => [ 1, 999, 1000 ], r => [ '"[1,5)"', '"empty"', '"(,)"', '"["' ], c => [ '"app.effect"', '"effect"', '"-"', '1' ],
			p => [ '{"a": 1, "b": 2.5, "c": ["x", null]}', '"(1,2,)"', '{"a": 5000}', '[]', 'null' ], j => [ @jsons[ 0 .. 8 ] ]);
		push @members, map { chance(40) ? qq("$_": ) . pick(@{ $more{$_} }) : () } sort keys %more;
	}
	push @members, '"extra": 1' if chance(2);
	return '{' . join(', ', @members) . '}';
}

sub id { my ($what) = @_; return $what eq 'execution' && chance(60) ? 'walk.execution()' : chance(8) ? pick(qw(NULL 0 -1 9223372036854775807 -9223372036854775808 404 1)) : "walk.some('$what')"; }
sub proposal { my @wanted = @_; return chance(25) ? id('proposal') : "walk.proposal('" . pick(@wanted) . "')"; }

# What a proposal is drawn for, by the function that is called.
my %wanted = (review_action => [ 'pending', 'pending', 'pending', 'approved' ], execute_action => ['approved'], enqueue_action => ['approved'], preview_action => [ 'pending', 'approved' ],
	retry_action => ['failed'], revoke_approval => ['approved'], withdraw_proposal => ['pending'], break_glass_execute => ['pending'],
	redact_proposal => [ 'executed', 'executed', 'failed', 'withdrawn' ], evidence => ['executed']);
my %values = (
	tool => sub { return quoted(pick(@tools)) },
	role => sub { return quoted(pick('Developer', 'DBA', 'Manager', undef)) },
	kind => sub { return quoted(pick(qw(human agent service))) },
	decision => sub { return quoted(pick(qw(approve approve approve approve reject edit request_changes))) },
	capability => sub { return quoted(pick(qw(propose review execute administer audit break_glass gateway cancel))) },
	reason => sub { return quoted(pick('because', 'because', 'urgent', 'again')) },
	comment => sub { return quoted(pick('well', 'no')) },
	title => sub { return quoted('Work') },
	execute_on_approval => sub { return pick('true', 'false') },
	idempotency_key => sub { return quoted('key ' . int rand 30) },
	dry_run => sub { return pick('true', 'false', 'false', 'NULL') },
	dry_run_mode => sub { return quoted(pick(qw(describe rollback))) },
	statement => sub { return quoted(pick(@statements)) },
	edits => sub { return quoted(pick('{}', '{"n": 3}', '{"n": null}', '{"m": "sad"}', '[]')) },
	stage => sub { return pick(1, 1, 1, 2, 3) },
	approvals => sub { return pick(0, 1, 1, 1, 2) },
	expected_revision => sub { return pick(1, 1, 2, 3) },
	from_actor => sub { return id('actor') },
	to_actor => sub { return id('actor') },
	by_actor_id => sub { return pick('NULL', id('actor')) },
	reviewer_id => sub { return id('actor') },
	rule_id => sub { return id('approval_rule') =~ s/approval_rule/rule/r =~ s/walk\.some\('rule'\)/(SELECT max(rule_id) FROM workflow_orch.approval_rule)/r },
	freeze_id => sub { return '(SELECT max(freeze_id) FROM workflow_orch.freeze_window)' },
	calls => sub { return '(SELECT jsonb_agg(' . pick("jsonb_build_object('proposal_id', walk.proposal('approved'))", qq('{"tool": "add", "params": {"n": ' || i || '}}')) . '::jsonb) FROM generate_series(1, ' . int(rand 6) . ') i)' },
	reviews => sub { return "(SELECT jsonb_agg(jsonb_build_object('proposal_id', walk.proposal('pending'), 'reviewer_id', " . id('actor') . ", 'decision', 'approve')) FROM generate_series(1, " . int(rand 6) . '))' },
	function => sub { return quoted(pick('app.add(int)', 'app.nap(int)', 'app.gone(int)', 'pg_catalog.abs(int)', 'workflow_orch.run_sql(text)', 'app.fires()', '0')) },
	ends_at => sub { return "now() + " . quoted(pick('1 s', '2 s', '-1 s')) },
	starts_at => sub { return "now() + " . quoted(pick('0 s', '1 s')) },
	ended_before => sub { return "now() - " . quoted(pick('0 s', '1 s', '10 s', '1 year')) },
	batch => sub { return pick(1, 3, 1000) },
	run_at => sub { return "now() + " . quoted(pick('0 s', '1 s', '-1 year', '1 year')) },
	timeout => sub { return quoted(pick('300 ms', '0', '1 s', '-1 s')) },
	default_timeout => sub { return quoted(pick('300 ms', '1 s', '0')) },
	default_approvals => sub { return pick(1, 1, 1, 2) });
# What fits a type whatever it means, and what does not.
my %hostile = (
	bigint => sub { return pick(qw(NULL 0 -1 1 2 9223372036854775807 -9223372036854775808)) },
	integer => sub { return pick(qw(NULL 0 -1 1 2 2147483647 -2147483648)) },
	boolean => sub { return pick(qw(true false NULL)) },
	text => sub { return chance(3) ? q{repeat('w', 3000000)} : chance(5) ? 'NULL' : quoted(pick(@texts)) },
	jsonb => sub { return chance(3) ? q{(SELECT jsonb_object_agg(i, repeat('v', 50)) FROM generate_series(1, 20000) i)} : quoted(pick(@jsons, undef)) },
	jsonpath => sub { return quoted(pick(@conditions, undef)) },
	interval => sub { return quoted(pick('0', '1 s', '10 ms', '-1 s', '1 mon -30 days', '178000000 years', '-178000000 years', undef)) },
	'timestamp with time zone' => sub { return quoted(pick('infinity', '-infinity', 'now', '294276-12-31', '4713-01-01 BC', undef)) },
	regrole => sub { return quoted(pick(@roles, 'postgres', '0', '999999', undef)) },
	regprocedure => sub { return quoted(pick('app.add(int)', '0', '999999', undef)) });

sub value
{
	my ($function, $name, $type) = @_;
	return proposal(@{ $wanted{$function} // ['pending'] }) if $name eq 'proposal_id' && chance(95);
	return $values{$name}->() if $values{$name} && chance(95);
	return id($1) if $name =~ /^(actor|workflow|execution|preview|delegation)_id$/ && chance(95);
	return ($hostile{$type} // sub { return quoted(pick(@texts, undef)) })->();
}

sub arguments
{
	my ($function, $arguments) = @_;
	my $tool = pick(@tools);
	my @given;
	foreach my $argument (@$arguments)
	{
		my ($name, $type, $default) = @$argument;
		next if $default && chance(80);
		next if $name eq 'edits' && join('', @given) !~ /'edit'/ && chance(97);
		my $value = value($function, $name, $type);
		$value = quoted($tool) if $name eq 'tool' && $function eq 'propose_action' && chance(97);
		$value = quoted(params($tool)) if $name eq 'params';
		push @given, qq("$name" => $value);
	}
	return join(', ', @given);
}

my @often = qw(propose_action propose_action propose_action review_action review_action review_action review_action execute_action enqueue_action wait_execution cancel_execution execute_parallel preview_action retry_action start_workflow);

sub call
{
	my ($name) = chance(55) ? pick(@often) : undef;
	my $function = defined $name ? (grep { $_->[0] eq $name } @functions)[0] : pick(@functions);
	return "workflow_orch.$function->[0](" . arguments(@$function) . ')';
}

sub setting { return 'workflow_orch.x' if !@settings; return pick(@settings, qw(search_path role statement_timeout work_mem session_replication_role default_transaction_read_only track_counts jit)); }

# A call from its proposal to its end, as it should be.
sub cycle
{
	my $tool = pick(@tools);
	return 'RESET SESSION AUTHORIZATION; SELECT workflow_orch.propose_action((SELECT max(workflow_id) FROM workflow_orch.workflow WHERE status = \'active\'), 1, '
		. quoted($tool) . ', ' . quoted(params($tool)) . ", 'because');\n"
		. join('', map { "SELECT workflow_orch.review_action(walk.proposal('pending'), $_, 'approve', expected_revision => " . pick(1, 1, 1, 2) . ");\n" } 2, 3)
		. pick("SELECT workflow_orch.execute_action(walk.proposal('approved'), 3);", "SELECT workflow_orch.wait_execution(execution_id, '300 ms') FROM workflow_orch.enqueue_action(walk.proposal('approved'), 3);",
			"SELECT workflow_orch.preview_action(walk.proposal('approved'), 3);", "SELECT workflow_orch.execute_parallel(jsonb_build_array(jsonb_build_object('proposal_id', walk.proposal('approved'))), 3, '1 s');");
}

# One statement of a connection, with a call or around calls.
sub statement
{
	return cycle() if chance(10);
	my $call = call();
	return "SELECT * FROM $call;" if chance(45);
	return "SELECT $call;" if chance(30);
	# A cursor WITH HOLD stands by itself: where it is opened by the COMMIT of a block, a server
	# with assertions ends at any subtransaction that is rolled back, also at one of PL/pgSQL.
	return pick(
		"DO \$do\$ BEGIN PERFORM $call; EXCEPTION WHEN OTHERS THEN NULL; END \$do\$;",
		"DO \$do\$ BEGIN FOR i IN 1 .. 3 LOOP BEGIN PERFORM $call; EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END \$do\$;",
		"CLOSE ALL; COMMIT; DECLARE c CURSOR WITH HOLD FOR SELECT * FROM $call;",
		"DECLARE c SCROLL CURSOR FOR SELECT $call FROM generate_series(1, 3); FETCH 1 FROM c; MOVE BACKWARD ALL FROM c;",
		"COPY (SELECT $call) TO STDOUT;",
		"EXPLAIN (ANALYZE, VERBOSE) SELECT $call;",
		"SELECT $call UNION ALL SELECT " . call() . ';',
		"CREATE TEMP TABLE IF NOT EXISTS t AS SELECT * FROM $call;",
		"INSERT INTO app.fired VALUES (" . id('proposal') . ');',
		"DEALLOCATE ALL; PREPARE p AS SELECT $call; EXECUTE p; EXECUTE p;",
		"SELECT * FROM workflow_orch." . pick(@tables) . ' ORDER BY random() LIMIT 5;',
		"UPDATE workflow_orch." . pick(@tables) . ' SET ' . pick('status', 'params', 'active', 'dry_run') . ' = DEFAULT;',
		"INSERT INTO workflow_orch." . pick(@tables) . ' SELECT * FROM workflow_orch.' . pick(@tables) . ' LIMIT 1;',
		'BEGIN' . pick('', '', '', ' ISOLATION LEVEL REPEATABLE READ', ' ISOLATION LEVEL SERIALIZABLE', ' READ ONLY') . ';', 'BEGIN;', 'SAVEPOINT s;', 'ROLLBACK TO s;', 'COMMIT;', 'COMMIT;', 'ROLLBACK;',
		"PREPARE TRANSACTION 'walk_" . int(rand 6) . "';", "COMMIT PREPARED 'walk_" . int(rand 6) . "';", "ROLLBACK PREPARED 'walk_" . int(rand 6) . "';",
		'SET SESSION AUTHORIZATION ' . pick(@roles[ 0 .. 2, 0 .. 3 ]) . ';', 'SET ROLE ' . pick(@roles) . ';', 'RESET ROLE;', 'RESET SESSION AUTHORIZATION;', 'RESET SESSION AUTHORIZATION;',
		'SET ' . (chance(50) ? 'LOCAL ' : '') . setting() . ' = ' . quoted(pick('on', 'off', '0', '1', '-1', '10ms', '', 'app')) . ';', 'RESET ALL; SET statement_timeout = 3000;',
		'DISCARD ALL;', 'LISTEN workflow_orch;', 'CREATE TEMP TABLE proposal (LIKE workflow_orch.proposal);', 'DROP TABLE IF EXISTS pg_temp.proposal, t;', "SET lock_timeout = '" . pick(0, 50) . "';");
}

# What somebody with all rights does beside the calls.
sub change
{
	my $table = pick(@tables);
	my $tool = pick(qw(add nap records types big));
	my $role = pick(@roles);
	return pick(
		"CREATE OR REPLACE FUNCTION app.add(n int) RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO app.effect VALUES (n); RETURN " . int(rand 3) . "; END';",
		"ALTER FUNCTION app.$tool SET work_mem = '" . int(1 + rand 9) . "MB';", "ALTER FUNCTION app.$tool RESET ALL;", "ALTER FUNCTION app.$tool OWNER TO " . pick('walker_tool', 'postgres') . ';',
		"BEGIN; DROP FUNCTION app.$tool; SELECT pg_sleep(0.05); ROLLBACK;",
		'DROP FUNCTION IF EXISTS app.gone(int);', "CREATE OR REPLACE FUNCTION app.gone(n int) RETURNS int LANGUAGE sql AS 'SELECT n';",
		"ALTER TYPE app.pair ALTER ATTRIBUTE b TYPE numeric(" . pick('10,2', '12,3', '8') . ');', "ALTER TYPE app.mood RENAME VALUE 'ok' TO 'fine';", "ALTER TYPE app.mood RENAME VALUE 'fine' TO 'ok';",
		'ALTER DOMAIN app.small ADD CONSTRAINT c CHECK (VALUE > ' . int(rand 9) . ') NOT VALID;', 'ALTER DOMAIN app.small DROP CONSTRAINT IF EXISTS c;',
		"ALTER ROLE $role " . pick('LOGIN', 'LOGIN', 'NOLOGIN', 'SUPERUSER', 'NOSUPERUSER', 'CONNECTION LIMIT 1', 'CONNECTION LIMIT -1', 'BYPASSRLS', 'NOBYPASSRLS') . ';',
		"ALTER ROLE $role SET statement_timeout = '" . pick('1s', '5s') . "';", "ALTER ROLE walker_other RENAME TO walker_renamed;", 'ALTER ROLE walker_renamed RENAME TO walker_other;',
		'DROP OWNED BY walker_gone; DROP ROLE walker_gone;', 'CREATE ROLE walker_gone LOGIN;', "GRANT walker_tool TO $role;", "REVOKE walker_tool FROM $role;",
		"REVOKE USAGE ON SCHEMA app FROM PUBLIC; GRANT USAGE ON SCHEMA app TO PUBLIC;",
		"VACUUM FULL workflow_orch.$table;", "VACUUM (FREEZE, ANALYZE) workflow_orch.$table;", "REINDEX TABLE workflow_orch.$table;", "ANALYZE workflow_orch.$table;", 'VACUUM FULL pg_proc;',
		"ALTER TABLE workflow_orch.$table ADD COLUMN x int; ALTER TABLE workflow_orch.$table DROP COLUMN x;",
		"BEGIN; ALTER TABLE workflow_orch.$table ADD COLUMN x int; SELECT pg_sleep(0.02); ROLLBACK;",
		"BEGIN; LOCK workflow_orch.$table; SELECT pg_sleep(0.1); COMMIT;",
		"ALTER TABLE workflow_orch.$table SET (fillfactor = " . int(50 + rand 50) . ');', "CREATE INDEX IF NOT EXISTS walk_$table ON workflow_orch.$table ((1)); DROP INDEX workflow_orch.walk_$table;",
		# The guards off, and a row changed under whoever works on it.
		"BEGIN; ALTER TABLE workflow_orch.$table DISABLE TRIGGER USER; SELECT pg_sleep(0.02); ROLLBACK;",
		"SET session_replication_role = replica; UPDATE workflow_orch.execution SET attempt = attempt WHERE execution_id = walk.some('execution'); RESET session_replication_role;",
		(map { "BEGIN; ALTER TABLE workflow_orch.$_ DISABLE TRIGGER USER; UPDATE workflow_orch.$_ SET ${_}_id = ${_}_id WHERE ${_}_id = walk.some('$_'); ALTER TABLE workflow_orch.$_ ENABLE ALWAYS TRIGGER ALL; COMMIT;" } qw(proposal execution workflow actor)),
		'BEGIN; DROP EXTENSION workflow_orch; ROLLBACK;', 'BEGIN; DROP SCHEMA app CASCADE; SELECT pg_sleep(0.02); ROLLBACK;', 'SELECT pg_reload_conf();', 'CHECKPOINT;',
		"ALTER SYSTEM SET workflow_orch.max_workers = " . int(1 + rand 8) . '; SELECT pg_reload_conf();',
		'CREATE DATABASE walk_copy TEMPLATE template0;', 'DROP DATABASE IF EXISTS walk_copy WITH (FORCE);',
		"DO \$do\$ DECLARE x record; BEGIN FOR x IN SELECT r.rolname FROM pg_roles r WHERE r.rolname LIKE 'walker_%' LOOP EXECUTE format('ALTER ROLE %I LOGIN NOSUPERUSER CONNECTION LIMIT -1', x.rolname); END LOOP; END \$do\$;",
		"SELECT workflow_orch.start_workflow('Work', 1);",
		# What is kept, and what goes.
		"SELECT workflow_orch.seal_audit_log(); SELECT workflow_orch.redact_proposal(walk.proposal('" . pick(qw(executed rejected withdrawn)) . "'), NULL, 'asked for');",
		"SELECT workflow_orch.update_actor(actor_id, active => false) FROM workflow_orch.actor WHERE actor_id = walk.some('actor') AND actor_id > 6; SELECT workflow_orch.seal_audit_log();"
		. " SELECT workflow_orch.redact_actor(max(actor_id), NULL, 'left') FROM workflow_orch.actor WHERE NOT active;",
		"SELECT workflow_orch.cancel_workflow(workflow_id, NULL) FROM workflow_orch.workflow WHERE workflow_id = walk.some('workflow'); SELECT workflow_orch.seal_audit_log();"
		. " SELECT workflow_orch.purge_workflows(now(), NULL, 'old', " . pick(1, 5, 1000) . ');',
		"SELECT workflow_orch." . pick('hold_workflow', 'release_hold') . "(walk.some('workflow'), NULL, 'lawsuit');", 'SELECT workflow_orch.reapply_redactions();', 'SELECT workflow_orch.resume_queue();', "SELECT workflow_orch.set_policy(dry_run => false, default_approvals => 1, proposal_ttl => '1 day', approval_ttl => '1 day');",
		'SELECT workflow_orch.remove_approval_rule(rule_id) FROM workflow_orch.approval_rule WHERE removed_at IS NULL;', 'SELECT workflow_orch.remove_freeze(freeze_id) FROM workflow_orch.freeze_window WHERE removed_at IS NULL;',
		"SELECT count(workflow_orch.update_tool(tool, run_as => 'walker_tool', function => function::regprocedure, timeout => '300 ms')), count(workflow_orch.set_tool_enabled(tool, true)) FROM workflow_orch.tool WHERE to_regprocedure(function) IS NOT NULL;",
		"SELECT count(workflow_orch.update_actor(actor_id, active => true)) FROM workflow_orch.actor WHERE actor_id <= 6;",
		"DO \$do\$ DECLARE x record; BEGIN FOR x IN SELECT format('ALTER TABLE workflow_orch.%I DROP COLUMN IF EXISTS x', relname) c FROM pg_class WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r' LOOP EXECUTE x.c; END LOOP; END \$do\$;");
}

sub cancel { return "SELECT pg_sleep(random() * 0.3); SELECT " . (chance(85) ? 'pg_cancel_backend' : 'pg_terminate_backend') . '(walk.victim());'; }

# Has psql work through chunks of statements that a sub gives, until there were
# so many or a file says that the others have done.
sub connection
{
	my ($name, $draw, $count) = @_;
	my $file = "$dir/$name.sql";
	srand($seed + ord($name) * 1000003);
	for (my $made = 0; defined $count ? $made < $count : !-e "$dir/done"; $made += $chunk)
	{
		my $size = defined $count ? $chunk : 20;
		open(my $out, '>:raw', $file) or die "$file: $!";
		print $out 'SELECT setseed(', rand(), ");\nSET statement_timeout = 3000;\nSET client_min_messages = error;\n";
		print $out "\\set ON_ERROR_ROLLBACK on\n" if chance(70);
		print $out "SET application_name = 'beside';\n" if !defined $count;
		print $out $draw->(), "\n" for 1 .. $size;
		print $out "ROLLBACK;\n" if defined $count;
		close $out;
		# A connection that was ended leaves the rest of its chunk out.
		system("psql -Xq -d calls -f '$file' >/dev/null 2>&1");
	}
	return;
}

sub start
{
	my @what = @_;
	my $pid = fork() // die "fork: $!";
	return $pid if $pid;
	connection(@what);
	_exit(0);
}

system('psql', '-XAtqc', 'CREATE DATABASE calls') == 0 or die;
system('psql', '-XAtqc', 'ALTER DATABASE calls SET workflow_orch.min_retention = 0') == 0 or die;
system("psql -XAtq -d calls -v ON_ERROR_STOP=1 -f '" . dirname($0) . "/setup.sql' >/dev/null") == 0 or die "could not set up\n";
foreach (answer(q{SELECT p.proname, (SELECT coalesce(string_agg(n || '=' || format_type(t, NULL) || '=' || (o > p.pronargs - p.pronargdefaults), ';' ORDER BY o), '')
	FROM unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[]) WITH ORDINALITY u(n, t, o) WHERE t IS NOT NULL)
	FROM pg_proc p WHERE p.pronamespace = 'workflow_orch'::regnamespace AND p.prokind = 'f' ORDER BY 1}))
{
	my ($name, $arguments) = split /\|/;
	push @functions, [ $name, [ map { my ($argument, $type, $default) = split /=/; [ $argument, $type, $default eq 'true' ] } split /;/, $arguments // '' ] ];
}
@tables = answer(q{SELECT relname FROM pg_class WHERE relnamespace = 'workflow_orch'::regnamespace AND relkind = 'r' ORDER BY 1});
@settings = answer(q{SELECT name FROM pg_settings WHERE name LIKE 'workflow_orch.%' AND context = 'user' ORDER BY 1});

my @callers = map { start($_, \&statement, int($calls / $connections)) } 'a' .. 'd';
my @beside = (start('x', \&change), start('y', \&cancel));
waitpid($_, 0) for @callers;
open(my $done, '>', "$dir/done") or die;
close $done;
waitpid($_, 0) for @beside;

# What is left: a server that never crashed, and that still works.
my $failed = 0;
sub ok { my ($good, $what) = @_; print $good ? '' : 'not ', "ok - $what\n"; $failed++ if !$good; return; }

open(my $log, '<:raw', $ENV{WFO_LOG}) or die "$ENV{WFO_LOG}: $!";
my (@crashes, $following);
while (<$log>)
{
	$following = 8 if /was terminated by signal|was terminated by exception|TRAP: |PANIC: |AddressSanitizer|could not stat file|unrecognized node type|unexpected portal/;
	push @crashes, $_ if $following && $following-- > 0;
}
print map { substr($_, 0, 2000) } @crashes[ 0 .. ($#crashes > 200 ? 200 : $#crashes) ];
ok(!@crashes, 'no process crashed');
my $works = eval {
	answer('ALTER SYSTEM RESET ALL');
	answer('SELECT pg_reload_conf()');
	answer("ROLLBACK PREPARED '$_'") foreach answer('SELECT gid FROM pg_prepared_xacts WHERE database = current_database()');
	join ' ', answer(q{SELECT status || ' ' || count(*) FROM workflow_orch.execution GROUP BY status ORDER BY status});
};
my $gone = eval { join ' ', answer(q{SELECT (SELECT count(DISTINCT (object, object_id)) FROM workflow_orch.redaction) || ' ' || (SELECT count(*) FROM workflow_orch.audit_purge)}) } // $@;
ok($gone =~ /^[1-9]\d* [1-9]/ || $calls < 20000, "redactions and purges have been made: $gone");
ok(defined $works && $works =~ /succeeded/, 'the server answers, and calls have run: ' . ($works // $@));
print 3 - $failed, " passed, $failed failed\n";
exit($failed ? 1 : 0);
