# workflow_orch: build with PGXS.  "make test" and "make demo" are the two
# commands to start with; CONTRIBUTING.md explains the others.

EXTENSION = workflow_orch
MODULE_big = workflow_orch

# The control file holds the only version number.
EXTVERSION = $(shell sed -n "s/^default_version *= *'\([^']*\)'.*/\1/p" workflow_orch.control)

OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))

# The install script in parts, in the order they are run.
SQL_PARTS = \
	sql/schema.sql \
	sql/tables.sql \
	sql/functions.sql \
	sql/triggers.sql \
	sql/privileges.sql \
	sql/dump.sql

DATA_built = $(EXTENSION)--$(EXTVERSION).sql
EXTRA_CLEAN = $(DATA_built)

PG_CPPFLAGS = -I$(CURDIR)/src
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare
override with_llvm = no

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(EXTENSION)--$(EXTVERSION).sql: $(SQL_PARTS) workflow_orch.control
	cat $(SQL_PARTS) > $@
