#include "model_private.h"

static void pack_sublayer(struct pack *pack, void *body)
{
    FWPM_SUBLAYER0 *sublayer = body;

    pack_display(pack, &sublayer->displayData);
    sublayer->providerKey = pack_guid(pack, sublayer->providerKey);
    pack_blob(pack, &sublayer->providerData);
}

static uint32_t check(const struct model *model, const FWPM_SUBLAYER0 *sublayer,
                      struct model_error *error)
{
    if (sublayer->flags & ~(uint32_t)FWPM_SUBLAYER_FLAG_PERSISTENT)
        return fail(error, FWP_E_INVALID_FLAGS,
                    "A sublayer's flags are 0 or FWPM_SUBLAYER_FLAG_PERSISTENT, not %#x.",
                    (unsigned)sublayer->flags);
    if (model->kinds[MODEL_SUBLAYER].count >= MODEL_MAX_SUBLAYERS)
        return fail(error, FWP_E_TOO_MANY_SUBLAYERS,
                    "There are %u sublayers, the most there may be; delete some.",
                    MODEL_MAX_SUBLAYERS);
    return ERROR_SUCCESS;
}

uint32_t sublayer_add(struct model_session *session, const FWPM_SUBLAYER0 *sublayer,
                      const FWP_BYTE_BLOB *sd, const struct model_stored *restored,
                      struct object **added, struct model_error *error)
{
    struct draft draft = {.kind = MODEL_SUBLAYER,
                          .sd = sd,
                          .body = sublayer,
                          .body_size = sizeof(*sublayer),
                          .pack = pack_sublayer};
    struct draft_common common = {.key = &sublayer->subLayerKey,
                                  .display = &sublayer->displayData,
                                  .provider = sublayer->providerKey,
                                  .provider_data = &sublayer->providerData,
                                  .persistent = sublayer->flags & FWPM_SUBLAYER_FLAG_PERSISTENT,
                                  .restored = restored};
    uint32_t rc = check(session->model, sublayer, error);

    if (rc == ERROR_SUCCESS)
        rc = draft_start(session, &draft, &common, error);
    return rc == ERROR_SUCCESS ? draft_add(session, &draft, added, error) : rc;
}

uint32_t model_sublayer_add(struct model_session *session, const FWPM_SUBLAYER0 *sublayer,
                            const FWP_BYTE_BLOB *sd, GUID *key, struct model_error *error)
{
    struct object *added = NULL;
    uint32_t rc = write_begin(session, error);

    if (rc != ERROR_SUCCESS)
        return rc;
    rc = sublayer_add(session, sublayer, sd, NULL, &added, error);
    return write_end_added(session, rc, added, key, NULL, error);
}
