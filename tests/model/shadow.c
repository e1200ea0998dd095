#include "shadow.h"

#include "support.h"

static size_t place_of(const struct shadow *shadow, uint64_t id)
{
    size_t at = 0;

    while (at < shadow->count && shadow->ids[at] != id)
        at++;
    return at;
}

static int add(void *ctx, const struct model_view_filter *filter)
{
    struct shadow *shadow = ctx;

    if (shadow->count == SHADOW_MAX)
        return 1;
    assert_int_equal(place_of(shadow, filter->filter->filterId), shadow->count);
    shadow->ids[shadow->count++] = filter->filter->filterId;
    return 0;
}

static int change(void *ctx, const struct model_view_filter *filter, bool added)
{
    struct shadow *shadow = ctx;
    size_t at = place_of(shadow, filter->filter->filterId);

    if (added) {
        shadow->added++;
        return add(shadow, filter);
    }
    shadow->deleted++;
    assert_true(at < shadow->count);
    shadow->ids[at] = shadow->ids[--shadow->count];
    return 0;
}

static int expect(void *ctx, const struct model_view_filter *filter)
{
    const struct shadow *shadow = ctx;

    assert_true(place_of(shadow, filter->filter->filterId) < shadow->count);
    return 0;
}

void shadow_follow(struct shadow *shadow, const struct model_view *after)
{
    size_t there = 0;

    if (shadow->count == SHADOW_MAX)
        return;
    shadow->added = shadow->deleted = 0;
    shadow->had_delta = model_view_has_delta(after);
    if (shadow->had_delta)
        model_view_changes(after, change, shadow);
    else
        shadow->count = 0;
    for (size_t i = 0; i < layer_count() && shadow->count < SHADOW_MAX; i++) {
        there += model_view_count(after, layer_at(i)->id);
        model_view_filters(after, layer_at(i)->id, shadow->had_delta ? expect : add, shadow);
    }
    if (shadow->count < SHADOW_MAX)
        assert_int_equal(there, shadow->count);
}
