/*
 * json_canonical.h
 *	  The text of JSON that does not depend on the encoding of the database.
 */
#ifndef WFO_BASE_JSON_CANONICAL_H
#define WFO_BASE_JSON_CANONICAL_H

#include "postgres.h"

#include "utils/jsonb.h"

extern char *json_canonical_text(Jsonb *value);

#endif
