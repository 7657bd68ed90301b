/*
 * describe.c
 *	  Writes down functions and types as JSON, by names.
 *
 * It writes names and not OIDs, so that the result survives a dump and a
 * restore.  The result depends on the search_path, which the caller sets.
 *
 * A type is described with all types that it consists of and with the user's
 * code that runs when its values are read and written: functions of a domain's
 * CHECK, a range's canonical function, input and output functions, casts to
 * json.  Functions that these call in turn are not described.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_range.h"
#include "catalog/pg_type.h"
#include "engine/tool/argument_type.h"
#include "engine/tool/describe.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* The text of one part of a function that ruleutils.c deparses, or NULL. */
static char *
deparse(PGFunction function, Oid oid, int argument)
{
	LOCAL_FCINFO(fcinfo, 2);
	FmgrInfo flinfo;
	Datum value;

	memset(&flinfo, 0, sizeof(flinfo));
	flinfo.fn_mcxt = CurrentMemoryContext;
	InitFunctionCallInfoData(*fcinfo, &flinfo, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = ObjectIdGetDatum(oid);
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value = Int32GetDatum(argument);
	fcinfo->args[1].isnull = false;
	value = function(fcinfo);
	return fcinfo->isnull ? NULL : TextDatumGetCString(value);
}

static char *
proc_text(HeapTuple tuple, AttrNumber attribute)
{
	bool isnull;
	Datum value = SysCacheGetAttr(PROCOID, tuple, attribute, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* The default of an argument, counted from 1. */
char *
describe_default(Oid function, int argument, Described *described)
{
	described->has_sql = true;
	return deparse(pg_get_function_arg_default, function, argument);
}

/* Add what a function does, and with which owner and settings, to the object. */
void
describe_function(JsonObject *json, HeapTuple tuple, Described *described)
{
	Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);
	char *body = deparse(pg_get_function_sqlbody, proc->oid, 0);
	Datum settings;
	bool isnull;

	described->has_sql |= body != NULL;
	json_add_text(json, "body", body != NULL ? body : proc_text(tuple, Anum_pg_proc_prosrc));
	json_add_text(json, "library", proc_text(tuple, Anum_pg_proc_probin));
	json_add_text(json, "language", get_language_name(proc->prolang, false));
	json_add_text(json, "owner", GetUserNameFromId(proc->proowner, false));
	json_add_bool(json, "security_definer", proc->prosecdef);
	json_add_text(json, "volatility", (char[]){proc->provolatile, '\0'});
	json_add_bool(json, "strict", proc->proisstrict);
	json_add_text(json, "result", format_type_be_qualified(proc->prorettype));
	json_add_bool(json, "returns_set", proc->proretset);
	settings = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &isnull);
	json_add_jsonb(json, "settings", json_from_datum(settings, isnull, TEXTARRAYOID));
}

static void
add_type(Described *described, Oid type)
{
	described->types = list_concat_unique_oid(described->types, type_closure(type));
}

/* Note a function that a type uses, and add its signature to the object. */
static void
add_function(Described *described, JsonObject *json, const char *key, Oid function)
{
	if (!OidIsValid(function))
		return;
	if (json != NULL)
		json_add_text(json, key, format_procedure_qualified(function));
	if (function >= FirstNormalObjectId)
		described->functions = list_append_unique_oid(described->functions, function);
}

static bool
collect_function(Oid function, void *context)
{
	add_function(context, NULL, NULL, function);
	return false;
}

/* Note what an expression calls, and the domains that it converts to. */
static bool
collect(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, CoerceToDomain))
		add_type(context, ((CoerceToDomain *) node)->resulttype);
	(void) check_functions_in_node(node, collect_function, context);
	return expression_tree_walker(node, collect, context);
}

static char *
type_name(Oid type, int32 typmod)
{
	return format_type_extended(type, typmod,
								FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

static void
add_collation(JsonObject *json, Oid collation)
{
	HeapTuple tuple;
	Form_pg_collation form;

	if (!OidIsValid(collation) || collation == DEFAULT_COLLATION_OID)
		return;
	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", collation);
	form = (Form_pg_collation) GETSTRUCT(tuple);
	json_add_text(json, "collation",
				  quote_qualified_identifier(get_namespace_name(form->collnamespace),
											 NameStr(form->collname)));
	ReleaseSysCache(tuple);
}

/* The CHECK constraints of a domain by their names, in whose order they are checked. */
static Jsonb *
describe_checks(Described *described, Oid domain)
{
	Relation rel = table_open(ConstraintRelationId, AccessShareLock);
	JsonObject checks;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	json_object_begin(&checks);
	ScanKeyInit(&key, Anum_pg_constraint_contypid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(domain));
	scan = systable_beginscan(rel, ConstraintTypidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);
		bool isnull;
		Datum binary;
		Node *expression;

		if (constraint->contype != CONSTRAINT_CHECK)
			continue;
		binary = fastgetattr(tuple, Anum_pg_constraint_conbin, RelationGetDescr(rel), &isnull);
		described->has_sql = true;
		expression = stringToNode(TextDatumGetCString(binary));
		json_add_text(&checks, NameStr(constraint->conname),
					  deparse_expression(expression, NIL, false, false));
		(void) collect(expression, described);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return json_object_end(&checks);
}

/* The labels of an enum, in their order. */
static Jsonb *
describe_labels(Oid type)
{
	Relation rel = table_open(EnumRelationId, AccessShareLock);
	Relation index = index_open(EnumTypIdSortOrderIndexId, AccessShareLock);
	JsonArray labels;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	json_array_begin(&labels);
	ScanKeyInit(&key, Anum_pg_enum_enumtypid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(type));
	scan = systable_beginscan_ordered(rel, index, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
		json_array_add_text(&labels, NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel));
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	return json_array_end(&labels);
}

static Jsonb *
describe_attributes(Oid type)
{
	TupleDesc desc = lookup_rowtype_tupdesc_copy(type, -1);
	JsonArray attributes;

	json_array_begin(&attributes);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		JsonObject object;

		if (attribute->attisdropped)
			continue;
		json_object_begin(&object);
		json_add_text(&object, "name", NameStr(attribute->attname));
		json_add_text(&object, "type", type_name(attribute->atttypid, attribute->atttypmod));
		add_collation(&object, attribute->attcollation);
		json_array_add(&attributes, json_object_end(&object));
	}
	return json_array_end(&attributes);
}

static void
describe_range(Described *described, JsonObject *json, Oid type)
{
	HeapTuple tuple = SearchSysCache1(RANGETYPE, ObjectIdGetDatum(type));
	HeapTuple class_tuple;
	Form_pg_range range;
	Form_pg_opclass class;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for range type %u", type);
	range = (Form_pg_range) GETSTRUCT(tuple);
	json_add_text(json, "range", format_type_be_qualified(range->rngsubtype));
	add_collation(json, range->rngcollation);
	add_function(described, json, "canonical", range->rngcanonical);
	class_tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(range->rngsubopc));
	if (!HeapTupleIsValid(class_tuple))
		elog(ERROR, "cache lookup failed for operator class %u", range->rngsubopc);
	class = (Form_pg_opclass) GETSTRUCT(class_tuple);
	json_add_text(json, "operator_class",
				  quote_qualified_identifier(get_namespace_name(class->opcnamespace),
											 NameStr(class->opcname)));
	ReleaseSysCache(class_tuple);
	ReleaseSysCache(tuple);
}

/* Describe a user-defined type.  Arrays are left out, since their elements tell everything. */
static Jsonb *
describe_type(Described *described, Oid type)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Form_pg_type form;
	Oid cast = InvalidOid;
	JsonObject json;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	form = (Form_pg_type) GETSTRUCT(tuple);
	json_object_begin(&json);
	switch (form->typtype)
	{
		case TYPTYPE_DOMAIN:
			json_add_text(&json, "domain", type_name(form->typbasetype, form->typtypmod));
			json_add_bool(&json, "not_null", form->typnotnull);
			add_collation(&json, form->typcollation);
			json_add_jsonb(&json, "checks", describe_checks(described, type));
			break;
		case TYPTYPE_COMPOSITE:
			json_add_jsonb(&json, "attributes", describe_attributes(type));
			break;
		case TYPTYPE_ENUM:
			json_add_jsonb(&json, "labels", describe_labels(type));
			break;
		case TYPTYPE_RANGE:
			describe_range(described, &json, type);
			break;
		case TYPTYPE_MULTIRANGE:
			json_add_text(&json, "multirange",
						  format_type_be_qualified(get_multirange_range(type)));
			break;
		default:
			add_function(described, &json, "input", form->typinput);
			add_function(described, &json, "output", form->typoutput);
			json_add_text(&json, "delimiter", (char[]){form->typdelim, '\0'});
			break;
	}
	if (form->typtype != TYPTYPE_DOMAIN && form->typtype != TYPTYPE_COMPOSITE &&
		find_coercion_pathway(JSONOID, type, COERCION_EXPLICIT, &cast) == COERCION_PATH_FUNC)
		add_function(described, &json, "json_cast", cast);
	ReleaseSysCache(tuple);
	return json_object_end(&json);
}

static Jsonb *
describe_used_function(Described *described, Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	JsonObject json;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	json_object_begin(&json);
	describe_function(&json, tuple, described);
	ReleaseSysCache(tuple);
	return json_object_end(&json);
}

/*
 * Add the members "types" and "functions" to the object: the user-defined types
 * that these types consist of, and the user-defined functions that those use.
 * Both lists grow in the process.
 */
void
describe_types(JsonObject *json, const Oid *types, int count, Described *described)
{
	JsonObject object;

	for (int i = 0; i < count; i++)
		add_type(described, types[i]);

	json_object_begin(&object);
	for (int i = 0; i < list_length(described->types); i++)
	{
		Oid type = list_nth_oid(described->types, i);

		if (type >= FirstNormalObjectId && !OidIsValid(get_element_type(type)))
			json_add_jsonb(&object, format_type_be_qualified(type), describe_type(described, type));
	}
	json_add_jsonb(json, "types", json_object_end(&object));

	json_object_begin(&object);
	for (int i = 0; i < list_length(described->functions); i++)
	{
		Oid function = list_nth_oid(described->functions, i);

		json_add_jsonb(&object, format_procedure_qualified(function),
					   describe_used_function(described, function));
	}
	json_add_jsonb(json, "functions", json_object_end(&object));
}
