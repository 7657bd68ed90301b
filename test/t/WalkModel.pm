# What the calls must do, by the contract and not by the code: a model of actors,
# policy, rules, delegations, freezes, standing approvals and proposals, small enough to read. Each
# method takes a call's arguments (names of objects stand for their ids, 'nil'
# for one that there is none of), changes the model where the call succeeds, and
# returns the status or the SQLSTATE that the call must give. It knows nothing
# of SQL and nothing of who draws the calls.
package WalkModel;
use strict;
use warnings;
use List::Util qw(any first max min uniq);
use WalkAdministration;
use WalkBuiltIn;
use WalkProtected;
use WalkRetention;

sub new
{
	my ($class) = @_;
	return bless {
		actor => {}, tool => {}, workflow => {}, proposal => {}, rule => {}, delegation => {}, freeze => {}, glass => {}, standing => {}, condition => {}, key => {},
		audit => {}, total => {}, ended => {}, purged => {}, redactions => 0, redactions_purged => 0, purges => 0, flag => 0, effects => 0, variant => 0, administers => {}, member => {}, removed => {},
		policy => { protected => 0, dry_run => 0, default_approvals => 1, edit_needs_approval => 0, agents_may_review => 0, proposal_ttl => 0, approval_ttl => 0 },
	}, $class;
}

# The audit row that a change leaves, in its workflow's log or in none.
sub note
{
	my ($m, $workflow, @actions) = @_;
	$m->{total}{$_}++ for @actions;
	push @{ $m->{audit}{$workflow} }, @actions if defined $workflow;
	return;
}

# The first of the pairs (what must hold not, SQLSTATE) that applies.
sub refusal
{
	my (@checks) = @_;
	while (my ($applies, $sqlstate) = splice @checks, 0, 2)
	{
		return $sqlstate if $applies;
	}
	return;
}

sub inactive
{
	my ($m, $actor) = @_;
	return defined $actor && $m->{actor}{$actor} && !$m->{actor}{$actor}{active};
}

sub unknown
{
	my ($m, $kind, $name) = @_;
	return defined $name && !$m->{$kind}{$name};
}

sub same_person
{
	my ($m, $one, $other) = @_;
	return 1 if $one eq $other;
	my ($p, $q) = map { $m->{actor}{$_}{person} } $one, $other;
	return defined $p && defined $q && $p eq $q;
}

# A tool's definition as it is now, but for its limit of rows; two that are alike
# are equal.  One function is behind all tools, in one variant or another.
sub definition { my ($m, $tool) = @_; return definition_of($m, $m->{tool}{$tool}, is_built_in($tool)); }

sub definition_of { my ($m, $tool, $built_in) = @_; return $built_in ? 'built in' : "$tool->{timeout},$m->{variant}"; }

# Whether a revision is pinned to the tool as it is now.
sub stale { my ($m, $p) = @_; return $p->{definition} ne $m->definition($p->{tool}); }

# The same with the limit, of a tool or of what it becomes.
sub full_definition
{
	my ($m, $name, $tool) = @_;
	$tool //= $m->{tool}{$name};
	return join '/', definition_of($m, $tool, is_built_in($name)), $tool->{max_rows} // ();
}

sub smallest { my (@limits) = @_; return min(grep { defined } @limits); }

# The most rows that a call may change: by the tool, now and when the revision was
# pinned, and by what stands of its reviews.
sub limit
{
	my ($m, $p) = @_;
	return smallest($m->{tool}{ $p->{tool} }{max_rows}, $p->{pinned_rows}, $p->{standing} ? $p->{standing}{max_rows} : undef, map { $_->{max_rows} } grep { !$_->{revoked} } @{ $p->{reviews} });
}

# The status by the clock. The walks know two times to live: none, and one that
# has passed when the next call comes.
sub status
{
	my ($m, $p) = @_;
	return 'expired' if $p->{status} eq 'pending' && $p->{proposal_ttl} || $p->{status} eq 'approved' && $p->{approval_ttl};
	return $p->{status};
}

sub is_open { my ($m, $p) = @_; return any { $m->status($p) eq $_ } qw(pending approved); }

# The row of a proposal that has expired by the clock follows.
sub sweep
{
	my ($m, $p) = @_;
	return 0 if $m->status($p) eq $p->{status};
	$p->{status} = 'expired';
	$m->note($p->{workflow}, 'expire_proposal');
	return 1;
}

# Params as they are stored, or undef where they do not fit: p is an int without
# a default, q one with a default.
sub convert
{
	my ($params) = @_;
	return if ref $params ne 'HASH' || !exists $params->{p};
	my %stored;
	for my $key (keys %$params)
	{
		return if $key !~ /^[pq]$/ || $params->{$key} !~ /^"?(-?\d+)"?$/;
		$stored{$key} = $1;
	}
	return \%stored;
}

# Params as jsonb writes them.
sub text { my ($params) = @_; return '{' . join(', ', map { "\"$_\": $params->{$_}" } sort { length $a <=> length $b || $a cmp $b } keys %$params) . '}'; }

# Whether a rule's condition holds for a proposal with these params; undef: who knows.
sub matches
{
	my ($m, $rule, $p, $params) = @_;
	return $rule->{holds} ? $rule->{holds}->({ tool => $p->{tool}, params => $params, reason => $p->{reason}, actor => $m->{actor}{ $p->{actor} } }) : 1;
}

# What a revision needs: [stage, role, whether by an administrator] per slot, and
# whether a rule approves it.
sub requirements
{
	my ($m, $p, $params, $author) = @_;
	return ($m->requirements_of_standing($params), 0) if is_standing($p);
	return ($m->requirements_of_administrative($p, $params), 0) if is_administrative($p);
	my $by_edit = $author ne $p->{actor};
	my $by_agent = any { $m->{actor}{$_}{kind} eq 'agent' } $p->{actor}, $author;
	my (%number, $automatic);
	for my $rule (values %{ $m->{rule} })
	{
		next if defined $rule->{tool} && $rule->{tool} ne $p->{tool};
		my $matches = $m->matches($rule, $p, $params);
		if ($rule->{approvals} == 0)
		{
			$automatic = 1 if $matches && (!$by_agent || $rule->{agents}) && $rule->{definitions}{ $p->{tool} } eq $m->definition($p->{tool});
			next;
		}
		next if defined $matches && !$matches;
		my $slot = "$rule->{stage}/" . ($rule->{role} // '');
		$number{$slot} = max($number{$slot} // 0, $rule->{approvals});
	}
	return ([], 1) if $automatic && !%number && !($by_edit && $m->{policy}{edit_needs_approval});
	%number = ('1/' => $m->{policy}{default_approvals}) unless %number;
	return (slots_of(%number), 0);
}

sub slots_of { my (%number) = @_; return [ map { my ($stage, $role) = split m{/}, $_, 2; map { [ $stage, $role ] } 1 .. $number{"$stage/$role"} } sort keys %number ]; }

# How many slots distinct approvals can fill: every way is tried.
sub filled
{
	my ($slots, @approvals) = @_;
	my ($first, @rest) = @approvals;
	return 0 unless $first && @$slots;
	my $best = filled($slots, @rest);
	for my $i (0 .. $#$slots)
	{
		my ($stage, $role, $administers) = @{ $slots->[$i] };
		next if $role ne '' && $role ne $first->{role} || $administers && !$first->{administers} || defined $first->{stage} && $first->{stage} != $stage;
		next if any { $slots->[$_][0] == $stage && $slots->[$_][1] eq $role && !$slots->[$_][2] == !$administers } 0 .. $i - 1;
		$best = max($best, 1 + filled([ @$slots[ grep { $_ != $i } 0 .. $#$slots ] ], @rest));
		last if $best == @$slots;
	}
	return $best;
}

sub approvals { my ($p) = @_; return grep { $_->{counts} } @{ $p->{reviews} }; }

# The lowest stage that lacks somebody, with the approvals that stand or with these;
# undef: all is complete.
sub open_stage
{
	my ($p, $have) = @_;
	my @have = $have ? @$have : approvals($p);
	for my $stage (uniq sort map { $_->[0] } @{ $p->{slots} })
	{
		my $slots = [ grep { $_->[0] <= $stage } @{ $p->{slots} } ];
		return $stage if filled($slots, @have) < @$slots;
	}
	return;
}

# Whether somebody made an edit to the params as they are that is no approval of
# them: an edit's own is none of what the proposer has written since.
sub wrote
{
	my ($m, $p, $actor) = @_;
	return any { (!$_->{counted} || $p->{author} eq $p->{actor}) && text($_->{params}) eq text($p->{params}) && $m->same_person($_->{author}, $actor) } @{ $p->{edits} };
}

# The standing delegations to an actor that lend something for this proposal.
sub lenders
{
	my ($m, $p, $reviewer) = @_;
	return if is_administrative($p) || $m->same_person($reviewer, $p->{actor});
	my @from = map { $_->{from} } grep { $_->{to} eq $reviewer } values %{ $m->{delegation} };
	return grep { $m->{actor}{$_}{active} && $m->may_review($_) && !$m->same_person($_, $p->{actor}) && !$m->wrote($p, $_) && !$m->would_hold($p, $p->{params}, $_) } @from;
}

sub may_review { my ($m, $actor) = @_; return $m->{actor}{$actor}{kind} eq 'human' || $m->{policy}{agents_may_review}; }

# Whether two actors count as one person while delegations last.
sub linked
{
	my ($m, $one, $other) = @_;
	return 1 if $m->same_person($one, $other);
	return any { $m->same_person($_->{from}, $one) && $m->same_person($_->{to}, $other) || $m->same_person($_->{from}, $other) && $m->same_person($_->{to}, $one) }
		values %{ $m->{delegation} };
}

# The role and the stage in which a reviewer fits, or undef: in the open stage or,
# where an edit's approval can move up from it, in one below; or anywhere, in
# whichever stage, even a complete one. An edit voids what the same person has approved.
sub fit
{
	my ($m, $p, $reviewer, $how) = @_;
	$how //= 'approve';
	my @have = grep { $how ne 'edit' || !any { $m->same_person($_, $reviewer) } $_->{reviewer}, $_->{for} // () } approvals($p);
	my $open = open_stage($p, \@have);
	my $slots = [ grep { defined $open && $_->[0] <= $open } @{ $p->{slots} } ];
	for my $for (undef, $m->lenders($p, $reviewer))
	{
		my ($role, $administers) = ($m->{actor}{ $for // $reviewer }{role}, $m->administers($p, $reviewer));
		if ($how eq 'anywhere')
		{
			return { role => $role, for => $for, administers => $administers } if any { ($_->[1] eq '' || $_->[1] eq $role) && (!$_->[2] || $administers) } @{ $p->{slots} };
			next;
		}
		next if $how eq 'approve' && any { my $a = $_; any { $m->linked($_, $reviewer) } $a->{reviewer}, $a->{for} // () } @have;
		for my $stage (reverse uniq sort map { $_->[0] } @$slots)
		{
			my $fit = { role => $role, for => $for, stage => $stage, administers => $administers };
			return $fit if filled($slots, @have, $fit) > filled($slots, @have);
		}
	}
	return;
}

sub start_workflow
{
	my ($m, $w, $actor, $dry_run) = @_;
	my $refusal = refusal($m->unknown('actor', $actor), '42704', $m->inactive($actor), '42501');
	return $refusal if $refusal;
	$m->{workflow}{$w} = { status => 'active', actor => $actor, dry_run => $dry_run, proposals => [] };
	$m->note($w, 'start_workflow');
	return 'ok';
}

# Returns the proposal's name as well: an old one's for a key that was used.  A
# session that has logged in as the actor is the actor's own.
sub propose_action
{
	my ($m, $name, $w, $actor, $tool, $params, $reason, $key, $own_session) = @_;
	my $refusal = refusal($reason eq '' || ref $params ne 'HASH' && $params ne '{}', '22023', $m->unknown('workflow', $w) || $m->unknown('actor', $actor) || $m->unknown('tool', $tool), '42704');
	return $refusal if $refusal;
	my $state = refusal($m->{workflow}{$w}{status} ne 'active' || !$m->{tool}{$tool}{enabled} || is_built_in($tool) && $m->{workflow}{$w}{dry_run}, '55000',
		$m->inactive($actor) || is_built_in($tool) && !$m->{actor}{$actor}{login} || $m->not_in_person($tool, $actor, $own_session) || defined administrative_call($tool) && !$m->{administers}{ $m->{actor}{$actor}{login} }, '42501');
	my $old = defined $key ? $m->{key}{"$actor/$key"} : undef;
	return $state if $state && defined administrative_call($tool);
	my $stored = $m->stored_params($tool, $params, $actor);
	my $unconfirmed = $m->unconfirmed($tool) ? '55000 wfo_tool_unconfirmed' : undef;
	return join '|', $stored, $state // (), $unconfirmed // (), $old ? '42710' : () unless ref $stored;
	return join '|', '42710', $state // (), $unconfirmed // () if $old && $m->{proposal}{$old}{redacted};
	if ($old && !$m->inactive($actor))
	{
		my $p = $m->{proposal}{$old};
		return ($m->status($p), $old)
			if $p->{workflow} eq $w && $p->{tool} eq $tool && text($p->{first_params}) eq text($stored) && $p->{first_reason} eq $reason;
		return '42710' if $m->{workflow}{$w}{status} eq 'active' && $m->{tool}{$tool}{enabled};
		return '42710|55000';
	}
	return join '|', $state, $unconfirmed // () if $state;
	return $unconfirmed if $unconfirmed;
	return '42501' if $m->would_hold({ tool => $tool }, $stored, $actor);
	my $p = $m->{proposal}{$name} = { name => $name, workflow => $w, actor => $actor, tool => $tool, reason => $reason, first_params => $stored, first_reason => $reason, revision => 0, edits => [], own => [], requests => [], asked => [], glass => 0 };
	$m->{key}{"$actor/$key"} = $name if defined $key;
	push @{ $m->{workflow}{$w}{proposals} }, $name;
	$m->note($w, 'propose_action');
	$m->revise($p, $stored, $actor);
	my $standing = $own_session && $p->{status} eq 'pending' ? $m->standing_for($p) : undef;
	if ($standing)
	{
		$standing->{used}++;
		@$p{qw(status standing)} = ('approved', $standing);
		$m->note($w, 'approve_by_standing');
	}
	return ($p->{status}, $name);
}

# Whether an edit is no approval.
sub edit_waits { my ($m, $p) = @_; return $m->{policy}{edit_needs_approval} || is_administrative($p); }

# A revision by an actor, with the approval that an edit carries: it counts where
# it fits what the new wording needs, in any stage, in the role that let it in
# before another.
sub revise
{
	my ($m, $p, $params, $author, $fit, $max_rows) = @_;
	my $by_edit = $author ne $p->{actor};
	my %before = %$p;
	my $basis = $m->basis($p->{tool}, $params);
	my $same = $p->{revision} > 0 && text($params) eq text($p->{params}) && $basis eq $p->{basis};
	push @{ $p->{own} }, text($params) unless $by_edit;
	$p->{requests} = $by_edit && $same ? [ grep { $_ ne $author } @{ $p->{requests} } ] : [];
	my ($slots, $automatic) = $m->requirements($p, $params, $author);
	%$p = (%$p, params => $params, basis => $basis, standing => undef, revision => $p->{revision} + 1, author => $author, slots => $slots, reviews => [],
		proposer_may => $by_edit && $m->edit_waits($p) && !(any { $_ eq text($params) } @{ $p->{own} }), definition => $m->definition($p->{tool}), pinned_rows => $m->{tool}{ $p->{tool} }{max_rows},
		map { $_ => $m->{policy}{$_} } qw(proposal_ttl approval_ttl));
	if ($by_edit)
	{
		$fit = $m->fit($p, $author, 'anywhere') unless filled($slots, { role => $fit->{role} });
		if ($fit && defined $fit->{for} && $m->would_hold($p, $params, $fit->{for}))
		{
			%$p = %before;
			return '42501';
		}
		push @{ $p->{reviews} }, { $fit ? %$fit : (), stage => undef, reviewer => $author, decision => 'edit', max_rows => $max_rows, counts => $fit && !$m->edit_waits($p) };
		push @{ $p->{edits} }, { author => $author, params => $params, counted => $p->{reviews}[0]{counts} };
		$p->{status} = defined open_stage($p) ? 'pending' : 'approved';
	}
	$p->{status} = defined open_stage($p) ? 'pending' : 'approved';
	$m->note($p->{workflow}, 'approve_by_rule') if $automatic && !$by_edit;
	return;
}

# Who has requested changes of the wording as it is, and still does.
sub requests { my ($m, $p) = @_; return grep { !$m->inactive($_) } @{ $p->{requests} }; }

sub revise_proposal
{
	my ($m, $name, $actor, $params, $reason, $expected, $own_session) = @_;
	my $refusal = refusal(ref $params ne 'HASH' && $params ne '{}' || defined $reason && $reason eq '', '22023', $m->unknown('proposal', $name) || $m->unknown('actor', $actor), '42704');
	return $refusal if $refusal;

	my $p = $m->{proposal}{$name};
	$refusal = refusal(
		!$m->is_open($p) || defined $expected && $expected != $p->{revision} || $m->{workflow}{ $p->{workflow} }{status} ne 'active' || !$m->{tool}{ $p->{tool} }{enabled}, '55000',
		$m->inactive($actor) || $actor ne $p->{actor} || $m->not_in_person($p->{tool}, $actor, $own_session), '42501');
	return $refusal if $refusal;
	my $stored = $m->stored_params($p->{tool}, $params, $actor);
	my $unconfirmed = $m->unconfirmed($p->{tool}) ? '55000 wfo_tool_unconfirmed' : undef;
	return join '|', $unconfirmed // (), ref $stored ? () : $stored if $unconfirmed || !ref $stored;
	return '42501' if $m->would_hold($p, $stored, $actor);
	my $same_limit = ($p->{pinned_rows} // 'none') eq ($m->{tool}{ $p->{tool} }{max_rows} // 'none');
	return '22023' if text($stored) eq text($p->{params}) && (!defined $reason || $reason eq $p->{reason}) && !$m->stale($p) && $same_limit && $p->{basis} eq $m->basis($p->{tool}, $stored);
	$p->{reason} = $reason if defined $reason;
	$m->note($p->{workflow}, 'revise_proposal');
	$m->revise($p, $stored, $actor);
	return "$p->{status} $p->{revision}";
}

# Returns the status, and the limit of rows if there is one.
sub review_action
{
	my ($m, $name, $reviewer, $decision, $edits, $expected, $max_rows, $own_session) = @_;
	my $takes_limit = any { $decision eq $_ } qw(approve edit);
	my $refusal = refusal($decision !~ /^(approve|reject|edit|request_changes)$/ || ($decision eq 'edit') != defined $edits || defined $edits && ref $edits ne 'HASH' || defined $max_rows && ($max_rows < 0 || !$takes_limit), '22023',
		$m->unknown('proposal', $name) || $m->unknown('actor', $reviewer), '42704');
	return $refusal if $refusal;

	my $p = $m->{proposal}{$name};
	my $status = $m->status($p);
	my $own = $m->would_hold($p, $p->{params}, $reviewer) || $m->same_person($reviewer, $p->{actor}) && !($p->{proposer_may} && $decision ne 'edit');
	my $own_wording = $decision eq 'approve' && $m->wrote($p, $reviewer);
	my @standing = $m->requests($p);
	my $decided = $decision eq 'request_changes' && (any { $_ eq $reviewer } @standing) || any { $_->{reviewer} eq $reviewer } grep { !$_->{revoked} } @{ $p->{reviews} };
	my $fit = $decision eq 'approve' || $decision eq 'edit' && $status eq 'pending' ? $m->fit($p, $reviewer, $decision) : $m->fit($p, $reviewer, 'anywhere');
	$fit //= { role => $m->{actor}{$reviewer}{role} } if $decision eq 'edit' && !@{ $p->{slots} };
	$fit = undef if $decision eq 'edit' && is_administrative($p) && !$m->administers($p, $reviewer);
	$refusal = refusal(
		$status ne 'pending' && !($decision eq 'edit' && $status eq 'approved'), '55000',
		!defined $expected && $p->{revision} > 1 && ($decision eq 'approve' || $decision eq 'edit'), '22023',
		defined $expected && $expected != $p->{revision}, '55000',
		$decision ne 'edit' && $m->stale($p), '55000',
		($decision eq 'approve' || $decision eq 'edit' && !%$edits) && (any { $_ ne $reviewer } @standing), '55000',
		$own || $own_wording || $m->inactive($reviewer) || !$m->may_review($reviewer) || $m->not_in_person($p->{tool}, $reviewer, $own_session), '42501',
		$decided && $decision ne 'edit', '42710',
		!$fit, '42501',
		$decision eq 'request_changes' && 3 <= (grep { $m->same_person($_, $reviewer) } @{ $p->{asked} }), '54000');
	if ($decision eq 'edit')
	{
		my %patched = (%{ $p->{params} }, %$edits);
		delete @patched{ grep { $patched{$_} eq 'null' } keys %patched };
		my $params = is_built_in($p->{tool}) && $m->inactive($p->{actor}) ? '42501' : $m->stored_params($p->{tool}, \%patched, $p->{actor});
		$params = '22023' if ref $params && %$edits && text($params) eq text($p->{params}) && $p->{basis} eq $m->basis($p->{tool}, $params);
		my $unconfirmed = $m->unconfirmed($p->{tool}) ? '55000 wfo_tool_unconfirmed' : undef;
		return join '|', ref $params ? () : $params, $unconfirmed // (), $refusal // () if $unconfirmed || !ref $params;
		$refusal //= '42501' if any { $m->would_hold($p, $params, $_) } $reviewer, $p->{actor};
		$refusal //= $m->revise($p, $params, $reviewer, $fit, $max_rows);
		return $refusal if $refusal;
		$m->note($p->{workflow}, 'review_action');
		return $m->call_of($p);
	}
	return $refusal if $refusal;
	$m->note($p->{workflow}, 'review_action');
	if ($decision eq 'request_changes')
	{
		push @{ $p->{$_} }, $reviewer for qw(requests asked);
		return $m->call_of($p);
	}
	$p->{requests} = [ grep { $_ ne $reviewer } @{ $p->{requests} } ];
	push @{ $p->{reviews} }, { %$fit, reviewer => $reviewer, decision => $decision, max_rows => $max_rows, counts => $decision eq 'approve' };
	$p->{status} = $decision eq 'reject' ? 'rejected' : defined open_stage($p) ? 'pending' : 'approved';
	return $m->call_of($p);
}

sub call_of { my ($m, $p) = @_; return join ' ', $p->{status}, $m->limit($p) // (); }

sub revoke_approval
{
	my ($m, $name, $reviewer, $own_session) = @_;
	return '42704' if $m->unknown('proposal', $name) || $m->unknown('actor', $reviewer);
	my $p = $m->{proposal}{$name};
	my $asked = any { $_ eq $reviewer } @{ $p->{requests} };
	my $mine = first { $_->{counts} && $_->{reviewer} eq $reviewer } @{ $p->{reviews} };
	my $refusal = refusal($m->status($p) !~ /^(pending|approved|failed)$/ || $m->{workflow}{ $p->{workflow} }{status} ne 'active' || !$mine && !$asked, '55000',
		$m->inactive($reviewer) || $m->not_in_person($p->{tool}, $reviewer, $own_session), '42501');
	return $refusal if $refusal;
	if ($asked)
	{
		$p->{requests} = [ grep { $_ ne $reviewer } @{ $p->{requests} } ];
		$m->note($p->{workflow}, 'revoke_approval');
		return $m->status($p);
	}
	@$mine{qw(counts revoked)} = (0, 1);
	my $stage = min(open_stage($p), $mine->{stage} // ());
	my @later = grep { defined $_->{stage} && $_->{stage} > $stage } approvals($p);
	@$_{qw(counts revoked)} = (0, 1) for @later;
	$p->{status} = 'pending';
	$m->note($p->{workflow}, 'revoke_approval', map { 'void_approval' } @later);
	return 'pending';
}

sub withdraw_proposal
{
	my ($m, $name, $actor) = @_;
	return '42704' if $m->unknown('proposal', $name) || $m->unknown('actor', $actor);
	my $p = $m->{proposal}{$name};
	my $refusal = refusal($m->status($p) !~ /^(pending|approved|failed)$/, '55000', $actor ne $p->{actor} || $m->inactive($actor), '42501');
	return $refusal if $refusal;
	$m->note($p->{workflow}, 'withdraw_proposal');
	return $p->{status} = 'withdrawn';
}

sub comment_proposal
{
	my ($m, $name, $actor, $comment) = @_;
	my $refusal = refusal($comment eq '', '22023', $m->unknown('proposal', $name) || $m->unknown('actor', $actor), '42704', $m->inactive($actor), '42501');
	return $refusal if $refusal;
	$m->note($m->{proposal}{$name}{workflow}, 'comment_proposal');
	return 'ok';
}

# What keeps the tool from running: changed, not confirmed, disabled.
sub not_runnable
{
	my ($m, $p) = @_;
	return $m->stale($p) || $m->unconfirmed($p->{tool}) || !$m->{tool}{ $p->{tool} }{enabled};
}

sub frozen { my ($m, $p) = @_; return !is_built_in($p->{tool}) && any { $_->{now} && (!defined $_->{tool} || $_->{tool} eq $p->{tool}) } values %{ $m->{freeze} }; }

sub dry { my ($m, $p) = @_; return 0 if is_built_in($p->{tool}); return $m->{policy}{dry_run} || $m->{workflow}{ $p->{workflow} }{dry_run}; }

# The tools write one row and q more, and fail for some params, some only while the
# flag is up.
sub run
{
	my ($m, $p) = @_;
	my $limit = $m->limit($p);
	my $rows = 1 + max(0, $p->{params}{q} // 0);
	my $error = $p->{params}{p} == 13 || $p->{params}{p} % 2 == 0 && $m->{flag} ? 'P0001' : defined $limit && $rows > $limit ? '54000' : undef;
	$m->{effects}++ unless $error;
	$p->{status} = $error ? 'failed' : 'executed';
	return $error ? "false false $error" : "true false $rows";
}

sub execute_action
{
	my ($m, $name, $actor, $made) = @_;
	return '42704' if $m->unknown('proposal', $name) || $m->unknown('actor', $actor);
	my $p = $m->{proposal}{$name};
	my $built_in = is_built_in($p->{tool});
	my $refusal = refusal($m->status($p) ne 'approved' || $m->not_runnable($p) || $m->frozen($p) || $built_in && (split /\|/, $p->{basis}, -1)[1] ne (split /\|/, $m->basis($p->{tool}, $p->{params}), -1)[1], '55000',
		$m->inactive($actor) || $built_in && $m->inactive($p->{actor}), '42501');
	return $refusal if $refusal;
	return $m->run_administrative($p, $made->{ makes(administrative_call($p->{tool})) // '' }) if is_administrative($p);
	return $m->run_standing($p, $made->{standing}) if $built_in;
	$m->note($p->{workflow}, 'execute_action');
	return $m->dry($p) ? 'true true' : $m->run($p);
}

sub retry_action
{
	my ($m, $name, $actor) = @_;
	return '42704' if $m->unknown('proposal', $name) || $m->unknown('actor', $actor);
	my $p = $m->{proposal}{$name};
	my $refusal = refusal($p->{status} ne 'failed' || $p->{glass} || $p->{standing} && $p->{standing}{ended} || $m->{workflow}{ $p->{workflow} }{status} ne 'active'
			|| $m->stale($p), '55000', $m->inactive($actor), '42501');
	return $refusal if $refusal;
	$m->note($p->{workflow}, 'retry_action');
	return $p->{status} = 'approved';
}

sub break_glass_execute
{
	my ($m, $glass, $name, $actor, $reason) = @_;
	my $refusal = refusal($reason eq '', '22023', $m->unknown('proposal', $name) || $m->unknown('actor', $actor), '42704');
	return $refusal if $refusal;
	my $p = $m->{proposal}{$name};
	my $owes = any { !$_->{reviewed} && $m->same_person($_->{actor}, $actor) } values %{ $m->{glass} };
	$refusal = refusal($m->status($p) ne 'pending', '55000', is_built_in($p->{tool}), '42501', $m->not_runnable($p) || $m->dry($p) || $owes, '55000',
		$m->inactive($actor) || $m->{actor}{$actor}{kind} ne 'human', '42501');
	return $refusal if $refusal;
	$m->note($p->{workflow}, 'execute_action', 'break_glass_execute');
	$p->{glass} = 1;
	$m->{glass}{$glass} = { proposal => $name, actor => $actor, proposer => $p->{actor}, workflow => $p->{workflow}, reviewed => 0 };
	return $m->run($p);
}

sub review_break_glass
{
	my ($m, $glass, $reviewer, $comment) = @_;
	my $refusal = refusal($comment eq '', '22023', $m->unknown('glass', $glass) || $m->unknown('actor', $reviewer), '42704');
	return $refusal if $refusal;
	my $g = $m->{glass}{$glass};
	$refusal = refusal($g->{reviewed}, '55000',
		$m->inactive($reviewer) || !$m->may_review($reviewer) || $m->same_person($reviewer, $g->{actor}) || $m->same_person($reviewer, $g->{proposer}), '42501');
	return $refusal if $refusal;
	$g->{reviewed} = 1;
	$m->note($g->{workflow}, 'review_break_glass');
	push @{ $m->{ended}{ $g->{home} }{audit} }, 'review_break_glass' if defined $g->{home} && $m->{ended}{ $g->{home} };
	return 'ok';
}

sub end_workflow
{
	my ($m, $w, $actor, $cancel) = @_;
	return '42704' if $m->unknown('workflow', $w) || $m->unknown('actor', $actor);
	my @proposals = map { $m->{proposal}{$_} } @{ $m->{workflow}{$w}{proposals} };
	my $refusal = refusal($m->{workflow}{$w}{status} ne 'active' || !$cancel && (any { $m->is_open($_) } @proposals), '55000',
		$m->inactive($actor) || $cancel && (any { $m->is_open($_) && !may_cancel($m->{workflow}{$w}, $_, $actor) } @proposals), '42501');
	return $refusal if $refusal;
	for my $p (@proposals)
	{
		next if $m->sweep($p) || !$cancel || $p->{status} !~ /^(pending|approved|failed)$/;
		$p->{status} = 'cancelled';
		$m->note($w, 'cancel_workflow');
	}
	$m->note($w, $cancel ? 'cancel_workflow' : 'complete_workflow');
	return $m->{workflow}{$w}{status} = $cancel ? 'cancelled' : 'completed';
}

sub expire_proposals
{
	my ($m) = @_;
	my $count = 0;
	$count += $m->sweep($_) for values %{ $m->{proposal} };
	return $count;
}

# What a reader of a trace needs to know of the world.
sub describe
{
	my ($m) = @_;
	my $plain = sub {
		my ($h) = @_;
		return join ' ', map { "$_=" . $h->{$_} } grep { defined $h->{$_} && !ref $h->{$_} } sort keys %$h;
	};
	my @lines = ("policy: " . $plain->($m->{policy}), "flag: $m->{flag}, variant: $m->{variant}");
	for my $kind (qw(actor tool rule delegation freeze glass standing))
	{
		push @lines, map { "$kind $_: " . $plain->($m->{$kind}{$_}) } grep { !is_built_in($_) && ($kind ne 'glass' || !$m->{glass}{$_}{reviewed}) } sort keys %{ $m->{$kind} };
	}
	return join "\n", @lines;
}

1;
