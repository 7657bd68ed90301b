/*
 * hash.c
 *	  Cryptographic hashes, by the server's own functions.
 *
 * Where the server has OpenSSL 3, its functions are called directly.  The server's
 * own interface to them has OpenSSL look SHA-256 up anew for each hash, which takes
 * as long as the hash of a short value.  Here it is looked up once in a process.
 *
 * Nothing else knows which of the two computes a hash.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#ifdef USE_OPENSSL
#if __has_include(<openssl/evp.h>)
#include <openssl/err.h>
#include <openssl/evp.h>
#endif
#endif

#if defined(OPENSSL_VERSION_MAJOR) && OPENSSL_VERSION_MAJOR >= 3
#define BY_OPENSSL
#endif

StaticAssertDecl(SHA256_LENGTH == PG_SHA256_DIGEST_LENGTH, "a SHA-256 has 32 bytes");

#ifdef BY_OPENSSL

struct Sha256
{
	EVP_MD_CTX *state;
	MemoryContextCallback callback; /* frees the state when the memory of this struct goes */
};

/* What OpenSSL says of its last error; nothing of it is left to whoever calls OpenSSL next. */
static const char *
openssl_error(void)
{
	const char *reason = ERR_reason_error_string(ERR_get_error());

	ERR_clear_error();
	return reason != NULL ? reason : "unknown error";
}

static void
check_openssl(bool success)
{
	if (!success)
		elog(ERROR, "could not compute a SHA-256: %s", openssl_error());
}

/* SHA-256 as OpenSSL's providers have it, which its configuration may restrict; NULL: not looked up. */
static const EVP_MD *algorithm = NULL;

/*
 * Look SHA-256 up before the server starts processes.  They inherit it, and all that
 * OpenSSL reads and sets up for it.  If there is none, the first hash says so.
 */
void
sha256_preload(void)
{
	algorithm = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	ERR_clear_error();
}

static const EVP_MD *
sha256_algorithm(void)
{
	if (algorithm == NULL)
		algorithm = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	if (algorithm == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errreason("wfo_no_hash"),
				 errmsg("OpenSSL has no SHA-256"), errdetail("It says: %s.", openssl_error()),
				 errhint("Look for providers and default properties in OpenSSL's "
						 "configuration.")));
	return algorithm;
}

static void
release_state(void *arg)
{
	Sha256 *sha256 = arg;

	EVP_MD_CTX_free(sha256->state);
	sha256->state = NULL;
}

/*
 * Make the state of a hash.  It is good until the current memory context is reset,
 * which an error does.
 */
Sha256 *
sha256_create(void)
{
	Sha256 *sha256 = palloc0(sizeof(Sha256));

	sha256->callback.func = release_state;
	sha256->callback.arg = sha256;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &sha256->callback);
	sha256->state = EVP_MD_CTX_new();
	check_openssl(sha256->state != NULL);
	return sha256;
}

/* Begin the hash of something else. */
void
sha256_begin(Sha256 *sha256)
{
	check_openssl(EVP_DigestInit_ex2(sha256->state, sha256_algorithm(), NULL) == 1);
}

void
sha256_add(Sha256 *sha256, const void *data, Size length)
{
	check_openssl(EVP_DigestUpdate(sha256->state, data, length) == 1);
}

/* Put the SHA-256 of what was added since sha256_begin() into result. */
void
sha256_end(Sha256 *sha256, uint8 *result)
{
	check_openssl(EVP_DigestFinal_ex(sha256->state, result, NULL) == 1);
}

/* Free the state now.  The struct itself stays, since the memory context knows it. */
void
sha256_free(Sha256 *sha256)
{
	release_state(sha256);
}

#else

struct Sha256
{
	pg_cryptohash_ctx *state;
};

static void
check_cryptohash(Sha256 *sha256, int outcome)
{
	if (outcome < 0)
		elog(ERROR, "could not compute a SHA-256: %s", pg_cryptohash_error(sha256->state));
}

/* The server looks the hash up for itself. */
void
sha256_preload(void)
{
}

/* As above, and good to the end of the statement at the longest. */
Sha256 *
sha256_create(void)
{
	Sha256 *sha256 = palloc(sizeof(Sha256));

	sha256->state = pg_cryptohash_create(PG_SHA256);
	return sha256;
}

void
sha256_begin(Sha256 *sha256)
{
	check_cryptohash(sha256, pg_cryptohash_init(sha256->state));
}

void
sha256_add(Sha256 *sha256, const void *data, Size length)
{
	check_cryptohash(sha256, pg_cryptohash_update(sha256->state, data, length));
}

void
sha256_end(Sha256 *sha256, uint8 *result)
{
	check_cryptohash(sha256, pg_cryptohash_final(sha256->state, result, SHA256_LENGTH));
}

void
sha256_free(Sha256 *sha256)
{
	pg_cryptohash_free(sha256->state);
	pfree(sha256);
}

#endif

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

/* A SHA-256 in hex, in the current memory context; one that was stored may have any length. */
char *
sha256_hex(const bytea *sha256)
{
	Size length = VARSIZE_ANY_EXHDR(sha256);
	char *hex = palloc0(2 * length + 1);

	hex_encode(VARDATA_ANY(sha256), length, hex);
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
