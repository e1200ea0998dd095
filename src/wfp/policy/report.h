/*
 * What is wrong with a policy: every message has a place, and most a hint that says what to do.
 * After REPORT_MAX errors the reading stops (report_full).
 */
#ifndef OPENWFP_POLICY_REPORT_H
#define OPENWFP_POLICY_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "src/wfp/policy/source.h"

#define REPORT_MAX 20

struct arena;

enum report_level { REPORT_ERROR, REPORT_WARNING };

struct report_message {
    enum report_level level;
    struct place place;
    const char *text;
    const char *hint; /* NULL when there is nothing to add */
    struct report_message *next;
};

struct report {
    struct arena *arena;
    unsigned errors, warnings;
    struct report_message *first; /* sorted by place within each source */
};

void report_init(struct report *report, struct arena *arena);
void report_error(struct report *report, struct place place, const char *hint, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));
void report_warning(struct report *report, struct place place, const char *hint, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));
bool report_full(const struct report *report);

/* file:line:column: error: text, the line, a caret below it, the hint. */
void report_print(const struct report *report, FILE *out, bool colour);

#endif
