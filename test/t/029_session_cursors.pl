# Cursors of a session that SQL alone does not make: portals of the protocol, and
# those that a language has pinned.
use strict;
use warnings;
use lib 'test/t';
use IO::Socket::UNIX;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

my $node = new_node('main', settings => "log_min_messages = warning\n");
install($node, 'postgres');
$node->safe_psql('postgres', q{
	CREATE FUNCTION app.evil() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'ran as ' || current_user; END $$;
	CREATE FUNCTION app.fetch_from(name text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		c refcursor := name;
		answer text;
	BEGIN
		FETCH c INTO answer;
		RETURN answer;
	EXCEPTION WHEN invalid_cursor_name THEN
		RETURN 'none of ' || (SELECT count(*) FROM pg_cursors);
	END $$;
	SELECT workflow_orch.register_tool('fetch_from', 'app.fetch_from(text)', run_as => 'tool_runner')});
sub fetching
{
	my ($name) = @_;
	my $id = $node->safe_psql('postgres', qq{SELECT proposal_id FROM workflow_orch.propose_action(1, 1, 'fetch_from', '{"name": "$name"}', 'reason')});
	$node->safe_psql('postgres', "SELECT workflow_orch.review_action($id, 2, 'approve')");
	return "SELECT result ->> 'output' FROM workflow_orch.execute_action($id, 3)";
}

# A connection that speaks the protocol: what the server answers to messages up to
# the end of the next Sync or query is the rows, one text column each.
my $server = IO::Socket::UNIX->new($node->host . '/.s.PGSQL.' . $node->port) or die "could not connect: $!";
sub message
{
	my ($type, $body) = @_;
	return $type . pack('N', length($body) + 4) . $body;
}
sub parse { return message('P', "$_[0]\0$_[1]\0" . pack('n', 0)) }
sub bind_to { return message('B', "$_[0]\0$_[1]\0" . pack('nnn', 0, 0, 0)) }
sub execute_portal { return message('E', "$_[0]\0" . pack('N', $_[1])) }
sub talk
{
	my (@messages) = @_;
	my @rows;
	print {$server} join '', @messages;
	$server->flush;
	for (;;)
	{
		read($server, my $head, 5) == 5 or die 'the server has closed the connection';
		my ($type, $length) = unpack 'aN', $head;
		my $body = '';
		read($server, $body, $length - 4) if $length > 4;
		push @rows, substr($body, 6) if $type eq 'D';
		push @rows, "error: $body" =~ s/\0/ /gr if $type eq 'E';
		return join ',', @rows if $type eq 'Z';
	}
}
my $startup = pack('N', 196608) . "user\0postgres\0database\0postgres\0\0";
is(talk(pack('N', length($startup) + 4) . $startup), '', 'a connection');

my $sync = message('S', '');
my $evil = 'SELECT app.evil() FROM generate_series(1, 5)';
is(talk(message('Q', "BEGIN\0")), '', 'a transaction');
is(talk(parse('', $evil), bind_to('named', ''), execute_portal('named', 1), $sync), 'ran as postgres', 'a portal with a name, run in part');
is(talk(parse('evil', $evil), parse('call', fetching('named')), bind_to('p', 'call'), execute_portal('p', 0), $sync), 'none of 0', 'no tool fetches from it');
is(talk(parse('call2', fetching('')), bind_to('', 'evil'), execute_portal('', 1), bind_to('p2', 'call2'), execute_portal('p2', 0), $sync), 'ran as postgres,none of 0', 'nor from the portal without a name');
is(talk(parse('call3', fetching('p3')), bind_to('p3', 'call3'), execute_portal('p3', 0), $sync), 'none of 0', 'nor from that of its own call');
is(talk(execute_portal('named', 1), execute_portal('', 1), $sync), 'ran as postgres,ran as postgres', 'the client goes on with both');
is(talk(message('C', "Pnamed\0"), bind_to('named', 'evil'), execute_portal('named', 1), $sync), 'ran as postgres', 'closes one, and makes another of its name');
is(talk(message('Q', "COMMIT\0")), '', 'and commits');

# Some languages pin their cursors.
my $dir = PostgreSQL::Test::Utils::tempdir;
append_to_file("$dir/pinner.c", q{
#include "postgres.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/portal.h"
PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(leave_pinned);
Datum
leave_pinned(PG_FUNCTION_ARGS)
{
	Portal portal;

	SPI_connect();
	portal = SPI_cursor_open("pinned", SPI_prepare("SELECT app.evil() FROM generate_series(1, 5)", 0, NULL), NULL, NULL, true);
	PinPortal(portal);
	SPI_finish();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}
});
my ($include) = run_command([ $ENV{PG_CONFIG} // 'pg_config', '--includedir-server' ]);
run_log([ $ENV{CC} // 'gcc', '-shared', '-fPIC', "-I$include", '-o', "$dir/pinner.so", "$dir/pinner.c" ]) or die 'could not compile the pinner';
$node->safe_psql('postgres', qq{
	CREATE FUNCTION app.leave_pinned(n int) RETURNS int LANGUAGE c AS '$dir/pinner';
	SELECT workflow_orch.register_tool('leave_pinned', 'app.leave_pinned(int)', run_as => 'tool_runner')});
my $id = approved($node, 'postgres', 'leave_pinned', 1);
is($node->safe_psql('postgres', "BEGIN; SELECT result ->> 'success' FROM workflow_orch.execute_action($id, 3); SELECT count(*) FROM pg_cursors; COMMIT"), "true\n0", 'a pinned cursor that a tool leaves is closed');
my $queued = $node->safe_psql('postgres', 'SELECT workflow_orch.enqueue_action(' . approved($node, 'postgres', 'leave_pinned', 1) . ', 3)');
is($node->safe_psql('postgres', "SELECT workflow_orch.wait_execution($queued, '60 s') ->> 'success'"), 'true', 'in a worker, too');
unlike(slurp_file($node->logfile), qr/terminated by signal|WARNING|ERROR|FATAL/, 'and nothing complains');
done_testing();
