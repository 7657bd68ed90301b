/*
 * settings.h
 *	  The extension's configuration parameters.
 */
#ifndef WFO_BASE_SETTINGS_H
#define WFO_BASE_SETTINGS_H

#include "postgres.h"

extern bool setting_allow_superuser_tools;
extern int setting_max_params_size; /* kB */
extern int setting_max_result_size; /* kB */
extern int setting_max_open_proposals;
extern int setting_run_sql_max_rows;

/* Shows one of the ids of the running call, or an empty string. */
typedef const char *(*SettingShowHook)(void);

extern void settings_define(SettingShowHook proposal_id, SettingShowHook execution_id,
							SettingShowHook actor);

#endif
