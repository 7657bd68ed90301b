/*
 * call_settings.c
 *	  The settings that a call of a tool sees.
 *
 * It owns the list of these settings.  A call behaves the same whoever makes
 * it: settings that the caller has made with SET, with ALTER ROLE or when
 * opening the connection do not reach it.  Other state of the session is in
 * session_state.c and cursors.c.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/names.h"
#include "catalog/namespace.h"
#include "engine/sandbox/call_settings.h"
#include "miscadmin.h"
#include "parser/parse_expr.h"
#include "parser/parser.h"
#include "pgtime.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc_tables.h"
#include "utils/rls.h"
#include "utils/xml.h"

/* Settings that change what a value or a query means, the same for every call. */
static const struct
{
	const char *name;
	const char *value;
} pinned[] = {
	{"DateStyle", "ISO, MDY"},
	{"IntervalStyle", "postgres"},
	{"extra_float_digits", "1"},
	{"bytea_output", "hex"},
	{"xmlbinary", "base64"},
	{"xmloption", "content"},
	{"transform_null_equals", "off"},
	{"standard_conforming_strings", "on"},
	{"row_security", "on"},
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_read_only", "off"},
	{"default_transaction_deferrable", "off"},
};

/* More of them, which are set one by one since a server's own values often differ. */
static const struct
{
	const char *name;
	const char *value;
} pinned_alone[] = {
	{"lc_monetary", "C"},
	{"lc_numeric", "C"},
	{"lc_time", "C"},
	{"timezone_abbreviations", "Default"},
};

/*
 * Settings of the caller that a call keeps: those of the connection and its
 * messages, one that cannot change once the session has used temporary tables,
 * and the transaction's timeout (since 17), which would start again if it were
 * reset.  The limits of this extension stay as well.
 */
static const char *const kept[] = {"client_encoding", "application_name", "client_min_messages",
								   "temp_buffers", "transaction_timeout"};

static void
pin(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
}

/* Whether the settings above have the pinned values, as they mostly do. */
static bool
is_pinned(void)
{
	return DateStyle == USE_ISO_DATES && DateOrder == DATEORDER_MDY &&
		   IntervalStyle == INTSTYLE_POSTGRES && extra_float_digits == 1 &&
		   bytea_output == BYTEA_OUTPUT_HEX && xmlbinary == XMLBINARY_BASE64 &&
		   xmloption == XMLOPTION_CONTENT && !Transform_null_equals &&
		   standard_conforming_strings && row_security &&
		   DefaultXactIsoLevel == XACT_READ_COMMITTED && !DefaultXactReadOnly &&
		   !DefaultXactDeferrable;
}

static bool
is_kept(const char *name)
{
	if (strncmp(name, WFO_NAME ".", strlen(WFO_NAME ".")) == 0)
		return true;
	for (int i = 0; i < (int) lengthof(kept); i++)
		if (strcmp(kept[i], name) == 0)
			return true;
	return false;
}

/*
 * The built-in value of a setting, before files, roles and connections change
 * it; NULL if it has none.
 */
static char *
boot_value(struct config_generic *variable)
{
	switch (variable->vartype)
	{
		case PGC_BOOL:
			return pstrdup(((struct config_bool *) variable)->boot_val ? "on" : "off");
		case PGC_INT:
			return psprintf("%d", ((struct config_int *) variable)->boot_val);
		case PGC_REAL:
			return psprintf("%.17g", ((struct config_real *) variable)->boot_val);
		case PGC_ENUM:
			return pstrdup(config_enum_lookup_by_value((struct config_enum *) variable,
													   ((struct config_enum *) variable)
														   ->boot_val));
		case PGC_STRING:
			if ((variable->flags & GUC_CUSTOM_PLACEHOLDER) != 0)
				return pstrdup("");
			if (((struct config_string *) variable)->boot_val != NULL)
				return pstrdup(((struct config_string *) variable)->boot_val);
			return NULL;
	}
	pg_unreachable();
}

/*
 * Whether a setting's default is the caller's own: made with ALTER ROLE, or
 * given as the connection was opened.
 */
static bool
has_callers_default(const struct config_generic *variable)
{
	return variable->context == PGC_USERSET && variable->reset_source >= PGC_S_USER &&
		   variable->reset_source <= PGC_S_CLIENT;
}

/*
 * Give the settings the values that a call sees, until the current GUC nest
 * level ends.  Settings of the pinned list get its values.  What the session
 * has SET gets its default, by the rules of RESET ALL (ResetAllOptions in
 * guc.c), or the server's built-in value if the default is the caller's own.
 */
void
call_settings_pin(const char *search_path)
{
	int count;
	struct config_generic **variables = compat_guc_variables(&count);
	List *names = NIL;
	List *values = NIL;
	ListCell *name;
	ListCell *value;

	Assert(search_path != NULL && IsTransactionState());
	for (int i = 0; i < count; i++)
	{
		struct config_generic *variable = variables[i];
		bool callers_default = has_callers_default(variable);

		if ((variable->source <= PGC_S_OVERRIDE && !callers_default) ||
			(variable->context != PGC_SUSET && variable->context != PGC_USERSET) ||
			(variable->flags & GUC_NO_RESET_ALL) != 0 || is_kept(variable->name))
			continue;
		names = lappend(names, pstrdup(variable->name));
		values = lappend(values, callers_default ? boot_value(variable) : NULL);
	}
	forboth(name, names, value, values)(void)
		set_config_option((char *) lfirst(name), (char *) lfirst(value), PGC_SUSET, PGC_S_SESSION,
						  GUC_ACTION_SAVE, true, 0, false);

	if (!is_pinned())
		for (int i = 0; i < (int) lengthof(pinned); i++)
			pin(pinned[i].name, pinned[i].value);
	for (int i = 0; i < (int) lengthof(pinned_alone); i++)
		if (strcmp(GetConfigOption(pinned_alone[i].name, false, false), pinned_alone[i].value) != 0)
			pin(pinned_alone[i].name, pinned_alone[i].value);
	if (strcmp(pg_get_timezone_name(session_timezone), "UTC") != 0)
		pin("TimeZone", "UTC");
	if (strcmp(namespace_search_path, search_path) != 0)
		pin("search_path", search_path);
}
