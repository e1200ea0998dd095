/*
 * A disk under SQLite whose power can be cut: records every write, truncation, sync and deletion
 * of the database and its journal, and makes the files as they may be after any of them.
 */
#ifndef TESTS_BFE_RECORDER_H
#define TESTS_BFE_RECORDER_H

#include <stdbool.h>
#include <stddef.h>

enum recorder_loss {
    RECORDER_NOTHING,  /* all that was written is there */
    RECORDER_UNSYNCED, /* nothing is there that was not synced */
    RECORDER_SOME,     /* of what was not synced some, the last of it torn */
    RECORDER_LOSSES
};

/* Becomes SQLite's default; records from recorder_start, with the files as they are then. */
void recorder_install(const char *database);
void recorder_start(void);
void recorder_stop(void);
size_t recorder_count(void);

/* Makes the files what they are when the power goes after the first `cut` operations. */
void recorder_cut(size_t cut, enum recorder_loss loss, unsigned seed);
void recorder_free(void);

/* From now on operations fail like on a disk that does; the count'th is the first. 0: no more. */
void recorder_fail_from(size_t count);
/* The process ends, with this code, instead of the count'th operation. */
#define RECORDER_DIED 77
void recorder_die_at(size_t count);

#endif
