/*
 * Pended operations. A completion context is the number of a pend, which is given once and is gone
 * with the first completion; so a second one, or one that comes too late, finds nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "fwpkclnt/pend.h"
#include "fwpkclnt/runtime.h"

struct pend {
    struct node node;
    uint64_t operation;
    uint32_t callout_id;
    enum layer_role role;
    bool answered; /* the engine was told that it is pended */
    bool early;    /* completed inside its own classify, */
    struct driver_complete early_how;
};

static struct pend *find(uint64_t number)
{
    struct node *node = table_find(&runtime.pends, number);

    return node ? NODE_OF(node, struct pend, node) : NULL;
}

/* ---- begin ---- */

NTSTATUS pend_begin(struct classify *classify)
{
    struct pend *pend = calloc(1, sizeof(*pend));
    struct operation *operation;

    if (!pend)
        return STATUS_INSUFFICIENT_RESOURCES;
    pend->operation = classify->message->header.operation;
    pend->callout_id = classify->message->ask.callout_id;
    pend->role = layer_role(classify->message->ask.layer);
    runtime_lock();
    classify->pend = ++runtime.last_number;
    table_add(&runtime.pends, &pend->node, classify->pend);
    operation = operation_find(pend->operation);
    operation->pends++;
    operation->undecided = true;
    runtime_unlock();
    return STATUS_SUCCESS;
}

/* A reauthorization; but not the classify that a completion has brought about. */
static bool reauthorizes(const struct driver_classify *message)
{
    const struct classify_key *fields = &message->ask.fields;
    uint64_t reason = fields->value[CLASSIFY_REAUTHORIZE_REASON];

    return fields->present >> CLASSIFY_REAUTHORIZE_REASON & 1 && reason &&
           !(reason & FWP_CONDITION_REAUTHORIZE_REASON_CLASSIFY_COMPLETION);
}

EXPORT NTSTATUS NTAPI FwpsPendOperation0(HANDLE completionHandle, HANDLE *completionContext)
{
    struct classify *classify = classify_current;
    enum layer_role role;
    NTSTATUS status;

    if (!completionHandle || !completionContext)
        return STATUS_FWP_NULL_POINTER;
    if (!classify || (uintptr_t)completionHandle != classify->number || classify->pend)
        return STATUS_INVALID_PARAMETER;
    role = layer_role(classify->message->ask.layer);
    if (role < ROLE_ASSIGNMENT || role > ROLE_CONNECT)
        return STATUS_FWP_CANNOT_PEND;
    if (!(classify->message->flags & DRIVER_CAN_PEND) || reauthorizes(classify->message))
        return STATUS_FWP_CANNOT_PEND;
    status = pend_begin(classify);
    if (NT_SUCCESS(status))
        *completionContext = (HANDLE)(uintptr_t)classify->pend;
    return status;
}

/* ---- end ---- */

/* With the lock held. The operation may be gone afterwards. */
static void drop(struct pend *pend)
{
    struct operation *operation = operation_find(pend->operation);

    table_remove(&runtime.pends, &pend->node);
    free(pend);
    if (operation) {
        operation->pends--;
        operation_settle(operation);
    }
    runtime_changed();
}

/* This thread is in the function that pended it. */
static bool inside(uint64_t number)
{
    for (const struct classify *classify = classify_current; classify; classify = classify->outer)
        if (classify->pend == number)
            return true;
    return false;
}

/* With the lock held. Waits until the classify has answered; NULL: there is nothing to complete, or
 * not yet. */
static struct pend *take(uint64_t number, const struct driver_complete *how)
{
    struct pend *pend = find(number);

    if (pend && !pend->answered && !pend->early && inside(number)) {
        pend->early = true;
        pend->early_how = *how;
        return NULL;
    }
    while (pend && !pend->answered && !pend->early) {
        runtime_wait();
        pend = find(number);
    }
    if (pend && !pend->answered)
        pend = NULL;
    if (!pend)
        runtime_log("completed once more, or too late: no operation is pended with context %#llx",
                    (unsigned long long)number);
    return pend;
}

static bool ends_waiting(const struct work *work, uint32_t callout_id)
{
    const struct driver_classify *message = work_about((struct work *)work);

    return work->run == pend_decided ||
           (work->run == classify_run && message->ask.callout_id == callout_id);
}

/* With the lock held. Runs here what comes for the operation, until its callout was asked again. */
static void run_until_asked(struct operation *operation, uint32_t callout_id)
{
    struct timespec until;
    bool asked = false, late = false;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += COMPLETE_WAIT_MS / 1000;
    while (!asked && !late && !runtime.closed) {
        struct work *work = operation_take(operation);

        if (work) {
            asked = ends_waiting(work, callout_id);
            runtime_unlock();
            work->run(operation, work);
            runtime_lock();
        } else {
            late = pthread_cond_timedwait(&runtime.changed, &runtime.lock, &until) == ETIMEDOUT;
        }
    }
    if (late)
        runtime_log("the engine has not asked again within %u ms of a completion",
                    COMPLETE_WAIT_MS);
}

/* With the lock held, which it gives up. */
static void complete_again(struct operation *operation, uint32_t callout_id)
{
    uint64_t number = operation->node.number;

    operation->awaiters++;
    runtime_unlock();
    channel_complete(number, 0);
    runtime_lock();
    run_until_asked(operation, callout_id);
    operation->awaiters--;
    operation_settle(operation);
    runtime_unlock();
}

/* The same at RECV_ACCEPT: its packet decides (17.5). */
static void complete_accept(struct operation *operation)
{
    uint64_t number = operation->node.number;
    bool injected = operation->injected;
    bool refused = !injected && !operation->packet->holds;

    operation->refusable = !injected && !refused;
    runtime_unlock();
    if (injected)
        channel_complete(number, 0);
    else if (refused)
        channel_complete(number, FWP_ACTION_BLOCK);
}

void pend_complete(uint64_t number, const struct driver_complete *how)
{
    struct driver_complete message = *how;
    struct pend *pend;
    struct operation *operation;
    enum layer_role role;
    uint32_t callout_id;

    runtime_lock();
    pend = take(number, how);
    if (!pend) {
        runtime_unlock();
        return;
    }
    operation = operation_find(pend->operation);
    role = pend->role;
    callout_id = pend->callout_id;
    drop(pend);
    if (message.action) {
        number = operation->node.number;
        runtime_unlock();
        channel_send(DRIVER_COMPLETE, number, &message, sizeof(message));
    } else if (role == ROLE_ACCEPT && operation->packet) {
        complete_accept(operation);
    } else {
        complete_again(operation, callout_id);
    }
}

EXPORT void NTAPI FwpsCompleteOperation0(HANDLE completionContext, NET_BUFFER_LIST *netBufferList)
{
    if (completionContext)
        pend_complete((uintptr_t)completionContext, &(struct driver_complete){0});
    else
        runtime_log("FwpsCompleteOperation0 was called with a NULL context: ignored");
}

/* ---- what the runtime tells ---- */

void pend_answered(struct operation *operation, uint64_t number)
{
    struct pend *pend;
    struct driver_complete how = {0};
    bool early;

    runtime_lock();
    pend = find(number);
    early = pend && pend->early;
    if (pend) {
        pend->answered = true;
        how = pend->early_how;
    }
    runtime_changed();
    runtime_unlock();
    /* On this thread the operation still has its classify: the second one comes on another. */
    if (early)
        pend_complete(number, &how);
}

static void drop_all(uint64_t operation, uint32_t callout_id)
{
    for (unsigned i = 0; i < TABLE_BUCKETS; i++)
        for (struct node *node = runtime.pends.buckets[i], *next; node; node = next) {
            struct pend *pend = NODE_OF(node, struct pend, node);

            next = node->next;
            if (operation ? pend->operation == operation : pend->callout_id == callout_id)
                drop(pend);
        }
}

void pend_drop_callout(uint32_t callout_id)
{
    drop_all(0, callout_id);
}

void pend_decided(struct operation *operation, struct work *work)
{
    runtime_lock();
    if (operation->pends)
        drop_all(operation->node.number, 0);
    operation->undecided = operation->refusable = false;
    runtime_unlock();
    free(work);
}
