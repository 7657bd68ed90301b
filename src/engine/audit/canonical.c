/*
 * canonical.c
 *	  Values as bytes, which are the same on every server.
 *
 * Owns the canonical form of a value, which doc/evidence.md writes down: a length
 * and so many bytes.  A hash of such bytes must not depend on a setting, on the
 * encoding of the database or on the machine, so no output function that a
 * setting steers is called.  Which values a leaf has is in leaf.c.
 */
#include "postgres.h"

#include <sys/socket.h>

#include "base/json_canonical.h"
#include "base/utf8.h"
#include "catalog/pg_type.h"
#include "engine/audit/canonical.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/inet.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#define NULL_LENGTH PG_UINT32_MAX

/* Microseconds from 1970, where the form counts from, to 2000, where the server does. */
#define EPOCH_DIFFERENCE \
	((uint64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * USECS_PER_SEC)

void
canonical_add_null(StringInfo bytes)
{
	uint32 ordered = pg_hton32(NULL_LENGTH);

	appendBinaryStringInfo(bytes, (const char *) &ordered, sizeof(ordered));
}

/* A leaf has some thirty values, so room is made once for the length and the bytes of each. */
void
canonical_add_bytes(StringInfo bytes, const void *data, Size length)
{
	uint32 ordered = pg_hton32((uint32) length);

	enlargeStringInfo(bytes, (int) (sizeof(ordered) + length));
	memcpy(bytes->data + bytes->len, &ordered, sizeof(ordered));
	memcpy(bytes->data + bytes->len + sizeof(ordered), data, length);
	bytes->len += (int) (sizeof(ordered) + length);
	bytes->data[bytes->len] = '\0';
}

void
canonical_add_int64(StringInfo bytes, int64 value)
{
	uint64 ordered = pg_hton64((uint64) value);

	canonical_add_bytes(bytes, &ordered, sizeof(ordered));
}

/* A text of the database's encoding, as UTF-8; where that is SQL_ASCII, as it is. */
void
canonical_add_text(StringInfo bytes, const char *text, Size length)
{
	const char *converted = utf8_of_text(text, &length);

	canonical_add_bytes(bytes, converted, length);
	if (converted != text)
		pfree(unconstify(char *, converted));
}

static void
add_cstring(StringInfo bytes, const char *text)
{
	canonical_add_text(bytes, text, strlen(text));
}

static void
add_varlena_text(StringInfo bytes, Datum value)
{
	text *detoasted = DatumGetTextPP(value);

	canonical_add_text(bytes, VARDATA_ANY(detoasted), VARSIZE_ANY_EXHDR(detoasted));
}

/* The last 30 years that the server knows are counted modulo 2^64. */
static void
add_timestamp(StringInfo bytes, TimestampTz value)
{
	canonical_add_int64(bytes, TIMESTAMP_NOT_FINITE(value)
								   ? value
								   : (int64) ((uint64) value + EPOCH_DIFFERENCE));
}

/* Microseconds, days and months, each as 8 bytes. */
static void
add_interval(StringInfo bytes, const Interval *value)
{
	uint64 parts[3] = {pg_hton64((uint64) value->time), pg_hton64((uint64) (int64) value->day),
					   pg_hton64((uint64) (int64) value->month)};

	canonical_add_bytes(bytes, parts, sizeof(parts));
}

/* The family (4 or 6), the length of the prefix, the bytes of the address. */
static void
add_inet(StringInfo bytes, inet *value)
{
	uint8 address[2 + 16];
	int length = ip_addrsize(value);

	address[0] = ip_family(value) == PGSQL_AF_INET ? 4 : 6;
	address[1] = ip_bits(value);
	memcpy(address + 2, ip_addr(value), length);
	canonical_add_bytes(bytes, address, 2 + length);
}

/* The elements, one after the other, as one value. */
static void
add_array(StringInfo bytes, ArrayType *array, Oid element)
{
	StringInfoData elements;
	Datum *values;
	bool *nulls;
	int count;

	initStringInfo(&elements);
	if (element == INT8OID)
		deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values,
						  &nulls, &count);
	else
		deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	for (int i = 0; i < count; i++)
		canonical_add_datum(&elements, values[i], nulls[i], element);
	canonical_add_bytes(bytes, elements.data, elements.len);
	pfree(elements.data);
}

/* A value of one of the types that the extension's tables have. */
void
canonical_add_datum(StringInfo bytes, Datum value, bool isnull, Oid type)
{
	if (isnull)
	{
		canonical_add_null(bytes);
		return;
	}
	switch (type)
	{
		case INT8OID:
			canonical_add_int64(bytes, DatumGetInt64(value));
			break;
		case INT4OID:
			canonical_add_int64(bytes, DatumGetInt32(value));
			break;
		case OIDOID:
			canonical_add_int64(bytes, DatumGetObjectId(value));
			break;
		case XID8OID:
			canonical_add_int64(bytes,
								(int64) U64FromFullTransactionId(DatumGetFullTransactionId(value)));
			break;
		case BOOLOID:
			canonical_add_bytes(bytes, DatumGetBool(value) ? "\1" : "\0", 1);
			break;
		case TIMESTAMPTZOID:
			add_timestamp(bytes, DatumGetTimestampTz(value));
			break;
		case INTERVALOID:
			add_interval(bytes, DatumGetIntervalP(value));
			break;
		case TEXTOID:
			add_varlena_text(bytes, value);
			break;
		case NAMEOID:
			add_cstring(bytes, NameStr(*DatumGetName(value)));
			break;
		case BYTEAOID:
		{
			bytea *detoasted = DatumGetByteaPP(value);

			canonical_add_bytes(bytes, VARDATA_ANY(detoasted), VARSIZE_ANY_EXHDR(detoasted));
			break;
		}
		case JSONBOID:
			add_cstring(bytes, json_canonical_text(DatumGetJsonbP(value)));
			break;
		case JSONPATHOID:
			add_cstring(bytes, DatumGetCString(DirectFunctionCall1(jsonpath_out, value)));
			break;
		case INETOID:
			add_inet(bytes, DatumGetInetPP(value));
			break;
		case INT8ARRAYOID:
			add_array(bytes, DatumGetArrayTypeP(value), INT8OID);
			break;
		case TEXTARRAYOID:
			add_array(bytes, DatumGetArrayTypeP(value), TEXTOID);
			break;
		default:
			if (!type_is_enum(type))
				elog(ERROR, "type %u has no canonical form", type);
			add_cstring(bytes, DatumGetCString(DirectFunctionCall1(enum_out, value)));
			break;
	}
}
