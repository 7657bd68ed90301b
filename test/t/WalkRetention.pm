# The part of the model (WalkModel.pm) that is about legal holds, redactions and
# purges.  A purge takes the workflows of earlier walks, of which the model keeps how
# many proposals and which audit rows they have.
package WalkModel;
use strict;
use warnings;
use List::Util qw(any);

sub hold_workflow
{
	my ($m, $w, $actor) = @_;
	return '42704' if $m->unknown('workflow', $w) || $m->unknown('actor', $actor);
	my $refusal = refusal($m->{workflow}{$w}{held}, '55000 wfo_held', $m->inactive($actor), '42501');
	return $m->inactive($actor) ? '42501|55000' : $refusal if $refusal;
	$m->{workflow}{$w}{held} = 1;
	$m->note($w, 'hold_workflow');
	return 'ok';
}

sub release_hold
{
	my ($m, $w, $actor) = @_;
	return '42704' if $m->unknown('workflow', $w) || $m->unknown('actor', $actor);
	return '42501' if $m->inactive($actor);
	my $refusal = refusal($m->{policy}{protected}, '42501 wfo_protected', !$m->{workflow}{$w}{held}, '55000 wfo_not_held');
	return $refusal if $refusal;
	$m->{workflow}{$w}{held} = 0;
	$m->note($w, 'release_hold');
	return 'ok';
}

# Whether a proposal is done with, also by its break glass.
sub finished
{
	my ($m, $name) = @_;
	my $p = $m->{proposal}{$name};
	my $final = $p->{status} =~ /^(rejected|executed|withdrawn|cancelled|expired)$/ || $p->{status} eq 'failed' && $m->{workflow}{ $p->{workflow} }{status} ne 'active';
	return $final && !any { $_->{proposal} eq $name && !$_->{reviewed} } grep { defined $_->{workflow} } values %{ $m->{glass} };
}

# All that is written before is sealed.
sub redact_proposal
{
	my ($m, $name, $actor, $reason) = @_;
	my $refusal = refusal($reason eq '', '22023', $m->unknown('proposal', $name) || $m->unknown('actor', $actor), '42704');
	return $refusal if $refusal;
	my $p = $m->{proposal}{$name};
	$refusal = refusal(!$m->finished($name), '55000 wfo_not_finished', $m->{workflow}{ $p->{workflow} }{held}, '55000 wfo_held', $m->inactive($actor), '42501',
		$m->{policy}{protected}, '42501 wfo_protected', $p->{redacted}, '55000 wfo_redacted');
	return $refusal if $refusal;
	@$p{qw(redacted params)} = (1, {});
	$m->{redactions}++;
	push @{ $m->{audit}{ $p->{workflow} } }, 'redact_proposal';
	return 'ok';
}

# A walk is over: its workflow can be purged if it has ended.
sub keep_walk
{
	my ($m, $walk, $w) = @_;
	$_->{home} //= $walk for values %{ $m->{glass} }, values %{ $m->{standing} };
	$m->{ended}{$walk} = { proposals => scalar @{ $m->{workflow}{$w}{proposals} }, redacted => scalar(grep { $m->{proposal}{$_}{redacted} } @{ $m->{workflow}{$w}{proposals} }),
		held => $m->{workflow}{$w}{held}, audit => [ grep { $_ ne 'redact_proposal' } @{ $m->{audit}{$w} } ] } if $m->{workflow}{$w}{status} ne 'active';
	return;
}

# All that has ended and is not needed any more, without a word of it.
sub purge_workflows
{
	my ($m, $actor, $reason) = @_;
	return '22023' if $reason eq '';
	return '42501 wfo_protected' if $m->{policy}{protected};
	return '42704' if $m->unknown('actor', $actor);
	return '42501' if $m->inactive($actor);
	my %needed = map { ($_->{home} // '') => 1 } (grep { !$_->{reviewed} } values %{ $m->{glass} }), grep { !$_->{ended} } values %{ $m->{standing} };
	my ($count, $any) = (0, 0);
	for my $walk (grep { !$m->{ended}{$_}{held} && !$needed{$_} } keys %{ $m->{ended} })
	{
		my $workflow = delete $m->{ended}{$walk};
		$m->{purged}{$_}++ for @{ $workflow->{audit} };
		$m->{redactions_purged} += $workflow->{redacted};
		$count += $workflow->{proposals};
		$any = 1;
	}
	$m->{purges} += $any;
	$m->note(undef, 'purge_workflows') if $any;
	return $count;
}

1;
