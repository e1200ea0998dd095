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
 *
 *     gcc -D_GNU_SOURCE -shared -fPIC -o trap_all.so trap_all.c rules.c \
 *         $(pkg-config --cflags --libs fwpkclnt)
 *     wfp driver load trap_all /usr/lib/openwfp/trap_all.so
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
    NET_BUFFER_LIST *packet; /* of an accept */
    UINT32 headers;          /* in front of its data */
};

static struct rules rules; /* read once */
static LIST_ENTRY asked;   /* struct held; this and `stopping` under the lock */
static bool stopping;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t worker_thread;
static HANDLE engine, injector;

/* What the worker has found out: FwpsCompleteOperation0 runs the second classify on its thread. */
static _Thread_local enum verdict answer;

/* ---- the classify function, of all four layers ---- */

/* This example knows ASCII only. */
static void get_program(const FWPS_INCOMING_METADATA_VALUES *meta, char *program)
{
    const FWP_BYTE_BLOB *path = meta->processPath;

    program[0] = program[PATH_SIZE - 1] = '\0';
    if (!FWPS_IS_METADATA_FIELD_PRESENT(meta, FWPS_METADATA_FIELD_PROCESS_PATH))
        return;
    for (unsigned i = 0; i < PATH_SIZE - 1 && i < path->size / sizeof(WCHAR); i++) {
        WCHAR unit = ((const WCHAR *)path->data)[i];

        program[i] = unit < 128 ? (char)unit : '?';
    }
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
    /* The packet of an accept decides it, so it is kept. A datagram that is being sent is left to
     * the engine: it goes out when the second classify permits. */
    if (packet && meta->packetDirection == FWP_DIRECTION_INBOUND) {
        held->packet = packet;
        held->headers = meta->ipHeaderSize + meta->transportHeaderSize;
        FwpsReferenceNetBufferList(packet, TRUE);
    }
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
    get_program(meta, program);
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

/* ---- the worker ---- */

static void NTAPI on_injected(void *context, NET_BUFFER_LIST *clone, BOOLEAN dispatchLevel)
{
    FwpsFreeCloneNetBufferList(clone, 0);
}

/* Lets a pended accept in: a clone of its packet goes on, from the IP header. */
static void admit(const struct held *held)
{
    NET_BUFFER *buffer = NET_BUFFER_LIST_FIRST_NB(held->packet);
    NET_BUFFER_LIST *clone = NULL;

    NdisRetreatNetBufferDataStart(buffer, held->headers, 0, NULL);
    FwpsAllocateCloneNetBufferList(held->packet, NULL, NULL, 0, &clone);
    NdisAdvanceNetBufferDataStart(buffer, held->headers, FALSE, NULL);
    FwpsCompleteOperation(held->completion, clone);
    if (clone && !NT_SUCCESS(FwpsInjectTransportReceiveAsync(injector, NULL, NULL, 0, AF_UNSPEC,
                                                             UNSPECIFIED_COMPARTMENT_ID, 0, 0,
                                                             clone, on_injected, NULL)))
        FwpsFreeCloneNetBufferList(clone, 0);
}

static void complete(struct held *held, enum verdict verdict)
{
    answer = verdict;
    if (held->packet && verdict == PERMIT)
        admit(held);
    else
        FwpsCompleteOperation(held->completion, NULL); /* at CONNECT: runs classify */
    answer = UNDECIDED;
    /* An accept whose packet nobody has any more is refused. */
    if (held->packet)
        FwpsDereferenceNetBufferList(held->packet, FALSE);
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

static void *worker(void *nothing)
{
    pthread_mutex_lock(&lock);
    while (!stopping || !IsListEmpty(&asked)) {
        struct timespec soon = {.tv_sec = time(NULL) + 1};
        enum verdict verdict;
        struct held *held = take_decided(&verdict);

        if (held) {
            pthread_mutex_unlock(&lock);
            complete(held, verdict);
            pthread_mutex_lock(&lock);
        } else if (IsListEmpty(&asked)) {
            pthread_cond_wait(&changed, &lock);
        } else {
            pthread_cond_timedwait(&changed, &lock, &soon);
        }
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* ---- loading and unloading ---- */

static const struct {
    const GUID *layer;
    GUID callout;
    const WCHAR *name;
} traps[] = {
    {&FWPM_LAYER_ALE_AUTH_CONNECT_V4, {0x7a9e0001, 1, 1, {0x74, 0x72, 0x61, 0x70}}, L"connect v4"},
    {&FWPM_LAYER_ALE_AUTH_CONNECT_V6, {0x7a9e0002, 1, 1, {0x74, 0x72, 0x61, 0x70}}, L"connect v6"},
    {&FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4,
     {0x7a9e0003, 1, 1, {0x74, 0x72, 0x61, 0x70}},
     L"accept v4"},
    {&FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V6,
     {0x7a9e0004, 1, 1, {0x74, 0x72, 0x61, 0x70}},
     L"accept v6"},
};

/* The code, the callout's object, and the filter that sends it everything. */
static NTSTATUS set_trap(unsigned i)
{
    FWPS_CALLOUT code = {.calloutKey = traps[i].callout, .classifyFn = classify};
    FWPM_CALLOUT callout = {.calloutKey = traps[i].callout,
                            .displayData = {.name = (WCHAR *)traps[i].name},
                            .applicableLayer = *traps[i].layer};
    FWPM_FILTER filter = {.displayData = {.name = (WCHAR *)traps[i].name},
                          .layerKey = *traps[i].layer,
                          .action = {.type = FWP_ACTION_CALLOUT_TERMINATING}};
    NTSTATUS status;

    filter.action.calloutKey = traps[i].callout;
    status = FwpsCalloutRegister(NULL, &code, NULL);
    if (NT_SUCCESS(status))
        status = FwpmCalloutAdd(engine, &callout, NULL, NULL);
    if (NT_SUCCESS(status))
        status = FwpmFilterAdd(engine, &filter, NULL, NULL);
    return status;
}

/* All four or none: filters and callouts come in one transaction, and go with the session. */
static NTSTATUS set_traps(void)
{
    FWPM_SESSION session = {.displayData = {.name = (WCHAR *)L"trap_all"},
                            .flags = FWPM_SESSION_FLAG_DYNAMIC};
    NTSTATUS status = FwpmEngineOpen(NULL, RPC_C_AUTHN_WINNT, NULL, &session, &engine);

    if (NT_SUCCESS(status))
        status = FwpmTransactionBegin(engine, 0);
    for (unsigned i = 0; NT_SUCCESS(status) && i < ARRAYSIZE(traps); i++)
        status = set_trap(i);
    return NT_SUCCESS(status) ? FwpmTransactionCommit(engine) : status;
}

static void clear_traps(void)
{
    FwpmEngineClose(engine);
    for (unsigned i = 0; i < ARRAYSIZE(traps); i++)
        FwpsCalloutUnregisterByKey(&traps[i].callout);
    FwpsInjectionHandleDestroy(injector);
}

static void DriverUnload(PDRIVER_OBJECT driver)
{
    pthread_mutex_lock(&lock);
    stopping = true;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(worker_thread, NULL);
    clear_traps();
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registryPath)
{
    NTSTATUS status;

    if (!rules_find((const void *)DriverEntry))
        return STATUS_NO_SUCH_FILE;
    rules_read(&rules, "trap_all.rules");
    InitializeListHead(&asked);
    status = FwpsInjectionHandleCreate(AF_UNSPEC, FWPS_INJECTION_TYPE_TRANSPORT, &injector);
    if (!NT_SUCCESS(status))
        return status;
    if (pthread_create(&worker_thread, NULL, worker, NULL) != 0) {
        FwpsInjectionHandleDestroy(injector);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    driver->DriverUnload = DriverUnload;
    status = set_traps();
    if (!NT_SUCCESS(status))
        DriverUnload(driver);
    return status;
}
