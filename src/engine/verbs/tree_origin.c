/*
 * tree_origin.c
 *	  Changes the name of the tree over the audit log.
 *
 * It owns who may do that.  What a name is, and its audit row, are the business of
 * audit/origin.c.
 */
#include "postgres.h"

#include "engine/audit/origin.h"
#include "engine/identity/caller.h"
#include "engine/identity/protection.h"
#include "engine/verbs/tree_origin.h"

/* Take the former origin back after a move, and return it. */
const char *
tree_adopt_origin(const char *reason)
{
	Caller caller;

	caller_identify(&caller);
	protection_check(&caller, "adopt_origin");
	return origin_adopt(reason);
}

/* Give the tree another origin, and return it. */
const char *
tree_new_origin(const char *reason)
{
	Caller caller;

	caller_identify(&caller);
	protection_check(&caller, "new_origin");
	return origin_renew(reason);
}
