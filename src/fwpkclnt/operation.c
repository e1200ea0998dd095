/* Operations, their inboxes, and the threads that run them. */
#include <stdlib.h>
#include <string.h>

#include "fwpkclnt/runtime.h"

struct work *work_new(void (*run)(struct operation *operation, struct work *work),
                      const void *about, size_t size)
{
    struct work *work = malloc(sizeof(*work) + size);

    if (work) {
        work->run = run;
        memcpy(work_about(work), about, size);
    }
    return work;
}

struct operation *operation_find(uint64_t number)
{
    struct node *node = table_find(&runtime.operations, number);

    return node ? NODE_OF(node, struct operation, node) : NULL;
}

struct operation *operation_get(uint64_t number)
{
    struct operation *operation = operation_find(number);

    if (operation)
        return operation;
    operation = calloc(1, sizeof(*operation));
    if (operation) {
        operation->inbox_last = &operation->inbox;
        table_add(&runtime.operations, &operation->node, number);
    }
    return operation;
}

static void make_ready(struct operation *operation)
{
    if (operation->scheduled)
        return;
    operation->scheduled = true;
    operation->ready_next = NULL;
    *runtime.ready_last = operation;
    runtime.ready_last = &operation->ready_next;
}

static void wake_one(void)
{
    if (runtime.idle)
        pthread_cond_signal(&runtime.ready);
}

void operation_post(struct operation *operation, struct work *work)
{
    work->next = NULL;
    *operation->inbox_last = work;
    operation->inbox_last = &work->next;
    if (operation->awaiters)
        runtime_changed();
    else
        make_ready(operation);
}

struct work *operation_take(struct operation *operation)
{
    struct work *work = operation->inbox;

    if (!work)
        return NULL;
    operation->inbox = work->next;
    if (!operation->inbox)
        operation->inbox_last = &operation->inbox;
    return work;
}

void operation_settle(struct operation *operation)
{
    if (operation->inbox && !operation->awaiters) {
        make_ready(operation);
        wake_one();
    }
    if (operation->inbox || operation->scheduled || operation->awaiters || operation->pends ||
        operation->undecided)
        return;
    table_remove(&runtime.operations, &operation->node);
    if (operation->packet)
        packet_release(operation->packet);
    free(operation);
}

bool operation_post_event(struct work *work)
{
    struct operation *events;

    runtime_lock();
    events = operation_get(0);
    if (events) {
        operation_post(events, work);
        wake_one();
    }
    runtime_unlock();
    return events;
}

/*
 * A thread that reads a message also runs it: a wakeup costs more than most classifies. Meanwhile
 * another one waits for messages, and idle ones take over what is more than that.
 *
 * All with the lock held, which is free while they wait or run.
 */

static void read_some(void)
{
    runtime.readers++;
    runtime_unlock();
    channel_wait();
    runtime_lock();
    runtime.readers--;
    if (runtime.closed || channel_read())
        return;
    runtime.closed = true;
    runtime_changed();
    runtime_unlock();
    channel_closed();
    runtime_lock();
}

static void run_one(void)
{
    struct operation *operation = runtime.ready_first;
    struct work *work = operation->awaiters ? NULL : operation_take(operation);

    runtime.ready_first = operation->ready_next;
    if (!runtime.ready_first)
        runtime.ready_last = &runtime.ready_first;
    if (runtime.ready_first || !runtime.readers)
        wake_one(); /* to run that, or to read */
    if (work) {
        runtime_unlock();
        work->run(operation, work);
        runtime_lock();
    }
    operation->scheduled = false;
    operation_settle(operation);
}

static void idle(void)
{
    runtime.idle++;
    pthread_cond_wait(&runtime.ready, &runtime.lock);
    runtime.idle--;
}

void *operation_run(void *nothing)
{
    runtime_lock();
    while (!runtime.stopping || runtime.ready_first) {
        bool read_elsewhere = runtime.readers || runtime.idle || runtime.closed;

        if (runtime.ready_first && read_elsewhere)
            run_one();
        else if (runtime.readers < RUNTIME_READERS && !runtime.closed)
            read_some();
        else
            idle();
    }
    runtime_unlock();
    return NULL;
}

static void drop(struct operation *operation)
{
    struct work *work;

    while ((work = operation_take(operation)))
        free(work);
    operation->scheduled = operation->undecided = false;
    operation->pends = operation->awaiters = 0;
    operation_settle(operation);
}

void operation_drop_all(void)
{
    for (unsigned i = 0; i < TABLE_BUCKETS; i++)
        while (runtime.operations.buckets[i])
            drop(NODE_OF(runtime.operations.buckets[i], struct operation, node));
    runtime.ready_first = NULL;
    runtime.ready_last = &runtime.ready_first;
}
