/* Prints kernel/trace/events.def as a TypeScript module: the viewer's decoder is this table. Lists
 * are texts, as the page is to be small. */
#include <stdio.h>

#define STRING(x)                #x
#define VALUE(set, name, number) #name " " STRING(number) ","
#define VALUES(set, ...)         "\t" #set ": values(\"" __VA_ARGS__ "\"),\n"
static const char values[] =
#include "trace/events.def"
	;

#define FIELD(type, name, meaning)        #type " " #name ","
#define CODE(type, name, set, meaning)    #type " " #name " " #set ","
#define TEXT(name, bytes, meaning)        "t" #bytes " " #name ","
#define ITEMS(item, name, count, meaning) "items " #name " " #item " " #count ","
#define ITEM(name, ...)                   "\t" #name ": rows(\"" __VA_ARGS__ "\"),\n"
static const char items[] =
#include "trace/events.def"
	;

#define FIELD(type, name, meaning)        #type " " #name ","
#define CODE(type, name, set, meaning)    #type " " #name " " #set ","
#define TEXT(name, bytes, meaning)        "t" #bytes " " #name ","
#define ITEMS(item, name, count, meaning) "items " #name " " #item " " #count ","
#define EVENT(ID, number, name, meaning, ...)                                                      \
	"\tevent(" STRING(number) ", \"" #name "\", \"" meaning "\", \"" __VA_ARGS__ "\"),\n"
static const char events[] =
#include "trace/events.def"
	;

#define EVENT(ID, number, name, meaning, ...) "\t" #ID " = " STRING(number) ",\n"
static const char numbers[] =
#include "trace/events.def"
	;

static const char head[] =
	"// Made from kernel/trace/events.def.\n"
	"export type Row = readonly [type: string, name: string, more?: string, count?: string];\n"
	"export interface EventRow { id: number; name: string; meaning: string; fields: readonly "
	"Row[] }\n"
	"const list = (text: string): string[][] => text.split(\",\").slice(0, -1).map((one) => "
	"one.split(\" \"));\n"
	"const values = (text: string): Map<number, string> => new Map(list(text).map(([name, "
	"number]) => [Number(number), name!]));\n"
	"const rows = (text: string): Row[] => list(text) as unknown as Row[];\n"
	"const event = (id: number, name: string, meaning: string, fields: string): EventRow => "
	"({id, name, meaning, fields: rows(fields)});\n";

int main(void)
{
	int n = printf("%sexport const SETS: Record<string, Map<number, string>> = {\n%s};\n"
		       "export const ITEMS: Record<string, readonly Row[]> = {\n%s};\n"
		       "export const EVENTS: readonly EventRow[] = [\n%s];\n"
		       "export const enum EV {\n%s}\n",
		       head, values, items, events, numbers);

	return n < 0 || fflush(stdout) == EOF;
}
