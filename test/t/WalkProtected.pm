# The part of the model (WalkModel.pm) that is about calls of administrative
# built-in tools, and about a protected policy.
package WalkModel;
use strict;
use warnings;
use List::Util qw(all any max uniq);

# Built-in tools but that of standing approvals: what they call.
sub administrative_call { my ($tool) = @_; return $tool =~ /^workflow_orch\.(?!standing_approval$)(\w+)$/ ? $1 : undef; }

sub is_administrative { my ($p) = @_; return defined administrative_call($p->{tool}); }

# The tool's definition of now is the one that it is meant to have.
sub confirm { my ($m, $tool) = @_; $m->{tool}{$tool}{confirmed} = $m->full_definition($tool); return; }

sub is_confirmed { my ($m, $tool) = @_; return is_built_in($tool) || $m->unknown('tool', $tool) || $m->{tool}{$tool}{confirmed} eq $m->full_definition($tool); }

# Whether the tool cannot be used since its definition is not confirmed.
sub unconfirmed { my ($m, $tool) = @_; return $m->{policy}{protected} && !$m->is_confirmed($tool); }

# How many people somebody of these actors is.
sub people { my ($m, @actors) = @_; return scalar uniq map { $m->{actor}{$_}{person} // $_ } @actors; }

# Actors in whose session calls of built-in tools could be approved.
sub possible_reviewers { my ($m) = @_; return grep { my $a = $m->{actor}{$_}; $a->{active} && $a->{kind} eq 'human' && $a->{login} } keys %{ $m->{actor} }; }

# How many people could propose and approve calls of built-in tools, but for one actor.
sub administrators
{
	my ($m, $but) = @_;
	return $m->people(grep { $m->{administers}{ $m->{actor}{$_}{login} } && $_ ne ($but // '') } $m->possible_reviewers);
}

# How many people could review such calls in a role.
sub reviewers { my ($m, $role) = @_; return $m->people(grep { !defined $role || $m->{actor}{$_}{role} eq $role } $m->possible_reviewers); }

# Whether a rule for an administrative built-in tool asks for more people than there are besides the proposer.
sub has_unfillable_rule
{
	my ($m) = @_;
	return any { defined $_->{tool} && defined administrative_call($_->{tool}) && $m->reviewers($_->{role}) <= $_->{approvals} } values %{ $m->{rule} };
}

# Whether an approval of this proposal by the actor would be one by an administrator.
sub administers { my ($m, $p, $actor) = @_; return is_administrative($p) && $m->{administers}{ $m->{actor}{$actor}{login} // '' } ? 1 : 0; }

# Whether the actor cannot act in a call of the tool in this session: it is not their
# own, or they are not human.
sub not_in_person
{
	my ($m, $tool, $actor, $own_session) = @_;
	return defined administrative_call($tool) && (!$own_session || $m->{actor}{$actor}{kind} ne 'human');
}

# The params of a call, or what it is refused with.
sub administrative_params
{
	my ($m, $tool, $params, $proposer) = @_;
	my $call = administrative_call($tool);
	my @arguments = @{ call_named($call)->{arguments} };
	return '22023' if ref $params ne 'HASH' || any { my $key = $_; !any { s/^\*//r eq $key } @arguments } keys %$params;
	return '22023' if any { /^\*(.*)/ && ($params->{$1} // 'null') eq 'null' } @arguments;
	return $m->refused($call, $proposer, plain(%$params)) // {%$params};
}

# The rows that a call is about, as they are: equal ones are the same.
sub rows_of
{
	my ($m, $call, %a) = @_;
	my $columns = sub { my ($row, @names) = @_; return join ',', map { "$_=" . ($row->{$_} // '') } @names; };
	my $actor = sub { my ($id) = @_; return $columns->($m->{actor}{$id}, qw(role active by)); };
	return $m->{policy_changes} // 0 if $call eq 'set_policy';
	return $m->unknown('rule', $a{rule_id}) ? 'removed' : 'there' if $call eq 'remove_approval_rule';
	return $m->unknown('freeze', $a{freeze_id}) ? 'removed' : 'there' if $call eq 'remove_freeze';
	return $columns->($m->{tool}{ $a{tool} }, qw(enabled timeout max_rows confirmed by)) if $call =~ /^(update_tool|set_tool_enabled)$/;
	return $actor->($a{actor_id}) if $call =~ /^(update_actor|standing_approval)$/;
	return join ' ', map { $actor->($a{$_}) } qw(from_actor to_actor) if $call eq 'delegate_review';
	return '';
}

# The definition that the tool which a call is about has after it.
sub definition_after
{
	my ($m, $call, %a) = @_;
	return ",$m->{variant}" if $call eq 'register_tool' && !$m->{tool}{ $a{tool} };
	return '' if $call !~ /^(add_approval_rule|register_tool|update_tool|set_tool_enabled)$/ || !defined $a{tool} || $m->unknown('tool', $a{tool});
	return $m->full_definition($a{tool}, $call eq 'update_tool' ? $m->updated_tool(%a) : ());
}

# In the last stage administrators, besides what rules for the tool ask for.
sub requirements_of_administrative
{
	my ($m, $p, $params) = @_;
	my %number;
	for my $rule (values %{ $m->{rule} })
	{
		next unless defined $rule->{tool} && $rule->{tool} eq $p->{tool} && ($m->matches($rule, $p, $params) // 1);
		my $slot = "$rule->{stage}/" . ($rule->{role} // '');
		$number{$slot} = max($number{$slot} // 0, $rule->{approvals});
	}
	my $slots = slots_of(%number);
	my $last = max(1, map { $_->[0] } @$slots);
	return [ @$slots, map { [ $last, '', 1 ] } 1 .. $m->{policy}{default_approvals} ];
}

# The call is made as its proposer: what it gives beside success, or what it is
# refused with.
sub run_administrative
{
	my ($m, $p, $name) = @_;
	my $call = administrative_call($p->{tool});
	my %a = plain(%{ $p->{params} });
	my $refused = $m->refused($call, $p->{actor}, %a);
	# Grants change catalogs, of which no rows are counted.
	my $uncounted = $call =~ /capability/;
	$refused //= '54000' if $uncounted && defined $m->limit($p);
	return '55000 wfo_basis_changed' if !defined $refused && (split /\|/, $p->{basis}, -1)[0] ne $m->definition_after($call, %a);
	$m->note($p->{workflow}, 'execute_action');
	$p->{status} = defined $refused ? 'failed' : 'executed';
	return join '|', map { 'false false ' . s/ .*//r } split /\|/, $refused if defined $refused;
	$m->make_call($call, $p->{actor}, $name, %a);
	$m->{administered}++;
	return join ' ', 'true false', $uncounted ? () : 0, makes($call) ? 'ok' : ();
}

1;
