/*
 * A callout driver that traps everything: one filter without conditions at each of the layers
 * CONNECT and RECV_ACCEPT, IPv4 and IPv6, shows it every new flow of the machine, and its own file
 * of rules decides. Beside trap_all.so lie
 *
 *     trap_all.rules      permit|block|ask  PROGRAM|*  [PORT]     the first that fits decides;
 *                                                                 none: permit
 *     trap_all.answers    permit|block  PROGRAM                   what an administrator answers to
 *                                                                 `ask`, at any time
 *
 * What has to be asked is pended; a worker looks for an answer, for half a minute, then blocks.
 * docs/drivers.md builds and loads it, and walks through it.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fwpsk.h>

#include <fwpmk.h>

#include "rules.h"

#define ASK_SECONDS 30

/* An operation that is pended. */
struct held {
    LIST_ENTRY link;
    HANDLE completion;
    char program[PATH_SIZE];
    time_t until;
    NET_BUFFER_LIST *packet; /* of an accept: the clone that lets it in */
};

static struct rules rules; /* read once */
static LIST_ENTRY asked;   /* struct held; this and `stopping` under the lock */
static bool stopping;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t thread;
static HANDLE engine, injector;

/* What the worker has found out: FwpsCompleteOperation0 runs the second classify on its thread. */
static _Thread_local enum verdict answer;

/* Of an incoming packet, from its IP header on; NULL of what is going out. */
static NET_BUFFER_LIST *clone_of(const FWPS_INCOMING_METADATA_VALUES *meta, NET_BUFFER_LIST *packet)
{
    NET_BUFFER_LIST *clone = NULL;
    UINT32 headers = meta->ipHeaderSize + meta->transportHeaderSize;

    if (!packet || meta->packetDirection != FWP_DIRECTION_INBOUND)
        return NULL;
    NdisRetreatNetBufferDataStart(NET_BUFFER_LIST_FIRST_NB(packet), headers, 0, NULL);
    FwpsAllocateCloneNetBufferList(packet, NULL, NULL, 0, &clone);
    NdisAdvanceNetBufferDataStart(NET_BUFFER_LIST_FIRST_NB(packet), headers, FALSE, NULL);
    return clone;
}

/* Pends the operation and hands it to the worker. False: it can't be pended. */
static bool hold(const FWPS_INCOMING_METADATA_VALUES *meta, NET_BUFFER_LIST *packet,
                 const char *program)
{
    struct held *held = calloc(1, sizeof(*held));

    if (!held || !NT_SUCCESS(FwpsPendOperation(meta->completionHandle, &held->completion))) {
        free(held);
        return false;
    }
    held->until = time(NULL) + ASK_SECONDS;
    strcpy(held->program, program);
    /* An accept is decided by its packet. A datagram that is being sent is left to the engine: it
     * goes out when the second classify permits. */
    held->packet = clone_of(meta, packet);
    pthread_mutex_lock(&lock);
    InsertTailList(&asked, &held->link);
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    return true;
}

static enum verdict decide(const FWPS_INCOMING_METADATA_VALUES *meta, NET_BUFFER_LIST *packet,
                           UINT32 flags, UINT16 port)
{
    char program[PATH_SIZE];
    enum verdict verdict;

    if (packet &&
        FwpsQueryPacketInjectionState(injector, packet, NULL) == FWPS_PACKET_INJECTED_BY_SELF)
        return PERMIT; /* an accept that the worker has let in */
    rules_program(meta, program);
    verdict = answer ? answer : rules_decide(&rules, program, port);
    /* What can't be pended is a flow that exists and is looked at again. */
    if (verdict == ASK && !hold(meta, packet, program))
        verdict = flags & FWP_CONDITION_FLAG_IS_REAUTHORIZE ? PERMIT : BLOCK;
    return verdict ? verdict : PERMIT;
}

static void NTAPI classify(const FWPS_INCOMING_VALUES *fixed,
                           const FWPS_INCOMING_METADATA_VALUES *meta, void *layerData,
                           const void *classifyContext, const FWPS_FILTER *filter,
                           UINT64 flowContext, FWPS_CLASSIFY_OUT *out)
{
    const FWPS_INCOMING_VALUE *value = fixed->incomingValue;
    bool connect = fixed->layerId == FWPS_LAYER_ALE_AUTH_CONNECT_V4 ||
                   fixed->layerId == FWPS_LAYER_ALE_AUTH_CONNECT_V6;
    /* These fields stand at the same places at the V4 and V6 layers. */
    unsigned flags =
        connect ? FWPS_FIELD_ALE_AUTH_CONNECT_V4_FLAGS : FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_FLAGS;
    unsigned port = connect ? FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_REMOTE_PORT
                            : FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_IP_LOCAL_PORT;
    enum verdict verdict;

    if (!(out->rights & FWPS_RIGHT_ACTION_WRITE))
        return; /* somebody heavier has decided */
    verdict = decide(meta, layerData, value[flags].value.uint32, value[port].value.uint16);
    out->actionType = verdict == PERMIT ? FWP_ACTION_PERMIT : FWP_ACTION_BLOCK;
    if (verdict != PERMIT || filter->flags & FWPS_FILTER_FLAG_CLEAR_ACTION_RIGHT)
        out->rights &= ~(UINT32)FWPS_RIGHT_ACTION_WRITE;
    if (verdict == ASK)
        out->flags |= FWPS_CLASSIFY_OUT_FLAG_ABSORB;
}

static void NTAPI on_injected(void *context, NET_BUFFER_LIST *clone, BOOLEAN dispatchLevel)
{
    FwpsFreeCloneNetBufferList(clone, 0);
}

static void complete(struct held *held, enum verdict verdict)
{
    bool admit = held->packet && verdict == PERMIT;

    answer = verdict;
    FwpsCompleteOperation(held->completion, admit ? held->packet : NULL); /* CONNECT: classify */
    answer = UNDECIDED;
    if (admit && NT_SUCCESS(FwpsInjectTransportReceiveAsync(injector, NULL, NULL, 0, AF_UNSPEC,
                                                            UNSPECIFIED_COMPARTMENT_ID, 0, 0,
                                                            held->packet, on_injected, NULL)))
        held->packet = NULL;
    /* An accept whose packet nobody has any more is refused. */
    if (held->packet)
        FwpsFreeCloneNetBufferList(held->packet, 0);
    free(held);
}

/* With the lock held: takes one out that is decided now. */
static struct held *take_decided(enum verdict *verdict)
{
    struct rules answers;

    rules_read(&answers, "trap_all.answers");
    for (LIST_ENTRY *link = asked.Flink; link != &asked; link = link->Flink) {
        struct held *held = CONTAINING_RECORD(link, struct held, link);

        *verdict = rules_decide(&answers, held->program, 0);
        if (stopping || (*verdict != PERMIT && time(NULL) >= held->until))
            *verdict = BLOCK;
        if (*verdict == PERMIT || *verdict == BLOCK) {
            RemoveEntryList(link);
            return held;
        }
    }
    return NULL;
}

static void *work(void *nothing)
{
    enum verdict verdict;
    struct held *held;

    pthread_mutex_lock(&lock);
    while ((held = take_decided(&verdict)) || !stopping) {
        struct timespec soon = {.tv_sec = time(NULL) + 1};

        if (!held) { /* until one comes, or an answer may have */
            pthread_cond_timedwait(&changed, &lock, &soon);
            continue;
        }
        pthread_mutex_unlock(&lock);
        complete(held, verdict);
        pthread_mutex_lock(&lock);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static const GUID *const layers[] = {
    &FWPM_LAYER_ALE_AUTH_CONNECT_V4, &FWPM_LAYER_ALE_AUTH_CONNECT_V6,
    &FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4, &FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V6};
static const GUID callouts[] = {{0x74726170, 0, 0, {0x61, 0x6c, 0x6c, 1}},
                                {0x74726170, 0, 0, {0x61, 0x6c, 0x6c, 2}},
                                {0x74726170, 0, 0, {0x61, 0x6c, 0x6c, 3}},
                                {0x74726170, 0, 0, {0x61, 0x6c, 0x6c, 4}}};

/* The code, the callout's object, and the filter that sends it everything. */
static NTSTATUS set_trap(const GUID *layer, const GUID *key)
{
    FWPM_DISPLAY_DATA name = {.name = (WCHAR *)L"trap_all"};
    FWPS_CALLOUT code = {.calloutKey = *key, .classifyFn = classify};
    FWPM_CALLOUT callout = {.calloutKey = *key, .displayData = name, .applicableLayer = *layer};
    FWPM_FILTER filter = {.displayData = name,
                          .layerKey = *layer,
                          .action = {.type = FWP_ACTION_CALLOUT_TERMINATING, .calloutKey = *key}};
    NTSTATUS status = FwpsCalloutRegister(NULL, &code, NULL);

    if (NT_SUCCESS(status))
        status = FwpmCalloutAdd(engine, &callout, NULL, NULL);
    return NT_SUCCESS(status) ? FwpmFilterAdd(engine, &filter, NULL, NULL) : status;
}

/* All four or none: filters and callouts come in one transaction, and go with the session. */
static NTSTATUS set_traps(void)
{
    FWPM_SESSION session = {.flags = FWPM_SESSION_FLAG_DYNAMIC};
    NTSTATUS status = FwpmEngineOpen(NULL, RPC_C_AUTHN_WINNT, NULL, &session, &engine);

    if (NT_SUCCESS(status))
        status = FwpmTransactionBegin(engine, 0);
    for (unsigned i = 0; NT_SUCCESS(status) && i < ARRAYSIZE(layers); i++)
        status = set_trap(layers[i], &callouts[i]);
    return NT_SUCCESS(status) ? FwpmTransactionCommit(engine) : status;
}

static void DriverUnload(PDRIVER_OBJECT driver)
{
    pthread_mutex_lock(&lock);
    stopping = true;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    FwpmEngineClose(engine); /* the filters go */
    for (unsigned i = 0; i < ARRAYSIZE(layers); i++)
        FwpsCalloutUnregisterByKey(&callouts[i]);
    FwpsInjectionHandleDestroy(injector);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registryPath)
{
    NTSTATUS status;

    if (!rules_find((const void *)DriverEntry))
        return STATUS_NO_SUCH_FILE;
    rules_read(&rules, "trap_all.rules");
    InitializeListHead(&asked);
    driver->DriverUnload = DriverUnload;
    if (pthread_create(&thread, NULL, work, NULL) != 0)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = FwpsInjectionHandleCreate(AF_UNSPEC, FWPS_INJECTION_TYPE_TRANSPORT, &injector);
    if (NT_SUCCESS(status))
        status = set_traps();
    if (!NT_SUCCESS(status))
        DriverUnload(driver);
    return status;
}
