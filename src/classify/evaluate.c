#include "evaluate.h"

static bool ask(struct classify_walk *walk, const struct classify_element *filter,
                const struct classify_trace *trace)
{
    struct classify_answer answer = {.action = FWP_ACTION_NONE, .rights = walk->result.rights};
    if (trace != NULL && trace->callout != NULL && filter->callout != CLASSIFY_NO_CALLOUT) {
        answer.registered = 1;
        trace->callout(trace->ctx, filter, walk, &answer);
    }
    return classify_called(walk, filter, &answer);
}

/* The filters behind one that decided, up to the end of its sublayer: those that match, too. */
static void note_skipped(const struct classify_image *image, const struct classify_walk *walk,
                         const struct classify_element *decided, const struct classify_trace *trace)
{
    uint32_t at = decided->on_miss;
    while (at < decided->on_match) {
        const struct classify_element *element = &image->elements[at];
        if (element->kind == CLASSIFY_TEST) {
            at = classify_test(&walk->key, element) ? element->on_match : element->on_miss;
            continue;
        }
        trace->matched(trace->ctx, element, CLASSIFY_SKIPPED, &walk->result);
        at = element->on_miss;
    }
}

static void note(const struct classify_image *image, const struct classify_walk *walk,
                 const struct classify_element *filter, bool ended,
                 const struct classify_trace *trace)
{
    enum classify_outcome outcome = CLASSIFY_CONTINUED;
    if (ended)
        outcome = walk->result.filter_id == filter->action.filter_id ? CLASSIFY_DECIDED
                                                                     : CLASSIFY_OVERRULED;
    trace->matched(trace->ctx, filter, outcome, &walk->result);
    if (ended)
        note_skipped(image, walk, filter, trace);
}

void classify_evaluate(const struct classify_image *image, struct classify_walk *walk,
                       const struct classify_trace *trace)
{
    classify_enter(walk, &image->elements[walk->layer]);
    while (walk->at < walk->end) {
        const struct classify_element *element = &image->elements[walk->at];
        bool ended =
            element->kind == CLASSIFY_ACTION && element->action.type != FWP_ACTION_CONTINUE;
        if (classify_step(walk, element) == CLASSIFY_CALL)
            ended = ask(walk, element, trace);
        if (element->kind == CLASSIFY_ACTION && trace != NULL && trace->matched != NULL)
            note(image, walk, element, ended, trace);
    }
}
