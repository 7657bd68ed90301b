/*
 * argument.c
 *	  Arguments of a call: read from jsonb, and written as jsonb again.
 *
 * Both are done by the server's own functions, jsonb_populate_record and
 * to_jsonb.  Only names of objects are written here: the server leaves out the
 * schema of what the present search_path finds, and what is written is to mean
 * the same under any search_path.  All of it may run code of user-defined
 * types, as whoever is the current user.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/errors.h"
#include "base/json.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_type.h"
#include "engine/tool/argument.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* Where the objects stand that a type's values name; schema 0: they are in none. */
typedef struct NameType
{
	Oid type;
	int cache;
	AttrNumber name;
	AttrNumber schema;
} NameType;

static const NameType name_types[] = {
	{REGPROCOID, PROCOID, Anum_pg_proc_proname, Anum_pg_proc_pronamespace},
	{REGPROCEDUREOID, PROCOID, Anum_pg_proc_proname, Anum_pg_proc_pronamespace},
	{REGOPEROID, OPEROID, Anum_pg_operator_oprname, Anum_pg_operator_oprnamespace},
	{REGOPERATOROID, OPEROID, Anum_pg_operator_oprname, Anum_pg_operator_oprnamespace},
	{REGCLASSOID, RELOID, Anum_pg_class_relname, Anum_pg_class_relnamespace},
	{REGTYPEOID, TYPEOID, Anum_pg_type_typname, Anum_pg_type_typnamespace},
	{REGROLEOID, AUTHOID, Anum_pg_authid_rolname, 0},
	{REGNAMESPACEOID, NAMESPACEOID, Anum_pg_namespace_nspname, 0},
	{REGCOLLATIONOID, COLLOID, Anum_pg_collation_collname, Anum_pg_collation_collnamespace},
	{REGCONFIGOID, TSCONFIGOID, Anum_pg_ts_config_cfgname, Anum_pg_ts_config_cfgnamespace},
	{REGDICTIONARYOID, TSDICTOID, Anum_pg_ts_dict_dictname, Anum_pg_ts_dict_dictnamespace},
};

/* Convert members of the params to a record, whose columns are those arguments. */
static Datum
read_record(const Definition *definition, const int *positions, int count, Jsonb *params,
			TupleDesc *desc)
{
	Datum *values = palloc0(sizeof(Datum) * Max(count, 1));
	bool *nulls = palloc(sizeof(bool) * Max(count, 1));

	*desc = CreateTemplateTupleDesc(count);
	for (int i = 0; i < count; i++)
	{
		TupleDescInitEntry(*desc, i + 1, definition->arg_names[positions[i]],
						   definition->arg_types[positions[i]], -1, 0);
		nulls[i] = true;
	}
	BlessTupleDesc(*desc);
	return json_to_record_datum(HeapTupleGetDatum(heap_form_tuple(*desc, values, nulls)), params);
}

/* Convert members of the params to the types of the arguments at these positions. */
void
arguments_read(const Definition *definition, const int *positions, int count, Jsonb *params,
			   Datum *values, bool *nulls)
{
	TupleDesc desc;
	Datum record = read_record(definition, positions, count, params, &desc);
	HeapTupleData tuple = {.t_data = DatumGetHeapTupleHeader(record)};

	tuple.t_len = HeapTupleHeaderGetDatumLength(tuple.t_data);
	heap_deform_tuple(&tuple, desc, values, nulls);
}

/*
 * Convert members of the params and write them again, all at once, which takes
 * less time than one by one; NULL where that might lose something.  Not for
 * types with names.
 */
Jsonb *
arguments_rewrite(const Definition *definition, const int *positions, int count, Jsonb *params)
{
	TupleDesc desc;
	Datum record = read_record(definition, positions, count, params, &desc);
	Jsonb *written = json_from_datum(record, false, RECORDOID);

	if (!definition->fixed_types &&
		!datum_image_eq(record, read_record(definition, positions, count, written, &desc), false,
						-1))
		return NULL;
	return written;
}

static void
report_no_name(Oid type, Oid object, const char *detail)
{
	report_invalid("wfo_params_unfit",
				   errmsg("%u of type %s has no name that can be stored", object,
						  format_type_be(type)),
				   errdetail_internal("%s", detail));
}

/* A row's name with its schema, by the type that it is named by. */
static char *
name_of_row(const NameType *kind, HeapTuple tuple, Oid object)
{
	bool isnull;
	char *name = NameStr(*DatumGetName(SysCacheGetAttr(kind->cache, tuple, kind->name, &isnull)));
	Oid schema = InvalidOid;

	if (kind->schema != 0)
		schema = DatumGetObjectId(SysCacheGetAttr(kind->cache, tuple, kind->schema, &isnull));
	if (isAnyTempNamespace(kind->type == REGNAMESPACEOID ? object : schema))
		report_no_name(kind->type, object, "Temporary objects belong to one session.");

	switch (kind->type)
	{
		case REGPROCEDUREOID:
			return format_procedure_qualified(object);
		case REGOPERATOROID:
			return format_operator_qualified(object);
		case REGTYPEOID:
			return format_type_be_qualified(object);
		case REGOPEROID:
			return psprintf("%s.%s", quote_identifier(get_namespace_name(schema)), name);
		default:
			return OidIsValid(schema) ? quote_qualified_identifier(get_namespace_name(schema), name)
									  : pstrdup(quote_identifier(name));
	}
}

/*
 * Write the name of an object in full.  A number that is no object's is
 * refused: some day it could be.
 */
static Jsonb *
write_name(Oid object, Oid type)
{
	const NameType *kind = name_types;
	HeapTuple tuple;
	char *name = "-";

	while (kind->type != type)
		kind++;
	if (OidIsValid(object))
	{
		tuple = SearchSysCache1(kind->cache, ObjectIdGetDatum(object));
		if (!HeapTupleIsValid(tuple))
			report_no_name(type, object, "There is no such object.");
		name = name_of_row(kind, tuple, object);
		ReleaseSysCache(tuple);
	}
	return json_string(name);
}

static Jsonb *write_value(Datum value, bool isnull, Oid type);

/* Write the elements of one dimension of an array, and those below it. */
static Jsonb *
write_dimension(ArrayType *array, int dimension, Datum **values, bool **nulls)
{
	JsonArray json;

	json_array_begin(&json);
	for (int i = 0; ARR_NDIM(array) > 0 && i < ARR_DIMS(array)[dimension]; i++)
	{
		if (dimension + 1 < ARR_NDIM(array))
			json_array_add(&json, write_dimension(array, dimension + 1, values, nulls));
		else
			json_array_add(&json, write_value(*(*values)++, *(*nulls)++, ARR_ELEMTYPE(array)));
	}
	return json_array_end(&json);
}

static Jsonb *
write_array(ArrayType *array)
{
	int16 length;
	bool by_value;
	char align;
	Datum *values;
	bool *nulls;
	int count;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, align, &values, &nulls, &count);
	return write_dimension(array, 0, &values, &nulls);
}

static Jsonb *
write_composite(HeapTupleHeader row)
{
	TupleDesc desc = lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(row),
												 HeapTupleHeaderGetTypMod(row));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row), .t_data = row};
	Datum *values = palloc(sizeof(Datum) * Max(desc->natts, 1));
	bool *nulls = palloc(sizeof(bool) * Max(desc->natts, 1));
	JsonObject json;

	heap_deform_tuple(&tuple, desc, values, nulls);
	json_object_begin(&json);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped)
			json_add_jsonb(&json, NameStr(attribute->attname),
						   write_value(values[i], nulls[i], attribute->atttypid));
	}
	return json_object_end(&json);
}

/* to_jsonb(value), but for the names of objects in it. */
static Jsonb *
write_value(Datum value, bool isnull, Oid type)
{
	TypeFacts facts;

	check_stack_depth();
	type = getBaseType(type);
	type_facts(type, &facts);
	if (isnull || !facts.has_names)
		return json_from_datum(value, isnull, type);
	if (type_is_name(type))
		return write_name(DatumGetObjectId(value), type);
	if (OidIsValid(get_element_type(type)))
		return write_array(DatumGetArrayTypeP(value));
	if (get_typtype(type) == TYPTYPE_COMPOSITE)
		return write_composite(DatumGetHeapTupleHeader(value));
	report_invalid("wfo_params_unfit",
				   errmsg("type %s cannot be stored as JSON", format_type_be(type)),
				   errdetail("It contains names of objects where they "
							 "cannot be written with their schemas."));
}

/* The value of an argument as it is stored. */
Jsonb *
argument_write(const Definition *definition, int position, Datum value, bool isnull)
{
	if (!definition->arg_facts[position].has_names)
		return json_from_datum(value, isnull, definition->arg_types[position]);
	return write_value(value, isnull, definition->arg_types[position]);
}

/* Whether the type's own operator = finds two values equal. */
static bool
are_equal(Oid type, Datum a, Datum b)
{
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_EQ_OPR_FINFO);

	return OidIsValid(entry->eq_opr_finfo.fn_oid) &&
		   DatumGetBool(FunctionCall2Coll(&entry->eq_opr_finfo, get_typcollation(type), a, b));
}

/*
 * Whether two values of an argument are the same to any function: not merely
 * equal, as arrays of different bounds or 1.0 and 1.00 may be.  The bytes tell,
 * but for xml, which keeps an encoding that it does not show, and for types
 * whose bytes nobody here knows.
 */
bool
argument_is_same(const Definition *definition, int position, Datum a, Datum b)
{
	Oid type = definition->arg_types[position];
	const TypeFacts *facts = &definition->arg_facts[position];
	int16 length;
	bool by_value;
	Oid output;
	bool is_varlena;

	get_typlenbyval(type, &length, &by_value);
	if (datum_image_eq(a, b, by_value, length))
		return true;
	if (!facts->has_xml && !facts->has_user_base)
		return false;
	getTypeOutputInfo(type, &output, &is_varlena);
	return strcmp(OidOutputFunctionCall(output, a), OidOutputFunctionCall(output, b)) == 0 &&
		   (!facts->has_user_base || are_equal(type, a, b));
}
