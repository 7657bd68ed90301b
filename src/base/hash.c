/*
 * hash.c
 *	  Cryptographic hashes, by the server's own functions.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "utils/builtins.h"

StaticAssertDecl(SHA256_LENGTH == PG_SHA256_DIGEST_LENGTH, "a SHA-256 has 32 bytes");

/*
 * Make the state of a hash.  It is good to the end of the statement, and an error
 * frees it.
 */
Sha256 *
sha256_create(void)
{
	return pg_cryptohash_create(PG_SHA256);
}

static void
check_sha256(Sha256 *sha256, int outcome)
{
	if (outcome < 0)
		elog(ERROR, "could not compute a SHA-256: %s", pg_cryptohash_error(sha256));
}

/* Begin the hash of something else. */
void
sha256_begin(Sha256 *sha256)
{
	check_sha256(sha256, pg_cryptohash_init(sha256));
}

void
sha256_add(Sha256 *sha256, const void *data, Size length)
{
	check_sha256(sha256, pg_cryptohash_update(sha256, data, length));
}

/* Put the SHA-256 of what was added since sha256_begin() into result. */
void
sha256_end(Sha256 *sha256, uint8 *result)
{
	check_sha256(sha256, pg_cryptohash_final(sha256, result, SHA256_LENGTH));
}

void
sha256_free(Sha256 *sha256)
{
	pg_cryptohash_free(sha256);
}

/* A SHA-256 as a value, in the current memory context. */
bytea *
sha256_value(const uint8 *sha256)
{
	bytea *result = palloc(VARHDRSZ + SHA256_LENGTH);

	SET_VARSIZE(result, VARHDRSZ + SHA256_LENGTH);
	memcpy(VARDATA(result), sha256, SHA256_LENGTH);
	return result;
}

static bytea *
sha256_of(const void *data, Size length)
{
	uint8 result[SHA256_LENGTH];
	Sha256 *sha256 = sha256_create();

	sha256_begin(sha256);
	sha256_add(sha256, data, length);
	sha256_end(sha256, result);
	sha256_free(sha256);
	return sha256_value(result);
}

/* The SHA-256 of a text as UTF-8, without the zero at its end, in the current memory context. */
bytea *
sha256_of_text(const char *text)
{
	Size length = strlen(text);
	const char *utf8 = utf8_of_text(text, &length);

	return sha256_of(utf8, length);
}

/* The SHA-256 of a bytea that is not toasted, in the current memory context. */
bytea *
sha256_of_bytes(const bytea *bytes)
{
	return sha256_of(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

/* A SHA-256 in hex, in the current memory context. */
char *
sha256_hex(const bytea *sha256)
{
	char *hex = palloc0((Size) 2 * SHA256_LENGTH + 1);

	Assert(VARSIZE_ANY_EXHDR(sha256) == SHA256_LENGTH);
	hex_encode(VARDATA_ANY(sha256), SHA256_LENGTH, hex);
	return hex;
}

/* The SHA-256 that is written in hex, in the current memory context. */
bytea *
sha256_of_hex(const char *hex)
{
	bytea *sha256 = palloc(VARHDRSZ + SHA256_LENGTH);

	if (strlen(hex) != (Size) 2 * SHA256_LENGTH)
		elog(ERROR, "malformed SHA-256: \"%s\"", hex);
	SET_VARSIZE(sha256, VARHDRSZ + SHA256_LENGTH);
	hex_decode(hex, strlen(hex), VARDATA(sha256));
	return sha256;
}
