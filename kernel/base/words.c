#include "base/words.h"
#include "base/string.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static usize word_length(const char *s)
{
	usize n = 0;

	while (s[n] && !blank(s[n]))
		n++;
	return n;
}

const char *words_next(const char *line, usize *bytes)
{
	while (blank(*line))
		line++;
	*bytes = word_length(line);
	return line;
}

bool words_find(const char *line, const char *word, char *value, usize bytes)
{
	usize length = strlen(word);

	for (usize n; *(line = words_next(line, &n)); line += n) {
		if (n < length || strncmp(line, word, length) || (n > length && line[length] != '='))
			continue;
		if (value) {
			usize rest = n > length ? n - length - 1 : 0;

			strlcpy(value, line + n - rest, MIN(bytes, rest + 1));
		}
		return true;
	}
	return false;
}

int words_split(char *line, char **words, unsigned max)
{
	unsigned n = 0;

	for (;;) {
		while (blank(*line))
			*line++ = '\0';
		if (!*line)
			return (int)n;
		if (n == max)
			return ERR_INVAL;
		words[n++] = line;
		line += word_length(line);
	}
}
