/*
 * utf8.c
 *	  Texts as UTF-8, whatever the encoding of the database.
 *
 * What is hashed and kept must come to the same bytes after a restore into a
 * database of another encoding.
 */
#include "postgres.h"

#include "base/utf8.h"
#include "mb/pg_wchar.h"

/*
 * A text of the database's encoding as UTF-8, and its new length; the text itself
 * where it is that already, or where the encoding is SQL_ASCII.
 */
const char *
utf8_of_text(const char *text, Size *length)
{
	const char *converted;

	if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII)
		return text;
	converted = pg_server_to_any(text, (int) *length, PG_UTF8);
	if (converted != text)
		*length = strlen(converted);
	return converted;
}
