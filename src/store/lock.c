/*
 * lock.c
 *	  Locks things that are not rows, and limits how long a call waits for a lock.
 *
 * Owns a class of advisory locks that SQL cannot take: the fourth field of the
 * tag is 1 or 2 in those that SQL can take.  Unlike a row lock, such a lock
 * costs no write when many sessions share it.  It lasts to the end of the
 * transaction.
 *
 * A call waits for other sessions for at most workflow_orch.lock_wait.
 * Otherwise any role that leaves a transaction open could keep callers with
 * more rights waiting.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/settings.h"
#include "base/subtransaction.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "store/lock.h"

/* What the locks of a space protect, for an error message, and whether an id follows. */
static const struct
{
	const char *name;
	bool has_id;
} spaces[] = {
	[LOCK_WORKFLOW] = {"workflow", true},
	[LOCK_WORKFLOW_COMMIT] = {"workflow", true},
	[LOCK_IDEMPOTENCY_KEY] = {"the idempotency key", false},
	[LOCK_OPEN_PROPOSALS] = {"the count of open proposals of actor", true},
	[LOCK_NAME] = {"the name", false},
	[LOCK_GRANTS] = {"the grants of capabilities", false},
	[LOCK_POLICY] = {"the policy", false},
	[LOCK_DELEGATION] = {"the delegations", false},
	[LOCK_BREAK_GLASS] = {"a break glass of the same person", false},
	[LOCK_START] = {"the start of execution", true},
	[LOCK_ADMINISTRATION] = {"the administration", false},
	[LOCK_SEAL] = {"the sealing of the audit log", false},
};

static LOCKTAG
tag_of(StoreLockSpace space, uint64 id)
{
	LOCKTAG tag;

	Assert(OidIsValid(MyDatabaseId));
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (id >> 32), (uint32) id, 0x5700 + space);
	return tag;
}

static LOCKMODE
server_mode(StoreLockMode mode)
{
	return mode == LOCK_EXCLUSIVE ? ExclusiveLock : ShareLock;
}

/*
 * Take a lock that other sessions may hold.  Raises 55P03 after
 * workflow_orch.lock_wait, with a message that names what is locked.  If the
 * session's lock_timeout is shorter, the server's own error comes first.
 */
void
store_lock_wait(LockTake take, void *arg, const char *what)
{
	int outer = LockTimeout;

	if (setting_lock_wait == 0 || (outer > 0 && outer <= setting_lock_wait))
	{
		take(arg);
		return;
	}
	LockTimeout = setting_lock_wait;
	PG_TRY();
	{
		take(arg);
	}
	PG_CATCH();
	{
		LockTimeout = outer;
		if (geterrcode() != ERRCODE_LOCK_NOT_AVAILABLE)
			PG_RE_THROW();
		FlushErrorState();
		report_busy("wfo_busy", errmsg("%s is locked by another session", what),
					errdetail("The call waited for %d ms.", setting_lock_wait),
					errhint("Try again when the other session has ended its transaction. The "
							"setting workflow_orch.lock_wait says how long a call waits."));
	}
	PG_END_TRY();
	LockTimeout = outer;
}

typedef struct TagLock
{
	LOCKTAG tag;
	LOCKMODE mode;
} TagLock;

static void
take_tag(void *arg)
{
	TagLock *lock = arg;

	(void) LockAcquire(&lock->tag, lock->mode, false, false);
}

/* Whether a prepared transaction holds the lock in one of the conflicting modes. */
static bool
is_prepared(const LOCKTAG *tag, LOCKMASK conflicting)
{
	LockData *data = GetLockStatusData();

	for (int i = 0; i < data->nelements; i++)
	{
		const LockInstanceData *instance = &data->locks[i];

		if (instance->pid == 0 && (instance->holdMask & conflicting) != 0 &&
			memcmp(&instance->locktag, tag, sizeof(LOCKTAG)) == 0)
			return true;
	}
	return false;
}

/* Refuse to wait for a prepared transaction, which may stay for any time. */
static void
check_not_prepared(const TagLock *lock, const char *what)
{
	LOCKMASK conflicting = LOCKBIT_ON(ExclusiveLock);

	if (lock->mode == ExclusiveLock)
		conflicting |= LOCKBIT_ON(ShareLock);
	if (is_prepared(&lock->tag, conflicting))
		report_busy("wfo_busy", errmsg("%s is locked by a prepared transaction", what),
					errhint("Try again after COMMIT PREPARED or ROLLBACK PREPARED. The view "
							"pg_prepared_xacts lists the prepared transactions."));
}

static const char *
describe(StoreLockSpace space, uint64 id)
{
	return spaces[space].has_id ? psprintf("%s " INT64_FORMAT, spaces[space].name, (int64) id)
								: spaces[space].name;
}

static void
lock_tag(StoreLockSpace space, uint64 id, StoreLockMode mode)
{
	TagLock lock = {.tag = tag_of(space, id), .mode = server_mode(mode)};

	Assert(IsTransactionState());
	if (LockAcquire(&lock.tag, lock.mode, false, true) != LOCKACQUIRE_NOT_AVAIL)
		return;
	check_not_prepared(&lock, describe(space, id));
	store_lock_wait(take_tag, &lock, describe(space, id));
}

void
store_lock_id(StoreLockSpace space, int64 id, StoreLockMode mode)
{
	lock_tag(space, (uint64) id, mode);
}

/*
 * Take a lock within timeout ms, or workflow_orch.lock_wait if that is less,
 * and return whether that was possible.  Raises 55P03 if a prepared transaction
 * holds it.
 */
bool
store_lock_id_within(StoreLockSpace space, int64 id, StoreLockMode mode, int timeout)
{
	TagLock lock = {.tag = tag_of(space, (uint64) id), .mode = server_mode(mode)};
	int outer = LockTimeout;
	ErrorData *error;

	if (LockAcquire(&lock.tag, lock.mode, false, true) != LOCKACQUIRE_NOT_AVAIL)
		return true;
	check_not_prepared(&lock, describe(space, (uint64) id));

	if (setting_lock_wait > 0)
		timeout = Min(timeout, setting_lock_wait);
	if (outer > 0)
		timeout = Min(timeout, outer);
	LockTimeout = timeout;
	error = subtransaction_try(take_tag, &lock);
	LockTimeout = outer;
	if (error != NULL && error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
		ReThrowError(error);
	return error == NULL;
}

/* Release a lock before the end of the transaction. */
void
store_unlock_id(StoreLockSpace space, int64 id, StoreLockMode mode)
{
	LOCKTAG tag = tag_of(space, (uint64) id);

	Assert(compat_lock_held(&tag, server_mode(mode)));
	(void) LockRelease(&tag, server_mode(mode), false);
}

/*
 * Take a lock exclusively, to the end of the transaction.  Returns false if
 * another session holds it.
 */
bool
store_try_lock_id(StoreLockSpace space, int64 id)
{
	LOCKTAG tag = tag_of(space, (uint64) id);

	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

/* The same, but to the end of the session or until the session releases all its locks. */
bool
store_lock_id_in_session(StoreLockSpace space, int64 id)
{
	LOCKTAG tag = tag_of(space, (uint64) id);

	return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

void
store_lock_text(StoreLockSpace space, int64 id, const char *text)
{
	lock_tag(space, hash_bytes_extended((const unsigned char *) text, strlen(text), (uint64) id),
			 LOCK_EXCLUSIVE);
}

/*
 * Set a mark for this transaction: a lock that conflicts with no other.  A
 * rollback of the subtransaction that set the mark removes it.
 */
void
store_lock_mark(StoreLockSpace space, int64 id)
{
	LOCKTAG tag = tag_of(space, (uint64) id);

	(void) LockAcquire(&tag, AccessShareLock, false, false);
}

bool
store_lock_is_marked(StoreLockSpace space, int64 id)
{
	LOCKTAG tag = tag_of(space, (uint64) id);

	return compat_lock_held(&tag, AccessShareLock);
}
