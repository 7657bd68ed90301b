/*
 * cursors.c
 *	  Keeps the cursors of a call and of its session apart.
 *
 * A cursor, which the server calls a portal, has a name that all code of the
 * session can use: FETCH, MOVE and CLOSE, WHERE CURRENT OF, cursor_to_xml, a
 * refcursor of any procedural language.  Code that fetches from it runs the
 * rest of its query with its own rights.  So the session's cursors lose their
 * names while a call runs, and cursors that the call leaves open are closed.
 *
 * The server has no hook where it looks up a name, but the name that a portal
 * points to is the key of its entry in the server's table of portals.  An
 * overwritten key is not found: not under the old name, which it no longer
 * equals, and not under the new name, which has another hash value.  The names
 * are put back when the call's subtransaction ends, however it ends, since the
 * server drops a portal by its name.
 */
#include "postgres.h"

#include "access/xact.h"
#include "engine/sandbox/cursors.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/tuplestore.h"

/*
 * The name of a hidden cursor, and of one that already has that name.  The
 * server finds it under neither, since its place in the table is still that of
 * its own name.
 */
#define HIDDEN_NAME "\377"
#define OTHER_HIDDEN_NAME "\376"

typedef struct HiddenCursor
{
	Portal portal;
	char name[NAMEDATALEN];
} HiddenCursor;

/* The cursors that are hidden from a call. */
typedef struct HiddenCursors
{
	struct HiddenCursors *outer; /* those hidden from the call that this call is part of */
	SubTransactionId subid;      /* the subtransaction at whose end they are shown again */
	List *cursors;
} HiddenCursors;

static HiddenCursors *hidden = NULL;

/*
 * The cursors that the view pg_cursors shows: all that are not running.  The current
 * subtransaction is that of the call, and none of the call's code is running in it.
 */
static List *
list_cursors(void)
{
	LOCAL_FCINFO(fcinfo, 0);
	FmgrInfo function;
	ReturnSetInfo result = {.type = T_ReturnSetInfo, .allowedModes = SFRM_Materialize};
	TupleTableSlot *slot;
	List *portals = NIL;

	/* Most sessions have none, and the view costs more than the question. */
	if (ThereAreNoReadyPortals())
		return NIL;
	/* The answer leaves its scan of the portals open; there is no other at this level. */
	AtEOSubXact_HashTables(false, GetCurrentTransactionNestLevel());
	result.econtext = CreateStandaloneExprContext();
	fmgr_info(F_PG_CURSOR, &function);
	InitFunctionCallInfoData(*fcinfo, &function, 0, InvalidOid, NULL, (Node *) &result);
	(void) pg_cursor(fcinfo);
	slot = MakeSingleTupleTableSlot(result.setDesc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(result.setResult, true, false, slot))
	{
		bool isnull;
		Portal portal = GetPortalByName(TextDatumGetCString(slot_getattr(slot, 1, &isnull)));

		portals = lappend(portals, portal);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(result.setResult);
	FreeExprContext(result.econtext, true);
	return portals;
}

/* Show the cursors that were hidden last. */
static void
show_hidden(void)
{
	ListCell *cell;

	Assert(hidden != NULL);
	foreach (cell, hidden->cursors)
	{
		HiddenCursor *cursor = lfirst(cell);

		strlcpy(unconstify(char *, cursor->portal->name), cursor->name, NAMEDATALEN);
		cursor->portal->visible = true;
	}
	hidden = hidden->outer;
}

/*
 * Drop the cursors that a call, which is being rolled back, has opened under
 * the name of a hidden cursor.  The server would drop them next, but would look
 * them up by name and find the wrong one.
 */
static void
drop_namesakes(void)
{
	ListCell *cell;

	foreach (cell, hidden->cursors)
	{
		Portal portal = GetPortalByName(((HiddenCursor *) lfirst(cell))->name);

		if (!PortalIsValid(portal))
			continue;
		if (portal->portalPinned)
			UnpinPortal(portal);
		PortalDrop(portal, false);
	}
}

static void
show_at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
						   pg_attribute_unused() SubTransactionId parent,
						   pg_attribute_unused() void *arg)
{
	if (hidden == NULL || hidden->subid != subid)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		drop_namesakes();
	if (event == SUBXACT_EVENT_COMMIT_SUB || event == SUBXACT_EVENT_ABORT_SUB)
		show_hidden();
}

/* Hide all existing cursors until the current subtransaction ends. */
void
cursors_hide(void)
{
	static bool registered = false;
	MemoryContext old = MemoryContextSwitchTo(CurTransactionContext);
	List *portals = list_cursors();
	HiddenCursors *set;
	ListCell *cell;

	if (portals != NIL)
	{
		if (!registered)
			RegisterSubXactCallback(show_at_subtransaction_end, NULL);
		registered = true;
		set = palloc0(sizeof(HiddenCursors));
		set->outer = hidden;
		set->subid = GetCurrentSubTransactionId();
		hidden = set;
	}
	foreach (cell, portals)
	{
		HiddenCursor *cursor = palloc(sizeof(HiddenCursor));

		cursor->portal = lfirst(cell);
		strlcpy(cursor->name, cursor->portal->name, NAMEDATALEN);
		set->cursors = lappend(set->cursors, cursor);
		strlcpy(unconstify(char *, cursor->portal->name),
				strcmp(cursor->name, HIDDEN_NAME) == 0 ? OTHER_HIDDEN_NAME : HIDDEN_NAME,
				NAMEDATALEN);
		cursor->portal->visible = false;
	}
	MemoryContextSwitchTo(old);
}

/*
 * Close all cursors that are not hidden: the call has left them open.  Some
 * languages pin their cursors, and look for them by name when they are done
 * with them.
 */
void
cursors_close(void)
{
	ListCell *cell;
	List *portals = list_cursors();

	foreach (cell, portals)
	{
		Portal portal = lfirst(cell);

		if (portal->portalPinned)
			UnpinPortal(portal);
		PortalDrop(portal, false);
	}
}
