/*
 * row_count.h
 *	  How many rows a call has changed.
 */
#ifndef WFO_ENGINE_ROW_COUNT_H
#define WFO_ENGINE_ROW_COUNT_H

#include "postgres.h"

/* Why the rows of a call cannot be counted. */
typedef enum RowObstacle
{
	ROWS_COUNTED, /* they can */
	ROWS_COUNTING_OFF,
	ROWS_TRUNCATED,
	ROWS_CATALOGS,
	ROWS_ELSEWHERE
} RowObstacle;

typedef struct RowCount
{
	RowObstacle obstacle;
	const char *table; /* the one that was truncated, or whose rows are elsewhere */
	int64 rows;        /* row versions inserted, updated and deleted */
} RowCount;

extern void row_count_begin(void);
extern void row_count_read(RowCount *count);
extern void row_count_check_on(int64 max_rows);
extern void row_count_check(const RowCount *count, int64 max_rows);

#endif
