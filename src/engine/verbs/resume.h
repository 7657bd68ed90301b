/*
 * resume.h
 *	  Releases the queue of a restored or cloned database.
 */
#ifndef WFO_ENGINE_RESUME_H
#define WFO_ENGINE_RESUME_H

#include "postgres.h"

extern int64 queue_resume(void);

#endif
