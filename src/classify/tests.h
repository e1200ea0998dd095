/* Whether a key passes the tests of a filter's record (abi.h). */
#ifndef OPENWFP_CLASSIFY_TESTS_H
#define OPENWFP_CLASSIFY_TESTS_H

#include "arbitrate.h"
#include "verifier.h"
#include "walk.h"

#define CLASSIFY_NEAR_PLAIN 8 /* plain tests that are read in a loop of their own */

#define CLASSIFY_SLOT_MASK 31u
_Static_assert(CLASSIFY_SLOTS <= CLASSIFY_SLOT_MASK + 1 &&
                   sizeof(struct classify_walk) > sizeof(__u64) * (1 + 1 + CLASSIFY_SLOT_MASK),
               "a walk, which begins with the key, is as long as any slot reaches");

CLASSIFY_INLINE bool classify_less(__u64 high_a, __u64 low_a, __u64 high_b, __u64 low_b)
{
    return high_a < high_b || (high_a == high_b && low_a < low_b);
}

/* A slot that there is not, of a damaged memory, is something else of the walk: to compare it here
 * would be a case more for the verifier wherever a value is read. */
CLASSIFY_INLINE __u64 classify_value(const struct classify_key *key, __u32 slot)
{
    return key->value[slot & CLASSIFY_SLOT_MASK];
}

/* How many units a test takes, or a TRY alone. */
CLASSIFY_INLINE __u32 classify_test_units(const struct classify_test *test)
{
    __u32 op = test->op & ~CLASSIFY_NOT;

    return op == CLASSIFY_RANGE ? 3 : op == CLASSIFY_PREFIX64 ? 2 : op == CLASSIFY_RANGE128 ? 5 : 1;
}

/* A test of the two kinds that most are. */
CLASSIFY_INLINE bool classify_plain(const struct classify_test *test, __u32 op, __u64 value)
{
    if (op == CLASSIFY_PREFIX)
        return value >> (test->small & 63) == test->value;
    return value >= test->small && value <= test->value;
}

CLASSIFY_INLINE bool classify_present_holds(const struct classify_key *key,
                                            const struct classify_test *test)
{
    __u64 value = classify_value(key, test->slot);
    __u64 mask = (__u64)test->value << (test->small & 63);
    const __u64 *wide = (const __u64 *)(test + 1);
    __u32 op = test->op & ~CLASSIFY_NOT;

    switch (op) {
    case CLASSIFY_PREFIX:
    case CLASSIFY_SMALL:
        return classify_plain(test, op, value);
    case CLASSIFY_PREFIX64:
        return value >> (test->small & 63) == wide[0];
    case CLASSIFY_RANGE:
        return value >= wide[0] && value <= wide[1];
    case CLASSIFY_RANGE128: {
        __u64 low = classify_value(key, test->slot + 1);
        return !classify_less(value, low, wide[0], wide[1]) &&
               !classify_less(wide[2], wide[3], value, low);
    }
    case CLASSIFY_FLAGS_ALL:
        return (value & mask) == mask;
    case CLASSIFY_FLAGS_ANY:
        return (value & mask) != 0;
    case CLASSIFY_FLAGS_NONE:
        return (value & mask) == 0;
    default:
        return false;
    }
}

CLASSIFY_INLINE bool classify_holds(const struct classify_key *key,
                                    const struct classify_test *test)
{
    if (test->op == CLASSIFY_ALWAYS)
        return true;
    if (!(key->present >> (test->slot & 63) & 1))
        return test->op == CLASSIFY_ABSENT;
    return classify_present_holds(key, test) != (test->op >= CLASSIFY_NOT);
}

/* The index of the test after the one at `index`, or CLASSIFY_FAILS. `zero` is classify_zero(). */
CLASSIFY_INLINE __u64 classify_next_test(const struct classify_key *key,
                                         const struct classify_test *test, __u64 index, __u64 zero)
{
    __u64 yes = 0, no = CLASSIFY_FAILS;

    if (test->op == CLASSIFY_TRY) {
        yes = test->small;
        no = test->value;
        test++;
        index++;
    }
    if (!(classify_holds(key, test) ^ zero))
        return no;
    return yes ? yes : index + classify_test_units(test);
}

/* A plain test; false: it does not hold, or the field is absent. */
CLASSIFY_INLINE bool classify_plain_holds(const struct classify_key *key,
                                          const struct classify_test *test)
{
    return (key->present >> (test->slot & 63) & 1) &&
           classify_plain(test, test->op, classify_value(key, test->slot));
}

/* The same for any tests, from walk->index on. */
CLASSIFY_INLINE int classify_matches_behind(struct classify_walk *walk,
                                            const struct classify_test *tests, __u32 units)
{
    CLASSIFY_TURNS(i, CLASSIFY_NEAR_UNITS)
    {
        __u64 index = *(volatile __u32 *)&walk->index;
        CLASSIFY_OPAQUE(index);
        if (index >= units || index >= CLASSIFY_NEAR_UNITS)
            break;
        walk->index = classify_next_test(&walk->key, tests + index, index, classify_zero(walk));
    }
    return walk->index >= units && walk->index != CLASSIFY_FAILS;
}

/* Whether all tests of the filter hold, of which there are at most CLASSIFY_NEAR_UNITS. */
CLASSIFY_INLINE int classify_matches(struct classify_walk *walk,
                                     const struct classify_record *record)
{
    __u32 units = record->head.units;
    const struct classify_test *tests =
        (const struct classify_test *)&record
            ->body[record->head.type & FWP_ACTION_FLAG_CALLOUT ? 2 : 0];

    __u32 i = 0;

    for (; i < CLASSIFY_NEAR_PLAIN; i++) {
        if (i >= units)
            return 1;
        if (tests[i].op != CLASSIFY_PREFIX && tests[i].op != CLASSIFY_SMALL)
            break;
        if (!classify_plain_holds(&walk->key, &tests[i]))
            return 0;
    }
    walk->index = i;
    return classify_matches_behind(walk, tests, units);
}

#endif
