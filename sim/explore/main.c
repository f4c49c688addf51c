/*
 * main.c: explores the program that it is linked with. Addresses of code are printed as {0x...} and
 * of variables as <0x...>; tools/sim/fermata-sim explore puts names in their place.
 */
#include "sim/explore/explore.h"
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STATUS_WRONG_USE 2
#define STATUS_FAILED    1
#define STATUS_STOPPED   3 /* by --max: nothing was found, but not all was seen */

static const char *const kinds[] = {
	[OP_LOAD] = "load",        [OP_STORE] = "store",
	[OP_RMW] = "change",       [OP_CAS] = "compare-exchange",
	[OP_FENCE] = "fence",      [OP_HINT] = "hint",
	[OP_HALT] = "halt",        [OP_LOCK] = "lock",
	[OP_STRIKE] = "interrupt",
};
static const char *const orders[] = {"relaxed", "consume", "acquire",
				     "release", "acq_rel", "seq_cst"};

static const char help[] =
	"usage: %s [option]...\n"
	"Explores all executions of the program that it was built from. See docs/explorer.md.\n"
	"  --replay CHOICES  one execution, as a failure names it; prints its steps\n"
	"  --max N           stop after N executions\n"
	"  --all             every interleaving, without reduction; for comparisons\n"
	"  --help\n"
	"Status: 0 all executions are right, 1 one is not, 2 wrong use, 3 stopped by --max.\n";

void explore_tell(const struct op *op, uint64_t read, uint64_t written, int from, bool wrote,
		  bool in_order)
{
	char what[160];
	int n;

	n = snprintf(what, sizeof what, "%s", kinds[op->kind]);
	if (op->kind < OP_HINT)
		n += snprintf(what + n, sizeof what - (size_t)n, " %s",
			      orders[op->kind == OP_CAS && !wrote ? op->order_if_not : op->order]);
	if (op->kind == OP_HINT)
		n += snprintf(what + n, sizeof what - (size_t)n, " to CPU %lu", written);
	if (op->kind <= OP_CAS || op->kind == OP_LOCK)
		n += snprintf(what + n, sizeof what - (size_t)n, " <%#lx>", op->at);
	if (from >= 0)
		n += snprintf(what + n, sizeof what - (size_t)n, " is %#lx", read);
	if (from > 0)
		n += snprintf(what + n, sizeof what - (size_t)n, ", of step %d", from);
	if (wrote && op->kind <= OP_CAS)
		n += snprintf(what + n, sizeof what - (size_t)n, "%s %#lx",
			      from >= 0 ? "; becomes" : " =", written);
	if (!in_order)
		snprintf(what + n, sizeof what - (size_t)n, "%s",
			 wrote ? " (before a write that came earlier)" : " (not the newest)");
	if (explore_confirming)
		printf("again  CPU %u  %s  at {%#lx}\n", explore_current, what, op->pc);
	else
		printf("%5u  CPU %u  %s  at {%#lx}\n", explore_step(), explore_current, what,
		       op->pc);
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Says what an execution did, which explore() did before. */
static void tell_last(void)
{
	static char choices[STEPS_MAX * 6];
	FILE *to = fmemopen(choices, sizeof choices, "w");
	char found[512];

	if (!to)
		abort();
	explore_choices(to);
	fclose(to);
	snprintf(found, sizeof found, "%s", explore_error());
	explore_options.replay = choices;
	explore_options.tell = true;
	printf("steps:\n");
	explore(NULL);
	printf("explore: %s\n", explore_error());
	if (strcmp(found, explore_error()))
		printf("explore: but the first time it was: %s\n", found);
	printf("explore: again: --replay %s\n", choices);
}

static void tell_covered(bool stopped)
{
	bool given = &explore_locks_given && explore_locks_given;
	bool newest = &explore_newest && explore_newest;

	printf("explore: covered: %s interleaving, %sraces, deadlocks%s; not covered: load "
	       "buffering, "
	       "some orders of seq_cst accesses beside others, spurious failures of weak "
	       "compare-exchanges%s%s%s\n",
	       stopped ? "a part of: every" : "every",
	       newest ? "" : "stale reads, order of writes, ",
	       explore_interrupts ? ", interrupts at any access" : "",
	       explore_interrupts ? "" : ", interrupts",
	       newest ? ", stale reads, order of writes" : "",
	       given ? ", what is within spin locks" : "");
}

static int report(bool right, double seconds)
{
	const struct explore_counts *c = &explore_counts;
	bool stopped = right && explore_options.max && c->executions == explore_options.max;

	printf("explore: %s: %u threads, %lu executions (%lu complete, %lu cut where a thread "
	       "waits, %lu cut as "
	       "repeated), %lu steps, at most %u in one, %.3f s, %.0f executions/s\n",
	       right ? stopped ? "stopped" : "verified" : "FAILED", explore_threads, c->executions,
	       c->complete, c->waiting, c->repeated, c->steps, c->deepest, seconds,
	       (double)c->executions / (seconds + 1e-9));
	if (right)
		tell_covered(stopped);
	return right ? stopped ? STATUS_STOPPED : 0 : STATUS_FAILED;
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (*end || !*text || *text == '-') {
		fprintf(stderr, "explore: %s: give a number\n", text);
		exit(STATUS_WRONG_USE);
	}
	return n;
}

static void read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{"replay", required_argument, NULL, 'r'},
		{"max", required_argument, NULL, 'm'},
		{"all", no_argument, NULL, 'a'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'r')
			explore_options.replay = optarg;
		else if (c == 'm')
			explore_options.max = number(optarg);
		else if (c == 'a')
			explore_options.reduce = false;
		else if (c == 'h') {
			printf(help, argv[0]);
			exit(0);
		} else
			exit(STATUS_WRONG_USE);
	}
	if (argv[optind]) {
		fprintf(stderr, "explore: %s: there are only options; --help lists them\n",
			argv[optind]);
		exit(STATUS_WRONG_USE);
	}
}

int main(int argc, char **argv)
{
	double begin = cpu_seconds();
	struct explore_counts counts;
	bool right;

	read_options(argc, argv);
	if (explore_threads < 1 || explore_threads > EXPLORE_THREADS_MAX) {
		fprintf(stderr, "explore: explore_threads is %u; 1 to %d can be\n", explore_threads,
			EXPLORE_THREADS_MAX);
		return STATUS_WRONG_USE;
	}
	if (explore_options.replay) {
		explore_options.tell = true;
		printf("steps:\n");
		right = explore(NULL);
		printf("explore: %s\n", right ? "this execution is right" : explore_error());
		return right ? 0 : explore_counts.unfit ? STATUS_WRONG_USE : STATUS_FAILED;
	}
	right = explore(NULL);
	counts = explore_counts;
	begin = cpu_seconds() - begin;
	if (!right)
		tell_last();
	explore_counts = counts;
	return report(right, begin);
}
