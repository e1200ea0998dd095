#include "interval.h"

#include "value.h"

number number_of_bytes(const uint8_t bytes[16])
{
    number n = 0;

    for (int i = 0; i < 16; i++)
        n = n << 8 | bytes[i];
    return n;
}

number number_of_mask_width(unsigned bits)
{
    return bits == 128 ? ~(number)0 : ((number)1 << bits) - 1;
}

static bool to_number(const FWP_VALUE0 *value, number *n, unsigned *width)
{
    if (value->type == FWP_BYTE_ARRAY16_TYPE) {
        *n = number_of_bytes(value->byteArray16->byteArray16);
        *width = 128;
        return true;
    }
    if (!value_is_unsigned(value->type))
        return false;
    *n = value_unsigned(value);
    *width = 8u << (value->type - FWP_UINT8);
    return true;
}

static struct interval masked(number address, number mask, unsigned width)
{
    number all = number_of_mask_width(width);

    return (struct interval){address & mask, (address & mask) | (all & ~mask)};
}

static struct interval of_v4_mask(const FWP_V4_ADDR_AND_MASK *value)
{
    return masked(value->addr, value->mask, 32);
}

static struct interval of_v6_mask(const FWP_V6_ADDR_AND_MASK *value)
{
    number rest = number_of_mask_width(128u - value->prefixLength);

    return masked(number_of_bytes(value->addr), ~rest, 128);
}

static int outside(number n, number all, struct interval into[2])
{
    int count = 0;

    if (n > 0)
        into[count++] = (struct interval){0, n - 1};
    if (n < all)
        into[count++] = (struct interval){n + 1, all};
    return count;
}

static int compared(FWP_MATCH_TYPE match, number n, number all, struct interval into[2])
{
    switch ((unsigned)match) {
    case FWP_MATCH_EQUAL:
        into[0] = (struct interval){n, n};
        return 1;
    case FWP_MATCH_NOT_EQUAL:
        return outside(n, all, into);
    case FWP_MATCH_GREATER:
        into[0] = (struct interval){n + 1, all};
        return n < all;
    case FWP_MATCH_GREATER_OR_EQUAL:
        into[0] = (struct interval){n, all};
        return 1;
    case FWP_MATCH_LESS:
        into[0] = (struct interval){0, n - 1};
        return n > 0;
    case FWP_MATCH_LESS_OR_EQUAL:
        into[0] = (struct interval){0, n};
        return 1;
    default:
        return INTERVALS_NONE;
    }
}

int condition_intervals(const FWPM_FILTER_CONDITION0 *condition, struct interval into[2],
                        unsigned *width)
{
    const FWP_CONDITION_VALUE0 *value = &condition->conditionValue;
    FWP_VALUE0 plain = value_of_condition(value);
    number n;

    switch ((unsigned)value->type) {
    case FWP_V4_ADDR_MASK:
        into[0] = of_v4_mask(value->v4AddrMask);
        *width = 32;
        return 1;
    case FWP_V6_ADDR_MASK:
        into[0] = of_v6_mask(value->v6AddrMask);
        *width = 128;
        return 1;
    case FWP_RANGE_TYPE:
        if (!to_number(&value->rangeValue->valueLow, &into[0].low, width) ||
            !to_number(&value->rangeValue->valueHigh, &into[0].high, width))
            return INTERVALS_NONE;
        return 1;
    default:
        if (!to_number(&plain, &n, width))
            return INTERVALS_NONE;
        return compared(condition->matchType, n, number_of_mask_width(*width), into);
    }
}
