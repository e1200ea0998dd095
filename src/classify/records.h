/* Reading records (abi.h) one behind the other, and the tests of one. */
#ifndef OPENWFP_CLASSIFY_RECORDS_H
#define OPENWFP_CLASSIFY_RECORDS_H

#include <stdint.h>

#include "tests.h"

static inline const uint64_t *records_tests(const struct classify_filter *filter)
{
    const uint64_t *body = (const uint64_t *)(filter + 1);
    return filter->type & FWP_ACTION_FLAG_CALLOUT ? body + 2 : body;
}

/* Units of a whole record. */
static inline uint32_t records_units(const struct classify_filter *filter)
{
    uint32_t head = (uint32_t)(records_tests(filter) - (const uint64_t *)filter);
    return head + filter->units;
}

/* Where reading stands. */
struct records {
    const uint8_t *memory;
    uint32_t at, end; /* units */
    uint32_t unit;    /* of the record that was read last */
};

/* The next record; NULL: there is none before the end. */
static inline struct classify_filter *records_next(struct records *records)
{
    for (uint32_t unit = records->at; unit < records->end;) {
        struct classify_filter *filter =
            (struct classify_filter *)(void *)(records->memory + (uint64_t)unit * CLASSIFY_UNIT);
        uint32_t left = CLASSIFY_BLOCK_UNITS - unit % CLASSIFY_BLOCK_UNITS;
        if (left >= sizeof(struct classify_record) / CLASSIFY_UNIT && filter->died != 0) {
            records->unit = unit;
            records->at = unit + records_units(filter);
            return filter;
        }
        unit += left; /* the rest of a block in which the next record had no room */
    }
    return 0;
}

#endif
