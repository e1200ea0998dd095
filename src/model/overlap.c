#include "overlap.h"

#include "guid.h"
#include "interval.h"
#include "value.h"

static bool values_equal(const FWP_CONDITION_VALUE0 *a, const FWP_CONDITION_VALUE0 *b)
{
    FWP_VALUE0 x = value_of_condition(a), y = value_of_condition(b);

    if (a->type != b->type)
        return false;
    switch ((unsigned)a->type) {
    case FWP_V4_ADDR_MASK:
    case FWP_V6_ADDR_MASK:
        return false; /* always intervals, never compared here */
    case FWP_RANGE_TYPE:
        return value_equal(&a->rangeValue->valueLow, &b->rangeValue->valueLow) &&
               value_equal(&a->rangeValue->valueHigh, &b->rangeValue->valueHigh);
    default:
        return value_equal(&x, &y);
    }
}

static bool same_condition(const FWPM_FILTER_CONDITION0 *a, const FWPM_FILTER_CONDITION0 *b)
{
    return a->matchType == b->matchType && values_equal(&a->conditionValue, &b->conditionValue);
}

/* Two exact values of one field are disjoint unless equal; descriptors may share users. */
static bool surely_disjoint(const FWPM_FILTER_CONDITION0 *a, const FWPM_FILTER_CONDITION0 *b)
{
    return a->matchType == FWP_MATCH_EQUAL && b->matchType == FWP_MATCH_EQUAL &&
           a->conditionValue.type != FWP_SECURITY_DESCRIPTOR_TYPE &&
           !values_equal(&a->conditionValue, &b->conditionValue);
}

static bool pair_overlaps(const FWPM_FILTER_CONDITION0 *a, const FWPM_FILTER_CONDITION0 *b)
{
    struct interval x[2], y[2];
    unsigned width;
    int xs = condition_intervals(a, x, &width), ys = condition_intervals(b, y, &width);

    if (xs == INTERVALS_NONE || ys == INTERVALS_NONE)
        return !surely_disjoint(a, b);
    for (int i = 0; i < xs; i++) {
        for (int j = 0; j < ys; j++) {
            if (x[i].low <= y[j].high && y[j].low <= x[i].high)
                return true;
        }
    }
    return false;
}

static bool interval_in(const struct interval *inner, const struct interval *outer, int count)
{
    for (int i = 0; i < count; i++) {
        if (outer[i].low <= inner->low && inner->high <= outer[i].high)
            return true;
    }
    return false;
}

static bool pair_contains(const FWPM_FILTER_CONDITION0 *outer, const FWPM_FILTER_CONDITION0 *inner)
{
    struct interval o[2], i[2];
    unsigned width;
    int os = condition_intervals(outer, o, &width), is = condition_intervals(inner, i, &width);

    if (os == INTERVALS_NONE || is == INTERVALS_NONE)
        return same_condition(outer, inner);
    for (int n = 0; n < is; n++) {
        if (!interval_in(&i[n], o, os))
            return false;
    }
    return true;
}

/* The filter's alternatives on a field; *count 0: it takes any value there. */
static const FWPM_FILTER_CONDITION0 *alternatives(const FWPM_FILTER0 *filter, const GUID *field,
                                                  size_t *count)
{
    const FWPM_FILTER_CONDITION0 *first = filter->filterCondition;
    const FWPM_FILTER_CONDITION0 *end = first + filter->numFilterConditions;

    while (first < end && !guid_equal(&first->fieldKey, field))
        first++;
    *count = 0;
    while (first + *count < end && guid_equal(&first[*count].fieldKey, field))
        ++*count;
    return first;
}

bool conditions_overlap(const FWPM_FILTER0 *filter, const FWPM_FILTER_CONDITION0 *conditions,
                        size_t count)
{
    for (size_t c = 0; c < count; c++) {
        size_t n;
        const FWPM_FILTER_CONDITION0 *own = alternatives(filter, &conditions[c].fieldKey, &n);
        bool any = n == 0;

        for (size_t i = 0; i < n && !any; i++)
            any = pair_overlaps(&own[i], &conditions[c]);
        if (!any)
            return false;
    }
    return true;
}

bool conditions_contain(const FWPM_FILTER_CONDITION0 *conditions, size_t count,
                        const FWPM_FILTER0 *filter)
{
    for (size_t c = 0; c < count; c++) {
        size_t n;
        const FWPM_FILTER_CONDITION0 *own = alternatives(filter, &conditions[c].fieldKey, &n);
        bool all = n > 0;

        for (size_t i = 0; i < n && all; i++)
            all = pair_contains(&conditions[c], &own[i]);
        if (!all)
            return false;
    }
    return true;
}
