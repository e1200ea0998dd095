#include "box.h"

#include <string.h>

#include "records.h"

/* The tests of a record, one by one. */
struct reader {
    const uint64_t *units;
    uint32_t at, count;
};

static struct reader reader_of(const struct classify_filter *filter)
{
    return (struct reader){.units = records_tests(filter), .count = filter->units};
}

static bool next(struct reader *reader, const struct classify_test **test)
{
    if (reader->at >= reader->count)
        return false;
    *test = (const struct classify_test *)&reader->units[reader->at];
    reader->at += classify_test_units(*test);
    return true;
}

static bool is_bits(uint8_t slot)
{
    return slot == CLASSIFY_FLAGS || slot == CLASSIFY_USER_BITS;
}

struct box_shape box_shape_new(void)
{
    struct box_shape shape = {.count = 0};
    memset(shape.dimension, -1, sizeof shape.dimension);
    return shape;
}

static void add_dimension(struct box_shape *shape, uint8_t slot)
{
    if (is_bits(slot) || shape->dimension[slot] >= 0)
        return;
    shape->dimension[slot] = (int8_t)shape->count;
    shape->slot[shape->count++] = slot;
}

void box_shape_add(struct box_shape *shape, const struct classify_filter *filter)
{
    struct reader reader = reader_of(filter);
    const struct classify_test *test;
    while (next(&reader, &test)) {
        if (test->op == CLASSIFY_TRY || test->op == CLASSIFY_ALWAYS || test->op == CLASSIFY_NEVER)
            continue;
        add_dimension(shape, test->slot);
        if ((test->op & ~CLASSIFY_NOT) == CLASSIFY_RANGE128)
            add_dimension(shape, test->slot + 1);
    }
}

/* ---- one test ---- */

static void narrow(const struct box_shape *shape, struct box *box, uint8_t slot, uint64_t lo,
                   uint64_t hi)
{
    struct box_range *range = &box->range[shape->dimension[slot]];
    if (lo > range->lo)
        range->lo = lo;
    if (hi < range->hi)
        range->hi = hi;
}

bool box_range_of(const struct classify_test *test, struct box_range *range)
{
    const uint64_t *more = (const uint64_t *)(test + 1);
    uint64_t hosts = ((uint64_t)1 << (test->small & 63)) - 1;
    switch (test->op) {
    case CLASSIFY_PREFIX:
        range->lo = (uint64_t)test->value << test->small;
        range->hi = range->lo | hosts;
        return true;
    case CLASSIFY_PREFIX64:
        range->lo = more[0] << test->small;
        range->hi = range->lo | hosts;
        return true;
    case CLASSIFY_SMALL:
        *range = (struct box_range){test->small, test->value};
        return true;
    case CLASSIFY_RANGE:
    case CLASSIFY_RANGE128:
        *range = (struct box_range){more[0], more[test->op == CLASSIFY_RANGE ? 1 : 2]};
        return true;
    default:
        return false;
    }
}

static void take_bits(struct box *box, const struct classify_test *test)
{
    uint32_t i = test->slot == CLASSIFY_FLAGS ? 0 : 1;
    uint64_t mask = (uint64_t)test->value << test->small;
    if (test->op == CLASSIFY_FLAGS_ALL ||
        (test->op == CLASSIFY_FLAGS_ANY && mask != 0 && (mask & (mask - 1)) == 0)) {
        box->ones[i] |= mask;
    } else if (test->op == CLASSIFY_FLAGS_NONE) {
        box->zeros[i] |= mask;
    } else if (test->op == CLASSIFY_PREFIX && test->small == 0) {
        box->ones[i] |= test->value;
        box->zeros[i] |= ~(uint64_t)test->value;
    } else {
        box->exact = false;
    }
}

static void take_range128(const struct box_shape *shape, struct box *box,
                          const struct classify_test *test)
{
    const uint64_t *more = (const uint64_t *)(test + 1);
    narrow(shape, box, test->slot, more[0], more[2]);
    if (more[0] == more[2])
        narrow(shape, box, test->slot + 1, more[1], more[3]);
    else
        box->exact = false;
}

static void take(const struct box_shape *shape, struct box *box, const struct classify_test *test)
{
    struct box_range range;
    if (test->op == CLASSIFY_ALWAYS)
        return;
    if (test->op == CLASSIFY_NEVER) {
        box->ones[0] = box->zeros[0] = 1;
        return;
    }
    box->tested |= 1u << test->slot;
    if (is_bits(test->slot)) {
        take_bits(box, test);
    } else if (test->op == CLASSIFY_RANGE128) {
        take_range128(shape, box, test);
    } else if (box_range_of(test, &range)) {
        narrow(shape, box, test->slot, range.lo, range.hi);
    } else if (test->op == CLASSIFY_ABSENT) { /* absent is 0 to the trees */
        narrow(shape, box, test->slot, 0, 0);
        box->exact = false;
    } else if (test->op != CLASSIFY_FLAGS_NONE || test->value != 0) {
        box->exact = false;
    }
}

/* ---- alternatives ---- */

/* A run of tests that jump among each other, the first of which is behind a TRY. */
struct alternatives {
    struct box_range all;
    uint32_t slot, end, yes; /* end: where the run ends, as far as is known */
    bool simple;             /* any of them lets the filter go on behind the run */
};

static void widen(struct alternatives *run, const struct classify_test *test)
{
    struct box_range range;
    if (run->slot == CLASSIFY_SLOTS)
        run->slot = test->slot;
    if (test->slot != run->slot || is_bits(test->slot) || test->op == CLASSIFY_RANGE128 ||
        !box_range_of(test, &range)) {
        run->simple = false;
        return;
    }
    run->all.lo = range.lo < run->all.lo ? range.lo : run->all.lo;
    run->all.hi = range.hi > run->all.hi ? range.hi : run->all.hi;
}

static void follow(struct alternatives *run, const struct classify_test *try, uint32_t behind)
{
    if (try->small < CLASSIFY_FAILS && try->small > run->end)
        run->end = try->small;
    if (try->value < CLASSIFY_FAILS && try->value > run->end)
        run->end = try->value;
    run->simple = run->simple && try->small == run->yes && try->value != run->yes &&
                  (try->value == CLASSIFY_FAILS || try->value == behind);
}

/* The box spans alternatives; of security descriptors with denials, say, it says nothing. */
static void take_alternatives(const struct box_shape *shape, struct box *box, struct reader *reader,
                              const struct classify_test *try)
{
    struct alternatives run = {.all = {UINT64_MAX, 0}, .slot = CLASSIFY_SLOTS, .simple = true};
    const struct classify_test *test = try;
    run.yes = try->small;
    box->exact = false;
    do {
        try = test->op == CLASSIFY_TRY ? test : NULL;
        if (try != NULL && !next(reader, &test))
            return;
        box->tested |= 1u << test->slot;
        widen(&run, test);
        if (try != NULL)
            follow(&run, try, reader->at);
    } while (reader->at < run.end && next(reader, &test));
    if (run.simple && run.yes == reader->at)
        narrow(shape, box, (uint8_t)run.slot, run.all.lo, run.all.hi);
}

/* ---- the record ---- */

static bool is_empty(const struct box_shape *shape, const struct box *box)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        if (box->range[i].lo > box->range[i].hi)
            return true;
    }
    return (box->ones[0] & box->zeros[0]) != 0 || (box->ones[1] & box->zeros[1]) != 0;
}

bool box_of(const struct box_shape *shape, const struct classify_filter *filter, uint32_t unit,
            struct box *box)
{
    struct reader reader = reader_of(filter);
    const struct classify_test *test;
    memset(box, 0, sizeof *box);
    box->unit = unit;
    box->sublayer = filter->sublayer;
    box->final = filter->type == FWP_ACTION_PERMIT || filter->type == FWP_ACTION_BLOCK;
    box->exact = true;
    for (uint32_t i = 0; i < shape->count; i++)
        box->range[i] = (struct box_range){0, UINT64_MAX};
    while (next(&reader, &test)) {
        if (test->op == CLASSIFY_TRY)
            take_alternatives(shape, box, &reader, test);
        else
            take(shape, box, test);
    }
    return !is_empty(shape, box);
}
