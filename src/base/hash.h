/*
 * hash.h
 *	  Cryptographic hashes.
 */
#ifndef WFO_BASE_HASH_H
#define WFO_BASE_HASH_H

#include "postgres.h"

extern bytea *sha256_of_text(const char *text);

#endif
