# What the TAP tests share: a server, and a database with people, a tool and
# calls in it.
package WorkflowOrch;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run;

our @EXPORT = qw(new_node install error_of wait_for propose approved execute start_query answer end_session session
	acts_on as proposed reviewed executed sql evidence_of restored_findings files_with);

# A running server; %param: preload, allows_streaming, extra lines of settings.
sub new_node
{
	my ($name, %param) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(allows_streaming => $param{allows_streaming} // 0, extra => [ '--no-sync', '-E', 'UTF8', '--no-locale' ]);
	$node->append_conf('postgresql.conf', "fsync = off\nlog_line_prefix = '%p '\nlog_min_messages = log\n" . ($param{settings} // ''));
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'workflow_orch'\n") if $param{preload} // 1;
	$node->start;
	return $node;
}

# The extension with actors 1 (proposes), 2 and 3 (review), workflow 1, and the
# tools add, which writes to the table effect, and slow, which does so when the
# advisory lock 4711 is free.
sub install
{
	my ($node, $database) = @_;
	$node->safe_psql($database, q{
		CREATE EXTENSION workflow_orch;
		CREATE ROLE tool_runner LOGIN;
		CREATE SCHEMA app;
		GRANT USAGE ON SCHEMA app TO PUBLIC;
		CREATE TABLE app.effect (n int);
		GRANT SELECT, INSERT ON app.effect TO tool_runner;
		CREATE FUNCTION app.add(n int) RETURNS int LANGUAGE plpgsql AS $$
		BEGIN
			INSERT INTO app.effect VALUES (n);
			RETURN 10 / n;
		END $$;
		CREATE FUNCTION app.slow(n int) RETURNS int LANGUAGE plpgsql AS $$
		BEGIN
			INSERT INTO app.effect VALUES (n);
			PERFORM pg_advisory_xact_lock(4711);
			RETURN n;
		END $$;
		SELECT workflow_orch.register_actor('dev', 'Developer');
		SELECT workflow_orch.register_actor('dba', 'DBA');
		SELECT workflow_orch.register_actor('ops', 'Manager');
		SELECT workflow_orch.register_tool('add', 'app.add(int)', run_as => 'tool_runner');
		SELECT workflow_orch.register_tool('slow', 'app.slow(int)', run_as => 'tool_runner');
		SELECT workflow_orch.start_workflow('Work', 1);
	});
	return;
}

sub propose
{
	my ($node, $database, $tool, $n) = @_;
	return $node->safe_psql($database, qq{SELECT proposal_id FROM workflow_orch.propose_action(1, 1, '$tool', '{"n": $n}', 'reason')});
}

sub approved
{
	my ($node, $database, $tool, $n) = @_;
	my $id = propose($node, $database, $tool, $n);
	$node->safe_psql($database, qq{SELECT workflow_orch.review_action($id, 2, 'approve')});
	return $id;
}

# What the tool returned, or the SQLSTATE it failed with.
sub execute
{
	my ($node, $database, $id) = @_;
	return $node->safe_psql($database, qq{SELECT coalesce(result->>'output', result->'error'->>'sqlstate') FROM workflow_orch.execute_action($id, 3)});
}

# "SQLSTATE message" of the error that a statement ends with, or ''; extra: more
# arguments of psql(), such as a user.
sub error_of
{
	my ($node, $database, $statement, @extra) = @_;
	my ($rc, $out, $err) = $node->psql($database, $statement, extra_params => [ '-v', 'VERBOSITY=verbose', @extra ]);
	return $err =~ /ERROR:\s+([0-9A-Z]{5}): (.*)/ ? "$1 $2" : $rc ? "?$err" : '';
}

# The server whose database postgres the following are about.
my $acts_on;
sub acts_on { ($acts_on) = @_; return; }

sub sql { my ($statement) = @_; return $acts_on->safe_psql('postgres', $statement); }

# What a statement gives when a role sends it: its rows, or "SQLSTATE reason".
sub as
{
	my ($role, $statement) = @_;
	my ($rc, $out, $err) = $acts_on->psql('postgres', $statement, extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose', '-v', 'ON_ERROR_STOP=1' ]);
	return $out if $rc == 0;
	my ($state) = $err =~ /ERROR:\s+([0-9A-Z]{5}):/ or return "?$err";
	return "$state " . ($err =~ /CONSTRAINT NAME:\s+(\S+)/ ? $1 : '-');
}

# What a proposal of a built-in tool in workflow 2 gives, by the actor of a role.
sub proposed
{
	my ($role, $tool, $params, $more) = @_;
	$more //= '';
	return as($role, "SELECT proposal_id FROM workflow_orch.propose_action(2, NULL, 'workflow_orch.$tool', \$\$$params\$\$, 'because'$more)");
}

sub reviewed
{
	my ($role, $proposal, $decision, $more) = @_;
	$more //= '';
	return as($role, "SELECT status FROM workflow_orch.review_action($proposal, NULL, '$decision'$more)");
}

# The output of an execution, its error, or what it was refused with.
sub executed
{
	my ($role, $proposal) = @_;
	return as($role, "SELECT coalesce(result #>> '{error,sqlstate}', result ->> 'output', 'null') FROM workflow_orch.execute_action($proposal)");
}

# Waits until a query gives true.
sub wait_for
{
	my ($node, $database, $query) = @_;
	$node->poll_query_until($database, $query) or die "waited in vain for: $query";
	return;
}

# A new file with the evidence of a proposal.
sub evidence_of
{
	my ($proposal) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/evidence.json';
	append_to_file($file, sql("SELECT workflow_orch.evidence($proposal)"));
	return $file;
}

# What verify_audit_log finds in a database that is restored from a dump.
sub restored_findings
{
	my ($where) = @_;
	my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
	$acts_on->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-p', $acts_on->port, '-h', $acts_on->host, 'postgres' ], 'dump');
	sql('CREATE DATABASE restored');
	$acts_on->command_ok([ 'pg_restore', '-p', $acts_on->port, '-h', $acts_on->host, '-d', 'restored', $dump ], 'restore');
	my $findings = $acts_on->safe_psql('restored', q{SELECT string_agg(finding, '; ') FROM workflow_orch.verify_audit_log()} . ($where // ''));
	sql('DROP DATABASE restored');
	return $findings;
}

# The files of the extension's tables and indexes, and of the statistics, that have a
# word; of a copy of the server, if that is given.
sub files_with
{
	my ($word, $copy) = @_;
	my $server = $copy // $acts_on;
	$server->safe_psql('postgres', 'CHECKPOINT');
	return grep { slurp_file($server->data_dir . "/$_") =~ /$word/ } split /\n/, sql(q{
		SELECT pg_relation_filepath(f) FROM pg_class c, LATERAL (SELECT c.oid UNION SELECT c.reltoastrelid UNION SELECT indexrelid FROM pg_index WHERE indrelid IN (c.oid, c.reltoastrelid)) x (f)
		 WHERE c.relkind = 'r' AND (c.relnamespace = 'workflow_orch'::regnamespace OR c.oid = 'pg_statistic'::regclass) AND f <> 0});
}

# A session that stays open: start_query() sends a query and does not wait,
# answer() waits for what it gave, errors included; extra: more arguments of psql.
sub session
{
	my ($node, $database, @extra) = @_;
	my $session = { in => '', out => '' };
	$session->{run} = IPC::Run::start([ $node->installed_command('psql'), '-XAtq', '-d', $node->connstr($database), @extra ],
		'<', \$session->{in}, '>', \$session->{out}, '2>&1', IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return $session;
}

sub start_query
{
	my ($session, $query) = @_;
	$session->{in} .= "$query;\n\\echo -- done --\n";
	$session->{run}->pump_nb while length $session->{in};
	return;
}

sub answer
{
	my ($session) = @_;
	$session->{run}->pump until $session->{out} =~ /-- done --\n/;
	my ($answer, $rest) = split /-- done --\n/, $session->{out}, 2;
	$session->{out} = $rest // '';
	chomp $answer;
	return $answer;
}

sub end_session
{
	my ($session) = @_;
	$session->{run}->kill_kill;
	return;
}

1;
