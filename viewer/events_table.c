/* Prints kernel/trace/events.def as a TypeScript module: the viewer's decoder is this table. */
#include <stdio.h>

#define STRING(x) #x
#define VALUE(set, name, number) "[" STRING(number) ", \"" #name "\"],"
#define VALUES(set, ...) "\t" #set ": new Map<number, string>([" __VA_ARGS__ "]),\n"
static const char values[] =
#include "trace/events.def"
	;

#define FIELD(type, name, meaning) "\t[\"" #type "\", \"" #name "\"],\n"
#define CODE(type, name, set, meaning)                                                             \
	"\t[\"" #type "\", \"" #name "\", \"" #set "\"],\n"
#define TEXT(name, bytes, meaning) "\t[\"t" #bytes "\", \"" #name "\"],\n"
#define ITEMS(item, name, count, meaning)                                                          \
	"\t[\"items\", \"" #name "\", \"" #item "\", \"" #count "\"],\n"
#define ITEM(name, ...) #name ": [\n" __VA_ARGS__ "],\n"
static const char items[] =
#include "trace/events.def"
	;

#define FIELD(type, name, meaning) "\t[\"" #type "\", \"" #name "\"],\n"
#define CODE(type, name, set, meaning)                                                             \
	"\t[\"" #type "\", \"" #name "\", \"" #set "\"],\n"
#define TEXT(name, bytes, meaning) "\t[\"t" #bytes "\", \"" #name "\"],\n"
#define ITEMS(item, name, count, meaning)                                                          \
	"\t[\"items\", \"" #name "\", \"" #item "\", \"" #count "\"],\n"
#define EVENT(ID, number, name, meaning, ...)                                                      \
	"{id: " STRING(number) ", name: \"" #name "\", meaning: \"" meaning "\", fields: [\n"      \
	__VA_ARGS__ "]},\n"
static const char events[] =
#include "trace/events.def"
	;

#define EVENT(ID, number, name, meaning, ...) "\t" #ID ": " STRING(number) ",\n"
static const char numbers[] =
#include "trace/events.def"
	;

int main(void)
{
	int n = printf("// Made from kernel/trace/events.def.\n"
		       "export type Row = readonly [type: string, name: string, more?: string, "
		       "count?: string];\n"
		       "export interface EventRow { id: number; name: string; meaning: string; "
		       "fields: readonly Row[] }\n"
		       "export const SETS: Record<string, Map<number, string>> = {\n%s};\n"
		       "export const ITEMS: Record<string, readonly Row[]> = {\n%s};\n"
		       "export const EVENTS: readonly EventRow[] = [\n%s];\n"
		       "export const EV = {\n%s} as const;\n",
		       values, items, events, numbers);

	return n < 0 || fflush(stdout) == EOF;
}
