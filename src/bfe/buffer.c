#include "buffer.h"

#include <stdlib.h>
#include <string.h>

#define SMALLEST 4096u
#define KEEP     16384u /* an empty buffer larger than this is freed */

static size_t larger(size_t capacity, size_t needed)
{
    if (capacity < SMALLEST)
        capacity = SMALLEST;
    while (capacity < needed)
        capacity *= 2;
    return capacity;
}

static bool grow(struct buffer *buffer, size_t needed)
{
    size_t capacity = larger(buffer->capacity, needed);
    size_t more = capacity - buffer->capacity;
    uint8_t *memory;

    if (!account_take(buffer->accounts, buffer->account, more))
        return false;
    memory = realloc(buffer->memory, capacity);
    if (!memory) {
        account_give(buffer->accounts, buffer->account, more);
        return false;
    }
    buffer->memory = memory;
    buffer->capacity = capacity;
    return true;
}

uint8_t *buffer_room(struct buffer *buffer, size_t more)
{
    if (buffer->head && buffer->head + buffer->used + more > buffer->capacity) {
        memmove(buffer->memory, buffer_content(buffer), buffer->used);
        buffer->head = 0;
    }
    if (buffer->used + more > buffer->capacity && !grow(buffer, buffer->used + more))
        return NULL;
    return buffer_content(buffer) + buffer->used;
}

bool buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
    uint8_t *room = buffer_room(buffer, size);

    if (!room)
        return false;
    memcpy(room, bytes, size);
    buffer->used += size;
    return true;
}

void buffer_consume(struct buffer *buffer, size_t size)
{
    buffer->head += size;
    buffer->used -= size;
    if (buffer->used)
        return;
    buffer->head = 0;
    if (buffer->capacity > KEEP)
        buffer_free(buffer);
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->memory);
    account_give(buffer->accounts, buffer->account, buffer->capacity);
    buffer->memory = NULL;
    buffer->head = buffer->used = buffer->capacity = 0;
}
