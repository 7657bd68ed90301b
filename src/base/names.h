/*
 * names.h
 *	  Names of the extension that more than one file needs.
 */
#ifndef WFO_BASE_NAMES_H
#define WFO_BASE_NAMES_H

#define WFO_NAME "workflow_orch"
#define WFO_SCHEMA "workflow_orch"
#define WFO_CHANNEL "workflow_orch"

#endif
