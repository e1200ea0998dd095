/* Where operations are kept and found. */
#include "internal.h"

#include <stdlib.h>

static struct operation **bucket_of(struct hold *hold, uint64_t number)
{
    return &hold->buckets[number % HOLD_BUCKETS];
}

struct operation *operation_find(struct hold *hold, uint64_t number)
{
    struct operation *operation = *bucket_of(hold, number);

    while (operation && operation->ask.operation != number)
        operation = operation->next_in_bucket;
    return operation;
}

static struct operation **socket_bucket(struct hold *hold, uint64_t cookie)
{
    return &hold->sockets[cookie % HOLD_BUCKETS];
}

struct operation *operation_of_socket(struct hold *hold, uint64_t cookie)
{
    return *socket_bucket(hold, cookie);
}

/* One socket may have thousands: none is looked for. */
static void link_to_socket(struct hold *hold, struct operation *operation)
{
    struct operation **bucket = socket_bucket(hold, operation->ask.key.cookie);

    operation->next_of_socket = *bucket;
    if (*bucket)
        (*bucket)->place_of_socket = &operation->next_of_socket;
    operation->place_of_socket = bucket;
    *bucket = operation;
}

static void unlink_from_socket(struct operation *operation)
{
    if (operation->next_of_socket)
        operation->next_of_socket->place_of_socket = operation->place_of_socket;
    *operation->place_of_socket = operation->next_of_socket;
}

void operation_link_first(struct hold *hold, struct operation *operation)
{
    operation->previous = NULL;
    operation->next = hold->operations;
    if (hold->operations)
        hold->operations->previous = operation;
    hold->operations = operation;
}

void operation_unlink(struct hold *hold, struct operation *operation)
{
    if (operation->next)
        operation->next->previous = operation->previous;
    if (operation->previous)
        operation->previous->next = operation->next;
    else
        hold->operations = operation->next;
}

struct operation *operation_new(struct hold *hold, const struct ale_ask *ask)
{
    struct operation *operation = calloc(1, sizeof(*operation));
    struct operation **bucket = bucket_of(hold, ask->operation);

    if (!operation)
        return NULL;
    operation->ask = *ask;
    operation->last = &operation->first;
    operation->next_in_bucket = *bucket;
    *bucket = operation;
    link_to_socket(hold, operation);
    operation_link_first(hold, operation);
    hold->statistics.held++;
    return operation;
}

void operation_set_state(struct hold *hold, struct operation *operation, enum operation_state state,
                         uint64_t deadline)
{
    hold->untold -= operation->state == OPERATION_NEW;
    hold->untold += state == OPERATION_NEW;
    hold->statistics.held += operation->state == OPERATION_DECIDED;
    hold->statistics.held -= state == OPERATION_DECIDED;
    operation->state = state;
    operation->deadline = deadline;
}

void operation_free(struct hold *hold, struct operation *operation)
{
    struct operation **link = bucket_of(hold, operation->ask.operation);

    packets_drop(hold, operation);
    packet_unexpect(hold, operation);
    operation_set_state(hold, operation, OPERATION_DECIDED, 0);
    while (*link != operation)
        link = &(*link)->next_in_bucket;
    *link = operation->next_in_bucket;
    unlink_from_socket(operation);
    operation_unlink(hold, operation);
    free(operation->returned);
    free(operation);
}
