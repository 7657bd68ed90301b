/*
 * journal.c
 *	  What a crash of the server interrupts, in a file that outlives it.
 *
 * This file owns the file workflow_orch.running in the data directory.  It must not
 * raise an error: without the file calls run, and crashes are not counted.
 *
 * A call that crashes the server destroys the shared memory and its own
 * transaction.  So a worker writes the id of the execution to its place in a file
 * before it calls the tool, and clears the place afterwards.  The write is not
 * flushed: it survives the end of the processes, and costs about a microsecond.
 * The executions that are in the file after a crash were running.
 *
 * An immediate shutdown ends the workers as a crash does; they clear their places
 * in their signal handler.  After a failure of the whole server or machine the
 * file is that of another postmaster and is ignored, unless a crash ends the
 * postmaster too (restart_after_crash = off).
 *
 * The file also says whether the server stopped before all refused attempts were
 * written, which are in shared memory for a moment.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "miscadmin.h"
#include "postmaster/postmaster.h"
#include "storage/fd.h"
#include "utils/timestamp.h"
#include "worker/pool/crash.h"
#include "worker/pool/pool.h"
#include "worker/process/journal.h"

#define JOURNAL_FILE "workflow_orch.running"
#define JOURNAL_MAGIC 0x57464f32

typedef struct JournalHeader
{
	uint32 magic;
	int32 postmaster;
	TimestampTz started_at;
	bool complete; /* no refused attempt waits to be written, and nobody makes another one */
} JournalHeader;

typedef struct JournalEntry
{
	int64 execution_id; /* 0: none */
	Oid database;
	uint32 check; /* of both, so that a torn write is no entry */
} JournalEntry;

static int file = -1;
static int own_slot = -1; /* where this process has an entry; -1: it has none */

static uint32
entry_check(const JournalEntry *entry)
{
	return (uint32) entry->execution_id ^ (uint32) (entry->execution_id >> 32) ^ entry->database ^
		   JOURNAL_MAGIC;
}

static off_t
entry_offset(int slot)
{
	return (off_t) (sizeof(JournalHeader) + slot * sizeof(JournalEntry));
}

/* Open the file for this process. */
void
journal_open(void)
{
	if (file >= 0)
		return;
	file = BasicOpenFile(JOURNAL_FILE, O_RDWR | O_CREAT | PG_BINARY);
	if (file < 0)
		ereport(
			LOG,
			(errcode_for_file_access(), errmsg("could not open file \"%s\": %m", JOURNAL_FILE),
			 errdetail("Crashes of the server will not be counted against the calls that ran.")));
}

static void
write_journal_entry(int slot, const JournalEntry *entry)
{
	if (file >= 0 && pwrite(file, entry, sizeof(JournalEntry), entry_offset(slot)) < 0)
		ereport(LOG, (errcode_for_file_access(),
					  errmsg("could not write file \"%s\": %m", JOURNAL_FILE)));
}

/* Note that the worker in a slot is about to call the tool of an execution. */
void
journal_enter(int slot, Oid database, int64 execution_id)
{
	JournalEntry entry = {.execution_id = execution_id, .database = database};

	Assert(slot >= 0 && slot < pool->nslots);
	Assert(execution_id != 0);
	entry.check = entry_check(&entry);
	own_slot = slot;
	write_journal_entry(slot, &entry);
}

/* Note that the tool has ended. */
void
journal_leave(int slot)
{
	JournalEntry entry = {0};

	write_journal_entry(slot, &entry);
	own_slot = -1;
}

/* The same from a signal handler, for what this process runs. */
void
journal_leave_from_signal(void)
{
	static const JournalEntry entry = {0};

	if (file >= 0 && own_slot >= 0 &&
		pwrite(file, &entry, sizeof(JournalEntry), entry_offset(own_slot)) < 0)
		own_slot = -1;
}

static void
write_header(const JournalHeader *header)
{
	if (file >= 0 && pwrite(file, header, sizeof(JournalHeader), 0) < 0)
		ereport(LOG, (errcode_for_file_access(),
					  errmsg("could not write file \"%s\": %m", JOURNAL_FILE)));
}

/*
 * Note at the end of the launcher whether all refused attempts have been written;
 * another launcher that begins takes it back.  The next start of the server reads it.
 */
void
journal_note_complete(bool complete)
{
	JournalHeader header = {.magic = JOURNAL_MAGIC,
							.postmaster = PostmasterPid,
							.started_at = PgStartTime,
							.complete = complete};

	write_header(&header);
}

static void
report_incomplete(const JournalHeader *header)
{
	ereport(LOG,
			(errmsg("refused attempts may be missing from the audit log"),
			 errdetail("The server that started at %s stopped before all of them were written: "
					   "at most those of its last second, and the counts of its last minute.",
					   timestamptz_to_str(header->started_at))));
}

/*
 * Read the calls that ran at a crash into the pool, and begin a new file.  The
 * launcher does so once in the life of the shared memory, before it starts the
 * first worker.
 */
void
journal_read_crashes(void)
{
	JournalHeader header = {0};
	JournalHeader own = {.magic = JOURNAL_MAGIC,
						 .postmaster = PostmasterPid,
						 .started_at = PgStartTime};
	bool believed;

	journal_open();
	if (file < 0)
		return;
	believed = pread(file, &header, sizeof(header), 0) == sizeof(header) &&
			   header.magic == own.magic &&
			   (!restart_after_crash ||
				(header.postmaster == own.postmaster && header.started_at == own.started_at));
	pool_lock();
	for (int i = 0; believed && i < pool->nslots; i++)
	{
		JournalEntry entry;

		if (pread(file, &entry, sizeof(entry), entry_offset(i)) != sizeof(entry))
			break;
		if (entry.execution_id == 0 || entry.check != entry_check(&entry))
			continue;
		pool_add_crash_locked(entry.database, entry.execution_id);
	}
	pool_unlock();
	if (header.magic == own.magic && !header.complete)
		report_incomplete(&header);
	if (ftruncate(file, 0) < 0)
		ereport(LOG, (errcode_for_file_access(),
					  errmsg("could not write file \"%s\": %m", JOURNAL_FILE)));
	write_header(&own);
}
