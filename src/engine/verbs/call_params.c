/*
 * call_params.c
 *	  The params of a revision.
 *
 * Every revision gets its params here, whoever writes it: they are converted to
 * the arguments of the tool's function, and those of a built-in tool are
 * completed.  A protected policy also asks for a tool whose definition is
 * confirmed.  Who may write a revision is the business of the verbs.
 */
#include "postgres.h"

#include "base/json.h"
#include "engine/run/built_in.h"
#include "engine/state.h"
#include "engine/tool/params.h"
#include "engine/tool/run_as.h"
#include "engine/tool/tool_path.h"
#include "engine/verbs/call_params.h"
#include "model/built_in.h"
#include "model/merge_patch.h"

static BuiltInCall
built_in_call_of(const CallSubject *subject)
{
	return (BuiltInCall){.tool = subject->tool,
						 .definition = subject->definition,
						 .proposer = subject->proposer,
						 .proposal_id = subject->proposal_id,
						 .timeout = tool_timeout(subject->tool, subject->policy)};
}

static Jsonb *
convert_for_tool(const CallSubject *subject, Jsonb *params)
{
	return params_convert(subject->tool, subject->definition, run_as_current(subject->tool),
						  tool_timeout(subject->tool, subject->policy), params);
}

static Jsonb *
complete(const CallSubject *subject, Jsonb *params, const char *search_path)
{
	BuiltInCall call = built_in_call_of(subject);

	built_in_check_proposer(subject->tool->tool, subject->proposer);
	return built_in_complete(&call, params, search_path);
}

/*
 * The params of a call as the proposer gives them: 22023 if they do not fit.
 * Names in the params of a built-in tool are looked up with the search_path of
 * the session, and what the call itself would be refused with is raised.
 */
Jsonb *
call_params(const CallSubject *subject, Jsonb *params)
{
	definition_check_confirmed(subject->tool, subject->policy);
	if (!subject->tool->built_in)
		return convert_for_tool(subject, params);
	params_check_size(params);
	return complete(subject, params, tool_path_current());
}

/*
 * The params of a call with a JSON Merge Patch applied.  What those of a built-in
 * tool rest on is filled in afresh.
 */
Jsonb *
call_params_edited(const CallSubject *subject, Jsonb *params, Jsonb *edits)
{
	params_check_size(edits);
	definition_check_confirmed(subject->tool, subject->policy);
	if (!subject->tool->built_in)
		return convert_for_tool(subject, merge_patch(params, edits));
	return complete(subject, merge_patch(built_in_arguments(params), edits),
					built_in_search_path(params));
}

/*
 * The arguments of a call, converted, of which nobody asks whether it would be
 * refused.
 */
Jsonb *
call_params_convert(const CallSubject *subject, Jsonb *params)
{
	BuiltInCall call;

	if (!subject->tool->built_in)
		return convert_for_tool(subject, params);
	call = built_in_call_of(subject);
	built_in_check_proposer(subject->tool->tool, subject->proposer);
	return built_in_convert(&call, params, tool_path_current());
}

/* Whether params, as somebody gives them, make the call that is stored. */
bool
call_params_same(const CallSubject *subject, Jsonb *params, Jsonb *stored)
{
	return json_equal(stored, params) ||
		   json_equal(subject->tool->built_in ? built_in_arguments(stored) : stored,
					  call_params_convert(subject, params));
}
