/*
 * trace_dump.h: the trace over the console, for machines whose memory no host can read.
 */
#pragma once

/**
 * Prints the descriptor and every packet in use as lines of hexadecimal text with a checksum;
 * `fermata-trace from-uart` turns a log of the console back into a trace. Recording is off
 * meanwhile. The format: tools/trace/uart_format.md. Context: task. Returns 0.
 */
int trace_dump(void);
