# workflow_orch: build with PGXS.  "make test" and "make demo" are the two
# commands to start with; CONTRIBUTING.md explains the others.
#
# test, demo, bench, lint and format install the packages that they miss, build
# outside the source folders and use a server of their own; test-majors makes a
# chroot for each other major.  all, install and installcheck are PGXS's: they
# work in place, on the installed server.

EXTENSION = workflow_orch
MODULE_big = workflow_orch

# The control file holds the only version number.
EXTVERSION = $(shell sed -n "s/^default_version *= *'\([^']*\)'.*/\1/p" workflow_orch.control)

OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c src/*/*/*.c)))
SHLIB_EXPORTS = src/exports.txt

# The install script in parts, in the order they are run.
SQL_PARTS = \
	sql/schema.sql \
	sql/tables.sql \
	sql/retention.sql \
	sql/functions.sql \
	sql/views.sql \
	sql/audit_views.sql \
	sql/report.sql \
	sql/evidence.sql \
	sql/built_in.sql \
	sql/triggers.sql \
	sql/check_setup.sql \
	sql/privileges.sql \
	sql/dump.sql

DATA_built = $(EXTENSION)--$(EXTVERSION).sql
EXTRA_CLEAN = $(DATA_built) $(OBJS:.o=.d) build results regression.diffs regression.out

# The server's headers count as system headers: only our own code is judged.
# The compiler notes which of our headers a file includes, in a .d beside it.
PG_CPPFLAGS = -I$(srcdir)/src -isystem $(includedir_server) -MMD -MP
PG_CFLAGS = -Wall -Wextra
override with_llvm = no

# base/hash.c calls OpenSSL if its headers are there, and then its library is as well.
SHLIB_LINK += $(if $(shell echo '#include <openssl/evp.h>' | $(CC) $(CPPFLAGS) -E - 2>/dev/null),$(filter -lcrypto, $(LIBS)))

# For installcheck, on a server that has the extension installed and preloaded.
REGRESS := $(sort $(basename $(notdir $(wildcard test/sql/*.sql))))
REGRESS_OPTS = --inputdir=test --load-extension=$(EXTENSION)
ISOLATION := $(sort $(basename $(notdir $(wildcard test/specs/*.spec))))
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=$(EXTENSION)
TAP_TESTS := $(if $(wildcard test/t/*.pl),1)
PROVE_TESTS = test/t/*.pl

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(wildcard $(PGXS)),)
include $(PGXS)

-include $(OBJS:.o=.d)

$(EXTENSION)--$(EXTVERSION).sql: $(SQL_PARTS) workflow_orch.control
	cat $(SQL_PARTS) > $@
else
all install installcheck clean:
	@echo "PGXS is missing: install postgresql-server-dev-NN or set PG_CONFIG" >&2; exit 1
endif

.PHONY: test test-majors soak sanitize demo bench lint format
test demo bench lint soak sanitize:
	@bash script/$@.sh

test-majors:
	@bash script/majors.sh

format:
	@bash script/lint.sh format
