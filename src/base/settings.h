/*
 * settings.h
 *	  The extension's configuration parameters.
 */
#ifndef WFO_BASE_SETTINGS_H
#define WFO_BASE_SETTINGS_H

#include "postgres.h"

#include "utils/guc.h"

extern bool setting_allow_superuser_tools;
extern bool setting_allow_direct_administration;
extern int setting_max_params_size;    /* kB */
extern int setting_max_result_size;    /* kB */
extern int setting_preview_scan_limit; /* kB */
extern int setting_max_open_proposals;
extern int setting_max_refusals_per_minute;
extern int setting_max_standing_days;
extern int setting_min_retention; /* minutes */
extern int setting_lock_wait;     /* ms; 0: no limit */
extern int setting_run_sql_max_rows;
extern int setting_max_workers;
extern int setting_max_workers_per_database; /* 0: no limit of its own */
extern int setting_worker_idle_timeout;      /* ms */
extern int setting_worker_max_calls;         /* 0: no limit */
extern int setting_poll_interval;            /* ms */
extern int setting_max_seal_lag;             /* ms; 0: no limit */
extern int setting_max_crashes;
extern int setting_timeout_grace;   /* ms */
extern int setting_group_time;      /* ms */
extern int setting_retry_delay;     /* ms */
extern int setting_retry_max_delay; /* ms */
extern char *setting_retry_sqlstates;
extern char *setting_audit_origin;

/* Shows one of the ids of the running call, or an empty string. */
typedef const char *(*SettingShowHook)(void);

extern void settings_define(SettingShowHook proposal_id, SettingShowHook execution_id,
							SettingShowHook actor, GucStringCheckHook check_sqlstates,
							GucStringCheckHook check_origin);

#endif
