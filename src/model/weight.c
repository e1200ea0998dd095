#include "weight.h"

#include "error.h"
#include "guid.h"
#include "interval.h"
#include "value.h"

/* All in 1/256 of a bit. */
#define BIT       256u
#define EXACT     (64 * BIT) /* equal to a program, a user, a string, "absent" */
#define TAIL      (32 * BIT) /* ends with a string */
#define EXCLUSION 1u         /* all but something */
#define SHIFT     36         /* 64 fields of 128 bits stay below 2^60 */

/* log2 of n > 0 in 1/256: exact at powers of two, a straight line between them. */
static uint32_t log2_of(number n)
{
    uint64_t high = (uint64_t)(n >> 64), low = (uint64_t)n;
    uint32_t whole =
        high ? 127 - (uint32_t)__builtin_clzll(high) : 63 - (uint32_t)__builtin_clzll(low);
    number rest = n ^ ((number)1 << whole);
    return whole * BIT + (uint32_t)(whole >= 8 ? rest >> (whole - 8) : rest << (8 - whole));
}

static uint32_t score_intervals(const struct interval *intervals, int count, unsigned width)
{
    number less_one = 0; /* how many values match, less one */

    for (int i = 0; i < count; i++)
        less_one += intervals[i].high - intervals[i].low + (i > 0);
    if (count == 0 || less_one == 0)
        return width * BIT;
    if (less_one == number_of_mask_width(width))
        return 0;
    return width * BIT - log2_of(less_one + 1);
}

static uint32_t score_flags(FWP_MATCH_TYPE match, uint64_t flags)
{
    unsigned bits = (unsigned)__builtin_popcountll(flags);

    return match == FWP_MATCH_FLAGS_ANY_SET ? BIT : bits * BIT;
}

static bool is_flags(FWP_MATCH_TYPE match)
{
    return match == FWP_MATCH_FLAGS_ALL_SET || match == FWP_MATCH_FLAGS_ANY_SET ||
           match == FWP_MATCH_FLAGS_NONE_SET;
}

static uint32_t score_other(FWP_MATCH_TYPE match)
{
    switch ((unsigned)match) {
    case FWP_MATCH_EQUAL:
    case FWP_MATCH_EQUAL_CASE_INSENSITIVE:
        return EXACT;
    case FWP_MATCH_PREFIX:
        return TAIL;
    default:
        return EXCLUSION;
    }
}

static uint32_t score_condition(const FWPM_FILTER_CONDITION0 *condition)
{
    FWP_VALUE0 value = value_of_condition(&condition->conditionValue);
    struct interval intervals[2];
    unsigned width = 0;

    if (is_flags(condition->matchType) && value_is_unsigned(value.type))
        return score_flags(condition->matchType, value_unsigned(&value));
    int count = condition_intervals(condition, intervals, &width);
    if (count == INTERVALS_NONE)
        return score_other(condition->matchType);
    return score_intervals(intervals, count, width);
}

/* The conditions on one field, which are alternatives. */
static uint32_t score_field(const FWPM_FILTER_CONDITION0 *conditions, size_t count)
{
    uint32_t least = UINT32_MAX, alternatives = log2_of(count);

    for (size_t i = 0; i < count; i++) {
        uint32_t score = score_condition(&conditions[i]);

        if (score < least)
            least = score;
    }
    return least > alternatives ? least - alternatives : 1;
}

uint64_t weight_automatic(const FWPM_FILTER_CONDITION0 *conditions, size_t count)
{
    uint64_t score = 0;

    for (size_t first = 0, end; first < count; first = end) {
        end = first + 1;
        while (end < count && guid_equal(&conditions[end].fieldKey, &conditions[first].fieldKey))
            end++;
        score += score_field(conditions + first, end - first);
    }
    return score << SHIFT;
}

uint32_t weight_effective(const FWPM_FILTER0 *filter, uint64_t *weight, struct model_error *error)
{
    uint64_t automatic = weight_automatic(filter->filterCondition, filter->numFilterConditions);

    switch ((unsigned)filter->weight.type) {
    case FWP_EMPTY:
        *weight = automatic;
        return ERROR_SUCCESS;
    case FWP_UINT64:
        if (!filter->weight.uint64)
            return fail(error, FWP_E_NULL_POINTER,
                        "The filter's FWP_UINT64 weight points nowhere.");
        *weight = *filter->weight.uint64;
        return ERROR_SUCCESS;
    case FWP_UINT8:
        if (filter->weight.uint8 > 15)
            return fail(
                error, FWP_E_INVALID_WEIGHT,
                "A weight of type FWP_UINT8 is a range from 0 to 15, not %u; an exact weight "
                "is of type FWP_UINT64.",
                filter->weight.uint8);
        *weight = (uint64_t)filter->weight.uint8 << 60 | automatic;
        return ERROR_SUCCESS;
    default:
        return fail(error, FWP_E_INVALID_WEIGHT,
                    "A filter's weight is FWP_EMPTY, FWP_UINT8 or FWP_UINT64, not %s.",
                    value_type_name(filter->weight.type));
    }
}
