/* Reading records (abi.h) one behind the other. */
#ifndef OPENWFP_CLASSIFY_RECORDS_H
#define OPENWFP_CLASSIFY_RECORDS_H

#include <stdint.h>

#include "abi.h"
#include "arbitrate.h"

static inline const uint64_t *records_tests(const struct classify_filter *filter)
{
    const uint64_t *body = (const uint64_t *)(filter + 1);
    return filter->type & FWP_ACTION_FLAG_CALLOUT ? body + 2 : body;
}

/* Units of a test, or of a TRY alone. */
static inline uint32_t records_test_units(const struct classify_test *test)
{
    switch (test->op & ~CLASSIFY_NOT) {
    case CLASSIFY_PREFIX64:
        return 2;
    case CLASSIFY_RANGE:
        return 3;
    case CLASSIFY_RANGE128:
        return 5;
    default:
        return 1;
    }
}

/* Units of a whole record. */
static inline uint32_t records_units(const struct classify_filter *filter)
{
    uint32_t head = (uint32_t)(records_tests(filter) - (const uint64_t *)filter);
    return head + filter->units;
}

/* The first record at `unit` or behind it, before `end`; NULL: there is none. *at: its unit. */
static inline struct classify_filter *records_next(const uint8_t *memory, uint32_t unit,
                                                   uint32_t end, uint32_t *at)
{
    while (unit < end) {
        struct classify_filter *filter =
            (struct classify_filter *)(void *)(memory + (uint64_t)unit * CLASSIFY_UNIT);
        uint32_t left = CLASSIFY_BLOCK_UNITS - unit % CLASSIFY_BLOCK_UNITS;
        if (left >= sizeof(struct classify_record) / CLASSIFY_UNIT && filter->died != 0) {
            *at = unit;
            return filter;
        }
        unit += left; /* the rest of a block in which the next record had no room */
    }
    return 0;
}

#endif
