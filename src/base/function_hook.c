/*
 * function_hook.c
 *	  The extension's hook on calls of functions.
 *
 * It owns the extension's place in the server's chain of object access hooks,
 * and the list of questions that are asked before the executor calls a function.
 * Which functions are refused is not its business.
 *
 * The hook costs a little wherever a search_path is set, so a process installs
 * it when the first question is registered.  It is never taken out: putting the
 * old value back would take away the hook of a library that was loaded in
 * between.
 */
#include "postgres.h"

#include "base/function_hook.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_proc.h"

#define QUESTIONS_MAX 2

static FunctionQuestion function_questions[QUESTIONS_MAX];
static int function_question_count = 0;
static object_access_hook_type next_access_hook = NULL;

static void
ask_about_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	if (next_access_hook != NULL)
		next_access_hook(access, class_id, object_id, sub_id, arg);
	if (access != OAT_FUNCTION_EXECUTE || class_id != ProcedureRelationId)
		return;
	for (int i = 0; i < function_question_count; i++)
		function_questions[i](object_id);
}

/*
 * Ask a question before each call of a function from here on.  A question that
 * is registered again is asked once.
 */
void
function_hook_ask(FunctionQuestion question)
{
	Assert(question != NULL);
	for (int i = 0; i < function_question_count; i++)
		if (function_questions[i] == question)
			return;
	Assert(function_question_count < QUESTIONS_MAX);
	if (function_question_count == 0)
	{
		next_access_hook = object_access_hook;
		object_access_hook = ask_about_access;
	}
	function_questions[function_question_count++] = question;
}
