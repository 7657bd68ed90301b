/*
 * base64.h
 *	  Base64, by the server's own functions.
 */
#ifndef WFO_BASE_BASE64_H
#define WFO_BASE_BASE64_H

#include "postgres.h"

extern char *base64_text(const uint8 *bytes, int length);
extern int base64_bytes(const char *text, uint8 *bytes, int size);

#endif
