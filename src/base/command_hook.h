/*
 * command_hook.h
 *	  The extension's hook on utility commands.
 */
#ifndef WFO_BASE_COMMAND_HOOK_H
#define WFO_BASE_COMMAND_HOOK_H

#include "postgres.h"

#include "tcop/utility.h"

/* A command with all that the server gives the hook to run it with. */
typedef struct Command
{
	PlannedStmt *stmt;
	const char *query;
	bool read_only;
	ProcessUtilityContext context;
	ParamListInfo params;
	QueryEnvironment *environment;
	DestReceiver *dest;
	QueryCompletion *completion;
} Command;

/* Looks at a command before it runs, and may refuse it. */
typedef void (*CommandQuestion)(const Node *command);

/* Runs a command, by calling command_run() once. */
typedef void (*CommandRunner)(const Command *command);

extern void command_hook_ask(CommandQuestion question);
extern void command_hook_run_with(CommandRunner run);
extern void command_run(const Command *command);

#endif
