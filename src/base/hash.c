/*
 * hash.c
 *	  Cryptographic hashes, by the server's own functions.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/hash.h"
#include "common/cryptohash.h"
#include "common/sha2.h"

/* The SHA-256 of a text's bytes, without the zero at its end, in the current memory context. */
bytea *
sha256_of_text(const char *text)
{
	bytea *result = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);

	SET_VARSIZE(result, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	if (pg_cryptohash_init(ctx) < 0 ||
		pg_cryptohash_update(ctx, (const uint8 *) text, strlen(text)) < 0 ||
		pg_cryptohash_final(ctx, (uint8 *) VARDATA(result), PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute a SHA-256: %s", pg_cryptohash_error(ctx));
	pg_cryptohash_free(ctx);
	return result;
}
