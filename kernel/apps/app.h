/*
 * app.h: what a program on top of the kernel is. Exactly one app_main is linked in: that of
 * kernel/apps/, or of the file given as APP= to make (the tests use this).
 */
#pragma once

/**
 * Called once in the first task, which is FIFO at level 16, when all CPUs run. It spawns what it
 * wants to run and returns. @p cmdline: the words handed over at boot; "" for none.
 */
void app_main(const char *cmdline);

/** The demonstration (demo.c): runs for about two seconds, prints a table, and leaves the machine
 *  with its status when @p leave, else returns to whoever watches. Context: task. */
void demo_start(int leave);
