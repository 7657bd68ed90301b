# A library of somebody else that is preloaded before or after this one, and whose
# symbols bear names that ours has, too.
use strict;
use warnings;
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;

my $node = new_node('main');
my $dir = PostgreSQL::Test::Utils::tempdir;

sub compile
{
	my ($name) = @_;
	my ($include) = run_command([ $ENV{PG_CONFIG} // 'pg_config', '--includedir-server' ]);
	run_log([ $ENV{CC} // 'gcc', '-shared', '-fPIC', "-I$include", '-o', "$dir/$name.so", "$dir/$name.c" ]) or die "could not compile $name.c";
	return;
}

my $library = $node->config_data('--pkglibdir') . '/workflow_orch.so';
my ($symbols, $errors) = run_command([ 'nm', '-D', '--defined-only', $library ]);
is($errors, '', 'nm reads the library');
my @exported = map { (split)[-1] } split /\n/, $symbols;
is(join(' ', grep { !/^(wfo_|pg_finfo_wfo_)/ } sort @exported), 'Pg_magic_func _PG_init', 'the library exports its entry points and nothing else');
my $entries = $node->safe_psql('template1', q{CREATE EXTENSION workflow_orch; SELECT string_agg(DISTINCT prosrc, ' ') FROM pg_proc WHERE pronamespace = 'workflow_orch'::regnamespace AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'c'); DROP EXTENSION workflow_orch});
my %exported = map { $_ => 1 } @exported;
is(join(' ', grep { !$exported{$_} || !$exported{"pg_finfo_$_"} } split / /, $entries), '', 'all of its entry points, that is');
my $mains = join ' ', grep { /^wfo_.*_main$/ } sort @exported;
is($mains, 'wfo_cleaner_main wfo_keeper_main wfo_launcher_main wfo_sealer_main wfo_worker_main', 'and the processes');

# Each of the symbols is a function or a variable of the library here; the
# neighbour sees that it gets its own.
append_to_file("$dir/neighbour.c", q{
#include "postgres.h"
#include "fmgr.h"
PG_MODULE_MAGIC;
extern void _PG_init(void);
extern int execute(void), review(void), invoke(void), withdraw(void), settings_define(void);
extern int pool, writing;
int pool = 1, writing = 2;
int execute(void) { return 3; }
int review(void) { return 4; }
int invoke(void) { return 5; }
int withdraw(void) { return 6; }
int settings_define(void) { return 7; }
void
_PG_init(void)
{
	if (pool != 1 || writing != 2 || execute() != 3 || review() != 4 || invoke() != 5 || withdraw() != 6 || settings_define() != 7)
		elog(FATAL, "somebody else's functions answer");
	pool = 0;
}
});
compile('neighbour');

install($node, 'postgres');
foreach my $order ("$dir/neighbour, workflow_orch", "workflow_orch, $dir/neighbour")
{
	my $name = $order =~ /^workflow_orch/ ? 'preloaded after it' : 'preloaded before it';
	$node->append_conf('postgresql.conf', "shared_preload_libraries = '$order'\n");
	$node->stop;
	is($node->start(fail_ok => 1), 1, "a neighbour $name: the server starts") or next;
	is(execute($node, 'postgres', approved($node, 'postgres', 'add', 5)), '2', 'a call is proposed, reviewed and executed');
	my $queued = approved($node, 'postgres', 'add', 2);
	my $execution = $node->safe_psql('postgres', "SELECT workflow_orch.enqueue_action($queued, 3)");
	is($node->safe_psql('postgres', "SELECT workflow_orch.wait_execution($execution, '60 s')->>'output'"), '5', 'one runs in a worker');
	my $withdrawn = propose($node, 'postgres', 'add', 1);
	is($node->safe_psql('postgres', "SELECT workflow_orch.withdraw_proposal($withdrawn, 1)"), 'withdrawn', 'one is withdrawn');
}

# One that is loaded while a call runs, and goes before us in a chain of hooks and
# of handlers of a signal: it stays there.
append_to_file("$dir/late.c", q{
#include "postgres.h"
#include <signal.h>
#include "catalog/objectaccess.h"
#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(late_call);
PG_FUNCTION_INFO_V1(late_seen);
PG_FUNCTION_INFO_V1(late_chain);
extern void _PG_init(void);
static object_access_hook_type next = NULL;
static int seen = 0;
static pqsigfunc previous = NULL;
static volatile bool chained = false;
static volatile sig_atomic_t interrupts = 0;
static void
see(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	char *name = access == OAT_FUNCTION_EXECUTE && class_id == ProcedureRelationId ? get_func_name(object_id) : NULL;
	if (name != NULL && strcmp(name, "pi") == 0)
		seen++;
	if (next != NULL)
		next(access, class_id, object_id, sub_id, arg);
}
static void
interrupt(int signo)
{
	interrupts++;
	if (chained && previous)
		previous(signo);
}
void
_PG_init(void)
{
	next = object_access_hook;
	object_access_hook = see;
	previous = pqsignal(SIGINT, interrupt);
}
Datum
late_call(PG_FUNCTION_ARGS)
{
	raise(SIGINT);
	PG_RETURN_INT32(interrupts);
}
Datum
late_chain(PG_FUNCTION_ARGS)
{
	chained = true;
	PG_RETURN_VOID();
}
Datum
late_seen(PG_FUNCTION_ARGS)
{
	raise(SIGINT);
	PG_RETURN_INT32(100 * seen + interrupts);
}
});
compile('late');
$node->safe_psql('postgres', qq{
	CREATE FUNCTION app.late() RETURNS int LANGUAGE c AS '$dir/late', 'late_call';
	CREATE FUNCTION app.seen() RETURNS int LANGUAGE c AS '$dir/late', 'late_seen';
	CREATE FUNCTION app.chain() RETURNS void LANGUAGE c AS '$dir/late', 'late_chain';
	CREATE FUNCTION app.locks() RETURNS int LANGUAGE sql AS 'SELECT pg_advisory_lock(1); SELECT 1';
	SELECT workflow_orch.register_tool('late', 'app.late()', run_as => 'tool_runner', preview => true), workflow_orch.register_tool('locks', 'app.locks()', run_as => 'tool_runner', preview => true)});
my ($late, $locks) = map { $node->safe_psql('postgres', "SELECT proposal_id FROM workflow_orch.propose_action(1, 1, '$_', '{}', 'reason')") } 'late', 'locks';
my $preview = "SELECT coalesce(preview->>'output', preview->'error'->>'sqlstate') FROM workflow_orch.preview_action";
foreach my $first ("SELECT 1", "$preview($locks)")
{
	is($node->safe_psql('postgres', "$first; $preview($late); SELECT pi() > 3; SELECT app.seen(); $preview($locks); SELECT pi() > 3; SELECT app.seen()"),
		join("\n", ($first =~ /preview/ ? '55000' : '1'), '1', 't', '102', '55000', 't', '203'), "loaded by a preview, after: $first");
}
like(error_of($node, 'postgres', "$preview($late); SELECT app.chain(); $preview($late)"), qr/^57014 canceling statement due to user request/, 'a handler that calls ours, and is called by it');

unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC/, 'no process crashed');
done_testing();
