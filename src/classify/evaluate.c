#include "evaluate.h"

#include <stddef.h>

#define CLASSIFY_FUNCTION static
#define CLASSIFY_CHECKED  static

static inline const struct classify_block *classify_block_at(void *memory, __u32 number)
{
    return (const struct classify_block *)memory + number;
}

static inline void classify_repeat(__u32 count, long (*step)(__u32, void *), void *context)
{
    for (__u32 i = 0; i < count && step(i, context) == 0; i++)
        continue;
}

#include "lookup.h"
#include "records.h"

static bool ask(struct classify_walk *walk, const struct classify_filter *filter,
                const struct classify_trace *trace)
{
    struct classify_answer answer = {.action = FWP_ACTION_NONE, .rights = walk->result.rights};
    if (trace != NULL && trace->callout != NULL &&
        classify_callout_of(filter)->slot != CLASSIFY_NO_CALLOUT) {
        answer.registered = 1;
        trace->callout(trace->ctx, filter, walk, &answer);
    }
    return classify_called(&walk->result, filter, &answer);
}

/* ---- the filters behind one that decided: those that match, too ---- */

static bool matches(struct classify_run *run, uint32_t unit, const struct classify_record *record)
{
    struct classify_far_tests far = {.run = run, .units = record->head.units};
    far.at = unit + (uint32_t)(records_tests(&record->head) - (const uint64_t *)record);
    run->walk->index = 0;
    classify_repeat(CLASSIFY_FAR_STEPS, classify_far_test, &far);
    return run->walk->index != CLASSIFY_FAILS;
}

/* Trees leave out what is covered, so the records themselves are read, to the sublayer's end. */
static void note_skipped(struct classify_run *run, const struct classify_filter *decided,
                         const struct classify_trace *trace)
{
    struct classify_walk *walk = run->walk;
    const struct classify_filter *filter;
    uint32_t at = CLASSIFY_REF_AT(walk->found), unit;
    const uint8_t *memory = run->memory;
    for (at += records_units(decided); (filter = records_next(memory, at, decided->end, &unit));
         at = unit + records_units(filter)) {
        if (filter->died > walk->number &&
            matches(run, unit, (const struct classify_record *)(const void *)filter))
            trace->matched(trace->ctx, filter, CLASSIFY_SKIPPED, &walk->result);
    }
}

static void note(struct classify_run *run, const struct classify_filter *filter, bool ended,
                 const struct classify_trace *trace)
{
    struct classify_walk *walk = run->walk;
    enum classify_outcome outcome = CLASSIFY_CONTINUED;
    if (ended)
        outcome = walk->result.filter_id == filter->id ? CLASSIFY_DECIDED : CLASSIFY_OVERRULED;
    trace->matched(trace->ctx, filter, outcome, &walk->result);
    if (ended)
        note_skipped(run, filter, trace);
}

void classify_evaluate(const struct classify_image *image, struct classify_walk *walk,
                       const struct classify_trace *trace)
{
    struct classify_run run = {.walk = walk, .memory = image->memory};
    const struct classify_record *record;
    if (!classify_enter(&run))
        return;
    while ((record = classify_find(&run)) != NULL) {
        const struct classify_filter *filter = &record->head;
        bool ended = filter->type & FWP_ACTION_FLAG_CALLOUT
                         ? ask(walk, filter, trace)
                         : classify_decide(&walk->result, filter);
        if (trace != NULL && trace->matched != NULL)
            note(&run, filter, ended, trace);
        if (!classify_proceed(&run, filter, ended))
            break;
    }
    classify_leave(&run);
}
