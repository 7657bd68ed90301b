/*
 * canonical.h
 *	  Values as bytes, which are the same on every server.
 */
#ifndef WFO_ENGINE_CANONICAL_H
#define WFO_ENGINE_CANONICAL_H

#include "postgres.h"

#include "lib/stringinfo.h"

extern void canonical_add_null(StringInfo bytes);
extern void canonical_add_bytes(StringInfo bytes, const void *data, Size length);
extern void canonical_add_int64(StringInfo bytes, int64 value);
extern void canonical_add_text(StringInfo bytes, const char *text, Size length);
extern void canonical_add_datum(StringInfo bytes, Datum value, bool isnull, Oid type);

#endif
