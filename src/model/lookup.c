/* Getting and deleting objects, by key or id. */
#include "model_private.h"

static uint32_t no_such_kind(enum model_kind kind, const char *what, struct model_error *error)
{
    return fail(error, FWP_E_INVALID_PARAMETER, "Objects of kind %u can't be %s.", (unsigned)kind,
                what);
}

static bool has_ids(enum model_kind kind)
{
    return kind == MODEL_PROVIDER_CONTEXT || kind == MODEL_CALLOUT || kind == MODEL_FILTER;
}

static uint32_t find_by_key(struct model_session *session, enum model_kind kind, const GUID *key,
                            struct object **found, struct model_error *error)
{
    *found = store_find(session->model, kind, key, session);
    if (*found)
        return ERROR_SUCCESS;
    return fail(error, kind_not_found(kind), "There is no %s %s.", kind_name(kind), GUID_TEXT(key));
}

static uint32_t find_by_id(struct model_session *session, enum model_kind kind, uint64_t id,
                           struct object **found, struct model_error *error)
{
    *found = store_find_id(session->model, kind, id, session);
    if (*found)
        return ERROR_SUCCESS;
    return fail(error, kind_not_found(kind), "There is no %s with id %llu.", kind_name(kind),
                (unsigned long long)id);
}

/* ---- deleting ---- */

static uint32_t delete (struct model_session *session, struct object *object,
                        struct model_error *error)
{
    uint32_t rc;

    if (object->lifetime == MODEL_BUILTIN)
        return fail(error, FWP_E_BUILTIN_OBJECT, "The %s is built in and can't be deleted.",
                    OBJECT_TEXT(object));
    rc = access_object(session, object, SD_RIGHT_DELETE, error);
    if (rc != ERROR_SUCCESS)
        return rc;
    if (object->references)
        return fail(error, FWP_E_IN_USE, "The %s is named by %u other objects; delete these first.",
                    OBJECT_TEXT(object), object->references);
    if (!journal_reserve(&session->model->journal))
        return fail_memory(error);
    txn_delete(session->model, object);
    return ERROR_SUCCESS;
}

uint32_t model_delete_by_key(struct model_session *session, enum model_kind kind, const GUID *key,
                             struct model_error *error)
{
    struct object *object;
    uint32_t rc;

    if ((unsigned)kind >= MODEL_OBJECT_KINDS)
        return no_such_kind(kind, "deleted", error);
    rc = write_begin(session, error);
    if (rc != ERROR_SUCCESS)
        return rc;
    rc = find_by_key(session, kind, key, &object, error);
    if (rc == ERROR_SUCCESS)
        rc = delete (session, object, error);
    return write_end(session, rc, error);
}

uint32_t model_delete_by_id(struct model_session *session, enum model_kind kind, uint64_t id,
                            struct model_error *error)
{
    struct object *object;
    uint32_t rc;

    if (!has_ids(kind))
        return no_such_kind(kind, "deleted by id", error);
    rc = write_begin(session, error);
    if (rc != ERROR_SUCCESS)
        return rc;
    rc = find_by_id(session, kind, id, &object, error);
    if (rc == ERROR_SUCCESS)
        rc = delete (session, object, error);
    return write_end(session, rc, error);
}

/* ---- getting ---- */

static uint32_t get_layer(struct model_session *session, const struct layer_info *info,
                          struct model_object *object, struct model_error *error)
{
    const FWPM_LAYER0 *layer = model_layer(session->model, info);

    if (!layer)
        return fail(error, FWP_E_LAYER_NOT_FOUND, "There is no such layer.");
    *object = (struct model_object){.kind = MODEL_LAYER, .layer = layer};
    return access_layer(session, info, FWPM_ACTRL_READ, error);
}

static uint32_t get_object(struct model_session *session, const struct object *found,
                           struct model_object *object, struct model_error *error)
{
    *object = object_public(found);
    return access_object(session, found, FWPM_ACTRL_READ, error);
}

uint32_t model_get_by_key(struct model_session *session, enum model_kind kind, const GUID *key,
                          struct model_object *object, struct model_error *error)
{
    struct object *found;
    uint32_t rc = read_begin(session, error);

    if (rc != ERROR_SUCCESS)
        return rc;
    if (kind == MODEL_LAYER)
        return get_layer(session, layer_by_key(key), object, error);
    if ((unsigned)kind >= MODEL_OBJECT_KINDS)
        return no_such_kind(kind, "got by key", error);
    rc = find_by_key(session, kind, key, &found, error);
    return rc == ERROR_SUCCESS ? get_object(session, found, object, error) : rc;
}

uint32_t model_get_by_id(struct model_session *session, enum model_kind kind, uint64_t id,
                         struct model_object *object, struct model_error *error)
{
    struct object *found;
    uint32_t rc = read_begin(session, error);

    if (rc != ERROR_SUCCESS)
        return rc;
    if (kind == MODEL_LAYER)
        return get_layer(session, id <= UINT16_MAX ? layer_by_id((uint16_t)id) : NULL, object,
                         error);
    if (!has_ids(kind))
        return no_such_kind(kind, "got by id", error);
    rc = find_by_id(session, kind, id, &found, error);
    return rc == ERROR_SUCCESS ? get_object(session, found, object, error) : rc;
}
