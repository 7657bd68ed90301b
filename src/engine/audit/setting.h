/*
 * setting.h
 *	  Which columns of actors, tools and the policy stand in their audit rows.
 */
#ifndef WFO_ENGINE_SETTING_H
#define WFO_ENGINE_SETTING_H

#include "postgres.h"

#include "store/table.h"

extern bool setting_is_recorded(StoreTable table, AttrNumber column);

#endif
