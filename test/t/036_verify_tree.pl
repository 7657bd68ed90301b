# verify_audit_log finds what a superuser does with the triggers off: to each
# committed column of each table, to rows, to the tree, and to the tree and the
# rows at once where a checkpoint was kept.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use WorkflowOrch;

# The workers are needed to queue calls; afterwards nothing runs but these sessions.
my $node = new_node('verify');
install($node, 'postgres');
acts_on($node);

sub seal { return sql('SELECT workflow_orch.seal_audit_log()') }

# What verify_audit_log() finds, a line each.
sub findings
{
	my ($checkpoint) = @_;
	my $argument = defined $checkpoint ? "checkpoint => '$checkpoint'" : '';
	return sql("SELECT concat_ws(' ', audit_id, finding) FROM workflow_orch.verify_audit_log($argument)");
}

sub checkpoint { return sql('SELECT workflow_orch.audit_checkpoint()') . "\n" }

is(findings(), '', 'a fresh installation has no findings');
is(findings(checkpoint()), '', 'and extends its own tree');
my $first = checkpoint();
seal();
is(findings(), '', 'nor has it any once it is sealed');

# A call of everything that is recorded, in a workflow that has ended and one that has not.
sql(q{
	SET TimeZone = 'UTC';
	CREATE ROLE boss LOGIN;
	SELECT workflow_orch.grant_capability('boss', 'propose'), workflow_orch.register_actor('boss', 'Manager', 'boss', person => 'Bo');
	SELECT workflow_orch.register_actor('admin', 'DBA', 'postgres', person => 'Al');
	SELECT workflow_orch.update_actor(2, person => 'Di'), workflow_orch.update_actor(3, name => 'opera');
	CREATE FUNCTION app.boom(n int) RETURNS int LANGUAGE sql AS 'SELECT 1 / n';
	SELECT workflow_orch.register_tool('boom', 'app.boom(int)', run_as => 'tool_runner', description => 'It fails');
	SELECT workflow_orch.update_tool('add', max_rows => 10, preview => true);
	SELECT workflow_orch.set_policy(proposal_ttl => '1 day', approval_ttl => '2 days');
	SELECT workflow_orch.add_freeze('Christmas', now() + interval '1 year', now() + interval '2 years');
	SELECT workflow_orch.remove_freeze(workflow_orch.add_freeze('Easter', now() + interval '1 year', now() + interval '2 years', 'add'));
	SELECT workflow_orch.add_approval_rule('DBA', 1, 1, 'boom', description => 'Careful');
	SELECT workflow_orch.remove_approval_rule(workflow_orch.add_approval_rule('Nobody', 1, 2, 'boom', '$.params.n > 7'));
	SELECT workflow_orch.end_delegation(workflow_orch.delegate_review(2, 3, now() + interval '1 year'), 2);
	SELECT workflow_orch.delegate_review(2, 3, now() + interval '1 year');
	SELECT workflow_orch.start_workflow('Done', 1, metadata => '{"a": 1}'), workflow_orch.start_workflow('Cancelled', 1);
	SELECT workflow_orch.cancel_workflow(3, 1, 'no more');
	SELECT workflow_orch.hold_workflow(3, 2, 'a case');
	SELECT workflow_orch.release_hold(3, 2, 'it is closed'), workflow_orch.hold_workflow(2, 2, 'another one');
});
sub proposed_as
{
	my ($actor, $tool, $params, $more) = @_;
	return sql("SELECT proposal_id FROM workflow_orch.propose_action(2, $actor, '$tool', '$params', 'because'" . ($more // '') . ')');
}
my $ran = proposed_as(1, 'add', '{"n": 5}', ", idempotency_key => 'once'");
sql(qq{
	SELECT workflow_orch.comment_proposal($ran, 2, 'Why 5?');
	SELECT workflow_orch.preview_action($ran, 2);
	SELECT workflow_orch.review_action($ran, 2, 'request_changes', comment => 'not 5');
	SELECT workflow_orch.revise_proposal($ran, 1, '{"n": 2}', 'so be it');
	SELECT workflow_orch.review_action($ran, 2, 'approve', comment => 'fine', max_rows => 5, expected_revision => 2);
	SELECT workflow_orch.revoke_approval($ran, 2, 'a doubt');
	SELECT workflow_orch.review_action($ran, 2, 'edit', '{"n": 1}', 'one', expected_revision => 2);
	SELECT workflow_orch.execute_action($ran, 3);
});
my $failed = proposed_as(1, 'boom', '{"n": 0}');
sql("SELECT workflow_orch.review_action($failed, 2, 'approve'); SELECT workflow_orch.execute_action($failed, 3)");
my $broken = proposed_as(1, 'add', '{"n": 3}');
sql("SELECT workflow_orch.break_glass_execute($broken, 2, 'a fire')");
sql('SELECT workflow_orch.review_break_glass(execution_id, 3, $$I see$$) FROM workflow_orch.break_glass');
my $queued = proposed_as(1, 'add', '{"n": 4}');
sql("SELECT workflow_orch.review_action($queued, 2, 'approve'); SELECT workflow_orch.enqueue_action($queued, 3, now() + interval '1 day', 4)");
my $cancelled = proposed_as(1, 'add', '{"n": 4}');
sql("SELECT workflow_orch.review_action($cancelled, 2, 'approve'); SELECT workflow_orch.enqueue_action($cancelled, 3, now() + interval '1 day')");
sql("SELECT workflow_orch.cancel_execution(execution_id, 3, 'too late') FROM workflow_orch.execution WHERE proposal_id = $cancelled");
my $running = proposed_as(1, 'slow', '{"n": 4}');
my $holder = session($node, 'postgres');
start_query($holder, 'SELECT pg_advisory_lock(4711)');
answer($holder);
sql("SELECT workflow_orch.review_action($running, 2, 'approve'); SELECT workflow_orch.enqueue_action($running, 3)");
wait_for($node, 'postgres', "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted");
sql("SELECT workflow_orch.cancel_execution(execution_id, 3, 'too slow') FROM workflow_orch.execution WHERE proposal_id = $running");
wait_for($node, 'postgres', "SELECT status = 'cancelled' FROM workflow_orch.execution WHERE proposal_id = $running");
end_session($holder);
sql(q{SELECT workflow_orch.set_tool_enabled('slow', false)});
my $rejected = proposed_as(1, 'add', '{"n": 6}');
sql("SELECT workflow_orch.review_action($rejected, 2, 'reject', comment => 'never')");
my $withdrawn = proposed_as(1, 'add', '{"n": 7}');
sql("SELECT workflow_orch.withdraw_proposal($withdrawn, 1, 'a mistake')");
my $standing = sql(q{SELECT proposal_id FROM workflow_orch.propose_action(2, 5, 'workflow_orch.standing_approval',
	jsonb_build_object('tool', 'add', 'actor_id', 4, 'uses', 3, 'ends_at', now() + interval '1 day', 'max_rows', 5), 'often')});
sql("SELECT workflow_orch.review_action($standing, 2, 'approve')");
sql("SELECT workflow_orch.execute_action($standing, 5)");
my $used = as('boss', q{SELECT proposal_id FROM workflow_orch.propose_action(2, NULL, 'add', '{"n": 9}', 'again')});
sql("SELECT workflow_orch.end_standing_approval(standing_id, 5, 'enough') FROM workflow_orch.standing_approval");
my $open = proposed_as(1, 'add', '{"n": 8}');
my $approved = proposed_as(1, 'add', '{"n": 10}');
sql("SELECT workflow_orch.review_action($approved, 2, 'approve', max_rows => 3)");
my $other = sql("SELECT proposal_id FROM workflow_orch.propose_action(1, 1, 'boom', '{\"n\": 3}', 'pins another definition')");
sql("CREATE OR REPLACE FUNCTION app.boom(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 / n'; SELECT workflow_orch.accept_tool_definition('boom', 5, 'better')");
sql(q{SELECT workflow_orch.start_workflow('Ended', 1); SELECT workflow_orch.complete_workflow(4, 1)});
sql(q{SELECT workflow_orch.start_workflow('Many', 1) FROM generate_series(1, 600)});
seal();
sql('SELECT workflow_orch.record_anchor($$' . checkpoint() . '$$, $$test$$, $$proof$$)');
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->restart;
is(findings(), '', 'what waits for the sealer is no finding');
seal();
is(findings(), '', 'a call of everything, sealed: no findings');
is(findings(checkpoint()), '', 'nor by its checkpoint');
is(findings($first), '', 'nor by the first one');
is(sql('SELECT count(DISTINCT finding) FROM workflow_orch.workflow w, workflow_orch.verify_audit_log(w.workflow_id)'), 0, 'nor by workflow');
is(sql(q{SELECT string_agg(t::text, ' ' ORDER BY t) FROM unnest(ARRAY['start_workflow', 'complete_workflow', 'cancel_workflow', 'propose_action', 'revise_proposal',
	'accept_tool_definition', 'review_action', 'revoke_approval', 'comment_proposal', 'preview_action', 'execute_action', 'cancel_execution', 'break_glass_execute',
	'review_break_glass', 'add_approval_rule', 'remove_approval_rule', 'add_freeze', 'remove_freeze', 'delegate_review', 'end_delegation', 'standing_approval',
	'end_standing_approval', 'approve_by_standing', 'enqueue_action', 'withdraw_proposal']) t
	WHERE NOT EXISTS (SELECT FROM workflow_orch.audit_log WHERE action = t)}), '', 'everything was called');

# From here on as a superuser who takes away what is in the way.
sql(q{
	DO $$
	DECLARE
		r record;
	BEGIN
		FOR r IN SELECT c.oid::regclass AS rel FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'workflow_orch'::regnamespace LOOP
			EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', r.rel);
		END LOOP;
		FOR r IN SELECT attrelid::regclass AS rel, attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
		          WHERE attidentity <> '' AND relnamespace = 'workflow_orch'::regnamespace LOOP
			EXECUTE format('ALTER TABLE %s ALTER %I SET GENERATED BY DEFAULT', r.rel, r.attname);
		END LOOP;
		FOR r IN SELECT conrelid::regclass AS rel, conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'workflow_orch'::regnamespace AND conrelid <> 0 LOOP
			EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', r.rel, r.conname);
		END LOOP;
	END $$;
	-- What is found after statements, which are undone.
	CREATE FUNCTION public.found(statement text, checkpoint text DEFAULT NULL, workflow bigint DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		findings text;
	BEGIN
		EXECUTE statement;
		SELECT string_agg(concat_ws(' ', f.audit_id, coalesce(f.proposal_id::text, '') || '|' || f.finding), '; ') INTO findings FROM workflow_orch.verify_audit_log(workflow, checkpoint) f;
		RAISE EXCEPTION USING ERRCODE = 'UNDO0';
	EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
		RETURN findings;
	END $$;
	-- Another value of a column.
	CREATE FUNCTION public.other_value(c text, type regtype) RETURNS text LANGUAGE sql AS $$
		SELECT CASE
			WHEN type IN ('bigint'::regtype, 'integer') THEN format('coalesce(%s, 0) + 1000000', c)
			WHEN type = 'oid'::regtype THEN format('coalesce(%s::bigint, 0)::int + 1', c)
			WHEN type = 'boolean'::regtype THEN format('NOT coalesce(%s, false)', c)
			WHEN type = 'timestamptz'::regtype THEN format('coalesce(%s + interval ''1 us'', ''2020-01-01'')', c)
			WHEN type = 'interval'::regtype THEN format('coalesce(%s, ''0'') + interval ''1 us''', c)
			WHEN type IN ('text'::regtype, 'name') THEN format('coalesce(%s, '''') || ''x''', c)
			WHEN type = 'jsonb'::regtype THEN format('coalesce(%s, ''{}'') || ''{"x": 1}''', c)
			WHEN type = 'jsonpath'::regtype THEN '''$.params.other'''
			WHEN type = 'bytea'::regtype THEN format('set_byte(coalesce(%1$s, ''\x00''), 0, get_byte(coalesce(%1$s, ''\x00''), 0) # 1)', c)
			WHEN type = 'inet'::regtype THEN '''192.0.2.7'''
			WHEN type = 'xid8'::regtype THEN '''3'''
			WHEN type = 'bigint[]'::regtype THEN format('%s || 77::bigint', c)
			WHEN type = 'text[]'::regtype THEN format('%s || ''x''::text', c)
			ELSE format('(SELECT v FROM unnest(enum_range(NULL::%s)) v WHERE v <> %s LIMIT 1)', type, c)
		END
	$$;
});
sub found
{
	my ($statement, $checkpoint, $workflow) = @_;
	$checkpoint = defined $checkpoint ? "'$checkpoint'" : 'NULL';
	$workflow //= 'NULL';
	return sql("SELECT public.found(\$s\$$statement\$s\$, $checkpoint, $workflow)");
}

# A row of each table that a leaf commits to, all of which is committed, and what it is called.
my %row = (
	workflow => 'workflow_id = 3', proposal => "proposal_id = $failed", proposal_revision => "proposal_id = $ran AND revision = 2",
	review => 'review_id = 2', revocation => 'true', proposal_comment => 'true', preview => 'true',
	execution => "proposal_id = $ran", cancel_request => 'true', break_glass => 'true', approval_rule => 'removed_at IS NOT NULL',
	freeze_window => 'removed_at IS NOT NULL', delegation => 'ended_at IS NOT NULL', standing_approval => 'true',
	audit_anchor => 'true', workflow_hold => 'released_at IS NOT NULL', audit_log => "proposal_id = $open",
);
# Columns that no leaf commits to.
my %free = (
	proposal => { map { $_ => 1 } qw(status open revision approvals required_approvals requirements stage rule_id revised_by proposer_may_review
		status_at status_by expires_at approval_ttl event status_reason params reason definition revised_at requested_since max_rows standing_id) },
);
for my $table (sort keys %row)
{
	isnt(sql("SELECT count(*) FROM workflow_orch.$table WHERE $row{$table}"), 0, "there is a row of $table");
	my @columns = map { [ split /\|/, $_, 2 ] } split /\n/, sql(qq{
		SELECT attname, public.other_value(quote_ident(attname), atttypid) FROM pg_attribute
		 WHERE attrelid = 'workflow_orch.$table'::regclass AND attnum > 0 AND attname <> 'proposed_by' ORDER BY attnum});
	my $named = $table eq 'audit_log' ? qr/audit row \d+.*(is not what was sealed|is missing)/ : qr/audit row \d+ or one .*\b$table \d+.*is not what was sealed/;
	for (@columns)
	{
		my ($column, $value) = @$_;
		next if $free{$table}{$column};
		like(found("UPDATE workflow_orch.$table SET $column = $value WHERE $row{$table}"), $named, "$table.$column");
	}
	like(found("DELETE FROM workflow_orch.$table WHERE $row{$table}"), qr/\b(row|$table) \d+[^;]* is missing/, "a row of $table that is deleted");
}
is(findings(), '', 'all of that undone, there is nothing');

# A row that is added to each table that the extension keeps.
my %added = (
	actor => '"actor_id": 9000, "name": "made up"', workflow => '"workflow_id": 9000', freeze_window => '"freeze_id": 9000', approval_rule => '"rule_id": 9000',
	delegation => '"delegation_id": 9000', standing_approval => '"standing_id": 9000', standing_use => '"standing_id": 9000',
	proposal => '"proposal_id": 9000, "idempotency_key": null', proposal_revision => '"proposal_id": 9000, "revision": 3', proposal_comment => '"comment_id": 9000',
	preview => '"preview_id": 9000', review => '"review_id": 9000', revocation => '"review_id": 9000', execution => '"execution_id": 9000, "proposal_id": 9000',
	cancel_request => '"request_id": 9000', break_glass => '"execution_id": 9000', audit_anchor => '"anchor_id": 9000', workflow_hold => '"hold_id": 9000',
);
for my $table (sort keys %added)
{
	my $name = $table eq 'proposal_revision' ? "$table 9000/3" : "$table 9000";
	like(found("INSERT INTO workflow_orch.$table OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(r, '{$added{$table}}')).* FROM workflow_orch.$table r LIMIT 1"),
		qr/^\d*\|no audit row tells of $name(;|$)/, "an added row of $table");
}

# What is ended past the calls.
my %ending = (
	approval_rule => [ 1, 'removed_at = now()', 'removed_by = 1' ], freeze_window => [ 1, 'removed_at = now()', 'removed_by = 1' ],
	delegation => [ 2, 'ended_at = now()', 'ended_by = 1' ], workflow => [ 2, q{status = 'completed'}, 'ended_at = now()', 'ended_by = 1', q{end_reason = 'x'} ],
	workflow_hold => [ 2, 'released_at = now()', 'released_by = 1', q{release_reason = 'x'} ],
);
for my $table (sort keys %ending)
{
	my ($id, @changes) = @{ $ending{$table} };
	my $key = sql("SELECT attname FROM pg_attribute WHERE attrelid = 'workflow_orch.$table'::regclass AND attnum = 1");
	for (@changes)
	{
		my ($column) = /^(\w+)/;
		is(found("UPDATE workflow_orch.$table SET $_ WHERE $key = $id"), qq{|no audit row tells of column "$column" of $table $id}, "$table.$column of one that has not ended");
	}
}

# Settings, which follow from their audit rows.
my %setting = (actor => 'actor_id = 2', tool => q{tool = 'add'}, policy => 'true');
my %setting_name = (actor => 'actor 2', tool => 'tool add', policy => 'policy');
for my $table (sort keys %setting)
{
	my ($row, $name) = ($setting{$table}, $setting_name{$table});
	my $columns = sql(qq{
		SELECT attname, CASE WHEN atttypid = 'timestamptz'::regtype THEN attname || ' - interval ''2 minutes''' ELSE public.other_value(quote_ident(attname), atttypid) END
		  FROM pg_attribute WHERE attrelid = 'workflow_orch.$table'::regclass AND attnum > 0 ORDER BY attnum});
	for (map { [ split /\|/, $_, 2 ] } split /\n/, $columns)
	{
		my ($column, $value) = @$_;
		my $found = found("UPDATE workflow_orch.$table SET $column = $value WHERE $row");
		my $is_key = $column =~ /^(actor_id|tool|singleton)$/;
		like($found, $is_key ? qr/no audit row tells of $table\b.*\|$name, of which audit row \d+ tells, is missing/ : qr/(^|; )\d+ \|column "$column" of $name is not what audit row \d+ says$/, "$table.$column");
	}
	like(found("DELETE FROM workflow_orch.$table WHERE $row"), qr/\|$name, of which audit row \d+ tells, is missing/, "a row of $table that is deleted");
}
is(found(q{INSERT INTO workflow_orch.tool SELECT (jsonb_populate_record(t, '{"tool": "made up"}')).* FROM workflow_orch.tool t WHERE tool = 'add'}), '|no audit row tells of tool made up', 'an added tool');
like(found(q{UPDATE workflow_orch.actor SET role = CASE actor_id WHEN 2 THEN 'Developer' ELSE 'DBA' END WHERE actor_id IN (1, 2)}),
	qr/column "role" of actor 1 is not what.*column "role" of actor 2 is not what/, 'roles that are swapped');
for (split /\n/, sql(q{SELECT format('%I = %s', attname, CASE attname WHEN 'function' THEN '''app.f()''' ELSE public.other_value(quote_ident(attname), atttypid) END) FROM pg_attribute
	WHERE attrelid = 'workflow_orch.tool'::regclass AND attnum > 0 AND attname NOT IN ('tool', 'description', 'registered_at', 'changed_by') ORDER BY attnum}))
{
	my ($column) = /^(\w+)/;
	is(found("UPDATE workflow_orch.tool SET $_ WHERE tool = 'workflow_orch.set_policy'"), qq{|column "$column" of tool workflow_orch.set_policy is not what the extension brings}, "$column of a built-in tool");
}
like(found('ALTER TABLE workflow_orch.actor ALTER role DROP NOT NULL; UPDATE workflow_orch.actor SET role = NULL WHERE actor_id = 3; DELETE FROM workflow_orch.tool'),
	qr/column "role" of actor 3 is not what.*tool add, of which/, 'a null in a setting');

# A call that is queued: its execution and its row of the queue.
my ($execution, $enqueued) = split /\|/, sql("SELECT e.execution_id, max(l.audit_id) FROM workflow_orch.execution e JOIN workflow_orch.audit_log l USING (execution_id) WHERE e.proposal_id = $queued GROUP BY 1");
for (q{status = 'running'}, 'dry_run = true', 'attempt = 1', 'started_at = now()', 'finished_at = now()', 'ended_by = 1', q{end_reason = 'x'}, q{result = '{}'})
{
	my ($column) = /^(\w+)/;
	is(found("UPDATE workflow_orch.execution SET $_ WHERE execution_id = $execution"), qq{$enqueued $queued|column "$column" of execution $execution is not what audit row $enqueued says} . ($column eq 'attempt' ? qq{; $enqueued $queued|column "attempts" of queue $queued is not what audit row $enqueued says} : ''),
		"$column of an execution that is queued");
}
like(found("UPDATE workflow_orch.execution SET $_ WHERE execution_id = $execution"), qr/audit row $enqueued or one of the rows that it tells of \(execution $execution\) is not what was sealed/, "$_ of it")
	for 'revision = 2', 'actor_id = 1', 'workflow_id = 1', q{queued_at = queued_at + interval '1 us'}, q{login = 'x'};
for ('priority = 5', q{tool = 'slow'}, 'attempts = 1', q{due_at = due_at - interval '1 us'})
{
	my ($column) = /^(\w+)/;
	is(found("UPDATE workflow_orch.queue SET $_ WHERE proposal_id = $queued"), qq{$enqueued $queued|column "$column" of queue $queued is not what audit row $enqueued says}, "$column of its row of the queue");
}
is(found("DELETE FROM workflow_orch.queue WHERE proposal_id = $queued"), "$enqueued $queued|the row of the queue, of which audit row $enqueued tells, is missing", 'a call that was taken out of the queue');
is(found("INSERT INTO workflow_orch.queue SELECT (jsonb_populate_record(q, '{\"proposal_id\": $ran}')).* FROM workflow_orch.queue q"), "$ran|no execution waits in queue $ran", 'a call that was put into the queue');

# Uses of standing approvals, and definitions.
my $use = sql('SELECT standing_id FROM workflow_orch.standing_use');
for ('used = used - 1', 'used = used + 1', 'actor_id = 1')
{
	my ($column) = /^(\w+)/;
	is(found("UPDATE workflow_orch.standing_use SET $_"), qq{|column "$column" of standing_use $use is not what the audit log says}, "$_ of standing_use");
}
is(found('DELETE FROM workflow_orch.standing_use'), "|standing_use $use is missing", 'a deleted row of standing_use');
is(found(q{UPDATE workflow_orch.tool_definition SET definition = definition || '{"x": 1}' WHERE sha256 = (SELECT definition FROM workflow_orch.tool WHERE tool = 'add')}),
	'|a definition of tool add does not have its SHA-256', 'a changed definition');
like(found(q{UPDATE workflow_orch.tool_definition SET sha256 = set_byte(sha256, 0, get_byte(sha256, 0) # 1) WHERE sha256 = (SELECT definition FROM workflow_orch.tool WHERE tool = 'add')}),
	qr/^\|a definition of tool add does not have its SHA-256; $ran\|the definition of revision \d of proposal $ran is missing/, 'a definition under another hash');
like(found("DELETE FROM workflow_orch.tool_definition"), qr/^$ran\|the definition of revision 1 of proposal $ran is missing/, 'a deleted definition');
is(found("UPDATE workflow_orch.proposal SET $_ WHERE proposal_id = $open"), qq{$open|column "approval_ttl" of proposal $open is not what revision 1 says}, "$_ of a pending proposal")
	for q{approval_ttl = '9 days'}, 'approval_ttl = NULL';

# A change of every column of every table that has a row is found, but of these; doc/auditor.md lists them.
my @unfound;
for (split /\n/, sql(q{
	SELECT c.relname, attname, CASE WHEN atttypid = 'timestamptz'::regtype THEN format('coalesce(%I - interval ''2 minutes'', ''2020-01-01'')', attname) ELSE public.other_value(quote_ident(attname), atttypid) END
	  FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE c.relkind = 'r' AND c.relnamespace = 'workflow_orch'::regnamespace AND attnum > 0 ORDER BY c.relname, attnum}))
{
	my ($table, $column, $value) = split /\|/, $_, 3;
	my $row = $column eq 'proposed_by' ? '' : sql("SELECT ctid FROM workflow_orch.$table t ORDER BY to_jsonb(t)->>'built_in', ctid LIMIT 1");
	push @unfound, "$table.$column" if $row ne '' && found("UPDATE workflow_orch.$table SET $column = $value WHERE ctid = '$row'") eq '';
}
is(join(' ', @unfound), 'audit_origin.origin_id audit_origin.from_size audit_origin.since audit_origin.home_system audit_origin.home_database audit_origin.reason'
	. ' audit_tile.sealed_at audit_tree.settled_id audit_tree.seen_id audit_tree.sealed_at audit_tree.home_system audit_tree.home_database audit_tree.timeline audit_tree.only_row audit_tree.earlier_id'
	. ' queue.run_as_oid queue.crashes queue.home_system queue.home_database tool_definition.tool tool_definition.first_used_at tool_definition.transaction_id', 'and of no other column');

# Values that no code has written end no comparison: null, bytes of another length, numbers without bound.
is(sql(q{
	WITH c AS MATERIALIZED (
	  SELECT relname AS t, attname AS c, atttypid::regtype::text AS type, attnotnull, attname = 'proposed_by' OR attnum = ANY (indkey) AS is_key
	    FROM pg_attribute JOIN pg_class r ON r.oid = attrelid JOIN pg_index ON indrelid = r.oid AND indisprimary
	   WHERE relkind = 'r' AND relnamespace = 'workflow_orch'::regnamespace AND attnum > 0 AND pg_relation_size(r.oid) > 0)
	SELECT string_agg(DISTINCT t || '.' || c, ' ')
	  FROM c, unnest(CASE type WHEN 'bytea' THEN ARRAY['NULL', c || '||''\x00''', '''''']
	                           WHEN 'bigint' THEN ARRAY['NULL', '-1', '9223372036854775807', '-9223372036854775808'] ELSE ARRAY['NULL'] END) v
	 WHERE NOT (v = 'NULL' AND (is_key OR NOT attnotnull)) AND c <> 'proposed_by'
	   AND public.found(format('ALTER TABLE workflow_orch.%1$s ALTER %2$s %4$s; UPDATE workflow_orch.%1$s SET %2$s = %3$s WHERE ctid = (SELECT ctid FROM workflow_orch.%1$s x ORDER BY to_jsonb(x)->>''built_in'', ctid LIMIT 1)', t, c, v,
	                           CASE WHEN is_key THEN 'SET STATISTICS 100' ELSE 'DROP NOT NULL' END)) IS NULL}),
	'audit_origin.from_size audit_origin.home_system audit_origin.origin_id audit_tile.sealed_at audit_tree.earlier_id audit_tree.home_system audit_tree.seen_id audit_tree.settled_id audit_tree.timeline'
	. ' queue.crashes queue.home_database queue.home_system tool_definition.first_used_at tool_definition.tool', 'values that no code has written are found, but in the same columns');
like(found($_->[0]), $_->[1], $_->[0]) for (
	[ "UPDATE workflow_orch.audit_anchor SET root = ''", qr/^\|the anchors cannot be compared: column "root" of audit_anchor 1 has 0 bytes instead of 32; \d+ \|audit row \d+ or one of .*\(audit_anchor 1\) is not what was sealed$/ ],
	[ 'UPDATE workflow_orch.audit_tile SET hashes = root WHERE tile = 1', qr/tile 1 of level 0 of the tree has columns of another length; .*anchor 1 of size \d+ cannot be compared/ ],
	[ "UPDATE workflow_orch.audit_leaf SET salts = ''", qr/^\|the tree cannot be compared: column "salts" of audit_leaf 512 has 0 bytes instead of 48$/ ],
	[ 'UPDATE workflow_orch.audit_tile SET tile = -1 WHERE tile = 0', qr/tile -1 of level 0 of the tree is before the first one; .*tile 0 of level 0 of the tree is missing/ ],
	[ 'UPDATE workflow_orch.audit_tree SET size = 9223372036854775807', qr/tiles 2 to 36028797018963966 of level 0 of the tree are missing/ ]);

# Rows of the log.
my $id = sql("SELECT min(audit_id) FROM workflow_orch.audit_log WHERE proposal_id = $open");
my $next = sql("SELECT min(audit_id) FROM workflow_orch.audit_log WHERE audit_id > $id");
like(found("DELETE FROM workflow_orch.audit_log WHERE audit_id = $id"), qr/^$id \|audit row $id, leaf \d+ of the tree, is missing/, 'a deleted row');
like(found("INSERT INTO workflow_orch.audit_log SELECT (jsonb_populate_record(l, '{\"audit_id\": 0}')).* FROM workflow_orch.audit_log l WHERE audit_id = $next"),
	qr/^0 \d*\|audit row 0 was added after its time to be sealed/, 'an added row');
like(found("UPDATE workflow_orch.audit_log SET audit_id = CASE audit_id WHEN $id THEN -1 ELSE $id END WHERE audit_id IN ($id, $next); UPDATE workflow_orch.audit_log SET audit_id = $next WHERE audit_id = -1"),
	qr/^$id .*audit row $id .*is not what was sealed.*$next .*audit row $next .*is not what was sealed/, 'two rows that are swapped');
like(found('DELETE FROM workflow_orch.audit_log WHERE workflow_id = 1; DELETE FROM workflow_orch.workflow WHERE workflow_id = 1'), qr/^\d+ \|audit row \d+, leaf \d+ of the tree, is missing/, 'a purge by DELETE');
like(found("UPDATE workflow_orch.proposal_comment SET comment = 'Yes'", undef, 2), qr/^\d+ $ran\|audit row \d+ or one of the rows that it tells of \(proposal_comment 1\) is not what was sealed$/, 'a changed row is found by its workflow');
is(found("UPDATE workflow_orch.proposal_comment SET comment = 'Yes'", undef, 1), '', 'and not by another');
my $plain = sql("SELECT min(audit_id) FROM workflow_orch.audit_log WHERE action = 'complete_workflow'");
like(found("UPDATE workflow_orch.audit_log SET details = '$_' WHERE audit_id = $plain"), qr/^$plain [^;]*audit row $plain .*is not what was sealed/, "details that are $_")
	for '[]', '[{"tool": "x"}]', '7', '"x"', 'null';
like(found("ALTER TABLE workflow_orch.audit_log ALTER $_ DROP NOT NULL; UPDATE workflow_orch.audit_log SET $_ = NULL WHERE audit_id = $plain"), qr/^$plain [^;]*audit row $plain .*is not what was sealed/, "$_ that is null")
	for qw(details action);

# The tree: each statement, and what is found of it.
my $kept = checkpoint();
for (
	[ 'UPDATE workflow_orch.audit_leaf SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE leaf_index % 256 = 1', qr/is not what was sealed/, 'the hash of a leaf' ],
	[ 'UPDATE workflow_orch.audit_leaf SET salts = set_byte(salts, 0, get_byte(salts, 0) # 1) WHERE leaf_index % 256 = 1', qr/is not what was sealed/, 'a salt' ],
	[ 'UPDATE workflow_orch.audit_leaf SET flags = 2 WHERE leaf_index % 256 = 1', qr/is not what was sealed/, 'the flags of a leaf' ],
	[ 'UPDATE workflow_orch.audit_leaf SET audit_id = 3 WHERE leaf_index % 256 = 1', qr/names audit row 3, which is an earlier leaf.*was added after its time/, 'the row of a leaf' ],
	[ 'UPDATE workflow_orch.audit_leaf SET leaf_index = leaf_index + 900 WHERE leaf_index % 256 = 1', qr/are not those from leaf 512 on/, 'the number of a leaf' ],
	[ 'DELETE FROM workflow_orch.audit_leaf WHERE leaf_index % 256 = 1', qr/are not those from leaf 512 on/, 'an open leaf that is gone' ],
	[ 'DELETE FROM workflow_orch.audit_leaf', qr/are not those from leaf 512 on/, 'all open leaves that are gone' ],
	[ 'UPDATE workflow_orch.audit_tile SET hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1) WHERE tile = 1', qr/audit row \d+.* is not what was sealed.*tile 1 of level 0 of the tree has not the root of its leaves.*does not extend anchor 1/, 'a hash in a tile' ],
	[ 'UPDATE workflow_orch.audit_tile SET root = set_byte(root, 3, get_byte(root, 3) # 1) WHERE tile = 1', qr/^\|tile 1 of level 0 of the tree has not the root of its leaves$/, 'the root of a tile' ],
	[ 'UPDATE workflow_orch.audit_tile SET audit_ids = set_byte(audit_ids, 7, 200) WHERE tile = 0', qr/leaf \d+ of the tree names audit row 200, which is an earlier leaf.*tile 0 of level 0 of the tree has not the lowest/, 'a row of a tile' ],
	[ 'UPDATE workflow_orch.audit_tile SET salts = set_byte(salts, 7, get_byte(salts, 7) # 1) WHERE tile = 0', qr/is not what was sealed/, 'a salt of a tile' ],
	[ 'UPDATE workflow_orch.audit_tile SET flags = set_byte(flags, 7, 2) WHERE tile = 0', qr/is not what was sealed/, 'a flag of a tile' ],
	[ 'UPDATE workflow_orch.audit_tile SET max_audit_id = 7 WHERE tile = 0', qr/^\|tile 0 of level 0 of the tree has not the lowest and the highest of its rows$/, 'the highest row of a tile' ],
	[ 'DELETE FROM workflow_orch.audit_tile WHERE tile = 0', qr/tile 0 of level 0 of the tree is missing.*anchor 1 of size \d+ cannot be compared/, 'a tile that is gone' ],
	[ 'UPDATE workflow_orch.audit_tile SET tile = 5 WHERE tile = 1', qr/tile 5 of level 0 of the tree is beyond the size.*tile 1 of level 0 of the tree is missing/, 'a tile that is elsewhere' ],
	[ 'UPDATE workflow_orch.audit_tree SET size = size + 1', qr/are not those from leaf 512 on/, 'a size that is larger' ],
	[ 'UPDATE workflow_orch.audit_tree SET size = 256', qr/tile 1 of level 0 of the tree is beyond the size/, 'a size that is smaller' ],
	[ 'DELETE FROM workflow_orch.audit_tree', qr/are not those from leaf 0 on/, 'a tree without a size' ],
	[ 'UPDATE workflow_orch.audit_anchor SET size = size - 1', qr/the tree does not extend anchor 1 of size \d+: its root at that size is another/, 'an anchor that does not fit any more' ],
	[ "UPDATE workflow_orch.audit_anchor SET origin = 'example.com/other'", qr/anchor 1 is of origin "example.com\/other", which the tree never had/, 'an anchor of another tree' ],
	)
{
	my ($statement, $finding, $what) = @$_;
	like(found($statement), $finding, $what);
}
my ($origin, $size, $root) = split /\n/, $kept;
is(found('SELECT 1', "$kept\n\x{e2}\x{80}\x{94} example.com/witness c2lnbmF0dXJl\n"), '', 'a signed checkpoint is one');
is(found('SELECT 1', "$origin\n" . ($size + 1) . "\n$root\n"), "|the tree has size $size, which is shorter than the checkpoint of size " . ($size + 1), 'a checkpoint of a longer tree');
is(found('SELECT 1', "$origin\n" . ($size - 1) . "\n$root\n"), '|the tree does not extend the checkpoint of size ' . ($size - 1) . ': its root at that size is another', 'a checkpoint of another tree');
like(error_of($node, 'postgres', "SELECT * FROM workflow_orch.verify_audit_log(checkpoint => E'example.com/log\\n$size\\n$root\\n')"), qr/^22023 the audit log never had the origin "example.com\/log"/, 'a checkpoint of another origin');
like(error_of($node, 'postgres', "SELECT * FROM workflow_orch.verify_audit_log(checkpoint => '$_')"), qr/^22023 the text is not a checkpoint/, 'no checkpoint')
	for '', "$origin\n$size\n", "$origin\n$size\n$root", "$origin\n-1\n$root\n", "$origin\n9223372036854775808\n$root\n", "$origin\n$size\nc2hvcnQ=\n", "$origin\n$size\n$root\nmore\n";
like(error_of($node, 'postgres', "SELECT * FROM workflow_orch.verify_audit_log(1, '$kept')"), qr/^22023 a checkpoint is of the whole log/, 'a checkpoint with a workflow');
is(findings($kept), '', 'all of that undone, there is nothing');

# What is committed: a backdated row, and one that names another transaction.
sub insert_row
{
	my ($time, $transaction) = @_;
	return sql("INSERT INTO workflow_orch.audit_log (occurred_at, action, login, details, db_role, application_name, backend_pid, transaction_id)
		VALUES ($time, 'test', 'x', '{}', 'x', '', 1, $transaction) RETURNING audit_id");
}
my $backdated = insert_row("now() - interval '61 minutes'", 'pg_current_xact_id()');
is(findings(), '', 'a row that is not sealed');
my $foreign = insert_row('now()', "(pg_current_xact_id()::text::bigint + 1000)::text::xid8");
seal();
my @found = split /\n/, findings($kept);
like($found[0], qr/^$backdated late: audit row $backdated was sealed more than an hour after its time, /, 'a backdated row');
is($found[1], "$foreign audit row $foreign was not inserted by the transaction that it names", 'a row of another transaction');
is(@found, 2, 'nothing else');

# The tail is cut off, and grows again.
my $longer = checkpoint();
sql("DELETE FROM workflow_orch.audit_log WHERE audit_id >= $backdated;
	DELETE FROM workflow_orch.audit_leaf WHERE audit_id >= $backdated;
	UPDATE workflow_orch.audit_tree SET size = size - 2");
is(findings(), '', 'a tail that was cut off with care leaves no trace');
is(findings($kept), '', 'nor in an earlier checkpoint');
like(findings($longer), qr/^the tree has size $size, which is shorter than the checkpoint/, 'but in a kept one');
sql(q{ALTER TABLE workflow_orch.workflow ENABLE TRIGGER ALL; SELECT workflow_orch.start_workflow('Again', 1) FROM generate_series(1, 3)});
seal();
is(findings(), '', 'nor once the tree has grown again');
like(findings($longer), qr/^the tree does not extend the checkpoint of size \d+: its root at that size is another$/, 'and then, too');

# All is rewritten: the rows, and the tree over them.
sql(q{UPDATE workflow_orch.proposal_comment SET comment = 'Well done';
	DELETE FROM workflow_orch.audit_anchor; DELETE FROM workflow_orch.audit_log WHERE action = 'record_anchor';
	TRUNCATE workflow_orch.audit_tile, workflow_orch.audit_leaf, workflow_orch.audit_tree});
seal();
is(findings(), '', 'a tree that is rewritten as a whole is one');
like(findings($kept), qr/^the tree does not extend the checkpoint of size $size: /, 'but not that of a kept checkpoint');

# Under another origin, the earlier one holds up to where it was left.
my $here = checkpoint();
sql(q{SELECT workflow_orch.new_origin('a test')});
seal();
is(findings($here), '', 'a checkpoint of the earlier origin');
my $now = checkpoint();
$now =~ s/^[^\n]*/$origin/;
my ($left) = $here =~ /\n(\d+)\n/;
like(findings($now), qr/^the checkpoint has size \d+, and the tree left its origin at size $left: another tree goes on under it$/, 'one beyond the size at which it was left');

# What is older than the first seal is told once.
sql('CREATE DATABASE late');
$node->safe_psql('late', q{CREATE EXTENSION workflow_orch; SELECT workflow_orch.register_actor('a', 'b') FROM generate_series(1, 1);
	ALTER TABLE workflow_orch.audit_log DISABLE TRIGGER ALL; UPDATE workflow_orch.audit_log SET occurred_at = occurred_at - interval '2 days';
	ALTER TABLE workflow_orch.actor DISABLE TRIGGER ALL; UPDATE workflow_orch.actor SET registered_at = registered_at - interval '2 days';
	SELECT workflow_orch.start_workflow('w', 1); SELECT workflow_orch.seal_audit_log()});
like($node->safe_psql('late', 'SELECT finding FROM workflow_orch.verify_audit_log()'), qr/^unwitnessed: 1 rows of the audit log, up to audit row \d+ of \S+ \S+, are older than the first seal$/, 'what is older than the first seal');
$node->stop;
done_testing();
