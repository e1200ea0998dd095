/*
 * Sets of numbers as sorted, disjoint, non-touching ranges: ports, protocols, addresses and
 * interfaces are all sets of numbers, and "not" is a complement.
 */
#ifndef OPENWFP_POLICY_SPANS_H
#define OPENWFP_POLICY_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

typedef unsigned __int128 u128;

struct span {
    u128 lo, hi;
};

struct spans {
    struct span *list;
    size_t count;
};

/* Room for so many spans; the set is empty. */
struct spans spans_new(struct arena *arena, size_t room);
void spans_add(struct spans *spans, u128 lo, u128 hi); /* within the room; in any order */
void spans_normalise(struct spans *spans);
struct spans spans_complement(struct arena *arena, const struct spans *spans, u128 max);
bool spans_are_all(const struct spans *spans, u128 max);

/* Whether the span is an aligned power of two of a number this wide; then *prefix is its length. */
bool span_prefix(const struct span *span, unsigned width, unsigned *prefix);

#endif
