/*
 * verify_definition.h
 *	  Compares the stored definitions of tools with their hashes.
 */
#ifndef WFO_ENGINE_VERIFY_DEFINITION_H
#define WFO_ENGINE_VERIFY_DEFINITION_H

#include "postgres.h"

#include "engine/audit/finding.h"

extern void verify_definitions(const Findings *findings);

#endif
