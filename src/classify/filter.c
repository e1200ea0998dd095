/* One filter: its conditions in groups, a group with many alternatives as a record for each. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "model/guid.h"

#define ALTERNATIVES_TESTED 4 /* of a port, say; more of them are records of their own */

uint32_t compile_fail(struct compiler *compiler, uint32_t code, const char *format, ...)
{
    char reason[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    compiler->error->code = code;
    snprintf(compiler->error->text, sizeof compiler->error->text, "filter %llu: %s",
             compiler->filter ? (unsigned long long)compiler->filter->filter->filterId : 0ull,
             reason);
    return code;
}

struct test *compile_test(struct compiler *compiler, enum test_kind kind, int slot, uint64_t lo,
                          uint64_t hi)
{
    struct tests *tests = &compiler->tests;
    if (tests->count == tests->capacity) {
        uint32_t capacity = tests->capacity > 0 ? tests->capacity * 2 : 16;
        struct test *list = realloc(tests->list, capacity * sizeof *list);
        if (list == NULL) {
            compile_fail(compiler, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
            return NULL;
        }
        tests->list = list;
        tests->capacity = capacity;
    }
    struct test *test = &tests->list[tests->count++];
    *test = (struct test){.kind = (uint8_t)kind,
                          .slot = (uint8_t)slot,
                          .on_match = JUMP_HOLDS,
                          .on_miss = JUMP_FAILS,
                          .lo = {lo},
                          .hi = {hi}};
    return test;
}

/* ---- groups ---- */

struct group {
    const FWPM_FILTER_CONDITION0 *first, *last;
};

static void patch(struct tests *tests, uint32_t first, uint32_t symbol, uint32_t target)
{
    for (uint32_t i = first; i < tests->count; i++) {
        if (tests->list[i].on_match == symbol)
            tests->list[i].on_match = target;
        if (tests->list[i].on_miss == symbol)
            tests->list[i].on_miss = target;
    }
}

/* The conditions of one group are on one field; any of them may hold. */
static uint32_t compile_group(struct compiler *compiler, struct group group)
{
    const struct layer_field *field = layer_find_field(compiler->layer, &group.first->fieldKey);
    uint32_t start = compiler->tests.count;
    if (field == NULL)
        return compile_fail(compiler, FWP_E_CONDITION_NOT_FOUND, "layer %s has no such condition",
                            compiler->layer->name);
    for (const FWPM_FILTER_CONDITION0 *condition = group.first; condition < group.last;
         condition++) {
        uint32_t at = compiler->tests.count;
        uint32_t code = compile_condition(compiler, field, condition);
        if (code != ERROR_SUCCESS)
            return code;
        patch(&compiler->tests, at, JUMP_FAILS,
              condition + 1 < group.last ? compiler->tests.count : JUMP_FILTER);
    }
    patch(&compiler->tests, start, JUMP_HOLDS, compiler->tests.count);
    return ERROR_SUCCESS;
}

static const FWPM_FILTER_CONDITION0 *group_end(const FWPM_FILTER_CONDITION0 *first,
                                               const FWPM_FILTER_CONDITION0 *end)
{
    const FWPM_FILTER_CONDITION0 *last = first + 1;
    while (last < end && guid_equal(&last->fieldKey, &first->fieldKey))
        last++;
    return last;
}

/* How much a field tells filters apart: what fails most often is asked first. */
static int rank_of(const struct compiler *compiler, const GUID *key)
{
    const struct layer_field *field = layer_find_field(compiler->layer, key);
    switch (field == NULL ? -1 : field->slot) {
    case CLASSIFY_REMOTE_ADDRESS:
        return 0;
    case CLASSIFY_REMOTE_PORT:
    case CLASSIFY_LOCAL_PORT:
        return 1;
    case CLASSIFY_APP:
    case CLASSIFY_UID:
    case CLASSIFY_LOCAL_ADDRESS:
        return 2;
    default:
        return 3;
    }
}

/* ---- alternatives that become records ---- */

struct span {
    uint64_t lo[2], hi[2];
};

static int compare_halves(const uint64_t a[2], const uint64_t b[2])
{
    if (a[0] != b[0])
        return a[0] < b[0] ? -1 : 1;
    return (a[1] > b[1]) - (a[1] < b[1]);
}

static int compare_spans(const void *left, const void *right)
{
    const struct span *a = left, *b = right;
    return compare_halves(a->lo, b->lo);
}

/* Whether the tests [first, count) are plain alternatives: ranges of one slot, any may hold. */
static bool only_ranges(const struct tests *tests, uint32_t first)
{
    for (uint32_t i = first; i < tests->count; i++) {
        const struct test *test = &tests->list[i];
        bool last = i + 1 == tests->count;
        if ((test->kind != TEST_RANGE && test->kind != TEST_RANGE128) || test->negated ||
            test->kind != tests->list[first].kind || test->slot != tests->list[first].slot ||
            test->on_match != tests->count || test->on_miss != (last ? JUMP_FILTER : i + 1))
            return false;
    }
    return true;
}

/* Scattered addresses, programs and users are told apart by the trees only one by one. */
static bool is_scattered(uint8_t slot)
{
    return slot == CLASSIFY_LOCAL_ADDRESS || slot == CLASSIFY_REMOTE_ADDRESS ||
           slot == CLASSIFY_APP || slot == CLASSIFY_UID;
}

/* Sorts the spans and joins those that overlap, so that a key is in one at most. */
static uint32_t join(struct span *spans, uint32_t count)
{
    uint32_t kept = 0;
    qsort(spans, count, sizeof *spans, compare_spans);
    for (uint32_t i = 1; i < count; i++) {
        if (compare_halves(spans[i].lo, spans[kept].hi) > 0)
            spans[++kept] = spans[i];
        else if (compare_halves(spans[i].hi, spans[kept].hi) > 0)
            memcpy(spans[kept].hi, spans[i].hi, sizeof spans[i].hi);
    }
    return kept + 1;
}

/* What a filter's conditions come to before its records are written. */
struct outline {
    struct group *groups;
    uint32_t group_count;
    uint32_t split;               /* group whose alternatives are records; group_count: none */
    uint32_t first, alternatives; /* its tests */
};

/* Compiles all groups in order and chooses the one that has the most alternatives. */
static uint32_t compile_groups(struct compiler *compiler, struct outline *outline)
{
    outline->split = outline->group_count;
    compiler->tests.count = 0;
    for (uint32_t i = 0; i < outline->group_count; i++) {
        uint32_t first = compiler->tests.count;
        uint32_t code = compile_group(compiler, outline->groups[i]);
        if (code != ERROR_SUCCESS)
            return code;
        uint32_t count = compiler->tests.count - first;
        uint32_t limit = is_scattered(compiler->tests.list[first].slot) ? 1 : ALTERNATIVES_TESTED;
        if (count > limit && count > outline->alternatives &&
            only_ranges(&compiler->tests, first)) {
            outline->split = i;
            outline->first = first;
            outline->alternatives = count;
        }
    }
    return ERROR_SUCCESS;
}

/* Test 0 is the alternative, the other groups come behind it. */
static uint32_t compile_alternatives(struct compiler *compiler, const struct outline *outline,
                                     struct span *spans)
{
    struct test chosen = compiler->tests.list[outline->first];
    for (uint32_t i = 0; i < outline->alternatives; i++) {
        memcpy(spans[i].lo, compiler->tests.list[outline->first + i].lo, sizeof spans[i].lo);
        memcpy(spans[i].hi, compiler->tests.list[outline->first + i].hi, sizeof spans[i].hi);
    }
    uint32_t count = join(spans, outline->alternatives);
    chosen.on_match = 1;
    chosen.on_miss = JUMP_FILTER;
    compiler->tests.count = 1;
    for (uint32_t i = 0; i < outline->group_count; i++) {
        uint32_t code =
            i == outline->split ? ERROR_SUCCESS : compile_group(compiler, outline->groups[i]);
        if (code != ERROR_SUCCESS)
            return code;
    }
    for (uint32_t i = 0; i < count; i++) {
        memcpy(chosen.lo, spans[i].lo, sizeof chosen.lo);
        memcpy(chosen.hi, spans[i].hi, sizeof chosen.hi);
        compiler->tests.list[0] = chosen;
        uint32_t code = compile_record(compiler);
        if (code != ERROR_SUCCESS)
            return code;
    }
    return ERROR_SUCCESS;
}

static uint32_t compile_outline(struct compiler *compiler, struct outline *outline)
{
    uint32_t code = compile_groups(compiler, outline);
    if (code != ERROR_SUCCESS)
        return code;
    if (outline->split == outline->group_count)
        return compile_record(compiler);
    struct span *spans = calloc(outline->alternatives, sizeof *spans);
    if (spans == NULL)
        return compile_fail(compiler, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    code = compile_alternatives(compiler, outline, spans);
    free(spans);
    return code;
}

static uint32_t find_groups(struct compiler *compiler, struct group *groups)
{
    const FWPM_FILTER0 *filter = compiler->filter->filter;
    const FWPM_FILTER_CONDITION0 *end = filter->filterCondition + filter->numFilterConditions;
    uint32_t count = 0;
    for (int rank = 0; rank <= 3 && filter->numFilterConditions > 0; rank++) {
        const FWPM_FILTER_CONDITION0 *first = filter->filterCondition;
        while (first < end) {
            const FWPM_FILTER_CONDITION0 *last = group_end(first, end);
            if (rank_of(compiler, &first->fieldKey) == rank)
                groups[count++] = (struct group){first, last};
            first = last;
        }
    }
    return count;
}

uint32_t compile_begin(struct compiler *compiler, const struct model_view_filter *filter)
{
    compiler->filter = filter;
    compiler->layer = layer_by_key(&filter->filter->layerKey);
    if (compiler->layer == NULL || compiler->layer->id >= CLASSIFY_LAYERS)
        return compile_fail(compiler, FWP_E_LAYER_NOT_FOUND, "its layer does not exist");
    return ERROR_SUCCESS;
}

uint32_t compile_filter(struct compiler *compiler, uint16_t sublayer)
{
    const FWPM_FILTER0 *filter = compiler->filter->filter;
    struct group few[16], *groups = few;
    uint32_t conditions = filter->numFilterConditions;
    compiler->record_count = 0;
    compiler->head = (struct classify_filter){.died = CLASSIFY_ALIVE,
                                              .id = filter->filterId,
                                              .type = (uint16_t)filter->action.type,
                                              .flags = (uint16_t)filter->flags,
                                              .sublayer = sublayer};
    if (conditions > sizeof few / sizeof *few) {
        groups = calloc(conditions, sizeof *groups);
        if (groups == NULL)
            return compile_fail(compiler, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    }
    struct outline outline = {.groups = groups};
    outline.group_count = find_groups(compiler, groups);
    uint32_t code = compile_outline(compiler, &outline);
    if (groups != few)
        free(groups);
    return code;
}
