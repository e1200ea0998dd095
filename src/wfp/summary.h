/* A policy's objects as text: what applying it would make. */
#ifndef OPENWFP_WFP_SUMMARY_H
#define OPENWFP_WFP_SUMMARY_H

#include <stdio.h>

#include "src/wfp/describe.h"
#include "src/wfp/policy/compile.h"

void summary_print(const struct describer *describer, const struct policy_objects *objects,
                   FILE *out);
void summary_json(const struct describer *describer, const struct policy_objects *objects,
                  struct json *json);

#endif
