/*
 * A parsed policy as the objects of the management API: a provider named after the policy, its
 * sublayers, its filters. All belong to the arena.
 *
 * Weights: rule k (from 1) of a sublayer weighs 2^48 - k * 2^16, so the first match wins and there
 * is room for explicit weights above, below and in between.
 */
#ifndef OPENWFP_POLICY_COMPILE_H
#define OPENWFP_POLICY_COMPILE_H

#include <stdbool.h>
#include <stddef.h>

#include <fwpmu.h>

#include "src/wfp/policy/ast.h"
#include "src/wfp/policy/values.h"

#define COMPILE_FIRST_WEIGHT ((uint64_t)1 << 48)
#define COMPILE_WEIGHT_STEP  ((uint64_t)1 << 16)

struct compile_options {
    bool persistent; /* survives bfe */
    bool dynamic;    /* lives in a dynamic session, which holds no boot rules: they are left out */
};

struct policy_objects {
    const char *name;
    FWPM_PROVIDER0 provider;
    FWPM_SUBLAYER0 *sublayers;
    size_t sublayer_count;
    FWPM_FILTER0 *filters;
    size_t filter_count;
    size_t rules;
    size_t boot_rules;
};

/* Only worth using when nothing was reported as an error. */
void policy_compile(const struct reader *reader, const struct policy *policy,
                    const struct compile_options *options, struct policy_objects *objects);

#endif
