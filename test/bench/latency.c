/*
 * latency.c
 *	  Measures the time from a commit's acknowledgement to what it sets off.
 *
 * latency MODE COUNT, with the connection in libpq's environment variables:
 *
 * queue     enqueue_action of the calls in bench.call, whose tool returns the
 *           time at its start; prints one latency in microseconds per call
 * listen    an insert with pg_notify, and a second process that listens; the same
 * graphile  add_job of graphile-worker; prints a job's number and the time, by
 *           the monotonic clock in nanoseconds, when its commit was acknowledged
 *
 * Everything is on one machine and one clock.  Between two calls the server is
 * idle.
 */
#include <libpq-fe.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* How long the server is left alone before a call, in microseconds. */
#define PAUSE 3000

static long long
now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static PGresult *
checked(PGconn *conn, PGresult *result)
{
	if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
	{
		fprintf(stderr, "latency: %s", PQerrorMessage(conn));
		exit(1);
	}
	return result;
}

static PGconn *
session(void)
{
	PGconn *conn = PQconnectdb("");

	if (PQstatus(conn) != CONNECTION_OK)
	{
		fprintf(stderr, "latency: %s", PQerrorMessage(conn));
		exit(1);
	}
	return conn;
}

static void
prepare(PGconn *conn, const char *name, const char *query)
{
	PQclear(checked(conn, PQprepare(conn, name, query, 0, NULL)));
}

/* Run a prepared statement, and return what the clock says when it is acknowledged. */
static long long
acknowledged(PGconn *conn, const char *name, const char *param, clockid_t clock, PGresult **answer)
{
	PGresult *result = PQexecPrepared(conn, name, 1, &param, NULL, NULL, 0);
	long long at = now(clock);

	checked(conn, result);
	if (answer != NULL)
		*answer = result;
	else
		PQclear(result);
	return at;
}

static void
measure_queue(int count)
{
	PGconn *conn = session();
	char limit[16];
	const char *param = limit;
	PGresult *calls;

	snprintf(limit, sizeof(limit), "%d", count);
	calls = checked(conn,
					PQexecParams(conn, "SELECT proposal_id FROM bench.call ORDER BY 1 LIMIT $1", 1,
								 NULL, &param, NULL, NULL, 0));
	prepare(conn, "enqueue", "SELECT workflow_orch.enqueue_action($1, 1)");
	prepare(
		conn, "started",
		"SELECT (extract(epoch FROM (workflow_orch.wait_execution($1) ->> 'output')::timestamptz)"
		" * 1000000)::bigint");
	for (int i = 0; i < PQntuples(calls); i++)
	{
		PGresult *execution;
		PGresult *started;
		long long at;

		usleep(PAUSE);
		at = acknowledged(conn, "enqueue", PQgetvalue(calls, i, 0), CLOCK_REALTIME, &execution);
		usleep(PAUSE);
		(void) acknowledged(conn, "started", PQgetvalue(execution, 0, 0), CLOCK_REALTIME, &started);
		printf("%.1f\n", (double) atoll(PQgetvalue(started, 0, 0)) - at / 1000.0);
		PQclear(execution);
		PQclear(started);
	}
}

static void
listen_for(volatile long long *heard)
{
	PGconn *conn = session();
	PGnotify *notify;
	struct pollfd wait = {.fd = PQsocket(conn), .events = POLLIN};

	PQclear(checked(conn, PQexec(conn, "LISTEN bench")));
	*heard = 1;
	for (;;)
	{
		poll(&wait, 1, -1);
		if (PQconsumeInput(conn) != 1)
			exit(0);
		while ((notify = PQnotifies(conn)) != NULL)
		{
			*heard = now(CLOCK_MONOTONIC);
			PQfreemem(notify);
		}
	}
}

static void
measure_listen(int count)
{
	volatile long long *heard = mmap(NULL, sizeof(long long), PROT_READ | PROT_WRITE,
									 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = fork();
	PGconn *conn;

	if (child == 0)
		listen_for(heard);
	while (*heard == 0)
		usleep(PAUSE);
	conn = session();
	prepare(conn, "notify",
			"WITH n AS (INSERT INTO bench.floor (n) VALUES ($1) RETURNING n)"
			" SELECT pg_notify('bench', n::text) FROM n");
	for (int i = 0; i < count; i++)
	{
		long long at;

		usleep(PAUSE);
		*heard = 0;
		at = acknowledged(conn, "notify", "1", CLOCK_MONOTONIC, NULL);
		for (int tries = 0; *heard == 0 && tries < 1000; tries++)
			usleep(PAUSE);
		printf("%.1f\n", (*heard - at) / 1000.0);
	}
	kill(child, SIGTERM);
}

static void
measure_graphile(int count)
{
	PGconn *conn = session();
	char number[16];

	prepare(conn, "add",
			"SELECT graphile_worker.add_job('latency', json_build_object('n', $1::int))");
	for (int i = 0; i < count; i++)
	{
		long long at;

		usleep(10 * PAUSE);
		snprintf(number, sizeof(number), "%d", i);
		at = acknowledged(conn, "add", number, CLOCK_MONOTONIC, NULL);
		printf("%d %lld\n", i, at);
	}
}

int
main(int argc, char **argv)
{
	int count = argc == 3 ? atoi(argv[2]) : 0;

	if (count > 0 && strcmp(argv[1], "queue") == 0)
		measure_queue(count);
	else if (count > 0 && strcmp(argv[1], "listen") == 0)
		measure_listen(count);
	else if (count > 0 && strcmp(argv[1], "graphile") == 0)
		measure_graphile(count);
	else
		return 2;
	return 0;
}
