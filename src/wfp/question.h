/*
 * What "wfp explain" asks: one operation, as the layer would see it. The fields a person leaves
 * out are absent, as they are for the kernel when it has nothing to show.
 */
#ifndef OPENWFP_WFP_QUESTION_H
#define OPENWFP_WFP_QUESTION_H

#include <openwfp.h>

#include "src/wfp/cli.h"
#include "src/wfp/policy/layer_facts.h"

#define QUESTION_FIELDS 7 /* app, protocol, two addresses, two ports, flags */

struct question {
    OPENWFP_EXPLAIN_REQUEST request;
    OPENWFP_FIELD_VALUE fields[QUESTION_FIELDS];
    enum rule_layer layer;
    const char *app;  /* canonical */
    const char *text; /* "connect tcp /usr/bin/curl 10.0.0.1:443 as www-data" */
};

struct question_options {
    const char *user, *local, *flags; /* NULL: not given */
};

/* From the arguments LAYER PROTOCOL APP ADDRESS[:PORT]. EXIT_DONE, or EXIT_USAGE after a message.
 */
int question_read(struct cli *cli, const struct question_options *options,
                  struct question *question);

#endif
