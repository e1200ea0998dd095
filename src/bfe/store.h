/*
 * The policy over the service's death, and over the machine's.
 *
 * The journal, in /run, is the whole record of this boot: every commit's static, persistent and
 * boot-time objects, with keys, ids, owners and descriptors, and what was set of options, security,
 * callout code and drivers. The database (store_db.h) holds what outlasts the boot: persistent and
 * boot-time objects, options, descriptors, the code and drivers of persistent callouts. When both
 * are there the database says what is persistent, and the journal all else.
 *
 * The store is a session of the model that sees all changes. What one call to the service changed
 * becomes one record of the journal before that call is answered; a call that never was answered
 * may be missing after a restart, an answered one never is. What concerns the database is in it,
 * durably, before it is in force (store_keep.h). Dynamic objects are not kept: their sessions die
 * with the service.
 *
 * The journal grows by what changes, not by what there is, and is rewritten when most of it is
 * history.
 */
#ifndef OPENWFP_BFE_STORE_H
#define OPENWFP_BFE_STORE_H

#include "journal.h"
#include "model/model.h"
#include "rpc/arena.h"
#include "store_db.h"

#define STORE_PART (1u << 18) /* a long record is written in parts of this size */

struct drivers;
struct engine;

struct store_note {
    uint8_t class, kind;
    bool fresh, gone, keyed; /* an object that was added, that was deleted; a key that counts */
    bool durable;            /* concerns the database too */
    GUID key;
};

struct store {
    struct model *model;
    struct engine *engine;
    struct drivers *drivers;
    struct model_session *session;
    struct journal journal;
    struct store_db db;
    bool damaged; /* what was persistent is not known: a damaged database lies beside ours, */
    bool lost;    /* since this start */
    bool behind;  /* the database lacks changes: the next transaction writes all of it */
    struct {
        bool going_on; /* from store_keep to store_kept */
        bool prepared; /* the journal has the record too */
        bool callouts; /* a callout of the commit may have code or a driver */
        uint64_t sequence;
    } keep;
    bool open;   /* the journal is there and the policy of the last run is in the model */
    bool failed; /* the last write failed, which was said in the log */
    struct store_note *notes; /* what has changed since the last flush */
    size_t note_count, note_room;
    struct store_note *descriptors; /* containers and layers whose descriptor was ever set */
    size_t descriptor_count;
    uint64_t reserved[MODEL_KINDS]; /* ids up to here are accounted for in the journal */
    uint64_t used[MODEL_KINDS];
    uint64_t live;      /* of the journal's bytes, about how many are not history */
    bool stale;         /* the journal lacks changes: only a rewrite brings it up to date */
    struct arena arena; /* of the record being built */
    struct {
        uint8_t *bytes;
        size_t used, room;
    } record;
};

struct store_paths {
    const char *journal, *database;
};

/* Opens both and brings their policy into the model. 0 or a negative errno, logged. */
int store_open(struct store *store, struct model *model, struct engine *engine,
               struct drivers *drivers, const struct store_paths *paths);
void store_close(struct store *store);

/* From the model's `changed` hook, for changes told to store->session. */
void store_changed(struct store *store, const struct model_change *changes, size_t count);
void store_note_driver(struct store *store, const GUID *driver);

/* After a change that is no commit of objects. Not ERROR_SUCCESS: it can't be kept, undo it. */
uint32_t store_keep_option(struct store *store, FWPM_ENGINE_OPTION option,
                           struct model_error *error);
uint32_t store_keep_security(struct store *store, enum model_kind kind, const GUID *key,
                             struct model_error *error);
uint32_t store_keep_code(struct store *store, const GUID *callout, struct model_error *error);

/* Writes what was noted as one record. */
void store_flush(struct store *store);

/* For the store's own parts. */
void store_note(struct store *store, const struct store_note *what);
void store_record_shrink(struct store *store);

#endif
