#include <stdlib.h>
#include <string.h>

#include "client.h"

#define MEMORY_MAGIC 0x4f574d50u

/* What lies in front of every pointer that FwpmFreeMemory0 takes. */
struct memory_head {
    struct result *result; /* NULL: the head itself is what malloc gave */
    uint32_t magic;
    _Alignas(16) uint8_t payload[];
};

struct result *result_new(size_t limit)
{
    struct result *result = malloc(sizeof(*result));

    if (!result)
        return NULL;
    arena_init(&result->arena, limit);
    return result;
}

void result_free(struct result *result)
{
    if (!result)
        return;
    arena_free(&result->arena);
    free(result);
}

void *result_payload(struct result *result, size_t size)
{
    struct memory_head *head = arena_alloc(&result->arena, sizeof(*head) + size);

    if (!head)
        return NULL;
    head->result = result;
    head->magic = MEMORY_MAGIC;
    return head->payload;
}

void *memory_new(size_t size)
{
    struct memory_head *head = calloc(1, sizeof(*head) + size);

    if (!head)
        return NULL;
    head->magic = MEMORY_MAGIC;
    return head->payload;
}

/* Tolerates NULL and a pointer to NULL; nulls the pointer (rule 9.11). */
EXPORT void WINAPI FwpmFreeMemory0(void **p)
{
    struct memory_head *head;

    if (!p || !*p)
        return;
    head = (struct memory_head *)((uint8_t *)*p - offsetof(struct memory_head, payload));
    *p = NULL;
    if (head->magic != MEMORY_MAGIC)
        return;
    head->magic = 0;
    if (head->result)
        result_free(head->result);
    else
        free(head);
}
