#include "support.h"

/* ---- hooks ---- */

static int count_one(void *ctx, const struct model_view_filter *filter)
{
    ++*(size_t *)ctx;
    return 0;
}

static uint32_t apply(void *ctx, const struct model_view *after, struct model_error *error)
{
    struct world *w = ctx;

    w->applied++;
    w->in_force = 0;
    model_view_filters(after, FWPS_LAYER_ALE_AUTH_CONNECT_V4, count_one, &w->in_force);
    if (w->apply_answer != ERROR_SUCCESS) {
        error->code = w->apply_answer;
        strcpy(error->text, "the engine refuses");
    } else {
        shadow_follow(&w->shadow, after);
    }
    return w->apply_answer;
}

static void changed(void *ctx, struct model_session *subscriber, uint64_t subscription,
                    const struct model_change *changes, size_t count)
{
    struct world *w = ctx;

    for (size_t i = 0; i < count && w->told_count < 64; i++)
        w->told[w->told_count++] = (struct told){subscriber, subscription, changes[i]};
}

static void unlocked(void *ctx)
{
    ((struct world *)ctx)->unlocked++;
}

static bool service_starts(void *ctx, const FWPM_PROVIDER0 *provider)
{
    return !((struct world *)ctx)->service_idle;
}

static uint64_t now_ms(void *ctx)
{
    return ((struct world *)ctx)->now_ms;
}

int world_setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct model_hooks hooks = {.ctx = w,
                                .apply = apply,
                                .changed = changed,
                                .unlocked = unlocked,
                                .service_starts = service_starts,
                                .now_ms = now_ms};

    w->model = model_new(&hooks);
    assert_non_null(w->model);
    w->root = open_root(w, 0);
    *state = w;
    return 0;
}

int world_teardown(void **state)
{
    WORLD;
    model_free(w->model);
    free(w);
    return 0;
}

/* ---- sessions ---- */

static struct model_session *open_session(struct world *w, const struct model_caller *caller,
                                          uint32_t flags)
{
    FWPM_SESSION0 session = {.flags = flags};
    struct model_session *opened = NULL;

    assert_works(w, model_session_open(w->model, &session, caller, NULL, &opened, &w->error));
    return opened;
}

struct model_session *open_as(struct world *w, uint32_t uid, uint32_t flags)
{
    uint32_t groups[] = {uid + 1, 100};
    struct model_caller caller = {
        .uid = uid, .gid = uid, .groups = groups, .group_count = 2, .pid = 4000 + uid};

    return open_session(w, &caller, flags);
}

struct model_session *open_root(struct world *w, uint32_t flags)
{
    struct model_caller caller = {.pid = 1, .username = "root", .privileged = true};

    return open_session(w, &caller, flags);
}

/* ---- objects ---- */

GUID key_of(uint32_t n)
{
    return (GUID){n, 0x5afe, 0x4000, {0x80, 1, 2, 3, 4, 5, 6, 7}};
}

static FWPM_DISPLAY_DATA0 a_name(void)
{
    return (FWPM_DISPLAY_DATA0){.name = (WCHAR *)u"a test's", .description = (WCHAR *)u"for tests"};
}

FWPM_PROVIDER0 a_provider(uint32_t n)
{
    return (FWPM_PROVIDER0){.providerKey = key_of(n), .displayData = a_name()};
}

FWPM_SUBLAYER0 a_sublayer(uint32_t n, uint16_t weight)
{
    return (FWPM_SUBLAYER0){.subLayerKey = key_of(n), .displayData = a_name(), .weight = weight};
}

FWPM_CALLOUT0 a_callout(uint32_t n, const GUID *layer)
{
    return (FWPM_CALLOUT0){
        .calloutKey = key_of(n), .displayData = a_name(), .applicableLayer = *layer};
}

FWPM_PROVIDER_CONTEXT0 a_context(uint32_t n)
{
    static FWP_BYTE_BLOB data = {.size = 4, .data = (UINT8 *)"data"};

    return (FWPM_PROVIDER_CONTEXT0){.providerContextKey = key_of(n),
                                    .displayData = a_name(),
                                    .type = FWPM_GENERAL_CONTEXT,
                                    .dataBuffer = &data};
}

FWPM_FILTER0 a_filter(uint32_t n)
{
    return (FWPM_FILTER0){.filterKey = key_of(n),
                          .displayData = a_name(),
                          .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
                          .action = {.type = FWP_ACTION_BLOCK}};
}

uint32_t add_provider(struct model_session *session, uint32_t n, uint32_t flags)
{
    FWPM_PROVIDER0 provider = a_provider(n);

    provider.flags = flags;
    return model_provider_add(session, &provider, NULL, NULL, NULL);
}

uint32_t add_sublayer(struct model_session *session, uint32_t n, uint16_t weight)
{
    FWPM_SUBLAYER0 sublayer = a_sublayer(n, weight);

    return model_sublayer_add(session, &sublayer, NULL, NULL, NULL);
}

uint32_t add_callout(struct model_session *session, uint32_t n)
{
    FWPM_CALLOUT0 callout = a_callout(n, &FWPM_LAYER_ALE_AUTH_CONNECT_V4);

    return model_callout_add(session, &callout, NULL, NULL, NULL, NULL);
}

uint32_t add_filter(struct model_session *session, uint32_t n)
{
    FWPM_FILTER0 filter = a_filter(n);

    return model_filter_add(session, &filter, NULL, NULL, NULL, NULL);
}

bool sees(struct model_session *session, enum model_kind kind, uint32_t n)
{
    struct model_object object;
    GUID key = key_of(n);

    return model_get_by_key(session, kind, &key, &object, NULL) == ERROR_SUCCESS;
}

/* ---- values ---- */

FWPM_FILTER_CONDITION0 condition(const GUID *field, FWP_MATCH_TYPE match,
                                 FWP_CONDITION_VALUE0 value)
{
    return (FWPM_FILTER_CONDITION0){
        .fieldKey = *field, .matchType = match, .conditionValue = value};
}

FWP_CONDITION_VALUE0 u8(uint8_t value)
{
    return (FWP_CONDITION_VALUE0){.type = FWP_UINT8, .uint8 = value};
}

FWP_CONDITION_VALUE0 u16(uint16_t value)
{
    return (FWP_CONDITION_VALUE0){.type = FWP_UINT16, .uint16 = value};
}

FWP_CONDITION_VALUE0 u32(uint32_t value)
{
    return (FWP_CONDITION_VALUE0){.type = FWP_UINT32, .uint32 = value};
}

FWP_BYTE_BLOB sd_of(const char *sddl)
{
    FWP_BYTE_BLOB blob;
    const char *why = NULL;

    if (!sddl_parse(sddl, &blob, NULL, &why))
        fail_msg("%s: %s", sddl, why);
    return blob;
}
