/*
 * Asking a policy that is not in force: compiled like bfe does it and walked by the enforcing
 * code, without any service. Callouts have no code here.
 */
#ifndef OPENWFP_WFP_DRAFT_H
#define OPENWFP_WFP_DRAFT_H

#include <openwfp.h>

#include "src/wfp/cli.h"
#include "src/wfp/policy/compile.h"
#include "src/wfp/question.h"

/* EXIT_DONE, or an exit code after a message. The explanation belongs to the arena. Filter ids are
   the filters' places in the policy, from 1. */
int draft_explain(struct cli *cli, struct policy_objects *objects, const struct question *question,
                  OPENWFP_EXPLANATION *explanation);

#endif
