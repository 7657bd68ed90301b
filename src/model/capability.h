/*
 * capability.h
 *	  Defines what each capability lets a role call and read.
 */
#ifndef WFO_MODEL_CAPABILITY_H
#define WFO_MODEL_CAPABILITY_H

#include "postgres.h"

typedef enum Capability
{
	CAPABILITY_PROPOSE,
	CAPABILITY_REVIEW,
	CAPABILITY_EXECUTE,
	CAPABILITY_AUDIT,
	CAPABILITY_ADMINISTER,
	CAPABILITY_GATEWAY,
	CAPABILITY_BREAK_GLASS
} Capability;

#define CAPABILITY_COUNT 7

typedef struct CapabilityInfo
{
	const char *name;
	bool restricted;              /* only a superuser or the owner grants it */
	const char *const *functions; /* NULL-terminated; the first one defines */
	const char *const *tables;    /* NULL-terminated */
} CapabilityInfo;

extern const CapabilityInfo *capability_info(Capability capability);
extern bool capability_parse(const char *name, Capability *capability);
extern char *capability_list(void);
extern bool capability_has_function(Capability capability, const char *function);
extern bool capability_has_table(Capability capability, const char *table);

#endif
