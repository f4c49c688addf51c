/*
 * links: async/lock.c async/wait.c task/fault.c task/inherit.c
 *
 * As async_mutex.c, but all three wait until they have it.
 */
#define STAYING 3
#include "async_mutex.c"
