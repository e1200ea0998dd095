/* The policy as a compiler sees it: committed, or as it will be when the commit succeeds. */
#include "model_private.h"

typedef int (*visitor)(void *ctx, const struct model_view_filter *);

static bool can_be_in_force(const struct object *object, bool boottime)
{
    const FWPM_FILTER0 *filter = OBJECT_BODY((struct object *)object, FWPM_FILTER0);

    return (object->lifetime == MODEL_BOOTTIME) == boottime &&
           !(filter->flags & FWPM_FILTER_FLAG_DISABLED);
}

/* A deleted callout's code may be gone, while what else is named waits for the commit's end. */
static struct model_view_filter describe(struct object *object)
{
    const FWPM_FILTER0 *filter = OBJECT_BODY(object, FWPM_FILTER0);
    const FWPM_SUBLAYER0 *sublayer = OBJECT_BODY(object->sublayer, FWPM_SUBLAYER0);
    const struct object *callout = object_callout(object), *context = object_context(object);
    const struct callout_code *code =
        callout && object->state != OBJECT_GONE ? callout->code : NULL;

    return (struct model_view_filter){
        .filter = filter,
        .weight = object->weight,
        .sublayer = sublayer->subLayerKey,
        .sublayer_weight = sublayer->weight,
        .callout_id = code ? code->id : 0,
        .callout_slot = code ? code->slot : MODEL_CALLOUT_UNREGISTERED,
        .context = context ? context->id : filter->rawContext,
    };
}

static int visit_filters(const struct model_view *view, uint16_t layer_id, bool boottime,
                         visitor visit, void *ctx)
{
    if (layer_id >= MODEL_LAYER_IDS)
        return 0;
    for (struct object *object = view->model->layers[layer_id].first; object;
         object = object->next) {
        if (!can_be_in_force(object, boottime) || !object_visible(object, view->as))
            continue;
        struct model_view_filter filter = describe(object);
        int answer = visit(ctx, &filter);
        if (answer)
            return answer;
    }
    return 0;
}

int model_view_filters(const struct model_view *view, uint16_t layer_id, visitor visit, void *ctx)
{
    return visit_filters(view, layer_id, false, visit, ctx);
}

int model_view_boottime(const struct model_view *view, uint16_t layer_id, visitor visit, void *ctx)
{
    return visit_filters(view, layer_id, true, visit, ctx);
}

static int count_one(void *ctx, const struct model_view_filter *filter)
{
    ++*(size_t *)ctx;
    return 0;
}

size_t model_view_count(const struct model_view *view, uint16_t layer_id)
{
    size_t count = 0;

    model_view_filters(view, layer_id, count_one, &count);
    return count;
}

bool model_view_has_delta(const struct model_view *view)
{
    return view->delta;
}

int model_view_changes(const struct model_view *view,
                       int (*visit)(void *ctx, const struct model_view_filter *, bool added),
                       void *ctx)
{
    int answer = 0;

    for (size_t i = 0; view->delta && !answer && i < view->delta->count; i++) {
        struct object *object = view->delta->objects[i];

        if (!object || object->kind != MODEL_FILTER || !can_be_in_force(object, false))
            continue;
        struct model_view_filter filter = describe(object);
        answer = visit(ctx, &filter, object->state == OBJECT_ADDED);
    }
    return answer;
}

enum model_committer model_view_committer(const struct model_view *view)
{
    if (!view->as || view->as->kernel)
        return MODEL_BY_THE_SERVICE;
    return view->as->privileged && !view->as->dynamic ? MODEL_BY_AN_ADMINISTRATOR
                                                      : MODEL_BY_A_PROGRAM;
}

bool model_view_boottime_changed(const struct model_view *view)
{
    for (size_t i = 0; view->delta && i < view->delta->count; i++) {
        const struct object *object = view->delta->objects[i];

        if (object && object->kind == MODEL_FILTER && object->lifetime == MODEL_BOOTTIME)
            return true;
    }
    return !view->delta;
}

bool model_view_layer_changed(const struct model_view *view, uint16_t layer_id)
{
    return layer_id < MODEL_LAYER_IDS && view->changed[layer_id / 64] >> layer_id % 64 & 1;
}

const FWPM_SUBLAYER0 *model_view_sublayer(const struct model_view *view, const GUID *key)
{
    struct object *object = store_find(view->model, MODEL_SUBLAYER, key, view->as);

    return object ? OBJECT_BODY(object, FWPM_SUBLAYER0) : NULL;
}

const struct model_view *model_view_now(struct model *model)
{
    model->view.as = NULL;
    return &model->view;
}
