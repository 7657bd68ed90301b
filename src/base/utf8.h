/*
 * utf8.h
 *	  Texts as UTF-8, whatever the encoding of the database.
 */
#ifndef WFO_BASE_UTF8_H
#define WFO_BASE_UTF8_H

#include "postgres.h"

extern const char *utf8_of_text(const char *text, Size *length);

#endif
