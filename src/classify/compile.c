#include "compiler.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/guid.h"

uint32_t compile_fail(struct compiler *compiler, uint32_t code, const char *format, ...)
{
    char reason[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    if (compiler->error != NULL) {
        compiler->error->code = code;
        snprintf(compiler->error->text, sizeof compiler->error->text, "filter %llu: %s",
                 compiler->filter ? (unsigned long long)compiler->filter->filter->filterId : 0ull,
                 reason);
    }
    return code;
}

struct classify_element *compile_emit(struct compiler *compiler, uint8_t kind)
{
    struct classify_image *image = compiler->image;
    if (image->count == image->capacity) {
        uint32_t capacity = image->capacity * 2;
        void *grown = realloc(image->elements, capacity * sizeof *image->elements);
        if (grown == NULL)
            return NULL;
        image->elements = grown;
        image->capacity = capacity;
    }
    struct classify_element *element = &image->elements[image->count++];
    *element = (struct classify_element){.kind = kind};
    return element;
}

uint32_t compile_test(struct compiler *compiler, uint8_t op, int slot, uint64_t lo, uint64_t hi)
{
    struct classify_element *test = compile_emit(compiler, CLASSIFY_TEST);
    if (test == NULL)
        return compile_fail(compiler, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    test->op = op;
    test->slot = (uint8_t)slot;
    test->on_match = JUMP_HOLDS;
    test->on_miss = JUMP_FAILS;
    test->test.lo[0] = lo;
    test->test.hi[0] = hi;
    return ERROR_SUCCESS;
}

static void patch(struct compiler *compiler, uint32_t first, uint32_t symbol, uint32_t target)
{
    for (uint32_t i = first; i < compiler->image->count; i++) {
        struct classify_element *element = &compiler->image->elements[i];
        if (element->on_match == symbol)
            element->on_match = target;
        if (element->on_miss == symbol)
            element->on_miss = target;
    }
}

/* One group: the conditions [first, last) on one field, any of which may hold. */
static uint32_t compile_group(struct compiler *compiler, const FWPM_FILTER_CONDITION0 *first,
                              const FWPM_FILTER_CONDITION0 *last)
{
    const struct layer_field *field = layer_find_field(compiler->layer, &first->fieldKey);
    uint32_t start = compiler->image->count;
    if (field == NULL)
        return compile_fail(compiler, FWP_E_CONDITION_NOT_FOUND, "layer %s has no such condition",
                            compiler->layer->name);
    for (const FWPM_FILTER_CONDITION0 *condition = first; condition < last; condition++) {
        uint32_t at = compiler->image->count;
        uint32_t code = compile_condition(compiler, field, condition);
        if (code != ERROR_SUCCESS)
            return code;
        patch(compiler, at, JUMP_FAILS,
              condition + 1 < last ? compiler->image->count : JUMP_FILTER);
    }
    patch(compiler, start, JUMP_HOLDS, compiler->image->count);
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

static uint32_t compile_conditions(struct compiler *compiler)
{
    const FWPM_FILTER0 *filter = compiler->filter->filter;
    const FWPM_FILTER_CONDITION0 *end = filter->filterCondition + filter->numFilterConditions;
    for (int rank = 0; rank <= 3 && filter->numFilterConditions > 0; rank++) {
        const FWPM_FILTER_CONDITION0 *first = filter->filterCondition;
        while (first < end) {
            const FWPM_FILTER_CONDITION0 *last = group_end(first, end);
            uint32_t code = rank_of(compiler, &first->fieldKey) == rank
                                ? compile_group(compiler, first, last)
                                : ERROR_SUCCESS;
            if (code != ERROR_SUCCESS)
                return code;
            first = last;
        }
    }
    return ERROR_SUCCESS;
}

static uint32_t compile_action(struct compiler *compiler)
{
    const struct model_view_filter *filter = compiler->filter;
    struct classify_element *element = compile_emit(compiler, CLASSIFY_ACTION);
    if (element == NULL)
        return compile_fail(compiler, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    element->callout =
        filter->callout_slot < CLASSIFY_CALLOUTS ? filter->callout_slot : CLASSIFY_NO_CALLOUT;
    element->action.filter_id = filter->filter->filterId;
    element->action.context = filter->context;
    element->action.type = filter->filter->action.type;
    element->action.flags = filter->filter->flags;
    element->action.callout_id = filter->callout_id;
    element->action.sublayer_weight = filter->sublayer_weight;
    element->on_miss = compiler->image->count; /* on_match: when the sublayer's end is known */
    return ERROR_SUCCESS;
}

/* Which of TCP, UDP and the others a test of the protocol lets through. */
static uint32_t protocols_of_test(const struct classify_element *test)
{
    uint64_t lo = test->test.lo[0], hi = test->test.hi[0];
    if (test->op != CLASSIFY_IN_RANGE)
        return CLASSIFY_PROTOCOLS_TCP | CLASSIFY_PROTOCOLS_UDP | CLASSIFY_PROTOCOLS_OTHER;
    bool tcp = lo <= 6 && 6 <= hi, udp = lo <= 17 && 17 <= hi;
    return (tcp ? CLASSIFY_PROTOCOLS_TCP : 0) | (udp ? CLASSIFY_PROTOCOLS_UDP : 0) |
           (hi - lo + 1 > (uint64_t)tcp + udp ? CLASSIFY_PROTOCOLS_OTHER : 0);
}

/* Notes in the layer's entry what the filter at elements [first, end) reads and can match. */
static void summarise(struct classify_element *elements, uint32_t first, uint32_t end,
                      struct classify_element *directory)
{
    uint32_t protocols = 0;
    bool any = true;
    for (uint32_t i = first; i < end; i++) {
        if (elements[i].kind != CLASSIFY_TEST)
            continue;
        directory->layer.slots |= 1ull << elements[i].slot;
        if (elements[i].slot == CLASSIFY_PROTOCOL && elements[i].op != CLASSIFY_ALWAYS &&
            elements[i].op != CLASSIFY_NEVER) {
            protocols |= protocols_of_test(&elements[i]);
            any = false;
        }
    }
    directory->layer.protocols |=
        any ? CLASSIFY_PROTOCOLS_TCP | CLASSIFY_PROTOCOLS_UDP | CLASSIFY_PROTOCOLS_OTHER
            : protocols;
    directory->layer.filters++;
}

static uint32_t compile_filter(struct compiler *compiler)
{
    uint32_t first = compiler->image->count;
    uint32_t code = compile_conditions(compiler);
    if (code == ERROR_SUCCESS)
        code = compile_action(compiler);
    if (code != ERROR_SUCCESS)
        return code;
    patch(compiler, first, JUMP_FILTER, compiler->image->count);
    summarise(compiler->image->elements, first, compiler->image->count,
              &compiler->image->elements[compiler->layer->id]);
    return ERROR_SUCCESS;
}

static bool same_layer(const struct model_view_filter *a, const struct model_view_filter *b)
{
    return guid_equal(&a->filter->layerKey, &b->filter->layerKey);
}

static bool same_sublayer(const struct model_view_filter *a, const struct model_view_filter *b)
{
    return same_layer(a, b) && guid_equal(&a->sublayer, &b->sublayer);
}

/* Layers apart; then sublayers and filters in the order in which they are asked. */
static int compare(const void *left, const void *right)
{
    const struct model_view_filter *a = *(const struct model_view_filter *const *)left;
    const struct model_view_filter *b = *(const struct model_view_filter *const *)right;
    int layers = memcmp(&a->filter->layerKey, &b->filter->layerKey, sizeof(GUID));
    if (layers != 0)
        return layers;
    if (a->sublayer_weight != b->sublayer_weight)
        return a->sublayer_weight > b->sublayer_weight ? -1 : 1;
    int sublayers = memcmp(&a->sublayer, &b->sublayer, sizeof(GUID));
    if (sublayers != 0)
        return sublayers;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return (a->filter->filterId > b->filter->filterId) -
           (a->filter->filterId < b->filter->filterId);
}

/* All filters of one sublayer of one layer; a decision ends it, so it jumps behind the last. */
static uint32_t compile_sublayer(struct compiler *compiler,
                                 const struct model_view_filter *const *filters, size_t count)
{
    uint32_t first = compiler->image->count;
    for (size_t i = 0; i < count; i++) {
        compiler->filter = filters[i];
        uint32_t code = compile_filter(compiler);
        if (code != ERROR_SUCCESS)
            return code;
    }
    for (uint32_t i = first; i < compiler->image->count; i++) {
        if (compiler->image->elements[i].kind == CLASSIFY_ACTION)
            compiler->image->elements[i].on_match = compiler->image->count;
    }
    return ERROR_SUCCESS;
}

static size_t run_length(const struct model_view_filter *const *filters, size_t count,
                         bool (*same)(const struct model_view_filter *,
                                      const struct model_view_filter *))
{
    size_t n = 1;
    while (n < count && same(filters[0], filters[n]))
        n++;
    return n;
}

static uint32_t compile_layer(struct compiler *compiler,
                              const struct model_view_filter *const *filters, size_t count)
{
    compiler->filter = filters[0];
    compiler->layer = layer_by_key(&filters[0]->filter->layerKey);
    if (compiler->layer == NULL || compiler->layer->id >= CLASSIFY_HEADER)
        return compile_fail(compiler, FWP_E_LAYER_NOT_FOUND, "its layer does not exist");
    uint32_t first = compiler->image->count;
    for (size_t i = 0, n; i < count; i += n) {
        n = run_length(filters + i, count - i, same_sublayer);
        uint32_t code = compile_sublayer(compiler, filters + i, n);
        if (code != ERROR_SUCCESS)
            return code;
    }
    struct classify_element *directory = &compiler->image->elements[compiler->layer->id];
    directory->layer.first = first;
    directory->layer.end = compiler->image->count;
    return ERROR_SUCCESS;
}

static struct classify_image *image_new(size_t filters)
{
    struct classify_image *image = calloc(1, sizeof *image);
    if (image == NULL)
        return NULL;
    image->capacity = CLASSIFY_DIRECTORY + (uint32_t)filters * 4 + 1;
    image->elements = calloc(image->capacity, sizeof *image->elements);
    if (image->elements == NULL) {
        free(image);
        return NULL;
    }
    image->count = CLASSIFY_DIRECTORY;
    for (uint32_t i = 0; i < CLASSIFY_HEADER; i++) {
        image->elements[i].kind = CLASSIFY_LAYER;
        image->elements[i].layer.first = image->elements[i].layer.end = CLASSIFY_DIRECTORY;
    }
    return image;
}

static uint32_t compile_all(struct compiler *compiler,
                            const struct model_view_filter *const *filters, size_t count)
{
    for (size_t i = 0, n; i < count; i += n) {
        n = run_length(filters + i, count - i, same_layer);
        uint32_t code = compile_layer(compiler, filters + i, n);
        if (code != ERROR_SUCCESS)
            return code;
    }
    while (compiler->image->count % CLASSIFY_BLOCK != 0) {
        if (compile_emit(compiler, CLASSIFY_UNUSED) == NULL)
            return compile_fail(compiler, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    }
    struct classify_element *header = &compiler->image->elements[CLASSIFY_HEADER];
    header->header.elements = compiler->image->count;
    header->header.group_bits = compiler->image->group_count;
    return ERROR_SUCCESS;
}

static uint32_t out_of_memory(struct model_error *error)
{
    if (error != NULL)
        *error = (struct model_error){ERROR_NOT_ENOUGH_MEMORY,
                                      "out of memory while compiling the filters"};
    return ERROR_NOT_ENOUGH_MEMORY;
}

uint32_t classify_compile(const struct model_view_filter *filters, size_t count,
                          const struct classify_intern *intern, struct classify_image **image,
                          struct model_error *error)
{
    struct compiler compiler = {.image = image_new(count), .intern = intern, .error = error};
    const struct model_view_filter **order = calloc(count + 1, sizeof *order);
    uint32_t code = ERROR_NOT_ENOUGH_MEMORY;
    if (compiler.image == NULL || order == NULL) {
        code = out_of_memory(error);
    } else {
        for (size_t i = 0; i < count; i++)
            order[i] = &filters[i];
        qsort(order, count, sizeof *order, compare);
        code = compile_all(&compiler, order, count);
    }
    free(order);
    if (code == ERROR_SUCCESS)
        *image = compiler.image;
    else
        classify_image_free(compiler.image);
    return code;
}

struct gathered {
    struct model_view_filter *filters;
    size_t count;
};

static int gather(void *ctx, const struct model_view_filter *filter)
{
    struct gathered *gathered = ctx;
    gathered->filters[gathered->count++] = *filter;
    return 0;
}

uint32_t classify_compile_view(const struct model_view *view, const struct classify_intern *intern,
                               struct classify_image **image, struct model_error *error)
{
    size_t total = 0;
    for (size_t i = 0; i < layer_count(); i++)
        total += model_view_count(view, layer_at(i)->id);
    struct gathered gathered = {calloc(total + 1, sizeof *gathered.filters), 0};
    if (gathered.filters == NULL)
        return out_of_memory(error);
    for (size_t i = 0; i < layer_count(); i++)
        model_view_filters(view, layer_at(i)->id, gather, &gathered);
    uint32_t code = classify_compile(gathered.filters, gathered.count, intern, image, error);
    free(gathered.filters);
    return code;
}

void classify_image_free(struct classify_image *image)
{
    if (image == NULL)
        return;
    free(image->elements);
    free(image);
}
