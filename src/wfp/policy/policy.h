/*
 * The policy language, as commands use it: text in; objects, or a report of what is wrong, out.
 */
#ifndef OPENWFP_POLICY_H
#define OPENWFP_POLICY_H

#include "src/wfp/policy/compile.h"
#include "src/wfp/policy/environment.h"
#include "src/wfp/policy/report.h"

/* Reads a file; "-" is standard input. False: the report says what is wrong. A file that can't be
   read at all is reported at its place 1:1. */
bool policy_load(struct arena *arena, const struct environment *environment, const char *path,
                 const struct compile_options *options, struct report *report,
                 struct policy_objects *objects);

/* The same for text at hand; `name` is shown in messages and names the policy. */
bool policy_read(struct arena *arena, const struct environment *environment,
                 const struct source *source, const struct compile_options *options,
                 struct report *report, struct policy_objects *objects);

#endif
