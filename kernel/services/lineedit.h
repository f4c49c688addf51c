/*
 * lineedit.h: a line of text under the user's fingers, with history. Pure: bytes in, bytes to
 * show out; no console, no lock. Keys: arrows, Home, End, Delete, Backspace, and Control with
 * A E B F D K U W L P N C.
 */
#pragma once

#include "base/types.h"

#define LINE_BYTES 128
#define HISTORY_LINES 16

enum lineedit_result {
	LINE_MORE,     /* still being edited */
	LINE_DONE,     /* Return: the text is in lineedit.text until the next key */
	LINE_CANCELED, /* Control-C */
};

struct lineedit {
	const char *prompt;
	void (*show)(const char *text, usize bytes); /* where the echo goes */
	char text[LINE_BYTES];			     /* terminated */
	usize length, cursor;
	u8 escape; /* bytes of an escape sequence seen so far, and its parameter */
	char parameter;
	char history[HISTORY_LINES][LINE_BYTES];
	unsigned lines;	  /* ever entered */
	unsigned looking; /* how far back the history shows; 0 is the line itself */
};

void lineedit_init(struct lineedit *l, const char *prompt,
		   void (*show)(const char *text, usize bytes));

/** Shows the prompt and an empty line. */
void lineedit_begin(struct lineedit *l);

/** Takes one byte from the keyboard. */
enum lineedit_result lineedit_key(struct lineedit *l, char key);
