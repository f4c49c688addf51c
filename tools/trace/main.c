/* fermata-trace: see help.c for what it does. */
#include <string.h>

#include "commands.h"

int main(int argc, char **argv)
{
	const struct help *h;
	int status;

	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		cmd_help(1, argv);
		return argc < 2 ? EXIT_UNUSABLE : EXIT_CLEAN;
	}
	h = help_for(argv[1]);
	if (!h)
		return fail("there is no command %s; fermata-trace help lists them", argv[1]);
	if (argc == 3 && !strcmp(argv[2], "--help"))
		return cmd_help(2, argv);
	status = h->run(argc - 1, argv + 1);
	if (fflush(stdout) || ferror(stdout))
		return fail("the output could not be written");
	return status;
}
