/*
 * call_settings.h
 *	  The settings that a call of a tool sees.
 */
#ifndef WFO_ENGINE_CALL_SETTINGS_H
#define WFO_ENGINE_CALL_SETTINGS_H

#include "postgres.h"

extern void call_settings_pin(const char *search_path);

#endif
