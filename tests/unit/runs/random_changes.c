/* random_tasks.c, with tasks that change others' parameters, take CPUs out, and inherit. TESTS_MAIN is there. */
#define ACTIONS 16u
#include "random_tasks.c"
