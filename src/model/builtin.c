/* What is there before anyone adds anything (rule 30.1): sublayers, providers, a few callouts. */
#include "model_private.h"

#include <stdio.h>
#include <stdlib.h>

#include <openwfp.h>

#include "utf16.h"

static const struct model_stored builtin = {.lifetime = MODEL_BUILTIN,
                                            .creator = MODEL_BY_ADMINISTRATORS};

static bool make_display(const char *prefix, const struct builtin_info *info,
                         FWPM_DISPLAY_DATA0 *display)
{
    char name[128];

    snprintf(name, sizeof(name), "%s%s", prefix, info->name);
    *display = (FWPM_DISPLAY_DATA0){.name = utf16_from_utf8(name),
                                    .description = utf16_from_utf8(info->text)};
    return display->name && (!info->text || display->description);
}

static void free_display(FWPM_DISPLAY_DATA0 *display)
{
    free(display->name);
    free(display->description);
}

static bool add_sublayer(struct model_session *session, const struct builtin_info *info)
{
    struct object *added;
    FWPM_DISPLAY_DATA0 display;
    bool ok = make_display("FWPM_SUBLAYER_", info, &display);
    FWPM_SUBLAYER0 sublayer = {
        .subLayerKey = info->key, .displayData = display, .weight = info->weight};

    ok = ok && sublayer_add(session, &sublayer, NULL, &builtin, &added, NULL) == ERROR_SUCCESS;
    free_display(&display);
    return ok;
}

static bool add_provider(struct model_session *session, const struct builtin_info *info)
{
    struct object *added;
    FWPM_DISPLAY_DATA0 display;
    bool ok = make_display("FWPM_PROVIDER_", info, &display);
    FWPM_PROVIDER0 provider = {.providerKey = info->key, .displayData = display};

    ok = ok && provider_add(session, &provider, NULL, &builtin, &added, NULL) == ERROR_SUCCESS;
    free_display(&display);
    return ok;
}

/* Of Windows' callouts those that mean something on Linux; the others are names only. Ours. */
static const struct {
    const GUID *key, *layer;
} callout_layers[] = {
    {&FWPM_CALLOUT_WFP_TRANSPORT_LAYER_V4_SILENT_DROP, &FWPM_LAYER_INBOUND_TRANSPORT_V4_DISCARD},
    {&FWPM_CALLOUT_WFP_TRANSPORT_LAYER_V6_SILENT_DROP, &FWPM_LAYER_INBOUND_TRANSPORT_V6_DISCARD},
    {&FWPM_CALLOUT_SET_OPTIONS_AUTH_CONNECT_LAYER_V4, &FWPM_LAYER_ALE_AUTH_CONNECT_V4},
    {&FWPM_CALLOUT_SET_OPTIONS_AUTH_CONNECT_LAYER_V6, &FWPM_LAYER_ALE_AUTH_CONNECT_V6},
    {&FWPM_CALLOUT_SET_OPTIONS_AUTH_RECV_ACCEPT_LAYER_V4, &FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4},
    {&FWPM_CALLOUT_SET_OPTIONS_AUTH_RECV_ACCEPT_LAYER_V6, &FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V6},
    {&OPENWFP_CALLOUT_HOLD_CONNECT_V4, &FWPM_LAYER_ALE_AUTH_CONNECT_V4},
    {&OPENWFP_CALLOUT_HOLD_CONNECT_V6, &FWPM_LAYER_ALE_AUTH_CONNECT_V6},
    {&OPENWFP_CALLOUT_HOLD_ACCEPT_V4, &FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4},
    {&OPENWFP_CALLOUT_HOLD_ACCEPT_V6, &FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V6},
    {&OPENWFP_CALLOUT_HOLD_LISTEN_V4, &FWPM_LAYER_ALE_AUTH_LISTEN_V4},
    {&OPENWFP_CALLOUT_HOLD_LISTEN_V6, &FWPM_LAYER_ALE_AUTH_LISTEN_V6},
    {&OPENWFP_CALLOUT_HOLD_BIND_V4, &FWPM_LAYER_ALE_RESOURCE_ASSIGNMENT_V4},
    {&OPENWFP_CALLOUT_HOLD_BIND_V6, &FWPM_LAYER_ALE_RESOURCE_ASSIGNMENT_V6},
};

static bool add_callout(struct model_session *session, const char *prefix,
                        const struct builtin_info *info)
{
    size_t at = 0;

    while (at < ARRAY_SIZE(callout_layers) && !guid_equal(callout_layers[at].key, &info->key))
        at++;
    if (at == ARRAY_SIZE(callout_layers))
        return true;

    struct object *added;
    FWPM_DISPLAY_DATA0 display;
    bool ok = make_display(prefix, info, &display);
    FWPM_CALLOUT0 callout = {.calloutKey = info->key,
                             .displayData = display,
                             .applicableLayer = *callout_layers[at].layer};
    ok = ok && callout_add(session, &callout, NULL, &builtin, &added, NULL) == ERROR_SUCCESS;
    free_display(&display);
    return ok;
}

static bool add_all(struct model_session *session)
{
    bool ok = true;

    for (size_t i = 0; i < table_sublayers_count && ok; i++)
        ok = add_sublayer(session, &table_sublayers[i]);
    for (size_t i = 0; i < table_providers_count && ok; i++)
        ok = add_provider(session, &table_providers[i]);
    for (size_t i = 0; i < table_callouts_count && ok; i++)
        ok = add_callout(session, "FWPM_CALLOUT_", &table_callouts[i]);
    for (size_t i = 0; i < table_openwfp_callouts_count && ok; i++)
        ok = add_callout(session, "OPENWFP_CALLOUT_", &table_openwfp_callouts[i]);
    return ok;
}

/* The engine itself answers for them. */
static bool register_own(struct model *model)
{
    bool ok = true;

    for (size_t i = 0; i < table_openwfp_callouts_count && ok; i++)
        ok = model_callout_register(model, &table_openwfp_callouts[i].key, MODEL_CALLOUT_USER, NULL,
                                    NULL) == ERROR_SUCCESS;
    return ok;
}

bool model_add_builtins(struct model *model)
{
    struct model_caller caller = {.kernel = true};
    struct model_session *session;

    if (model_session_open(model, NULL, &caller, NULL, &session, NULL) != ERROR_SUCCESS)
        return false;
    bool ok = model_txn_begin(session, 0, NULL) == ERROR_SUCCESS && add_all(session) &&
              model_txn_commit(session, NULL) == ERROR_SUCCESS;
    model_session_close(session);
    return ok && register_own(model);
}
