/* From a filter's tests to the units of its record. */
#include <stdlib.h>
#include <string.h>

#include "compiler.h"

#define MAX_UNITS 8000u /* of tests in one record: it stands in one block */

/* A test as it will stand in the record. */
struct encoded {
    struct classify_test test;
    uint64_t more[4];
    uint32_t units;    /* of the test without its TRY */
    bool tries;        /* it needs a TRY */
    uint32_t position; /* its first unit, the TRY's if it has one */
};

/* The lengths of host parts for which [lo, hi] is all numbers with one prefix; 64: none. */
static unsigned host_bits(uint64_t lo, uint64_t hi)
{
    uint64_t hosts = hi - lo;
    if ((hosts & (hosts + 1)) != 0 || (lo & hosts) != 0 || hosts == UINT64_MAX)
        return 64;
    return (unsigned)__builtin_popcountll(hosts);
}

static struct encoded encode_range(uint8_t slot, uint64_t lo, uint64_t hi)
{
    struct encoded encoded = {.test = {.slot = slot}, .units = 1};
    unsigned hosts = host_bits(lo, hi);
    if (lo == 0 && hi == UINT64_MAX) { /* whatever it is, if it is there */
        encoded.test.op = CLASSIFY_FLAGS_NONE;
    } else if (hosts < 64 && lo >> hosts <= UINT32_MAX) {
        encoded.test.op = CLASSIFY_PREFIX;
        encoded.test.small = (uint16_t)hosts;
        encoded.test.value = (uint32_t)(lo >> hosts);
    } else if (lo <= UINT16_MAX && hi <= UINT32_MAX) {
        encoded.test.op = CLASSIFY_SMALL;
        encoded.test.small = (uint16_t)lo;
        encoded.test.value = (uint32_t)hi;
    } else if (hosts < 64) {
        encoded.test.op = CLASSIFY_PREFIX64;
        encoded.test.small = (uint16_t)hosts;
        encoded.more[0] = lo >> hosts;
        encoded.units = 2;
    } else {
        encoded.test.op = CLASSIFY_RANGE;
        encoded.more[0] = lo;
        encoded.more[1] = hi;
        encoded.units = 3;
    }
    return encoded;
}

static struct encoded encode_range128(const struct test *test)
{
    if (test->lo[1] == 0 && test->hi[1] == UINT64_MAX)
        return encode_range(test->slot, test->lo[0], test->hi[0]);
    return (struct encoded){.test = {.op = CLASSIFY_RANGE128, .slot = test->slot},
                            .more = {test->lo[0], test->lo[1], test->hi[0], test->hi[1]},
                            .units = 5};
}

static struct encoded encode_flags(const struct test *test)
{
    unsigned shift = test->lo[0] == 0 ? 0 : (unsigned)__builtin_ctzll(test->lo[0]);
    return (struct encoded){.test = {.op = test->kind == TEST_FLAGS_ALL   ? CLASSIFY_FLAGS_ALL
                                           : test->kind == TEST_FLAGS_ANY ? CLASSIFY_FLAGS_ANY
                                                                          : CLASSIFY_FLAGS_NONE,
                                     .slot = test->slot,
                                     .small = (uint16_t)shift,
                                     .value = (uint32_t)(test->lo[0] >> shift)},
                            .units = 1};
}

static struct encoded encode_test(const struct test *test)
{
    struct encoded encoded = {.test = {.slot = test->slot}, .units = 1};
    switch (test->kind) {
    case TEST_RANGE:
        encoded = encode_range(test->slot, test->lo[0], test->hi[0]);
        break;
    case TEST_RANGE128:
        encoded = encode_range128(test);
        break;
    case TEST_FLAGS_ALL:
    case TEST_FLAGS_ANY:
    case TEST_FLAGS_NONE:
        encoded = encode_flags(test);
        break;
    default:
        encoded.test.op = test->kind == TEST_ALWAYS   ? CLASSIFY_ALWAYS
                          : test->kind == TEST_ABSENT ? CLASSIFY_ABSENT
                                                      : CLASSIFY_NEVER;
    }
    if (test->negated)
        encoded.test.op |= CLASSIFY_NOT;
    return encoded;
}

/* A target in units; `all` is where the tests end. */
static uint32_t position_of(const struct encoded *encoded, uint32_t count, uint32_t target,
                            uint32_t all)
{
    if (target == JUMP_FILTER)
        return CLASSIFY_FAILS;
    return target < count ? encoded[target].position : all;
}

static uint32_t lay_out(const struct tests *tests, struct encoded *encoded)
{
    uint32_t units = 0;
    for (uint32_t i = 0; i < tests->count; i++) {
        const struct test *test = &tests->list[i];
        encoded[i] = encode_test(test);
        encoded[i].tries = test->on_match != i + 1 || test->on_miss != JUMP_FILTER;
        encoded[i].position = units;
        units += encoded[i].units + encoded[i].tries;
    }
    return units;
}

static void write_tests(const struct tests *tests, const struct encoded *encoded, uint32_t all,
                        uint64_t *to)
{
    for (uint32_t i = 0; i < tests->count; i++) {
        const struct test *test = &tests->list[i];
        struct classify_test try = {.op = CLASSIFY_TRY};
        try.small = (uint16_t)position_of(encoded, tests->count, test->on_match, all);
        try.value = position_of(encoded, tests->count, test->on_miss, all);
        if (encoded[i].tries)
            memcpy(to++, &try, sizeof try);
        memcpy(to++, &encoded[i].test, sizeof encoded[i].test);
        memcpy(to, encoded[i].more, (encoded[i].units - 1) * sizeof *to);
        to += encoded[i].units - 1;
    }
}

static uint32_t callout_slot(const struct model_view_filter *filter)
{
    bool known =
        filter->callout_slot < CLASSIFY_CALLOUTS || filter->callout_slot == CLASSIFY_USER_CALLOUT;
    return known ? filter->callout_slot : CLASSIFY_NO_CALLOUT;
}

/* The record's head and what stands between it and the tests; returns where they begin. */
static uint64_t *write_head(const struct compiler *compiler, uint32_t unit, uint32_t units)
{
    struct classify_filter *head = memory_at(compiler->memory, unit);
    const struct model_view_filter *filter = compiler->filter;
    *head = compiler->head;
    head->units = (uint16_t)units;
    if (!(head->type & FWP_ACTION_FLAG_CALLOUT))
        return (uint64_t *)(head + 1);
    struct classify_callout *callout = (struct classify_callout *)(head + 1);
    *callout = (struct classify_callout){
        .context = filter->context, .slot = callout_slot(filter), .id = filter->callout_id};
    return (uint64_t *)(callout + 1);
}

static uint32_t write_record(struct compiler *compiler, struct encoded *encoded)
{
    const struct tests *tests = &compiler->tests;
    uint32_t units = lay_out(tests, encoded);
    if (units > MAX_UNITS)
        return compile_fail(compiler, FWP_E_OUT_OF_BOUNDS,
                            "its conditions are too many to be tested together: %u units of %u",
                            units, MAX_UNITS);
    uint32_t all = sizeof(struct classify_filter) / CLASSIFY_UNIT + units;
    if (compiler->head.type & FWP_ACTION_FLAG_CALLOUT)
        all += sizeof(struct classify_callout) / CLASSIFY_UNIT;
    uint32_t unit = memory_take_record(compiler->memory, all);
    if (unit == MEMORY_FULL)
        return compile_fail(compiler, ERROR_NOT_ENOUGH_MEMORY,
                            "out of memory for the compiled policy");
    write_tests(tests, encoded, units, write_head(compiler, unit, units));
    if (compiler->record_count++ == 0)
        compiler->first = unit;
    return ERROR_SUCCESS;
}

uint32_t compile_record(struct compiler *compiler)
{
    struct encoded few[16], *encoded = few;
    if (compiler->tests.count > sizeof few / sizeof *few) {
        encoded = calloc(compiler->tests.count, sizeof *encoded);
        if (encoded == NULL)
            return compile_fail(compiler, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    }
    uint32_t code = write_record(compiler, encoded);
    if (encoded != few)
        free(encoded);
    return code;
}
