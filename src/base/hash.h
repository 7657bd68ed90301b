/*
 * hash.h
 *	  Cryptographic hashes.
 */
#ifndef WFO_BASE_HASH_H
#define WFO_BASE_HASH_H

#include "postgres.h"

#define SHA256_LENGTH 32

/* A hash that is being computed; one can compute any number of hashes, one after the other. */
typedef struct Sha256 Sha256;

extern void sha256_preload(void);
extern Sha256 *sha256_create(void);
extern void sha256_begin(Sha256 *sha256);
extern void sha256_add(Sha256 *sha256, const void *data, Size length);
extern void sha256_end(Sha256 *sha256, uint8 *result);
extern void sha256_free(Sha256 *sha256);
extern bytea *sha256_value(const uint8 *sha256);
extern char *sha256_hex(const bytea *sha256);
extern bytea *sha256_of_hex(const char *hex);
extern bytea *sha256_of_bytes(const bytea *bytes);
extern bytea *sha256_of_text(const char *text);

#endif
