#include "explain.h"

#include <stdio.h>

#include "model/layers.h"

#define HOLD_CALLOUTS 16u

struct tracing {
    uint32_t hold[HOLD_CALLOUTS]; /* ids of the callouts of hold filters; 0 ends */
    const struct classify_image *image;
    uint16_t layer;
    OPENWFP_EXPLANATION *explanation;
    uint64_t decided_by; /* the filter that decided the sublayer being walked */
    unsigned callouts;   /* whose answer is unknown here */
    bool cut;            /* more filters match than are shown */
};

static OPENWFP_OUTCOME outcome_of(enum classify_outcome outcome)
{
    switch (outcome) {
    case CLASSIFY_DECIDED:
        return OPENWFP_OUTCOME_STOOD;
    case CLASSIFY_OVERRULED:
        return OPENWFP_OUTCOME_OUTVOTED;
    case CLASSIFY_CONTINUED:
        return OPENWFP_OUTCOME_CONTINUED;
    default:
        return OPENWFP_OUTCOME_NOT_REACHED;
    }
}

static bool holds(const struct tracing *tracing, const struct classify_filter *filter)
{
    uint32_t id =
        filter->type == FWP_ACTION_CALLOUT_TERMINATING ? classify_callout_of(filter)->id : 0;

    for (unsigned i = 0; id && i < HOLD_CALLOUTS && tracing->hold[i]; i++)
        if (tracing->hold[i] == id)
            return true;
    return false;
}

static void on_match(void *ctx, const struct classify_filter *filter, enum classify_outcome outcome,
                     const struct classify_result *after)
{
    struct tracing *tracing = ctx;
    OPENWFP_EXPLANATION *explanation = tracing->explanation;
    OPENWFP_EXPLAIN_STEP *step;

    if (outcome == CLASSIFY_DECIDED || outcome == CLASSIFY_OVERRULED)
        tracing->decided_by = filter->id;
    if (explanation->numSteps == EXPLAIN_STEPS_MAX) {
        tracing->cut = true;
        return;
    }
    step = &explanation->steps[explanation->numSteps++];
    *step = (OPENWFP_EXPLAIN_STEP){
        .filterId = filter->id,
        .subLayerWeight = classify_sublayer_weight(tracing->image, tracing->layer, filter),
        .action = filter->type,
        .calloutId = filter->type & FWP_ACTION_FLAG_CALLOUT ? classify_callout_of(filter)->id : 0,
        .outcome = outcome == CLASSIFY_DECIDED && holds(tracing, filter) ? OPENWFP_OUTCOME_HELD
                                                                         : outcome_of(outcome),
        .hard = outcome == CLASSIFY_DECIDED && !(after->rights & FWPS_RIGHT_ACTION_WRITE),
    };
    if (outcome == CLASSIFY_OVERRULED)
        step->outvotedBy = after->filter_id;
    if (outcome == CLASSIFY_SKIPPED)
        step->outvotedBy = tracing->decided_by;
}

/* Callouts are not run here: theirs is taken as no opinion, and said so. Of hold filters it is
 * known what they do when nobody answers. */
static void on_callout(void *ctx, const struct classify_filter *filter,
                       const struct classify_walk *walk, struct classify_answer *answer)
{
    struct tracing *tracing = ctx;

    if (holds(tracing, filter)) {
        answer->action = OPENWFP_HOLD_CONTEXT_ACTION(classify_callout_of(filter)->context);
        answer->rights = answer->action == FWP_ACTION_PERMIT ? FWPS_RIGHT_ACTION_WRITE : 0;
        return;
    }
    tracing->callouts++;
    answer->action = FWP_ACTION_CONTINUE;
}

/* Who decided a sublayer may yet have lost to a lighter one. */
static void settle(OPENWFP_EXPLANATION *explanation, const struct classify_result *result)
{
    for (UINT32 i = 0; i < explanation->numSteps; i++) {
        OPENWFP_EXPLAIN_STEP *step = &explanation->steps[i];

        if (step->outcome != OPENWFP_OUTCOME_STOOD && step->outcome != OPENWFP_OUTCOME_HELD)
            continue;
        if (step->filterId != result->filter_id) {
            step->outcome = OPENWFP_OUTCOME_OUTVOTED;
            step->outvotedBy = result->filter_id;
        } else if (step->outcome == OPENWFP_OUTCOME_STOOD &&
                   (result->flags & CLASSIFY_RESULT_VETO)) {
            step->outcome = OPENWFP_OUTCOME_VETOED;
        }
    }
}

static bool add_text(struct converter *c, const struct tracing *tracing)
{
    OPENWFP_EXPLANATION *explanation = tracing->explanation;
    char text[256] = "";
    int used = 0;

    if (!explanation->filterId)
        used = snprintf(text, sizeof(text), "No filter decides: the layer permits. ");
    if (tracing->callouts)
        used += snprintf(text + used, sizeof(text) - (size_t)used,
                         "%u matching callouts are loaded; what they would answer is not known "
                         "here, and taken as no opinion. ",
                         tracing->callouts);
    if (tracing->cut)
        snprintf(text + used, sizeof(text) - (size_t)used, "More than %u filters match.",
                 EXPLAIN_STEPS_MAX);
    explanation->text = arena_copy(c->arena, text, sizeof(text));
    return explanation->text;
}

static void find_hold_callouts(struct tracing *tracing, struct model *model)
{
    struct model_stored stored;
    unsigned count = 0;

    for (size_t i = 0; i < table_openwfp_callouts_count && count + 1 < HOLD_CALLOUTS; i++)
        if (model_stored_get(model, MODEL_CALLOUT, &table_openwfp_callouts[i].key, &stored, NULL) ==
            ERROR_SUCCESS)
            tracing->hold[count++] = stored.object.callout->calloutId;
}

bool explain_walk(struct converter *c, const struct engine *engine, struct classify_walk *walk,
                  OPENWFP_EXPLANATION *explanation)
{
    struct tracing tracing = {
        .image = engine->image, .layer = (uint16_t)walk->layer, .explanation = explanation};
    const struct classify_trace trace = {&tracing, on_match, on_callout};

    *explanation = (OPENWFP_EXPLANATION){.layerId = (UINT16)walk->layer};
    explanation->steps = arena_array(c->arena, EXPLAIN_STEPS_MAX, sizeof(*explanation->steps));
    if (!explanation->steps)
        return false;
    find_hold_callouts(&tracing, engine->model);
    classify_evaluate(engine->image, walk, &trace);
    explanation->action =
        walk->result.action == FWP_ACTION_BLOCK ? FWP_ACTION_BLOCK : FWP_ACTION_PERMIT;
    explanation->filterId = walk->result.filter_id;
    settle(explanation, &walk->result);
    return add_text(c, &tracing);
}
