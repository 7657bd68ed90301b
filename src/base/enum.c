/*
 * enum.c
 *	  Converts between SQL enum types and C enums.
 *
 * Owns the look-up of labels in the catalog. model/status.c has the labels.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/cache.h"
#include "base/enum.h"
#include "base/names.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/syscache.h"

/* Return the value of a label, or -1. */
int
enum_parse(const EnumType *type, const char *label)
{
	for (int i = 0; i < type->nlabels; i++)
		if (strcmp(type->labels[i], label) == 0)
			return i;
	return -1;
}

const char *
enum_label(const EnumType *type, int value)
{
	Assert(value >= 0 && value < type->nlabels);
	return type->labels[value];
}

/* Return all labels for a hint, as a palloc'd string. */
char *
enum_list(const EnumType *type)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < type->nlabels; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", type->labels[i]);
	return list.data;
}

static Oid
find_label(const EnumType *type, int value)
{
	Oid typid = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(type->name),
								ObjectIdGetDatum(extension_schema()));
	Oid label = GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid, ObjectIdGetDatum(typid),
								CStringGetDatum(enum_label(type, value)));

	if (!OidIsValid(label))
		elog(ERROR, "type %s.%s has no label \"%s\"", WFO_SCHEMA, type->name,
			 enum_label(type, value));
	return label;
}

/* The SQL value of a label, which is the label's OID, kept until catalogs change. */
Datum
enum_to_datum(const EnumType *type, int value)
{
	static const int caches[] = {NAMESPACEOID, TYPEOID, ENUMOID};
	static Cache *labels = NULL;
	const uint64 key[] = {(uintptr_t) type, (uint64) value};
	MemoryContext memory;
	Oid *label;

	if (labels == NULL)
	{
		labels = cache_create("enum label");
		cache_depend_on_catalogs(labels, caches, lengthof(caches));
	}
	label = cache_get(labels, key, sizeof(key));
	if (label == NULL)
	{
		memory = cache_begin_value();
		label = MemoryContextAlloc(memory, sizeof(Oid));
		*label = find_label(type, value);
		cache_put(labels, key, sizeof(key), label, memory);
	}
	return ObjectIdGetDatum(*label);
}

int
enum_from_datum(const EnumType *type, Datum datum)
{
	HeapTuple entry = SearchSysCache1(ENUMOID, datum);
	int value;

	if (!HeapTupleIsValid(entry))
		elog(ERROR, "cache lookup failed for enum value %u", DatumGetObjectId(datum));
	value = enum_parse(type, NameStr(((Form_pg_enum) GETSTRUCT(entry))->enumlabel));
	ReleaseSysCache(entry);
	if (value < 0)
		elog(ERROR, "type %s.%s has a label that the library does not know", WFO_SCHEMA,
			 type->name);
	return value;
}
