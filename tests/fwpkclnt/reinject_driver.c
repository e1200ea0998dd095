/*
 * A driver that takes first datagrams and injects clones of them, each in the order that its port
 * stands for (S9). In both orders nothing may leave before the second classify has permitted.
 *
 *     5001  early: injected, then completed        5002  late: completed, then injected
 *     5003  early, and the second classify blocks
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <fwpsk.h>

#include <fwpmk.h>

enum { EARLY = 5001, LATE, EARLY_BLOCKED };

struct taken {
    HANDLE completion;
    NET_BUFFER_LIST *packet;
    UINT16 port;
};

static HANDLE engine, injector;
static _Thread_local bool completing;

static void NTAPI on_injected(void *context, NET_BUFFER_LIST *clone, BOOLEAN dispatchLevel)
{
    FwpsFreeCloneNetBufferList(clone, 0);
}

static void inject(const struct taken *taken)
{
    NET_BUFFER_LIST *clone;

    if (NT_SUCCESS(FwpsAllocateCloneNetBufferList(taken->packet, NULL, NULL, 0, &clone)) &&
        !NT_SUCCESS(FwpsInjectTransportSendAsync(injector, NULL, 0, 0, NULL, AF_UNSPEC,
                                                 UNSPECIFIED_COMPARTMENT_ID, clone, on_injected,
                                                 NULL)))
        FwpsFreeCloneNetBufferList(clone, 0);
}

static void *work(void *argument)
{
    struct taken *taken = argument;
    const useconds_t between = 200000; /* time for what must not happen */

    if (taken->port != LATE)
        inject(taken);
    usleep(between);
    completing = true;
    FwpsCompleteOperation(taken->completion, NULL);
    completing = false;
    usleep(between);
    if (taken->port == LATE)
        inject(taken);
    FwpsDereferenceNetBufferList(taken->packet, FALSE);
    free(taken);
    return NULL;
}

/* False: it can't be taken. */
static bool take(const FWPS_INCOMING_METADATA_VALUES *meta, NET_BUFFER_LIST *packet, UINT16 port)
{
    struct taken *taken = calloc(1, sizeof(*taken));
    pthread_t thread;

    if (!taken || !NT_SUCCESS(FwpsPendOperation(meta->completionHandle, &taken->completion))) {
        free(taken);
        return false;
    }
    taken->packet = packet;
    taken->port = port;
    FwpsReferenceNetBufferList(packet, TRUE);
    if (pthread_create(&thread, NULL, work, taken) == 0)
        pthread_detach(thread);
    return true;
}

static void NTAPI classify(const FWPS_INCOMING_VALUES *fixed,
                           const FWPS_INCOMING_METADATA_VALUES *meta, void *layerData,
                           const void *classifyContext, const FWPS_FILTER *filter,
                           UINT64 flowContext, FWPS_CLASSIFY_OUT *out)
{
    UINT16 port = fixed->incomingValue[FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_REMOTE_PORT].value.uint16;
    bool ours = port >= EARLY && port <= EARLY_BLOCKED;

    out->actionType = FWP_ACTION_PERMIT;
    if (ours && !layerData && !completing)
        fprintf(stderr, "asked before there was a packet\n");
    else if (ours && (completing ? port == EARLY_BLOCKED : take(meta, layerData, port))) {
        out->actionType = FWP_ACTION_BLOCK;
        out->rights &= ~(UINT32)FWPS_RIGHT_ACTION_WRITE;
        out->flags |= completing ? 0 : FWPS_CLASSIFY_OUT_FLAG_ABSORB;
    }
}

static const struct {
    const GUID *layer;
    GUID callout;
} places[] = {
    {&FWPM_LAYER_ALE_AUTH_CONNECT_V4, {0x5e190001, 1, 1, {1}}},
    {&FWPM_LAYER_ALE_AUTH_CONNECT_V6, {0x5e190002, 1, 1, {1}}},
};

static NTSTATUS add(unsigned i)
{
    FWPS_CALLOUT code = {.calloutKey = places[i].callout, .classifyFn = classify};
    FWPM_CALLOUT callout = {.calloutKey = places[i].callout,
                            .displayData = {.name = (WCHAR *)L"reinject"},
                            .applicableLayer = *places[i].layer};
    FWPM_FILTER filter = {.displayData = {.name = (WCHAR *)L"reinject"},
                          .layerKey = *places[i].layer,
                          .action = {.type = FWP_ACTION_CALLOUT_TERMINATING}};
    NTSTATUS status = FwpsCalloutRegister(NULL, &code, NULL);

    filter.action.calloutKey = places[i].callout;
    if (NT_SUCCESS(status))
        status = FwpmCalloutAdd(engine, &callout, NULL, NULL);
    if (NT_SUCCESS(status))
        status = FwpmFilterAdd(engine, &filter, NULL, NULL);
    return status;
}

static void DriverUnload(PDRIVER_OBJECT driver)
{
    FwpmEngineClose(engine);
    for (unsigned i = 0; i < ARRAYSIZE(places); i++)
        FwpsCalloutUnregisterByKey(&places[i].callout);
    FwpsInjectionHandleDestroy(injector);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registryPath)
{
    FWPM_SESSION session = {.displayData = {.name = (WCHAR *)L"reinject"},
                            .flags = FWPM_SESSION_FLAG_DYNAMIC};
    NTSTATUS status =
        FwpsInjectionHandleCreate(AF_UNSPEC, FWPS_INJECTION_TYPE_TRANSPORT, &injector);

    driver->DriverUnload = DriverUnload;
    if (NT_SUCCESS(status))
        status = FwpmEngineOpen(NULL, RPC_C_AUTHN_WINNT, NULL, &session, &engine);
    for (unsigned i = 0; NT_SUCCESS(status) && i < ARRAYSIZE(places); i++)
        status = add(i);
    return status;
}
