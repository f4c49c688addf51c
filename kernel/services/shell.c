#include "services/shell.h"
#include "async/async.h"
#include "base/printf.h"
#include "base/string.h"
#include "base/words.h"
#include "core/console.h"
#include "core/log.h"
#include "services/lineedit.h"

/* Ready when the console has a byte. One reader: the shell. */
struct console_read {
	struct awaitable aw;
	char byte;
};

struct shell {
	struct async async;
	struct console_read read;
	struct lineedit line;
};

static const struct command *own_commands; /* set once, before the shell runs */
static struct task *reader; /* set once, before the input hook that reads it */

static void input_arrived(void *arg)
{
	(void)arg;
	task_wake(reader);
}

static enum poll read_poll(struct awaitable *a)
{
	struct console_read *r = CONTAINER_OF(a, struct console_read, aw);

	return console_take(&r->byte) ? POLL_READY : POLL_PENDING;
}

static void read_cancel(struct awaitable *a)
{
	(void)a;
}

static struct awaitable *console_read(struct console_read *r)
{
	r->aw = (struct awaitable){read_poll, read_cancel, TRACE_await_kind_console};
	return &r->aw;
}

/* "(task)" and "task" are the same line. */
static char *strip_parentheses(char *line)
{
	usize n = strlen(line);

	while (n && line[n - 1] == ' ')
		line[--n] = '\0';
	while (*line == ' ')
		line++, n--;
	if (n < 2 || line[0] != '(' || line[n - 1] != ')')
		return line;
	line[n - 1] = '\0';
	return line + 1;
}

const struct command *shell_command(unsigned i)
{
	if (i < commands_count)
		return &commands[i];
	return own_commands && own_commands[i - commands_count].name
		       ? &own_commands[i - commands_count]
		       : NULL;
}

void shell_run_line(char *line)
{
	char *words[COMMAND_WORDS_MAX];
	int n = words_split(strip_parentheses(line), words, COMMAND_WORDS_MAX);

	if (n == 0)
		return;
	if (n < 0) {
		kprintf("too many words: a command has at most %d\n", COMMAND_WORDS_MAX);
		return;
	}
	const struct command *c;

	for (unsigned i = 0; (c = shell_command(i)) != NULL; i++) {
		unsigned given = (unsigned)n - 1;

		if (strcmp(c->name, words[0]))
			continue;
		if (given < c->words_min || given > c->words_max || c->run(words + 1, given))
			kprintf("expected: %s%s%s\n", c->name, *c->arguments ? " " : "",
				c->arguments);
		return;
	}
	kprintf("no command '%s'; 'help' lists them\n", words[0]);
}

static enum poll shell(void *frame)
{
	struct shell *me = frame;

	ASYNC_BEGIN(me);
	reader = task_self();
	lineedit_init(&me->line, "fermata> ", console_write);
	console_on_input(input_arrived, NULL);
	kprintf("Type 'help' for the commands.\n");
	for (;;) {
		lineedit_begin(&me->line);
		for (;;) {
			AWAIT(me, console_read(&me->read));

			enum lineedit_result r = lineedit_key(&me->line, me->read.byte);

			if (r == LINE_MORE)
				continue;
			if (r == LINE_DONE)
				shell_run_line(me->line.text);
			break;
		}
	}
	ASYNC_END(me);
}

int shell_start(const struct command *own)
{
	static struct shell frame;

	own_commands = own;
	return task_spawn(&(struct task_spec){.name = "shell",
					      .fn = shell,
					      .frame = &frame,
					      .frame_bytes = sizeof frame,
					      .params = SCHED_PARAMS_FIFO(24),
					      .service = true},
			  NULL);
}
