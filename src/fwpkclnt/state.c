/* The state of the base filtering engine, and who wants to know of its changes. */
#include <stdlib.h>

#include <fwpmk.h>

#include "fwpkclnt/management.h"
#include "fwpkclnt/runtime.h"

struct state_subscription {
    struct state_subscription *next;
    FWPM_SERVICE_STATE_CHANGE_CALLBACK0 callback;
    void *context;
    bool running;
    FWPM_SERVICE_STATE told;
};

EXPORT FWPM_SERVICE_STATE NTAPI FwpmBfeStateGet0(void)
{
    FWPM_SERVICE_STATE state;

    runtime_lock();
    state = runtime.channel < 0 ? FWPM_SERVICE_STOPPED : runtime.state;
    runtime_unlock();
    return state;
}

EXPORT NTSTATUS NTAPI FwpmBfeStateSubscribeChanges0(void *deviceObject,
                                                    FWPM_SERVICE_STATE_CHANGE_CALLBACK0 callback,
                                                    void *context, HANDLE *changeHandle)
{
    struct state_subscription *subscription;

    if (!callback || !changeHandle)
        return STATUS_FWP_NULL_POINTER;
    subscription = calloc(1, sizeof(*subscription));
    if (!subscription)
        return STATUS_INSUFFICIENT_RESOURCES;
    subscription->callback = callback;
    subscription->context = context;
    runtime_lock();
    subscription->told = runtime.state;
    subscription->next = runtime.subscriptions;
    runtime.subscriptions = subscription;
    runtime_unlock();
    *changeHandle = subscription;
    return STATUS_SUCCESS;
}

EXPORT NTSTATUS NTAPI FwpmBfeStateUnsubscribeChanges0(HANDLE changeHandle)
{
    struct state_subscription **link = &runtime.subscriptions, *found;

    runtime_lock();
    while (*link && *link != changeHandle)
        link = &(*link)->next;
    found = *link;
    while (found && found->running)
        runtime_wait();
    for (link = &runtime.subscriptions; *link && *link != changeHandle;)
        link = &(*link)->next;
    if (found)
        *link = found->next;
    runtime_unlock();
    free(found);
    return found ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

/* S4: nobody would tell a driver that has not subscribed when to try again. */
bool management_may_open(void)
{
    bool may;

    runtime_lock();
    while (runtime.channel >= 0 && !runtime.closed && !runtime.subscriptions &&
           runtime.state == FWPM_SERVICE_START_PENDING)
        runtime_wait();
    may = runtime.channel < 0 || runtime.state == FWPM_SERVICE_RUNNING;
    runtime_unlock();
    if (!may)
        runtime_log("FwpmEngineOpen0: the base filtering engine is not running; "
                    "FwpmBfeStateSubscribeChanges0 tells when it is");
    return may;
}

/* With the lock held, which is free while the callback runs. False: everybody knows. */
static bool tell_one(FWPM_SERVICE_STATE state)
{
    struct state_subscription *subscription = runtime.subscriptions;

    while (subscription && subscription->told == state)
        subscription = subscription->next;
    if (!subscription)
        return false;
    subscription->told = state;
    subscription->running = true;
    runtime_unlock();
    subscription->callback(subscription->context, state);
    runtime_lock();
    subscription->running = false;
    runtime_changed();
    return true;
}

void state_changed(struct operation *operation, struct work *work)
{
    const struct driver_state *message = work_about(work);
    FWPM_SERVICE_STATE state = (FWPM_SERVICE_STATE)message->state;

    runtime_lock();
    runtime.state = state;
    runtime_changed();
    while (tell_one(state))
        ;
    runtime_unlock();
    if (state == FWPM_SERVICE_STOP_PENDING && runtime.host.on_close)
        runtime.host.on_close(runtime.host.context);
    free(work);
}
