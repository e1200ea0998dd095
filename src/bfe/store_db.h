/*
 * The SQLite file of what outlasts the machine's power: entries, a row each, and the number of the
 * last transaction. Rows carry a CRC: a flipped bit is a damaged store, not another policy.
 *
 * One process has it at a time. A transaction is durable when store_db_commit returns; power lost
 * at any moment leaves all of it or nothing.
 */
#ifndef OPENWFP_BFE_STORE_DB_H
#define OPENWFP_BFE_STORE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "store_entry.h"
#include "store_file.h"

struct sqlite3;
struct sqlite3_stmt;

enum store_db_state {
    STORE_DB_READY,
    STORE_DB_FRESH,   /* there was none; an empty one was made */
    STORE_DB_DAMAGED, /* it can be read no more */
    STORE_DB_REFUSED, /* not to be used as it is, and not to be touched */
};

struct store_db {
    const char *path;
    struct sqlite3 *db; /* NULL: not open */
    struct sqlite3_stmt *put, *delete, *number;
    uint64_t sequence; /* of the last transaction; of a new store random, so that two differ */
    char why[STORE_WHY];
};

/* For all but STORE_DB_READY `why` says what is wrong and what to do. `path` must outlive it. */
enum store_db_state store_db_open(struct store_db *db, const char *path);
void store_db_close(struct store_db *db);

/*
 * Hands over the entries in the order in which things were first heard of. Non-zero stops and is
 * returned. -EUCLEAN: a row is damaged, `why` says which.
 */
typedef int store_db_entry_fn(void *ctx, const struct store_entry *entry, const uint8_t *bytes,
                              size_t size);
int store_db_each(struct store_db *db, store_db_entry_fn *fn, void *ctx);

/* A transaction. 0, or a negative errno and `why`; then only rollback is left. */
int store_db_begin(struct store_db *db);
int store_db_put(struct store_db *db, const struct store_entry *entry, const uint8_t *bytes,
                 size_t size);
int store_db_delete(struct store_db *db, const struct store_entry *entry);
int store_db_clear(struct store_db *db);
int store_db_commit(struct store_db *db, uint64_t sequence);
/* Whether it is sure that nothing of the transaction is there. */
bool store_db_rollback(struct store_db *db);

#endif
