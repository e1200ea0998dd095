/* Redirection: what a callout at CONNECT_REDIRECT may change, and what the engine is told of it. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "fwpkclnt/handle.h"

/* ---- redirect handles ---- */

EXPORT NTSTATUS NTAPI FwpsRedirectHandleCreate0(const GUID *providerGuid, UINT32 flags,
                                                HANDLE *redirectHandle)
{
    struct node *redirector;

    if (!providerGuid || !redirectHandle)
        return STATUS_FWP_NULL_POINTER;
    if (flags)
        return STATUS_INVALID_PARAMETER;
    redirector = calloc(1, sizeof(*redirector));
    if (!redirector)
        return STATUS_INSUFFICIENT_RESOURCES;
    runtime_lock();
    table_add(&runtime.redirectors, redirector, ++runtime.last_number);
    *redirectHandle = (HANDLE)(uintptr_t)redirector->number;
    runtime_unlock();
    return STATUS_SUCCESS;
}

EXPORT void NTAPI FwpsRedirectHandleDestroy0(HANDLE redirectHandle)
{
    struct node *redirector;

    runtime_lock();
    redirector = table_find(&runtime.redirectors, (uintptr_t)redirectHandle);
    if (redirector)
        table_remove(&runtime.redirectors, redirector);
    runtime_unlock();
    if (!redirector)
        runtime_log("FwpsRedirectHandleDestroy0: there is no redirect handle %p", redirectHandle);
    free(redirector);
}

static bool is_redirector(HANDLE redirectHandle)
{
    bool is;

    runtime_lock();
    is = table_find(&runtime.redirectors, (uintptr_t)redirectHandle);
    runtime_unlock();
    return is;
}

EXPORT FWPS_CONNECTION_REDIRECT_STATE NTAPI FwpsQueryConnectionRedirectState0(
    HANDLE redirectRecords, HANDLE redirectHandle, void **redirectContext)
{
    const struct classify *classify = classify_current;
    uint32_t flags;
    bool self, other;

    if (redirectContext)
        *redirectContext = NULL;
    if (!redirectRecords)
        return FWPS_CONNECTION_NOT_REDIRECTED;
    if (!classify || (uintptr_t)redirectRecords != classify->number) {
        runtime_log("FwpsQueryConnectionRedirectState0: %p is not of the classify that runs",
                    redirectRecords);
        return FWPS_CONNECTION_NOT_REDIRECTED;
    }
    flags = classify->message->flags;
    self = flags & DRIVER_REDIRECTED_BY_SELF && is_redirector(redirectHandle);
    other = flags & (DRIVER_REDIRECTED_BY_SELF | DRIVER_REDIRECTED_BY_OTHER);
    if (self)
        return flags & DRIVER_REDIRECTED_BY_OTHER ? FWPS_CONNECTION_PREVIOUSLY_REDIRECTED_BY_SELF
                                                  : FWPS_CONNECTION_REDIRECTED_BY_SELF;
    return other ? FWPS_CONNECTION_REDIRECTED_BY_OTHER : FWPS_CONNECTION_NOT_REDIRECTED;
}

/* ---- addresses ---- */

static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff};

/* An IPv6 socket may speak IPv4, to a mapped address. */
static bool is_v4(const uint8_t address[16])
{
    return !memcmp(address, mapped, 12);
}

void redirection_sockaddr(SOCKADDR_STORAGE *to, uint8_t family, const uint8_t address[16],
                          uint16_t port)
{
    SOCKADDR_IN *v4 = (SOCKADDR_IN *)to;
    SOCKADDR_IN6 *v6 = (SOCKADDR_IN6 *)to;

    memset(to, 0, sizeof(*to));
    if (family == 4) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, address + 12, sizeof(v4->sin_addr));
    } else {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        memcpy(&v6->sin6_addr, address, sizeof(v6->sin6_addr));
    }
}

static void read_sockaddr(const SOCKADDR_STORAGE *from, struct driver_redirect *to)
{
    const SOCKADDR_IN *v4 = (const SOCKADDR_IN *)from;
    const SOCKADDR_IN6 *v6 = (const SOCKADDR_IN6 *)from;

    if (from->ss_family == AF_INET) {
        memcpy(to->address, mapped, 12);
        memcpy(to->address + 12, &v4->sin_addr, 4);
        to->port = ntohs(v4->sin_port);
    } else {
        memcpy(to->address, &v6->sin6_addr, 16);
        to->port = ntohs(v6->sin6_port);
    }
}

/* ---- the request ---- */

void redirection_fill(struct redirection *redirection, const struct driver_classify *message)
{
    const struct ale_ask *ask = &message->ask;
    FWPS_CONNECT_REQUEST0 *asked = &redirection->asked, *shown = &redirection->shown;

    memset(redirection, 0, sizeof(*redirection));
    redirection_sockaddr(&asked->localAddressAndPort, ask->family, ask->local, ask->local_port);
    redirection_sockaddr(&asked->remoteAddressAndPort, ask->family, ask->key.remote, ask->key.port);
    *shown = *asked;
    redirection->now = message->redirect;
    if (message->redirect.redirected) {
        redirection_sockaddr(&shown->remoteAddressAndPort, ask->family, message->redirect.address,
                             message->redirect.port);
        shown->localRedirectTargetPID = message->redirect.target_pid;
        shown->modifierFilterId = message->redirect.filter_id;
        shown->previousVersion = asked;
    } else {
        memcpy(redirection->now.address, ask->key.remote, sizeof(redirection->now.address));
        redirection->now.port = ask->key.port;
    }
    redirection->request = *shown;
}

void redirection_free(struct redirection *redirection)
{
    if (redirection)
        free(redirection->context);
    free(redirection);
}

void redirection_decide(const struct handle *handle, uint32_t *action,
                        struct driver_redirect *redirect)
{
    const struct redirection *redirection = handle ? handle->redirection : NULL;

    if (!redirection || *action != FWP_ACTION_PERMIT)
        return;
    if (redirection->refused)
        *action = FWP_ACTION_BLOCK;
    else
        *redirect = redirection->redirect;
}

/* With the lock held: of a classify that runs on this thread, or is pended. */
static struct handle *find_open(uint64_t number)
{
    struct handle *handle = handle_find(number);
    bool here = classify_current && classify_current->handle == number;

    return handle && (here || handle->pend) ? handle : NULL;
}

static NTSTATUS acquire(struct handle *handle, UINT64 filter, PVOID *data)
{
    if (!handle || handle->filter != filter)
        return STATUS_INVALID_PARAMETER;
    if (!handle->redirection)
        return STATUS_NOT_SUPPORTED;
    if (!handle->writable)
        return STATUS_ACCESS_DENIED;
    handle->redirection->acquired = true;
    *data = &handle->redirection->request;
    return STATUS_SUCCESS;
}

EXPORT NTSTATUS NTAPI FwpsAcquireWritableLayerDataPointer0(UINT64 classifyHandle, UINT64 filterId,
                                                           UINT32 flags, PVOID *writableLayerData,
                                                           FWPS_CLASSIFY_OUT0 *classifyOut)
{
    NTSTATUS status;

    if (!writableLayerData || !classifyOut)
        return STATUS_FWP_NULL_POINTER;
    *writableLayerData = NULL;
    if (flags)
        return STATUS_INVALID_PARAMETER;
    runtime_lock();
    status = acquire(find_open(classifyHandle), filterId, writableLayerData);
    runtime_unlock();
    if (!NT_SUCCESS(status))
        return status;
    classifyOut->actionType = FWP_ACTION_BLOCK;
    classifyOut->rights &= ~(UINT32)FWPS_RIGHT_ACTION_WRITE;
    return STATUS_SUCCESS;
}

/* With the lock held. NULL, or what is wrong with it. */
static const char *complain(const struct redirection *redirection,
                            const struct driver_redirect *redirect)
{
    static const uint8_t nowhere[16];
    const FWPS_CONNECT_REQUEST0 *asked = &redirection->asked, *request = &redirection->request;

    if (request->remoteAddressAndPort.ss_family != asked->remoteAddressAndPort.ss_family ||
        is_v4(redirect->address) != is_v4(redirection->now.address))
        return "the peer is of another family than the one asked for";
    if (!memcmp(redirect->address, is_v4(redirect->address) ? mapped : nowhere, 16) ||
        !redirect->port)
        return "the peer has no address or no port";
    if (memcmp(&request->localAddressAndPort, &asked->localAddressAndPort,
               sizeof(request->localAddressAndPort)))
        return "a connect's own address can't be changed";
    if (redirect->target_pid && redirect->target_pid != redirection->now.target_pid &&
        !table_find(&runtime.redirectors, (uintptr_t)request->localRedirectHandle))
        return "localRedirectTargetPID needs a localRedirectHandle";
    return NULL;
}

static bool same(const struct driver_redirect *a, const struct driver_redirect *b)
{
    return !memcmp(a->address, b->address, sizeof(a->address)) && a->port == b->port &&
           a->target_pid == b->target_pid;
}

/* With the lock held. NULL, or what is wrong with it. */
static const char *apply(struct redirection *redirection)
{
    const FWPS_CONNECT_REQUEST0 *request = &redirection->request;
    struct driver_redirect redirect = {.target_pid = request->localRedirectTargetPID};
    const char *wrong;

    read_sockaddr(&request->remoteAddressAndPort, &redirect);
    wrong = complain(redirection, &redirect);
    redirect.redirected = !wrong && !same(&redirect, &redirection->now);
    redirection->refused = wrong;
    redirection->redirect = redirect.redirected ? redirect : (struct driver_redirect){0};
    return wrong;
}

/* The context is the engine's from now on; the last one, should it be applied again. */
static void take_context(struct redirection *redirection)
{
    void *context = redirection->request.localRedirectContext;

    if (context != redirection->context)
        free(redirection->context);
    redirection->context = context;
}

EXPORT void NTAPI FwpsApplyModifiedLayerData0(UINT64 classifyHandle, PVOID modifiedLayerData,
                                              UINT32 flags)
{
    const char *wrong = "this is no pointer to the layer data of a classify that runs or is pended";
    struct redirection *redirection;
    struct handle *handle;

    runtime_lock();
    handle = find_open(classifyHandle);
    redirection = handle ? handle->redirection : NULL;
    if (redirection && redirection->acquired && modifiedLayerData == &redirection->request) {
        take_context(redirection);
        wrong = apply(redirection);
    }
    runtime_unlock();
    if (wrong)
        runtime_log("FwpsApplyModifiedLayerData0: %s; nothing is redirected", wrong);
    if (flags)
        runtime_log("FwpsApplyModifiedLayerData0: flags %#x are ignored: a callout is not asked "
                    "again when others change what it has changed",
                    flags);
}
