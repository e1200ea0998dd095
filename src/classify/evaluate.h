/*
 * classify() in user space: the kernel's lookup (lookup.h) over an image in memory, optionally with
 * a note of every filter that matched. What it answers is what the kernel answers.
 */
#ifndef OPENWFP_CLASSIFY_EVALUATE_H
#define OPENWFP_CLASSIFY_EVALUATE_H

#include "arbitrate.h"
#include "compile.h"
#include "walk.h"

/* What became of a filter that matched. */
enum classify_outcome {
    CLASSIFY_DECIDED,   /* its action stood when it was reached */
    CLASSIFY_OVERRULED, /* a heavier sublayer had taken the right to decide */
    CLASSIFY_CONTINUED, /* it let the next filter of its sublayer go on */
    CLASSIFY_SKIPPED,   /* a heavier filter of its sublayer had decided already */
};

struct classify_trace {
    void *ctx;
    /* Called for each filter that matches, in order, with the result after it. */
    void (*matched)(void *ctx, const struct classify_filter *filter, enum classify_outcome outcome,
                    const struct classify_result *after);
    /* Asks a callout; NULL: no callout is registered. */
    void (*callout)(void *ctx, const struct classify_filter *filter,
                    const struct classify_walk *walk, struct classify_answer *answer);
};

/* Decides walk->key at walk->layer into walk->result. trace may be NULL. */
void classify_evaluate(const struct classify_image *image, struct classify_walk *walk,
                       const struct classify_trace *trace);

#endif
