/* Callouts that answer as their filter's context says (differential.h), for each way of asking. */
#ifndef OPENWFP_TESTS_SCRIPTED_H
#define OPENWFP_TESTS_SCRIPTED_H

#include "classify/arbitrate.h"
#include "differential.h"
#include "model/reference.h"

static inline void scripted_reference(void *ctx, const struct reference_filter *filter,
                                      struct reference_out *out)
{
    uint32_t rights = out->right, absorb = 0;
    scripted_answer(filter->filter->rawContext, &out->action, &rights, &absorb);
    out->right = rights != 0;
    out->absorb = absorb != 0;
}

static inline void scripted_lookup(const struct classify_filter *filter,
                                   struct classify_answer *answer)
{
    scripted_answer(classify_callout_of(filter)->context, &answer->action, &answer->rights,
                    &answer->absorb);
}

#endif
