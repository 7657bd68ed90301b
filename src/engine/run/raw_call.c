/*
 * raw_call.c
 *	  Which proposals are meant by calls of a batch that name a tool and params.
 *
 * A call refers to the oldest approved proposal with its tool and its params,
 * as converted; no two calls refer to the same proposal.  Proposals with the
 * same tool and hash of the params are looked up once per batch, by an index,
 * and each is looked at once, however many calls have the same params.  Running
 * the calls is not this file's business.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "base/errors.h"
#include "base/json.h"
#include "common/hashfn.h"
#include "engine/run/queued.h"
#include "engine/run/raw_call.h"
#include "engine/state.h"
#include "engine/tool/params.h"
#include "engine/tool/run_as.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "store/policy.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"

/* Number of approved proposals that a hint names, and of bytes of the params of each. */
#define HINT_MAX 3
#define HINT_PARAMS_MAX 200

/* Number of open proposals of the tool among which a hint looks for them. */
#define HINT_AMONG_MAX 1000

/* The approved proposals of a tool whose params have the same hash. */
typedef struct Candidates
{
	uint64 key; /* the hashes of tool and params; first, as dynahash wants it */
	int count;
	int first; /* those before it are no longer candidates */
	ApprovedParams *list;
} Candidates;

struct RawCalls
{
	MemoryContext memory;
	HTAB *taken;      /* proposals that a call has */
	HTAB *candidates; /* by tool and params */
};

/* Begin to look for the proposals of a number of calls, in the current memory context. */
RawCalls *
raw_calls_begin(int count)
{
	RawCalls *calls = palloc(sizeof(RawCalls));
	HASHCTL taken = {.keysize = sizeof(int64), .entrysize = sizeof(int64)};
	HASHCTL candidates = {.keysize = sizeof(uint64), .entrysize = sizeof(Candidates)};

	calls->memory = taken.hcxt = candidates.hcxt = CurrentMemoryContext;
	calls->taken = hash_create("proposals of a batch", Max(count, 16), &taken,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	calls->candidates = hash_create("candidates of a batch", 64, &candidates,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return calls;
}

/* Take a proposal for a call: false where another call has it. */
bool
raw_call_take(RawCalls *calls, int64 proposal_id)
{
	bool found;

	(void) hash_search(calls->taken, &proposal_id, HASH_ENTER, &found);
	return !found;
}

static Candidates *
candidates_of(RawCalls *calls, const char *tool, uint32 hash)
{
	uint64 key = ((uint64) hash_bytes((const unsigned char *) tool, (int) strlen(tool)) << 32) |
				 hash;
	bool found;
	Candidates *candidates = hash_search(calls->candidates, &key, HASH_ENTER, &found);
	MemoryContext old;

	if (found)
		return candidates;
	old = MemoryContextSwitchTo(calls->memory);
	candidates->first = candidates->count = 0;
	candidates->list = proposal_list_approved(tool, &hash, PG_INT32_MAX, PG_INT32_MAX,
											  &candidates->count);
	MemoryContextSwitchTo(old);
	return candidates;
}

/*
 * The hint of an error about params that no approved proposal has: what is
 * approved for the tool.
 */
static char *
approved_hint(const char *tool)
{
	int count;
	const ApprovedParams *approved = proposal_list_approved(tool, NULL, HINT_MAX + 1,
															HINT_AMONG_MAX, &count);
	StringInfoData hint;

	if (count == 0)
		return pstrdup("Propose the call and have it approved.");
	initStringInfo(&hint);
	appendStringInfo(&hint, "Approved for tool \"%s\":", tool);
	for (int i = 0; i < count && i < HINT_MAX; i++)
	{
		const Proposal *proposal = proposal_require(approved[i].proposal_id);
		const char *params = json_text(proposal->params);

		appendStringInfo(&hint, "%s proposal " INT64_FORMAT " with params %.*s", i > 0 ? "," : "",
						 proposal->proposal_id,
						 pg_mbcliplen(params, (int) strlen(params), HINT_PARAMS_MAX), params);
	}
	if (count > HINT_MAX)
		appendStringInfoString(&hint, ", and more");
	appendStringInfoChar(&hint, '.');
	return hint.data;
}

/* Whether other transactions see the row as it is. */
bool
raw_call_is_committed(const Proposal *proposal)
{
	return !TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(proposal->row->tuple
																		   ->t_data));
}

/* A candidate as it is now, or NULL if it is no longer one. */
static Proposal *
load_candidate(RawCalls *calls, ApprovedParams *candidate)
{
	Proposal *proposal = NULL;

	if (hash_search(calls->taken, &candidate->proposal_id, HASH_FIND, NULL) == NULL)
		proposal = proposal_require(candidate->proposal_id);
	if (proposal != NULL && proposal_status_now(proposal) == PROPOSAL_APPROVED &&
		!queued_exists(proposal->proposal_id))
		return proposal;
	candidate->proposal_id = 0;
	return NULL;
}

/* Take the oldest candidate with these params.  One that is not committed is the last resort. */
static Proposal *
choose_candidate(RawCalls *calls, Candidates *candidates, const char *tool, Jsonb *params,
				 const int64 *workflow_id)
{
	Proposal *uncommitted = NULL;

	for (int i = candidates->first; i < candidates->count; i++)
	{
		ApprovedParams *candidate = &candidates->list[i];
		Proposal *proposal;

		if (i == candidates->first && candidate->proposal_id == 0)
			candidates->first++;
		if (candidate->proposal_id == 0 ||
			(workflow_id != NULL && candidate->workflow_id != *workflow_id))
			continue;
		proposal = load_candidate(calls, candidate);
		if (proposal == NULL || strcmp(proposal->tool, tool) != 0 ||
			!json_equal(proposal->params, params))
			continue;
		if (raw_call_is_committed(proposal))
		{
			(void) raw_call_take(calls, proposal->proposal_id);
			candidate->proposal_id = 0;
			return proposal;
		}
		if (uncommitted == NULL)
			uncommitted = proposal;
	}
	return uncommitted;
}

/*
 * The oldest approved proposal that a call by tool and params refers to, in a
 * workflow or in any (NULL).  An uncommitted one is used only if there is no
 * other. 55000 if there is none.
 */
Proposal *
raw_call_find(RawCalls *calls, int index, const char *tool_name, Jsonb *params,
			  const int64 *workflow_id)
{
	const Tool *tool = tool_require(tool_name);
	Jsonb *converted;
	uint32 hash;
	Proposal *proposal;

	tool_check_worker(tool);
	converted = params_convert(tool, definition_load(tool), run_as_current(tool),
							   tool_timeout(tool, policy_load()), params);
	hash = DatumGetUInt32(DirectFunctionCall1(jsonb_hash, JsonbPGetDatum(converted)));
	proposal = choose_candidate(calls, candidates_of(calls, tool_name, hash), tool_name, converted,
								workflow_id);
	if (proposal == NULL)
		report_wrong_state("wfo_not_approved", errmsg("call %d has no approved proposal", index),
						   errdetail("Tool \"%s\" has no approved proposal with these params that "
									 "is neither executed nor queued.",
									 tool_name),
						   errhint("%s", approved_hint(tool_name)));
	return proposal;
}
