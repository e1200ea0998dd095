/*
 * A policy's text and places in it. Text is UTF-8 without NUL bytes; source_check reports the
 * first byte that breaks this, and nothing behind it is read.
 */
#ifndef OPENWFP_POLICY_SOURCE_H
#define OPENWFP_POLICY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOURCE_MAX_LENGTH (64u << 20)

struct report;

struct source {
    const char *name; /* as the user wrote it, for messages */
    const char *text;
    size_t length;
    const struct source *includer;
};

struct place {
    const struct source *source;
    uint32_t line;   /* from 1 */
    uint32_t offset; /* bytes */
    uint32_t length; /* bytes */
};

bool source_check(const struct source *source, struct report *report);

/* The column counts characters from 1. */
uint32_t place_column(const struct place *place);

/* The bytes of the line that holds the place, without its end. */
const char *place_line(const struct place *place, size_t *length);

#endif
