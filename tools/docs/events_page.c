/* Prints the reference page of the trace's events, from the one table of them. */
#include <stdio.h>

#define STRING(x) #x
#define VALUES(set, ...)                                                                           \
	"\n## Codes: " #set " {#set_" #set "}\n\n| name | number |\n|---|---|\n" __VA_ARGS__
#define VALUE(set, name, number) "| `" #name "` | " STRING(number) " |\n"
#define EVENT(ID, number, name, meaning, ...)                                                      \
	"\n## Event " STRING(number) ": " #name " {#event_" #name "}\n\n" meaning ".\n\n"          \
	FIELDS __VA_ARGS__
#define ITEM(name, ...) "\n## Element: " #name " {#item_" #name "}\n\n" FIELDS __VA_ARGS__
#define FIELDS "| field | type | meaning |\n|---|---|---|\n"
#define FIELD(type, name, meaning) "| `" #name "` | " #type " | " meaning " |\n"
#define CODE(type, name, set, meaning)                                                             \
	"| `" #name "` | " #type ", one of [" #set "](#set_" #set ") | " meaning " |\n"
#define TEXT(name, bytes, meaning) "| `" #name "` | " STRING(bytes) " characters | " meaning " |\n"
#define ITEMS(item, name, count, meaning)                                                          \
	"| `" #name "` | [" #item "](#item_" #item "), `" #count "` times | " meaning " |\n"

static const char page[] = "# Trace events {#events}\n\nMade from `kernel/trace/events.def`.\n"
#include "trace/events.def"
	;

int main(void)
{
	return fputs(page, stdout) == EOF || fflush(stdout) == EOF;
}
