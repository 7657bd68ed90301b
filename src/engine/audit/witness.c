/*
 * witness.c
 *	  What the tree must have been: checkpoints that were kept.
 *
 * Owns what a checkpoint must say to be one of this tree, and what is found if
 * the tree does not extend it.  How the roots are computed is in verify_tree.c.
 */
#include "postgres.h"

#include "base/grow.h"
#include "engine/audit/origin.h"
#include "engine/audit/witness.h"
#include "store/audit_anchor.h"

static void
add_witness(Witnesses *witnesses, const Checkpoint *checkpoint, int64 limit, int64 anchor_id)
{
	GROW_ARRAY(witnesses->list, witnesses->count, witnesses->size);
	witnesses->list[witnesses->count++] = (Witness){.size = checkpoint->size,
													.root = checkpoint->root,
													.anchor_id = anchor_id,
													.limit = limit};
}

/* Add a checkpoint that was given, or refuse it with 22023 if it cannot be one of this tree. */
void
witness_add_checkpoint(Witnesses *witnesses, const char *text)
{
	Checkpoint checkpoint;

	origin_read_checkpoint(text, &checkpoint);
	add_witness(witnesses, &checkpoint, origin_limit(checkpoint.origin), 0);
}

/* Add the anchors, all of which were checkpoints of this tree when they were recorded. */
void
witness_add_anchors(const Findings *findings, Witnesses *witnesses)
{
	int count;
	const Anchor *anchors = anchor_list(&count);

	for (int i = 0; i < count; i++)
	{
		if (origin_is_known(anchors[i].checkpoint.origin))
			add_witness(witnesses, &anchors[i].checkpoint,
						origin_limit(anchors[i].checkpoint.origin), anchors[i].anchor_id);
		else
			finding_add_of_tree(findings,
								psprintf("anchor " INT64_FORMAT
										 " is of origin \"%s\", which the tree never had",
										 anchors[i].anchor_id, anchors[i].checkpoint.origin));
	}
}

static int
compare_witnesses(const void *a, const void *b)
{
	int64 left = ((const Witness *) a)->size;
	int64 right = ((const Witness *) b)->size;

	return (left > right) - (left < right);
}

void
witness_sort(Witnesses *witnesses)
{
	if (witnesses->count > 0)
		qsort(witnesses->list, witnesses->count, sizeof(Witness), compare_witnesses);
}

static const char *
name_of_witness(const Witness *witness)
{
	return witness->anchor_id == 0 ? "the checkpoint"
								   : psprintf("anchor " INT64_FORMAT, witness->anchor_id);
}

/* Compare with the root that the tree had at the size of a checkpoint; NULL: nobody knows. */
void
witness_check(const Findings *findings, const Witness *witness, const MerkleHash *root)
{
	const char *name = name_of_witness(witness);

	if (witness->limit >= 0 && witness->size > witness->limit)
		finding_add_of_tree(findings,
							psprintf("%s has size " INT64_FORMAT
									 ", and the tree left its origin at size " INT64_FORMAT
									 ": another tree goes on under it",
									 name, witness->size, witness->limit));
	else if (root == NULL)
		finding_add_of_tree(findings, psprintf("%s of size " INT64_FORMAT
											   " cannot be compared, because leaves are missing",
											   name, witness->size));
	else if (memcmp(root, &witness->root, sizeof(MerkleHash)) != 0)
		finding_add_of_tree(findings, psprintf("the tree does not extend %s of size " INT64_FORMAT
											   ": its root at that size is another",
											   name, witness->size));
}

/* Report a checkpoint that the tree does not reach. */
void
witness_check_longer(const Findings *findings, const Witness *witness, int64 size)
{
	if (witness->limit >= 0 && witness->size > witness->limit)
		witness_check(findings, witness, NULL);
	else
		finding_add_of_tree(findings, psprintf("the tree has size " INT64_FORMAT
											   ", which is shorter than %s of size " INT64_FORMAT,
											   size, name_of_witness(witness), witness->size));
}
