# Random sequences of calls by random actors, each on a workflow of its own,
# beside a model of the contract (WalkModel.pm) that says what every call must
# give. WALKS is the number of sequences, WALK_SEED what they are drawn from, and
# of WALK_SHOW sequences that disagree the calls are printed.
use strict;
use warnings;
use JSON::PP qw(decode_json);
use List::Util qw(uniq);
use lib 'test/t';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowOrch;
use WalkAdministrators;
use WalkDraw;
use WalkModel;

my $walks = $ENV{WALKS} // 1500;
my $seed = $ENV{WALK_SEED} // 4711;
note("WALKS=$walks WALK_SEED=$seed");
srand($seed);

# Without the launcher, which would sweep what has expired at moments of its own.
my $node = new_node('main', preload => 0, settings => "log_min_messages = fatal\nsynchronous_commit = off\nmax_wal_size = 4GB\nworkflow_orch.min_retention = 0\n");
$node->safe_psql('postgres', q{
	CREATE EXTENSION workflow_orch;
	CREATE ROLE tool_runner LOGIN;
	CREATE SCHEMA app;
	GRANT USAGE ON SCHEMA app TO PUBLIC;
	CREATE TABLE app.effect (proposal_id bigint);
	CREATE TABLE app.more (proposal_id bigint);
	CREATE TABLE app.flag (up boolean);
	INSERT INTO app.flag VALUES (false);
	GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA app TO tool_runner;
	CREATE FUNCTION app.mark(p int, q int DEFAULT 0) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO app.effect VALUES (current_setting('workflow_orch.proposal_id')::bigint);
		INSERT INTO app.more SELECT current_setting('workflow_orch.proposal_id')::bigint FROM generate_series(1, q);
		IF p = 13 OR p % 2 = 0 AND (SELECT up FROM app.flag) THEN RAISE 'not this one'; END IF;
		RETURN p;
	END $$;
	SELECT workflow_orch.register_tool(t, 'app.mark(int, int)', run_as => 'tool_runner', timeout => '1 min') FROM unnest('{mark,note}'::text[]) t;
	-- Makes another function of it, as far as its definition tells.
	CREATE FUNCTION app.alter(variant int) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		EXECUTE CASE variant WHEN 0 THEN 'ALTER FUNCTION app.mark(int, int) RESET ALL' ELSE 'ALTER FUNCTION app.mark(int, int) SET app.variant = ' || variant END;
	END $$;
	CREATE UNLOGGED TABLE app.name (name text PRIMARY KEY, id bigint);
	CREATE FUNCTION app.id(name text) RETURNS bigint STABLE LANGUAGE sql AS $$ SELECT id FROM app.name n WHERE n.name = $1 $$;
	CREATE FUNCTION app.is(name text, id bigint) RETURNS bigint LANGUAGE sql AS $$
		INSERT INTO app.name VALUES ($1, $2) ON CONFLICT ON CONSTRAINT name_pkey DO UPDATE SET id = EXCLUDED.id RETURNING id $$;
	CREATE FUNCTION app.raise_flag(raised boolean) RETURNS void LANGUAGE sql AS 'UPDATE app.flag SET up = raised';
	CREATE UNLOGGED TABLE app.call (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, call text);
	CREATE UNLOGGED TABLE app.answer (n bigint, answer text);
	GRANT SELECT, INSERT, UPDATE ON app.name, app.call, app.answer TO PUBLIC;
	-- What is to be judged of the executions: with the requirements of its revision and the
	-- approvals that stood when it started.  A redaction or a purge takes that away.
	CREATE UNLOGGED TABLE app.kept (execution_id bigint PRIMARY KEY, what json);
	CREATE FUNCTION app.keep() RETURNS void LANGUAGE sql AS $$
		INSERT INTO app.kept SELECT e.execution_id, json_build_object('execution', e.execution_id, 'proposer', p.actor_id, 'author', v.actor_id, 'revision', v.revision, 'requirements', v.requirements,
			'proposed_so', EXISTS (SELECT FROM workflow_orch.proposal_revision o WHERE o.proposal_id = p.proposal_id AND o.revision <= v.revision AND o.actor_id = p.actor_id AND o.params - '{old,definition,search_path,run_as_oid,db_role_oid}'::text[] = v.params - '{old,definition,search_path,run_as_oid,db_role_oid}'::text[]),
			'rule', v.rule_id, 'holder', CASE WHEN p.tool = 'workflow_orch.standing_approval' THEN v.params -> 'actor_id' END, 'edit_waits', EXISTS (SELECT FROM workflow_orch.review r WHERE r.proposal_id = p.proposal_id AND r.revision = v.revision AND r.decision = 'edit' AND NOT r.counts),
			'approvals', (SELECT coalesce(json_agg(json_build_object('actor', r.reviewer_id, 'for', r.on_behalf_of, 'role', r.role, 'stage', r.stage, 'decision', r.decision, 'kind', r.kind)), '[]')
				FROM workflow_orch.review r WHERE r.proposal_id = p.proposal_id AND r.revision = v.revision AND r.counts
				AND NOT EXISTS (SELECT FROM workflow_orch.revocation x WHERE x.review_id = r.review_id AND x.revoked_at <= e.started_at) AND r.reviewed_at <= e.started_at))
		FROM workflow_orch.execution e JOIN workflow_orch.proposal p USING (proposal_id)
			JOIN workflow_orch.proposal_revision v ON v.proposal_id = e.proposal_id AND v.revision = e.revision
		WHERE e.execution_id > (SELECT coalesce(max(k.execution_id), 0) FROM app.kept k) AND NOT (v.revision = 1 AND EXISTS (SELECT FROM workflow_orch.audit_log a WHERE a.proposal_id = p.proposal_id AND a.action = 'approve_by_standing')
				AND NOT EXISTS (SELECT FROM workflow_orch.audit_log a WHERE a.proposal_id = p.proposal_id AND a.action = 'end_standing_approval' AND a.occurred_at <= e.started_at))
			AND NOT EXISTS (SELECT FROM workflow_orch.break_glass b WHERE b.execution_id = e.execution_id) $$;
	-- Makes these calls one after the other, some in a transaction with the next.
	CREATE PROCEDURE app.walk(first_call bigint, last_call bigint) LANGUAGE plpgsql AS $$
	DECLARE
		c record;
		got text;
		reason text;
	BEGIN
		FOR c IN SELECT * FROM app.call WHERE n BETWEEN first_call AND last_call ORDER BY n LOOP
			BEGIN
				EXECUTE 'SELECT ' || c.call INTO got;
			EXCEPTION WHEN OTHERS THEN
				GET STACKED DIAGNOSTICS reason = CONSTRAINT_NAME;
				got := rtrim(SQLSTATE || ' ' || reason);
			END;
			INSERT INTO app.answer VALUES (c.n, got);
			IF c.n % 3 <> 0 THEN COMMIT; END IF;
		END LOOP;
	END $$});

# The people: [role, kind, person, login].
my @people = ([ 'Developer', 'human', 'ann', 'w1' ], [ 'DBA', 'human', undef, 'w2' ], [ 'Manager', 'human', undef, 'w3' ], [ 'DBA', 'human' ], [ 'Manager', 'human', 'eve', 'w5' ],
	[ 'DBA', 'human', 'eve', 'w6' ], [ 'Developer', 'agent', undef, 'w7' ], [ 'Developer', 'human', undef, 'w8' ], [ 'DBA', 'human', 'ann' ], [ 'Manager', 'service' ]);
my @actors = (1 .. @people);
# Logins that may administer, and those of them that may let tools run as tool_runner.
my @administrators = qw(w2 w3 w5 w6 w7 w8);
my @members = qw(w2 w3 w5 w6 w7);

my $model = WalkModel->new;
my @setup;
for my $actor (@actors)
{
	my ($role, $kind, $person, $login) = @{ $people[ $actor - 1 ] };
	$model->{actor}{$actor} = { role => $role, kind => $kind, person => $person, login => $login, active => 1 };
	push @setup, map { "CREATE ROLE $_ LOGIN; " . join ' ', map { "SELECT workflow_orch.grant_capability('$login', '$_');" } qw(propose review execute) } $login // ();
	push @setup, sprintf q{SELECT workflow_orch.register_actor('a%s', %s, kind => '%s', person => %s, db_role => %s);}, $actor, quoted($role), $kind, quoted($person), quoted($login);
}
push @setup, map { "SELECT workflow_orch.grant_capability('$_', 'administer');" } @administrators;
push @setup, map { "GRANT tool_runner TO $_;" } @members;
$node->safe_psql('postgres', join "\n", @setup);
$model->{tool}{$_} = { enabled => 1, timeout => '00:01:00', confirmed => '00:01:00,0' } for qw(mark note);
$model->{tool}{$_} = { enabled => 1 } for split /\n/, $node->safe_psql('postgres', 'SELECT tool FROM workflow_orch.tool WHERE built_in');
$model->{administers} = { map { $_ => 1 } @administrators };
$model->{member} = { map { $_ => 1 } @members };
administrators_of($model);
my $first_audit = $node->safe_psql('postgres', 'SELECT max(audit_id) FROM workflow_orch.audit_log');
my $ends_at = '"' . $node->safe_psql('postgres', q{SELECT (now() + interval '20 days')::text}) . '"';

sub somebody { return chance(10) ? undef : whoever(); }
# A name of this kind that stands for nothing now.
sub free { my ($kind, $prefix, $count) = @_; return (grep { !$model->{$kind}{$_} } map { "$prefix$_" } 1 .. $count)[0]; }

my ($walk, @proposals, $workflow);

sub draw_params
{
	return pick('[1]', '7', '{}') if chance(1);
	my %params = (p => 1 + int rand 30);
	$params{q} = int rand 3 if chance(30);
	$params{p} = "\"$params{p}\"" if chance(10);
	$params{ pick(qw(p q r)) } = pick('"x"', 'true') if chance(2);
	return \%params;
}

# A proposal of this sequence that is not redacted, the newest more often.
sub some_proposal
{
	my @readable = grep { !$model->{proposal}{$_}{redacted} } @proposals;
	return 'nil' if !@readable || chance(1);
	return chance(60) ? $readable[-1] : pick(@readable);
}

# Who could go on with it, more often than by chance alone.
sub some_reviewer
{
	my ($name) = @_;
	my $p = $model->{proposal}{$name};
	my @fit = $p && chance(60) ? grep { !$model->same_person($_, $p->{actor}) && $model->fit($p, $_) } @actors : ();
	return @fit ? pick(@fit) : whoever();
}

# What may be called: [weight, sub that gives the call's SQL and what it must give].
my %calls = (
	propose => [ 14, sub {
		my $name = 'p' . (1 + @proposals);
		my $own_session = 0;
		my ($w, $actor, $tool) = (chance(1) ? 'nil' : $workflow, whoever(), chance(1) ? 'nil' : pick(qw(mark note), $model->{tool}{extra} ? 'extra' : ()));
		my ($params, $reason) = (draw_params(), chance(1) ? '' : chance(10) ? 'urgent' : 'because');
		my $key = chance(15) ? "k$walk." . int rand 2 : undef;
		($actor, $tool, $params) = ($actors[0], 'mark', pick({ p => 1 }, { p => '"1"' }, { p => 2 })) if defined $key && chance(80);
		my @standings = grep { !$_->{ended} && ($_->{used} < $_->{uses} || chance(10)) } values_of('standing');
		($actor, $tool) = @{ pick(@standings) }{qw(holder tool)} if @standings && chance(50);
		$own_session = 1 if login($actor) && chance(@standings ? 80 : 5);
		my ($status, $is) = $model->propose_action($name, $w, $actor, $tool, $params, $reason, $key, $own_session);
		push @proposals, $name if defined $is && $is eq $name;
		return (sprintf(q{(proposal_id = app.is('p', proposal_id))::text || ' ' || status || ' ' || (proposal_id = %s)
			FROM workflow_orch.propose_action(%s, %s, '%s', %s, '%s', %s)},
			defined $is && $is ne $name ? id($is) : "app.is('$name', proposal_id)", id($w), id($actor), $tool, json($params), $reason, quoted($key)),
			defined $is ? "true $status true" : $status, $own_session ? login($actor) : ());
	} ],
	standing => [ 1, \&propose_standing ],
	administrative => [ 2, \&propose_administrative ],
	not_here => [ 1, sub {
		my ($name) = grep { WalkModel::is_built_in($model->{proposal}{$_}{tool}) } @proposals or return;
		return (sprintf(pick(q{workflow_orch.enqueue_action(%s)}, q{workflow_orch.execute_parallel(('[{"proposal_id": ' || %s || '}]')::jsonb)}), id($name)), '55000');
	} ],
	end_standing => [ 2, sub {
		my $name = pick(keys_of('standing'), 'nil');
		my $actor = somebody();
		return (sprintf(q{CASE WHEN workflow_orch.end_standing_approval(%s, %s) IS NOT NULL THEN 'ok' END}, id($name), id($actor)), $model->end_standing_approval($name, $actor));
	} ],
	approve => [ 26, sub {
		my $p = some_proposal();
		my $reviewer = some_reviewer($p);
		return review($p, $reviewer, 'approve');
	} ],
	edit => [ 9, sub {
		my $p = some_proposal();
		my $reviewer = some_reviewer($p);
		my $edits = built_in_edits($p) // (chance(3) ? pick('[]', '1') : chance(5) ? {} : chance(5) ? { q => 'null' } : chance(3) ? { p => 'null' } : { pick(qw(p p q)) => pick(1 .. 30, '"7"') });
		return review($p, $reviewer, 'edit', $edits);
	} ],
	request_changes => [ 3, sub { my $p = some_proposal(); return review($p, some_reviewer($p), 'request_changes'); } ],
	revise => [ 5, sub {
		my $name = some_proposal();
		my $p = $model->{proposal}{$name};
		my $actor = $p && chance(80) ? $p->{actor} : whoever();
		my $params = $p && chance(15) ? $p->{params} : $p && WalkModel::is_built_in($p->{tool}) ? draw_built_in($p) // return : draw_params();
		my $login = in_person($p, $actor);
		my $reason = chance(2) ? '' : chance(20) ? 'urgent' : undef;
		my $expected = $p && chance(20) ? $p->{revision} - (chance(20) ? 1 : 0) : undef;
		return (sprintf(q{status || ' ' || revision FROM workflow_orch.revise_proposal(%s, %s, %s, %s, %s)}, id($name), id($actor), json($params), quoted($reason), $expected // 'NULL'),
			$model->revise_proposal($name, $actor, $params, $reason, $expected, defined $login), $login // ());
	} ],
	reject => [ 3, sub { my $p = some_proposal(); return review($p, some_reviewer($p), 'reject'); } ],
	bad_review => [ 1, sub { my $p = some_proposal(); return review($p, whoever(), @{ pick([ 'edit' ], [ 'approve', { p => 1 } ], [ 'perhaps' ], [ 'reject', {} ], [ 'request_changes', {} ]) }); } ],
	revoke => [ 6, sub {
		my $name = some_proposal();
		my $p = $model->{proposal}{$name};
		my @who = $p && chance(70) ? ((map { $_->{reviewer} } WalkModel::approvals($p)), @{ $p->{requests} }) : ();
		my $reviewer = @who ? pick(@who) : whoever();
		my $login = in_person($p, $reviewer);
		return (sprintf('workflow_orch.revoke_approval(%s, %s)', id($name), id($reviewer)), $model->revoke_approval($name, $reviewer, defined $login), $login // ());
	} ],
	withdraw => [ 3, sub {
		my $name = some_proposal();
		my $p = $model->{proposal}{$name};
		my $actor = $p && chance(60) ? $p->{actor} : whoever();
		return (sprintf('workflow_orch.withdraw_proposal(%s, %s)', id($name), id($actor)), $model->withdraw_proposal($name, $actor));
	} ],
	execute => [ 18, sub {
		my @ready = chance(70) ? grep { $model->status($model->{proposal}{$_}) eq 'approved' } @proposals : ();
		my $name = @ready ? pick(@ready) : some_proposal();
		return execute_call($name, somebody());
	} ],
	retry => [ 6, sub {
		my @failed = chance(80) ? grep { $model->{proposal}{$_}{status} eq 'failed' } @proposals : ();
		my $name = @failed ? pick(@failed) : some_proposal();
		my $actor = somebody();
		return (sprintf('workflow_orch.retry_action(%s, %s)', id($name), id($actor)), $model->retry_action($name, $actor));
	} ],
	comment => [ 2, sub {
		my ($name, $actor, $comment) = (some_proposal(), whoever(), chance(5) ? '' : 'well');
		return (sprintf(q{CASE WHEN workflow_orch.comment_proposal(%s, %s, '%s') > 0 THEN 'ok' END}, id($name), id($actor), $comment),
			$model->comment_proposal($name, $actor, $comment));
	} ],
	complete => [ 1, sub { return end_workflow('complete'); } ],
	cancel => [ 1, sub { return end_workflow('cancel'); } ],
	break_glass => [ 2, sub {
		my ($glass, $name, $actor, $reason) = (free('glass', 'b', 30), some_proposal(), whoever(), chance(5) ? '' : 'it burns');
		my $expected = $model->break_glass_execute($glass, $name, $actor, $reason);
		return (sprintf(q{concat_ws(' ', result -> 'success', result -> 'dry_run', result #>> '{error,sqlstate}', result ->> 'rows_changed', CASE WHEN app.is('%s', execution_id) = 0 THEN 1 END)
			FROM workflow_orch.break_glass_execute(%s, %s, '%s')}, $glass, id($name), id($actor), $reason), $expected);
	} ],
	review_glass => [ 2, sub {
		my ($glass, $reviewer, $comment) = (pick('nil', keys_of('glass')), whoever(), chance(5) ? '' : 'seen');
		my $expected = $model->review_break_glass($glass, $reviewer, $comment);
		return (sprintf(q{CASE WHEN workflow_orch.review_break_glass(%s, %s, '%s') IS NOT NULL THEN 'ok' END}, id($glass), id($reviewer), $comment), $expected);
	} ],
	hold => [ 1, sub { return hold('hold_workflow'); } ],
	release => [ 1, sub { return hold('release_hold'); } ],
	redact => [ 4, sub {
		my @finished = chance(85) ? grep { $model->finished($_) } @proposals : ();
		my ($name, $actor, $reason) = (@finished ? pick(@finished) : some_proposal(), somebody(), chance(2) ? '' : 'asked for');
		return (sprintf(q{CASE WHEN workflow_orch.redact_proposal(%s, %s, '%s')::text = '' THEN 'ok' END}, id($name), id($actor), $reason), $model->redact_proposal($name, $actor, $reason), undef, 'seal');
	} ],
	flag => [ 2, sub { $model->{flag} = pick(0, 1); return (sprintf(q{'ok' FROM app.raise_flag(%s)}, bool($model->{flag})), 'ok'); } ],
	expire => [ 1, sub { return ('workflow_orch.expire_proposals()', $model->expire_proposals); } ]);

# What administrators call.
my %administration = (
	direct => [ 40, \&direct_call ],
	# Another function, or one that is confirmed.
	alter => [ 2, sub {
		my $tool = pick(qw(mark note));
		my $variant = $model->is_confirmed($tool) || chance(10) ? chance(70) ? $model->{variant} : pick(0, 1, 2) : $model->{tool}{$tool}{confirmed} =~ /,(\d)/ ? $1 : 0;
		$model->{variant} = $variant;
		return (sprintf(q{'ok' FROM app.alter(%s)}, $variant), 'ok');
	} ],
	end_delegation => [ 4, sub {
		my $name = chance(2) ? 'nil' : pick(keys_of('delegation')) or return;
		return (sprintf(q{CASE WHEN workflow_orch.end_delegation(%s) IS NOT NULL THEN 'ok' END}, id($name)), $model->end_delegation($name));
	} ],
	freeze => [ 1, sub {
		return if keys %{ $model->{freeze} } >= 2;
		my $name = fresh('freeze');
		my ($when, $tool) = (pick(qw(now now later never)), chance(4) ? pick('nil', 'workflow_orch.set_policy') : pick('mark', 'note', undef));
		my ($starts, $ends) = $when eq 'now' ? (-1, 1) : $when eq 'later' ? (1, 2) : (2, 1);
		return (sprintf(q{CASE WHEN app.is('%s', workflow_orch.add_freeze('stop', now() + interval '%s day', now() + interval '%s day', %s)) > 0 THEN 'ok' END}, $name, $starts, $ends, quoted($tool)),
			$model->add_freeze($name, $when, $tool));
	} ],
	activate => [ 3, sub {
		my @gone = grep { !$model->{actor}{$_}{active} } @actors or return;
		my $actor = pick(@gone);
		return (sprintf(q{CASE WHEN workflow_orch.update_actor(%s, active => true) IS NOT NULL THEN 'ok' END}, $actor), $model->administer('update_actor', { actor_id => $actor, active => 'true' }));
	} ]);

sub values_of { my ($kind) = @_; return map { $model->{$kind}{$_} } keys_of($kind); }

sub hold
{
	my ($call) = @_;
	my ($w, $actor) = (chance(1) ? 'nil' : $workflow, somebody());
	return (sprintf(q{CASE WHEN workflow_orch.%s(%s, %s, 'because')::text <> 'x' THEN 'ok' END}, $call, id($w), id($actor)), $model->$call($w, $actor));
}

# Takes away the walks that are over.
sub purge
{
	my ($actor, $reason) = (somebody(), chance(2) ? '' : 'old');
	return (sprintf(q{workflow_orch.purge_workflows(clock_timestamp(), %s, '%s')}, id($actor), $reason), $model->purge_workflows($actor, $reason), undef, 'seal');
}

# Under which names what a call makes is known later.
sub execute_call
{
	my ($name, $actor) = @_;
	my $p = $model->{proposal}{$name};
	# Of two delegations to one actor which lends its role is left open.
	return if $p && $p->{tool} eq 'workflow_orch.delegate_review' && grep { $_->{to} eq $p->{params}{to_actor} } values %{ $model->{delegation} };
	my %made = map { $_ => fresh($_) } qw(standing rule delegation);
	return (sprintf(q{concat_ws(' ', result -> 'success', result -> 'dry_run', result #>> '{error,sqlstate}', result ->> 'rows_changed',
			CASE WHEN n IS NOT NULL THEN CASE WHEN app.is(n, (result ->> 'output')::bigint) > 0 THEN 'ok' END END)
			FROM workflow_orch.execute_action(%s, %s), LATERAL (SELECT CASE result ->> 'tool' WHEN 'workflow_orch.standing_approval' THEN '%s' WHEN 'workflow_orch.add_approval_rule' THEN '%s' WHEN 'workflow_orch.delegate_review' THEN '%s' END AS n) y},
			id($name), id($actor), @made{qw(standing rule delegation)}),
		$model->execute_action($name, $actor, \%made));
}

# Whether a call about a proposal is made in the actor's own session: the login.
sub in_person
{
	my ($p, $actor) = @_;
	return $p && WalkModel::is_administrative($p) && login($actor) && chance(93) ? login($actor) : undef;
}

sub propose_administrative
{
	my ($call, $arguments) = @_;
	($call, $arguments) = draw_call() unless $call;
	return unless $call;
	my $name = 'p' . (1 + @proposals);
	my @may = chance(90) ? grep { $model->{administers}{ login($_) } && $model->{actor}{$_}{kind} eq 'human' } $model->possible_reviewers : ();
	my $actor = @may ? pick(sort @may) : whoever();
	my $login = login($actor) && chance(95) ? login($actor) : undef;
	my ($status, $is) = $model->propose_action($name, $workflow, $actor, "workflow_orch.$call", $arguments, pick('because', 'urgent'), undef, defined $login);
	push @proposals, $name if defined $is;
	return (sprintf(q{(app.is('%s', proposal_id) > 0)::text || ' ' || status FROM workflow_orch.propose_action(app.id('w'), %s, 'workflow_orch.%s', %s, '%s')}, $name, id($actor), $call, json($arguments), defined $is ? $model->{proposal}{$is}{reason} : 'because'),
		defined $is ? "true $status" : $status, $login // ());
}

# Proposes a call of a built-in tool and takes it through its approvals, if nothing is
# in the way.
sub agree
{
	my ($add, @call) = @_;
	my $before = @proposals;
	$add->(propose_administrative(@call));
	return if @proposals == $before;
	my $p = $model->{proposal}{ $proposals[-1] };
	my $fit = sub { return grep { $p->{status} eq 'pending' && $model->{actor}{$_}{active} && ($p->{proposer_may} || !$model->same_person($_, $p->{actor})) && $model->fit($p, $_) } @actors; };
	for my $decision (chance(20) ? 'edit' : (), ('approve') x ($model->{policy}{default_approvals} + pick(0, 0, 1)))
	{
		my @fit = $fit->();
		$add->(review($p->{name}, pick(@fit), $decision, $decision eq 'edit' ? built_in_edits($p->{name}) : undef)) if @fit;
	}
	return $p;
}

# Takes such a call to its end, and sometimes changes before what it rests on: by the
# same call, by disabling a tool, or by another function.
sub administer_together
{
	my ($add, @call) = @_;
	@call = draw_call() unless @call;
	my @agreed = map { $_ // () } map { agree($add, @call) } 1 .. (chance(15) ? 2 : 1);
	return unless @call;
	$add->(direct_call('set_tool_enabled')) if chance(5);
	$add->($administration{alter}[1]->()) if $call[0] =~ /tool|rule/ && chance(8);
	$add->(execute_call($_->{name}, chance(90) ? undef : somebody())) for @agreed;
	return;
}

sub draw_standing
{
	my %params = (tool => chance(3) ? pick('"nil"', '"workflow_orch.standing_approval"') : pick('"mark"', '"note"'), actor_id => chance(90) ? pick(7, 8, 8) : whoever(), uses => chance(3) ? pick(0, 10001) : pick(1, 2, 5), ends_at => $ends_at);
	$params{actor_id} = 404000000 if $params{actor_id} eq 'nil';
	$params{condition} = '"' . pick(grep { /^\$\.params/ } keys_of('condition')) . '"' if chance(40);
	$params{max_rows} = draw_limit() if chance(20);
	return \%params;
}

# Other params for a call of a built-in tool.
sub draw_built_in
{
	my ($p) = @_;
	return WalkModel::is_standing($p) ? draw_standing() : draw_arguments(WalkModel::administrative_call($p->{tool}));
}

# What somebody may edit in a call of a built-in tool, or undef.
sub built_in_edits
{
	my ($name) = @_;
	my $p = $model->{proposal}{$name} // return;
	return unless WalkModel::is_built_in($p->{tool});
	my $other = draw_built_in($p) // {};
	my $key = pick(sort keys %$other);
	return chance(20) || !defined $key ? {} : { $key => WalkModel::is_administrative($p) && chance(8) ? 'null' : $other->{$key} };
}

sub propose_standing
{
	my $name = 'p' . (1 + @proposals);
	my ($actor, $params) = (whoever(), draw_standing());
	my ($status, $is) = $model->propose_action($name, $workflow, $actor, 'workflow_orch.standing_approval', $params, 'every day');
	push @proposals, $name if defined $is;
	return (sprintf(q{(app.is('%s', proposal_id) > 0)::text || ' ' || status FROM workflow_orch.propose_action(app.id('w'), %s, 'workflow_orch.standing_approval', %s, 'every day')}, $name, id($actor), json($params)),
		defined $is ? "true $status" : $status);
}

# Takes a new standing approval through its approvals, if nothing is in the way.
sub give_standing
{
	my ($add) = @_;
	my $before = @proposals;
	$add->(propose_standing());
	return if @proposals == $before;
	$add->(review($proposals[-1], some_reviewer($proposals[-1]), 'approve')) for 1 .. 4;
	return $add->(execute_call($proposals[-1], $actors[1]));
}

sub keys_of { my ($kind) = @_; return sort keys %{ $model->{$kind} }; }

sub review
{
	my ($name, $reviewer, $decision, $edits) = @_;
	my $p = $model->{proposal}{$name};
	my $expected = $p && chance($p->{revision} > 1 ? 90 : 20) ? $p->{revision} - (chance(10) ? 1 : 0) : undef;
	my $comment = $decision eq 'request_changes' ? q{'not so'} : 'NULL';
	my $login = in_person($p, $reviewer);
	my $max_rows = chance(1) || $decision =~ /^(approve|edit)$/ && chance(20) ? draw_limit() : undef;
	return (sprintf(q{concat_ws(' ', status, final_tool_call -> 'max_rows') FROM workflow_orch.review_action(%s, %s, '%s', %s, %s, expected_revision => %s, max_rows => %s)},
			id($name), id($reviewer), $decision, defined $edits ? json($edits) : 'NULL', $comment, $expected // 'NULL', $max_rows // 'NULL'),
		$model->review_action($name, $reviewer, $decision, $edits, $expected, $max_rows, defined $login), $login // ());
}

sub end_workflow
{
	my ($how) = @_;
	my ($w, $actor) = (chance(1) ? 'nil' : $workflow, somebody());
	return (sprintf('workflow_orch.%s_workflow(%s, %s)', $how, id($w), id($actor)), $model->end_workflow($w, $actor, $how eq 'cancel'));
}

sub draw
{
	my ($table) = @_;
	my $sum = 0;
	$sum += $table->{$_}[0] for keys %$table;
	my $left = rand $sum;
	for my $name (sort keys %$table)
	{
		return $table->{$name}[1]->() if ($left -= $table->{$name}[0]) < 0;
	}
	return;
}

sub shown
{
	my ($params) = @_;
	my %shown = %$params;
	delete @shown{qw(condition ends_at rule_id freeze_id)};
	return WalkModel::text(\%shown);
}

# Draws all sequences: statements, what each must give, and the world before.
my @sequences;
for my $number (1 .. $walks)
{
	my %sequence = (world => $model->describe, calls => []);
	my $add = sub { push @{ $sequence{calls} }, [@_] if @_; return; };
	($walk, $workflow, @proposals) = ($number, 'w');
	$add->(purge()) if chance(3);
	$add->(draw(\%administration)) for 1 .. int rand 4;
	$add->($administration{alter}[1]->()) if $model->unconfirmed('mark') && chance(30);
	my ($starter, $dry_run) = ((grep { $model->{actor}{$_}{active} } @actors)[0], chance(5) ? 1 : 0);
	$add->(sprintf(q{CASE WHEN app.is('w', workflow_orch.start_workflow('walk %s', %s, %s)) > 0 THEN 'ok' END}, $walk, id($starter), bool($dry_run)),
		$model->start_workflow('w', $starter, $dry_run));
	$add->($calls{propose}[1]->());
	give_standing($add) if chance(10) && $model->{workflow}{w}{status} eq 'active';
	administer_together($add) if chance($model->{policy}{protected} ? 20 : 6);
	administer_together($add, 'set_policy', { protected => 'false' }) if $model->{policy}{protected} && chance(8);
	$add->(draw(chance(8) ? \%administration : \%calls)) for 1 .. 5 + int rand 8;

	# How each proposal stands in the end, and the audit log.
	my @left = map { $model->{proposal}{$_} } @proposals;
	$add->(q{coalesce(string_agg(concat_ws(' ', s.status, p.revision, p.params - '{old,definition,search_path,run_as_oid,db_role_oid,condition,ends_at,rule_id,freeze_id}'::text[], s.max_rows), '; ' ORDER BY proposal_id), '')
		FROM workflow_orch.proposal_progress s JOIN workflow_orch.proposal p USING (proposal_id) WHERE s.workflow_id = app.id('w') AND p.workflow_id = app.id('w')},
		join '; ', map { join ' ', $model->status($_), $_->{revision}, shown($_->{params}), $model->is_open($_) ? $model->limit($_) // () : () } @left);
	$add->($model->{workflow}{w}{status} eq 'active' && chance(70)
		? (sprintf(q{workflow_orch.cancel_workflow(app.id('w'), %s)}, id($starter)), $model->end_workflow('w', $starter, 1)) : ());
	$add->(q{string_agg(action, ' ' ORDER BY action COLLATE "C") FROM workflow_orch.get_audit_log(app.id('w')) WHERE action NOT LIKE 'refused%'}, join ' ', sort @{ $model->{audit}{w} });
	push @sequences, \%sequence;

	# What nothing can come to is forgotten.
	$model->keep_walk($walk, 'w');
	for my $p (@left)
	{
		delete $model->{proposal}{ $p->{name} };
		$model->{proposal}{"$walk $p->{name}"} = $p if $model->status($p) ne $p->{status} || $p->{standing} && $p->{status} eq 'approved';
		$p->{workflow} = undef;
	}
	$_->{workflow} = undef for values %{ $model->{glass} };
	delete $model->{standing}{$_} for grep { $model->{standing}{$_}{ended} } keys %{ $model->{standing} };
	delete $model->{glass}{$_} for grep { $model->{glass}{$_}{reviewed} } keys %{ $model->{glass} };
	$model->{removed} = {};
	delete @{ $model->{audit} }{ keys %{ $model->{audit} } };
	$model->{key} = {};
}

# Makes the calls: those in a session of an actor's own by one that has logged in
# as the actor's role, all others by one that acts for everybody.
my $script = PostgreSQL::Test::Utils::tempdir() . '/walks.sql';
my @made = map { @{ $_->{calls} } } @sequences;
append_to_file($script, join "\n", 'COPY app.call (call) FROM STDIN;', (map { $_->[0] =~ s/\s+/ /gr =~ s/\\/\\\\/gr } @made), '\.', 'ANALYZE app.call', '');
my ($rc, $out, $err) = $node->psql('postgres', undef, extra_params => [ '-f', $script ]);
is("$rc$out$err", '0', 'the calls are written');
# A session lasts as long as all walks may.
$PostgreSQL::Test::Utils::timeout_default = $ENV{TEST_TIMEOUT} // 300;
my ($begun, $said, %session) = (time, '');
for (my $n = 0; $n < @made;)
{
	my ($login, $last) = ($made[$n][2] // '', $n);
	my $alone = sub { return $made[ $_[0] ][3] || $made[ $_[0] ][0] =~ /(expire_proposals|end_standing_approval|review_break_glass)\(/; };
	$last++ while !$alone->($last) && $last < $#made && ($made[ $last + 1 ][2] // '') eq $login && !$alone->($last + 1);
	$session{$login} //= session($node, 'postgres', $login ? ('-U', $login) : ());
	if ($made[$n][3])
	{
		start_query($session{$login}, q{DO 'BEGIN PERFORM app.keep(); END'; SELECT 1 FROM workflow_orch.seal_audit_log() WHERE rows < 0});
		$said .= answer($session{$login});
	}
	start_query($session{$login}, sprintf 'SET client_min_messages = error; CALL app.walk(%d, %d)', $n + 1, $last + 1);
	$said .= answer($session{$login});
	$n = $last + 1;
}
is($said, '', 'the calls are made');
end_session($_) for values %session;
my @got = split /\n/, $node->safe_psql('postgres', 'SELECT answer FROM app.answer ORDER BY n'), -1;
note(sprintf '%d calls in %d s', scalar @got, time - $begun);

# Where a sequence disagrees, what comes after it may only follow from that.
my ($disagreement, $disagreements) = ('', 0);
for my $n (0 .. $#sequences)
{
	my ($trace, $differs) = ('', 0);
	for my $call (@{ $sequences[$n]{calls} })
	{
		my ($sql, $expected) = @$call;
		my $got = shift(@got) // '(none)';
		# A SQLSTATE alone stands for each reason.
		my $agrees = grep { $got eq $_ || /^[0-9A-Z]{5}$/ && index($got, "$_ ") == 0 } $expected, split /\|/, $expected;
		$differs ||= !$agrees;
		$trace .= "$sql\n    -- $got" . ($agrees ? '' : " where the model says $expected") . "\n";
	}
	next unless $differs;
	$disagreement .= sprintf "Sequence %d of WALKS=%s WALK_SEED=%s\n%s\n%s", $n + 1, $walks, $seed, $sequences[$n]{world}, $trace if $disagreements++ < ($ENV{WALK_SHOW} // 1);
}
is($disagreements, 0, 'every call gives what the model says') or diag($disagreement);

# What must hold of the tables whatever the model says.
sub none
{
	my ($query, $what) = @_;
	return is($node->safe_psql('postgres', $query), '', $what);
}
none('SELECT * FROM workflow_orch.verify_audit_log()', 'the audit log agrees with the tables');
is($node->safe_psql('postgres', qq{SELECT string_agg(action || ' ' || n, E'\\n' ORDER BY action COLLATE "C") FROM (SELECT action, count(*) AS n FROM workflow_orch.audit_log
		WHERE audit_id > $first_audit AND action NOT LIKE 'refused%' AND action <> 'redact_proposal' GROUP BY 1) a}),
	join("\n", map { my $left = $model->{total}{$_} - ($model->{purged}{$_} // 0); $left ? "$_ $left" : () } sort keys %{ $model->{total} }), 'each change has its audit row, and nothing else has one');
cmp_ok($model->{total}{approve_by_standing} // 0, '>', $walks / 200, 'standing approvals are used');
is($node->safe_psql('postgres', q{SELECT count(DISTINCT object_id) FROM workflow_orch.redaction JOIN workflow_orch.proposal ON proposal_id = object_id WHERE object = 'proposal'}), $model->{redactions} - $model->{redactions_purged}, 'what is redacted has its hashes');
cmp_ok($model->{redactions}, '>', $walks / 50, 'proposals are redacted');
cmp_ok($model->{purges}, '>', $walks / 200, 'and workflows purged');
cmp_ok($model->{administered} // 0, '>', $walks / 50, 'administrators call built-in tools');
is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT proposal_id) FROM app.effect'), "$model->{effects}|$model->{effects}", 'what succeeded has left its effect once');
none(q{SELECT proposal_id FROM workflow_orch.proposal WHERE (status = 'executed') <> EXISTS (SELECT FROM app.effect e WHERE e.proposal_id = proposal.proposal_id) AND tool NOT LIKE 'workflow_orch.%'},
	'what is executed has left its effect, and nothing else has');
none(q{SELECT execution_id FROM workflow_orch.execution e JOIN workflow_orch.proposal_revision v USING (proposal_id, revision)
	WHERE e.result -> 'params' <> v.params}, 'what ran is the revision as it was written');
none(q{SELECT p.proposal_id FROM workflow_orch.proposal p JOIN workflow_orch.standing_approval s USING (standing_id)
	WHERE (p.actor_id, p.tool, 1) <> (s.actor_id, s.tool, p.revision) OR p.max_rows IS DISTINCT FROM s.max_rows}, 'a standing approval approves first revisions of its holder and its tool');
none(q{SELECT standing_id FROM workflow_orch.standing_approval s WHERE uses < (SELECT count(*) FROM workflow_orch.audit_log WHERE action = 'approve_by_standing' AND (details ->> 'standing_id')::bigint = s.standing_id)}, 'and no more often than it says');
none(q{SELECT proposal_id FROM app.more WHERE proposal_id NOT IN (SELECT proposal_id FROM app.effect)}, 'what failed has left none of its rows');
none(q{SELECT proposal_id FROM workflow_orch.execution WHERE status = 'succeeded' AND NOT dry_run GROUP BY 1 HAVING count(*) > 1}, 'nothing has succeeded twice');

# Every execution in earnest, but for those in a break glass or under a standing
# approval: distinct people must fill the slots.
my $executions = $node->safe_psql('postgres', 'SELECT app.keep(); SELECT what FROM app.kept ORDER BY execution_id') =~ s/^\n//r;
my (%wrong, $judged);
for my $e (map { decode_json($_) } split /\n/, $executions)
{
	my @slots = map { my $r = $_; map { [ $r->{stage}, $r->{role} // '', $r->{administer} ] } 1 .. $r->{approvals} } @{ $e->{requirements} };
	my @approvals = map { { %$_, administers => $model->{administers}{ login($_->{actor}) // '' } } } @{ $e->{approvals} };
	my $person = sub { my ($actor) = @_; return $people[ $actor - 1 ][2] // $actor; };
	my %seen;
	$judged++ if @slots;
	push @{ $wrong{'each slot is filled'} }, $e->{execution} if WalkModel::filled(\@slots, @approvals) < @slots;
	push @{ $wrong{'only a rule lets through without a slot'} }, $e->{execution} if !@slots && !$e->{rule};
	push @{ $wrong{'by distinct people'} }, $e->{execution} if grep { $seen{$_}++ } map { uniq($person->($_->{actor}), defined $_->{for} ? $person->($_->{for}) : ()) } @approvals;
	push @{ $wrong{'nobody approved their own'} }, $e->{execution} if grep {
		my $p = $person->($_->{actor});
		$e->{edit_waits} && $p eq $person->($e->{author}) || (!$e->{edit_waits} || $e->{proposed_so}) && $p eq $person->($e->{proposer}) } @approvals;
	push @{ $wrong{'nobody gave themselves a standing approval'} }, $e->{execution} if defined $e->{holder} && grep { $person->($_) eq $person->($e->{holder}) } $e->{proposer}, map { $_->{actor}, $_->{for} // () } @approvals;
	push @{ $wrong{'an edit is its author\'s approval'} }, $e->{execution} if grep { $_->{decision} eq 'edit' && $_->{actor} != $e->{author} } @approvals;
}
is_deeply(\%wrong, {}, 'distinct people other than the author filled the slots of exactly what ran') or diag(explain(\%wrong));
cmp_ok($judged, '>', $walks / 20, 'of calls enough to tell');

# The walks go everywhere: each edge but those of the workers.
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT status::text, ' ' ORDER BY status::text) FROM workflow_orch.proposal}),
	'approved cancelled executed expired failed pending rejected withdrawn', 'proposals have come to every status') if $walks >= 1000;
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT result #>> '{error,sqlstate}', ' ' ORDER BY result #>> '{error,sqlstate}') FROM workflow_orch.execution WHERE result #>> '{error,sqlstate}' <> '55000' AND result ->> 'tool' NOT LIKE 'workflow_orch.%'}),
	'54000 P0001', 'calls have failed by themselves and by their limit of rows') if $walks >= 1000;

done_testing();
