/*
 * Frames on a stream socket: the length of a message as four bytes, little endian, then the
 * message. Readers and writers keep what is incomplete, so they work on blocking and non-blocking
 * sockets. Nothing is reserved for bytes that a peer announced but has not sent.
 */
#ifndef OPENWFP_RPC_FRAME_H
#define OPENWFP_RPC_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#define RPC_DOOR_BYTE 'C' /* comes with a connection that is handed through a driver's door */

#define FRAME_HEADER 4
#define FRAME_MAX    (16u << 20)

struct frame_reader {
    uint8_t *bytes;
    size_t capacity;
    size_t start, end; /* what is read but not yet taken */
    size_t limit;      /* longest message */
};

void frame_reader_init(struct frame_reader *reader, size_t limit);
void frame_reader_free(struct frame_reader *reader);

/*
 * One read from the socket. Returns the number of bytes, 0 at the end of the stream, or a negative
 * errno: -EAGAIN when nothing is there now, -ENOMEM.
 */
int frame_read(struct frame_reader *reader, int fd);

/*
 * Takes the next message. Returns 1; 0 when more has to be read; -EMSGSIZE when the peer announced
 * a message above the limit: the stream is useless then. *message is valid until frame_read.
 */
int frame_next(struct frame_reader *reader, const uint8_t **message, size_t *size);

struct frame_writer {
    uint8_t *bytes;
    size_t capacity;
    size_t start, end; /* what is queued but not yet written */
    size_t limit;      /* of the queue */
};

void frame_writer_init(struct frame_writer *writer, size_t limit);
void frame_writer_free(struct frame_writer *writer);

/*
 * Queues a message. -EMSGSIZE: it is above FRAME_MAX; -ENOBUFS: the queue is full because the peer
 * does not read; -ENOMEM. A failed call queues nothing.
 */
int frame_put(struct frame_writer *writer, const ProtobufCMessage *message);

/* Writes what is queued. 0: all of it; -EAGAIN: some is left; or another negative errno. */
int frame_flush(struct frame_writer *writer, int fd);

size_t frame_pending(const struct frame_writer *writer);

#endif
