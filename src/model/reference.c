#include "reference.h"

#include <stdlib.h>
#include <string.h>

#include "guid.h"

/* ---- does a filter match? (rule 3.8) ---- */

static const FWP_VALUE0 *find_value(const struct reference_query *query, const GUID *field)
{
    for (size_t i = 0; i < query->field_count; i++) {
        if (guid_equal(&query->fields[i].key, field))
            return &query->fields[i].value;
    }
    return NULL;
}

/* Conditions on one field stand next to each other: one of them must hold, and of each field one.
 */
static bool filter_matches(const FWPM_FILTER0 *filter, const struct reference_query *query)
{
    const FWPM_FILTER_CONDITION0 *conditions = filter->filterCondition;
    bool field_holds = true;

    if (!guid_equal(&filter->layerKey, query->layer))
        return false;
    for (uint32_t i = 0; i < filter->numFilterConditions; i++) {
        bool new_field =
            i == 0 || !guid_equal(&conditions[i].fieldKey, &conditions[i - 1].fieldKey);

        if (new_field && !field_holds)
            return false;
        if (new_field)
            field_holds = false;
        if (reference_condition_matches(&conditions[i], find_value(query, &conditions[i].fieldKey)))
            field_holds = true;
    }
    return field_holds;
}

/* ---- who comes first? (rules 5.1, 6.1, 6.2) ---- */

static int heaviest_first(const void *left, const void *right)
{
    const struct reference_filter *a = left, *b = right;
    int by_key = guid_compare(&a->sublayer, &b->sublayer);

    if (a->sublayer_weight != b->sublayer_weight)
        return a->sublayer_weight > b->sublayer_weight ? -1 : 1;
    if (by_key)
        return by_key;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return a->filter->filterId < b->filter->filterId ? -1 : 1;
}

void reference_sort(struct reference_filter *filters, size_t count)
{
    if (count)
        qsort(filters, count, sizeof(*filters), heaviest_first);
}

/* ---- what does a filter say? ---- */

struct opinion {
    uint32_t action; /* FWP_ACTION_PERMIT, _BLOCK, or _CONTINUE */
    bool hard;       /* lighter sublayers may not change it (rule 6.5) */
    bool absorb;
    bool by_callout;
};

static struct opinion filters_own(const FWPM_FILTER0 *filter, uint32_t action)
{
    bool clears_right = filter->flags & FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT; /* rule 6.7 */

    /* Rule 6.6: a filter's permit is soft, its block hard. */
    return (struct opinion){.action = action, .hard = action == FWP_ACTION_BLOCK || clears_right};
}

/* Rule 7.2. */
static struct opinion without_callout(const FWPM_FILTER0 *filter)
{
    if (filter->action.type == FWP_ACTION_CALLOUT_INSPECTION)
        return (struct opinion){.action = FWP_ACTION_CONTINUE};
    if (filter->flags & FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED)
        return filters_own(filter, FWP_ACTION_PERMIT);
    return filters_own(filter, FWP_ACTION_BLOCK);
}

static struct opinion of_callout(const struct reference_filter *filter,
                                 const struct reference_query *query, bool right)
{
    struct reference_out out = {.action = FWP_ACTION_NONE, .right = right}; /* rule 6.10 */
    uint32_t type = filter->filter->action.type;

    query->callout(query->callout_ctx, filter, &out);
    /* Rule 6.13: inspection never decides; terminating always does. Rule 6.15: NONE = Continue. */
    if (type == FWP_ACTION_CALLOUT_INSPECTION)
        return (struct opinion){.action = FWP_ACTION_CONTINUE};
    if (out.action != FWP_ACTION_PERMIT && out.action != FWP_ACTION_BLOCK)
        out.action =
            type == FWP_ACTION_CALLOUT_TERMINATING ? FWP_ACTION_BLOCK : FWP_ACTION_CONTINUE;
    return (struct opinion){
        .action = out.action, .hard = !out.right, .absorb = out.absorb, .by_callout = true};
}

static struct opinion ask(const struct reference_filter *filter,
                          const struct reference_query *query, bool right)
{
    uint32_t type = filter->filter->action.type;

    if (type == FWP_ACTION_PERMIT || type == FWP_ACTION_BLOCK)
        return filters_own(filter->filter, type);
    if (!filter->callout_registered)
        return without_callout(filter->filter);
    return of_callout(filter, query, right);
}

/* ---- what becomes of it? (rules 6.4 to 6.9) ---- */

static enum reference_outcome arbitrate(struct reference_result *result,
                                        const struct opinion *opinion, uint64_t filter_id)
{
    bool block = opinion->action == FWP_ACTION_BLOCK;
    bool absorb = opinion->absorb && block; /* rule 18.4: only with Block */

    if (opinion->action == FWP_ACTION_CONTINUE)
        return REFERENCE_NO_OPINION;
    if (result->right) {
        *result = (struct reference_result){.action = opinion->action,
                                            .right = !opinion->hard,
                                            .filter_id = filter_id,
                                            .absorb = absorb};
        return REFERENCE_DECIDED;
    }
    if (block && opinion->by_callout && result->action == FWP_ACTION_PERMIT) {
        *result = (struct reference_result){
            .action = FWP_ACTION_BLOCK, .filter_id = filter_id, .veto = true, .absorb = absorb};
        return REFERENCE_VETOED;
    }
    return REFERENCE_OVERRULED;
}

/* ---- the whole ---- */

static bool same_sublayer(const struct reference_filter *a, const struct reference_filter *b)
{
    return guid_equal(&a->sublayer, &b->sublayer);
}

struct reference_result reference_classify_sorted(const struct reference_filter *sorted,
                                                  size_t count, const struct reference_query *query)
{
    struct reference_result result = {.action = FWP_ACTION_NONE_NO_MATCH, .right = true};
    const struct reference_filter *decided = NULL; /* in whose sublayer a filter terminated */

    for (size_t i = 0; i < count; i++) {
        const struct reference_filter *filter = &sorted[i];

        /* Rule 6.3: only a heavier filter of the same sublayer hides a filter. */
        if (decided && same_sublayer(decided, filter))
            continue;
        if (!filter_matches(filter->filter, query))
            continue;
        struct opinion opinion = ask(filter, query, result.right);
        enum reference_outcome outcome = arbitrate(&result, &opinion, filter->filter->filterId);
        if (query->trace)
            query->trace(query->trace_ctx, filter, outcome);
        if (opinion.action != FWP_ACTION_CONTINUE)
            decided = filter;
    }
    return result;
}

bool reference_classify(const struct reference_filter *filters, size_t count,
                        const struct reference_query *query, struct reference_result *result)
{
    struct reference_filter *sorted = malloc((count + 1) * sizeof(*sorted));

    if (!sorted)
        return false;
    if (count)
        memcpy(sorted, filters, count * sizeof(*sorted));
    reference_sort(sorted, count);
    *result = reference_classify_sorted(sorted, count, query);
    free(sorted);
    return true;
}
