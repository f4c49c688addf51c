#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"

int fail(const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "fermata-trace: ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_UNUSABLE;
}

static const struct option *find(const struct option *options, const char *name)
{
	for (; options->name; options++)
		if (!strcmp(options->name, name))
			return options;
	return NULL;
}

bool options_parse(int argc, char **argv, const struct option *options, const char **others,
		   int want)
{
	int n = 0;

	for (int i = 1; i < argc; i++) {
		const struct option *o = NULL;

		if (argv[i][0] != '-') {
			if (n < want)
				others[n] = argv[i];
			n++;
			continue;
		}
		if (argv[i][1] == '-')
			o = find(options, argv[i] + 2);
		if (!o) {
			fail("%s has no option %s; see fermata-trace help %s", argv[0], argv[i], argv[0]);
			return false;
		}
		if (o->flag) {
			*o->flag = true;
		} else if (i + 1 < argc) {
			*o->value = argv[++i];
		} else {
			fail("%s --%s needs a value", argv[0], o->name);
			return false;
		}
	}
	if (n == want)
		return true;
	fail("usage: fermata-trace %s", help_for(argv[0])->usage);
	return false;
}

bool parse_number(const char *option, const char *text, u64 *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text ? text : "", &end, 0);
	if (text && *text >= '0' && *text <= '9' && !*end && !errno)
		return true;
	fail("%s expects a number, decimal or with 0x, not '%s'", option, text ? text : "");
	return false;
}

bool parse_time(const char *option, const char *text, u64 *ns)
{
	static const struct {
		const char *name;
		u64 ns;
	} units[] = {{"", NS_PER_S}, {"s", NS_PER_S}, {"ms", NS_PER_MS}, {"us", NS_PER_US}, {"ns", 1}};
	char *end;
	u64 whole = strtoull(text, &end, 10), part = 0, scale = 1;
	bool ok = *text >= '0' && *text <= '9';

	if (*end == '.') {
		for (end++; *end >= '0' && *end <= '9'; end++) {
			if (scale < NS_PER_S) {
				part = part * 10 + (u64)(*end - '0');
				scale *= 10;
			}
		}
	}
	for (unsigned i = 0; ok && i < ARRAY_LEN(units); i++) {
		if (strcmp(end, units[i].name))
			continue;
		*ns = whole > UINT64_MAX / 2 / units[i].ns ? UINT64_MAX
							   : whole * units[i].ns + part * units[i].ns / scale;
		return true;
	}
	fail("%s expects a time such as 1.25, 1250ms or 1250000us, not '%s'", option, text);
	return false;
}

bool open_trace(struct trace *t, const char *dir, bool complain)
{
	char err[512];

	if (trace_load(t, dir, err, sizeof err)) {
		trace_unload(t);
		fail("%s", err);
		return false;
	}
	if (complain && t->faults_n)
		fprintf(stderr, "fermata-trace: %s is damaged: %s%s (fermata-trace check lists all)\n", dir,
			t->faults[0].text, t->faults_n > 1 ? "; and more" : "");
	return true;
}
