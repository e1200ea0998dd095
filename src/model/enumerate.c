/* Enumerations: snapshots of what matches and may be read (rule 11.x). */
#include "template.h"

#include <stdlib.h>
#include <string.h>

/* ---- gathering ---- */

struct gathering {
    struct model_session *session;
    enum model_kind kind;
    const void *template_;
    struct object **objects; /* each pinned */
    size_t count, room;
};

static bool gather(struct gathering *g, struct object *object)
{
    if (!object_visible(object, g->session) || !template_matches(g->kind, g->template_, object) ||
        !access_may_read(g->session, object))
        return true;
    if (g->count == g->room) {
        size_t room = g->room ? g->room * 2 : 64;
        struct object **grown = realloc(g->objects, room * sizeof(struct object *));

        if (!grown)
            return false;
        g->objects = grown;
        g->room = room;
    }
    object_pin(object);
    g->objects[g->count++] = object;
    return true;
}

static bool gather_list(struct gathering *g, const struct object_list *list)
{
    for (struct object *object = list->first; object; object = object->next) {
        if (!gather(g, object))
            return false;
    }
    return true;
}

static bool gather_all(struct gathering *g)
{
    const struct model *model = g->session->model;

    if (g->kind != MODEL_FILTER)
        return gather_list(g, &model->kinds[g->kind]);
    for (size_t layer = 0; layer < MODEL_LAYER_IDS; layer++) {
        if (!gather_list(g, &model->layers[layer]))
            return false;
    }
    return true;
}

/* ---- the order of classification ---- */

static int descending(uint64_t a, uint64_t b)
{
    return (a < b) - (a > b);
}

static int compare_filters(const void *left, const void *right)
{
    const struct object *a = *(struct object *const *)left, *b = *(struct object *const *)right;
    const FWPM_SUBLAYER0 *x = OBJECT_BODY(a->sublayer, FWPM_SUBLAYER0);
    const FWPM_SUBLAYER0 *y = OBJECT_BODY(b->sublayer, FWPM_SUBLAYER0);
    int order = -descending(a->layer_id, b->layer_id);

    if (!order)
        order = descending(x->weight, y->weight);
    if (!order)
        order = guid_compare(&x->subLayerKey, &y->subLayerKey);
    if (!order)
        order = descending(a->weight, b->weight);
    return order ? order : -descending(a->id, b->id);
}

static void keep_best(struct gathering *g)
{
    size_t best = 0;

    while (best < g->count && !(OBJECT_BODY(g->objects[best], FWPM_FILTER0)->action.type &
                                FWP_ACTION_FLAG_TERMINATING))
        best++;
    for (size_t i = 0; i < g->count; i++) {
        if (i != best)
            object_unpin(g->objects[i]);
    }
    if (best < g->count)
        g->objects[0] = g->objects[best];
    g->count = best < g->count;
}

static void arrange(struct gathering *g)
{
    const FWPM_FILTER_ENUM_TEMPLATE0 *t = g->kind == MODEL_FILTER ? g->template_ : NULL;
    uint32_t flags = t ? t->flags : 0;

    if (flags & (FWP_FILTER_ENUM_FLAG_SORTED | FWP_FILTER_ENUM_FLAG_BEST_TERMINATING_MATCH) &&
        g->count)
        qsort(g->objects, g->count, sizeof(struct object *), compare_filters);
    if (flags & FWP_FILTER_ENUM_FLAG_BEST_TERMINATING_MATCH)
        keep_best(g);
}

/* ---- making a handle ---- */

static bool fill_objects(struct model_session *session, struct handle *handle,
                         const void *template_)
{
    struct gathering g = {.session = session, .kind = handle->kind, .template_ = template_};
    bool ok = gather_all(&g);

    arrange(&g);
    handle->pinned = g.objects;
    handle->count = g.count;
    handle->items = g.count ? calloc(g.count, sizeof(*handle->items)) : NULL;
    if (g.count && !handle->items)
        return false;
    for (size_t i = 0; i < g.count; i++)
        handle->items[i] = object_public(g.objects[i]);
    return ok;
}

static bool fill_layers(struct model_session *session, struct handle *handle)
{
    const struct model *model = session->model;

    handle->items = calloc(model->layer_count, sizeof(*handle->items));
    for (size_t i = 0; handle->items && i < model->layer_count; i++) {
        const struct layer_info *layer = layer_by_key(&model->layer_objects[i].layerKey);

        if (layer && access_layer(session, layer, FWPM_ACTRL_READ, NULL) == ERROR_SUCCESS)
            handle->items[handle->count++] =
                (struct model_object){.kind = MODEL_LAYER, .layer = &model->layer_objects[i]};
    }
    return handle->items;
}

/* Sessions end while they are enumerated: these are copies. */
static bool fill_sessions(struct model_session *session, struct handle *handle)
{
    size_t room = 0;

    for (const struct model_session *s = session->model->sessions; s; s = s->next)
        room++;
    handle->items = calloc(room, sizeof(*handle->items));
    for (const struct model_session *s = session->model->sessions; handle->items && s;
         s = s->next) {
        FWPM_SESSION0 *copy = session_info_copy(s);

        if (!copy)
            return false;
        handle->items[handle->count++] =
            (struct model_object){.kind = MODEL_SESSION, .session = copy};
    }
    return handle->items;
}

static bool fill(struct model_session *session, struct handle *handle, const void *template_)
{
    switch (handle->kind) {
    case MODEL_LAYER:
        return fill_layers(session, handle);
    case MODEL_SESSION:
        return fill_sessions(session, handle);
    default:
        return fill_objects(session, handle, template_);
    }
}

void handle_free(struct handle *handle)
{
    for (size_t i = 0; handle->type == HANDLE_ENUMERATION && i < handle->count; i++) {
        if (handle->pinned)
            object_unpin(handle->pinned[i]);
        else if (handle->kind == MODEL_SESSION)
            free((void *)handle->items[i].any);
    }
    free(handle->pinned);
    free(handle->items);
    free(handle->template_);
    free(handle);
}

static uint32_t check_create(struct model_session *session, enum model_kind kind,
                             const void *template_, struct model_error *error)
{
    uint32_t rc = read_begin(session, error);

    if (rc != ERROR_SUCCESS)
        return rc;
    if ((unsigned)kind > MODEL_SESSION)
        return fail(error, FWP_E_INVALID_PARAMETER, "There is nothing to enumerate of kind %u.",
                    (unsigned)kind);
    rc = access_container(session, kind, FWPM_ACTRL_ENUM, error);
    return rc == ERROR_SUCCESS ? template_check(kind, template_, error) : rc;
}

uint32_t model_enum_create(struct model_session *session, enum model_kind kind,
                           const void *template_, uint64_t *handle, struct model_error *error)
{
    uint32_t rc = check_create(session, kind, template_, error);
    struct handle *made;

    if (rc != ERROR_SUCCESS)
        return rc;
    made = calloc(1, sizeof(*made));
    if (!made)
        return fail_memory(error);
    made->type = HANDLE_ENUMERATION;
    made->kind = kind;
    rc = fill(session, made, template_) ? session_add_handle(session, made, error)
                                        : fail_memory(error);
    if (rc != ERROR_SUCCESS)
        handle_free(made);
    else
        *handle = made->number;
    return rc;
}

/* ---- using it ---- */

uint32_t model_enum_next(struct model_session *session, uint64_t handle, struct model_object *into,
                         size_t wanted, size_t *given, struct model_error *error)
{
    struct handle *found;
    uint32_t rc = read_begin(session, error);

    if (rc == ERROR_SUCCESS)
        rc = session_find_handle(session, handle, HANDLE_ENUMERATION, FWP_E_INVALID_ENUMERATOR,
                                 &found, error);
    if (rc != ERROR_SUCCESS)
        return rc;
    size_t left = found->count - found->at;
    *given = wanted < left ? wanted : left;
    if (*given)
        memcpy(into, found->items + found->at, *given * sizeof(*into));
    found->at += *given;
    return ERROR_SUCCESS;
}

uint32_t model_enum_destroy(struct model_session *session, uint64_t handle,
                            struct model_error *error)
{
    struct handle *found;
    uint32_t rc = session_find_handle(session, handle, HANDLE_ENUMERATION, FWP_E_INVALID_ENUMERATOR,
                                      &found, error);

    if (rc == ERROR_SUCCESS)
        session_drop_handle(session, found);
    return rc;
}
