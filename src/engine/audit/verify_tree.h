/*
 * verify_tree.h
 *	  Verifies the tree over the audit log.
 */
#ifndef WFO_ENGINE_VERIFY_TREE_H
#define WFO_ENGINE_VERIFY_TREE_H

#include "postgres.h"

#include "engine/audit/finding.h"
#include "engine/audit/verify_log.h"
#include "engine/audit/witness.h"

extern void verify_tree(const Findings *findings, LogCheck *log, const Witnesses *witnesses);

#endif
