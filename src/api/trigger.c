/*
 * trigger.c
 *	  Trigger functions: guard before a write, record after it.
 *
 * It passes the rows on to engine/audit, which refuses and records.  It does
 * not know the tables.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "engine/audit/guard.h"
#include "engine/audit/record.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(wfo_guard);
PG_FUNCTION_INFO_V1(wfo_record);

/* Called for each row, and once per statement for TRUNCATE. */
Datum
wfo_guard(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "wfo_guard is a trigger function");

	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
	{
		guard_delete(data->tg_relation, "TRUNCATE");
		return PointerGetDatum(NULL);
	}
	if (TRIGGER_FIRED_BY_DELETE(data->tg_event))
	{
		guard_delete(data->tg_relation, "DELETE");
		return PointerGetDatum(data->tg_trigtuple);
	}
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
	{
		guard_update(data->tg_relation, data->tg_trigtuple, data->tg_newtuple);
		return PointerGetDatum(data->tg_newtuple);
	}
	return PointerGetDatum(guard_insert(data->tg_relation, data->tg_trigtuple));
}

Datum
wfo_record(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "wfo_record is a trigger function");

	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		record_update(data->tg_relation, data->tg_trigtuple, data->tg_newtuple);
	else
		record_insert(data->tg_relation, data->tg_trigtuple);
	return PointerGetDatum(NULL);
}
