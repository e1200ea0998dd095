/*
 * The filters in force as one who sees only the changes of each commit knows them. Checked against
 * the whole view at every commit of every test, but for those of SHADOW_MAX filters and more.
 */
#ifndef OPENWFP_TESTS_MODEL_SHADOW_H
#define OPENWFP_TESTS_MODEL_SHADOW_H

#include "model/model.h"

#define SHADOW_MAX 4096u

struct shadow {
    uint64_t ids[SHADOW_MAX];
    size_t count;
    size_t added, deleted; /* by the last commit */
    bool had_delta;
};

/* The commit succeeds: takes its changes over, or all there is, and compares. */
void shadow_follow(struct shadow *shadow, const struct model_view *after);

#endif
