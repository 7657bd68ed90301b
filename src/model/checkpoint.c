/*
 * checkpoint.c
 *	  The text of a checkpoint: what a tree was at some time.
 *
 * Owns the format, which is that of a C2SP tlog-checkpoint: origin, size and
 * root in base64, each a line.  Signatures of witnesses may follow after an empty
 * line; they are nobody's business here.
 */
#include "postgres.h"

#include "base/base64.h"
#include "model/checkpoint.h"

/* In base64, with the padding. */
#define ROOT_LENGTH 44

/* The longest origin, and so the longest checkpoint, that anybody needs. */
#define ORIGIN_MAX 255

char *
checkpoint_write(const Checkpoint *checkpoint)
{
	return psprintf("%s\n" INT64_FORMAT "\n%s\n", checkpoint->origin, checkpoint->size,
					base64_text(checkpoint->root.bytes, SHA256_LENGTH));
}

/* An origin is a URL without its scheme: printable, and one word. */
bool
checkpoint_origin_is_valid(const char *origin)
{
	size_t length = strlen(origin);

	if (length == 0 || length > ORIGIN_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if (origin[i] <= ' ' || origin[i] > '~' || origin[i] == '+')
			return false;
	return true;
}

/* Return the line at *text and go on to the next; NULL: there is none. */
static char *
next_line(const char **text)
{
	const char *end = strchr(*text, '\n');
	char *line;

	if (end == NULL)
		return NULL;
	line = pnstrdup(*text, end - *text);
	*text = end + 1;
	return line;
}

/* A size is written in one way only: in digits, without leading zeros. */
static bool
read_size(const char *text, int64 *size)
{
	size_t length = strlen(text);

	if (length == 0 || length > 19 || strspn(text, "0123456789") != length ||
		(text[0] == '0' && length > 1))
		return false;
	errno = 0;
	*size = strtoll(text, NULL, 10);
	return errno == 0;
}

static bool
read_root(const char *text, MerkleHash *root)
{
	uint8 bytes[ROOT_LENGTH];

	if (strlen(text) != ROOT_LENGTH || base64_bytes(text, bytes, sizeof(bytes)) != SHA256_LENGTH)
		return false;
	memcpy(root->bytes, bytes, SHA256_LENGTH);
	/* The last digit has bits that mean nothing, and are zero. */
	return strcmp(base64_text(bytes, SHA256_LENGTH), text) == 0;
}

/*
 * Read a checkpoint.  If it is none, returns false, and what is wrong with it as
 * a whole sentence.
 */
bool
checkpoint_read(const char *text, Checkpoint *checkpoint, const char **problem)
{
	const char *rest = text;
	char *origin = next_line(&rest);
	char *size = origin != NULL ? next_line(&rest) : NULL;
	char *root = size != NULL ? next_line(&rest) : NULL;

	if (root == NULL)
		*problem = "It has fewer than three lines, each of which ends in a newline.";
	else if (!checkpoint_origin_is_valid(origin))
		*problem = "Its first line is not an origin.";
	else if (!read_size(size, &checkpoint->size))
		*problem = "Its second line is not a size.";
	else if (!read_root(root, &checkpoint->root))
		*problem = "Its third line is not the base64 of 32 bytes.";
	else if (*rest != '\0' && *rest != '\n')
		*problem = "Its third line is not followed by its end or by an empty line.";
	else
	{
		checkpoint->origin = origin;
		return true;
	}
	return false;
}
