#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "crc32.h"

static const char magic[16] = "OpenWFP policy1\n";

struct record_header {
    uint32_t size, crc;
};

#define PREPARED (1u << 31) /* in the size of a record that doesn't count yet */

/* Of a record that is not complete: more than any can have. */
static const struct record_header incomplete = {UINT32_MAX, 0};

static int write_at(int fd, uint64_t where, const struct record_header *header, const void *bytes,
                    size_t size)
{
    struct iovec parts[] = {{(void *)header, header ? sizeof(*header) : 0}, {(void *)bytes, size}};
    ssize_t written = pwritev(fd, parts, 2, (off_t)where);

    if (written == (ssize_t)(parts[0].iov_len + size))
        return 0;
    return written < 0 ? -errno : -ENOSPC;
}

static int write_record(int fd, uint64_t *end, const void *record, size_t size)
{
    struct record_header header = {(uint32_t)size, crc32_of(record, size)};
    int code = write_at(fd, *end, &header, record, size);

    if (code)
        return ftruncate(fd, (off_t)*end) < 0 ? -errno : code;
    *end += sizeof(header) + size;
    return 0;
}

static int open_new(const char *path, uint64_t *end)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return -errno;
    if (pwrite(fd, magic, sizeof(magic), 0) != sizeof(magic)) {
        int code = errno ? -errno : -ENOSPC;
        close(fd);
        return code;
    }
    *end = sizeof(magic);
    return fd;
}

/* The record at bytes, or NULL when what is there is not a whole one. */
static const uint8_t *whole_record(const uint8_t *bytes, uint64_t left, size_t *size,
                                   bool *prepared)
{
    struct record_header header;

    if (left < sizeof(header))
        return NULL;
    memcpy(&header, bytes, sizeof(header));
    *prepared = header.size & PREPARED;
    header.size &= ~PREPARED;
    if (header.size > JOURNAL_RECORD_MAX || header.size > left - sizeof(header))
        return NULL;
    bytes += sizeof(header);
    *size = header.size;
    return crc32_of(bytes, header.size) == header.crc ? bytes : NULL;
}

/* Makes a prepared record one that counts. */
static int count_record(const struct journal *journal, size_t size)
{
    const uint32_t counts = (uint32_t)size;
    ssize_t written = pwrite(journal->fd, &counts, sizeof(counts), (off_t)journal->size);

    return written == sizeof(counts) ? 0 : written < 0 ? -errno : -ENOSPC;
}

static int read_records(struct journal *journal, const uint8_t *file, uint64_t length,
                        journal_record_fn *fn, void *ctx)
{
    const uint8_t *record;
    bool prepared;
    size_t size;
    int code;

    journal->size = sizeof(magic);
    while (
        (record = whole_record(file + journal->size, length - journal->size, &size, &prepared))) {
        code = fn(ctx, record, size, prepared);
        if (code == JOURNAL_WITHDRAW)
            break;
        if (!code && prepared)
            code = count_record(journal, size);
        if (code)
            return code;
        journal->size += sizeof(struct record_header) + size;
    }
    journal->cut = length - journal->size;
    if (journal->cut && ftruncate(journal->fd, (off_t)journal->size) < 0)
        return -errno;
    return 0;
}

static int read_file(struct journal *journal, uint64_t length, journal_record_fn *fn, void *ctx)
{
    uint8_t *file = mmap(NULL, length, PROT_READ, MAP_PRIVATE, journal->fd, 0);
    int code = -EPROTO;

    if (file == MAP_FAILED)
        return -errno;
    if (!memcmp(file, magic, sizeof(magic)))
        code = read_records(journal, file, length, fn, ctx);
    munmap(file, length);
    return code;
}

/* A file shorter than its magic was torn at its very making: it holds nothing. */
static int read_or_make(struct journal *journal, journal_record_fn *fn, void *ctx)
{
    struct stat st;

    journal->fd = open(journal->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (journal->fd >= 0 && fstat(journal->fd, &st) < 0)
        return -errno;
    if (journal->fd >= 0 && st.st_size >= (off_t)sizeof(magic))
        return read_file(journal, (uint64_t)st.st_size, fn, ctx);
    if (journal->fd < 0 && errno != ENOENT)
        return -errno;
    if (journal->fd >= 0)
        close(journal->fd);
    journal->fd = open_new(journal->path, &journal->size);
    return journal->fd < 0 ? journal->fd : 0;
}

int journal_open(struct journal *journal, const char *path, journal_record_fn *fn, void *ctx)
{
    int code;

    *journal = (struct journal){.path = path, .fd = -1, .draft = -1};
    if (asprintf(&journal->draft_path, "%s.new", path) < 0) {
        journal->draft_path = NULL;
        return -ENOMEM;
    }
    code = read_or_make(journal, fn, ctx);
    if (code)
        journal_close(journal);
    return code;
}

void journal_close(struct journal *journal)
{
    journal_rewrite_abort(journal);
    if (journal->fd >= 0)
        close(journal->fd);
    free(journal->draft_path);
    journal->draft_path = NULL;
    journal->fd = -1;
}

static int give_up_parts(struct journal *journal, int code)
{
    journal->part = 0;
    return ftruncate(journal->fd, (off_t)journal->size) < 0 ? -errno : code;
}

int journal_append_part(struct journal *journal, const void *part, size_t size)
{
    uint64_t where = journal->size + (journal->part ? sizeof(incomplete) + journal->part : 0);
    int code = -EFBIG;

    if (size <= JOURNAL_RECORD_MAX - journal->part)
        code = write_at(journal->fd, where, journal->part ? NULL : &incomplete, part, size);
    if (code)
        return give_up_parts(journal, code);
    journal->part_crc = crc32_more(journal->part ? journal->part_crc : 0, part, size);
    journal->part += size;
    return 0;
}

/* The header that makes the parts a record. */
static int head_parts(struct journal *journal, uint32_t flag)
{
    const struct record_header header = {(uint32_t)journal->part | flag, journal->part_crc};
    int code = write_at(journal->fd, journal->size, &header, NULL, 0);

    return code ? give_up_parts(journal, code) : 0;
}

int journal_prepare(struct journal *journal, const void *record, size_t size)
{
    int code = journal_append_part(journal, record, size);

    return code ? code : head_parts(journal, PREPARED);
}

int journal_confirm(struct journal *journal)
{
    int code = head_parts(journal, 0);

    if (code)
        return code;
    journal->size += sizeof(struct record_header) + journal->part;
    journal->part = 0;
    return 0;
}

int journal_withdraw(struct journal *journal)
{
    return give_up_parts(journal, 0);
}

static int end_parts(struct journal *journal, const void *last, size_t size)
{
    int code = journal_append_part(journal, last, size);

    return code ? code : journal_confirm(journal);
}

int journal_append(struct journal *journal, const void *record, size_t size)
{
    if (journal->part)
        return end_parts(journal, record, size);
    if (size > JOURNAL_RECORD_MAX)
        return -EFBIG;
    if (journal->draft >= 0)
        return write_record(journal->draft, &journal->draft_size, record, size);
    return write_record(journal->fd, &journal->size, record, size);
}

int journal_rewrite_begin(struct journal *journal)
{
    if (journal->part)
        give_up_parts(journal, 0);
    journal->draft = open_new(journal->draft_path, &journal->draft_size);
    return journal->draft < 0 ? journal->draft : 0;
}

int journal_rewrite_end(struct journal *journal)
{
    if (rename(journal->draft_path, journal->path) < 0) {
        int code = -errno;
        journal_rewrite_abort(journal);
        return code;
    }
    close(journal->fd);
    journal->fd = journal->draft;
    journal->size = journal->draft_size;
    journal->draft = -1;
    return 0;
}

void journal_rewrite_abort(struct journal *journal)
{
    if (journal->draft < 0)
        return;
    close(journal->draft);
    unlink(journal->draft_path);
    journal->draft = -1;
}
