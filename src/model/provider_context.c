#include "model_private.h"

/* ---- copying ---- */

static FWPM_CLASSIFY_OPTIONS0 *pack_options(struct pack *pack, const FWPM_CLASSIFY_OPTIONS0 *from)
{
    FWPM_CLASSIFY_OPTIONS0 *to = pack_room(pack, sizeof(*to), 8);
    FWPM_CLASSIFY_OPTION0 *options = pack_room(pack, from->numOptions * sizeof(*options), 8);

    for (uint32_t i = 0; i < from->numOptions; i++) {
        FWPM_CLASSIFY_OPTION0 option = from->options[i];

        pack_value(pack, &option.value);
        if (options)
            options[i] = option;
    }
    if (to)
        *to = (FWPM_CLASSIFY_OPTIONS0){.numOptions = from->numOptions, .options = options};
    return to;
}

static FWP_BYTE_BLOB *pack_buffer(struct pack *pack, const FWP_BYTE_BLOB *from)
{
    FWP_BYTE_BLOB copy = *from;
    FWP_BYTE_BLOB *to = pack_room(pack, sizeof(*to), 8);

    pack_blob(pack, &copy);
    if (to)
        *to = copy;
    return to;
}

static void pack_context(struct pack *pack, void *body)
{
    FWPM_PROVIDER_CONTEXT0 *context = body;

    pack_display(pack, &context->displayData);
    context->providerKey = pack_guid(pack, context->providerKey);
    pack_blob(pack, &context->providerData);
    if (context->type == FWPM_GENERAL_CONTEXT)
        context->dataBuffer = pack_buffer(pack, context->dataBuffer);
    else
        context->classifyOptions = pack_options(pack, context->classifyOptions);
}

/* ---- checking ---- */

static uint32_t check_options(const FWPM_CLASSIFY_OPTIONS0 *options, struct model_error *error)
{
    uint32_t rc = ERROR_SUCCESS;

    if (!options || !options->options)
        return fail(error, FWP_E_NULL_POINTER, "The classify options point nowhere.");
    if (options->numOptions == 0)
        return fail(error, FWP_E_ZERO_LENGTH_ARRAY, "There are no classify options.");
    for (uint32_t i = 0; i < options->numOptions && rc == ERROR_SUCCESS; i++) {
        if ((unsigned)options->options[i].type >= FWP_CLASSIFY_OPTION_MAX)
            return fail(error, FWP_E_OUT_OF_BOUNDS, "%u is no type of classify option.",
                        (unsigned)options->options[i].type);
        rc = value_check(&options->options[i].value, error);
    }
    return rc;
}

static uint32_t check_data(const FWPM_PROVIDER_CONTEXT0 *context, struct model_error *error)
{
    const FWP_BYTE_BLOB *data = context->dataBuffer;

    if ((unsigned)context->type >= FWPM_PROVIDER_CONTEXT_TYPE_MAX)
        return fail(error, FWP_E_OUT_OF_BOUNDS, "%u is no type of provider context.",
                    (unsigned)context->type);
    if (context->type == FWPM_CLASSIFY_OPTIONS_CONTEXT)
        return check_options(context->classifyOptions, error);
    if (context->type != FWPM_GENERAL_CONTEXT)
        return fail(
            error, ERROR_NOT_SUPPORTED,
            "Provider contexts of type %u configure IPsec, which is not part of this engine; "
            "FWPM_GENERAL_CONTEXT and FWPM_CLASSIFY_OPTIONS_CONTEXT are.",
            (unsigned)context->type);
    if (!data || (data->size && !data->data))
        return fail(error, FWP_E_NULL_POINTER, "The provider context's dataBuffer points nowhere.");
    return ERROR_SUCCESS;
}

static uint32_t check(const FWPM_PROVIDER_CONTEXT0 *context, struct model_error *error)
{
    if (context->flags & ~(uint32_t)FWPM_PROVIDER_CONTEXT_FLAG_PERSISTENT)
        return fail(
            error, FWP_E_INVALID_FLAGS,
            "A provider context's flags are 0 or FWPM_PROVIDER_CONTEXT_FLAG_PERSISTENT, not "
            "%#x.",
            context->flags);
    return check_data(context, error);
}

/* ---- adding ---- */

uint32_t context_add(struct model_session *session, const FWPM_PROVIDER_CONTEXT0 *context,
                     const FWP_BYTE_BLOB *sd, const struct model_stored *restored,
                     struct object **added, struct model_error *error)
{
    FWPM_PROVIDER_CONTEXT0 body = *context;
    struct draft draft = {.kind = MODEL_PROVIDER_CONTEXT,
                          .sd = sd,
                          .body = &body,
                          .body_size = sizeof(body),
                          .pack = pack_context};
    struct draft_common common = {.key = &context->providerContextKey,
                                  .display = &context->displayData,
                                  .provider = context->providerKey,
                                  .provider_data = &context->providerData,
                                  .persistent =
                                      context->flags & FWPM_PROVIDER_CONTEXT_FLAG_PERSISTENT,
                                  .restored = restored};
    uint32_t rc = check(context, error);

    if (rc == ERROR_SUCCESS)
        rc = draft_start(session, &draft, &common, error);
    if (rc != ERROR_SUCCESS)
        return rc;
    draft.id = body.providerContextId =
        draft_id(session->model, MODEL_PROVIDER_CONTEXT, restored ? context->providerContextId : 0);
    return draft_add(session, &draft, added, error);
}

uint32_t model_provider_context_add(struct model_session *session,
                                    const FWPM_PROVIDER_CONTEXT0 *context, const FWP_BYTE_BLOB *sd,
                                    GUID *key, uint64_t *id, struct model_error *error)
{
    struct object *added = NULL;
    uint32_t rc = write_begin(session, error);

    if (rc != ERROR_SUCCESS)
        return rc;
    rc = context_add(session, context, sd, NULL, &added, error);
    return write_end_added(session, rc, added, key, id, error);
}
