/*
 * labels.h
 *	  Enum labels as SQL values, for those who may not know the tables.
 */
#ifndef WFO_ENGINE_LABELS_H
#define WFO_ENGINE_LABELS_H

#include "postgres.h"

#include "store/table.h"

static inline Oid
label_datum(const EnumType *type, int value)
{
	return enum_datum(type, value);
}

#endif
