/*
 * group_size.h
 *	  How many calls of a tool may share a transaction.
 */
#ifndef WFO_MODEL_GROUP_SIZE_H
#define WFO_MODEL_GROUP_SIZE_H

/* The CHECK of the table tool has the same number. */
#define GROUP_SIZE_MAX 1000

#endif
