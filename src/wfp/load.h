/* Reading a policy for a command, and telling the user what is wrong with it. */
#ifndef OPENWFP_WFP_LOAD_H
#define OPENWFP_WFP_LOAD_H

#include <fwpmu.h>

#include "src/wfp/cli.h"
#include "src/wfp/policy/policy.h"

/* This machine; callouts are looked up in the engine unless it is NULL. */
struct environment load_environment(HANDLE *engine);

/* EXIT_DONE or EXIT_POLICY. Messages are printed; with --json errors go into one document. */
int load_policy(const struct cli *cli, const struct environment *environment, const char *path,
                const struct compile_options *options, struct policy_objects *objects);

void load_report(const struct cli *cli, const struct report *report, const char *path);

#endif
