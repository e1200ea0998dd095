#include "model_private.h"

static void pack_provider(struct pack *pack, void *body)
{
    FWPM_PROVIDER0 *provider = body;

    pack_display(pack, &provider->displayData);
    pack_blob(pack, &provider->providerData);
    provider->serviceName = pack_text(pack, provider->serviceName);
}

static bool service_starts(const struct model *model, const FWPM_PROVIDER0 *provider)
{
    const struct model_hooks *hooks = &model->hooks;

    return !provider->serviceName || !hooks->service_starts ||
           hooks->service_starts(hooks->ctx, provider);
}

/* Rule 8.4: what was true at an earlier start says nothing. */
static uint32_t restored_flags(const struct model *model, const FWPM_PROVIDER0 *provider,
                               enum model_lifetime lifetime)
{
    uint32_t flags = provider->flags & ~(uint32_t)FWPM_PROVIDER_FLAG_DISABLED;

    if (lifetime == MODEL_PERSISTENT && !service_starts(model, provider))
        flags |= FWPM_PROVIDER_FLAG_DISABLED;
    return flags;
}

uint32_t provider_add(struct model_session *session, const FWPM_PROVIDER0 *provider,
                      const FWP_BYTE_BLOB *sd, const struct model_stored *restored,
                      struct object **added, struct model_error *error)
{
    FWPM_PROVIDER0 body = *provider;
    struct draft draft = {.kind = MODEL_PROVIDER,
                          .sd = sd,
                          .body = &body,
                          .body_size = sizeof(body),
                          .pack = pack_provider};
    struct draft_common common = {.key = &provider->providerKey,
                                  .display = &provider->displayData,
                                  .provider_data = &provider->providerData,
                                  .persistent = provider->flags & FWPM_PROVIDER_FLAG_PERSISTENT,
                                  .restored = restored};

    if (!restored && provider->flags & ~(uint32_t)FWPM_PROVIDER_FLAG_PERSISTENT)
        return fail(error, FWP_E_INVALID_FLAGS,
                    "A provider is added with flags 0 or FWPM_PROVIDER_FLAG_PERSISTENT, not %#x.",
                    provider->flags);
    if (restored)
        body.flags = restored_flags(session->model, provider, restored->lifetime);
    uint32_t rc = draft_start(session, &draft, &common, error);
    return rc == ERROR_SUCCESS ? draft_add(session, &draft, added, error) : rc;
}

uint32_t model_provider_add(struct model_session *session, const FWPM_PROVIDER0 *provider,
                            const FWP_BYTE_BLOB *sd, GUID *key, struct model_error *error)
{
    struct object *added = NULL;
    uint32_t rc = write_begin(session, error);

    if (rc != ERROR_SUCCESS)
        return rc;
    rc = provider_add(session, provider, sd, NULL, &added, error);
    return write_end_added(session, rc, added, key, NULL, error);
}
