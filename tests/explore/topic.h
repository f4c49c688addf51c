/*
 * topic.h: a topic without a name, for programs that explore what is published (async/pubsub.c).
 */
#pragma once

#include "async/pubsub.h"
#include "tasks.h"

static char topic_memory[sizeof(struct topic) + 128] __attribute__((aligned(16)));
static struct topic *topic = (struct topic *)topic_memory;

static void topic_begin(struct topic_params params) NO_THREAD_SAFETY_ANALYSIS
{
	topic->params = params;
	list_init(&topic->subscriptions);
	list_init(&topic->publishers);
	list_init(&topic->receivers);
}

struct named *name_open(const void *sort, const char *name, struct named *fresh)
{
	(void)sort, (void)name, (void)fresh;
	UNREACHED("name_open");
}

void name_close(struct named *n)
{
	(void)n;
	UNREACHED("name_close");
}

void *kzalloc(usize bytes)
{
	(void)bytes;
	UNREACHED("kzalloc");
}

void kfree(void *p)
{
	(void)p;
	UNREACHED("kfree");
}
