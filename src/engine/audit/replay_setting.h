/*
 * replay_setting.h
 *	  What the audit log says that actors, tools and the policy must be.
 */
#ifndef WFO_ENGINE_REPLAY_SETTING_H
#define WFO_ENGINE_REPLAY_SETTING_H

#include "postgres.h"

#include "engine/audit/finding.h"
#include "utils/hsearch.h"

/* The settings as the rows of the log so far have made them. */
typedef struct SettingReplay
{
	MemoryContext memory;
	HTAB *settings;
} SettingReplay;

extern void setting_replay_begin(SettingReplay *replay);
extern void setting_replay_row(SettingReplay *replay, const StoredRow *row);
extern void setting_replay_compare(SettingReplay *replay, const Findings *findings);

#endif
