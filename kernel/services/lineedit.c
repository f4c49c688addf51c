#include "services/lineedit.h"
#include "base/string.h"

#define CTRL(c) ((c) & 0x1f)
#define ESC 0x1b

static void show(struct lineedit *l, const char *text)
{
	l->show(text, strlen(text));
}

/* Prompt, text, the rest of the old line erased, cursor in its place. */
static void redraw(struct lineedit *l)
{
	show(l, "\r");
	show(l, l->prompt);
	l->show(l->text, l->length);
	show(l, "\x1b[K");
	for (usize i = l->length; i > l->cursor; i--)
		show(l, "\b");
}

void lineedit_init(struct lineedit *l, const char *prompt,
		   void (*out)(const char *text, usize bytes))
{
	memset(l, 0, sizeof *l);
	l->prompt = prompt;
	l->show = out;
}

void lineedit_begin(struct lineedit *l)
{
	l->length = l->cursor = 0;
	l->text[0] = '\0';
	l->looking = 0;
	l->escape = 0;
	redraw(l);
}

static void erase(struct lineedit *l, usize from, usize to)
{
	memmove(l->text + from, l->text + to, l->length - to + 1);
	l->length -= to - from;
	l->cursor = from;
}

static void insert(struct lineedit *l, char c)
{
	if (l->length + 1 == LINE_BYTES) {
		show(l, "\a");
		return;
	}
	memmove(l->text + l->cursor + 1, l->text + l->cursor, l->length - l->cursor + 1);
	l->text[l->cursor++] = c;
	l->length++;
}

static void look_back(struct lineedit *l, unsigned by)
{
	unsigned kept = MIN(l->lines, HISTORY_LINES);

	if (by > kept)
		return;
	l->looking = by;
	if (by)
		strlcpy(l->text, l->history[(l->lines - by) % HISTORY_LINES], LINE_BYTES);
	else
		l->text[0] = '\0';
	l->length = l->cursor = strlen(l->text);
}

static void remember(struct lineedit *l)
{
	if (!l->length)
		return;
	if (l->lines && !strcmp(l->history[(l->lines - 1) % HISTORY_LINES], l->text))
		return;
	strlcpy(l->history[l->lines++ % HISTORY_LINES], l->text, LINE_BYTES);
}

static void erase_word(struct lineedit *l)
{
	usize from = l->cursor;

	while (from && l->text[from - 1] == ' ')
		from--;
	while (from && l->text[from - 1] != ' ')
		from--;
	erase(l, from, l->cursor);
}

/* Keys that come as ESC [ x or ESC [ n ~ are the same as these control keys. */
static char escape_key(struct lineedit *l, char c)
{
	static const struct {
		char final, parameter, key;
	} keys[] = {
		{'A', 0, CTRL('P')},   {'B', 0, CTRL('N')},   {'C', 0, CTRL('F')},
		{'D', 0, CTRL('B')},   {'H', 0, CTRL('A')},   {'F', 0, CTRL('E')},
		{'~', '1', CTRL('A')}, {'~', '3', CTRL('D')}, {'~', '4', CTRL('E')},
	};

	if (l->escape == 1 && (c == '[' || c == 'O')) {
		l->escape = 2;
		l->parameter = 0;
		return 0;
	}
	if (l->escape == 2 && c >= '0' && c <= '9') {
		l->parameter = c;
		return 0;
	}
	l->escape = 0;
	for (usize i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].final == c && keys[i].parameter == l->parameter)
			return keys[i].key;
	return 0;
}

/* Everything that changes the line and does not end it. */
static void edit(struct lineedit *l, char c)
{
	switch (c) {
	case CTRL('A'): l->cursor = 0; break;
	case CTRL('E'): l->cursor = l->length; break;
	case CTRL('B'): l->cursor -= l->cursor > 0; break;
	case CTRL('F'): l->cursor += l->cursor < l->length; break;
	case CTRL('K'): erase(l, l->cursor, l->length); break;
	case CTRL('U'): erase(l, 0, l->cursor); break;
	case CTRL('W'): erase_word(l); break;
	case CTRL('P'): look_back(l, l->looking + 1); break;
	case CTRL('N'): look_back(l, l->looking ? l->looking - 1 : 0); break;
	case CTRL('L'): show(l, "\x1b[H\x1b[J"); break;
	case CTRL('D'):
		if (l->cursor < l->length)
			erase(l, l->cursor, l->cursor + 1);
		break;
	case '\b':
	case 0x7f:
		if (l->cursor)
			erase(l, l->cursor - 1, l->cursor);
		break;
	default:
		if ((unsigned char)c >= ' ')
			insert(l, c);
	}
}

enum lineedit_result lineedit_key(struct lineedit *l, char c)
{
	if (l->escape) {
		c = escape_key(l, c);
		if (!c)
			return LINE_MORE;
	} else if (c == ESC) {
		l->escape = 1;
		return LINE_MORE;
	}
	if (c == '\r' || c == '\n') {
		show(l, "\n");
		remember(l);
		return LINE_DONE;
	}
	if (c == CTRL('C')) {
		show(l, "^C\n");
		return LINE_CANCELED;
	}

	bool at_end = l->cursor == l->length && (unsigned char)c >= ' ' && c != 0x7f;
	usize before = l->length;

	edit(l, c);
	if (at_end && l->length == before + 1)
		l->show(&c, 1); /* the common case needs no redraw */
	else
		redraw(l);
	return LINE_MORE;
}
