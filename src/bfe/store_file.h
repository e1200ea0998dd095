/* The store's file among others: whose it is, who may change it, where a damaged one is kept. */
#ifndef OPENWFP_BFE_STORE_FILE_H
#define OPENWFP_BFE_STORE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#define STORE_WHY 384

/*
 * 0: a file that only we and root can change, in a directory of that kind. -ENOENT: nothing is
 * there; its directory is, and was made if need be. Anything else: `why` says what to do.
 */
int store_file_check(const char *path, char why[STORE_WHY]);

/* Renames the file and its SQLite journal to PATH.WORD-TIME; `name` receives the name. */
int store_file_aside(const char *path, const char *word, char name[STORE_WHY]);

/* Whether a damaged store lies beside it: what was persistent is not known. */
bool store_file_damaged(const char *path);

/* Makes a rename or creation in its directory outlast a loss of power. */
int store_file_sync(const char *path);

/* Deletes the store, its SQLite journal and what was kept aside. 0 or -errno of the first. */
int store_file_remove(const char *path);

#endif
