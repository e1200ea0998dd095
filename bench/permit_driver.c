/* A callout driver that permits every TCP connect to port 7777, which is the load generator's. */
#include <string.h>

#include <fwpsk.h>

#include <fwpmk.h>

#define PORT 7777

static const GUID callout_key = {0x7a9e0101, 1, 1, {'b', 'e', 'n', 'c', 'h'}};

static HANDLE engine;

static void NTAPI classify(const FWPS_INCOMING_VALUES *fixed,
                           const FWPS_INCOMING_METADATA_VALUES *meta, void *layerData,
                           const void *classifyContext, const FWPS_FILTER *filter,
                           UINT64 flowContext, FWPS_CLASSIFY_OUT *out)
{
    out->actionType = FWP_ACTION_PERMIT;
}

static NTSTATUS add_filter(void)
{
    FWPM_FILTER_CONDITION condition = {
        .fieldKey = FWPM_CONDITION_IP_REMOTE_PORT,
        .matchType = FWP_MATCH_EQUAL,
        .conditionValue = {.type = FWP_UINT16, .uint16 = PORT},
    };
    FWPM_FILTER filter = {
        .displayData = {.name = (WCHAR *)L"bench"},
        .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
        .action = {.type = FWP_ACTION_CALLOUT_TERMINATING},
        .numFilterConditions = 1,
        .filterCondition = &condition,
    };

    filter.action.calloutKey = callout_key;
    return FwpmFilterAdd(engine, &filter, NULL, NULL);
}

static void NTAPI unload(DRIVER_OBJECT *driver)
{
    FwpmEngineClose(engine);
    FwpsCalloutUnregisterByKey(&callout_key);
}

NTSTATUS DriverEntry(DRIVER_OBJECT *driver, UNICODE_STRING *registryPath)
{
    FWPM_SESSION session = {.displayData = {.name = (WCHAR *)L"bench"},
                            .flags = FWPM_SESSION_FLAG_DYNAMIC};
    FWPS_CALLOUT code = {.calloutKey = callout_key, .classifyFn = classify};
    FWPM_CALLOUT callout = {.calloutKey = callout_key,
                            .displayData = {.name = (WCHAR *)L"bench"},
                            .applicableLayer = FWPM_LAYER_ALE_AUTH_CONNECT_V4};
    NTSTATUS status = FwpsCalloutRegister(NULL, &code, NULL);

    driver->DriverUnload = unload;
    if (NT_SUCCESS(status))
        status = FwpmEngineOpen(NULL, RPC_C_AUTHN_WINNT, NULL, &session, &engine);
    if (NT_SUCCESS(status))
        status = FwpmCalloutAdd(engine, &callout, NULL, NULL);
    return NT_SUCCESS(status) ? add_filter() : status;
}
