/*
 * A callout driver that leads every TCP connect and datagram to port 80 to a proxy on this machine.
 * The proxy says where it is in the file to_proxy.proxy beside to_proxy.so:
 *
 *     PORT PID        of the proxy, which listens at 127.0.0.1 and ::1
 *
 * Until the file is there connects wait, for half a minute, then they are blocked. The proxy's own
 * connects are let through. It learns the peer that was asked for with SO_ORIGINAL_DST.
 *
 *     gcc -D_GNU_SOURCE -shared -fPIC -o to_proxy.so to_proxy.c \
 *         $(pkg-config --cflags --libs fwpkclnt)
 */
#include <dlfcn.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <fwpsk.h>

#include <fwpmk.h>

#define PORT         80
#define WAIT_SECONDS 30

struct proxy {
    unsigned port, pid;
};

/* A classify that waits for the proxy. */
struct held {
    LIST_ENTRY link;
    UINT64 handle, filter;
    FWPS_CLASSIFY_OUT out;
    time_t until;
};

static char proxy_path[512];
static LIST_ENTRY waiting; /* struct held; this and `stopping` under the lock */
static bool stopping;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t worker_thread;
static HANDLE engine, redirector;

/* ---- the proxy ---- */

static bool find_path(void)
{
    char directory[256] = "";
    Dl_info self;
    char *end;

    if (!dladdr((const void *)find_path, &self))
        return false;
    /* The engine has opened the file and loads it as /proc/self/fd/5. */
    if (readlink(self.dli_fname, directory, sizeof(directory) - 1) < 0)
        snprintf(directory, sizeof(directory), "%s", self.dli_fname);
    end = strrchr(directory, '/');
    if (!end)
        return false;
    *end = '\0';
    snprintf(proxy_path, sizeof(proxy_path), "%s/to_proxy.proxy", directory);
    return true;
}

static bool read_proxy(struct proxy *proxy)
{
    FILE *file = fopen(proxy_path, "re");
    bool read;

    if (!file)
        return false;
    read = fscanf(file, "%u %u", &proxy->port, &proxy->pid) == 2 && proxy->port && proxy->pid;
    fclose(file);
    return read;
}

/* ---- leading a connect there ---- */

/* An IPv6 socket that speaks IPv4 goes on doing so. */
static void set_peer(SOCKADDR_STORAGE *peer, unsigned port)
{
    SOCKADDR_IN *v4 = (SOCKADDR_IN *)peer;
    SOCKADDR_IN6 *v6 = (SOCKADDR_IN6 *)peer;

    if (peer->ss_family == AF_INET) {
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        v4->sin_port = htons((uint16_t)port);
        return;
    }
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        v6->sin6_addr.s6_addr32[3] = htonl(INADDR_LOOPBACK);
    else
        v6->sin6_addr = in6addr_loopback;
    v6->sin6_port = htons((uint16_t)port);
}

/* In the classify, or while it is pended. Blocks when it can't be done. */
static void lead(UINT64 handle, UINT64 filter, const struct proxy *proxy, FWPS_CLASSIFY_OUT *out)
{
    FWPS_CONNECT_REQUEST *request;

    out->actionType = FWP_ACTION_BLOCK;
    if (!NT_SUCCESS(FwpsAcquireWritableLayerDataPointer(handle, filter, 0, (PVOID *)&request, out)))
        return;
    set_peer(&request->remoteAddressAndPort, proxy->port);
    request->localRedirectTargetPID = proxy->pid;
    request->localRedirectHandle = redirector;
    FwpsApplyModifiedLayerData(handle, request, 0);
    out->actionType = FWP_ACTION_PERMIT;
}

/* False: it can't be pended. */
static bool hold(UINT64 handle, UINT64 filter, FWPS_CLASSIFY_OUT *out)
{
    struct held *held = calloc(1, sizeof(*held));

    if (!held || !NT_SUCCESS(FwpsPendClassify(handle, filter, 0, out))) {
        free(held);
        return false;
    }
    *held = (struct held){
        .handle = handle, .filter = filter, .out = *out, .until = time(NULL) + WAIT_SECONDS};
    pthread_mutex_lock(&lock);
    InsertTailList(&waiting, &held->link);
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    return true;
}

static void NTAPI classify(const FWPS_INCOMING_VALUES *fixed,
                           const FWPS_INCOMING_METADATA_VALUES *meta, void *layerData,
                           const void *classifyContext, const FWPS_FILTER *filter,
                           UINT64 flowContext, FWPS_CLASSIFY_OUT *out)
{
    struct proxy proxy;
    UINT64 handle;

    if (!(out->rights & FWPS_RIGHT_ACTION_WRITE))
        return; /* somebody heavier has decided */
    out->actionType = FWP_ACTION_PERMIT;
    if (FwpsQueryConnectionRedirectState(meta->redirectRecords, redirector, NULL) !=
        FWPS_CONNECTION_NOT_REDIRECTED)
        return; /* the proxy's own: not round in circles */
    out->actionType = FWP_ACTION_BLOCK;
    if (!NT_SUCCESS(FwpsAcquireClassifyHandle((void *)classifyContext, 0, &handle)))
        return;
    if (read_proxy(&proxy))
        lead(handle, filter->filterId, &proxy, out);
    else if (hold(handle, filter->filterId, out))
        return; /* the handle is the worker's */
    FwpsReleaseClassifyHandle(handle);
}

/* ---- the worker: what waits goes on when the proxy is there ---- */

static void complete(struct held *held, const struct proxy *proxy)
{
    held->out.actionType = FWP_ACTION_BLOCK;
    if (proxy->port)
        lead(held->handle, held->filter, proxy, &held->out);
    FwpsCompleteClassify(held->handle, 0, &held->out);
    FwpsReleaseClassifyHandle(held->handle);
    free(held);
}

/* With the lock held: the first whose waiting is over; the longest wait first. */
static struct held *take(struct proxy *proxy)
{
    struct held *held = CONTAINING_RECORD(waiting.Flink, struct held, link);

    if (IsListEmpty(&waiting))
        return NULL;
    *proxy = (struct proxy){0};
    if (!read_proxy(proxy) && !stopping && time(NULL) < held->until)
        return NULL;
    RemoveEntryList(&held->link);
    return held;
}

static void *worker(void *nothing)
{
    pthread_mutex_lock(&lock);
    while (!stopping || !IsListEmpty(&waiting)) {
        struct timespec soon = {.tv_sec = time(NULL) + 1};
        struct proxy proxy;
        struct held *held = take(&proxy);

        if (held) {
            pthread_mutex_unlock(&lock);
            complete(held, &proxy);
            pthread_mutex_lock(&lock);
        } else if (IsListEmpty(&waiting)) {
            pthread_cond_wait(&changed, &lock);
        } else {
            pthread_cond_timedwait(&changed, &lock, &soon);
        }
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* ---- loading and unloading ---- */

static const GUID provider = {0x70f00000, 1, 1, {0x70, 0x72, 0x6f, 0x78}};

static const struct {
    const GUID *layer;
    GUID callout;
} places[] = {
    {&FWPM_LAYER_ALE_CONNECT_REDIRECT_V4, {0x70f00001, 1, 1, {0x70, 0x72, 0x6f, 0x78}}},
    {&FWPM_LAYER_ALE_CONNECT_REDIRECT_V6, {0x70f00002, 1, 1, {0x70, 0x72, 0x6f, 0x78}}},
};

static NTSTATUS add(unsigned i)
{
    FWPS_CALLOUT code = {.calloutKey = places[i].callout, .classifyFn = classify};
    FWPM_CALLOUT callout = {.calloutKey = places[i].callout,
                            .displayData = {.name = (WCHAR *)L"to the proxy"},
                            .applicableLayer = *places[i].layer};
    FWPM_FILTER_CONDITION port = {
        .fieldKey = FWPM_CONDITION_IP_REMOTE_PORT,
        .matchType = FWP_MATCH_EQUAL,
        .conditionValue = {.type = FWP_UINT16, .uint16 = PORT},
    };
    FWPM_FILTER filter = {.displayData = {.name = (WCHAR *)L"to the proxy"},
                          .layerKey = *places[i].layer,
                          .action = {.type = FWP_ACTION_CALLOUT_TERMINATING},
                          .numFilterConditions = 1,
                          .filterCondition = &port};
    NTSTATUS status;

    filter.action.calloutKey = places[i].callout;
    status = FwpsCalloutRegister(NULL, &code, NULL);
    if (NT_SUCCESS(status))
        status = FwpmCalloutAdd(engine, &callout, NULL, NULL);
    if (NT_SUCCESS(status))
        status = FwpmFilterAdd(engine, &filter, NULL, NULL);
    return status;
}

static NTSTATUS add_all(void)
{
    FWPM_SESSION session = {.displayData = {.name = (WCHAR *)L"to_proxy"},
                            .flags = FWPM_SESSION_FLAG_DYNAMIC};
    NTSTATUS status = FwpmEngineOpen(NULL, RPC_C_AUTHN_WINNT, NULL, &session, &engine);

    if (NT_SUCCESS(status))
        status = FwpmTransactionBegin(engine, 0);
    for (unsigned i = 0; NT_SUCCESS(status) && i < ARRAYSIZE(places); i++)
        status = add(i);
    return NT_SUCCESS(status) ? FwpmTransactionCommit(engine) : status;
}

static void DriverUnload(PDRIVER_OBJECT driver)
{
    pthread_mutex_lock(&lock);
    stopping = true;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(worker_thread, NULL);
    FwpmEngineClose(engine);
    for (unsigned i = 0; i < ARRAYSIZE(places); i++)
        FwpsCalloutUnregisterByKey(&places[i].callout);
    FwpsRedirectHandleDestroy(redirector);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registryPath)
{
    NTSTATUS status;

    if (!find_path())
        return STATUS_NO_SUCH_FILE;
    InitializeListHead(&waiting);
    status = FwpsRedirectHandleCreate(&provider, 0, &redirector);
    if (!NT_SUCCESS(status))
        return status;
    if (pthread_create(&worker_thread, NULL, worker, NULL) != 0) {
        FwpsRedirectHandleDestroy(redirector);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    driver->DriverUnload = DriverUnload;
    status = add_all();
    if (!NT_SUCCESS(status))
        DriverUnload(driver);
    return status;
}
