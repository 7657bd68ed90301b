/*
 * run_sql.c
 *	  The built-in tool that runs a SQL statement.
 *
 * It is the one place outside the store that runs SQL text, and the text is
 * part of a proposal: it runs through SPI as the tool's role, in the sandbox
 * and under the deadline that every tool has, and nothing is added to it.
 * Outside a call it is refused. statement.c judges the text.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/json.h"
#include "base/settings.h"
#include "catalog/pg_type.h"
#include "engine/identity/capability.h"
#include "engine/running.h"
#include "engine/tool/run_sql.h"
#include "engine/tool/statement.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/memutils.h"

/* Receives the rows of a statement: keeps the first ones, counts all. */
typedef struct RowReceiver
{
	DestReceiver receiver; /* first, as the server wants it */
	TupleDesc desc;        /* NULL: the statement has returned no rows, not even none */
	JsonArray rows;
	int64 count;
	Size size;
	MemoryContext result; /* where the rows are kept */
	MemoryContext scratch;
} RowReceiver;

bool
run_sql_is(Oid function)
{
	return function == capability_function("run_sql");
}

static void
receiver_start(DestReceiver *self, pg_attribute_unused() int operation, TupleDesc desc)
{
	RowReceiver *receiver = (RowReceiver *) self;
	MemoryContext old = MemoryContextSwitchTo(receiver->result);

	/* The names are those of the result, whatever row they were taken from. */
	receiver->desc = CreateTupleDescCopy(desc);
	receiver->desc->tdtypeid = RECORDOID;
	receiver->desc->tdtypmod = -1;
	BlessTupleDesc(receiver->desc);
	MemoryContextSwitchTo(old);
}

static bool
receiver_take(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	MemoryContext old;
	Jsonb *row;
	Jsonb *kept;

	receiver->count++;
	if (receiver->count > setting_run_sql_max_rows ||
		receiver->size > (Size) setting_max_result_size * 1024)
		return true;

	old = MemoryContextSwitchTo(receiver->scratch);
	slot_getallattrs(slot);
	row = json_from_datum(HeapTupleGetDatum(heap_form_tuple(receiver->desc, slot->tts_values,
															slot->tts_isnull)),
						  false, RECORDOID);
	MemoryContextSwitchTo(receiver->result);
	kept = (Jsonb *) memcpy(palloc(VARSIZE(row)), row, VARSIZE(row));
	receiver->size += VARSIZE(row);
	json_array_add(&receiver->rows, kept);
	MemoryContextSwitchTo(old);
	MemoryContextReset(receiver->scratch);
	return true;
}

static void
receiver_ignore(pg_attribute_unused() DestReceiver *self)
{
}

/*
 * Run the statement: returns how many rows the server counted.  All of it runs,
 * whether its rows are kept or not.
 */
static int64
execute_text(const char *text, RowReceiver *receiver)
{
	SPIExecuteOptions options = {.dest = &receiver->receiver};
	int outcome;
	int64 processed;

	SPI_connect();
	outcome = SPI_execute_extended(text, &options);
	if (outcome < 0)
		elog(ERROR, "could not run the statement: %s", SPI_result_code_string(outcome));
	processed = SPI_processed;
	SPI_finish();
	return processed;
}

/* Refuse a call by anything but the running call of the tool itself. */
void
run_sql_begin(Oid function)
{
	if (running_call() == NULL)
		report_wrong_state("wfo_only_as_tool", errmsg("run_sql can run only as a tool"),
						   errhint("Register it with register_tool, and propose a call of it."));
	if (running_call()->function != function)
		report_denied("wfo_in_tool", errmsg("run_sql cannot be called while a tool runs"),
					  errdetail("Another tool is running in this session."),
					  errhint("The tool can run the statement itself."));
	if (running_is_statement())
		report_denied("wfo_in_tool",
					  errmsg("run_sql cannot be called by a statement that it runs"));
}

/* Run a statement as the tool of the running call: command tag, row count and rows. */
Jsonb *
run_sql(const char *text)
{
	RowReceiver receiver = {.receiver = {.receiveSlot = receiver_take,
										 .rStartup = receiver_start,
										 .rShutdown = receiver_ignore,
										 .rDestroy = receiver_ignore,
										 .mydest = DestTuplestore}};
	Running outer = running_save();
	RawStmt *statement;
	JsonObject object;
	int64 processed = 0;

	statement = statement_parse(text);
	receiver.result = CurrentMemoryContext;
	receiver.scratch = AllocSetContextCreate(CurrentMemoryContext, "run_sql row",
											 ALLOCSET_DEFAULT_SIZES);
	json_array_begin(&receiver.rows);
	running_enter_statement();
	PG_TRY();
	{
		processed = execute_text(text, &receiver);
	}
	PG_FINALLY();
	{
		running_restore(&outer);
	}
	PG_END_TRY();

	json_object_begin(&object);
	json_add_text(&object, "command_tag", GetCommandTagName(CreateCommandTag(statement->stmt)));
	json_add_int(&object, "row_count", Max(processed, receiver.count));
	json_add_jsonb(&object, "rows", receiver.desc != NULL ? json_array_end(&receiver.rows) : NULL);
	json_add_bool(&object, "truncated", receiver.count > setting_run_sql_max_rows);
	return json_object_end(&object);
}
