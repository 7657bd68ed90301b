/*
 * hash.h
 *	  Cryptographic hashes.
 */
#ifndef WFO_BASE_HASH_H
#define WFO_BASE_HASH_H

#include "postgres.h"

extern char *sha256_hex(const bytea *sha256);
extern bytea *sha256_of_hex(const char *hex);
extern bytea *sha256_of_text(const char *text);

#endif
