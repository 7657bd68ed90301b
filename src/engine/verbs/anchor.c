/*
 * anchor.c
 *	  Records what a witness or a time-stamp service answered.
 *
 * It owns the check that the checkpoint is one of this tree.  What the proof proves
 * is for those to judge who trust the witness.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/audit/origin.h"
#include "engine/audit/tree.h"
#include "engine/identity/caller.h"
#include "engine/verbs/anchor.h"
#include "store/audit_anchor.h"

static void
check_checkpoint(const char *text, Checkpoint *checkpoint)
{
	MerkleHash root;

	origin_read_checkpoint(text, checkpoint);
	if (checkpoint->size > tree_size())
		report_invalid("wfo_not_a_size",
					   errmsg("the checkpoint's size " INT64_FORMAT " is larger than the tree",
							  checkpoint->size),
					   errdetail("The tree has " INT64_FORMAT " leaves.", tree_size()));
	root = tree_root(checkpoint->size);
	if (memcmp(root.bytes, checkpoint->root.bytes, SHA256_LENGTH) != 0)
		report_invalid("wfo_other_tree",
					   errmsg("the tree of size " INT64_FORMAT " has another root",
							  checkpoint->size),
					   errhint("If the checkpoint was read from this database, the audit log has "
							   "been rewritten: call verify_audit_log with it."));
}

/*
 * Keep the proof of a checkpoint of this tree, and return the anchor's id.  What
 * the proof says is not checked.
 */
int64
anchor_record(const char *checkpoint, const char *kind, bytea *proof)
{
	Caller caller;
	Anchor anchor = {.kind = kind, .text = checkpoint, .proof = proof};

	if (VARSIZE_ANY_EXHDR(proof) > ANCHOR_PROOF_MAX)
		report_limit("wfo_argument_too_long", errmsg("argument \"proof\" is too long"),
					 errdetail("It has %zu bytes; the limit is %d.",
							   (size_t) VARSIZE_ANY_EXHDR(proof), ANCHOR_PROOF_MAX));
	check_checkpoint(checkpoint, &anchor.checkpoint);
	caller_identify(&caller);
	anchor.anchor_id = store_next_id(STORE_AUDIT_ANCHOR);
	anchor.actor_id = caller_bound_actor(&caller);
	anchor_insert(&anchor);
	return anchor.anchor_id;
}
