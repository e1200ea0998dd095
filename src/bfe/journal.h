/*
 * A file of records, each whole or not there: the policy as it must outlive the service.
 *
 * A record is its length, its CRC-32 and its bytes, written by one write(); of one written in parts
 * the length comes last. A file that ends inside a record (the writer was killed) is cut back to
 * the last whole one. It lives in /run, so what is written is safe from our death; it need not be
 * safe from the machine's.
 *
 * A record may first be prepared: it is all there, but whether it counts is decided elsewhere
 * (store_keep.h), and asked for when it is found at opening.
 */
#ifndef OPENWFP_BFE_JOURNAL_H
#define OPENWFP_BFE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_RECORD_MAX (256u << 20)

struct journal {
    const char *path;
    char *draft_path;
    int fd;    /* where records are appended */
    int draft; /* the file that will replace it, while it is rewritten; -1 otherwise */
    uint64_t size, draft_size;
    uint64_t part; /* bytes of the record that was begun in parts or prepared */
    uint32_t part_crc;
    uint64_t cut; /* bytes of a torn record dropped at opening */
};

#define JOURNAL_WITHDRAW 1

/*
 * Receives a whole record. Negative stops reading and is what journal_open returns. Of a prepared
 * record, which can only be the last: 0 and it counts, JOURNAL_WITHDRAW and it is cut off.
 */
typedef int journal_record_fn(void *ctx, const uint8_t *record, size_t size, bool prepared);

/*
 * Opens or creates the file and hands over its records in order. 0, or a negative errno:
 * -EPROTO when the file is not a journal of this version. `path` must outlive the journal.
 */
int journal_open(struct journal *journal, const char *path, journal_record_fn *fn, void *ctx);
void journal_close(struct journal *journal);

/* 0 or a negative errno; after a failure the file is as it was. */
int journal_append(struct journal *journal, const void *record, size_t size);
/* The same for the beginning of a record, which journal_append then ends. After a failure nothing
 * is left of the record. */
int journal_append_part(struct journal *journal, const void *part, size_t size);

/* Like journal_append; the record counts when it is confirmed, and is gone when it is withdrawn.
 * One of the two comes before anything else. */
int journal_prepare(struct journal *journal, const void *record, size_t size);
int journal_confirm(struct journal *journal);
int journal_withdraw(struct journal *journal);

/* Rewriting: records given between begin and end replace the whole file at once. */
int journal_rewrite_begin(struct journal *journal);
int journal_rewrite_end(struct journal *journal);
void journal_rewrite_abort(struct journal *journal);

#endif
