/* Bytes on their way in or out of one connection, counted on its user's account. */
#ifndef OPENWFP_BFE_BUFFER_H
#define OPENWFP_BFE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account.h"

struct buffer {
    struct accounts *accounts;
    struct account *account;
    uint8_t *memory;
    size_t head, used, capacity; /* the content is memory[head .. head + used) */
};

static inline uint8_t *buffer_content(const struct buffer *buffer)
{
    return buffer->memory + buffer->head;
}

/* Room for `more` bytes behind the content; NULL: memory is short or the account is exhausted. */
uint8_t *buffer_room(struct buffer *buffer, size_t more);
bool buffer_append(struct buffer *buffer, const void *bytes, size_t size);
/* Drops bytes from the front; a buffer that got empty keeps little memory. */
void buffer_consume(struct buffer *buffer, size_t size);
void buffer_free(struct buffer *buffer);

#endif
