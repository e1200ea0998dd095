/* The match types of rule 3.3, one by one. */
#include "reference.h"

#include <string.h>

#include "sd.h"
#include "utf16.h"
#include "value.h"

static bool in_v4_network(const FWP_V4_ADDR_AND_MASK *network, const FWP_VALUE0 *value)
{
    return value->type == FWP_UINT32 &&
           (value->uint32 & network->mask) == (network->addr & network->mask);
}

static bool in_v6_network(const FWP_V6_ADDR_AND_MASK *network, const FWP_VALUE0 *value)
{
    if (value->type != FWP_BYTE_ARRAY16_TYPE)
        return false;
    for (unsigned bit = 0; bit < network->prefixLength; bit++) {
        uint8_t difference = network->addr[bit / 8] ^ value->byteArray16->byteArray16[bit / 8];

        if (difference & (0x80 >> bit % 8))
            return false;
    }
    return true;
}

static bool in_range(const FWP_RANGE0 *range, const FWP_VALUE0 *value)
{
    return value->type == range->valueLow.type && value_compare(&range->valueLow, value) <= 0 &&
           value_compare(value, &range->valueHigh) <= 0;
}

/* Rule 3.10: the user passes an access check against the condition's descriptor. */
static bool may_match(const FWP_BYTE_BLOB *descriptor, const FWP_VALUE0 *value)
{
    struct sid sids[128];
    struct sd_token token = {sids, 0};
    struct sd sd;

    if (value->type != FWP_TOKEN_INFORMATION_TYPE ||
        !sd_open(&sd, descriptor->data, descriptor->size, NULL))
        return false;
    for (uint32_t i = 0; i < value->tokenInformation->sidCount && token.count < 128; i++) {
        if (sid_load(&sids[token.count], value->tokenInformation->sids[i].Sid, SID_MAX_SIZE))
            token.count++;
    }
    return sd_check(&sd, &token, FWP_ACTRL_MATCH_FILTER, NULL);
}

/* The text in a value, without the terminator that a blob may carry. */
struct text {
    const WCHAR *units;
    size_t length;
};

static struct text text_of(const FWP_VALUE0 *value)
{
    struct text text = {value->unicodeString, 0};

    if (value->type == FWP_UNICODE_STRING_TYPE) {
        text.length = utf16_length(text.units);
        return text;
    }
    text.units = (const WCHAR *)(const void *)value->byteBlob->data;
    text.length = value->byteBlob->size / sizeof(WCHAR);
    while (text.length && !text.units[text.length - 1])
        text.length--;
    return text;
}

/* Rule 3.3: FWP_MATCH_PREFIX is documented to test the end of the string. */
static bool ends_with(const FWP_VALUE0 *value, const FWP_VALUE0 *end)
{
    struct text whole = text_of(value), tail = text_of(end);

    return tail.length <= whole.length &&
           (tail.length == 0 || memcmp(whole.units + (whole.length - tail.length), tail.units,
                                       tail.length * sizeof(WCHAR)) == 0);
}

static bool equal_ignoring_case(const WCHAR *a, const WCHAR *b)
{
    while (*a && utf16_fold(*a) == utf16_fold(*b))
        a++, b++;
    return *a == *b;
}

static bool compare(FWP_MATCH_TYPE match, const FWP_VALUE0 *value, const FWP_VALUE0 *operand)
{
    switch ((unsigned)match) {
    case FWP_MATCH_EQUAL:
        return value_equal(value, operand);
    case FWP_MATCH_NOT_EQUAL:
        return !value_equal(value, operand);
    case FWP_MATCH_GREATER:
        return value_compare(value, operand) > 0;
    case FWP_MATCH_LESS:
        return value_compare(value, operand) < 0;
    case FWP_MATCH_GREATER_OR_EQUAL:
        return value_compare(value, operand) >= 0;
    case FWP_MATCH_LESS_OR_EQUAL:
        return value_compare(value, operand) <= 0;
    case FWP_MATCH_FLAGS_ALL_SET:
        return (value_unsigned(value) & value_unsigned(operand)) == value_unsigned(operand);
    case FWP_MATCH_FLAGS_ANY_SET:
        return (value_unsigned(value) & value_unsigned(operand)) != 0;
    case FWP_MATCH_FLAGS_NONE_SET:
        return (value_unsigned(value) & value_unsigned(operand)) == 0;
    case FWP_MATCH_EQUAL_CASE_INSENSITIVE:
        return equal_ignoring_case(value->unicodeString, operand->unicodeString);
    case FWP_MATCH_PREFIX:
        return ends_with(value, operand);
    case FWP_MATCH_NOT_PREFIX:
        return !ends_with(value, operand);
    default:
        return false;
    }
}

bool reference_condition_matches(const FWPM_FILTER_CONDITION0 *condition, const FWP_VALUE0 *value)
{
    const FWP_CONDITION_VALUE0 *operand = &condition->conditionValue;
    FWP_VALUE0 single = value_of_condition(operand);

    /* Rule 2.2: a field that does not apply. */
    if (!value || value->type == FWP_EMPTY)
        return operand->type == FWP_EMPTY;
    switch ((unsigned)operand->type) {
    case FWP_V4_ADDR_MASK:
        return in_v4_network(operand->v4AddrMask, value);
    case FWP_V6_ADDR_MASK:
        return in_v6_network(operand->v6AddrMask, value);
    case FWP_RANGE_TYPE:
        return in_range(operand->rangeValue, value);
    case FWP_SECURITY_DESCRIPTOR_TYPE:
        return may_match(operand->sd, value);
    default:
        return value->type == operand->type && compare(condition->matchType, value, &single);
    }
}
