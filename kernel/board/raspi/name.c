/*
 * name.c: the one place where board_name is not constant. It is written once, before anybody
 * reads it, so board.h may call it constant; this file must not include board.h.
 */
#include "base/string.h"
#include "board/raspi/raspi.h"

extern char board_name[8];
char board_name[8] = "raspi";

void board_name_set(const char *name)
{
	(void)strlcpy(board_name, name, sizeof board_name);
}
