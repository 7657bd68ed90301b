/*
 * redact_content.h
 *	  Redacts what people wrote in a proposal.
 */
#ifndef WFO_ENGINE_REDACT_CONTENT_H
#define WFO_ENGINE_REDACT_CONTENT_H

#include "postgres.h"

#include "engine/audit/redact.h"
#include "store/proposal.h"

extern const Redactor content_redactor;

extern void content_collect(const Proposal *proposal, RedactedLeaves *leaves);

#endif
