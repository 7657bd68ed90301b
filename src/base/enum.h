/*
 * enum.h
 *	  Enum types of SQL and their labels.
 */
#ifndef WFO_BASE_ENUM_H
#define WFO_BASE_ENUM_H

#include "postgres.h"

/* An enum type of SQL: its name and its labels, in the order of the C enum. */
typedef struct EnumType
{
	const char *name;
	int nlabels;
	const char *const *labels;
} EnumType;

extern int enum_parse(const EnumType *type, const char *label);
extern const char *enum_label(const EnumType *type, int value);
extern char *enum_list(const EnumType *type);
extern Datum enum_to_datum(const EnumType *type, int value);
extern int enum_from_datum(const EnumType *type, Datum datum);

#endif
