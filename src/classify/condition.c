#include <string.h>

#include "compiler.h"
#include "model/utf16.h"

#include <stdlib.h>

typedef unsigned __int128 u128;

struct interval {
    u128 lo, hi;
};

static u128 from_bytes(const uint8_t *bytes)
{
    u128 value = 0;
    for (int i = 0; i < 16; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* A single value of a type that is a number; false: the type is none. */
static bool number_of(const FWP_VALUE0 *value, u128 *number)
{
    switch (value->type) {
    case FWP_UINT8:
        *number = value->uint8;
        return true;
    case FWP_UINT16:
        *number = value->uint16;
        return true;
    case FWP_UINT32:
        *number = value->uint32;
        return true;
    case FWP_UINT64:
        *number = *value->uint64;
        return true;
    case FWP_BYTE_ARRAY16_TYPE:
        *number = from_bytes(value->byteArray16->byteArray16);
        return true;
    default:
        return false;
    }
}

static u128 highest(FWP_DATA_TYPE type)
{
    switch (type) {
    case FWP_UINT8:
        return UINT8_MAX;
    case FWP_UINT16:
        return UINT16_MAX;
    case FWP_UINT32:
        return UINT32_MAX;
    case FWP_UINT64:
        return UINT64_MAX;
    default:
        return ~(u128)0;
    }
}

static bool interval_of_mask(const FWP_CONDITION_VALUE0 *value, struct interval *interval)
{
    u128 base, hosts;
    if (value->type == FWP_V4_ADDR_MASK) {
        base = value->v4AddrMask->addr;
        hosts = ~value->v4AddrMask->mask;
    } else {
        unsigned length = value->v6AddrMask->prefixLength;
        base = from_bytes(value->v6AddrMask->addr);
        hosts = length >= 128 ? 0 : ~(u128)0 >> length;
    }
    *interval = (struct interval){base & ~hosts, base | hosts};
    return (hosts & (hosts + 1)) == 0;
}

/* Values that are one range; an empty one has lo > hi. False: no range can say it. */
static bool interval_of(const FWPM_FILTER_CONDITION0 *condition, struct interval *interval)
{
    const FWP_CONDITION_VALUE0 *value = &condition->conditionValue;
    u128 number;
    if (value->type == FWP_V4_ADDR_MASK || value->type == FWP_V6_ADDR_MASK)
        return interval_of_mask(value, interval);
    if (value->type == FWP_RANGE_TYPE)
        return number_of(&value->rangeValue->valueLow, &interval->lo) &&
               number_of(&value->rangeValue->valueHigh, &interval->hi);
    /* A condition value begins like a value: the single types share their union. */
    if (!number_of((const FWP_VALUE0 *)value, &number))
        return false;
    u128 top = highest(value->type);
    switch (condition->matchType) {
    case FWP_MATCH_EQUAL:
    case FWP_MATCH_NOT_EQUAL:
        *interval = (struct interval){number, number};
        return true;
    case FWP_MATCH_GREATER:
        *interval = number == top ? (struct interval){1, 0} : (struct interval){number + 1, top};
        return true;
    case FWP_MATCH_LESS:
        *interval = number == 0 ? (struct interval){1, 0} : (struct interval){0, number - 1};
        return true;
    case FWP_MATCH_GREATER_OR_EQUAL:
        *interval = (struct interval){number, top};
        return true;
    case FWP_MATCH_LESS_OR_EQUAL:
        *interval = (struct interval){0, number};
        return true;
    default:
        return false;
    }
}

static uint32_t simple(struct compiler *compiler, enum test_kind kind, int slot, uint64_t lo,
                       uint64_t hi)
{
    return compile_test(compiler, kind, slot, lo, hi) == NULL ? ERROR_NOT_ENOUGH_MEMORY
                                                              : ERROR_SUCCESS;
}

static uint32_t compile_interval(struct compiler *compiler, int slot, bool wide, bool negated,
                                 struct interval interval)
{
    if (interval.lo > interval.hi)
        return simple(compiler, TEST_NEVER, slot, 0, 0);
    uint64_t lo = (uint64_t)(wide ? interval.lo >> 64 : interval.lo);
    uint64_t hi = (uint64_t)(wide ? interval.hi >> 64 : interval.hi);
    struct test *test = compile_test(compiler, wide ? TEST_RANGE128 : TEST_RANGE, slot, lo, hi);
    if (test == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    test->negated = negated;
    test->lo[1] = (uint64_t)interval.lo;
    test->hi[1] = (uint64_t)interval.hi;
    return ERROR_SUCCESS;
}

/* A test holds 32 bits of a mask; a wider one takes two. */
static uint32_t compile_mask(struct compiler *compiler, enum test_kind kind, int slot,
                             uint64_t mask)
{
    uint64_t low = mask & UINT32_MAX;
    if (low == 0 || low == mask)
        return simple(compiler, kind, slot, mask, 0);
    struct test *test = compile_test(compiler, kind, slot, low, 0);
    if (test == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    *(kind == TEST_FLAGS_ANY ? &test->on_miss : &test->on_match) = compiler->tests.count;
    return simple(compiler, kind, slot, mask - low, 0);
}

static uint32_t compile_flags(struct compiler *compiler, int slot,
                              const FWPM_FILTER_CONDITION0 *condition)
{
    u128 bits;
    enum test_kind kind = condition->matchType == FWP_MATCH_FLAGS_ALL_SET   ? TEST_FLAGS_ALL
                          : condition->matchType == FWP_MATCH_FLAGS_ANY_SET ? TEST_FLAGS_ANY
                                                                            : TEST_FLAGS_NONE;
    if (!number_of((const FWP_VALUE0 *)&condition->conditionValue, &bits))
        return compile_fail(compiler, FWP_E_MATCH_TYPE_MISMATCH,
                            "a flags match needs an unsigned integer");
    return compile_mask(compiler, kind, slot, (uint64_t)bits);
}

/*
 * The path in an ALE_APP_ID blob, in UTF-8. NULL in *path: the blob is not one text with its NUL
 * at the end, so it is equal to no program's (3.9).
 */
static bool path_of(const FWP_BYTE_BLOB *blob, char **path)
{
    size_t units = blob->size / sizeof(WCHAR);
    *path = NULL;
    if (units == 0 || blob->size % sizeof(WCHAR) != 0)
        return true;
    WCHAR *text = malloc(blob->size);
    if (text == NULL)
        return false;
    memcpy(text, blob->data, blob->size);
    bool whole = utf16_length_within(text, units) == units - 1;
    if (whole)
        *path = utf16_to_utf8(text);
    free(text);
    return !whole || *path != NULL;
}

static uint32_t compile_path(struct compiler *compiler, const char *path, bool equal)
{
    uint32_t number = compiler->intern->app(compiler->intern->ctx, path);
    if (number == 0)
        return compile_fail(compiler, FWP_E_OUT_OF_BOUNDS,
                            "\"%.160s\" can't be numbered: the path is too long for the kernel or "
                            "the table of programs is full",
                            path);
    struct interval interval = {number, number};
    return compile_interval(compiler, CLASSIFY_APP, false, !equal, interval);
}

/* A program: its path is a number in the kernel, so it can only be equal or not. */
static uint32_t compile_app(struct compiler *compiler, const FWPM_FILTER_CONDITION0 *condition)
{
    bool equal = condition->matchType == FWP_MATCH_EQUAL;
    char *path;
    if (!equal && condition->matchType != FWP_MATCH_NOT_EQUAL)
        return compile_fail(compiler, ERROR_NOT_SUPPORTED,
                            "ALE_APP_ID can only be matched by FWP_MATCH_EQUAL and "
                            "FWP_MATCH_NOT_EQUAL: programs are compared whole");
    if (!path_of(condition->conditionValue.byteBlob, &path))
        return compile_fail(compiler, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    if (path == NULL) /* any program is unequal to it */
        return simple(compiler, equal ? TEST_NEVER : TEST_RANGE, CLASSIFY_APP, 0, UINT64_MAX);
    uint32_t code = compile_path(compiler, path, equal);
    free(path);
    return code;
}

uint32_t compile_condition(struct compiler *compiler, const struct layer_field *field,
                           const FWPM_FILTER_CONDITION0 *condition)
{
    const FWP_CONDITION_VALUE0 *value = &condition->conditionValue;
    int slot = field->slot;
    struct interval interval;
    if (value->type == FWP_EMPTY)
        return slot < 0 ? simple(compiler, TEST_ALWAYS, 0, 0, 0)
                        : simple(compiler, TEST_ABSENT, slot, 0, 0);
    if (slot < 0) /* never present here, so nothing equals it */
        return simple(compiler, TEST_NEVER, 0, 0, 0);
    if (value->type == FWP_SECURITY_DESCRIPTOR_TYPE)
        return compile_descriptor(compiler, value->sd);
    if (slot == CLASSIFY_APP && value->type == FWP_BYTE_BLOB_TYPE)
        return compile_app(compiler, condition);
    if (condition->matchType == FWP_MATCH_FLAGS_ALL_SET ||
        condition->matchType == FWP_MATCH_FLAGS_ANY_SET ||
        condition->matchType == FWP_MATCH_FLAGS_NONE_SET)
        return compile_flags(compiler, slot, condition);
    if (!interval_of(condition, &interval))
        return compile_fail(compiler, ERROR_NOT_SUPPORTED,
                            "this match on %s can't be decided in the kernel", field->name);
    bool wide = field->cls == CONDITION_ADDR && compiler->layer->family == 6;
    return compile_interval(compiler, slot, wide, condition->matchType == FWP_MATCH_NOT_EQUAL,
                            interval);
}
