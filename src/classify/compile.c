#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "image.h"
#include "model/guid.h"

/* Layers apart, by key; then sublayers and filters in the order in which they are asked. */
static int compare(const void *left, const void *right)
{
    const struct model_view_filter *a = *(const struct model_view_filter *const *)left;
    const struct model_view_filter *b = *(const struct model_view_filter *const *)right;
    int layers = memcmp(&a->filter->layerKey, &b->filter->layerKey, sizeof(GUID));
    if (layers != 0)
        return layers;
    int sublayers =
        image_compare_sublayers(a->sublayer_weight, &a->sublayer, b->sublayer_weight, &b->sublayer);
    if (sublayers != 0)
        return sublayers;
    return image_compare_filters(a->weight, a->filter->filterId, b->weight, b->filter->filterId);
}

static bool same_layer(const struct model_view_filter *a, const struct model_view_filter *b)
{
    return guid_equal(&a->filter->layerKey, &b->filter->layerKey);
}

static bool same_sublayer(const struct model_view_filter *a, const struct model_view_filter *b)
{
    return same_layer(a, b) && guid_equal(&a->sublayer, &b->sublayer);
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

static void note_filter(struct compiler *compiler, struct image_private *private)
{
    private->filters[private->filter_count++] =
        (struct image_filter){.weight = compiler->filter->weight,
                              .id = compiler->filter->filter->filterId,
                              .sublayer = private->sublayer_count - 1,
                              .unit = compiler->first,
                              .records = compiler->record_count};
}

static uint32_t compile_sublayer(struct compiler *compiler, struct image_private *private,
                                 struct image_layer *layer,
                                 const struct model_view_filter *const *filters, size_t count)
{
    struct image_sublayer *sublayer = image_begin_sublayer(
        private, layer, compiler->memory, filters[0]->sublayer_weight, &filters[0]->sublayer);
    if (sublayer == NULL)
        return compile_fail(compiler, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++) {
        compiler->filter = filters[i];
        uint32_t code = compile_filter(compiler, sublayer->number);
        if (code != ERROR_SUCCESS)
            return code;
        note_filter(compiler, private);
    }
    image_end_sublayer(private, sublayer, compiler->memory);
    return ERROR_SUCCESS;
}

static uint32_t compile_layer(struct compiler *compiler, struct image_private *private,
                              const struct model_view_filter *const *filters, size_t count)
{
    uint32_t found = compile_begin(compiler, filters[0]);
    if (found != ERROR_SUCCESS)
        return found;
    struct image_layer *layer = &private->layers[private->layer_count++];
    *layer = (struct image_layer){
        .id = compiler->layer->id, .first = compiler->memory->at, .filters = (uint32_t)count};
    for (size_t i = 0, n; i < count; i += n) {
        n = run_length(filters + i, count - i, same_sublayer);
        uint32_t code = compile_sublayer(compiler, private, layer, filters + i, n);
        if (code != ERROR_SUCCESS)
            return code;
    }
    layer->end = compiler->memory->at;
    return ERROR_SUCCESS;
}

static uint32_t out_of_memory(struct model_error *error)
{
    *error =
        (struct model_error){ERROR_NOT_ENOUGH_MEMORY, "out of memory while compiling the filters"};
    return ERROR_NOT_ENOUGH_MEMORY;
}

/* The filters in the order of their records. */
struct sorted {
    const struct model_view_filter **filters;
    size_t count;
    struct model_view_filter *gathered; /* where they are, if that is to be freed */
};

static void forget(struct sorted *sorted)
{
    free(sorted->filters);
    free(sorted->gathered);
    *sorted = (struct sorted){.count = 0};
}

/* The filters go as soon as they are records: trees take much memory to build. */
static uint32_t compile_all(struct compiler *compiler, struct classify_image *image,
                            struct sorted *sorted)
{
    for (size_t i = 0, n; i < sorted->count; i += n) {
        n = run_length(sorted->filters + i, sorted->count - i, same_layer);
        uint32_t code = compile_layer(compiler, image->private, sorted->filters + i, n);
        if (code != ERROR_SUCCESS)
            return code;
    }
    compiler->filter = NULL;
    forget(sorted);
    return image_finish(image, compiler->memory) ? ERROR_SUCCESS : out_of_memory(compiler->error);
}

static uint32_t compile_sorted(struct sorted *sorted, const struct classify_intern *intern,
                               struct classify_image **image, struct model_error *error)
{
    struct memory memory;
    struct classify_image *made = image_new(sorted->count, &memory);
    if (made == NULL)
        return out_of_memory(error);
    struct compiler compiler = {.intern = intern,
                                .error = error,
                                .group_count = &made->group_count,
                                .groups = made->groups,
                                .memory = &memory};
    uint32_t code = compile_all(&compiler, made, sorted);
    free(compiler.tests.list);
    free(memory.bytes);
    if (code == ERROR_SUCCESS)
        *image = made;
    else
        classify_image_free(made);
    return code;
}

/* `gathered`: NULL, or the filters themselves, which are freed. */
static uint32_t compile(const struct model_view_filter *filters, size_t count,
                        struct model_view_filter *gathered, const struct classify_intern *intern,
                        struct classify_image **image, struct model_error *error)
{
    struct model_error ignored;
    struct sorted sorted = {calloc(count + 1, sizeof *sorted.filters), count, gathered};
    uint32_t code = ERROR_NOT_ENOUGH_MEMORY;
    if (error == NULL)
        error = &ignored;
    if (sorted.filters != NULL) {
        for (size_t i = 0; i < count; i++)
            sorted.filters[i] = &filters[i];
        qsort(sorted.filters, count, sizeof *sorted.filters, compare);
        code = compile_sorted(&sorted, intern, image, error);
    } else {
        out_of_memory(error);
    }
    forget(&sorted);
    return code;
}

uint32_t classify_compile(const struct model_view_filter *filters, size_t count,
                          const struct classify_intern *intern, struct classify_image **image,
                          struct model_error *error)
{
    return compile(filters, count, NULL, intern, image, error);
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
    struct model_error ignored;
    for (size_t i = 0; i < layer_count(); i++)
        total += model_view_count(view, layer_at(i)->id);
    struct gathered gathered = {calloc(total + 1, sizeof *gathered.filters), 0};
    if (gathered.filters == NULL)
        return out_of_memory(error != NULL ? error : &ignored);
    for (size_t i = 0; i < layer_count(); i++)
        model_view_filters(view, layer_at(i)->id, gather, &gathered);
    return compile(gathered.filters, gathered.count, gathered.filters, intern, image, error);
}
