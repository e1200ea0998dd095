#include "src/wfp/policy/spans.h"

#include <stdlib.h>

#include "src/wfp/arena.h"

struct spans spans_new(struct arena *arena, size_t room)
{
    return (struct spans){arena_alloc(arena, room * sizeof(struct span)), 0};
}

void spans_add(struct spans *spans, u128 lo, u128 hi)
{
    spans->list[spans->count++] = (struct span){lo, hi};
}

static int compare(const void *a, const void *b)
{
    const struct span *left = a, *right = b;
    return (left->lo > right->lo) - (left->lo < right->lo);
}

void spans_normalise(struct spans *spans)
{
    size_t kept = 0;
    qsort(spans->list, spans->count, sizeof(*spans->list), compare);
    for (size_t i = 1; i < spans->count; i++) {
        struct span *last = &spans->list[kept], *next = &spans->list[i];
        if (next->lo <= last->hi || next->lo - last->hi == 1) {
            if (next->hi > last->hi)
                last->hi = next->hi;
        } else {
            spans->list[++kept] = *next;
        }
    }
    if (spans->count > 0)
        spans->count = kept + 1;
}

struct spans spans_complement(struct arena *arena, const struct spans *spans, u128 max)
{
    struct spans rest = spans_new(arena, spans->count + 1);
    u128 next = 0;
    for (size_t i = 0; i < spans->count; i++) {
        if (spans->list[i].lo > next)
            spans_add(&rest, next, spans->list[i].lo - 1);
        if (spans->list[i].hi == max)
            return rest;
        next = spans->list[i].hi + 1;
    }
    spans_add(&rest, next, max);
    return rest;
}

bool spans_are_all(const struct spans *spans, u128 max)
{
    return spans->count == 1 && spans->list[0].lo == 0 && spans->list[0].hi == max;
}

bool span_prefix(const struct span *span, unsigned width, unsigned *prefix)
{
    u128 inside = span->hi - span->lo; /* host bits, when they are all ones */
    if ((inside & (inside + 1)) != 0 || (span->lo & inside) != 0)
        return false;
    for (*prefix = width; inside != 0; inside >>= 1)
        --*prefix;
    return true;
}
