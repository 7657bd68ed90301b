/*
 * base64.c
 *	  Base64 (RFC 4648, section 4), by the server's own functions.
 */
#include "postgres.h"

#include "base/base64.h"
#include "base/compat.h"

/* Bytes in base64, on one line, in the current memory context. */
char *
base64_text(const uint8 *bytes, int length)
{
	int size = pg_b64_enc_len(length);
	char *text = palloc(size + 1);
	int written = compat_b64_encode(bytes, length, text, size);

	Assert(written >= 0);
	text[written] = '\0';
	return text;
}

/* The bytes that a text in base64 stands for; returns their number, or -1 if it is none. */
int
base64_bytes(const char *text, uint8 *bytes, int size)
{
	return compat_b64_decode(text, (int) strlen(text), bytes, size);
}
