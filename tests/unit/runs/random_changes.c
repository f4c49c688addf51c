/* random_tasks.c, with tasks that change others' parameters and take CPUs out. TESTS_MAIN is there. */
#define ACTIONS 13u
#include "random_tasks.c"
