/*
 * litmus.c: explores small programs that it reads, one a line, and prints the outcomes of each:
 * what its loads read, in order of threads, and what its variables are in the end. For the tests of
 * the explorer itself: tests/explore/rc11.py says independently what they must be.
 *
 * A line: threads separated by |, in them operations: `R x acq`, `W x rlx 1`, `X x ar 2`
 * (exchange), `C x sc 3` (0 becomes 3 if it is 0), `F sc`, `A x acq` (loads until it is not 0).
 * Orders: rlx acq rel ar sc. Variables: x y z. Values: 1 to 15. With --all every interleaving is
 * gone through, without reduction.
 */
#include "sim/explore/explore.h"
#include "sim/port.h"
#include <stdlib.h>
#include <string.h>

#define THREADS      4
#define OPS_MAX      6
#define OUTCOMES_MAX 65536

uint32_t __tsan_atomic32_load(const volatile uint32_t *at, int order);
void __tsan_atomic32_store(volatile uint32_t *at, uint32_t v, int order);
uint32_t __tsan_atomic32_exchange(volatile uint32_t *at, uint32_t v, int order);
uint32_t __tsan_atomic32_compare_exchange_val(volatile uint32_t *at, uint32_t expected, uint32_t v,
					      int order, int order_if_not);
void __tsan_atomic_thread_fence(int order);

const unsigned explore_threads = THREADS;

static struct {
	unsigned n;
	struct {
		char kind;
		int order;
		unsigned variable, value, read;
	} op[OPS_MAX];
} program[THREADS];

static uint32_t variables[3];
static uint64_t outcomes[OUTCOMES_MAX];
static unsigned n_outcomes;

void explore_begin(void)
{
	memset(variables, 0, sizeof variables);
}

void explore_thread(unsigned id)
{
	for (unsigned i = 0; i < program[id].n; i++) {
		unsigned v = program[id].op[i].value;
		int order = program[id].op[i].order;
		int if_not = order == RELEASE ? RELAXED : order == ACQ_REL ? ACQUIRE : order;
		uint32_t *at = &variables[program[id].op[i].variable];

		switch (program[id].op[i].kind) {
		case 'R':
			program[id].op[i].read = __tsan_atomic32_load(at, order);
			break;
		case 'A':
			while (!(program[id].op[i].read = __tsan_atomic32_load(at, order)))
				sim_relax();
			break;
		case 'W':
			__tsan_atomic32_store(at, v, order);
			break;
		case 'X':
			program[id].op[i].read = __tsan_atomic32_exchange(at, v, order);
			break;
		case 'C':
			program[id].op[i].read =
				__tsan_atomic32_compare_exchange_val(at, 0, v, order, if_not);
			break;
		default:
			__tsan_atomic_thread_fence(order);
		}
	}
}

void explore_end(void)
{
}

/* Four bits for each value read, and each variable. */
static void collect(void)
{
	uint64_t outcome = 0;

	for (unsigned t = 0; t < THREADS; t++)
		for (unsigned i = 0; i < program[t].n; i++)
			if (strchr("RAXC", program[t].op[i].kind))
				outcome = outcome << 4 | program[t].op[i].read;
	for (unsigned i = 0; i < 3; i++)
		outcome = outcome << 4 | variables[i];
	for (unsigned i = 0; i < n_outcomes; i++)
		if (outcomes[i] == outcome)
			return;
	if (n_outcomes == OUTCOMES_MAX)
		explore_fail("more than %u outcomes", OUTCOMES_MAX);
	else
		outcomes[n_outcomes++] = outcome;
}

static int order_of(const char *name)
{
	static const char *const names[] = {"rlx", "", "acq", "rel", "ar", "sc"};

	for (int i = 0; i < 6; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -1;
}

/* One operation; false when it is none. */
static bool parse_op(char *text, unsigned thread)
{
	char kind, variable = 'x', order[4] = "";
	unsigned value = 0, n = program[thread].n;
	int found = *text == 'F' ? sscanf(text, "%c %3s", &kind, order)
				 : sscanf(text, "%c %c %3s %u", &kind, &variable, order, &value);
	int want = *text == 'F' ? 2 : *text == 'R' || *text == 'A' ? 3 : 4;

	if (found != want || !strchr("RAWXCF", kind) || variable < 'x' || variable > 'z' ||
	    value > 15 || order_of(order) < 0 || n == OPS_MAX)
		return false;
	program[thread].op[n].kind = kind;
	program[thread].op[n].order = order_of(order);
	program[thread].op[n].variable = (unsigned)(variable - 'x');
	program[thread].op[n].value = value;
	program[thread].n++;
	return true;
}

static bool parse(char *line)
{
	unsigned thread = 0;
	char *part, *op, *save_part, *save_op;

	memset(program, 0, sizeof program);
	for (part = strtok_r(line, "|\n", &save_part); part;
	     part = strtok_r(NULL, "|\n", &save_part), thread++) {
		if (thread == THREADS)
			return false;
		for (op = strtok_r(part, ";", &save_op); op; op = strtok_r(NULL, ";", &save_op))
			if (!parse_op(op + strspn(op, " "), thread))
				return false;
	}
	return thread > 0;
}

int main(int argc, char **argv)
{
	char line[512], text[512];

	explore_options.may_wait = true;
	explore_options.reduce = !(argc > 1 && !strcmp(argv[1], "--all"));
	while (fgets(line, sizeof line, stdin)) {
		strcpy(text, line);
		if (!parse(line)) {
			fprintf(stderr, "litmus: no program: %s", text);
			return 2;
		}
		n_outcomes = 0;
		if (!explore(collect)) {
			fprintf(stderr, "litmus: %s: %s", explore_error(), text);
			return 1;
		}
		printf("%lu", explore_counts.executions);
		for (unsigned i = 0; i < n_outcomes; i++)
			printf(" %lx", outcomes[i]);
		printf("\n");
	}
	return 0;
}

/* Nothing is told here. */
void explore_tell(const struct op *op, uint64_t read, uint64_t written, int from, bool wrote,
		  bool in_order)
{
	(void)op, (void)read, (void)written, (void)from, (void)wrote, (void)in_order;
}
