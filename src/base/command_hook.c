/*
 * command_hook.c
 *	  The extension's hook on utility commands.
 *
 * It owns the extension's place in the server's chain of ProcessUtility hooks:
 * a list of questions that are asked before each command, and the one function
 * that may do something around it.  What they ask and do is their own matter;
 * this file knows no command.
 *
 * The hook is installed once and never taken out.  Putting the old value back
 * would take away the hook of a library that was loaded in between.
 */
#include "postgres.h"

#include "base/command_hook.h"

#define QUESTIONS_MAX 4

static CommandQuestion command_questions[QUESTIONS_MAX];
static int command_question_count = 0;
static CommandRunner runner = NULL;
static bool command_hook_installed = false;
static ProcessUtility_hook_type next_utility_hook = NULL;

static void
run_utility(PlannedStmt *stmt, const char *query, bool read_only, ProcessUtilityContext context,
			ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest,
			QueryCompletion *completion)
{
	Command command = {stmt, query, read_only, context, params, environment, dest, completion};

	for (int i = 0; i < command_question_count; i++)
		command_questions[i](stmt->utilityStmt);
	if (runner != NULL)
		runner(&command);
	else
		command_run(&command);
}

static void
install_command_hook(void)
{
	if (command_hook_installed)
		return;
	command_hook_installed = true;
	next_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = run_utility;
}

/* Ask a question before each command from here on, after those registered earlier. */
void
command_hook_ask(CommandQuestion question)
{
	Assert(question != NULL && command_question_count < QUESTIONS_MAX);
	command_questions[command_question_count++] = question;
	install_command_hook();
}

/* Have a function run each command from here on.  There can be only one. */
void
command_hook_run_with(CommandRunner run)
{
	Assert(run != NULL && runner == NULL);
	runner = run;
	install_command_hook();
}

/* Run a command: pass it on to the next hook or to the server. */
void
command_run(const Command *command)
{
	ProcessUtility_hook_type run = next_utility_hook != NULL ? next_utility_hook
															 : standard_ProcessUtility;

	run(command->stmt, command->query, command->read_only, command->context, command->params,
		command->environment, command->dest, command->completion);
}
