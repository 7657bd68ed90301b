/*
 * retry.c
 *		Whether a failed call is tried again, and when.
 */
#include "unit.h"

#include "model/retry.h"

UNIT_TEST(retry)
{
	static const struct
	{
		const char *list;
		bool valid;
		const char *description;
	} lists[] = {
		{"", true, "a list may be empty"},
		{" ,\t\n ,", true, "or have separators only"},
		{"40001", true, "one SQLSTATE is a list"},
		{"08", true, "so is one class"},
		{"40001, 40P01, 08, 53", true, "the default is valid"},
		{"40001,40P01 08\t53\n57", true, "commas and white space separate"},
		{"XX", true, "a class may be letters"},
		{"4000", false, "four characters are nothing"},
		{"4", false, "nor is one"},
		{"400", false, "nor are three"},
		{"400011", false, "nor are six"},
		{"40p01", false, "small letters are refused"},
		{"40-01", false, "so are other characters"},
		{"40001;40P01", false, "and other separators"},
		{"08, 4000", false, "each entry counts"},
		{"\xc3\xa4", false, "two bytes that are no class are refused"},
	};
	static const struct
	{
		const char *list;
		const char *sqlstate;
		bool has;
		const char *description;
	} members[] = {
		{"", "40001", false, "an empty list has nothing"},
		{" , ", "40001", false, "nor have separators"},
		{"40001", "40001", true, "a SQLSTATE is in the list"},
		{"40001", "40P01", false, "another of its class is not"},
		{"40", "40P01", true, "a class has all of its SQLSTATEs"},
		{"40", "42P01", false, "and no other's"},
		{"08, 40001", "40001", true, "the last entry counts"},
		{"08 , 40001", "08006", true, "so does the first"},
		{"00140", "40001", false, "an entry counts from its beginning"},
		{"40001,08", "00108", false, "not across entries"},
	};
	static const struct
	{
		int64 attempt;
		int64 base;
		int64 limit;
		int64 longest;
		const char *description;
	} delays[] = {
		{1, 1000, 300000, 1000, "the first delay is the base"},
		{2, 1000, 300000, 2000, "the second twice that"},
		{5, 1000, 300000, 16000, "and so on"},
		{9, 1000, 300000, 256000, "up to below the limit"},
		{10, 1000, 300000, 300000, "the limit ends it"},
		{1000000000, 1000, 300000, 300000, "for good"},
		{PG_INT64_MAX, 1000, 300000, 300000, "whatever the attempt"},
		{1, 5000, 1000, 1000, "a base above the limit is the limit"},
		{1, 0, 1000, 0, "without a base there is no delay"},
		{40, 0, 1000, 0, "nor does it grow"},
		{7, 10, 0, 0, "nor with a limit of zero"},
		{0, 1000, 300000, 1000, "before the first attempt the base"},
		{-3, 1000, 300000, 1000, "below that, too"},
		{64, 1, PG_INT64_MAX / 2, PG_INT64_MAX / 2, "nothing overflows"},
		{100, PG_INT32_MAX, PG_INT32_MAX, PG_INT32_MAX, "not with the largest settings either"},
	};

	for (int i = 0; i < (int) lengthof(lists); i++)
		ok(retry_list_is_valid(lists[i].list) == lists[i].valid, "%s", lists[i].description);
	for (int i = 0; i < (int) lengthof(members); i++)
		ok(retry_list_has(members[i].list, members[i].sqlstate) == members[i].has, "%s",
		   members[i].description);
	for (int i = 0; i < (int) lengthof(delays); i++)
	{
		bool within = true;
		int64 previous = delays[i].longest;

		is_int(retry_delay(delays[i].attempt, delays[i].base, delays[i].limit, 0.0),
			   delays[i].longest, delays[i].description);
		for (int chance = 0; chance < 100; chance += 9)
		{
			int64 delay = retry_delay(delays[i].attempt, delays[i].base, delays[i].limit,
									  chance / 100.0);

			within = within && delay <= previous && delay >= delays[i].longest / 2;
			previous = delay;
		}
		within = within && retry_delay(delays[i].attempt, delays[i].base, delays[i].limit,
									   0.9999999999) >= delays[i].longest / 2;
		ok(within, "chance takes up to half of it: %s", delays[i].description);
	}
}
