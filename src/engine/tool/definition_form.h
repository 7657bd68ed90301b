/*
 * definition_form.h
 *	  The normal form of what a definition has as the server's own SQL text.
 */
#ifndef WFO_ENGINE_DEFINITION_FORM_H
#define WFO_ENGINE_DEFINITION_FORM_H

#include "postgres.h"

#include "engine/tool/definition.h"

extern ErrorData *definition_normalize(const Tool *tool, const Definition *now, Jsonb **definitions,
									   int count);

#endif
