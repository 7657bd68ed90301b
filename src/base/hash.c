/*
 * hash.c
 *	  Cryptographic hashes, by the server's own functions.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/hash.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "utils/builtins.h"

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

/* A SHA-256 in hex, in the current memory context. */
char *
sha256_hex(const bytea *sha256)
{
	char *hex = palloc0((Size) 2 * PG_SHA256_DIGEST_LENGTH + 1);

	Assert(VARSIZE_ANY_EXHDR(sha256) == PG_SHA256_DIGEST_LENGTH);
	hex_encode(VARDATA_ANY(sha256), PG_SHA256_DIGEST_LENGTH, hex);
	return hex;
}

/* The SHA-256 that is written in hex, in the current memory context. */
bytea *
sha256_of_hex(const char *hex)
{
	bytea *sha256 = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);

	if (strlen(hex) != (Size) 2 * PG_SHA256_DIGEST_LENGTH)
		elog(ERROR, "malformed SHA-256: \"%s\"", hex);
	SET_VARSIZE(sha256, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	hex_decode(hex, strlen(hex), VARDATA(sha256));
	return sha256;
}
