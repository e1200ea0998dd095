/* Callouts: the policy objects, and the code that stands behind their GUIDs (rules 7.1, 7.2). */
#include "model_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- code ---- */

struct callout_code *code_find(const struct model *model, const GUID *key)
{
    struct index_node *node = index_first(&model->codes, index_hash(key, model->seed));

    for (; node; node = index_next(node)) {
        struct callout_code *code = INDEX_ITEM(node, struct callout_code, by_key);

        if (guid_equal(&code->key, key))
            return code;
    }
    return NULL;
}

struct callout_code *code_take(struct model *model, const GUID *key, uint32_t id)
{
    struct callout_code *code = code_find(model, key);

    if (!code) {
        code = index_reserve(&model->codes) ? calloc(1, sizeof(*code)) : NULL;
        if (!code)
            return NULL;
        code->key = *key;
        code->id = id ? id : ++model->last_code_id;
        code->slot = MODEL_CALLOUT_UNREGISTERED;
        model_reserve_ids(model, MODEL_CALLOUT, code->id);
        index_insert(&model->codes, &code->by_key, index_hash(key, model->seed));
    }
    code->users++;
    return code;
}

void code_release(struct model *model, struct callout_code *code)
{
    if (--code->users)
        return;
    index_remove(&model->codes, &code->by_key);
    free(code);
}

static void mark_users(struct model *model, const struct callout_code *code)
{
    struct model_view *view = &model->view;

    memset(view->changed, 0, sizeof(view->changed));
    for (size_t layer = 0; layer < MODEL_LAYER_IDS; layer++) {
        struct object *filter = model->layers[layer].first;

        while (filter && !(object_callout(filter) && object_callout(filter)->code == code))
            filter = filter->next;
        if (filter)
            view->changed[layer / 64] |= UINT64_C(1) << layer % 64;
    }
}

/* FWPM_CALLOUT_FLAG_REGISTERED of the objects with the code's GUID (rule 7.9). */
static void show_registered(struct model *model, const struct callout_code *code)
{
    struct index_node *node =
        index_first(&model->by_key[MODEL_CALLOUT], index_hash(&code->key, model->seed));

    for (; node; node = index_next(node)) {
        struct object *object = INDEX_ITEM(node, struct object, by_key);
        FWPM_CALLOUT0 *callout = OBJECT_BODY(object, FWPM_CALLOUT0);

        if (object->code == code && code->slot != MODEL_CALLOUT_UNREGISTERED)
            callout->flags |= FWPM_CALLOUT_FLAG_REGISTERED;
        else if (object->code == code)
            callout->flags &= ~(uint32_t)FWPM_CALLOUT_FLAG_REGISTERED;
    }
}

static uint32_t apply_slot(struct model *model, struct callout_code *code, uint32_t slot,
                           struct model_error *error)
{
    uint32_t before = code->slot, rc = ERROR_SUCCESS;

    code->slot = slot;
    mark_users(model, code);
    if (model->hooks.apply && (model->view.changed[0] | model->view.changed[1]))
        rc = model->hooks.apply(model->hooks.ctx, model_view_now(model), error);
    if (rc != ERROR_SUCCESS)
        code->slot = before;
    show_registered(model, code);
    return rc;
}

static uint32_t register_code(struct model *model, const GUID *key, uint32_t slot, uint32_t wanted,
                              uint32_t *id, struct model_error *error)
{
    bool registering = slot != MODEL_CALLOUT_UNREGISTERED;
    struct callout_code *code = code_find(model, key);
    bool registered = code && code->slot != MODEL_CALLOUT_UNREGISTERED;

    if (registering && registered)
        return fail(error, FWP_E_ALREADY_EXISTS, "Code for callout %s is registered already.",
                    GUID_TEXT(key));
    if (!registering && !registered)
        return fail(error, FWP_E_CALLOUT_NOT_FOUND, "No code for callout %s is registered.",
                    GUID_TEXT(key));
    if (registering && !(code = code_take(model, key, wanted)))
        return fail_memory(error);

    uint32_t rc = apply_slot(model, code, slot, error);
    if (rc == ERROR_SUCCESS && id)
        *id = code->id;
    if (registering == (rc != ERROR_SUCCESS))
        code_release(model, code);
    return rc;
}

uint32_t model_callout_register(struct model *model, const GUID *key, uint32_t slot, uint32_t *id,
                                struct model_error *error)
{
    return register_code(model, key, slot, 0, id, error);
}

uint32_t model_callout_restore(struct model *model, const GUID *key, uint32_t slot, uint32_t id,
                               struct model_error *error)
{
    return register_code(model, key, slot, id, NULL, error);
}

/* ---- objects ---- */

static void pack_callout(struct pack *pack, void *body)
{
    FWPM_CALLOUT0 *callout = body;

    pack_display(pack, &callout->displayData);
    callout->providerKey = pack_guid(pack, callout->providerKey);
    pack_blob(pack, &callout->providerData);
}

#define INPUT_FLAGS                                                                                \
    ((uint32_t)FWPM_CALLOUT_FLAG_PERSISTENT | FWPM_CALLOUT_FLAG_USES_PROVIDER_CONTEXT)

static uint32_t check(struct model_session *session, const FWPM_CALLOUT0 *callout,
                      struct model_error *error)
{
    const struct layer_info *layer = layer_by_key(&callout->applicableLayer);

    if (callout->flags & ~INPUT_FLAGS)
        return fail(
            error, FWP_E_INVALID_FLAGS,
            "A callout's flags are FWPM_CALLOUT_FLAG_PERSISTENT and _USES_PROVIDER_CONTEXT; "
            "%#x has others.",
            callout->flags);
    if (!layer)
        return fail(error, FWP_E_LAYER_NOT_FOUND, "The callout's applicableLayer %s is no layer.",
                    GUID_TEXT(&callout->applicableLayer));
    if (session->model->kinds[MODEL_CALLOUT].count >= MODEL_MAX_CALLOUTS)
        return fail(error, FWP_E_TOO_MANY_CALLOUTS,
                    "There are %u callouts, the most there may be; delete some.",
                    MODEL_MAX_CALLOUTS);
    return access_layer(session, layer, FWPM_ACTRL_ADD_LINK, error);
}

static uint32_t add_with_code(struct model_session *session, struct draft *draft,
                              FWPM_CALLOUT0 *body, struct object **added, struct model_error *error)
{
    struct callout_code *code = code_take(session->model, &draft->key, body->calloutId);

    if (!code)
        return fail_memory(error);
    draft->code = code;
    draft->id = body->calloutId = code->id;
    uint32_t rc = draft_add(session, draft, added, error);
    if (rc != ERROR_SUCCESS)
        code_release(session->model, code);
    else
        show_registered(session->model, code);
    return rc;
}

uint32_t callout_add(struct model_session *session, const FWPM_CALLOUT0 *callout,
                     const FWP_BYTE_BLOB *sd, const struct model_stored *restored,
                     struct object **added, struct model_error *error)
{
    FWPM_CALLOUT0 body = *callout;
    struct draft draft = {.kind = MODEL_CALLOUT,
                          .sd = sd,
                          .body = &body,
                          .body_size = sizeof(body),
                          .pack = pack_callout};
    struct draft_common common = {.key = &callout->calloutKey,
                                  .display = &callout->displayData,
                                  .provider = callout->providerKey,
                                  .provider_data = &callout->providerData,
                                  .persistent = callout->flags & FWPM_CALLOUT_FLAG_PERSISTENT,
                                  .restored = restored};

    if (restored)
        body.flags &= ~(uint32_t)FWPM_CALLOUT_FLAG_REGISTERED;
    else
        body.calloutId = 0;
    uint32_t rc = check(session, &body, error);
    if (rc == ERROR_SUCCESS)
        rc = draft_start(session, &draft, &common, error);
    return rc == ERROR_SUCCESS ? add_with_code(session, &draft, &body, added, error) : rc;
}

uint32_t model_callout_add(struct model_session *session, const FWPM_CALLOUT0 *callout,
                           const FWP_BYTE_BLOB *sd, GUID *key, uint32_t *id,
                           struct model_error *error)
{
    struct object *added = NULL;
    uint32_t rc = write_begin(session, error);

    if (rc != ERROR_SUCCESS)
        return rc;
    rc = callout_add(session, callout, sd, NULL, &added, error);
    if (rc == ERROR_SUCCESS && id)
        *id = (uint32_t)added->id;
    return write_end_added(session, rc, added, key, NULL, error);
}
