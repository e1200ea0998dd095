/* What a service keeps beyond its own life, and how it comes back. */
#include "model_private.h"

static struct model_stored describe(const struct object *object)
{
    return (struct model_stored){
        .object = object_public(object),
        .lifetime = object->lifetime,
        .creator = object->creator,
        .sd = object->sd,
    };
}

static int visit_list(const struct object_list *list, enum model_lifetime lifetime,
                      int (*visit)(void *ctx, const struct model_stored *), void *ctx)
{
    for (const struct object *object = list->first; object; object = object->next) {
        if (object->lifetime != lifetime || !object_visible(object, NULL))
            continue;
        struct model_stored stored = describe(object);
        int answer = visit(ctx, &stored);
        if (answer)
            return answer;
    }
    return 0;
}

int model_each(struct model *model, enum model_lifetime lifetime,
               int (*visit)(void *ctx, const struct model_stored *), void *ctx)
{
    int answer = 0;

    for (unsigned kind = MODEL_PROVIDER; kind < MODEL_FILTER && !answer; kind++)
        answer = visit_list(&model->kinds[kind], lifetime, visit, ctx);
    for (size_t layer = 0; layer < MODEL_LAYER_IDS && !answer; layer++)
        answer = visit_list(&model->layers[layer], lifetime, visit, ctx);
    return answer;
}

uint32_t model_view_keep(const struct model_view *view, struct model_error *error)
{
    struct model *model = view->model;
    uint32_t rc;

    if (model->keep != KEEP_DUE || !model->hooks.keep)
        return ERROR_SUCCESS;
    rc = model->hooks.keep(model->hooks.ctx, view, error);
    if (rc == ERROR_SUCCESS)
        model->keep = KEPT;
    return rc;
}

int model_view_objects(const struct model_view *view,
                       int (*visit)(void *ctx, const struct model_stored *, bool added), void *ctx)
{
    int answer = 0;

    for (size_t i = 0; view->delta && !answer && i < view->delta->count; i++) {
        const struct object *object = view->delta->objects[i];

        if (!object)
            continue;
        struct model_stored stored = describe(object);
        answer = visit(ctx, &stored, object->state == OBJECT_ADDED);
    }
    return answer;
}

uint32_t model_stored_get(struct model *model, enum model_kind kind, const GUID *key,
                          struct model_stored *stored, struct model_error *error)
{
    struct object *object = NULL;

    if ((unsigned)kind < MODEL_OBJECT_KINDS)
        object = store_find(model, kind, key, NULL);
    if (!object)
        return error ? fail(error, kind_not_found(kind), "There is no %s %s.", kind_name(kind),
                            GUID_TEXT(key))
                     : kind_not_found(kind);
    *stored = describe(object);
    return ERROR_SUCCESS;
}

static uint32_t add(struct model_session *session, const struct model_stored *stored,
                    struct model_error *error)
{
    const struct model_object *object = &stored->object;
    struct object *added;

    switch (object->kind) {
    case MODEL_PROVIDER:
        return provider_add(session, object->provider, stored->sd, stored, &added, error);
    case MODEL_SUBLAYER:
        return sublayer_add(session, object->sublayer, stored->sd, stored, &added, error);
    case MODEL_PROVIDER_CONTEXT:
        return context_add(session, object->provider_context, stored->sd, stored, &added, error);
    case MODEL_CALLOUT:
        return callout_add(session, object->callout, stored->sd, stored, &added, error);
    case MODEL_FILTER:
        return filter_add(session, object->filter, stored->sd, stored, &added, error);
    default:
        return fail(error, FWP_E_INVALID_PARAMETER, "A %s can't be restored.",
                    kind_name(object->kind));
    }
}

uint32_t model_restore(struct model_session *session, const struct model_stored *stored,
                       struct model_error *error)
{
    uint32_t rc;

    if (!session->kernel)
        return fail(error, FWP_E_KM_CLIENTS_ONLY, "Only the service itself restores objects.");
    if (stored->lifetime == MODEL_DYNAMIC || stored->lifetime == MODEL_BUILTIN)
        return fail(error, FWP_E_LIFETIME_MISMATCH,
                    "Dynamic and built-in objects are not restored.");
    rc = write_begin(session, error);
    if (rc != ERROR_SUCCESS)
        return rc;
    return write_end(session, add(session, stored, error), error);
}
