/*
 * What concerns the database: written there before it is in force, with the journal in step.
 *
 * A commit that touches persistent or boot-time objects goes in this order. The policy is compiled;
 * the commit's record is prepared in the journal, which needs no disk; its rows and its number are
 * written in one transaction of the database, which is the moment it is decided; the kernel swaps;
 * the record counts. Killed in between, the next bfe finds a prepared record and asks the database
 * whether it has that number. If the database can't be written, nothing has changed and the caller
 * is told. If the kernel refuses after that, the database is written back.
 */
#ifndef OPENWFP_BFE_STORE_KEEP_H
#define OPENWFP_BFE_STORE_KEEP_H

#include "store.h"

/* The model's hooks of these names. */
uint32_t store_keep(struct store *store, const struct model_view *after, struct model_error *error);
void store_kept(struct store *store, bool in_force);

/* Whether objects of that lifetime belong into the database. */
bool keep_is_durable(enum model_lifetime lifetime);
/* A persistent callout: its code and its driver come back with it. */
bool keep_is_persistent(const struct store *store, const GUID *callout);
/* It serves a persistent callout, or is not to be started any more. */
bool keep_concerns_driver(const struct store *store, const GUID *driver);

/* Whether some of the store's notes are for the database. */
bool keep_concerned(const struct store *store);
/* Writes the notes into the database and the journal; on failure into neither. */
uint32_t keep_notes(struct store *store, struct model_error *error);
/* Makes the database what the model is; failures are logged. */
void keep_everything(struct store *store);

#endif
