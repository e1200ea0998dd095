/*
 * Changing the engine's objects: a policy put in the place of what the same policy had before, or
 * taken away. Call these inside a transaction.
 */
#ifndef OPENWFP_WFP_CHANGE_H
#define OPENWFP_WFP_CHANGE_H

#include <fwpmu.h>

#include "src/wfp/cli.h"
#include "src/wfp/policy/compile.h"

#define CHANGE_ANSWERS "answers" /* the policy of filters that wfp ask writes */

struct change {
    const struct cli *cli;
    HANDLE engine;
    size_t added, kept, deleted; /* filters */
};

/*
 * Filters that are there already stay (their keys say what they contain), so applying a policy
 * twice changes nothing. Returns an exit code, after a message when it isn't EXIT_DONE.
 */
int change_apply(struct change *change, const struct policy_objects *objects);

/* Deletes everything of the policy's provider. */
int change_remove(struct change *change, const char *policy);

/* Adds filters; with the name of the one that fails in the message. */
int change_add_filters(struct change *change, const FWPM_FILTER0 *filters, size_t count,
                       UINT64 *ids);

/* Makes the provider or the sublayer unless it is there. */
int change_need_provider(struct change *change, const FWPM_PROVIDER0 *provider);
int change_need_sublayer(struct change *change, const FWPM_SUBLAYER0 *sublayer);

/* Runs a change in a transaction of its own: commits when it gives EXIT_DONE, else aborts. */
int change_run(struct change *change, int (*run)(struct change *change, const void *what),
               const void *what);

#endif
