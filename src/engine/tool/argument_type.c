/*
 * argument_type.c
 *	  What the type of an argument is, down to its base types.
 *
 * A type is made of others: a composite of its attributes, an array of its
 * elements, a range of its bounds, a domain of its base type.  What a value
 * means depends on all of them, so questions about a type are questions about
 * its closure.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "engine/tool/argument_type.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

static bool
is_builtin(Oid type)
{
	return type < FirstNormalObjectId;
}

/* Whether values of a type are names of objects of the database. */
bool
type_is_name(Oid type)
{
	switch (type)
	{
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGOPEROID:
		case REGOPERATOROID:
		case REGCLASSOID:
		case REGTYPEOID:
		case REGROLEOID:
		case REGNAMESPACEOID:
		case REGCOLLATIONOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
			return true;
		default:
			return false;
	}
}

/* The type that a domain is directly over. */
Oid
domain_over(Oid domain)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));
	Oid base;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", domain);
	base = ((Form_pg_type) GETSTRUCT(tuple))->typbasetype;
	ReleaseSysCache(tuple);
	return base;
}

/* Append what a type is directly made of, as far as the list does not have it. */
static List *
append_parts(List *list, Oid type)
{
	switch (get_typtype(type))
	{
		case TYPTYPE_DOMAIN:
			return list_append_unique_oid(list, domain_over(type));
		case TYPTYPE_RANGE:
			return list_append_unique_oid(list, get_range_subtype(type));
		case TYPTYPE_MULTIRANGE:
			return list_append_unique_oid(list, get_multirange_range(type));
		case TYPTYPE_COMPOSITE:
		{
			TupleDesc desc = lookup_rowtype_tupdesc_copy(type, -1);

			for (int i = 0; i < desc->natts; i++)
				if (!TupleDescAttr(desc, i)->attisdropped)
					list = list_append_unique_oid(list, TupleDescAttr(desc, i)->atttypid);
			return list;
		}
		case TYPTYPE_BASE:
			if (OidIsValid(get_element_type(type)))
				return list_append_unique_oid(list, get_element_type(type));
			return list;
		default:
			return list;
	}
}

/* A type and all that it is made of, each once. */
List *
type_closure(Oid type)
{
	List *closure = list_make1_oid(type);

	for (int i = 0; i < list_length(closure); i++)
		closure = append_parts(closure, list_nth_oid(closure, i));
	return closure;
}

/* Whether no setting changes how values of a type are read and written. */
static bool
is_fixed(Oid type)
{
	switch (type)
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case TEXTOID:
		case VARCHAROID:
		case UUIDOID:
		case JSONBOID:
			return true;
		default:
			return false;
	}
}

void
type_facts(Oid type, TypeFacts *facts)
{
	ListCell *cell;

	*facts = (TypeFacts){.fixed = is_fixed(type), .builtin = true};
	if (facts->fixed)
		return;
	foreach (cell, type_closure(type))
	{
		Oid part = lfirst_oid(cell);

		facts->has_names |= type_is_name(part);
		facts->has_xml |= part == XMLOID;
		facts->builtin &= is_builtin(part) && !type_is_name(part);
		facts->has_user_base |= !is_builtin(part) && get_typtype(part) == TYPTYPE_BASE &&
								!OidIsValid(get_element_type(part));
	}
}
