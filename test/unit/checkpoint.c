/*
 * checkpoint.c
 *		The text of a checkpoint, as it is written and as it is read.
 */
#include "unit.h"

#include "model/checkpoint.h"

#define ROOT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static void
refused(const char *text, const char *problem, const char *description)
{
	Checkpoint checkpoint;
	const char *found = NULL;

	is_text(checkpoint_read(text, &checkpoint, &found) ? NULL : found, problem, description);
}

static void
read_and_written(const char *text, int64 size, const char *description)
{
	Checkpoint checkpoint;
	const char *problem = NULL;

	ok(checkpoint_read(text, &checkpoint, &problem), "%s is read: %s", description,
	   problem != NULL ? problem : "");
	if (problem != NULL)
		return;
	is_int(checkpoint.size, size, "its size");
	ok(strncmp(checkpoint_write(&checkpoint), text, strlen(checkpoint_write(&checkpoint))) == 0,
	   "it is written as it was");
}

UNIT_TEST(checkpoint)
{
	static const char *const fewer = "It has fewer than three lines, each of which ends in a "
									 "newline.";
	static const char *const size = "Its second line is not a size.";
	static const char *const root = "Its third line is not the base64 of 32 bytes.";
	static const char *const origin = "Its first line is not an origin.";
	char *long_origin = palloc0(300);

	read_and_written("example.com/log\n0\n" ROOT "\n", 0, "an empty tree");
	read_and_written("example.com/log\n9223372036854775807\n" ROOT "\n", PG_INT64_MAX,
					 "the largest tree");
	read_and_written("o\n12\n" ROOT "\n\n\xe2\x80\x94 witness c2ln\n", 12, "a signed one");

	refused("", fewer, "nothing");
	refused("o\n1\n", fewer, "two lines");
	refused("o\n1\n" ROOT, fewer, "no newline at the end");
	refused("\n1\n" ROOT "\n", origin, "an empty origin");
	refused("a b\n1\n" ROOT "\n", origin, "an origin of two words");
	refused("a+b\n1\n" ROOT "\n", origin, "an origin with a plus");
	refused("\xc3\xa4\n1\n" ROOT "\n", origin, "an origin that is not ASCII");
	memset(long_origin, 'x', 256);
	refused(psprintf("%s\n1\n" ROOT "\n", long_origin), origin, "an origin of 256 bytes");
	refused("o\n-1\n" ROOT "\n", size, "a negative size");
	refused("o\n01\n" ROOT "\n", size, "a size with a leading zero");
	refused("o\n\n" ROOT "\n", size, "no size");
	refused("o\n9223372036854775808\n" ROOT "\n", size, "a size beyond bigint");
	refused("o\n1x\n" ROOT "\n", size, "a size that is no number");
	refused("o\n1\n47DEQpj8\n", root, "a root that is too short");
	refused("o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n", root,
			"a root with bits beyond its end");
	refused("o\n1\n****Qpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", root, "a root not in base64");
	refused("o\n1\n" ROOT "\nmore\n",
			"Its third line is not followed by its end or by an empty line.", "a fourth line");
}
