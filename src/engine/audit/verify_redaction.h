/*
 * verify_redaction.h
 *	  Compares the redactions with the audit rows that tell of them.
 */
#ifndef WFO_ENGINE_VERIFY_REDACTION_H
#define WFO_ENGINE_VERIFY_REDACTION_H

#include "postgres.h"

#include "engine/audit/finding.h"

extern void verify_redactions(const Findings *findings);

#endif
