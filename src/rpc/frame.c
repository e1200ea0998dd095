#include "rpc/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FRAME_START 4096         /* first size of a buffer */
#define FRAME_KEEP  (256u << 10) /* an empty buffer above this goes back to the system */

/* Makes room for `more` bytes behind *end: by moving what is there to the front, then by growing.
 */
static int make_room(uint8_t **bytes, size_t *capacity, size_t *start, size_t *end, size_t more)
{
    size_t used = *end - *start, wanted = *capacity ? *capacity : FRAME_START;
    uint8_t *grown;

    if (*capacity - *end >= more)
        return 0;
    if (*start && *start >= used) {
        memmove(*bytes, *bytes + *start, used);
        *start = 0;
        *end = used;
        if (*capacity - used >= more)
            return 0;
    }
    while (wanted - *end < more)
        wanted *= 2;
    grown = realloc(*bytes, wanted);
    if (!grown)
        return -ENOMEM;
    *bytes = grown;
    *capacity = wanted;
    return 0;
}

static void drop_empty(uint8_t **bytes, size_t *capacity, size_t *start, size_t *end)
{
    if (*start != *end)
        return;
    *start = *end = 0;
    if (*capacity > FRAME_KEEP) {
        free(*bytes);
        *bytes = NULL;
        *capacity = 0;
    }
}

/* ---- reading */

void frame_reader_init(struct frame_reader *reader, size_t limit)
{
    *reader = (struct frame_reader){.limit = limit < FRAME_MAX ? limit : FRAME_MAX};
}

void frame_reader_free(struct frame_reader *reader)
{
    free(reader->bytes);
    *reader = (struct frame_reader){.limit = reader->limit};
}

int frame_read(struct frame_reader *reader, int fd)
{
    ssize_t got;
    int result;

    drop_empty(&reader->bytes, &reader->capacity, &reader->start, &reader->end);
    result =
        make_room(&reader->bytes, &reader->capacity, &reader->start, &reader->end, FRAME_START / 2);
    if (result)
        return result;
    do
        got = recv(fd, reader->bytes + reader->end, reader->capacity - reader->end, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    reader->end += got;
    return (int)got;
}

static uint32_t load_length(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

int frame_next(struct frame_reader *reader, const uint8_t **message, size_t *size)
{
    size_t there = reader->end - reader->start;
    uint32_t length;

    if (there < FRAME_HEADER)
        return 0;
    length = load_length(reader->bytes + reader->start);
    if (length > reader->limit)
        return -EMSGSIZE;
    if (there - FRAME_HEADER < length)
        return 0;
    *message = reader->bytes + reader->start + FRAME_HEADER;
    *size = length;
    reader->start += FRAME_HEADER + length;
    return 1;
}

/* ---- writing */

void frame_writer_init(struct frame_writer *writer, size_t limit)
{
    *writer = (struct frame_writer){.limit = limit};
}

void frame_writer_free(struct frame_writer *writer)
{
    free(writer->bytes);
    *writer = (struct frame_writer){.limit = writer->limit};
}

static void store_length(uint8_t *bytes, uint32_t length)
{
    for (int i = 0; i < FRAME_HEADER; i++)
        bytes[i] = (uint8_t)(length >> 8 * i);
}

int frame_put(struct frame_writer *writer, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes;
    int result;

    if (size > FRAME_MAX)
        return -EMSGSIZE;
    if (frame_pending(writer) + FRAME_HEADER + size > writer->limit)
        return -ENOBUFS;
    result = make_room(&writer->bytes, &writer->capacity, &writer->start, &writer->end,
                       FRAME_HEADER + size);
    if (result)
        return result;
    bytes = writer->bytes + writer->end;
    store_length(bytes, (uint32_t)size);
    protobuf_c_message_pack(message, bytes + FRAME_HEADER);
    writer->end += FRAME_HEADER + size;
    return 0;
}

int frame_flush(struct frame_writer *writer, int fd)
{
    while (writer->start < writer->end) {
        ssize_t put =
            send(fd, writer->bytes + writer->start, writer->end - writer->start, MSG_NOSIGNAL);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -errno;
        writer->start += put;
    }
    drop_empty(&writer->bytes, &writer->capacity, &writer->start, &writer->end);
    return 0;
}

size_t frame_pending(const struct frame_writer *writer)
{
    return writer->end - writer->start;
}
